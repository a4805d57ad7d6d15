/**
 * `walk`. First the ids, active and view before committed: a snapshot that is committed meanwhile is in one list or in
 * both, never in none, and an id is shown once. Then each where it is by then, its ancestors before it.
 */
import { Array, Effect, Result, Stream } from "effect"
import { matchesAny, parseAll } from "../Filter.ts"
import type { Info, SnapshotId } from "../Snapshot.ts"
import { InvalidFilter, type WalkError } from "../SnapshotterError.ts"
import { whereIs } from "./children.ts"
import { idsAmong, kinds, type Target } from "./layout.ts"
import { chainFrom, infoOf, metadataAt, parentOf } from "./read.ts"
import { readFailedIn, type Store } from "./store.ts"

const operation = "walk"

export interface WalkOptions {
  /** containerd's filters: a snapshot is shown if one of them matches; none shows all. */
  readonly filters?: ReadonlyArray<string> | undefined
  /** Whether a damaged snapshot is left out with a warning in the log (the default), or ends the walk with `Damaged`. */
  readonly onDamaged?: "skip" | "fail" | undefined
}

export const walk = (store: Store) => (options?: WalkOptions): Stream.Stream<Info, WalkError> =>
  Stream.unwrap(Effect.gen(function*() {
    const filters: unknown = options?.filters ?? []
    // What a caller without types may have handed in.
    if (!Array.isArray(filters) || !filters.every((text): text is string => typeof text === "string")) {
      return yield* new InvalidFilter({ filter: String(filters), position: 0, expected: "a list of filters" })
    }
    const filter = parseAll(filters)
    if (Result.isFailure(filter)) return yield* new InvalidFilter(filter.failure)
    const shown = new Set<SnapshotId>()
    const targets = yield* Effect.mapError(listAll(store), readFailedIn(operation))
    return Stream.fromIterable(targets).pipe(
      Stream.mapEffect((target) => withAncestors(store, target, shown, options?.onDamaged ?? "skip")),
      Stream.filter(Array.isReadonlyArrayNonEmpty),
      Stream.flattenArray,
      Stream.filter((info) => matchesAny(filter.success, info))
    )
  }))

/** All snapshots there are, committed ones first. */
const listAll = Effect.fnUntraced(function*(store: Store) {
  const lists: Array<ReadonlyArray<Target>> = []
  for (const kind of kinds) {
    const ids = idsAmong(yield* store.fs.readDirectory(store.layout.place(kind)))
    lists.unshift(ids.map((id) => ({ kind, id })))
  }
  return lists.flat()
})

/** What is to be shown for this one: ancestors that were not shown yet, then itself; nothing if it is gone. */
const withAncestors = Effect.fnUntraced(function*(
  store: Store,
  listed: Target,
  shown: Set<SnapshotId>,
  onDamaged: "skip" | "fail"
) {
  for (let target: Target | undefined = listed; target !== undefined && !shown.has(target.id);) {
    const seen: Result.Result<ReadonlyArray<Info>, WalkError> = yield* Effect.result(family(store, target, shown))
    if (Result.isSuccess(seen) && seen.success.length > 0) return seen.success
    // Not there, or not whole: it may have moved on, from active to committed, or away.
    const now: Target | undefined = yield* Effect.mapError(whereIs(store, listed.id), readFailedIn(operation))
    if (Result.isFailure(seen) && now?.kind === target.kind) {
      if (seen.failure._tag !== "Damaged" || onDamaged === "fail") return yield* seen.failure
      yield* Effect.logWarning(`walk leaves a snapshot out: ${seen.failure.message}`)
      return []
    }
    target = now
  }
  return []
})

/** The snapshot and those of its ancestors that were not shown, base first; nothing if it is not there. */
const family = Effect.fnUntraced(function*(store: Store, target: Target, shown: Set<SnapshotId>) {
  const found = yield* foundAt(store, target)
  if (found === undefined) return []
  const parent = yield* parentOf(store, operation, found.metadata.name, found)
  const infos: globalThis.Array<Info> = []
  const isParentShown = parent !== undefined && shown.has(parent)
  const chain = yield* chainFrom(store, operation, found.metadata.name, isParentShown ? undefined : parent)
  for (const id of chain.reverse()) {
    const ancestor = shown.has(id) ? undefined : yield* foundAt(store, { kind: "committed", id })
    if (ancestor === undefined) continue
    const above = yield* parentOf(store, operation, ancestor.metadata.name, ancestor)
    infos.push(yield* infoOf(store, operation, ancestor, above))
  }
  infos.push(yield* infoOf(store, operation, found, parent))
  for (const id of [...chain, target.id]) shown.add(id)
  return infos
})

const foundAt = Effect.fnUntraced(function*(store: Store, target: Target) {
  const metadata = yield* metadataAt(store, operation, target.id, target)
  return metadata === undefined
    ? undefined
    : { ...target, paths: store.layout.snapshot(target.kind, target.id), metadata }
})
