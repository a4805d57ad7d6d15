/** What the loop of failures (`Crash.test.ts`) found: each a failing call, or an interruption, after which something was not as promised. */
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Deferred, Effect, Fiber, References, type Scope, Stream } from "effect"
import { assert, describe, it } from "vitest"
import { lockedOn } from "./machine.ts"

type Machine = Snapshotter | MemorySnapshotter.Machine

interface Given extends Partial<Omit<SnapshotterOptions, "root">> {
  readonly faults?: Faults.Faults
}

/** A machine, and a process on it that opens the store and meets these faults. */
const machine = () => {
  const volume = MemoryVolume.make()
  return {
    volume,
    as: <A, E>(given: Given, program: Effect.Effect<A, E, Machine | Scope.Scope>) =>
      program.pipe(
        Effect.scoped,
        Effect.provide(MemorySnapshotter.layerWith({ volume, ...given }), { local: true }),
        Effect.provideService(References.MinimumLogLevel, "None")
      )
  }
}

const test = <E>(name: string, body: Effect.Effect<void, E>) => it(name, () => Effect.runPromise(body))

const [key, base] = [Key.make("key"), Name.make("base")]

const names = Snapshotter.use((store) =>
  Effect.map(Stream.runCollect(store.walk()), (infos) => infos.map(({ name }): string => name).sort())
)

const committedBase = Snapshotter.use((store) => Effect.andThen(store.prepare(key), store.commit(base, key)))

/** The first call that is this operation on such a path, and everything it meets. */
const first = (operation: string, path: string, fate: Faults.Fate): Faults.Injector => {
  let met = false
  return (call) => {
    if (met || call.operation !== operation || !call.paths.some((one) => one.includes(path))) return "pass"
    met = true
    return fate
  }
}

describe("a store that was just made", () => {
  test(
    "is there, and whole, if only the sync after its last rename fails",
    Effect.gen(function*() {
      const { as } = machine()
      const faults = Faults.make(first("sync", "/staging", { fail: "EIO" }))
      const failure = yield* Effect.flip(as({ faults }, Snapshotter))
      assert.strictEqual(failure._tag, "NotDurable")
      yield* as({}, committedBase)
      assert.deepStrictEqual(yield* as({}, names), ["base"])
    })
  )

  test(
    "is not made on a read-only file system, which says so",
    Effect.gen(function*() {
      const faults = Faults.make(first("overlayXattrs", "", { fail: "EROFS" }))
      const failure = yield* Effect.flip(machine().as({ faults }, Snapshotter))
      assert.strictEqual(failure._tag, "ReadOnlyStore")
    })
  )
})

describe("who is interrupted", () => {
  for (const operation of ["commit", "remove"] as const) {
    test(
      `at the moment at which ${operation} has taken the lock of the snapshot, gives it back`,
      Effect.gen(function*() {
        const { as, volume } = machine()
        const reached = Deferred.makeUnsafe<void>()
        const wait = Effect.andThen(
          Deferred.succeed(reached, undefined),
          Effect.forEach(Array(50), () => Effect.yieldNow)
        )
        const faults = Faults.make(first("tryLock", "/active/", { after: wait }))
        yield* as(
          { faults },
          Effect.gen(function*() {
            const store = yield* Snapshotter
            yield* store.prepare(key)
            const act: Effect.Effect<unknown, unknown> = operation === "commit"
              ? store.commit(base, key)
              : store.remove(key)
            const fiber = yield* Effect.forkChild(act)
            yield* Deferred.await(reached)
            yield* Fiber.interrupt(fiber)
            assert.deepStrictEqual(lockedOn(volume), [])
            yield* store[operation === "commit" ? "remove" : "stat"](key)
          })
        )
      })
    )
  }

  test(
    "in a fork that is there already, but not on disk yet, leaves no key",
    Effect.gen(function*() {
      const reached = Deferred.makeUnsafe<void>()
      const faults = Faults.make(
        first("sync", "/store/active", { before: Effect.andThen(Deferred.succeed(reached, undefined), Effect.never) })
      )
      yield* machine().as(
        { faults },
        Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Fork.discarded({ key }, () => Effect.void))
          yield* Deferred.await(reached)
          yield* Fiber.interrupt(fiber)
          assert.deepStrictEqual(yield* names, [])
        })
      )
    })
  )
})

describe("a disk that does not confirm", () => {
  test(
    "a fork leaves no key behind",
    Effect.gen(function*() {
      const faults = Faults.make(first("sync", "/store/active", { fail: "EIO" }))
      yield* machine().as(
        { faults },
        Effect.gen(function*() {
          const failure = yield* Effect.flip(Fork.discarded({ key }, () => Effect.void))
          assert.strictEqual(failure._tag, "NotDurable")
          assert.deepStrictEqual(yield* names, [])
        })
      )
    })
  )

  test(
    "what is asked for under the lock: every key is under suspicion, in every process, until it is removed",
    Effect.gen(function*() {
      const { as } = machine()
      const faults = Faults.make(first("sync", "/staging/", { fail: "EIO" }))
      const third = Key.make("third")
      yield* as({}, committedBase)
      yield* as({}, Snapshotter.use((store) => store.prepare(key, { parent: base })))
      yield* as(
        { faults },
        Effect.gen(function*() {
          const store = yield* Snapshotter
          assert.strictEqual((yield* Effect.flip(store.prepare(third)))._tag, "StoreFailure")
          assert.strictEqual((yield* Effect.flip(store.commit(Name.make("one"), key)))._tag, "ContentsSuspect")
        })
      )
      yield* as(
        {},
        Effect.gen(function*() {
          const store = yield* Snapshotter
          assert.strictEqual((yield* Effect.flip(store.commit(Name.make("one"), key)))._tag, "ContentsSuspect")
          // What was on disk before is under none.
          yield* store.remove(key)
          yield* store.prepare(key, { parent: base })
          yield* store.commit(Name.make("one"), key)
        })
      )
    })
  )

  test(
    "that a parent is durable: what was to be built on it has not happened, and does not say so",
    Effect.gen(function*() {
      const { as } = machine()
      yield* as({ durability: "process" }, committedBase)
      const faults = Faults.make(
        Faults.when(
          ({ paths }) => paths.length === 1 && !paths.some((path) => path.endsWith("/next.json")),
          first("sync", "/committed/", { fail: "EIO" })
        )
      )
      yield* as(
        { faults },
        Effect.gen(function*() {
          const store = yield* Snapshotter
          const failure = yield* Effect.flip(store.prepare(key, { parent: base }))
          assert.strictEqual(failure._tag, "StoreFailure")
          yield* store.prepare(key, { parent: base })
        })
      )
    })
  )
})

describe("what cannot be read now", () => {
  for (const code of ["ENOSPC", "EDQUOT", "EROFS"]) {
    test(
      `for ${code} is not damaged`,
      Effect.gen(function*() {
        const { as } = machine()
        yield* as({}, committedBase)
        const faults = Faults.make(first("readFile", "/name.json", { fail: code }))
        const failure = yield* Effect.flip(as({ faults }, Snapshotter.use((store) => store.stat(base))))
        assert.strictEqual(failure._tag, "StoreFailure")
      })
    )
  }

  const withNote = Effect.gen(function*() {
    yield* committedBase
    yield* Snapshotter.use((store) => store.prepare(key, { parent: base }))
    const fs = yield* StoreFileSystem
    const [id = ""] = yield* fs.readDirectory("/store/active")
    yield* fs.writeFile(`/store/active/${id}/suspect`, "EIO", 0o600)
  })

  for (
    const [operation, path] of [["readFile", "/suspect"], ["readDirectory", "/children"], ["lstat", "/fs"]] as const
  ) {
    test(
      `is not passed over by check: ${operation} of ${path}`,
      Effect.gen(function*() {
        const { as } = machine()
        yield* as({}, withNote)
        const unreadable = Faults.make(first(operation, path, { fail: "EIO" }))
        const found = yield* as({ faults: unreadable }, Snapshotter.use((store) => store.check))
        assert.include(found.map(({ message }) => message).join(), "cannot be read")
        const unable = Faults.make(first(operation, path, { fail: "EMFILE" }))
        const failure = yield* Effect.flip(as({ faults: unable }, Snapshotter.use((store) => store.check)))
        assert.strictEqual(failure._tag, "StoreFailure")
      })
    )
  }

  test(
    "keeps no store from being opened, where it is on its way out",
    Effect.gen(function*() {
      const { as, volume } = machine()
      const dying = Faults.make(first("removeTree", "/trash/", "dieBefore"))
      yield* as({}, Snapshotter.use((store) => store.prepare(key)))
      yield* Effect.exit(as({ faults: dying }, Snapshotter.use((store) => store.remove(key))))
      yield* volume.kill("process 2")
      const faults = Faults.make(first("readFile", "/trash/", { fail: "EIO" }))
      assert.deepStrictEqual(yield* as({ faults }, names), [])
    })
  )

  test(
    "has no link taken away by relink",
    Effect.gen(function*() {
      const { as, volume } = machine()
      yield* as({}, committedBase)
      const before = yield* volume.render
      const faults = Faults.make(
        Faults.firstOf(first("readLink", "/index/", { fail: "EIO" }), first("symlink", "/index/", { fail: "ENOSPC" }))
      )
      const failure = yield* Effect.flip(as({ faults }, Snapshotter.use((store) => store.relink)))
      assert.strictEqual(failure._tag, "StoreFailure")
      assert.strictEqual(yield* volume.render, before)
    })
  )

  test(
    "is told by cleanup, which takes the rest",
    Effect.gen(function*() {
      const { as } = machine()
      yield* as(
        {},
        Effect.gen(function*() {
          yield* committedBase
          const fs = yield* StoreFileSystem
          const [id = ""] = yield* fs.readDirectory("/store/committed")
          yield* fs.makeDirectory(`/store/committed/${id}/work`, 0o700)
          yield* fs.symlink(`../active/${"a".repeat(13)}`, `/store/index/${"0".repeat(64)}`)
        })
      )
      const faults = Faults.make(({ operation }) => operation === "uses" ? { fail: "EIO" } : "pass")
      const { removed, unremoved } = yield* as({ faults }, Snapshotter.use((store) => store.cleanup))
      assert.strictEqual(removed.length, 1)
      assert.deepStrictEqual(unremoved.map(({ code }) => code), ["EIO"])
    })
  )
})

test(
  "a commit that never came to be leaves a place for marks of children, which cleanup takes",
  Effect.gen(function*() {
    const { as, volume } = machine()
    const faults = Faults.make(first("sync", "/index", "dieBefore"))
    yield* as({}, Snapshotter.use((store) => store.prepare(key)))
    yield* Effect.exit(as({ faults }, Snapshotter.use((store) => store.commit(base, key))))
    yield* volume.kill("process 2")
    yield* as(
      {},
      Effect.gen(function*() {
        const store = yield* Snapshotter
        assert.include((yield* store.check).map(({ path }) => path.split("/").at(-1)), "children")
        yield* store.cleanup
        assert.deepStrictEqual(yield* store.check, [])
      })
    )
  })
)
