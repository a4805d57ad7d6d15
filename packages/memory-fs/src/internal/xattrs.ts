/**
 * Extended attributes by path, as `fs/xattr.c` checks them. `user.*`, `trusted.*` and `security.*` are plain data to a disk;
 * `system.*`, so access control lists too, it does not keep. Inside an overlay its own names are kept under longer ones, so
 * that they are data there and no marks: overlayfs.rst, "Nesting overlayfs mounts"; `fs/overlayfs/xattrs.c`.
 */
import { capabilityXattr } from "./attributes.ts"
import { inodeToChange } from "./change.ts"
import { Errno } from "./errno.ts"
import { type Entry, type Inode, markChanged, xattrsOf } from "./inode.ts"
import { locate, requireWritable } from "./lookup.ts"
import { isOwnXattr, shownXattr, storedXattr } from "./overlay.ts"
import { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

const nameBytesMax = 255
const valueBytesMax = 65_536
/** All names, each with a NUL. */
const listBytesMax = 65_536
const kept = ["user.", "trusted.", "security."]

/** `listxattr(2)`. */
export const listXattrs = (volume: Volume, path: string, follow: boolean): ReadonlyArray<string> => {
  const { link } = locate(volume, path, follow)
  const names = [...xattrsOf(link.getNode()).keys()]
  if (names.reduce((bytes, name) => bytes + Buffer.byteLength(name) + 1, 0) > listBytesMax) throw new Errno("E2BIG")
  if (!(link instanceof OverlayEntry)) return names
  const { namespace } = link.overlay.settings
  return names.filter((name) => !isOwnXattr(name, namespace)).map((name) => shownXattr(name, namespace))
}

/** `getxattr(2)`. */
export const getXattr = (volume: Volume, path: string, name: string, follow: boolean): Uint8Array => {
  requireName(name)
  const { link } = locate(volume, path, follow)
  requireAllowed(link.getNode(), name, "ENODATA")
  const stored = keptName(link, name)
  requireKept(stored)
  const value = xattrsOf(link.getNode()).get(stored)
  if (value === undefined) throw new Errno("ENODATA")
  return Uint8Array.from(value)
}

/** `setxattr(2)`. */
export const setXattr = (
  volume: Volume,
  path: string,
  name: string,
  value: Uint8Array,
  { follow, only }: { readonly follow: boolean; readonly only: "create" | "replace" | undefined }
): void => {
  requireName(name)
  if (value.length > valueBytesMax) throw new Errno("E2BIG")
  if (name === capabilityXattr && !isCapability(value)) return refuse(volume, path, follow)
  const location = locate(volume, path, follow)
  requireWritable(location)
  const { link } = location
  requireAllowed(link.getNode(), name, "EPERM")
  const stored = keptName(link, name)
  // An overlay copies up before it asks the upper layer, so also where that refuses.
  const inode = inodeToChange(volume, link)
  requireKept(stored)
  const isThere = xattrsOf(inode).has(stored)
  if (only === "create" && isThere) throw new Errno("EEXIST")
  if (only === "replace" && !isThere) throw new Errno("ENODATA")
  volume.journal.attributes(inode, () => `set ${name} of ${path}`, () => {
    xattrsOf(inode).set(stored, Uint8Array.from(value))
    markChanged(inode)
  })
}

/** `removexattr(2)`. */
export const removeXattr = (volume: Volume, path: string, name: string, follow: boolean): void => {
  requireName(name)
  const location = locate(volume, path, follow)
  requireWritable(location)
  const { link } = location
  requireAllowed(link.getNode(), name, "EPERM")
  const stored = keptName(link, name)
  requireKept(stored)
  // Looked for first, so that nothing is copied up for it.
  if (!xattrsOf(link.getNode()).has(stored)) throw new Errno("ENODATA")
  const inode = inodeToChange(volume, link)
  volume.journal.attributes(inode, () => `remove ${name} of ${path}`, () => {
    xattrsOf(inode).delete(stored)
    markChanged(inode)
  })
}

/** The second format of file capabilities: 20 bytes, its number last in the first four. */
const isCapability = (value: Uint8Array): boolean => value.length === 20 && value[3] === 2

/** Looked up first, and on a mount that can be written. */
const refuse = (volume: Volume, path: string, follow: boolean): never => {
  requireWritable(locate(volume, path, follow))
  throw new Errno("EINVAL")
}

const requireName = (name: string): void => {
  const bytes = Buffer.byteLength(name)
  if (bytes === 0 || bytes > nameBytesMax) throw new Errno("ERANGE")
}

/** `user.*` belongs to files and directories alone. */
const requireAllowed = (inode: Inode, name: string, refusal: "EPERM" | "ENODATA"): void => {
  if (name.startsWith("user.") && !inode.isFile() && !inode.isDirectory()) throw new Errno(refusal)
}

/** A name that the disk keeps. */
const requireKept = (name: string): void => {
  const prefix = kept.find((one) => name.startsWith(one))
  if (prefix === undefined) throw new Errno("EOPNOTSUPP")
  if (name === prefix) throw new Errno("EINVAL")
}

/** The name in the layer, or on the disk. */
const keptName = (entry: Entry, name: string): string => {
  if (!(entry instanceof OverlayEntry)) return name
  const stored = storedXattr(name, entry.overlay.settings.namespace)
  if (stored === undefined) throw new Errno("EINVAL")
  if (Buffer.byteLength(stored) > nameBytesMax) throw new Errno("EOPNOTSUPP")
  return stored
}
