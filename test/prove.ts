/**
 * `npm run prove [-- --minutes N --seed S --only a,b --json]`: all that is proved of crashes, power loss and failing calls, at
 * length. Without `--minutes` each part does the whole of what it does, which takes hours. Ends with what was done and the
 * number of violations, each with the command that shows it again. `--help` tells the rest.
 *
 * Exit codes: 0, nothing is wrong; 1, something is; 2, the command line is; 3, nothing is, but too little was done in the time
 * to prove much.
 */
import { constants } from "node:os"
import { orExplain } from "./commandLine.ts"
import { campaign, ending, line } from "./prove/campaign.ts"
import { argumentsIn, usage } from "./prove/command.ts"
import { shares } from "./prove/parts.ts"

const { json, minutes, only, replay, seed } = orExplain(usage, () => argumentsIn(process.argv.slice(2)))

const stopping = new AbortController()
let interruptedBy: "SIGINT" | "SIGTERM" | undefined
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.on(signal, () => {
    interruptedBy = signal
    stopping.abort()
  })
}

// In JSON alone what comes last is for programs; the rest is for whoever watches.
const watcher = json ? process.stderr : process.stdout
const say = (text: string) => void watcher.write(`${text}\n`)

say(`seed ${seed}, ${minutes === Infinity ? "all of it" : `${minutes} minutes`}`)
const report = await campaign({
  shares: shares.filter(({ part }) => only.includes(part.name)),
  seed,
  minutes,
  say,
  signal: stopping.signal,
  ...(replay === undefined ? {} : { replay })
})
if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`)
say("")
for (const part of report.parts) say(line(part))
say(ending(report))

const exitCode = () => {
  if (interruptedBy !== undefined) return 128 + constants.signals[interruptedBy]
  if (report.violations > 0) return 1
  return report.short > 0 ? 3 : 0
}
// Whatever else may still hold the process: what there was to do is done.
process.exit(exitCode())
