/**
 * P3 on a full disk: a small one, filled to the last block right before each call of each operation that changes something,
 * and emptied when the operation has ended. It fails with a type and nothing has happened, or it has happened; then it can
 * be done. `npm run prove` does this on ext4 with and without a journal, xfs and btrfs, at both durabilities.
 */
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import type { Grounds } from "../../../test/prove/failing/Bench.ts"
import { settings } from "../../../test/prove/failing/forest.ts"
import { fillAtEachCall, smallDisk, smallFormats } from "../../../test/prove/failing/fullDisk.ts"
import { operations } from "../../../test/prove/failing/operations.ts"
import type { Case } from "../../../test/prove/failing/strike.ts"
import { isRoot } from "./place.ts"

const [full] = settings

/** All cases on a disk of its own, of the operations whose names are chosen. */
const fillOn = (name: string, chosen: (operation: string) => boolean): Promise<ReadonlyArray<Case>> =>
  Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const kind = smallFormats.find((one) => one.name === name)
    if (kind === undefined) throw new Error(`no file system ${name}`)
    const disk = yield* smallDisk(kind)
    const grounds: Grounds = new Map()
    const cases = yield* Effect.forEach(
      operations.filter((operation) => chosen(operation.name)),
      (operation) => fillAtEachCall(disk, operation, full, grounds)
    )
    return cases.flat()
  })))

const problemsOf = (cases: ReadonlyArray<Case>) => cases.flatMap(({ problems }) => problems)

describe.runIf(judgement("full-disk", isRoot ? undefined : "mounting needs root, or a user namespace"))(
  "a disk that is full from any call on",
  () => {
    it("ext4: every operation", async () => {
      const cases = await fillOn("ext4", () => true)
      const failed = cases.filter(({ answer }) => answer === "StoreFailure" || answer === "PlatformError")
      process.stdout.write(`full disk: ${cases.length} fillings, of which ${failed.length} were met\n`)
      assert.deepStrictEqual(problemsOf(cases), [])
      assert.isAbove(failed.length, 40)
      // What gives room back needs none.
      const removals = cases.filter(({ operation }) => /^remove "(?!base)/.test(operation))
      assert.deepStrictEqual(new Set(removals.map(({ answer }) => answer)), new Set(["success"]))
    }, 240_000)

    it("btrfs, where even an attribute needs room: a store can be opened, and swept", async () => {
      const cases = await fillOn("btrfs", (operation) => ["open", "open after a crash"].includes(operation))
      assert.deepStrictEqual(problemsOf(cases), [])
      assert.deepStrictEqual(new Set(cases.map(({ answer }) => answer)), new Set(["success"]))
    }, 120_000)
  }
)
