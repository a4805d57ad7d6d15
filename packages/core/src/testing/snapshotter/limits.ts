/** Where a store says no although nothing is wrong: too many layers, or somebody else at work. */
import { Effect, Fiber, Scheduler } from "effect"
import { layersMaxOfKernel } from "../../Snapshot.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  chainOf,
  committed,
  expectRefusal,
  expectUnchangedBy,
  forest,
  key,
  name,
  type Needs,
  otherHoldsLock,
  statement
} from "./bench.ts"

export const limitCases: Suite<Needs> = [
  statement("a snapshot has at most as many layers below it as layersMax says", (bench) =>
    Effect.gen(function*() {
      const { open, store } = bench
      yield* chainOf(bench, "link", 3)
      yield* store.prepare(key("a"), { parent: name("link 3") })
      const deeper = yield* open({ layersMax: 4 })
      yield* deeper.commit(name("link 4"), key("a"))
      for (const create of [store.prepare, store.view]) {
        yield* expectUnchangedBy(bench, "one more", create(key("b"), { parent: name("link 4") }), {
          tag: "TooManyLayers",
          fields: { parent: "link 4", depth: 4, limit: 3 },
          mentions: ["\"link 4\"", "4 layers", "at most 3", "without parent"]
        })
      }
      yield* deeper.view(key("v"), { parent: name("link 4") })
    }), { layersMax: 3 }),
  statement(
    `${layersMaxOfKernel} layers are the most, since they are the kernel's most`,
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* chainOf(bench, "link", layersMaxOfKernel)
        yield* store.view(key("v"), { parent: name(`link ${layersMaxOfKernel}`) })
        yield* committed(bench, "one more", { parent: `link ${layersMaxOfKernel}` })
        yield* expectRefusal("one too many", store.prepare(key("b"), { parent: name("one more") }), {
          tag: "TooManyLayers",
          fields: { parent: "one more", depth: layersMaxOfKernel + 1, limit: layersMaxOfKernel }
        })
        yield* expectEqual("how many there are", (yield* forest(store)).length, layersMaxOfKernel + 2)
      }),
    { durability: "process" }
  ),
  statement(
    "while another holds the lock, reads go on and writes wait, until a time limit",
    (bench) =>
      Effect.gen(function*() {
        const { root, store } = bench
        yield* store.prepare(key("a"))
        const lock = yield* otherHoldsLock(bench)
        yield* expectUnchangedBy(bench, "prepare", store.prepare(key("b")), {
          tag: "LockTimeout",
          fields: { root, milliseconds: 50 },
          mentions: [root, "50 ms", "lockTimeout"]
        })
        yield* expectRefusal("commit", store.commit(name("A"), key("a")), { tag: "LockTimeout" })
        yield* expectRefusal("update", store.update(key("a"), { patch: { a: "1" } }), { tag: "LockTimeout" })
        yield* expectRefusal("remove", store.remove(key("a")), { tag: "LockTimeout" })
        yield* store.mounts(key("a"))
        yield* store.usage(key("a"))
        yield* lock.release
        yield* store.prepare(key("b"))
      }),
    { lockTimeout: "50 millis" }
  ),
  statement(
    "who waits for the lock can be interrupted, and has then changed nothing",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* store.prepare(key("a"))
        const before = yield* forest(store)
        const lock = yield* otherHoldsLock(bench)
        const waiting = yield* Effect.forkChild(store.prepare(key("b")), { startImmediately: true })
        yield* Effect.yieldNow
        yield* Fiber.interrupt(waiting)
        yield* lock.release
        yield* expectEqual("the forest", yield* forest(store), before)
        yield* store.prepare(key("b"))
      })
  ),
  statement(
    "an operation begun while another one ends does not wait for it, wherever the fibers pause",
    ({ store }) =>
      Effect.gen(function*() {
        // A lost wake-up shows as a time limit.
        for (let steps = 10; steps < 60; steps++) {
          yield* Effect.gen(function*() {
            yield* store.prepare(key("a"))
            yield* store.update(key("a"), { patch: { steps: `${steps}` } })
            yield* store.remove(key("a"))
          }).pipe(Effect.provideService(Scheduler.MaxOpsBeforeYield, steps))
        }
      }),
    { lockTimeout: "5 seconds", durability: "process" }
  )
]
