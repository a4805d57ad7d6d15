/**
 * The service: snapshots of filesystem trees, as containerd's snapshotters have them.
 *
 * A **snapshot** is a named node in a forest. `prepare` forks a committed snapshot, or nothing, into an **active** one,
 * which can be written; `commit` makes an active one immutable under a name, so that others can be forked from it; a
 * **view** shows a committed one and can be neither written nor committed. Each snapshot holds only what it changed, its
 * **layer**: forking copies nothing.
 *
 * Nothing here mounts. `prepare`, `view` and `mounts` say what to mount; `Mounter` does it, and `Fork` does both.
 *
 * Many fibers and many processes may use one store at once, without a daemon. An operation happens wholly or not at all,
 * also if the process is killed or a call fails in the middle of it; at durability `full` what has returned survives a
 * power loss too. An operation that fails with anything but `NotDurable` has changed nothing.
 *
 * Keys and names are looked up by their bytes. Bad ones are typed failures, so that nothing throws.
 */
import { Context, type Duration, Effect, Layer, Scope, Stream } from "effect"
import { IdSource } from "./IdSource.ts"
import { check, type Violation } from "./internal/check.ts"
import { commit } from "./internal/commit.ts"
import { create } from "./internal/create.ts"
import type { Reclaimed } from "./internal/empty.ts"
import type { LabelUpdate } from "./internal/input.ts"
import { observer } from "./internal/observe.ts"
import { locate, openStore } from "./internal/open.ts"
import { mounts, stat, usage } from "./internal/queries.ts"
import { relink } from "./internal/relink.ts"
import { remove } from "./internal/remove.ts"
import { settingsOf } from "./internal/settings.ts"
import { failedIn, type Store, type Suspicion } from "./internal/store.ts"
import { hearOfFailedSyncs, tellAll } from "./internal/suspicion.ts"
import { cleanup } from "./internal/sweep.ts"
import { makeTurns } from "./internal/turns.ts"
import { update } from "./internal/update.ts"
import { walk, type WalkOptions } from "./internal/walk.ts"
import type { Mounts } from "./Mount.ts"
import { Mounter } from "./Mounter.ts"
import type { CommittedInfo, Durability, Info, Key, KeyOrName, Labels, Name, Usage } from "./Snapshot.ts"
import type {
  CheckError,
  CleanupError,
  CommitError,
  MountsError,
  OpenError,
  PrepareError,
  RemoveError,
  StatError,
  UpdateError,
  UsageError,
  ViewError,
  WalkError
} from "./SnapshotterError.ts"
import { StoreFileSystem } from "./StoreFileSystem.ts"

export type { Violation } from "./internal/check.ts"
export type { Reclaimed } from "./internal/empty.ts"
export type { LabelUpdate } from "./internal/input.ts"
export type { WalkOptions } from "./internal/walk.ts"

/** What a new snapshot may be given. */
export interface CreateOptions {
  /** The committed snapshot to fork; without one the new snapshot starts empty. */
  readonly parent?: Name | undefined
  /** Labels of the key; a commit does not take them over. */
  readonly labels?: Labels | undefined
}

export interface Snapshotter {
  /**
   * Makes an active snapshot: a writable fork of its parent, root directory's mode, owner, times and attributes included.
   * Returns what to mount to see it. The parent is looked at before the key.
   */
  readonly prepare: (key: Key, options?: CreateOptions) => Effect.Effect<Mounts, PrepareError>

  /** Makes a view: the same, but read-only and never committed. */
  readonly view: (key: Key, options?: CreateOptions) => Effect.Effect<Mounts, ViewError>

  /** What to mount to see an active snapshot or a view; the same each time, after a restart too. */
  readonly mounts: (key: Key) => Effect.Effect<Mounts, MountsError>

  /**
   * Makes an active snapshot immutable under a name. The key is gone then; labels are those given here, not the key's, and
   * both times start anew. Refused with `Busy` while the snapshot is mounted, since the kernel would let writes through:
   * unmount first. Bind mounts in other mount namespaces are not seen.
   *
   * At durability `full` the contents are on disk when it returns. If syncing them fails, it fails with `ContentsSuspect`,
   * now and from then on: the disk reports a loss only once.
   */
  readonly commit: (
    name: Name,
    key: Key,
    options?: { readonly labels?: Labels | undefined }
  ) => Effect.Effect<CommittedInfo, CommitError>

  /**
   * Removes a snapshot without children, damaged or not, and gives its disk space back. Refused while an active snapshot
   * is mounted, or a committed one is part of any mount. What could not be deleted (something is mounted inside,
   * a file is immutable) is reported and stays for `cleanup`; the snapshot is gone in any case.
   */
  readonly remove: (name: KeyOrName) => Effect.Effect<Reclaimed, RemoveError>

  /** What is known about a snapshot. */
  readonly stat: (name: KeyOrName) => Effect.Effect<Info, StatError>

  /** Changes labels: some of them (`patch`), or all (`replace`). Nothing else about a snapshot can be changed. */
  readonly update: (name: KeyOrName, change: LabelUpdate) => Effect.Effect<Info, UpdateError>

  /**
   * Bytes and inodes of a snapshot's own layer, its root directory included: about what removing it gives back. Nothing
   * for a view, which has no layer of its own.
   */
  readonly usage: (name: KeyOrName) => Effect.Effect<Usage, UsageError>

  /**
   * All snapshots, each once, a parent before its children, one at a time: taking a few and stopping costs a few. Others
   * may change the store meanwhile: each snapshot that exists throughout is shown, each `Info` was true at some moment.
   */
  readonly walk: (options?: WalkOptions) => Stream.Stream<Info, WalkError>

  /** Reclaims what crashes and failures left behind, and says what, and what it could not. Takes nothing of a snapshot's. */
  readonly cleanup: Effect.Effect<Reclaimed, CleanupError>

  /** Looks at the whole store, contents of layers excepted, and says what is not as promised. Changes nothing. */
  readonly check: Effect.Effect<ReadonlyArray<Violation>, CheckError>

  /**
   * Repairs an index that lost links to snapshots, or has something that is no link where nobody bears the name, and says
   * which: the names, or else the paths. Only `check` can tell that it is needed.
   */
  readonly relink: Effect.Effect<ReadonlyArray<string>, CleanupError>
}

/** The service tag. */
export const Snapshotter = Context.Service<Snapshotter>("@snapshotter/core/Snapshotter")

/** How a store is opened. Everything but the root has a default. */
export interface SnapshotterOptions {
  /** An absolute path. A new store is made where nothing is, or in an empty directory. */
  readonly root: string
  /**
   * `full`, the default: what has returned survives a power loss. `process`: it survives the end of any process, and
   * nothing waits for the disk.
   */
  readonly durability?: Durability | undefined
  /** How long to wait for other processes, 30 seconds by default. */
  readonly lockTimeout?: Duration.Input | undefined
  /** Most layers below a snapshot: 500, the kernel's own limit, unless less is wanted. */
  readonly layersMax?: number | undefined
  /** What `commit` does while the snapshot is mounted: `refuse`, the default, or `allow`, if you will unmount at once. */
  readonly whileMounted?: "refuse" | "allow" | undefined
  /** Options that stand first in every overlay mount, such as `index=off` or `volatile`. */
  readonly mountOptions?: ReadonlyArray<string> | undefined
  /** Under which prefix overlay keeps its marks in a new store; by default what the machine allows, `trusted` first. */
  readonly overlayXattrs?: "trusted" | "user" | undefined
}

/** A snapshotter on whatever file system and mounter there is. */
export const layerNoDeps = (
  options: SnapshotterOptions
): Layer.Layer<Snapshotter, OpenError, StoreFileSystem | Mounter | IdSource> => Layer.effect(Snapshotter, make(options))

/** Opens a store, or makes one, until the scope closes. */
export const make = Effect.fnUntraced(function*(
  options: SnapshotterOptions
): Effect.fn.Return<Snapshotter, OpenError, StoreFileSystem | Mounter | IdSource | Scope.Scope> {
  const settings = yield* settingsOf(options)
  const fs = yield* StoreFileSystem
  const { device, layout, mode } = yield* locate(fs, options.root)
  // Of its own: the caller's counts as closed already while others that end with it, forks above all, still use the store.
  const scope = yield* Scope.fork(yield* Effect.scope)
  const suspicion: Suspicion = { of: new Map(), ofAll: undefined, ofAllForNow: undefined, latestFailure: undefined }
  const store: Store = {
    fs,
    scope,
    mounter: yield* Mounter,
    ids: yield* IdSource,
    layout,
    device,
    settings,
    ancestors: new Map(),
    suspicion,
    turns: makeTurns({
      fs,
      root: layout.root,
      staging: layout.place("staging"),
      lockTimeoutMillis: settings.lockTimeoutMillis,
      waitsForDisk: settings.durability === "full",
      scope,
      failure: failedIn,
      syncFailed: (error) => tellAll(fs.syncFailures, device, error),
      latestFailure: () => suspicion.latestFailure
    })
  }
  yield* Effect.addFinalizer(() => store.turns.close)
  const overlayXattrs = yield* openStore(store, mode, options.overlayXattrs)
  yield* hearOfFailedSyncs(store)
  const mountOptions = overlayXattrs === "user" ? [...settings.mountOptions, "userxattr"] : settings.mountOptions
  return operations({ ...store, settings: { ...settings, mountOptions } })
})

const operations = (store: Store): Snapshotter =>
  Snapshotter.of({
    prepare: observed("prepare", create(store, "active")),
    view: observed("view", create(store, "view")),
    mounts: observed("mounts", mounts(store)),
    commit: observed("commit", commit(store)),
    remove: observed("remove", remove(store)),
    stat: observed("stat", stat(store)),
    update: observed("update", update(store)),
    usage: observed("usage", usage(store)),
    walk: (options) => observedWalk(walk(store)(options)),
    cleanup: Effect.suspend(observed("cleanup", () => cleanup(store))),
    check: Effect.suspend(observed("check", () => check(store))),
    relink: Effect.suspend(observed("relink", () => relink(store)))
  })

/** A span and metrics around an operation. The span says what it was asked about: the name that a commit gives, else the key. */
const observed = <A extends ReadonlyArray<unknown>, B, E>(
  operation: string,
  run: (...args: A) => Effect.Effect<B, E>
): (...args: A) => Effect.Effect<B, E> => {
  const observe = observer(operation)
  return (...args) =>
    Effect.withSpan(observe.effect(run(...args)), `Snapshotter.${operation}`, {
      attributes: args.length === 0 ? {} : { "snapshotter.name": args[0] },
      // Which line asked would cost more than many an answer.
      captureStackTrace: false
    })
}

const walks = observer("walk")

const observedWalk = (stream: Stream.Stream<Info, WalkError>) =>
  Stream.withSpan(walks.stream(stream), "Snapshotter.walk")
