/** What came of a run, for people. */
import { isDetected, type Judged } from "./Mutant.ts"
import type { Differences } from "./survivors.ts"

/** Percent of these that some test notices. */
export const scoreOf = (judged: ReadonlyArray<Judged>): number =>
  judged.length === 0 ? 100 : 100 * judged.filter(isDetected).length / judged.length

/** Rounded down, so that what is called enough is enough. */
export const percent = (score: number): string => `${(Math.floor(score * 10) / 10).toFixed(1)} %`

const count = (judged: ReadonlyArray<Judged>, tag: Judged["fate"]["_tag"]): number =>
  judged.filter(({ fate }) => fate._tag === tag).length

const row = (name: string, judged: ReadonlyArray<Judged>): string =>
  [
    name.padEnd(36),
    percent(scoreOf(judged)).padStart(8),
    ...[judged.length, count(judged, "Killed"), count(judged, "TimedOut"), count(judged, "Survived")].map(cell),
    cell(count(judged, "Uncovered"))
  ].join("")

const cell = (value: number | string): string => String(value).padStart(10)

/** A line for each file, and one for all. */
export const table = (judged: ReadonlyArray<Judged>): ReadonlyArray<string> => [
  ["file".padEnd(36), "score".padStart(8), ...["mutants", "killed", "timed out", "survived", "uncovered"].map(cell)]
    .join(
      ""
    ),
  ...[...Map.groupBy(judged, ({ mutant }) => mutant.file)].map(([file, own]) => row(file, own)),
  row("all", judged)
]

/** Empty where the list is right. */
export const differencesText = ({ detected, gone, unlisted }: Differences): ReadonlyArray<string> => [
  ...under("These survive, and docs/MUTANTS.md does not list them:", unlisted.map(({ name }) => name)),
  ...under("These are listed in docs/MUTANTS.md, and a test notices them:", detected.map(({ name }) => name)),
  ...under("These are listed in docs/MUTANTS.md, and there are no such mutants:", gone)
]

const under = (title: string, names: ReadonlyArray<string>): ReadonlyArray<string> =>
  names.length === 0 ? [] : ["", title, ...names]

/** What became of one, in a line or two. */
export const storyOf = ({ fate, millis, mutant }: Judged): string => {
  const what = fate._tag === "Survived"
    ? `survives ${fate.tests} tests`
    : fate._tag === "Uncovered"
    ? "survives: no test comes by"
    : `${fate._tag === "Killed" ? "killed" : "timed out"} by ${fate.by}`
  return `${mutant.id} ${mutant.name}\n  packages/core/src/${mutant.file}:${mutant.line}: ${what} (${
    Math.round(millis)
  } ms)`
}
