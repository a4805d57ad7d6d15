/** One open store: the ports, where things are, how it was configured, and what may be remembered about it. */
import { Effect, Fiber, type Scope } from "effect"
import type { IdSource } from "../IdSource.ts"
import type { Mounter, MountFailed } from "../Mounter.ts"
import type { Durability, Name, SnapshotId } from "../Snapshot.ts"
import { ReadOnlyStore, StoreFailure } from "../SnapshotterError.ts"
import type { FileSystemError, StoreFileSystem } from "../StoreFileSystem.ts"
import type { Layout } from "./layout.ts"
import type { Turns } from "./turns.ts"

export interface Settings {
  readonly durability: Durability
  readonly lockTimeoutMillis: number
  readonly layersMax: number
  readonly whileMounted: "refuse" | "allow"
  /** All that stands before `workdir=` in an overlay's options. */
  readonly mountOptions: ReadonlyArray<string>
}

export interface Store {
  readonly fs: StoreFileSystem
  readonly mounter: Mounter
  readonly ids: IdSource
  readonly layout: Layout
  /** Of the file system that the root lies on. */
  readonly device: bigint
  readonly settings: Settings
  readonly turns: Turns
  /** Open as long as the store is. */
  readonly scope: Scope.Scope
  /** An id is never used again, so what is known about a committed one stays true as long as it is there. */
  readonly ancestors: Map<SnapshotId, Ancestor>
  readonly suspicion: Suspicion
}

/** What failed syncs have put under suspicion, and with which errno: the notes of it can perhaps not be written. */
export interface Suspicion {
  readonly of: Map<SnapshotId, string>
  ofAll: string | undefined
  /** As `ofAll`, as long as it is being written down whom it concerns. */
  ofAllForNow: string | undefined
  latestFailure: FileSystemError | undefined
}

/** What never changes about a committed snapshot; `durable` changes once, from false to true. */
export interface Ancestor {
  readonly name: Name
  readonly parent: SnapshotId | undefined
  readonly durable: boolean
}

/** Whether what has returned survives a power loss. */
export const isFull = ({ settings }: Store): boolean => settings.durability === "full"

/** Most committed snapshots remembered at a time; the memory is emptied when it is full. */
export const ancestorsMax = 65_536

/** A port's failure before anything had happened, in the words of the operation. */
export const failedIn = (operation: string) => (error: FileSystemError): StoreFailure | ReadOnlyStore =>
  error.code === "EROFS"
    ? new ReadOnlyStore({ operation, path: error.path })
    : readFailedIn(operation)(error)

/** The same for operations that only read. */
export const readFailedIn = (operation: string) => (error: FileSystemError): StoreFailure =>
  new StoreFailure({ operation, path: error.path, code: error.code, call: error.operation })

export const mountsUnknownIn = (operation: string) => (error: MountFailed): StoreFailure =>
  new StoreFailure({ operation, path: error.target, code: error.code, call: error.operation })

/** Waits for something that goes on, until the store is closed, if whoever waits is interrupted. */
export const inBackground = <A>(store: Store, effect: Effect.Effect<A>): Effect.Effect<A> =>
  Effect.flatMap(Effect.forkIn(effect, store.scope, { startImmediately: true }), Fiber.join)

/** For what may stay behind when it fails: it will be found and reclaimed later. */
export const leaveBehind = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<void> =>
  Effect.matchCauseEffect(effect, {
    onFailure: (cause) => Effect.logDebug("left behind", cause),
    onSuccess: () => Effect.void
  })
