/** The command line of `npm run prove`, as it is read, and as it is told to whoever wants to see something again. */
import { BadArguments, optionsIn, wholeNumber } from "../commandLine.ts"
import { shares } from "./parts.ts"

const known = shares.map(({ part }) => part.name)

const width = Math.max(...known.map((name) => name.length))

export const usage = `npm run prove [-- options]: crashes, power loss and failing calls, explored at length

  --minutes N    about so long altogether; without it each part does the whole of what it does, which takes hours
  --only A,B     only these parts, of those below
  --seed S       a whole number that repeats what was drawn; another one each time if left out
  --replay CASE  one case again, with --only and the seed as a violation tells them
  --json         a report for programs on stdout, all else on stderr: npm run -s prove -- --json
  --help         this

${shares.map(({ part }) => `  ${part.name.padEnd(width)}  ${part.title}`).join("\n")}

Exit codes: 0, nothing is wrong; 1, something is; 2, this command line; 3, nothing is, but too little was done to prove much.`

/** What is to be done; throws `BadArguments`. */
export const argumentsIn = (args: ReadonlyArray<string>) => {
  const { help, json, minutes, only, replay, seed } = optionsIn(args, {
    minutes: { type: "string" },
    seed: { type: "string" },
    only: { type: "string" },
    replay: { type: "string" },
    json: { type: "boolean", default: false }
  })
  return {
    help,
    json,
    minutes: minutes === undefined ? Infinity : minutesOf(minutes),
    only: only === undefined ? known : partsIn(only),
    replay: replay === undefined ? undefined : replayOf(replay, only),
    seed: seed === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber("--seed", seed)
  }
}

const minutesOf = (given: string): number => {
  const minutes = Number(given)
  if (Number.isFinite(minutes) && minutes > 0) return minutes
  throw new BadArguments(`--minutes takes a number above 0, not ${given}`)
}

const partsIn = (given: string): ReadonlyArray<string> => {
  const names = given.split(",")
  const unknown = names.filter((name) => !known.includes(name))
  if (unknown.length === 0) return names
  throw new BadArguments(`--only takes ${known.join(", ")}, with commas between, not ${unknown.join(", ")}`)
}

const replayOf = (given: string, only: string | undefined): string => {
  if (only !== undefined && !only.includes(",")) return given
  throw new BadArguments("--replay needs --only with the one part whose case it is")
}

/** What does a part again, or one case of it, for a shell. */
export const commandFor = (part: string, seed: number, replay: string | undefined): string =>
  [`npm run prove -- --only ${part} --seed ${seed}`, ...replay === undefined ? [] : [`--replay ${quoted(replay)}`]]
    .join(" ")

const quoted = (text: string): string => /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
