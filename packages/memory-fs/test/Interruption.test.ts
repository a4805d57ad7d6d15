/**
 * P7, in memory: an operation is interrupted while any one of its calls hangs. It has happened or has not, the lock is free
 * at once, nothing is left that cleanup does not reclaim, and doing it again works. Others are not concerned.
 */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type Command, render } from "@snapshotter/core/testing/Command"
import { empty, type Model, step } from "@snapshotter/core/testing/Model"
import { sameResponse, type World } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, Exit, Fiber } from "effect"
import { afterAll, assert, describe, it } from "vitest"
import { simulate, simulateAll } from "../../../test/simulation.ts"
import { lockedOn, type Options, play, processOn, quiet, worldOf } from "./machine.ts"

const before: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "a" },
  { _tag: "mount", slot: 0, key: "a" },
  { _tag: "write", slot: 0, path: "d/f", text: "x" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "base", key: "a" },
  { _tag: "prepare", key: "fork", parent: "base", labels: { l: "1" } },
  { _tag: "view", key: "view", parent: "base" },
  { _tag: "prepare", key: "spare" },
  { _tag: "mount", slot: 0, key: "spare" },
  { _tag: "write", slot: 0, path: "g", text: "yy" },
  { _tag: "unmount", slot: 0 },
  { _tag: "prepare", key: "leaf", parent: "base" },
  { _tag: "commit", name: "committed leaf", key: "leaf" }
]

const operations: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "new", labels: { l: "1" } },
  { _tag: "prepare", key: "new", parent: "base" },
  { _tag: "view", key: "new" },
  { _tag: "view", key: "new", parent: "base" },
  { _tag: "commit", name: "new", key: "spare", labels: { l: "1" } },
  { _tag: "commit", name: "new", key: "fork" },
  { _tag: "remove", name: "fork" },
  { _tag: "remove", name: "spare" },
  { _tag: "remove", name: "view" },
  { _tag: "remove", name: "committed leaf" },
  { _tag: "update", name: "fork", change: { patch: { l: "2" } } },
  { _tag: "update", name: "base", change: { replace: { l: "1" } } },
  { _tag: "mounts", name: "fork" },
  { _tag: "stat", name: "base" },
  { _tag: "usage", name: "spare" },
  { _tag: "walk", filters: [] },
  { _tag: "check" },
  { _tag: "cleanup" },
  { _tag: "relink" }
]

/** A store with a forest in it, in a process whose n-th call from now on hangs, locks excepted: those never wait. */
const hangingAt = (volume: MemoryVolume.MemoryVolume, options: Options) =>
  Effect.gen(function*() {
    const control = { callsLeft: 0, hung: false }
    const faults = Faults.make(({ operation }) => {
      if (operation === "tryLock" || --control.callsLeft !== 0) return "pass"
      control.hung = true
      return "hang"
    })
    const world = yield* worldOf(processOn(volume, "process", faults), options)
    const model = yield* play(world, empty(), before)
    return { control, world, model }
  })

/** Whether the call was reached at all. */
const interruptAt = (n: number, command: Command, options: Options) =>
  Effect.scoped(Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const { control, model, world } = yield* hangingAt(volume, options)
    control.callsLeft = n
    const fiber = yield* Effect.forkChild(world.run(command))
    // Nothing here takes any time, so now it hangs or is done.
    yield* Effect.sleep(10)
    if (!control.hung) return false
    const story = `${render(command)}, interrupted at its call ${n}`
    yield* Fiber.interrupt(fiber)
    yield* judge(volume, world, model, command, story)
    return true
  }))

const isSo = (effect: Effect.Effect<unknown>) => Effect.map(Effect.exit(effect), Exit.isSuccess)

const judge = Effect.fnUntraced(function*(
  volume: MemoryVolume.MemoryVolume,
  world: World,
  model: Model,
  command: Command,
  story: string
) {
  const now = Effect.clockWith((clock) => clock.currentTimeMillis)
  const begun = yield* now
  assert.deepStrictEqual(lockedOn(volume), [], `a lock is held: ${story}`)
  const after = step(model, command)
  const isAfter = yield* isSo(world.agreesInDepth(after.model))
  const isBefore = yield* isSo(world.agreesInDepth(model))
  assert.isTrue(isAfter || isBefore, `neither the state before nor the one after: ${story}`)
  // What has not happened leaves nothing; what has, may leave something to reclaim.
  if (isBefore) assert.deepStrictEqual(yield* world.violations, [], `left: ${story}`)
  if (!isAfter) {
    const again = yield* world.run(command)
    assert.isTrue(sameResponse(again, after.response), `again: ${JSON.stringify(again)}; ${story}`)
    yield* world.agreesInDepth(after.model)
  }
  assert.strictEqual((yield* world.run({ _tag: "cleanup" }))._tag, "Success", story)
  assert.deepStrictEqual(yield* world.violations, [], `left after cleanup: ${story}`)
  // Two openings of the store, which looking into every tree takes, may have to wait for each other's last step.
  assert.isBelow((yield* now) - begun, 100, `something waited: ${story}`)
})

describe("an operation that is interrupted while a call hangs has happened or has not, and can be done again", () => {
  let cases = 0
  afterAll(() => {
    process.stdout.write(`interruptions in memory: ${cases} cases\n`)
  })
  for (const durability of ["full", "process"] as const) {
    for (const command of operations) {
      it(`any call of ${render(command)} at ${durability}`, async () => {
        let n = 1
        while (await simulate(n, quiet(interruptAt(n, command, { durability })))) n++
        assert.isAbove(n, 1, "the operation makes no calls: nothing was tested")
        cases += n - 1
      })
    }
  }
})

describe("others", () => {
  const key = Key.make
  const name = Name.make
  const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

  it("of one batch are not hurt when some of them are interrupted, at any call", () =>
    simulateAll(150, (random) =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const store = yield* slowStoreOn(volume)
        yield* store.prepare(key("making"))
        yield* store.commit(name("base"), key("making"))
        const holder = yield* Effect.forkChild(holdLock(volume, 3))
        const doomed = numbers(8).map((at) => ({ at, dies: random.chance(0.4), when: random.below(12) }))
        const exits = yield* Effect.forEach(doomed, ({ at, dies, when }) =>
          Effect.gen(function*() {
            const fiber = yield* Effect.forkChild(store.prepare(key(`${at}`), { parent: name("base") }))
            yield* Effect.sleep(when)
            const interruption = Effect.gen(function*() {
              for (let steps = random.below(300); steps > 0; steps--) yield* Effect.yieldNow
              yield* Fiber.interrupt(fiber)
            })
            if (dies) yield* interruption
            return { at, dies, exit: yield* Fiber.await(fiber) }
          }), { concurrency: "unbounded" })
        yield* Fiber.join(holder)
        for (const { at, dies, exit } of exits) {
          if (!dies) assert.isTrue(Exit.isSuccess(exit), `the caller of ${at} was not interrupted`)
          const there = yield* Effect.exit(store.stat(key(`${at}`)))
          if (Exit.isSuccess(exit)) assert.isTrue(Exit.isSuccess(there), `${at} was prepared`)
          if (Exit.isFailure(there)) yield* store.prepare(key(`${at}`), { parent: name("base") })
        }
        yield* store.cleanup
        assert.deepStrictEqual(yield* store.check, [])
        // Who did the work may have the lock for a moment longer than whom it answered.
        yield* Effect.sleep(20)
        assert.deepStrictEqual(lockedOn(volume), [])
      }))))

  it("that wait for the lock leave at once when they are interrupted, and nothing has begun", () =>
    simulateAll(40, () =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const store = yield* slowStoreOn(volume)
        yield* store.prepare(key("a"))
        // The lock is free a moment after that.
        yield* Effect.sleep(20)
        const holder = yield* Effect.forkChild(holdLock(volume, 1_000))
        yield* Effect.sleep(1)
        const waiting = yield* Effect.forEach([
          Effect.asVoid(store.prepare(key("b"))),
          Effect.asVoid(store.commit(name("c"), key("a"))),
          Effect.asVoid(store.remove(key("a"))),
          Effect.asVoid(store.check)
        ], (one: Effect.Effect<void, unknown>) => Effect.forkChild(one))
        yield* Effect.sleep(20)
        const clock = yield* Effect.clockWith((clock) => Effect.succeed(clock))
        const begun = clock.currentTimeMillisUnsafe()
        yield* Fiber.interruptAll(waiting)
        assert.strictEqual(clock.currentTimeMillisUnsafe(), begun)
        yield* Fiber.interrupt(holder)
        assert.deepStrictEqual(yield* store.check, [])
        assert.strictEqual((yield* store.stat(key("a"))).kind, "active")
      }))))

  /** Syncs take a while, so that there is something to interrupt. */
  const slowStoreOn = (volume: MemoryVolume.MemoryVolume) => {
    const process = processOn(volume, "process")
    const fs = Context.get(process, StoreFileSystem)
    const sync: StoreFileSystem["sync"] = (targets) => Effect.andThen(Effect.sleep(2), fs.sync(targets))
    return make({ root: "/tmp/store" }).pipe(
      Effect.provideContext(Context.add(process, StoreFileSystem, { ...fs, sync }))
    )
  }

  const holdLock = (volume: MemoryVolume.MemoryVolume, milliseconds: number) =>
    Effect.scoped(Effect.andThen(
      Effect.acquireRelease(
        Context.get(processOn(volume, "holder"), StoreFileSystem).tryLock("/tmp/store"),
        (lock) => lock?.release ?? Effect.void
      ),
      Effect.sleep(milliseconds)
    ))
})
