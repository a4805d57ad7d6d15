/** `mkdir -p`, as Node does it. */
import type { MemoryVolume } from "../MemoryVolume.ts"
import { Errno } from "./errno.ts"
import { isDirectory } from "./inode.ts"
import { makeDirectory } from "./linux.ts"
import { locate } from "./lookup.ts"

/** Makes a directory and those above it that are missing; a directory that is there already is fine. */
export const makeDirectories = (volume: MemoryVolume, path: string, mode: number): void => {
  // From the end back to the first that can be made, then forth again.
  const triedAgain = new Set<string>()
  const missing = [path]
  for (let next = missing.pop(); next !== undefined; next = missing.pop()) {
    try {
      makeDirectory(volume, next, mode)
    } catch (error) {
      if (!(error instanceof Errno)) throw error
      const above = next.slice(0, next.lastIndexOf("/")).replace(/\/+$/, "")
      if (error.code === "ENOENT" && above !== "" && !triedAgain.has(next)) {
        triedAgain.add(next)
        missing.push(next, above)
      } else requireDirectory(volume, next, missing.length === 0, error)
    }
  }
}

const requireDirectory = (volume: MemoryVolume, path: string, isLast: boolean, refusal: Errno): void => {
  if (refusal.code !== "EEXIST") throw refusal
  if (!isDirectory(locate(volume, path, true).link)) throw new Errno(isLast ? "EEXIST" : "ENOTDIR")
}
