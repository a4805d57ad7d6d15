/** Removal as Node's `fs.rm` does it, for Effect's `FileSystem`. */
import type { MemoryVolume } from "../MemoryVolume.ts"
import { codeOf, Errno } from "./errno.ts"
import { isDirectory, namesIn } from "./inode.ts"
import { removeDirectory, unlink } from "./linux.ts"
import { locate } from "./lookup.ts"

/** Removes a file, a symlink, or with `recursive` a directory; the first refusal is thrown when the rest is done. */
export const remove = (volume: MemoryVolume, path: string, recursive: boolean): void => {
  const { link } = locate(volume, path, false)
  if (!isDirectory(link)) return unlink(volume, path)
  // Node's own code for this, not an errno.
  if (!recursive) throw new Errno("ERR_FS_EISDIR")
  const code = codeOf(() => removeRecursively(volume, path))
  // What is gone when its turn comes need not be removed.
  if (code !== undefined && code !== "ENOENT") throw new Errno(code)
}

/** Tries the directory itself first, as Node does: what is mounted on it is `EBUSY` before anything in it is touched. */
const removeRecursively = (volume: MemoryVolume, path: string): void => {
  const { link } = locate(volume, path, false)
  if (!isDirectory(link)) return unlink(volume, path)
  const code = codeOf(() => removeDirectory(volume, path))
  if (code === undefined) return
  if (code !== "ENOTEMPTY") throw new Errno(code)
  const refusals = namesIn(link).flatMap((name) => codeOf(() => removeRecursively(volume, `${path}/${name}`)) ?? [])
  const first = refusals.find((refusal) => refusal !== "ENOENT")
  if (first !== undefined) throw new Errno(first)
  removeDirectory(volume, path)
}
