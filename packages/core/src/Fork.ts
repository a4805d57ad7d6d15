/**
 * Working in a snapshot, from beginning to end: `prepare`, mount, use, then commit or discard; and, read-only, `view`,
 * mount, look, gone. Mounts and snapshots are released on failure and interruption too.
 *
 * The directory that `use` is given comes from Effect's `FileSystem`: on the real backend a temporary directory of the
 * machine, in memory one of the simulated disk.
 */
import { Effect, FileSystem, type PlatformError, type Scope } from "effect"
import { Mounter, type MountError, type MountFailed, type StillInUse } from "./Mounter.ts"
import type { CommittedInfo, Key, Labels, Name } from "./Snapshot.ts"
import { type CreateOptions, Snapshotter } from "./Snapshotter.ts"
import type { CommitError, PrepareError, RemoveError, ViewError } from "./SnapshotterError.ts"

/** What both helpers need to be told. */
export interface ForkOptions extends CreateOptions {
  /** The key while it lasts; must be free. */
  readonly key: Key
  /** Where to mount: an existing directory. Without it, a temporary one is made and removed again. */
  readonly target?: string | undefined
}

/** What may go wrong in `discarded` besides `use` itself. */
export type DiscardError =
  | PrepareError
  | MountError
  | MountFailed
  | StillInUse
  | RemoveError
  | PlatformError.PlatformError
/** What may go wrong in `committed` besides `use` itself. */
export type CommittedError =
  | PrepareError
  | MountError
  | MountFailed
  | StillInUse
  | CommitError
  | PlatformError.PlatformError
/** What may go wrong in `viewed` besides `use` itself. */
export type ViewedError = ViewError | MountError | PlatformError.PlatformError | RemoveError | MountFailed | StillInUse

type Needs = Snapshotter | Mounter | FileSystem.FileSystem

/** Lets `use` work in a fork and throws the fork away, whatever came of it. */
export const discarded = <A, E, R>(
  options: ForkOptions,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | DiscardError, R | Needs> =>
  Effect.scoped(Effect.gen(function*() {
    const { fork, directory } = yield* mounted(options, "prepare")
    const result = yield* use(directory)
    yield* fork.unmount
    yield* fork.remove
    return result
  }))

/**
 * Lets `use` work in a fork and commits what it left under a name. If `use` fails or is interrupted the fork is thrown
 * away. If only the commit fails nothing is thrown away: the key stays active, to be committed again or removed.
 *
 * ```ts
 * import { Fork, Snapshot } from "@snapshotter/core"
 * import { Effect, FileSystem } from "effect"
 *
 * const built = Fork.committed(
 *   { key: Snapshot.Key.make("build-1"), parent: Snapshot.Name.make("base") },
 *   Snapshot.Name.make("built"),
 *   (directory) => FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/done`, "yes"))
 * )
 * ```
 */
export const committed = <A, E, R>(
  options: ForkOptions & { readonly commitLabels?: Labels | undefined },
  name: Name,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<readonly [A, CommittedInfo], E | CommittedError, R | Needs> =>
  Effect.scoped(Effect.gen(function*() {
    const snapshotter = yield* Snapshotter
    const { fork, directory } = yield* mounted(options, "prepare")
    const result = yield* use(directory)
    yield* fork.keep
    yield* fork.unmount
    const info = yield* snapshotter.commit(name, options.key, { labels: options.commitLabels })
    return [result, info] as const
  }))

/** Lets `use` look at a snapshot, read-only. */
export const viewed = <A, E, R>(
  options: ForkOptions,
  use: (directory: string) => Effect.Effect<A, E, R>
): Effect.Effect<A, E | ViewedError, R | Needs> =>
  Effect.scoped(Effect.gen(function*() {
    const { fork, directory } = yield* mounted(options, "view")
    const result = yield* use(directory)
    yield* fork.unmount
    yield* fork.remove
    return result
  }))

/** A snapshot that is there and mounted until the scope closes; then it is unmounted and, unless kept, removed. */
const mounted = Effect.fnUntraced(function*(
  options: ForkOptions,
  how: "prepare" | "view"
): Effect.fn.Return<Mounted, PrepareError | MountError | PlatformError.PlatformError, Needs | Scope.Scope> {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  const directory = options.target ?? (yield* temporaryDirectory)
  let ours = true
  const release = Effect.suspend(() => ours ? snapshotter.remove(options.key) : Effect.void).pipe(
    Effect.catch((error) => Effect.logError(`${options.key} could not be removed: ${error.message}`))
  )
  const mounts = yield* Effect.acquireRelease(snapshotter[how](options.key, options), () => release)
  yield* mounter.mount(mounts, directory)
  const keep = Effect.sync(() => {
    ours = false
  })
  return {
    directory,
    fork: {
      keep,
      unmount: mounter.unmount(directory),
      remove: Effect.asVoid(Effect.andThen(keep, snapshotter.remove(options.key)))
    }
  }
})

interface Mounted {
  readonly directory: string
  readonly fork: {
    /** From here on the snapshot outlives the scope. */
    readonly keep: Effect.Effect<void>
    readonly unmount: Effect.Effect<void, MountFailed | StillInUse>
    readonly remove: Effect.Effect<void, RemoveError>
  }
}

const temporaryDirectory = FileSystem.FileSystem.use((fs) => fs.makeTempDirectoryScoped({ prefix: "snapshotter-" }))
