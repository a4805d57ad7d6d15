/**
 * The tests that judge mutants: those of core, and those that have core work on the machine in memory. None that touches the
 * real disk does: a mutant of a removal may remove anything. (`Worker` sees to it that none can.)
 */
import * as fs from "node:fs"
import * as path from "node:path"
import { workspace } from "./copy.ts"

/** For these processes: random programs and interleavings are drawn from one seed, and there are fewer of them. */
export const environment = { SNAPSHOTTER_SEED: "1", SNAPSHOTTER_TIMES: "0.02" }

const directories = ["packages/core/test", "packages/memory-fs/test"]

/** Their files, by absolute path. */
export const testFiles = (): ReadonlyArray<string> =>
  directories.flatMap((directory) => {
    const absolute = path.join(workspace, directory)
    const names = fs.readdirSync(absolute).filter((name) => name.endsWith(".test.ts"))
    return names.toSorted().map((name) => path.join(absolute, name))
  })

/** Compares what the tests before it have found: alone, it fails without mutants too. */
export const standsOnOthers = (test: string): boolean => test.includes("docs/FAILURES.md says what came of it")
