/**
 * The mark of a store in which something has happened that the disk may not have: a bit in the mode of `staging/`, which needs
 * no room. Whoever gets the store's lock and finds it waits for the disk first. Whoever set it has died, or was interrupted,
 * or was told that its sync had failed; what is acknowledged next stands on what it did, or destroys what that has replaced.
 *
 * It is for the processes of a running machine. What one finds after a power loss is on the disk, with the mark or without it.
 */
import { Effect } from "effect"
import type { FileSystemError, StoreFileSystem } from "../StoreFileSystem.ts"

/** The sticky bit: it says who may delete in a directory, where only its owner may look. */
const bit = 0o1000
const mode = 0o700

/** Where `staging` is, if it is there. */
export const isMarked = (fs: StoreFileSystem, staging: string): Effect.Effect<boolean, FileSystemError> =>
  Effect.map(fs.lstat(staging), (entry) => entry !== undefined && (entry.mode & bit) !== 0)

export const mark = (fs: StoreFileSystem, staging: string) => fs.setMode(staging, mode | bit)

export const unmark = (fs: StoreFileSystem, staging: string) => fs.setMode(staging, mode)
