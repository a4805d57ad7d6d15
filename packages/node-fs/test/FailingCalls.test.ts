/**
 * P3 and P7 on real mounts: the loop of `packages/memory-fs/test/Crash.test.ts` with fewer strikes, then, what it cannot do in
 * one process, system calls that are refused by strace, one after another. `npm run prove` does all of it.
 */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { benchOf, type Grounds } from "../../../test/prove/failing/Bench.ts"
import { describeSetting, type Setting, settings } from "../../../test/prove/failing/forest.ts"
import { loop } from "../../../test/prove/failing/loop.ts"
import { nodeIn } from "../../../test/prove/failing/nodeSite.ts"
import { operations } from "../../../test/prove/failing/operations.ts"
import { failures, interruptions, type Strike } from "../../../test/prove/failing/strikes.ts"
import { tmpfs } from "../../../test/tmpfs.ts"
import { subject } from "./injected/process.ts"
import { strikeStore } from "./injected/stores.ts"
import { strikeTrees } from "./injected/trees.ts"
import { isRoot } from "./place.ts"

const [full, process] = settings

const failure = (kind: Strike["kind"], code: Strike["code"]) =>
  failures.filter((strike) => strike.kind === kind && strike.code === code)

/** What a real machine may show that memory does not: who holds descriptors, mounts and locks, and real waits for the disk. */
const chosen: ReadonlyArray<readonly [string, Setting, ReadonlyArray<Strike>]> = [
  ["a call that fails", full, failure("fails once", "EIO")],
  ["calls that fail from then on", process, failure("fails from then on", "ENOSPC")],
  ["an interruption", full, interruptions.filter(({ kind }) => kind === "is interrupted")]
]

/** Those that change something have steps of their own here; the others are read. */
const changing = operations.filter(({ commits, ground }) => commits !== undefined || ground === "litter")

const mounts = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("failing-calls", mounts))(
  "on real mounts, at any call of any operation that changes something",
  () => {
    for (const [what, setting, strikes] of chosen) {
      it(`${what}, ${describeSetting(setting)}`, async () => {
        const cases = await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
          const grounds: Grounds = new Map()
          const machine = nodeIn(tmpfs())
          return yield* Effect.forEach(changing, (operation) =>
            Effect.gen(function*() {
              const bench = yield* benchOf(machine, operation, setting, grounds)
              return (yield* Effect.forEach(strikes, (strike) => loop(bench, strike))).flat()
            }))
        })))
        assert.deepStrictEqual(cases.flat().flatMap(({ problems }) => problems), [])
        globalThis.process.stdout.write(`failing calls on real mounts: ${cases.flat().length} cases of ${what}\n`)
      }, 240_000)
    }
  }
)

const traces = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0
const missing = mounts ?? (traces ? undefined : "strace is not installed, or may not trace")

describe.runIf(judgement("refused-system-calls", missing))("a system call that is refused", () => {
  it("of removing, measuring and syncing a tree: a failure or a report, never a wrong answer", async () => {
    const { met, wrongs } = await Effect.runPromise(
      Effect.scoped(Effect.flatMap(subject, (one) => Effect.promise(() => strikeTrees(one, tmpfs(), "EIO"))))
    )
    assert.deepStrictEqual(wrongs, [])
    for (const [call, count] of met) assert.isAbove(count, 1, call)
    globalThis.process.stdout.write(`refused system calls: ${JSON.stringify(Object.fromEntries(met))}\n`)
  }, 120_000)

  for (const name of ["commit \"new\" \"fork\"", "remove \"fork\""]) {
    it(`of ${name}: it has happened or it has not, and can be done again`, async () => {
      const operation = operations.find((one) => one.name === name)
      if (operation === undefined) return assert.fail(`no operation ${name}`)
      const { met, wrongs } = await Effect.runPromise(
        Effect.scoped(Effect.flatMap(subject, (one) => strikeStore(one, tmpfs(), operation, full, "EIO")))
      )
      assert.deepStrictEqual(wrongs, [])
      assert.isAbove(met, 50)
      globalThis.process.stdout.write(`refused system calls of ${name}: ${met}\n`)
    }, 120_000)
  }
})
