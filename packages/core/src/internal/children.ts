/** Who was forked from a committed snapshot: what its marks say, as far as the child is there. */
import { Effect, Result } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { idsAmong, kinds, type Target } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
import { ancestor, layerIsThere } from "./read.ts"
import { failedIn, type Store } from "./store.ts"

/** The children that are there. A mark is made before its child appears and counts for nothing once it is gone. */
export const childrenOf = Effect.fnUntraced(function*(store: Store, id: SnapshotId) {
  const children: Array<Target> = []
  for (const child of yield* childMarks(store, id)) {
    const found = yield* whereIs(store, child)
    if (found !== undefined) children.push(found)
  }
  return children
})

/**
 * Under the lock: makes the place for marks of a committed snapshot again, if it is missing. A power loss may have taken it
 * of one that was made at `process`; of one that is on disk it is damage, since nobody knows who was marked there.
 */
export const marksAreKept = Effect.fnUntraced(function*(store: Store, operation: string, name: string, id: SnapshotId) {
  const { children } = store.layout.snapshot("committed", id)
  if ((yield* Effect.mapError(store.fs.lstat(children), failedIn(operation))) !== undefined) return
  if ((yield* ancestor(store, operation, name, id)).durable) {
    return yield* layerIsThere(store, operation, name, children)
  }
  yield* Effect.mapError(store.fs.makeDirectory(children, 0o700), failedIn(operation))
})

/** Under the lock: the parent knows its child. `name` is whom to call damaged where the parent cannot know anyone. */
export const mark = (store: Store, operation: string, name: string, parent: SnapshotId, child: SnapshotId) => {
  const write = store.fs.writeFile(store.layout.snapshot("committed", parent).child(child), "", 0o600)
  return Effect.catch(write, (error) =>
    error.code === "ENOENT"
      ? Effect.andThen(marksAreKept(store, operation, name, parent), Effect.mapError(write, failedIn(operation)))
      : Effect.fail(failedIn(operation)(error)))
}

/**
 * Marks a child again whose mark a power loss may have taken: nothing was promised of a child that was made at `process`,
 * and before something is, its parent has to know it.
 */
export const markAgain = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  parent: SnapshotId,
  child: SnapshotId
) {
  const path = store.layout.snapshot("committed", parent).child(child)
  const entry = yield* Effect.mapError(store.fs.lstat(path), failedIn(operation))
  if (entry === undefined) yield* mark(store, operation, name, parent, child)
})

/** The ids that a committed snapshot has marks of. */
export const childMarks = (
  store: Store,
  id: SnapshotId
): Effect.Effect<ReadonlyArray<SnapshotId>, FileSystemError> =>
  store.fs.readDirectory(store.layout.snapshot("committed", id).children).pipe(
    Effect.catchIf((error) => error.code === "ENOENT", () => Effect.succeed([])),
    Effect.map(idsAmong)
  )

/** Which kind the snapshot with this id has, if there is one: in the order in which one moves on, so that none is missed. */
export const whereIs = Effect.fnUntraced(function*(store: Store, id: SnapshotId) {
  for (const kind of kinds) {
    const entry = yield* store.fs.lstat(store.layout.snapshot(kind, id).directory)
    if (entry !== undefined) return { kind, id }
  }
  return undefined
})

/** What a child is called, for a message; its id where it cannot be read. */
export const childName = (store: Store, child: Target): Effect.Effect<string> =>
  store.fs.readFile(store.layout.snapshot(child.kind, child.id).metadata(child.kind)).pipe(
    Effect.map((text) =>
      Result.match(readMetadata(text ?? ""), {
        onSuccess: (metadata) => metadata.name,
        onFailure: () => child.id
      })
    ),
    Effect.orElseSucceed(() => child.id)
  )
