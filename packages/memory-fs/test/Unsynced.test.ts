/**
 * What is acknowledged at `full` stands on what the disk has, also where whoever made what lies below never came to wait for
 * it: died after the commit point, was interrupted in its last sync, or was told that it failed.
 */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Context, Effect, Fiber, Stream } from "effect"
import { processOn, quiet } from "./machine.ts"

type Act = (store: Snapshotter) => Effect.Effect<unknown, unknown>
type Durability = "full" | "process"

const [a, v] = [Key.make("a"), Key.make("v")]
const [base, n] = [Name.make("base"), Name.make("n")]
const labels = { patch: { x: "1" } }

const committed = (name: Name): Act => (store) => Effect.andThen(store.prepare(a), store.commit(name, a))

const isCommitPoint = ({ operation, paths }: Faults.Call): boolean =>
  operation === "exchange" || (operation === "moveNoReplace" && paths[1]?.endsWith("/tried") === false)

/** Once something has happened, the syncs meet this. */
const syncsAfterwards = (fate: () => Faults.Fate): Faults.Injector => {
  let happened = false
  return (call) => {
    happened ||= isCommitPoint(call)
    return happened && call.operation === "sync" ? fate() : "pass"
  }
}

type Run = (does: (faults: Faults.Faults) => Effect.Effect<unknown, unknown>) => Effect.Effect<unknown, unknown>

/** How an operation can end between its commit point and what it waits for. */
const ends: Readonly<Record<string, Run>> = {
  "its process died": (does) => {
    let met = false
    const dying = Faults.make((call) => {
      if (met || !isCommitPoint(call)) return "pass"
      met = true
      return "dieAfter"
    })
    return does(dying)
  },
  "its last sync could not be begun": (does) => does(Faults.make(syncsAfterwards(() => ({ failHalfway: "EMFILE" })))),
  "it was interrupted in its last sync": (does) =>
    Effect.gen(function*() {
      let waits = false
      const hanging = syncsAfterwards(() => {
        waits = true
        return "hang"
      })
      const fiber = yield* Effect.forkChild(does(Faults.make(hanging)))
      while (!(yield* Effect.sync(() => waits))) yield* Effect.yieldNow
      yield* Fiber.interrupt(fiber)
    })
}

interface Scene {
  readonly what: string
  readonly before?: Act
  readonly beforeAt?: Durability
  /** What ends so. Without it, the opening. */
  readonly unsynced?: Act
  /** What is acknowledged then. */
  readonly next: Act
  readonly nextAt?: Durability
  /** What is there in every state, by name. */
  readonly there: ReadonlyArray<string>
  readonly gone?: ReadonlyArray<string>
}

const scenes: ReadonlyArray<Scene> = [
  {
    what: "update of what was prepared",
    unsynced: (s) => s.prepare(a),
    next: (s) => s.update(a, labels),
    there: ["a"]
  },
  {
    what: "update of what was committed",
    before: (s) => s.prepare(a),
    unsynced: (s) => s.commit(n, a),
    next: (s) => s.update(n, labels),
    there: ["n"],
    gone: ["a"]
  },
  {
    what: "view of what was committed",
    before: (s) => s.prepare(a),
    unsynced: (s) => s.commit(n, a),
    next: (s) => s.view(v, { parent: n }),
    there: ["n", "v"],
    gone: ["a"]
  },
  {
    what: "prepare under a name that was removed",
    before: committed(n),
    unsynced: (s) => s.remove(n),
    next: (s) => s.prepare(Key.make("n")),
    there: ["n"]
  },
  {
    what: "prepare, at process, under a key that was committed: the old link is the snapshot's still",
    before: (s) => s.prepare(a),
    unsynced: (s) => s.commit(n, a),
    next: (s) => s.prepare(a),
    nextAt: "process",
    there: ["n"]
  },
  {
    what: "cleanup, at process, after an update",
    before: committed(n),
    unsynced: (s) => s.update(n, labels),
    next: (s) => s.cleanup,
    nextAt: "process",
    there: ["n"]
  },
  {
    what: "prepare on what was made at process and is called durable by somebody",
    before: committed(base),
    beforeAt: "process",
    unsynced: (s) => s.prepare(v, { parent: base }),
    next: (s) => s.prepare(Key.make("w"), { parent: base }),
    there: ["base", "w"]
  },
  {
    what: "update in a store that was made at process and opened at full",
    before: (s) => s.prepare(a),
    beforeAt: "process",
    next: (s) => s.update(a, labels),
    there: ["a"]
  }
]

/** In a process of its own, which ends then. */
const using = (volume: MemoryVolume.MemoryVolume, durability: Durability, act: Act, faults?: Faults.Faults) =>
  Effect.suspend(() => {
    const name = volume.newProcess()
    const process = processOn(volume, name, faults)
    return Effect.scoped(Effect.gen(function*() {
      const opening = make({ root: "/tmp/store", durability })
      const store = yield* faults === undefined || act === nothing ? opening : faults.spare(opening)
      yield* act(store)
    })).pipe(
      Effect.updateContext((scope: Context.Context<never>) => Context.merge(process, scope)),
      Effect.ensuring(volume.kill(name))
    )
  })

const nothing: Act = () => Effect.void

/** The names that are there, and not damaged, when a machine comes up so. */
const found = ({ boot, story }: PowerLoss.State, isForgiven: boolean) => {
  const seen: Array<string> = []
  const look: Act = (store) =>
    Effect.gen(function*() {
      const damage = (yield* store.check).filter(({ severity }) => severity !== "reclaimable")
      if (!isForgiven) assert.deepStrictEqual(damage, [], story)
      const names = (yield* Stream.runCollect(store.walk())).map(({ name }): string => name)
      seen.push(...names.filter((name) => !damage.some(({ snapshot }) => snapshot === name)))
    })
  return Effect.as(using(boot(), "full", look), seen)
}

describe("is not lost to a power loss, though somebody before it did not come to wait for the disk:", () => {
  for (const [how, run] of Object.entries(ends)) {
    for (const { before, beforeAt = "full", gone = [], next, nextAt = "full", there, unsynced, what } of scenes) {
      it.effect(`${what}; ${how}`, () =>
        quiet(Effect.gen(function*() {
          const volume = MemoryVolume.make({ losesPower: true })
          yield* using(volume, beforeAt, before ?? nothing)
          yield* Effect.exit(run((faults) => using(volume, "full", unsynced ?? nothing, faults)))
          yield* using(volume, nextAt, next)
          for (const state of PowerLoss.states(volume)) {
            // What was made last at process may have come up as anything.
            const names = yield* found(state, nextAt === "process")
            for (const name of there) assert.include(names, name, state.story)
            for (const name of gone) assert.notInclude(names, name, state.story)
          }
        })))
    }
  }
})

describe("relink", () => {
  /** All links of a store are lost, on the disk too. */
  const loseLinks = Effect.fnUntraced(function*(volume: MemoryVolume.MemoryVolume) {
    const fs = Context.get(processOn(volume, "vandal"), StoreFileSystem)
    for (const link of yield* fs.readDirectory("/tmp/store/index")) yield* fs.removeFile(`/tmp/store/index/${link}`)
    yield* fs.sync([{ kind: "tree", path: "/tmp/store" }])
  })

  /** Layers that were committed at `full`, whose links are lost, on the disk too. */
  const unlinked = Effect.fnUntraced(function*(...names: ReadonlyArray<Name>) {
    const volume = MemoryVolume.make({ losesPower: true })
    for (const name of names) yield* using(volume, "full", committed(name))
    yield* loseLinks(volume)
    return volume
  })
  const diesAfterTheLink = () => Faults.make(({ operation }) => operation === "symlink" ? "dieAfter" : "pass")

  for (
    const [what, durability, faults] of [
      ["at process", "process", undefined],
      ["at full, whose process dies right after the link", "full", diesAfterTheLink]
    ] as const
  ) {
    it.effect(`${what}: what is acknowledged then under the name that it gave back is there by that name`, () =>
      quiet(Effect.gen(function*() {
        const volume = yield* unlinked(n)
        yield* Effect.exit(using(volume, durability, (store) => store.relink, faults?.()))
        yield* using(volume, "full", (store) => store.update(n, labels))
        for (const state of PowerLoss.states(volume)) assert.include(yield* found(state, false), "n", state.story)
      })))
  }

  it.effect("at full: what was made at process is there by its name again", () =>
    quiet(Effect.gen(function*() {
      const volume = MemoryVolume.make({ losesPower: true })
      yield* using(volume, "process", committed(n))
      yield* loseLinks(volume)
      yield* using(volume, "full", (store) => store.relink)
      for (const state of PowerLoss.states(volume)) assert.include(yield* found(state, false), "n", state.story)
    })))

  it.effect("at process: what is no link, and was taken out of the index, does not come back", () =>
    quiet(Effect.gen(function*() {
      const volume = MemoryVolume.make({ losesPower: true })
      yield* using(volume, "full", committed(n))
      const fs = Context.get(processOn(volume, "vandal"), StoreFileSystem)
      yield* fs.writeFile(`/tmp/store/index/${"0".repeat(64)}`, "", 0o600)
      yield* fs.sync([{ kind: "tree", path: "/tmp/store" }])
      yield* using(volume, "process", (store) => store.relink)
      for (const state of PowerLoss.states(volume)) assert.include(yield* found(state, false), "n", state.story)
    })))

  it.effect("at process, beside what nobody was promised: what is promised is there by its name", () =>
    quiet(Effect.gen(function*() {
      const volume = yield* unlinked(n)
      yield* using(volume, "process", committed(base))
      yield* loseLinks(volume)
      yield* using(volume, "process", (store) => store.relink)
      yield* using(volume, "full", (store) => store.update(n, labels))
      for (const state of PowerLoss.states(volume)) assert.include(yield* found(state, true), "n", state.story)
    })))

  it.effect("that fails after one link of two: what is acknowledged then under the name that it gave back is there", () =>
    quiet(Effect.gen(function*() {
      const volume = yield* unlinked(n, base)
      let links = 0
      const failing = Faults.make(({ operation }) =>
        operation === "symlink" && ++links === 2 ? { fail: "EIO" } : "pass"
      )
      yield* Effect.exit(using(volume, "full", (store) => store.relink, failing))
      const names: Array<string> = []
      for (const name of [n, base]) {
        yield* Effect.ignore(
          using(
            volume,
            "full",
            (store) => Effect.tap(store.update(name, labels), () => Effect.sync(() => names.push(name)))
          )
        )
      }
      assert.lengthOf(names, 1)
      for (const state of PowerLoss.states(volume)) assert.includeMembers(yield* found(state, true), names, state.story)
    })))
})

it.effect("a store that another process makes at process, while it is opened at full, is on disk before anything is promised", () =>
  quiet(Effect.gen(function*() {
    const volume = MemoryVolume.make({ losesPower: true })
    let raced = false
    const racing = Faults.make(({ operation }) => {
      if (raced || operation !== "tryLock") return "pass"
      raced = true
      return { before: using(volume, "process", nothing) }
    })
    const process = processOn(volume, volume.newProcess(), racing)
    yield* Effect.scoped(Effect.flatMap(make({ root: "/tmp/store" }), committed(n))).pipe(
      Effect.updateContext((scope: Context.Context<never>) => Context.merge(process, scope))
    )
    assert.isTrue(raced)
    for (const state of PowerLoss.states(volume)) assert.include(yield* found(state, false), "n", state.story)
  })))
