/**
 * Durability is a fact about a layer, recorded in it. What an operation at `full` builds on, it first makes durable, if
 * another one at `process` left it otherwise.
 */
import { Data, Effect } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import { StoreFailure } from "../SnapshotterError.ts"
import type { SyncTarget } from "../StoreFileSystem.ts"
import { done, type Staging } from "./change.ts"
import { markAgain, marksAreKept } from "./children.ts"
import type { Target } from "./layout.ts"
import { placeLink } from "./links.ts"
import type { Metadata } from "./metadata.ts"
import { ancestor, chainFrom, layerIsThere, lookUp, metadataAt } from "./read.ts"
import { replaceMetadata } from "./replace.ts"
import { failedIn, isFull, type Store } from "./store.ts"
import { notSuspect, syncContents } from "./suspicion.ts"

/** What of a snapshot that was made without syncs has to be synced so that its directory, its links and it are there. */
export const wholeSnapshot = (
  store: Store,
  place: "active" | "view" | "committed",
  id: SnapshotId,
  parent: SnapshotId | undefined
): ReadonlyArray<SyncTarget> => [
  { kind: "tree", path: store.layout.snapshot(place, id).directory },
  { kind: "directory", path: store.layout.place(place) },
  { kind: "directory", path: store.layout.index },
  ...parentMarks(store, parent)
]

/** The parent's list of children, where there is a parent. */
export const parentMarks = (store: Store, parent: SnapshotId | undefined): ReadonlyArray<SyncTarget> =>
  parent === undefined ? [] : [{ kind: "directory", path: store.layout.snapshot("committed", parent).children }]

/**
 * For an operation at `full`: makes a chain durable, contents included, without the lock. Most of the time all of it is
 * durable already, and known to be.
 */
export const makeChainDurable = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  nearest: SnapshotId | undefined
) {
  const unsynced: Array<SnapshotId> = []
  for (const id of yield* chainFrom(store, operation, name, nearest)) {
    if (!(yield* ancestor(store, operation, name, id)).durable) unsynced.push(id)
  }
  if (unsynced.length === 0) return
  for (const id of unsynced) {
    yield* notSuspect(store, operation, (yield* ancestor(store, operation, name, id)).name, "committed", id)
  }
  // Links and marks come after this, under the lock: some may have to be put back.
  const targets = unsynced.map((id): SyncTarget => ({
    kind: "tree",
    path: store.layout.snapshot("committed", id).directory
  }))
  const place: SyncTarget = { kind: "directory", path: store.layout.place("committed") }
  yield* Effect.mapError(syncContents(store, [...targets, place]), failedIn(operation))
  // Base first, so that what is marked never stands on something that is not.
  for (const id of unsynced.reverse()) yield* markDurable(store, operation, name, id)
})

/** What was made durable without the lock is not what is there under it: to be done again from the beginning. */
export class Superseded extends Data.TaggedError("Superseded") {}

/** Under the lock: fails unless a chain is what `makeChainDurable` has made of it. */
export const chainIsDurable = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  nearest: SnapshotId | undefined
) {
  if (!isFull(store)) return
  for (const id of yield* chainFrom(store, operation, name, nearest)) {
    if (!(yield* ancestor(store, operation, name, id)).durable) return yield* new Superseded()
  }
})

/**
 * Does what begins without the lock and ends under it, as often as it takes until both saw the same. The cast: nothing of
 * Effect's tells the compiler that a type it does not know has lost one of its members.
 */
export const untilSettled = <A, E>(
  attempt: Effect.Effect<A, E | Superseded>
): Effect.Effect<A, Exclude<E, Superseded>> =>
  Effect.catchIf(
    attempt,
    (error) => error instanceof Superseded,
    () => untilSettled(attempt)
  ) as Effect.Effect<A, Exclude<E, Superseded>>

const markDurable = (store: Store, operation: string, name: string, id: SnapshotId) =>
  store.turns.take({
    operation,
    reads: [],
    writes: undefined,
    notSynced: failedIn(operation),
    stage: Effect.fnUntraced(function*(staging) {
      const target = { kind: "committed", id } as const
      const metadata = yield* metadataAt(store, operation, name, target)
      // Removed meanwhile: whoever asked will find out under the lock.
      if (metadata === undefined) return done(undefined)
      yield* layerIsThere(store, operation, metadata.name, store.layout.snapshot("committed", id).layer)
      yield* makeKnown(store, operation, staging, target, metadata)
      const { directory } = store.layout.snapshot("committed", id)
      const staged = yield* replaceMetadata(store, operation, staging, target, { ...metadata, durable: true }, [
        { kind: "directory", path: directory },
        { kind: "directory", path: store.layout.index },
        ...parentMarks(store, metadata.parent)
      ])
      return { ...staged, result: undefined }
    })
  }).pipe(
    // The mark has happened, and whoever asked has not begun.
    Effect.catchTag("NotDurable", ({ code, path }) =>
      Effect.fail(new StoreFailure({ operation, path, code, call: "sync" })))
  )

/** Puts back what a power loss may have taken of what was made at `process`: the link, the parent's mark, the place for marks. */
const makeKnown = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  staging: Staging,
  target: Target,
  { name, parent }: Metadata
) {
  yield* marksAreKept(store, operation, name, target.id)
  if (parent !== undefined) yield* markAgain(store, operation, name, parent, target.id)
  // Another one may bear its name by now; then this one stays without, as `check` says.
  const bearer = yield* Effect.catchTag(lookUp(store, operation, name), "Damaged", () => Effect.succeed("another"))
  if (bearer === undefined) yield* placeLink(store, operation, staging, name, target)
})
