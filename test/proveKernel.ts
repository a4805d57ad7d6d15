/**
 * `npm run prove:kernel [-- --runs N --seed S]`: the differential of `OverlayDifferential.test.ts`, at length. Ends with how many
 * programs there were, what they met, and the number of unexplained differences; at the first one with the program that
 * shows it, and exit code 1.
 */
import { constants } from "node:os"
import { parseArgs } from "node:util"
import { prove, stop } from "./overlay/prove.ts"

const runsDefault = 10_000

const { values } = parseArgs({
  options: { runs: { type: "string", default: String(runsDefault) }, seed: { type: "string" } }
})
const { SNAPSHOTTER_PATH: path, SNAPSHOTTER_SEED } = process.env
const seed = values.seed ?? SNAPSHOTTER_SEED ?? String(Math.floor(Math.random() * 2 ** 31))

if (![values.runs, seed].every((number) => Number.isSafeInteger(Number(number)))) {
  throw new Error(`--runs and --seed are whole numbers, not ${values.runs} and ${seed}`)
}
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // However often: whoever began this may send on what its whole group was sent.
  process.on(signal, () => void stop().finally(() => process.exit(128 + constants.signals[signal])))
}
process.stdout.write(`${values.runs} programs, seed ${seed}\n`)
try {
  const report = await prove({
    runs: Number(values.runs),
    seed: Number(seed),
    ...(path === undefined ? {} : { path }),
    replay: "npm run prove:kernel",
    onProgress: (programs) => {
      if (programs % 500 === 0) process.stdout.write(`  ${programs} programs\n`)
    }
  })
  process.stdout.write(`${report}\n`)
} catch (error) {
  process.stdout.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
