/** Judges mutants, several at a time, on a copy that is gone afterwards. */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { core, makeCopy, sources } from "./copy.ts"
import { dryRun } from "./dryRun.ts"
import { Judge } from "./Judge.ts"
import type { Judged, Mutant } from "./Mutant.ts"

export interface Progress {
  readonly tests: number
  readonly judged: ReadonlyArray<Judged>
  readonly mutants: number
}

export interface Options {
  /** Which of core's files to mutate, by path below `src`, and which of their mutants to judge. */
  readonly isMutated: (file: string) => boolean
  readonly isJudged: (mutant: Mutant) => boolean
  readonly testFiles: ReadonlyArray<string>
  /** How many processes run tests at the same time. */
  readonly processes: number
  /** Told of each test that was run without mutants, and of each mutant that was judged. */
  readonly progress: (so: Progress) => void
  /** Aborted: ends soon, with what was judged by then, and leaves nothing behind. */
  readonly signal?: AbortSignal
}

/** In the order of the sources. */
export const run = async (options: Options): Promise<ReadonlyArray<Judged>> => {
  const copy = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-mutants-")))
  try {
    const mutants = await makeCopy(copy, new Map([...sources()].filter(([file]) => options.isMutated(file))))
    return await judgeAll({ core, copy }, mutants, options)
  } finally {
    fs.rmSync(copy, { recursive: true, force: true })
  }
}

const judgeAll = async (
  setting: { readonly core: string; readonly copy: string },
  mutants: ReadonlyArray<Mutant>,
  { isJudged, processes, progress, signal, testFiles }: Options
): Promise<ReadonlyArray<Judged>> => {
  const wanted = mutants.filter(isJudged)
  const done: Array<Judged> = []
  const dry = await dryRun(
    setting,
    testFiles,
    (tests) => progress({ tests, judged: done, mutants: wanted.length })
  )
  const queue = [...wanted]
  const next = () => signal?.aborted === true ? undefined : queue.shift()
  const work = async () => {
    const judge = new Judge(setting, dry, mutants)
    try {
      for (let mutant = next(); mutant !== undefined; mutant = next()) {
        const begun = performance.now()
        const fate = await judge.fateOf(mutant)
        done.push({ mutant, fate, millis: performance.now() - begun })
        progress({ tests: dry.tests.length, judged: done, mutants: wanted.length })
      }
    } finally {
      judge.end()
    }
  }
  await Promise.all(Array.from({ length: processes }, work))
  return done.toSorted((one, other) => wanted.indexOf(one.mutant) - wanted.indexOf(other.mutant))
}
