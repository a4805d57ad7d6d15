/**
 * Whether a layer may be moved away, or made immutable, now. Asked under the lock, where it counts; a commit at `full` asks
 * before that too, so that what is mounted is refused before its contents are synced.
 */
import { Effect } from "effect"
import type { LayerUse } from "../Mounter.ts"
import { called, type SnapshotId } from "../Snapshot.ts"
import { Busy } from "../SnapshotterError.ts"
import { FileSystemError } from "../StoreFileSystem.ts"
import type { Staging } from "./change.ts"
import type { SnapshotPaths, Target } from "./layout.ts"
import { failedIn, mountsUnknownIn, type Store } from "./store.ts"

/** A snapshot, damaged or not. */
interface Subject extends Target {
  readonly name: string
  readonly paths: SnapshotPaths
}

type Operation = "commit" | "remove"

/**
 * Which uses stand in the way: of a commit, and of removing what is active, those that show its own layer, since what is
 * mounted read-only can be made writable at any time; of removing what is committed, all.
 */
const stands = (subject: Subject) => (use: LayerUse): boolean => subject.kind === "committed" || use.as !== "lower"

/** Fails if the layer is mounted. With `staging`, under the lock, nobody can begin to mount it from then on either. */
export const notMounted = Effect.fnUntraced(function*(
  store: Store,
  operation: Operation,
  subject: Subject,
  staging?: Staging
) {
  if (subject.kind === "view") return
  if (staging !== undefined) yield* holdStill(store, operation, subject, staging)
  const layer = yield* Effect.mapError(store.fs.lstat(subject.paths.layer), failedIn(operation))
  // A damaged one may have none, and is to be removed all the same.
  if (layer?.type !== "directory") return
  const uses = yield* Effect.mapError(
    store.mounter.uses(subject.paths.layer),
    mountsUnknownIn(operation)
  )
  const inTheWay = uses.filter(stands(subject))
  if (inTheWay.length === 0) return
  const mountPoints = inTheWay.flatMap((use) => use.target === undefined ? [] : [use.target])
  return yield* new Busy({ operation, snapshot: called(subject.name), mountPoints })
})

/** Whoever mounts a layer holds the lock of its directory meanwhile: so none can begin to between our look and our rename. */
const holdStill = Effect.fnUntraced(function*(store: Store, operation: Operation, subject: Subject, staging: Staging) {
  // In one piece: a lock that was taken when an interruption came would be held for ever.
  const held = yield* Effect.uninterruptible(Effect.map(store.fs.tryLock(subject.paths.directory), (lock) => {
    if (lock !== undefined) staging.end(lock.release)
    return lock !== undefined
  })).pipe(Effect.mapError(failedIn(operation)))
  if (!held) return yield* new Busy({ operation, snapshot: called(subject.name), mountPoints: [] })
})

/** Whether a committed layer is still mounted writable. Asked under the lock. */
export const isMounted = (store: Store, id: SnapshotId): Effect.Effect<boolean, FileSystemError> => {
  const path = store.layout.snapshot("committed", id).layer
  return store.mounter.uses(path).pipe(
    Effect.map((uses) => uses.some((use) => use.writable)),
    Effect.mapError(({ code }) => new FileSystemError({ operation: "uses", path, code }))
  )
}

/** The same; where that can't be told, yes. */
export const maybeMounted = (store: Store, id: SnapshotId): Effect.Effect<boolean> =>
  Effect.orElseSucceed(isMounted(store, id), () => true)
