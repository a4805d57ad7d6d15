/**
 * What an inode was copied up from. The kernel writes a handle of it into `trusted.overlay.origin`; here it is kept beside
 * the inode, as extended attributes are, so it lasts as long as the layer and is seen by every later mount.
 */
import type { Inode } from "./inode.ts"

const origins = new WeakMap<Inode, Inode>()

export const originOf = (inode: Inode): Inode | undefined => origins.get(inode)

export const setOrigin = (inode: Inode, origin: Inode): void => {
  origins.set(inode, origin)
}
