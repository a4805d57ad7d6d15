/**
 * Durability is a fact about a layer, recorded in it. What an operation at `full` builds on, it first makes durable, if
 * another one at `process` left it otherwise.
 */
import { Data, Effect, Result } from "effect"
import { called, type SnapshotId } from "../Snapshot.ts"
import { ContentsSuspect, StoreFailure } from "../SnapshotterError.ts"
import type { FileSystemError, SyncTarget } from "../StoreFileSystem.ts"
import { markAgain, marksAreKept } from "./children.ts"
import { idsAmong, type Target } from "./layout.ts"
import { placeLink } from "./links.ts"
import { type Metadata, readMetadata } from "./metadata.ts"
import { ancestor, chainFrom, lookUp, metadataAt } from "./read.ts"
import { replaceMetadata } from "./replace.ts"
import { failedIn, leaveBehind, type Store } from "./store.ts"
import { done, type Staging } from "./turns.ts"

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

/** The syncs an operation asks for: none where the store does not wait for the disk. */
export const barrier = (wanted: boolean, ...targets: ReadonlyArray<SyncTarget>): ReadonlyArray<SyncTarget> =>
  wanted ? targets : []

/**
 * Makes a chain durable, contents included, without the lock; at `process` does nothing. Most of the time all of it is
 * durable already, and known to be.
 */
export const makeChainDurable = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  nearest: SnapshotId | undefined
) {
  if (store.settings.durability === "process") return
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
  if (store.settings.durability === "process") return
  for (const id of yield* chainFrom(store, operation, name, nearest)) {
    if (!(yield* ancestor(store, operation, name, id)).durable) return yield* new Superseded()
  }
})

/** Does what begins without the lock and ends under it, as often as it takes until both saw the same. */
export const untilSettled = <A, E>(
  attempt: Effect.Effect<A, E | Superseded>
): Effect.Effect<A, Exclude<E, Superseded>> =>
  Effect.catchIf(
    attempt,
    (error) => error instanceof Superseded,
    () => untilSettled(attempt)
  ) as Effect.Effect<A, Exclude<E, Superseded>>

/** Refuses contents that may have been lost on their way to disk. */
export const notSuspect = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  place: "active" | "committed",
  id: SnapshotId
) {
  const note = store.layout.snapshot(place, id).suspect
  const code = yield* Effect.mapError(store.fs.readFile(note), failedIn(operation))
  const known = code ?? store.suspicion.of.get(id) ?? store.suspicion.ofAll
  if (known !== undefined) return yield* new ContentsSuspect({ snapshot: called(name), code: known })
})

/** Whether contents may have been lost: not where the sync was never begun. */
export const mayHaveLost = (error: FileSystemError): boolean => error.operation === "sync"

/** A bulk sync outside the lock. */
export const syncContents = (store: Store, targets: ReadonlyArray<SyncTarget>) =>
  Effect.tapError(store.fs.sync(targets), (error) => markSuspects(store, error))

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

/**
 * A failed sync names no file, and Linux reports it once: whatever was not known to be on disk may have lost pages. Notes
 * that in every active snapshot and every committed one that is not durable, so that none of them is ever called durable.
 */
export const markSuspects = (store: Store, error: FileSystemError): Effect.Effect<void> =>
  mayHaveLost(error)
    ? Effect.forEach(["active", "committed"] as const, (place) => markAllIn(store, place, error.code), {
      discard: true
    })
    : Effect.void

const markAllIn = (store: Store, place: "active" | "committed", code: string): Effect.Effect<void> =>
  Effect.matchEffect(store.fs.readDirectory(store.layout.place(place)), {
    // Whom it concerns cannot be told: everyone, for as long as this store is open.
    onFailure: () =>
      Effect.sync(() => {
        store.suspicion.ofAll = code
      }),
    onSuccess: (names) =>
      Effect.forEach(idsAmong(names), (id) => Effect.suspend(() => markOne(store, place, id, code)), { discard: true })
  })

const markOne = Effect.fnUntraced(function*(store: Store, place: "active" | "committed", id: SnapshotId, code: string) {
  const paths = store.layout.snapshot(place, id)
  if (place === "committed") {
    const text = yield* Effect.orElseSucceed(store.fs.readFile(paths.name), () => undefined)
    const read = readMetadata(text ?? "")
    if (Result.isSuccess(read) && read.success.durable) return
  }
  store.suspicion.of.set(id, code)
  yield* leaveBehind(store.fs.writeFile(paths.suspect, code, 0o600))
})
