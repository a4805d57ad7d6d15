/**
 * Which snapshot is meant, where a key alone does not say: a fork that ends must not remove or commit what others have put
 * under its key meanwhile.
 */
import { Context, Effect } from "effect"
import { called, type SnapshotId } from "../Snapshot.ts"
import { SnapshotNotFound } from "../SnapshotterError.ts"

/** `prepare` and `view` say here which they make, before it is there; `commit` and `remove` then take no other. */
export interface Identity {
  id: SnapshotId | undefined
}

/** Of the fiber that asks; without it a key means whoever bears it. */
export const Meant = Context.Reference<Identity | undefined>("@snapshotter/core/internal/Meant", {
  defaultValue: () => undefined
})

/** To be asked under the lock. */
export const isMeant = (name: string, id: SnapshotId): Effect.Effect<void, SnapshotNotFound> =>
  Effect.flatMap(Meant, (meant) =>
    meant?.id === undefined || meant.id === id
      ? Effect.void
      : Effect.fail(new SnapshotNotFound({ snapshot: called(name) })))
