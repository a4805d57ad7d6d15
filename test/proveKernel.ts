/**
 * `npm run prove:kernel [-- --runs N --seed S]`: the differential of `OverlayDifferential.test.ts`, at length. Ends with how many
 * programs there were, what they met, and the number of unexplained differences; at the first one with the program that
 * shows it, and exit code 1.
 */
import { constants } from "node:os"
import { optionsIn, orExplain, wholeNumber } from "./commandLine.ts"
import { prove, stop } from "./overlay/prove.ts"

const runsDefault = 10_000

const usage = `npm run prove:kernel [-- options]: random programs on the kernel's overlays and on those in memory

  --runs N   how many; ${runsDefault} if left out
  --seed S   a whole number that repeats them; another one each time if left out
  --help     this

Exit codes: 0, the same answers; 1, a difference, which is shown; 2, this command line.`

const { SNAPSHOTTER_PATH: path, SNAPSHOTTER_SEED } = process.env
const { runs, seed } = orExplain(usage, () => {
  const { help, ...given } = optionsIn(process.argv.slice(2), { runs: { type: "string" }, seed: { type: "string" } })
  const [what, text] = given.seed === undefined ? ["SNAPSHOTTER_SEED", SNAPSHOTTER_SEED] : ["--seed", given.seed]
  return {
    help,
    runs: given.runs === undefined ? runsDefault : wholeNumber("--runs", given.runs, 1),
    seed: text === undefined ? Math.floor(Math.random() * 2 ** 31) : wholeNumber(what, text)
  }
})

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  // However often: whoever began this may send on what its whole group was sent.
  process.on(signal, () => void stop().finally(() => process.exit(128 + constants.signals[signal])))
}
process.stdout.write(`${runs} programs, seed ${seed}\n`)
try {
  const report = await prove({
    runs,
    seed,
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
