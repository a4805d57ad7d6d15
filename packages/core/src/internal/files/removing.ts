/** Removal as Node's `fs.rm` does it. */
import { Effect } from "effect"
import { FileSystemError } from "../../StoreFileSystem.ts"
import { below, type TreeFileSystem, type TreePath } from "../../TreeFileSystem.ts"
import { orAbsent } from "./absent.ts"

/** Removes a file, a symlink, or with `recursive` a directory; the first refusal comes when the rest is done. */
export const remove = (
  tree: TreeFileSystem,
  path: string,
  { force, recursive }: { readonly force: boolean; readonly recursive: boolean }
): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    const { type } = yield* tree.lstat(path)
    if (type !== "directory") return yield* tree.removeFile(path)
    // Node's own code for this, not an errno.
    if (!recursive) return yield* new FileSystemError({ operation: "remove", path, code: "ERR_FS_EISDIR" })
    // What is gone when its turn comes need not be removed.
    yield* orAbsent(removeRecursively(tree, path))
  }).pipe((removing) => force ? orAbsent(removing) : removing)

/** Tries the directory itself first, as Node does: what is mounted on it is `EBUSY` before anything in it is touched. */
const removeRecursively = (tree: TreeFileSystem, path: TreePath): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    const { type } = yield* tree.lstat(path)
    if (type !== "directory") return yield* tree.removeFile(path)
    const refusal = yield* refusalOf(tree.removeDirectory(path))
    if (refusal === undefined) return
    if (refusal.code !== "ENOTEMPTY") return yield* refusal
    let first: FileSystemError | undefined
    for (const name of yield* tree.readDirectory(path)) {
      const refusal = yield* refusalOf(orAbsent(removeRecursively(tree, below(path, name))))
      first ??= refusal
    }
    if (first !== undefined) return yield* first
    yield* tree.removeDirectory(path)
  })

const refusalOf = <E>(attempt: Effect.Effect<void, E>): Effect.Effect<E | undefined> =>
  Effect.match(attempt, { onFailure: (error) => error, onSuccess: () => undefined })
