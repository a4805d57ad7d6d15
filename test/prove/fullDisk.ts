/** Disks filled to the last block at each call of each operation: `failing/fullDisk.ts`, on each file system, in each setting. */
import { Effect } from "effect"
import { isRoot } from "../../packages/node-fs/test/place.ts"
import type { Grounds } from "./failing/Bench.ts"
import { describeSetting, settings } from "./failing/forest.ts"
import { fillAtEachCall, smallDisk, smallFormats } from "./failing/fullDisk.ts"
import { operations } from "./failing/operations.ts"
import type { Orders, Outcome, Part, Violation } from "./Part.ts"

/** What is done on a disk: all operations in one setting. */
const passes = settings.flatMap((setting) => smallFormats.map((kind) => ({ kind, setting })))

const run = (orders: Orders): Promise<Outcome> =>
  Effect.runPromise(Effect.gen(function*() {
    const { progress, replay, signal, until } = orders
    const isOver = () => signal.aborted || performance.now() >= until
    const violations: Array<Violation> = []
    let [fillings, met, disks, complete] = [0, 0, 0, isRoot]
    for (const { kind, setting } of isRoot ? passes : []) {
      const wanted = operations.filter((operation) =>
        replay === undefined || replay === wordsOf(kind.name, setting, operation.name)
      )
      if (wanted.length === 0 || isOver()) {
        complete &&= !isOver()
        continue
      }
      yield* Effect.scoped(Effect.gen(function*() {
        const disk = yield* smallDisk(kind)
        const grounds: Grounds = new Map()
        for (const operation of wanted) {
          if (isOver()) complete = false
          const cases = isOver() ? [] : yield* fillAtEachCall(disk, operation, setting, grounds, isOver)
          fillings += cases.length
          met += cases.filter(({ answer }) => answer === "StoreFailure" || answer === "PlatformError").length
          violations.push(...cases.flatMap(({ problems }) =>
            problems.map((what) => ({
              what,
              replay: wordsOf(kind.name, setting, operation.name)
            }))
          ))
          progress(`${fillings} fillings, ${met} of them met, on ${kind.name} ${describeSetting(setting)}`)
        }
        disks++
      }))
    }
    return { counts: { fillings, "met by a failure": met, disks }, violations, complete }
  }))

const wordsOf = (kind: string, setting: (typeof settings)[number], operation: string): string =>
  [kind, describeSetting(setting), operation].join(" | ")

export const fullDisk: Part = {
  name: "full-disk",
  title: "disks filled to the last block at each call of each operation, on four file systems",
  floors: { fillings: 300, "met by a failure": 80 },
  run
}
