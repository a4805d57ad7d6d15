/** What a failed sync leaves in doubt: contents that may have been lost on their way to disk. */
import { Effect, Result, type Scope } from "effect"
import { called, type SnapshotId } from "../Snapshot.ts"
import { ContentsSuspect } from "../SnapshotterError.ts"
import type { FileSystemError, SyncFailures, SyncTarget } from "../StoreFileSystem.ts"
import { idsAmong } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
import { failedIn, leaveBehind, type Store } from "./store.ts"

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
  const { of, ofAll, ofAllForNow } = store.suspicion
  const known = code ?? of.get(id) ?? ofAll ?? ofAllForNow
  if (known !== undefined) return yield* new ContentsSuspect({ snapshot: called(name), code: known })
})

/** Whether contents may have been lost: not where the sync was never begun. */
export const mayHaveLost = (error: FileSystemError): boolean => error.operation === "sync"

/** A sync that belongs to no batch. */
export const syncContents = (store: Store, targets: ReadonlyArray<SyncTarget>) =>
  Effect.tapError(store.fs.sync(targets), (error) => tellAll(store.fs.syncFailures, store.device, error))

/** Tells all stores on this device of a failed sync, whether or not whoever waited for it is interrupted meanwhile. */
export const tellAll = (failures: SyncFailures, device: bigint, error: FileSystemError): Effect.Effect<void> =>
  Effect.uninterruptible(Effect.suspend(() => {
    if (!mayHaveLost(error)) return Effect.void
    failures.latest.set(device, error)
    // All of them know it before the first one writes it down.
    const notes = [...failures.listeners.get(device) ?? []].map((tell) => tell(error))
    return Effect.forEach(notes, (note) => note, { discard: true })
  }))

/** From now on, until the scope closes, a store is told; of what has failed since one here was open last, now. */
export const hearOfFailedSyncs = (store: Store): Effect.Effect<void, never, Scope.Scope> => {
  const { latest, listeners, told } = store.fs.syncFailures
  const { device, layout: { root } } = store
  const tell = (error: FileSystemError) => {
    told.set(root, error)
    return suspect(store, error)
  }
  const own = listeners.get(device) ?? new Set()
  listeners.set(device, own)
  return Effect.acquireRelease(
    Effect.suspend(() => {
      own.add(tell)
      const missed = latest.get(device)
      return missed === undefined || missed === told.get(root) ? Effect.void : tell(missed)
    }),
    () => Effect.sync(() => void own.delete(tell))
  )
}

/**
 * A failed sync names no file, and Linux reports it once: whatever was not known to be on disk may have lost pages. Notes
 * that in every active snapshot and every committed one that is not durable, so that none of them is ever called durable;
 * until that is done, of all.
 */
const suspect = (store: Store, error: FileSystemError): Effect.Effect<void> => {
  const { suspicion } = store
  suspicion.latestFailure = error
  suspicion.ofAllForNow = error.code
  return Effect.map(
    Effect.forEach(["active", "committed"] as const, (place) => markAllIn(store, place, error.code)),
    (isEach) => {
      // Where it cannot be told whom it concerns, it is everyone, for as long as this store is open.
      if (!isEach.every(Boolean)) suspicion.ofAll = error.code
      if (suspicion.latestFailure === error) suspicion.ofAllForNow = undefined
    }
  )
}

/** `false` where they could not be listed. */
const markAllIn = (store: Store, place: "active" | "committed", code: string): Effect.Effect<boolean> =>
  Effect.matchEffect(store.fs.readDirectory(store.layout.place(place)), {
    onFailure: () => Effect.succeed(false),
    onSuccess: (names) =>
      Effect.as(Effect.forEach(idsAmong(names), (id) => markOne(store, place, id, code), { discard: true }), true)
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
