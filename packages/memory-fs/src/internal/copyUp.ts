/**
 * Copy-up: what is to be changed is first copied from its lower layer to the upper one, with the directories above it.
 * overlayfs.rst, "Non-directories"; `fs/overlayfs/copy_up.c`.
 */
import { create, discard } from "./disk.ts"
import { Errno } from "./errno.ts"
import { createInode, type Inode, isDirectory, type Link, namesIn, setTimes, timesOf, xattrsOf } from "./inode.ts"
import { setOrigin } from "./origin.ts"
import { isOwnXattr, type Namespace, staysSame, topOf } from "./overlay.ts"
import type { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

/**
 * The entry in the upper layer, copied there where it is not. Without `contents` a file is copied as an empty one, since
 * whoever asks is about to truncate it.
 */
export const copyUp = (volume: Volume, entry: OverlayEntry, contents = true): Link => {
  if (entry.upper !== undefined) return entry.upper
  const { overlay, parent } = entry
  // Where it was there is a whiteout now, or something else.
  if (parent === undefined) throw new Errno("ENOTDIR")
  const directory = copyUp(volume, parent)
  const lower = topOf(entry).getNode()
  const before = timesOf(directory.getNode())
  const copy = copyOf(volume, lower, overlay.settings.namespace, contents)
  setTimes(copy, timesOf(lower))
  const link = create(volume, directory, entry.name, copy)
  // A copy shows nothing that was not there, so the directory stays as old as it was.
  setTimes(directory.getNode(), before)
  entry.upper = link
  // Of what is no directory only one layer takes part, and that is the upper one now.
  if (!isDirectory(link)) entry.lowers = []
  if (staysSame(lower)) setOrigin(copy, lower)
  overlay.copied(entry.inode, copy)
  return link
}

/** Type, contents, device, mode, owner and extended attributes, but none of the overlay's own. */
const copyOf = (volume: Volume, lower: Inode, namespace: Namespace, contents: boolean): Inode => {
  const copy = createInode(volume.memfs._core, lower.mode)
  if (lower.isSymlink()) {
    copy.makeSymlink(lower.symlink)
    copy.setModeProperty(lower.mode)
  } else if (lower.isFile() && contents) copy.setBuffer(lower.buf.subarray(0, lower.getSize()))
  copy.rdev = lower.rdev
  copy.uid = lower.uid
  copy.gid = lower.gid
  for (const [name, value] of xattrsOf(lower)) if (!isOwnXattr(name, namespace)) xattrsOf(copy).set(name, value)
  return copy
}

/** Empties a directory of the upper layer that shows nothing any more: what is in it are whiteouts. */
export const clearWhiteouts = (volume: Volume, directory: Link): void => {
  for (const name of namesIn(directory)) {
    const link = directory.children.get(name)
    if (link !== undefined) discard(volume, link)
  }
}
