/** Faults that hit others when processes died and disks lost power, tried in memory; those of real mounts are node-fs's. */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Effect, Exit, Stream } from "effect"
import { processOn, quiet } from "./machine.ts"

const key = Key.make
const name = Name.make

/** Opens the store in a process with this name, until the scope closes. */
const open = (volume: MemoryVolume.MemoryVolume, process: string, faults?: Faults.Faults) =>
  Effect.provideContext(make({ root: "/tmp/store" }), processOn(volume, process, faults))

const test = <E>(text: string, body: Effect.Effect<void, E>) => it.effect(text, () => quiet(body))

/** What shows at a mount of a snapshot, by path. */
const shown = Effect.fnUntraced(function*(
  volume: MemoryVolume.MemoryVolume,
  store: Snapshotter,
  of: string
) {
  const files = MemoryFileSystem.make(volume)
  yield* files.makeDirectory("/tmp/look", { recursive: true })
  return yield* Effect.scoped(Effect.gen(function*() {
    yield* MemoryMounter.make(volume).mount(yield* store.mounts(key(of)), "/tmp/look")
    const names = (yield* files.readDirectory("/tmp/look", { recursive: true })).sort()
    return yield* Effect.forEach(
      names,
      (one) =>
        Effect.map(Effect.option(files.readFileString(`/tmp/look/${one}`)), (text) => `${one} ${JSON.stringify(text)}`)
    )
  }))
})

/** Writes in a fork, through a mount, and waits for nothing. */
const writeIn = Effect.fnUntraced(function*(
  volume: MemoryVolume.MemoryVolume,
  store: Snapshotter,
  of: string,
  write: (directory: string) => Effect.Effect<unknown, unknown>
) {
  const files = MemoryFileSystem.make(volume)
  yield* files.makeDirectory("/tmp/work", { recursive: true })
  yield* Effect.scoped(Effect.gen(function*() {
    yield* MemoryMounter.make(volume).mount(yield* store.mounts(key(of)), "/tmp/work")
    yield* Effect.orDie(write("/tmp/work"))
  }))
})

/** The machine after a power loss that kept nothing but what had to be kept. */
const barest = (volume: MemoryVolume.MemoryVolume): MemoryVolume.MemoryVolume =>
  [...PowerLoss.states(volume, { completeUpTo: 0, samples: 2 })].at(-1)?.boot() ?? volume

describe("power", () => {
  test(
    "F01: everything unsynced is dropped the moment after commit returned: the layer shows all that was written",
    Effect.scoped(Effect.gen(function*() {
      const volume = MemoryVolume.make({ losesPower: true })
      const files = MemoryFileSystem.make(volume)
      const store = yield* open(volume, "before")
      yield* store.prepare(key("a"))
      yield* writeIn(volume, store, "a", (directory) =>
        Effect.gen(function*() {
          for (let at = 0; at < 3; at++) yield* files.makeDirectory(`${directory}/d${at}`)
          for (let at = 0; at < 100; at++) yield* files.writeFileString(`${directory}/d${at % 3}/f${at}`, `${at}`)
          yield* files.symlink("d0", `${directory}/link`)
        }))
      yield* store.commit(name("L"), key("a"))
      const after = barest(volume)
      yield* store.view(key("v"), { parent: name("L") })
      const expected = yield* shown(volume, store, "v")
      assert.isAbove(expected.length, 103)
      const again = yield* open(after, "after")
      yield* again.view(key("v"), { parent: name("L") })
      assert.deepStrictEqual(yield* shown(after, again, "v"), expected)
    }))
  )

  test(
    "F49: a deletion outlives the power: the file of the parent is still gone",
    Effect.scoped(Effect.gen(function*() {
      const volume = MemoryVolume.make({ losesPower: true })
      const files = MemoryFileSystem.make(volume)
      const store = yield* open(volume, "before")
      yield* store.prepare(key("a"))
      yield* writeIn(volume, store, "a", (directory) => files.writeFileString(`${directory}/f`, "f"))
      yield* store.commit(name("base"), key("a"))
      yield* store.prepare(key("a"), { parent: name("base") })
      yield* writeIn(volume, store, "a", (directory) => files.remove(`${directory}/f`))
      yield* store.commit(name("without"), key("a"))
      const after = barest(volume)
      const again = yield* open(after, "after")
      yield* again.view(key("v"), { parent: name("without") })
      assert.deepStrictEqual(yield* shown(after, again, "v"), [])
    }))
  )

  test(
    "F126: a removal cut short is finished by one cleanup; a second one finds nothing",
    Effect.gen(function*() {
      let met = 0
      for (let n = 1;; n++) {
        const volume = MemoryVolume.make()
        yield* Effect.scoped(Effect.flatMap(open(volume, "healthy"), (store) => store.prepare(key("a"))))
        const faults = Faults.make(Faults.at(n, "dieAfter"))
        yield* Effect.exit(Effect.scoped(Effect.flatMap(open(volume, "dies", faults), (one) => one.remove(key("a")))))
        yield* volume.kill("dies")
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* open(volume, "next")
          assert.deepStrictEqual((yield* store.cleanup).unremoved, [])
          assert.deepStrictEqual(yield* store.cleanup, { removed: [], unremoved: [] })
          assert.deepStrictEqual(yield* store.check, [])
        }))
        if (faults.injected() === 0) break
        met++
      }
      assert.isAbove(met, 10)
    })
  )
})

describe("half-made snapshots", () => {
  const operations: ReadonlyArray<readonly [string, (store: Snapshotter) => Effect.Effect<unknown, unknown>]> = [
    ["prepare", (store) => store.prepare(key("k"))],
    ["commit", (store) => store.commit(name("L"), key("a"))]
  ]
  for (const [operation, perform] of operations) {
    for (const first of ["the reader", "the writers"] as const) {
      test(
        `F04: whoever dies at any call of ${operation} shows no half snapshot, and of three that try again one wins; ${first} first`,
        Effect.gen(function*() {
          let met = 0
          for (let n = 1;; n++) {
            const volume = MemoryVolume.make()
            const faults = Faults.make(Faults.at(n, "dieBefore"))
            yield* Effect.scoped(Effect.gen(function*() {
              const reader = yield* open(volume, "reader")
              yield* reader.prepare(key("a"))
              yield* Effect.exit(Effect.scoped(Effect.flatMap(open(volume, "dies", faults), perform)))
              yield* volume.kill("dies")
              const look = Effect.gen(function*() {
                for (const info of yield* Stream.runCollect(reader.walk({ onDamaged: "fail" }))) {
                  assert.deepStrictEqual(yield* reader.stat(info.name), info)
                }
              })
              const tryAgain = Effect.gen(function*() {
                const stores = yield* Effect.forEach([1, 2, 3], (at) => open(volume, `writer ${at}`))
                const exits = yield* Effect.forEach(stores, (store) => Effect.exit(perform(store)), {
                  concurrency: "unbounded"
                })
                const won = exits.filter(Exit.isSuccess).length
                // None may where the dead one's was done already.
                const done = yield* Effect.exit(reader.stat(operation === "prepare" ? key("k") : name("L")))
                assert.isTrue(Exit.isSuccess(done) && won <= 1, `${won} have won`)
                const known = ["KeyTaken", "NameTaken", "SnapshotNotFound"]
                for (const exit of exits) {
                  if (Exit.isFailure(exit)) assert.include(known, tagOf(yield* Effect.flip(exit)))
                }
              })
              yield* first === "the reader" ? Effect.andThen(look, tryAgain) : Effect.andThen(tryAgain, look)
            }))
            if (faults.injected() === 0) break
            met++
          }
          assert.isAbove(met, 15)
        })
      )
    }
  }
})

const tagOf = (error: unknown): string => String((error as { readonly _tag?: string })._tag)
