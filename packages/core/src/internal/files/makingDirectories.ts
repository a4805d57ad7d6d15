/** `mkdir -p`, as Node does it. */
import { Effect } from "effect"
import { FileSystemError } from "../../StoreFileSystem.ts"
import type { TreeFileSystem } from "../../TreeFileSystem.ts"

/** Makes a directory and those above it that are missing; a directory that is there already is fine. */
export const makeDirectories = (
  tree: TreeFileSystem,
  path: string,
  mode: number
): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    // From the end back to the first that can be made, then forth again.
    const triedAgain = new Set<string>()
    const missing = [path]
    for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
      const error = yield* Effect.match(tree.makeDirectory(next, mode), {
        onFailure: (error) => error,
        onSuccess: () => undefined
      })
      if (error === undefined) continue
      const above = next.slice(0, next.lastIndexOf("/")).replace(/\/+$/, "")
      if (error.code === "ENOENT" && above !== "" && !triedAgain.has(next)) {
        triedAgain.add(next)
        missing.push(next, above)
      } else yield* requireDirectory(tree, next, missing.length === 0, error)
    }
  })

const requireDirectory = (tree: TreeFileSystem, path: string, isLast: boolean, refusal: FileSystemError) =>
  Effect.gen(function*() {
    if (refusal.code !== "EEXIST") return yield* refusal
    const { type } = yield* tree.stat(path)
    if (type === "directory") return
    return yield* new FileSystemError({ operation: "makeDirectory", path, code: isLast ? "EEXIST" : "ENOTDIR" })
  })
