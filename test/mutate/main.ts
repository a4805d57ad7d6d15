/**
 * `npm run mutate`: plants every small defect that there is a rule for in core, one at a time, and finds out whether a test
 * notices. See docs/MUTANTS.md.
 *
 * `-- --files GLOB` mutates these files below `packages/core/src` alone, `--only ID` judges one mutant and says by which test
 * it was noticed, `--json` prints the result as one line of JSON. Exits with 1 where the score is too low, or where the list
 * of survivors is not what was found, and with 2 where the command line is wrong.
 */
import * as os from "node:os"
import * as path from "node:path"
import { BadArguments, optionsIn, orExplain, wholeNumber } from "../commandLine.ts"
import { sources } from "./copy.ts"
import { isDetected } from "./Mutant.ts"
import { differencesText, percent, scoreOf, storyOf, table } from "./report.ts"
import { type Progress, run } from "./run.ts"
import { compare, type Differences, readSurvivors } from "./survivors.ts"
import { testFiles } from "./tests.ts"

const usage = `npm run mutate [-- options]: small defects planted in core, one at a time; does a test notice?

  --files GLOB     mutate only these files below packages/core/src
  --tests GLOB     judge by these files of tests alone, by their names: quick, and what survives them may not survive all
  --only ID        judge this one mutant, and say by which test it was noticed
  --processes N    so many at the same time; 2 if left out
  --json           the result as one line for programs on stdout, all else on stderr: npm run -s mutate -- --json
  --help           this

Exit codes: 0, all is as it should be; 1, the score is too low, or the list in docs/MUTANTS.md is not what was found; 2, this
command line. docs/MUTANTS.md says more.`

const values = orExplain(usage, () => {
  const { processes, ...given } = optionsIn(process.argv.slice(2), {
    files: { type: "string", default: "**" },
    tests: { type: "string", default: "*" },
    only: { type: "string" },
    json: { type: "boolean", default: false },
    processes: { type: "string", default: "2" }
  })
  if (![...sources().keys()].some((file) => path.matchesGlob(file, given.files))) {
    throw new BadArguments(`--files takes a glob of files below packages/core/src, and none is ${given.files}`)
  }
  const judges = testFiles().filter((file) => path.matchesGlob(path.basename(file), given.tests))
  if (judges.length === 0) throw new BadArguments(`--tests takes a glob of names of files, and none is ${given.tests}`)
  return { ...given, judges, processes: wholeNumber("--processes", processes, 1) }
})

/** Percent. */
const scoreMin = 85

const say = (line: string): void => void (values.json ? process.stderr : process.stdout).write(`${line}\n`)

const interruption = new AbortController()
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    process.exitCode = 128 + os.constants.signals[signal]
    interruption.abort()
  })
}

const begun = performance.now()
const seconds = (): number => Math.round((performance.now() - begun) / 1_000)

let saidAt = -Infinity
let told = 0
const progress = ({ judged, mutants, tests }: Progress): void => {
  for (const one of judged.slice(told)) if (!isDetected(one)) say(storyOf(one))
  told = judged.length
  if (performance.now() - saidAt < 10_000) return
  saidAt = performance.now()
  const undetected = judged.filter((one) => !isDetected(one)).length
  const so = judged.length === 0
    ? `${tests} tests run without mutants`
    : `${judged.length} of ${mutants} mutants judged, ${undetected} of them survive`
  say(`${seconds()} s: ${so}`)
}

const isMutated = (file: string): boolean => path.matchesGlob(file, values.files)

const judged = await run({
  isMutated,
  isJudged: ({ id }) => values.only === undefined || id === values.only,
  testFiles: values.judges,
  processes: values.processes,
  progress,
  signal: interruption.signal
})

/** Whether all is as it should be. */
const tell = (score: number, differences: Differences): boolean => {
  for (const line of [...table(judged), ...differencesText(differences)]) say(line)
  const isRight = Object.values(differences).every((some) => some.length === 0)
  const isEnough = score >= scoreMin
  say(
    `\n${judged.length} mutants in ${seconds()} s: ${percent(score)}${
      isEnough ? "" : `, and ${scoreMin} % is the least`
    }`
  )
  return isRight && isEnough
}

if (!interruption.signal.aborted) {
  const score = scoreOf(judged)
  const differences = compare(
    readSurvivors(),
    judged,
    (name) => values.only === undefined && isMutated(name.slice(0, name.indexOf(" ›")))
  )
  if (values.only !== undefined) { for (const one of judged) say(storyOf(one)) }
  const isWell = values.only === undefined ? tell(score, differences) : true
  if (values.json) process.stdout.write(`${JSON.stringify({ score, seconds: seconds(), differences, judged })}\n`)
  process.exitCode = isWell ? 0 : 1
  if (values.only !== undefined && judged.length === 0) {
    process.stderr.write(`there is no mutant ${values.only}; the list of all comes with --json\n`)
    process.exitCode = 2
  }
}
