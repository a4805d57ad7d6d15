/**
 * P5: many fibers of many processes share one store. Where the order of things matters it is drawn from a seed, at every
 * operation of every fiber (`test/simulation.ts`); what takes time takes none.
 */
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type Command, render } from "@snapshotter/core/testing/Command"
import { empty } from "@snapshotter/core/testing/Model"
import type { World } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, Exit, Fiber, type Scope, Stream } from "effect"
import { assert, describe, it } from "vitest"
import type { Random } from "../../../test/random.ts"
import { simulateAll } from "../../../test/simulation.ts"
import { anomaly, type Operation } from "./linearizable.ts"
import { lockedOn, type Options, play, processOn, quiet, worldOf } from "./machine.ts"

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

const all = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

/** The store, as another process opens it. */
const storeOf = (
  volume: MemoryVolume.MemoryVolume,
  name: string,
  options: Options = {},
  faults = Faults.make()
): Effect.Effect<Snapshotter, never, Scope.Scope> =>
  Effect.orDie(Effect.provideContext(make({ root: "/tmp/store", ...options }), processOn(volume, name, faults)))

/** The command's own view of a machine with several processes, each with the store open. */
const worldsOn = (volume: MemoryVolume.MemoryVolume, count: number, options: Options = {}) =>
  Effect.forEach(numbers(count), (at) => worldOf(processOn(volume, `process ${at}`), options))

const leavesAllWell = (world: World, volume: MemoryVolume.MemoryVolume) =>
  Effect.gen(function*() {
    // Who did the work may have the lock for a moment longer than whom it answered.
    yield* Effect.sleep(20)
    assert.deepStrictEqual(lockedOn(volume), [], "a lock is held although nobody does anything")
    assert.strictEqual((yield* world.run({ _tag: "cleanup" }))._tag, "Success")
    assert.deepStrictEqual(yield* world.violations, [])
  })

// ============================================================ histories

const identifiers = ["a", "b", "c"]

const someCommand = (random: Random): Command => {
  const some = () => random.pick(identifiers) ?? "a"
  const parent = random.chance(0.4) ? { parent: some() } : {}
  switch (random.below(10)) {
    case 0:
    case 1:
    case 2:
      return { _tag: "prepare", key: some(), ...parent }
    case 3:
    case 4:
      return { _tag: "commit", name: some(), key: some() }
    case 5:
      return { _tag: "view", key: some(), ...parent }
    case 6:
      return { _tag: "remove", name: some() }
    case 7:
      return {
        _tag: "update",
        name: some(),
        change: { patch: { [random.pick(["l", "m"]) ?? "l"]: `${random.below(9)}` } }
      }
    case 8:
      return { _tag: "stat", name: some() }
    default:
      return { _tag: "mounts", name: some() }
  }
}

describe("every history is linearizable", () => {
  for (const durability of ["full", "process"] as const) {
    it(`of fibers of three processes that prepare, commit, view, remove, update and look, at ${durability}`, async () => {
      let [histories, operations] = [0, 0]
      await simulateAll(250, (random) =>
        Effect.scoped(Effect.gen(function*() {
          const volume = MemoryVolume.make()
          const worlds = yield* worldsOn(volume, 3, { durability })
          const history: Array<Operation> = []
          let clock = 0
          const does = (world: World, command: Command) =>
            Effect.gen(function*() {
              const called = ++clock
              const response = yield* world.run(command)
              history.push({ command, response, called, answered: ++clock })
            })
          yield* all(worlds.flatMap((world) =>
            numbers(2).map(() => {
              const commands = numbers(3).map(() => someCommand(random))
              return Effect.forEach(commands, (command) => does(world, command))
            })
          ))
          const [first] = worlds
          if (first === undefined) return
          // What has come of it in the end is part of the history.
          yield* does(first, { _tag: "walk", filters: [] })
          assert.isUndefined(anomaly(history), "no order of these explains the answers")
          histories++
          operations += history.length
          yield* leavesAllWell(first, volume)
        })), { haste: 0.01 })
      process.stdout.write(`linearizable at ${durability}: ${histories} histories, ${operations} operations\n`)
    })
  }

  it("and one that is not is told apart", () => {
    const response = { _tag: "Success", value: { type: "bind", writable: true, lowers: 0 } } as const
    const prepare = { command: { _tag: "prepare", key: "a" }, response } as const
    assert.isUndefined(anomaly([{ ...prepare, called: 1, answered: 2 }]))
    assert.isDefined(anomaly([{ ...prepare, called: 1, answered: 4 }, { ...prepare, called: 2, answered: 3 }]))
    const gone = { _tag: "Failure", failure: "SnapshotNotFound", about: "a" } as const
    const stat = { command: { _tag: "stat", name: "a" }, response: gone } as const
    assert.isUndefined(anomaly([{ ...prepare, called: 1, answered: 4 }, { ...stat, called: 2, answered: 3 }]))
    assert.isDefined(anomaly([{ ...prepare, called: 1, answered: 2 }, { ...stat, called: 3, answered: 4 }]))
  })
})

// ============================================================ crowds

describe("F65: of 4 processes with 50 fibers each that want one thing", () => {
  const rounds = 200
  for (const durability of ["process", "full"] as const) {
    it(`exactly one gets it, in each of ${rounds} rounds of prepare, commit and remove, at ${durability}`, () =>
      simulateAll(1, () =>
        Effect.scoped(Effect.gen(function*() {
          const volume = MemoryVolume.make()
          const worlds = yield* worldsOn(volume, 4, { durability })
          const crowd = numbers(50).flatMap(() => worlds)
          yield* all(worlds.slice(0, 1).map((world) => world.run({ _tag: "prepare", key: "bystander" })))
          const commands: ReadonlyArray<readonly [Command, string]> = [
            [{ _tag: "prepare", key: "a" }, "KeyTaken"],
            [{ _tag: "commit", name: "b", key: "a" }, "SnapshotNotFound"],
            [{ _tag: "remove", name: "b" }, "SnapshotNotFound"]
          ]
          for (let round = 0; round < rounds; round++) {
            const [command, loss] = commands[round % commands.length] ?? [{ _tag: "check" }, ""]
            const responses = yield* all(crowd.map((world) => world.run(command)))
            const winners = responses.filter(({ _tag }) => _tag === "Success")
            const others = responses.filter((response) => response._tag === "Failure" && response.failure !== loss)
            assert.deepStrictEqual([winners.length, others], [1, []], `round ${round}: ${render(command)}`)
          }
          for (const world of worlds.slice(0, 1)) yield* leavesAllWell(world, volume)
        })), { haste: 0.01 }))
  }
})

// ============================================================ syncs

interface Sync {
  readonly targets: ReadonlyArray<string>
  readonly locked: boolean
}

/** A store whose syncs, and what they stand between, are written down. */
const recorded = (options: Options) =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const syncs: Array<Sync> = []
    const order: Array<string> = []
    const withoutId = (path: string) =>
      path.replace("/tmp/store/", "").replace(/[0-9a-f]{64}/, "<hash>").replace(/[a-z2-7]{13}/g, "<id>")
    const faults = Faults.make(({ operation, paths }) => {
      if (operation === "sync") {
        const locked = lockedOn(volume).includes("store")
        syncs.push({ targets: paths.map(withoutId), locked })
        order.push(`sync ${paths.map(withoutId).join(" ")}`)
      }
      if (operation === "moveNoReplace" || operation === "exchange") {
        order.push(`${paths.map(withoutId).join(" → ")}`)
      }
      if (operation === "removeFile" || operation === "removeTree") order.push(`gone ${paths.map(withoutId).join(" ")}`)
      return "pass"
    })
    const store = yield* storeOf(volume, "recorded", options, faults)
    const during = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
      Effect.suspend(() => {
        syncs.length = 0
        order.length = 0
        return Effect.map(effect, () => ({ syncs: [...syncs], order: [...order] }))
      })
    return { store, during }
  })

const recording = <E>(
  options: Options,
  test: (recorder: Effect.Success<ReturnType<typeof recorded>>) => Effect.Effect<void, E, Scope.Scope>
) => Effect.runPromise(Effect.scoped(Effect.flatMap(recorded(options), test)))

const key = Key.make
const name = Name.make

describe("waits for the disk", () => {
  it("are two for a prepare, a view and an update, three for a commit of which one is without the lock, one for a remove", () =>
    recording({}, ({ during, store }) =>
      Effect.gen(function*() {
        const locked = ({ syncs }: { readonly syncs: ReadonlyArray<Sync> }) => syncs.map((sync) => sync.locked)
        assert.deepStrictEqual(locked(yield* during(store.prepare(key("a")))), [true, true])
        assert.deepStrictEqual(locked(yield* during(store.commit(name("b"), key("a")))), [false, true, true])
        assert.deepStrictEqual(locked(yield* during(store.prepare(key("c"), { parent: name("b") }))), [true, true])
        assert.deepStrictEqual(locked(yield* during(store.view(key("d"), { parent: name("b") }))), [true, true])
        assert.deepStrictEqual(locked(yield* during(store.update(key("c"), { patch: { l: "1" } }))), [true, true])
        assert.deepStrictEqual(locked(yield* during(store.update(name("b"), { patch: { l: "1" } }))), [true, true])
        for (const one of [key("c"), key("d"), name("b")]) {
          assert.deepStrictEqual(locked(yield* during(store.remove(one))), [true])
        }
      })))

  it("are none at durability process", () =>
    recording({ durability: "process" }, ({ during, store }) =>
      Effect.gen(function*() {
        const { syncs } = yield* during(Effect.gen(function*() {
          yield* store.prepare(key("a"))
          yield* store.commit(name("b"), key("a"))
          yield* store.view(key("c"), { parent: name("b") })
          yield* store.update(name("b"), { patch: { l: "1" } })
          yield* store.remove(key("c"))
          yield* store.remove(name("b"))
          yield* store.cleanup
          yield* store.relink
        }))
        assert.deepStrictEqual(syncs, [])
      })))

  it("are none for what only looks", () =>
    recording({}, ({ during, store }) =>
      Effect.gen(function*() {
        yield* store.prepare(key("a"))
        const { order, syncs } = yield* during(Effect.gen(function*() {
          yield* store.mounts(key("a"))
          yield* store.stat(key("a"))
          yield* store.usage(key("a"))
          yield* Stream.runDrain(store.walk())
          yield* store.check
          yield* store.cleanup
        }))
        assert.deepStrictEqual(syncs, [])
        assert.deepStrictEqual(order, [])
      })))

  it("are shared: sixteen prepares at once wait four times at most, not thirty-two times", () =>
    simulateAll(20, () =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        let syncs = 0
        const process = processOn(volume, "process")
        const fs = Context.get(process, StoreFileSystem)
        const sync: StoreFileSystem["sync"] = (targets) =>
          Effect.suspend(() => {
            // Contents are made durable without the lock, each by itself.
            if (targets.length > 1 || targets[0]?.kind !== "tree") syncs++
            return Effect.andThen(Effect.sleep(2), fs.sync(targets))
          })
        const store = yield* make({ root: "/tmp/store" }).pipe(
          Effect.provideContext(Context.add(process, StoreFileSystem, { ...fs, sync }))
        )
        const waitsOf = <A, E>(effects: ReadonlyArray<Effect.Effect<A, E>>) =>
          Effect.map(Effect.andThen(Effect.sync(() => syncs = 0), all(effects)), () => syncs)
        const prepares = numbers(16).map((at) => store.prepare(key(`${at}`)))
        assert.isAtMost(yield* waitsOf(prepares), 4)
        const commits = numbers(16).map((at) => store.commit(name(`name ${at}`), key(`${at}`)))
        assert.isAtMost(yield* waitsOf(commits), 4)
      }))))

  it("stand where docs/ARCHITECTURE.md says: contents, links and marks before the rename, its directory after, ruin last", () =>
    recording({}, ({ during, store }) =>
      Effect.gen(function*() {
        inOrder((yield* during(store.prepare(key("a")))).order, [
          "sync staging/<id> index",
          "staging/<id> → active/<id>",
          "sync active"
        ])
        inOrder((yield* during(store.commit(name("b"), key("a")))).order, [
          "sync active/<id>",
          "sync active/<id> index",
          "active/<id> → committed/<id>",
          "sync committed",
          "gone index/<hash>",
          "committed/<id>/work → trash/<id>-work",
          "gone trash/<id>-work"
        ])
        inOrder((yield* during(store.view(key("c"), { parent: name("b") }))).order, [
          "sync staging/<id> index committed/<id>/children",
          "staging/<id> → view/<id>",
          "sync view"
        ])
        inOrder((yield* during(store.update(name("b"), { patch: { l: "1" } }))).order, [
          "sync committed/<id>/next.json",
          "committed/<id>/next.json → committed/<id>/name.json",
          "sync committed/<id>",
          "gone committed/<id>/next.json"
        ])
        inOrder((yield* during(store.remove(key("c")))).order, [
          "view/<id> → trash/<id>",
          "sync trash view",
          "gone index/<hash>",
          "gone committed/<id>/children/<id>",
          "gone trash/<id>"
        ])
        yield* store.prepare(key("d"), { parent: name("b") })
        inOrder((yield* during(store.commit(name("e"), key("d")))).order.slice(0, 3), [
          "sync active/<id>",
          "sync active/<id> index committed/<id>/children",
          "active/<id> → committed/<id>"
        ])
      })))
})

/** The same steps in the same order; a sync may wait for more than it must. */
const inOrder = (actual: ReadonlyArray<string>, expected: ReadonlyArray<string>): void => {
  const targetsOf = (line: string) => line.split(" ").slice(1)
  const asExpected = actual.map((line, at) => {
    const wanted = expected[at] ?? ""
    const covers = line.startsWith("sync ") && wanted.startsWith("sync ") &&
      targetsOf(wanted).every((target) => targetsOf(line).includes(target))
    return covers ? wanted : line
  })
  assert.deepStrictEqual(asExpected, expected)
}

describe("at durability full nothing stands on what is not on disk", () => {
  it("also if the key is another snapshot by the time it has the lock, on a parent that was made without syncs", () =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const volume = MemoryVolume.make()
      const careless = yield* storeOf(volume, "careless", { durability: "process" })
      yield* careless.prepare(key("base"))
      yield* careless.commit(name("careless base"), key("base"))
      const process = processOn(volume, "careful")
      const fs = Context.get(process, StoreFileSystem)
      let swaps = 0
      const swap = Effect.orDie(Effect.gen(function*() {
        yield* careless.remove(key("a"))
        yield* careless.prepare(key("a"), { parent: name("careless base") })
      }))
      // While the contents of the first snapshot of this key are being synced, without the lock.
      const sync: StoreFileSystem["sync"] = (targets) =>
        Effect.andThen(fs.sync(targets), targets[0]?.kind === "tree" && ++swaps === 1 ? swap : Effect.void)
      yield* careless.prepare(key("a"))
      const careful = yield* make({ root: "/tmp/store" }).pipe(
        Effect.provideContext(Context.add(process, StoreFileSystem, { ...fs, sync }))
      )
      const { parent } = yield* careful.commit(name("b"), key("a"))
      assert.strictEqual(parent, "careless base")
      for (const id of yield* fs.readDirectory("/tmp/store/committed")) {
        const { durable, name }: { durable: boolean; name: string } = JSON.parse(
          (yield* fs.readFile(`/tmp/store/committed/${id}/name.json`)) ?? "{}"
        )
        assert.isTrue(durable, `${name} is not durable, and b stands on it`)
      }
    }))))
})

// ============================================================ walk

describe("a walk while everything changes", () => {
  it("shows what is there throughout exactly once, parents before children, each as it was at some moment", () =>
    simulateAll(25, (random) =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const stores = yield* Effect.forEach(numbers(3), (at) =>
          storeOf(volume, `process ${at}`, { durability: "process" }))
        const [one, ...others] = stores
        if (one === undefined) {
          return
        }
        const still = ["base", "middle", "top"]
        for (const [at, made] of still.entries()) {
          const parent = still[at - 1]
          yield* one.prepare(key("making"), parent === undefined ? {} : { parent: name(parent) })
          yield* one.commit(name(made), key("making"))
        }
        yield* one.prepare(key("active"), { parent: name("top") })
        yield* one.view(key("view"), { parent: name("middle") })
        // The same snapshots throughout, first under their keys and then under their names.
        const moving = numbers(6)
        for (const at of moving) {
          yield* one.prepare(key(`moving ${at}`), { parent: name("base") })
        }
        const laterOn = Effect.suspend(() =>
          Effect.forEach(numbers(random.below(400)), () => Effect.yieldNow)
        )
        const before = yield* one.stat(name("base"))
        const labelled = Effect.forEach(numbers(6), (at) => one.update(name("base"), { replace: { at: `${at}` } }))
        const churn = others.map((store, which) =>
          Effect.forEach(numbers(4), (at) =>
            Effect.gen(function*() {
              const made = `${which} ${at}`
              yield* store.prepare(key(`key ${made}`), { parent: name(random.pick(still) ?? "base") })
              yield* store.commit(name(made), key(`key ${made}`))
              yield* store.view(key(`view ${made}`), { parent: name(made) })
              yield* store.remove(key(`view ${made}`))
              if (random.chance(0.5)) yield* store.remove(name(made))
            }))
        )
        const left = new Set(moving)
        const moves = moving.map((at) =>
          laterOn.pipe(
            Effect.andThen((stores[at % 3] ?? one).commit(name(`moved ${at}`), key(`moving ${at}`))),
            Effect.andThen(Effect.sync(() => left.delete(at)))
          )
        )
        const walks = stores.map((store) =>
          Effect.gen(function*() {
            while (left.size > 0) judgeWalk(yield* Stream.runCollect(store.walk({ onDamaged: "fail" })), before)
          })
        )
        yield* Effect.all([labelled, all(churn), all(moves), all(walks)], { concurrency: "unbounded", discard: true })
      })), { haste: 0.01 }))
})

const judgeWalk = (infos: ReadonlyArray<Info>, base: Info): void => {
  const shown = infos.map((info) => String(info.name))
  const times = (names: ReadonlyArray<string>) => shown.filter((one) => names.includes(one)).length
  const moved = numbers(6).map((at) => [`moving ${at}`, `moved ${at}`])
  for (const names of [["base"], ["middle"], ["top"], ["active"], ["view"], ...moved]) {
    assert.strictEqual(times(names), 1, `${names.join(" or ")} among ${shown.join(", ")}`)
  }
  assert.strictEqual(new Set(shown).size, shown.length, shown.join(", "))
  for (const [at, { name, parent }] of infos.entries()) {
    const above = parent === undefined ? -1 : shown.indexOf(parent)
    assert.isBelow(above, at, `${name} before its parent ${parent}: ${shown.join(", ")}`)
    assert.isTrue(parent === undefined || above >= 0, `${name} without its parent ${parent}: ${shown.join(", ")}`)
  }
  const seen = infos.find(({ name }) => name === base.name)
  assert.deepStrictEqual({ ...seen, labels: {}, updatedAt: 0n }, { ...base, labels: {}, updatedAt: 0n })
  assert.match(seen?.labels["at"] ?? "0", /^[0-5]$/)
}

// ============================================================ what hangs, dies or fails

describe("nobody stands in the way of others", () => {
  it("F69: a removal that never ends; interrupted, cleanup finishes it", () =>
    simulateAll(20, () =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const hangs = Faults.make(Faults.when(({ operation }) => operation === "removeTree", () => "hang"))
        const store = yield* storeOf(volume, "hanging", {}, hangs)
        const later = yield* storeOf(volume, "healthy")
        yield* store.prepare(key("a"))
        const removing = yield* Effect.forkChild(store.remove(key("a")))
        for (const one of [store, later]) {
          yield* all(numbers(50).map((at) => one.prepare(key(`${one === store ? "here" : "there"} ${at}`))))
        }
        while (hangs.injected() === 0) yield* Effect.sleep(1)
        yield* Fiber.interrupt(removing)
        assert.strictEqual((yield* Effect.flip(store.stat(key("a"))))._tag, "SnapshotNotFound")
        const { removed, unremoved } = yield* later.cleanup
        assert.deepStrictEqual([removed.length, unremoved.length], [1, 0])
        assert.deepStrictEqual(yield* later.check, [])
      }))))

  it("a process that dies while it holds the lock: the others go on at once, in no time", () =>
    simulateAll(60, (random) =>
      Effect.scoped(
        Effect.gen(function*() {
          const volume = MemoryVolume.make()
          const healthy = yield* storeOf(volume, "healthy")
          let dies = 1 + random.below(30)
          const faults = Faults.make(() => lockedOn(volume).length > 0 && --dies === 0 ? "dieBefore" : "pass")
          const doomed = yield* Effect.exit(storeOf(volume, "doomed", {}, faults))
          const work = (store: Snapshotter) =>
            Effect.gen(function*() {
              yield* store.prepare(key("a"))
              yield* store.commit(name("b"), key("a"))
              yield* store.update(name("b"), { patch: { l: "1" } })
              yield* store.remove(name("b"))
            })
          yield* Effect.exit(Exit.isSuccess(doomed) ? work(doomed.value) : Effect.void)
          const begun = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
          yield* volume.kill("doomed")
          yield* healthy.prepare(key("next"))
          assert.strictEqual(yield* Effect.clockWith((clock) => clock.currentTimeMillis), begun)
        }).pipe(quiet)
      )))

  it("another process that holds the lock: whoever changes something gets LockTimeout in time, whoever looks is answered", () =>
    simulateAll(10, () =>
      Effect.scoped(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const store = yield* storeOf(volume, "one", { lockTimeout: "2 seconds" })
        yield* store.prepare(key("a"))
        const holding = Faults.make(Faults.when(({ operation }) => operation === "writeFile", () => "hang"))
        const other = yield* storeOf(volume, "other", {}, holding)
        const holder = yield* Effect.forkChild(other.prepare(key("b")))
        yield* Effect.sleep(1)
        const now = Effect.clockWith((clock) => clock.currentTimeMillis)
        const begun = yield* now
        const tag = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>) =>
          Effect.match(effect, { onFailure: ({ _tag }) => _tag, onSuccess: () => "success" })
        const answers = yield* all([
          tag(store.prepare(key("c"))),
          tag(store.commit(name("c"), key("a"))),
          tag(store.update(key("a"), { patch: {} })),
          tag(store.remove(key("a"))),
          tag(store.check)
        ])
        for (const answer of answers) assert.strictEqual(answer, "LockTimeout")
        assert.approximately((yield* now) - begun, 2_000, 10)
        yield* store.stat(key("a"))
        yield* store.mounts(key("a"))
        assert.strictEqual((yield* Stream.runCollect(store.walk())).length, 1)
        yield* Fiber.interrupt(holder)
        yield* store.remove(key("a"))
      }))))
})

describe("F67: after a thousand failures an operation works, and no lock, name or entry of a queue is left", () => {
  const x5000 = "x".repeat(5_000)
  const before: ReadonlyArray<Command> = [
    { _tag: "prepare", key: "a" },
    { _tag: "commit", name: "b", key: "a" },
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "commit", name: "d", key: "c" },
    { _tag: "prepare", key: "e", parent: "d" },
    { _tag: "commit", name: "deep", key: "e" },
    { _tag: "prepare", key: "a" },
    { _tag: "view", key: "view", parent: "b" },
    { _tag: "prepare", key: "mounted" },
    { _tag: "mount", slot: 0, key: "mounted" },
    { _tag: "mount", slot: 1, key: "view" }
  ]
  const failing: Readonly<Record<string, ReadonlyArray<Command>>> = {
    InvalidKey: [
      { _tag: "prepare", key: "" },
      { _tag: "view", key: "new", parent: "\0" },
      { _tag: "commit", name: "\ud800", key: "a" },
      { _tag: "remove", name: "" },
      { _tag: "update", name: "", change: { patch: {} } },
      { _tag: "stat", name: "" }
    ],
    InvalidLabels: [
      { _tag: "prepare", key: "new", labels: { l: x5000 } },
      { _tag: "commit", name: "new", key: "a", labels: { l: x5000 } },
      { _tag: "update", name: "a", change: { replace: { l: x5000 } } }
    ],
    ImmutableField: [{ _tag: "update", name: "a", change: Object.assign({ patch: {} }, { kind: "view" }) }],
    KeyTaken: [{ _tag: "prepare", key: "a" }, { _tag: "view", key: "b" }],
    NameTaken: [{ _tag: "commit", name: "b", key: "a" }],
    NotActive: [{ _tag: "commit", name: "new", key: "view" }],
    NotMountable: [{ _tag: "mounts", name: "b" }],
    ParentNotFound: [{ _tag: "prepare", key: "new", parent: "absent" }, { _tag: "view", key: "new", parent: "absent" }],
    ParentNotCommitted: [{ _tag: "prepare", key: "new", parent: "a" }],
    TooManyLayers: [{ _tag: "prepare", key: "new", parent: "deep" }],
    HasChildren: [{ _tag: "remove", name: "b" }],
    Busy: [{ _tag: "commit", name: "new", key: "mounted" }, { _tag: "remove", name: "mounted" }],
    SnapshotNotFound: [
      { _tag: "remove", name: "absent" },
      { _tag: "commit", name: "new", key: "absent" },
      { _tag: "update", name: "absent", change: { patch: {} } },
      { _tag: "mounts", name: "absent" },
      { _tag: "stat", name: "absent" },
      { _tag: "usage", name: "absent" }
    ],
    InvalidFilter: [{ _tag: "walk", filters: ["name="] }]
  }
  const afterwards: ReadonlyArray<Command> = [
    { _tag: "unmount", slot: 0 },
    { _tag: "unmount", slot: 1 },
    { _tag: "prepare", key: "new", parent: "b" },
    { _tag: "commit", name: "newer", key: "new" },
    { _tag: "update", name: "a", change: { patch: { l: "1" } } },
    { _tag: "remove", name: "a" },
    { _tag: "remove", name: "view" }
  ]

  const inPlace = <E>(test: (world: World, volume: MemoryVolume.MemoryVolume) => Effect.Effect<void, E>) =>
    Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const volume = MemoryVolume.make()
      const world = yield* worldOf(processOn(volume, "process"), { durability: "process" })
      const model = yield* play(world, empty(), before)
      yield* test(world, volume)
      yield* world.agrees(model)
      yield* play(world, model, afterwards)
      yield* leavesAllWell(world, volume)
    })))

  for (const [failure, commands] of Object.entries(failing)) {
    it(`${failure}, by ${commands.map(({ _tag }) => _tag).join(", ")}`, () =>
      inPlace((world, volume) =>
        Effect.gen(function*() {
          for (const command of commands) {
            for (let times = 0; times < 1_000; times++) {
              const response = yield* world.run(command)
              const met = response._tag === "Failure" ? response.failure : "success"
              assert.strictEqual(met, failure, render(command).slice(0, 80))
            }
          }
          assert.deepStrictEqual(lockedOn(volume), [])
          assert.deepStrictEqual(yield* world.violations, [])
        })
      ))
  }

  it("ENOSPC at any call, by prepare and update", () =>
    Effect.runPromise(Effect.scoped(
      Effect.gen(function*() {
        const volume = MemoryVolume.make()
        let calls = -1
        const faults = Faults.make(() => calls-- === 0 ? { fail: "ENOSPC" } : "pass")
        const world = yield* worldOf(processOn(volume, "process", faults), { durability: "process" })
        const model = yield* play(world, empty(), before)
        for (let times = 0; times < 1_000; times++) {
          calls = times % 8
          const command: Command = times % 2 === 0
            ? { _tag: "prepare", key: "new" }
            : { _tag: "update", name: "a", change: { patch: { l: "1" } } }
          yield* world.run(command)
          calls = -1
          if (times % 2 === 0) yield* world.run({ _tag: "remove", name: "new" })
          yield* world.run({ _tag: "update", name: "a", change: { replace: {} } })
        }
        assert.deepStrictEqual(lockedOn(volume), [])
        yield* world.agrees(model)
        yield* play(world, model, afterwards)
        yield* leavesAllWell(world, volume)
      }).pipe(quiet)
    )))
})
