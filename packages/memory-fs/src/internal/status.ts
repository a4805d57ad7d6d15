/** All that `statx(2)` tells about an entry. */
import type { TreeEntry } from "@snapshotter/core/TreeFileSystem"
import { identifiersOf } from "./identifiers.ts"
import { blocksOf, type Entry, nanosecondsOf, sizeOf, typeOf } from "./inode.ts"
import type { Volume } from "./volume.ts"

export const statusOf = (volume: Volume, entry: Entry): TreeEntry => {
  const inode = entry.getNode()
  const { dev, ino, nlink } = identifiersOf(volume, entry)
  return {
    type: typeOf(inode),
    mode: inode.mode & 0o7777,
    uid: inode.uid,
    gid: inode.gid,
    dev,
    ino: BigInt(ino),
    nlink,
    size: sizeOf(inode),
    blocks: blocksOf(inode),
    rdev: BigInt(inode.rdev),
    atimeNanoseconds: nanosecondsOf(inode.atime),
    mtimeNanoseconds: nanosecondsOf(inode.mtime),
    ctimeNanoseconds: nanosecondsOf(inode.ctime),
    btimeNanoseconds: nanosecondsOf(inode.btime)
  }
}
