/** Who was forked from a committed snapshot: what its marks say, as far as the child is there. */
import { Effect, Result } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { idsAmong, kinds, type Target } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
import type { Store } from "./store.ts"

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
 * Marks a child again whose mark a power loss may have taken: nothing was promised of a child that was made at `process`,
 * and before something is, its parent has to know it.
 */
export const markAgain = Effect.fnUntraced(function*(store: Store, parent: SnapshotId, child: SnapshotId) {
  const mark = store.layout.snapshot("committed", parent).child(child)
  if ((yield* store.fs.lstat(mark)) === undefined) yield* store.fs.writeFile(mark, "", 0o600)
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
    if (entry !== undefined) return { kind, id } satisfies Target as Target
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
