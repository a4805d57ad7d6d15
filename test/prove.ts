/**
 * `npm run prove [-- --minutes N --seed S --only a,b --json]`: all that is proved of crashes, power loss and failing calls, at
 * length. Without `--minutes` each part does the whole of what it does, which takes hours. Ends with what was done and the
 * number of violations, each with the command that shows it again.
 *
 * Exit codes: 0, nothing is wrong; 1, something is; 3, nothing is, but too little was done in the time to prove much.
 */
import { constants } from "node:os"
import { campaign, line } from "./prove/campaign.ts"
import { argumentsIn } from "./prove/command.ts"
import { shares } from "./prove/parts.ts"

const values = argumentsIn(process.argv.slice(2))

const known = shares.map(({ part }) => part.name)
const only = values.only?.split(",") ?? known
const unknown = only.filter((name) => !known.includes(name))
if (unknown.length > 0) throw new Error(`--only takes ${known.join(", ")}, not ${unknown.join(", ")}`)
const minutes = values.minutes === undefined ? Infinity : Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0) || !Number.isSafeInteger(seed)) {
  throw new Error(`--minutes is a number above 0 and --seed a whole one, not ${values.minutes} and ${values.seed}`)
}

const stopping = new AbortController()
let interruptedBy: "SIGINT" | "SIGTERM" | undefined
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interruptedBy = signal
    stopping.abort()
  })
}

// In JSON alone what comes last is for programs; the rest is for whoever watches.
const watcher = values.json ? process.stderr : process.stdout
const say = (text: string) => void watcher.write(`${text}\n`)

say(`seed ${seed}, ${minutes === Infinity ? "all of it" : `${minutes} minutes`}`)
const report = await campaign({
  shares: shares.filter(({ part }) => only.includes(part.name)),
  seed,
  minutes,
  say,
  signal: stopping.signal,
  ...(values.replay === undefined ? {} : { replay: values.replay })
})
if (values.json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
say("")
for (const part of report.parts) say(line(part))
say(`${report.violations} violations`)

const exitCode = () => {
  if (interruptedBy !== undefined) return 128 + constants.signals[interruptedBy]
  if (report.violations > 0) return 1
  return report.short > 0 ? 3 : 0
}
// Whatever else may still hold the process: what there was to do is done.
process.exit(exitCode())
