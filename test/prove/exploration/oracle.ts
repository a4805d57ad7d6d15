/**
 * Whether a disk that a machine came up with is one that the store's promises allow (P1 to P4).
 *
 * Verified: the store opens; the forest is what it was after some history that keeps every operation which was acknowledged
 * at `full` (after a mere crash of the process: every acknowledged one) and any of the others; what such operations stand on
 * shows the tree that it showed, byte for byte; `check` finds nothing but what can be reclaimed; the operation in flight
 * happened wholly or can be done again, where what it needs came through; `cleanup` leaves nothing that no snapshot owns;
 * recovering again changes nothing.
 *
 * Not verified: what snapshots that were made at `process` hold after a power loss, whose damage is only told; what the
 * kernel would do (`images` and `kills` do that).
 */
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import type { Snapshotter, Violation } from "@snapshotter/core/Snapshotter"
import type { Command } from "@snapshotter/core/testing/Command"
import { infosOf, type Model, step } from "@snapshotter/core/testing/Model"
import { canonical } from "@snapshotter/core/testing/World"
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Cause, Effect, Exit, Predicate, Stream } from "effect"
import { hash } from "node:crypto"
import { directoryOf, inventory, treeOf } from "./look.ts"
import { open, root } from "./machine.ts"
import { hasCommitPoint, type Operation, parents } from "./operations.ts"

/** What was done until the crash. */
export interface History {
  readonly begun: Model
  /** And what was not answered, but has happened. */
  readonly acknowledged: ReadonlyArray<Operation>
  /** Done again by whoever recovers. */
  readonly inFlight: Operation | undefined
  /** In flight at `full`, side by side; none is done again. */
  readonly beside: ReadonlyArray<Operation>
  /** What committed snapshots showed, by name. */
  readonly trees: ReadonlyMap<string, string>
}

/** What is promised of the disk. */
export interface Allowed {
  /** Forests, as canonical text, each with the model in which the operation in flight can be tried. */
  readonly forests: ReadonlyMap<string, Forest>
  /**
   * The snapshots that must not be damaged, if they are there, and of which committed ones must show what they showed: before
   * what is in flight, and after it.
   */
  readonly whole: { readonly before: ReadonlySet<string>; readonly after: ReadonlySet<string> }
  /** Whether a snapshot may be damaged, since it was made at `process`. */
  readonly forgives: boolean
}

interface Forest {
  readonly model: Model
  /** Whether the operation in flight has happened. */
  readonly happened: boolean
}

/**
 * What happened to the machine:
 *
 * - `death`: its processes died, and it goes on. Nothing is lost that programs saw, until it loses power too.
 * - `shutdown`: they died, and all that was not on the disk came there. Nothing is lost.
 * - `power`: it lost power, and what was never promised with it.
 * - `recovery`: it lost power while it recovered from a shutdown: only what that has done again can be lost, and what was made
 *   at `process` and changed by it.
 */
export type Crash = "death" | "shutdown" | "power" | "recovery"

/** What it is if the machine loses power while it recovers. */
export const powerLossAfter: Readonly<Record<Crash, Crash>> = {
  death: "power",
  shutdown: "recovery",
  power: "power",
  recovery: "recovery"
}

export const allowedAfter = (history: History, crash: Crash): Allowed => {
  const { acknowledged, begun, beside, inFlight } = history
  /** What is acknowledged at `full` later stands on it. */
  const isBuiltUpon = (one: Operation) =>
    acknowledged.slice(acknowledged.indexOf(one) + 1).some((later) =>
      later.durability === "full" && hasCommitPoint(later)
    )
  const certain = (one: Operation) =>
    (one.durability === "full" && (one.unanswered !== true || isBuiltUpon(one))) ||
    crash === "death" || crash === "shutdown" || (crash === "recovery" && acknowledged.includes(one))
  const forests = new Map<string, Forest>()
  for (const dropped of subsets([...acknowledged.filter((one) => !certain(one)), ...beside])) {
    const model = after(begun, [...acknowledged, ...beside].filter((one) => !dropped.includes(one)))
    if (model === undefined) continue
    forests.set(canonical(infosOf(model)), { model, happened: inFlight === undefined })
    const then = inFlight === undefined ? undefined : after(model, [inFlight])
    // What changes no forest, as `cleanup`, can always be done again.
    const forest = then === undefined ? "" : canonical(infosOf(then))
    if (then !== undefined && !forests.has(forest)) forests.set(forest, { model: then, happened: true })
  }
  const all = inFlight === undefined ? acknowledged : [...acknowledged, inFlight]
  const torn = crash === "recovery" && inFlight !== undefined ? changedByHalf(acknowledged, inFlight) : undefined
  const without = torn === undefined
    ? undefined
    : step(after(begun, acknowledged) ?? begun, { _tag: "remove", name: torn })
  if (without?.response._tag === "Success") {
    const forest = canonical(infosOf(without.model))
    if (!forests.has(forest)) forests.set(forest, { model: without.model, happened: false })
  }
  const whole = (operations: ReadonlyArray<Operation>) => {
    const names = promised(begun, [...operations, ...beside], certain)
    return new Set([...names].filter((name) => name !== torn))
  }
  return { forests, whole: { before: whole(acknowledged), after: whole(all) }, forgives: !all.every(certain) }
}

/** What was made at `process` and is changed at `process`: it waits for nothing, and the disk may have any part of the change. */
const changedByHalf = (
  acknowledged: ReadonlyArray<Operation>,
  { command, durability }: Operation
): string | undefined => {
  const changed = command._tag === "commit" ? command.key : "name" in command ? command.name : undefined
  const making = acknowledged.findLast((one) => one.command._tag !== "update" && madeBy(one) === changed)
  return durability === "process" && making?.durability === "process" ? changed : undefined
}

/** `undefined` where one of them would be refused. */
const after = (model: Model, operations: ReadonlyArray<Operation>): Model | undefined => {
  let now = model
  for (const { command } of operations) {
    const { model: next, response } = step(now, command)
    if (response._tag === "Failure") return undefined
    now = next
  }
  return now
}

const subsets = <A>(items: ReadonlyArray<A>): ReadonlyArray<ReadonlyArray<A>> => {
  const [first, ...others] = items
  if (first === undefined) return [[]]
  const rest = subsets(others)
  return [...rest, ...rest.map((one) => [first, ...one])]
}

/** What was made or changed for certain, and all that it stands on. */
const promised = (
  begun: Model,
  operations: ReadonlyArray<Operation>,
  certain: (operation: Operation) => boolean
): ReadonlySet<string> => {
  const whole = new Set<string>(parents)
  let model = begun
  for (const operation of operations) {
    model = step(model, operation.command).model
    const made = madeBy(operation)
    if (made === undefined) continue
    // The name may have been another one's before.
    if (!certain(operation) && operation.command._tag !== "update") whole.delete(made)
    if (!certain(operation)) continue
    for (let at: string | undefined = made; at !== undefined; at = model.snapshots.get(at)?.parent) whole.add(at)
  }
  return whole
}

const madeBy = ({ command }: Operation): string | undefined => {
  switch (command._tag) {
    case "prepare":
    case "view":
      return command.key
    case "commit":
    case "update":
      return command.name
    default:
      return undefined
  }
}

/** Told as a recovery goes on. */
export interface Recovery {
  /** The operation in flight is done again: what committed snapshots have to show from now on. */
  readonly begunAgain: (trees: History["trees"]) => void
  /** What can be crashed again is over. */
  readonly over: () => void
}

/** Fails where something is wrong with a disk. */
export const judge = (
  volume: MemoryVolume,
  { allowed, history }: { readonly history: History; readonly allowed: Allowed },
  { begunAgain, over }: Recovery
): Effect.Effect<void, unknown> =>
  Effect.gen(function*() {
    const forest = yield* Effect.scoped(recover(volume, history, allowed, begunAgain))
    over()
    const settled = yield* pictureOf(volume)
    // Recovering twice is recovering once.
    yield* Effect.scoped(Effect.gen(function*() {
      const store = yield* open(volume, "full")
      const { removed, unremoved } = yield* store.cleanup
      yield* must("a second cleanup found something", canonical([removed, unremoved]) === canonical([[], []]))
      yield* must("the forest has changed", canonical(yield* forestOf(store)) === canonical(forest))
      yield* must("a second recovery has changed the disk", (yield* pictureOf(volume)) === settled)
      yield* allowed.forgives ? canBeBuiltUpon(store, forest) : ownedOnly(volume, forest)
    }))
  })

/** Opens the store, looks at everything, does the operation again if it has not happened, and cleans up. */
const recover = Effect.fnUntraced(function*(
  volume: MemoryVolume,
  history: History,
  { forests, forgives, whole }: Allowed,
  begunAgain: Recovery["begunAgain"]
) {
  const store = yield* open(volume, history.inFlight?.durability ?? "full")
  const forest = yield* forestOf(store)
  const found = forests.get(canonical(forest))
  const damage = (yield* store.check).filter(({ severity }) => severity !== "reclaimable")
  const promised = found?.happened === true ? whole.after : whole.before
  if (damage.length > 0 && !forgives) return yield* wrong(`damage: ${canonical(damage)}`)
  yield* innocent(volume, forest, promised, damage)
  if (found === undefined) return yield* wrong(`the forest is ${canonical(forest)}, which no history explains`)
  const again = found.happened ? undefined : history.inFlight
  const damaged = new Set(damage.map(({ snapshot }) => snapshot))
  const trees = again === undefined
    ? history.trees
    : yield* treesAfter(volume, { forest, damaged }, history.trees, whole, again)
  begunAgain(trees)
  const isDone = again !== undefined && (yield* doneAgain(store, found.model, again, damage))
  const damageNow = (yield* store.check).filter(({ severity }) => severity !== "reclaimable")
  if (isDone) yield* innocent(volume, yield* forestOf(store), whole.after, damageNow)
  const { unremoved } = yield* store.cleanup
  yield* must("cleanup could not remove something", unremoved.length === 0)
  const left = (yield* store.check).filter((one) => !damage.some((known) => known.path === one.path))
  yield* must(`left after cleanup: ${canonical(left)}`, left.length === 0)
  const settled = yield* forestOf(store)
  yield* showsWhatItShowed(volume, settled, trees, isDone ? whole.after : promised)
  return settled
})

/** Damage of what was promised is a fault. */
const innocent = Effect.fnUntraced(function*(
  volume: MemoryVolume,
  forest: ReadonlyArray<Plain>,
  whole: ReadonlySet<string>,
  damage: ReadonlyArray<Violation>
) {
  const hurt = damage.filter(({ snapshot }) => snapshot !== undefined && whole.has(snapshot))
  if (hurt.length > 0) return yield* wrong(`damage of what was promised: ${canonical(hurt)}`)
  for (const { name } of forest.filter((one) => whole.has(one.name))) {
    const directory = yield* directoryOf(volume, name)
    if (directory === undefined) return yield* wrong(`no link leads to ${name}`)
  }
})

const showsWhatItShowed = Effect.fnUntraced(function*(
  volume: MemoryVolume,
  forest: ReadonlyArray<Plain>,
  trees: History["trees"],
  whole: ReadonlySet<string>
) {
  for (const { kind, name } of forest) {
    const expected = trees.get(name)
    if (kind !== "committed" || expected === undefined || !whole.has(name)) continue
    const directory = yield* directoryOf(volume, name)
    if (directory === undefined) return yield* wrong(`no link leads to ${name}`)
    const seen = yield* treeOf(volume, directory)
    yield* must(`${name} shows\n${seen}\ninstead of\n${expected}`, seen === expected)
  }
})

/**
 * What committed snapshots show once an operation is done again. Of what was not promised before, and is by this, it is what
 * has come through: what such a snapshot shows now, and, of a commit, its fork. One that is damaged may show nothing.
 */
const treesAfter = Effect.fnUntraced(function*(
  volume: MemoryVolume,
  { damaged, forest }: { readonly forest: ReadonlyArray<Plain>; readonly damaged: ReadonlySet<string | undefined> },
  trees: History["trees"],
  { after, before }: Allowed["whole"],
  { command }: Operation
) {
  const shown = new Map(trees)
  for (const { kind, name } of forest) {
    const isFork = command._tag === "commit" && command.key === name
    const isNew = kind === "committed" && after.has(name) && !before.has(name)
    const directory = isFork || isNew ? yield* directoryOf(volume, name) : undefined
    if (directory === undefined) continue
    const seen = yield* Effect.catchIf(treeOf(volume, directory), () => damaged.has(name), () => Effect.undefined)
    if (seen !== undefined) shown.set(isFork ? command.name : name, seen)
  }
  return shown
})

/** How an operation is refused where something is damaged: its link may be lost, or it may be there under a name that is asked for. */
const refusalsBy = (damage: ReadonlyArray<Violation>, command: Command): ReadonlyArray<string> => {
  if (damage.length === 0) return []
  const bears = (name: string) => damage.some(({ snapshot }) => snapshot === name)
  return [
    "Damaged",
    "SnapshotNotFound",
    "ParentNotFound",
    ...((command._tag === "prepare" || command._tag === "view") && bears(command.key) ? ["KeyTaken"] : []),
    ...(command._tag === "commit" && bears(command.name) ? ["NameTaken"] : [])
  ]
}

/**
 * Whether it could be done again. Refused is what the model refuses, since something is gone that was not promised, and
 * what is about something damaged, of which nothing was promised either.
 */
const doneAgain = Effect.fnUntraced(
  function*(store: Snapshotter, model: Model, operation: Operation, damage: ReadonlyArray<Violation>) {
    const { model: expected, response } = step(model, operation.command)
    const exit = yield* Effect.exit(perform(store, operation))
    const isDone = Exit.isSuccess(exit)
    if (!isDone) {
      const allowed = [
        ...(response._tag === "Failure" ? [response.failure] : []),
        ...refusalsBy(damage, operation.command)
      ]
      const failure = Cause.squash(exit.cause)
      yield* must(`done again, it fails: ${String(failure)}`, allowed.some((tag) => Predicate.isTagged(failure, tag)))
    }
    const now = canonical(yield* forestOf(store))
    yield* must("done again, it did something else", now === canonical(infosOf(isDone ? expected : model)))
    return isDone
  }
)

/** Does an operation, but `reopen`, which is done by whoever opens the store. */
export const perform = (store: Snapshotter, { command }: Operation): Effect.Effect<unknown, unknown> => {
  switch (command._tag) {
    case "prepare":
    case "view":
      return store[command._tag](
        Key.make(command.key),
        command.parent === undefined ? {} : { parent: Name.make(command.parent) }
      )
    case "commit":
      return store.commit(Name.make(command.name), Key.make(command.key))
    case "remove":
      return store.remove(Key.make(command.name))
    case "update":
      return store.update(Key.make(command.name), command.change)
    case "cleanup":
      return store.cleanup
    default:
      return Effect.void
  }
}

/** What came through, however it was made, can be promised now: what is then built upon it stands. */
const canBeBuiltUpon = Effect.fnUntraced(function*(store: Snapshotter, forest: ReadonlyArray<Plain>) {
  const built = new Set<string | undefined>()
  const known = yield* store.check
  const [damaged, paths] = [new Set(known.map(({ snapshot }) => snapshot)), new Set(known.map(({ path }) => path))]
  for (const { kind, name } of forest) {
    const later = `${name} later`
    const building: Effect.Effect<unknown, unknown> = kind === "active"
      ? store.commit(Name.make(later), Key.make(name))
      : store.view(Key.make(later), { parent: Name.make(name) })
    if (kind === "view") continue
    const exit = yield* Effect.exit(building)
    if (Exit.isSuccess(exit)) built.add(name).add(later)
    // Its link is lost, say.
    else if (!damaged.has(name)) return yield* Effect.failCause(exit.cause)
  }
  // One that was damaged before may bear the name of one that is not.
  const damage = (yield* store.check).filter(({ path, severity, snapshot }) =>
    severity === "damage" && built.has(snapshot) && !paths.has(path)
  )
  yield* must(`damage of what was built later: ${canonical(damage)}`, damage.length === 0)
})

// ============================================================ pieces

class Wrong extends Error {
  override readonly name = "Wrong"
}

const wrong = (what: string): Effect.Effect<never, Wrong> => Effect.fail(new Wrong(what))

const must = (what: string, holds: boolean): Effect.Effect<void, Wrong> => holds ? Effect.void : wrong(what)

interface Plain {
  readonly name: string
  readonly kind: Info["kind"]
  readonly parent: string | undefined
}

const forestOf = (store: Snapshotter): Effect.Effect<ReadonlyArray<Plain>, unknown> =>
  Effect.map(
    Stream.runCollect(store.walk()),
    (infos) =>
      infos.map(({ kind, labels, name, parent }) => ({ name, kind, parent, labels: { ...labels } })).sort((
        one,
        other
      ) => one.name < other.name ? -1 : 1)
  )

/** Every name of the store outside of layers, as one text. */
const pictureOf = (volume: MemoryVolume) => Effect.map(inventory(volume), (paths) => paths.join("\n"))

/** In each place of a store, what belongs to a snapshot there. */
const belongings: Readonly<Record<string, ReadonlyArray<string>>> = {
  active: ["fs", "work", "key.json", "parent"],
  view: ["fs", "key.json", "parent"],
  committed: ["fs", "key.json", "name.json", "parent", "children"]
}

/** Nothing lies on the disk that no snapshot owns. */
const ownedOnly = Effect.fnUntraced(function*(volume: MemoryVolume, forest: ReadonlyArray<Plain>) {
  const owned = new Set([
    "/version",
    ...["index", "active", "view", "committed", "staging", "trash"].map((one) => `/${one}`)
  ])
  for (const { name } of forest) {
    const directory = ((yield* directoryOf(volume, name)) ?? "").slice(root.length)
    owned.add(`/index/${hash("sha256", name)}`)
    owned.add(directory)
    for (const one of belongings[directory.split("/")[1] ?? ""] ?? []) owned.add(`${directory}/${one}`)
  }
  for (const { name, parent: above } of forest) {
    if (above === undefined) continue
    const [parent, child] = [yield* directoryOf(volume, above), yield* directoryOf(volume, name)]
    owned.add(`${parent?.slice(root.length)}/children/${child?.split("/").at(-1)}`)
  }
  const ownerless = (yield* inventory(volume)).filter((path) => !owned.has(path) && !path.includes("/work/"))
  yield* must(`nobody owns ${ownerless.join(" ")}`, ownerless.length === 0)
})
