/**
 * Working in a snapshot, from beginning to end: `prepare`, mount, use, then commit or discard; and, read-only, `view`,
 * mount, look, gone. Mounts and snapshots are released on failure and interruption too.
 *
 * The directory that is worked in comes from Effect's `FileSystem`, unless one is given: on the real backend a temporary
 * directory of the machine, in memory one of the simulated disk.
 *
 * When a fork ends, what still uses it (a process with its working directory there, an open file) does not hold it back:
 * the mount is detached, a warning is logged, and the result of the work is not lost over it. If then the fork cannot be
 * removed either, that is logged as an error, and its key stays, for `walk` to show and `remove` to try again.
 */
import { Effect, Exit, FileSystem, type PlatformError, type Scope } from "effect"
import { type Identity, Meant } from "./internal/identity.ts"
import { WaitsInterruptibly } from "./internal/turns.ts"
import type { Mounts } from "./Mount.ts"
import { Mounter, type MountError, type MountFailed, type StillInUse } from "./Mounter.ts"
import type { CommittedInfo, Key, Labels, Name } from "./Snapshot.ts"
import { type CreateOptions, Snapshotter } from "./Snapshotter.ts"
import type { CommitError, PrepareError } from "./SnapshotterError.ts"
import { StoreFileSystem } from "./StoreFileSystem.ts"

/** What a fork or a look needs to be told. */
export interface ForkOptions extends CreateOptions {
  /** The key while it lasts; must be free. */
  readonly key: Key
  /** Where to mount: an existing directory. Without it, a temporary one is made and removed again. */
  readonly target?: string | undefined
}

/** A snapshot that is mounted until the scope closes, and removed then. */
export interface Mounted {
  readonly key: Key
  /** Where it is mounted. */
  readonly directory: string
  readonly mounts: Mounts
}

/** A fork that is mounted until the scope closes, and removed then unless it was committed. */
export interface Fork extends Mounted {
  /**
   * Unmounts the fork and commits it, with these labels and none of the key's. If the commit fails, or something still uses
   * the mount (`StillInUse`), nothing throws the fork away: the key stays active, to be committed again or removed. If it
   * is interrupted, the fork is thrown away with the scope, unless it was committed by then.
   */
  readonly commit: (
    name: Name,
    options?: { readonly labels?: Labels | undefined }
  ) => Effect.Effect<CommittedInfo, CommitError | MountFailed | StillInUse>
}

/** What may go wrong before a fork can be worked in. */
export type BeginError = PrepareError | MountError | PlatformError.PlatformError

type Needs = Snapshotter | Mounter | StoreFileSystem | FileSystem.FileSystem

/** A fork to work in, until the scope closes. */
export const scoped = Effect.fnUntraced(function*(
  options: ForkOptions
): Effect.fn.Return<Fork, BeginError, Needs | Scope.Scope> {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  const state = { ours: true, mounted: true }
  const fork = yield* mounted(options, "prepare", () => state.ours)
  // Once: a second time it could only be somebody else's mount.
  const unmount = Effect.uninterruptible(Effect.suspend(() =>
    state.mounted
      ? Effect.tap(mounter.unmount(fork.directory), () => Effect.sync(() => void (state.mounted = false)))
      : Effect.void
  ))
  const commit: Fork["commit"] = (name, commitOptions) =>
    Effect.suspend(() => {
      state.ours = false
      return Effect.andThen(unmount, fork.meant(snapshotter.commit(name, options.key, commitOptions)))
    }).pipe(Effect.onInterrupt(() => Effect.sync(() => void (state.ours = true))))
  const { directory, key, mounts } = fork
  return { key, directory, mounts, commit }
})

/** A view to look at, read-only, until the scope closes. */
export const scopedView = (options: ForkOptions): Effect.Effect<Mounted, BeginError, Needs | Scope.Scope> =>
  Effect.map(mounted(options, "view", () => true), ({ directory, key, mounts }) => ({ key, directory, mounts }))

/** Lets `use` work in a fork and throws the fork away, whatever came of it. */
export const discarded = <A, E, R>(
  options: ForkOptions,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | BeginError, Exclude<R, Scope.Scope> | Needs> =>
  Effect.scoped(Effect.flatMap(scoped(options), ({ directory }) => Effect.scoped(use(directory))))

/**
 * Lets `use` work in a fork and commits what it left under a name. If `use` fails, or this is interrupted, the fork is
 * thrown away; if only the commit fails it is kept, see {@link Fork.commit}. Resources of `use`, such as open files and
 * processes, are released before the commit. `labels` are the key's, and go with it; `commitLabels` are the name's.
 *
 * ```ts
 * import { Fork, Snapshot } from "@snapshotter/core"
 * import { FileSystem } from "effect"
 *
 * const built = Fork.committed(
 *   { key: Snapshot.Key.make("build-1"), parent: Snapshot.Name.make("base") },
 *   Snapshot.Name.make("built"),
 *   (directory) => FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/done`, "yes"))
 * )
 * ```
 */
export const committed = <A, E, R>(
  options: ForkOptions & {
    /** Labels of the name. */
    readonly commitLabels?: Labels | undefined
  },
  name: Name,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<
  readonly [A, CommittedInfo],
  E | BeginError | CommitError | MountFailed | StillInUse,
  Exclude<R, Scope.Scope> | Needs
> =>
  Effect.scoped(Effect.gen(function*() {
    const fork = yield* scoped(options)
    // What the work holds open in there would hold up the commit.
    const result = yield* Effect.scoped(use(fork.directory))
    const info = yield* fork.commit(name, { labels: options.commitLabels })
    return [result, info] as const
  }))

/** Lets `use` look at a snapshot, read-only. */
export const viewed = <A, E, R>(
  options: ForkOptions,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | BeginError, Exclude<R, Scope.Scope> | Needs> =>
  Effect.scoped(Effect.flatMap(scopedView(options), ({ directory }) => Effect.scoped(use(directory))))

/** A snapshot that is there and mounted until the scope closes, and then, if it is ours, removed. */
const mounted = Effect.fnUntraced(function*(
  options: ForkOptions,
  how: "prepare" | "view",
  isOurs: () => boolean
): Effect.fn.Return<Mounted & { readonly meant: Narrow }, BeginError, Needs | Scope.Scope> {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  const directory = options.target ?? (yield* temporaryDirectory)
  // Others may remove it meanwhile, and use its key for something of their own.
  const identity: Identity = { id: undefined }
  const meant: Narrow = Effect.provideService(Meant, identity)
  const remove = Effect.suspend(() => isOurs() ? meant(snapshotter.remove(options.key)) : Effect.void).pipe(
    Effect.catchTag("SnapshotNotFound", () => Effect.void),
    Effect.catch((error) => Effect.logError(`the end of a fork: ${error.message}`))
  )
  const make = Effect.provideService(meant(snapshotter[how](options.key, options)), WaitsInterruptibly, true).pipe(
    // It may have happened all the same (`NotDurable`, an interruption after its rename), and nobody is going to use it.
    Effect.onExit((exit) => Exit.isFailure(exit) && identity.id !== undefined ? remove : Effect.void)
  )
  const mounts = yield* Effect.acquireRelease(make, () => remove)
  yield* mounter.mount(mounts, directory)
  return { key: options.key, directory, mounts, meant }
})

/** Has an operation mean this snapshot alone, whoever else bears its key by then. */
type Narrow = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

/** Removed in our own way, which enters no mount point, whatever may be mounted there by then. */
const temporaryDirectory = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const store = yield* StoreFileSystem
  return yield* Effect.acquireRelease(
    files.makeTempDirectory({ prefix: "snapshotter-" }),
    (directory) =>
      store.removeTree(directory).pipe(
        Effect.flatMap((left) => left.length === 0 ? Effect.void : Effect.logWarning("the end of a fork", left)),
        Effect.catch((error) => Effect.logWarning(`the end of a fork: ${error.message}`))
      )
  )
})
