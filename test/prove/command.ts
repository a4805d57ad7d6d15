/** The command line of `npm run prove`, as it is read, and as it is told to whoever wants to see something again. */
import { parseArgs } from "node:util"

export const argumentsIn = (args: ReadonlyArray<string>) =>
  parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string" },
      seed: { type: "string", default: String(Math.floor(Math.random() * 2 ** 31)) },
      only: { type: "string" },
      replay: { type: "string" },
      json: { type: "boolean", default: false }
    }
  }).values

/** What does a part again, or one case of it, for a shell. */
export const commandFor = (part: string, seed: number, replay: string | undefined): string =>
  [`npm run prove -- --only ${part} --seed ${seed}`, ...replay === undefined ? [] : [`--replay ${quoted(replay)}`]]
    .join(" ")

const quoted = (text: string): string => /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`
