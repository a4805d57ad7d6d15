/**
 * A judgement is a named part of the tests that must have run before `npm test` may say that all is well. Some cannot
 * run everywhere (mounting needs a privilege), and a suite that skips itself looks like one that passed. So each says
 * what became of it, and `scripts/run.mjs` fails when one of `judgements.json` did not run, unless the environment
 * variable SNAPSHOTTER_ALLOW_MISSING names it (`SNAPSHOTTER_ALLOW_MISSING=node-fs,kill npm test`).
 *
 * ```ts
 * const runs = judgement("node-fs", await canMount() ? undefined : "mounting needs root, or a user namespace")
 * describe.runIf(runs)("the Linux backend", () => { … })
 * ```
 */
import * as fs from "node:fs"
import { afterAll, afterEach } from "vitest"

/** One line of the record that the run's script reads. */
export type Line =
  | { readonly name: string; readonly ran: number }
  | { readonly name: string; readonly missing: string }

/** Where the lines go; without it, as when vitest is run by hand, nothing is recorded. */
const record = process.env["SNAPSHOTTER_JUDGEMENTS"]

/**
 * To be called at the top of a test file, or of a `describe`: its tests are part of this judgement. Says whether they
 * can run, which they can unless it is given why not.
 */
export const judgement = (name: string, missing?: string): boolean => {
  if (missing !== undefined) {
    note({ name, missing })
    return false
  }
  let ran = 0
  afterEach(({ task }) => {
    if (task.result?.state === "pass") ran++
  })
  afterAll(() => note({ name, ran }))
  return true
}

// Lines this short are appended whole, whichever worker writes them.
const note = (line: Line): void => {
  if (record !== undefined) fs.appendFileSync(record, `${JSON.stringify(line)}\n`)
}
