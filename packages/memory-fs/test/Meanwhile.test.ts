/** What another process does between two calls of an operation: at each of them, the same thing. */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Deferred, Effect, Fiber, Stream } from "effect"
import { assert, describe, it } from "vitest"
import { lockedOn, processOn, quiet } from "./machine.ts"

const [key, other, base, done] = [Key.make("key"), Key.make("other"), Name.make("base"), Name.make("done")]

const open = (volume: MemoryVolume.MemoryVolume, faults: Faults.Faults, options: Partial<SnapshotterOptions> = {}) =>
  Effect.provide(make({ root: "/tmp/store", ...options }), processOn(volume, volume.newProcess(), faults))

const namesIn = (store: Snapshotter) =>
  Effect.map(Stream.runCollect(store.walk()), (infos) => infos.map(({ name }): string => name).sort())

const operations: Readonly<Record<string, (store: Snapshotter) => Effect.Effect<unknown, unknown>>> = {
  prepare: (store) => store.prepare(other, { parent: base }),
  view: (store) => store.view(other, { parent: base }),
  commit: (store) => store.commit(done, key),
  remove: (store) => store.remove(key),
  update: (store) => store.update(key, { patch: { label: "value" } })
}

const expected: Readonly<Record<string, ReadonlyArray<string>>> = {
  prepare: ["base", "key", "other"],
  view: ["base", "key", "other"],
  commit: ["base", "done"],
  remove: ["base"],
  update: ["base", "key"]
}

/** `base`, and a fork of it that is not committed. */
const scene = Effect.fnUntraced(function*(store: Snapshotter) {
  yield* store.prepare(key)
  yield* store.commit(base, key)
  yield* store.prepare(key, { parent: base })
})

/** Begins to clean up, and goes on with whoever called once that waits for the lock, or is over. */
const cleaningBegins = (volume: MemoryVolume.MemoryVolume, options: Partial<SnapshotterOptions>) =>
  Effect.gen(function*() {
    const waits = Deferred.makeUnsafe<void>()
    const faults = Faults.make(({ operation, paths: [path] }) =>
      operation === "tryLock" && path?.endsWith("/staging") === true
        ? { before: Deferred.succeed(waits, undefined) }
        : "pass"
    )
    const fiber = yield* Effect.forkDetach(
      Effect.scoped(Effect.flatMap(open(volume, faults, options), ({ cleanup }) => cleanup)),
      { startImmediately: true }
    )
    yield* Effect.raceFirst(Deferred.await(waits), Fiber.await(fiber))
    return fiber
  })

/** Whether there was an n-th call. */
const cleanedAt = (n: number, operation: string, act: (typeof operations)[string], durability: "full" | "process") =>
  Effect.scoped(Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const cleaning: Array<Fiber.Fiber<unknown, unknown>> = []
    const begin = Effect.tap(cleaningBegins(volume, { durability }), (fiber) => Effect.sync(() => cleaning.push(fiber)))
    const faults = Faults.make(Faults.at(n, { before: begin }))
    const store = yield* faults.spare(open(volume, faults, { durability }))
    yield* faults.spare(scene(store))
    yield* act(store)
    for (const fiber of cleaning) yield* Fiber.join(fiber)
    assert.deepStrictEqual(yield* namesIn(store), expected[operation], `at call ${n}`)
    assert.deepStrictEqual(yield* store.check, [], `at call ${n}`)
    return cleaning.length > 0
  }))

describe("a cleanup that looks around between two calls takes nothing of whoever makes them", () => {
  for (const durability of ["full", "process"] as const) {
    for (const [operation, act] of Object.entries(operations)) {
      it(`${operation} at ${durability}`, async () => {
        let cases = 0
        while (await Effect.runPromise(quiet(cleanedAt(cases + 1, operation, act, durability)))) cases++
        assert.isAbove(cases, 3)
      })
    }
  }
})

describe("whoever may mount a snapshot or move it away", () => {
  for (const operation of ["commit", "remove"] as const) {
    it(`finds its lock held until ${operation} has moved it, and free afterwards`, () =>
      Effect.runPromise(quiet(Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const seen: Array<boolean> = []
        const fs = Context.get(processOn(volume, "mounter"), StoreFileSystem)
        const look = (path: string) =>
          Effect.flatMap(fs.tryLock(path), (lock) => {
            seen.push(lock !== undefined)
            return lock?.release ?? Effect.void
          })
        const faults = Faults.make(({ operation, paths: [from = "", to = ""] }) =>
          operation === "moveNoReplace" && from.includes("/active/") && !from.endsWith("/work")
            ? { before: Effect.andThen(look(from), Effect.sync(() => void moved.push(to))) }
            : "pass"
        )
        const moved: Array<string> = []
        const store = yield* open(volume, faults)
        yield* store.prepare(key)
        yield* operation === "commit" ? store.commit(done, key) : store.remove(key)
        assert.deepStrictEqual(seen, [false])
        if (operation === "commit") yield* look(moved[0] ?? "")
        assert.deepStrictEqual(seen.slice(1), operation === "commit" ? [true] : [])
        assert.deepStrictEqual(lockedOn(volume), [])
      })))))
  }
})
