/** Effect's `FileSystem` as far as the library itself calls it: those calls can be struck too. */
import type * as Faults from "@snapshotter/memory-fs/Faults"
import { type FileSystem, PlatformError } from "effect"

/** `makeTempDirectory` is the one call that `Fork` makes. */
export const through = (faults: Faults.Faults, files: FileSystem.FileSystem): FileSystem.FileSystem => ({
  ...files,
  makeTempDirectory: (options) =>
    faults.call("makeTempDirectory", [], files.makeTempDirectory(options), (code) =>
      PlatformError.systemError({
        _tag: "Unknown",
        module: "FileSystem",
        method: "makeTempDirectory",
        description: code
      }))
})
