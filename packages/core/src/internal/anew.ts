/** Making a file or link where a crash may have left one. */
import { Effect } from "effect"
import type { FileSystemError, StoreFileSystem } from "../StoreFileSystem.ts"

/** Makes it; what is there already counts for nothing, and goes first. */
export const anew = (
  fs: StoreFileSystem,
  path: string,
  make: Effect.Effect<void, FileSystemError>
): Effect.Effect<void, FileSystemError> =>
  Effect.catchIf(make, (error) => error.code === "EEXIST", () => Effect.andThen(fs.removeFile(path), make))
