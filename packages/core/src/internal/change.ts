/** A change to a store: what it does in which order, for whoever runs it together with others. */
import { Effect } from "effect"
import type { FileSystemError, SyncTarget } from "../StoreFileSystem.ts"

/** What a staged change still has to do. */
export interface Staged<A> {
  /** What has to be on disk before it may happen; empty: nothing. */
  readonly before: ReadonlyArray<SyncTarget>
  /** The commit point: one call, but for `relink`, which has one for each link. */
  readonly commit: Effect.Effect<unknown, FileSystemError>
  /** Whether it has happened: asked only when `commit` failed, which tells nothing certain. `undefined`: some of it may have. */
  readonly happened: Effect.Effect<boolean | undefined, FileSystemError>
  /** What has to be on disk before it is acknowledged; empty: nothing. */
  readonly after: ReadonlyArray<SyncTarget>
  /** What may be destroyed now. What fails here stays behind, to be reclaimed later. */
  readonly settle: Effect.Effect<void>
  readonly result: A
}

/** For what was done wholly while it was staged, and has no commit point of its own. */
export const done = <A>(result: A): Staged<A> => ({
  before: [],
  commit: Effect.void,
  happened: Effect.succeed(true),
  after: [],
  settle: Effect.void,
  result
})

/** Where a change says, while it stages, how to take back what it has done so far. */
export interface Staging {
  /** Runs, last one first, unless the change happens. Failures in it are leftovers. */
  readonly undo: (effect: Effect.Effect<void>) => void
  /** Runs in any case once the change has happened or been taken back. */
  readonly end: (effect: Effect.Effect<void>) => void
}

export interface Change<A, E> {
  /** What is being done, for messages. */
  readonly operation: string
  /** The hashes of the names that it decides on, and changes; `undefined`: everything, so it goes alone. */
  readonly reads: ReadonlyArray<string>
  readonly writes: ReadonlyArray<string> | undefined
  readonly stage: (staging: Staging) => Effect.Effect<Staged<A>, E>
  /** It only looks, and needs nothing of what others have done to be on disk. */
  readonly changesNothing?: boolean
  /** What a failed sync before the commit point means to this change. */
  readonly notSynced: (error: FileSystemError) => E
}

/** The syncs a change asks for: none where it does not wait for the disk. */
export const barrier = (wanted: boolean, ...targets: ReadonlyArray<SyncTarget>): ReadonlyArray<SyncTarget> =>
  wanted ? targets : []
