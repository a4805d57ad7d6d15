/**
 * How each real file system was seen to depart from the model: `docs/FAILURES.md` says what a store does about it. Whatever
 * else one does is a violation.
 */
import type { Departure } from "./allowed.ts"

export const known: Readonly<Record<string, ReadonlyArray<Departure>>> = {
  "ext4": ["contents"],
  "xfs": ["contents"],
  "btrfs": ["contents", "attributes", "names", "renames"],
  "ext4 without a journal": ["contents", "attributes", "names", "renames", "fsync", "nodes", "inodes"]
}
