/** Regressions of `Fork` and of what a store does when its disk, its ports or its user misbehave. */
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { layerNoDeps, Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Deferred, Effect, Exit, Fiber, Layer, References, Stream } from "effect"
import { TestClock } from "effect/testing"
import { assert, describe, it } from "vitest"

type Machine = Snapshotter | MemorySnapshotter.Machine

const run = <A, E>(
  program: Effect.Effect<A, E, Machine>,
  layer: Layer.Layer<Machine, unknown> = MemorySnapshotter.layerWith({})
) =>
  Effect.runPromise(
    program.pipe(
      Effect.provide(layer, { local: true }),
      Effect.provideService(References.MinimumLogLevel, "None")
    )
  )

const names = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  return (yield* Stream.runCollect(snapshotter.walk())).map(({ name }): string => name).sort()
})

const [key, base] = [Key.make("key"), Name.make("base")]

describe("Fork", () => {
  it("throws the fork away when it is interrupted in the middle of the commit", () => {
    const faults = Faults.make(Faults.when(
      ({ operation, paths }) => operation === "sync" && paths.some((path) => path.includes("/active/")),
      () => "hang"
    ))
    return run(
      Effect.gen(function*() {
        const begun = yield* Deferred.make<void>()
        const fiber = yield* Effect.forkChild(
          Fork.committed({ key }, base, () => Deferred.succeed(begun, undefined))
        )
        yield* Deferred.await(begun)
        while (!faults.trace().some(({ fate }) => fate === "hang")) yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(yield* names, [])
      }),
      MemorySnapshotter.layerWith({ faults })
    )
  })
})

describe("a store whose machine misbehaves", () => {
  it("suspects every key when a sync fails and those that are there cannot be listed", () => {
    let syncs = 0
    const faults = Faults.make(({ operation, paths }) => {
      if (operation === "sync" && paths.some((path) => path.includes("/active/"))) {
        return syncs++ === 0
          ? { fail: "EIO" }
          : "pass"
      }
      return syncs === 1 && operation === "readDirectory" ? { fail: "EMFILE" } : "pass"
    })
    return run(
      Effect.gen(function*() {
        const snapshotter = yield* Snapshotter
        yield* snapshotter.prepare(key)
        for (let time = 0; time < 2; time++) {
          const failure = yield* Effect.flip(snapshotter.commit(base, key))
          assert.strictEqual(failure._tag, "ContentsSuspect")
        }
      }),
      MemorySnapshotter.layerWith({ faults })
    )
  })

  it("ends every operation of a batch in which a port has a defect, and goes on", () => {
    let defect = false
    const broken = Layer.effect(
      StoreFileSystem,
      Effect.map(StoreFileSystem, (store) => ({
        ...store,
        sync: (targets: Parameters<StoreFileSystem["sync"]>[0]) => {
          if (defect) throw new Error("a port that throws")
          return store.sync(targets)
        }
      }))
    )
    return run(
      Effect.gen(function*() {
        const snapshotter = yield* Snapshotter
        defect = true
        const exits = yield* Effect.forEach(
          ["a", "b", "c"],
          (name) => Effect.exit(snapshotter.prepare(Key.make(name))),
          { concurrency: 3 }
        )
        assert.isTrue(exits.every(Exit.isFailure))
        defect = false
        yield* snapshotter.cleanup
        yield* snapshotter.prepare(Key.make("d"))
        assert.deepStrictEqual(yield* names, ["d"])
      }),
      layerNoDeps({ root: "/store" }).pipe(
        Layer.provideMerge(Layer.provideMerge(broken, MemorySnapshotter.layerMachine))
      )
    )
  })

  it("says that it is closed, when its scope has ended", async () => {
    const snapshotter = await run(Snapshotter)
    const exit = await Effect.runPromise(Effect.exit(snapshotter.prepare(key)))
    assert.include(String(exit), "is closed")
  })

  it("does not mistake a step of the wall clock for a long wait", () =>
    run(
      Effect.gen(function*() {
        const snapshotter = yield* Snapshotter
        yield* TestClock.setTime(1_000_000_000_000)
        yield* snapshotter.prepare(key)
        assert.deepStrictEqual(yield* names, ["key"])
      }).pipe(Effect.provide(TestClock.layer()))
    ))
})

describe("MemorySnapshotter", () => {
  it("gives every store made with layerWith a machine of its own", () =>
    run(Effect.gen(function*() {
      const outer = yield* Snapshotter
      yield* outer.prepare(key)
      const inner = yield* names.pipe(Effect.provide(MemorySnapshotter.layerWith({ durability: "process" })))
      assert.deepStrictEqual(inner, [])
      assert.deepStrictEqual(yield* names, ["key"])
    })))
})
