/**
 * Names as Linux makes, moves and removes them, where memfs does something else. memfs gives the inodes and links, this file
 * the rules, in the order in which the kernel checks them (`fs/namei.c`); `opening.ts`, `attributes.ts` and `xattrs.ts` have
 * those of files that are there. What overlays do differently is behind `change.ts`. All acts are root's: modes are kept but
 * refuse nobody.
 *
 * What memfs 4.80 does of its own accord, seen by comparing both:
 *
 * - `rename` replaces a non-empty directory, moves a directory into itself, puts files over directories and directories
 *   over files, and never lowers the link count of what it replaced.
 * - `link` takes a directory; `link` and `mkdir` accept `.` and `..` as new names; `unlink` of a directory is `EPERM`.
 * - Parents are looked up without following a last symlink: `mkdir("link/x")` is `ENOTDIR`.
 * - Paths are normalised as text first: `link/..` is not the parent of what `link` leads to, `missing/..` exists, and a
 *   slash at the end means nothing. No name and no path is too long.
 * - An inode number is given out again at once, also while a file is open; a removed directory keeps its own.
 * - `chmod` and `chown` move the modification time; looking up a name moves its directory's access time.
 * - A mode that lacks a bit refuses root too. Symlinks are 0666, and have the size 0.
 */
import { formatOf, type NodeToMake, type Renaming } from "@snapshotter/core/TreeFileSystem"
import * as Change from "./change.ts"
import { Errno } from "./errno.ts"
import { createInode, type Entry, type Inode, isDirectory, isEmpty, isInside, isRemoved } from "./inode.ts"
import { find, type Found, locate, requireWritable } from "./lookup.ts"
import type { Location } from "./mountTable.ts"
import { byteLength } from "./names.ts"
import type { Volume } from "./volume.ts"

// ============================================================ making

/** `mkdir(2)` without an umask. */
export const makeDirectory = (volume: Volume, path: string, mode: number): Entry => {
  const bits = modeBits(mode) & 0o1777
  const { name, parent } = vacancy(volume, path, true)
  return Change.create(volume, parent.link, name, newInode(volume, parent, formatOf.directory | bits))
}

/** `mknod(2)` without an umask. */
export const makeNode = (volume: Volume, path: string, { mode, rdev = 0n, type }: NodeToMake): Entry => {
  const bits = modeBits(mode)
  if (BigInt.asUintN(rdevBits, rdev) !== rdev) throw new Errno("EINVAL")
  const { name, parent } = vacancy(volume, path, false)
  const inode = newInode(volume, parent, formatOf[type] | bits)
  if (type === "characterDevice" || type === "blockDevice") inode.rdev = Number(rdev)
  return Change.create(volume, parent.link, name, inode)
}

/** The call takes 12 bits of a major number and 20 of a minor one. */
const rdevBits = 32

/** `symlink(2)`. */
export const makeSymlink = (volume: Volume, target: string, path: string): Entry => {
  if (target === "") throw new Errno("ENOENT")
  if (byteLength(target) > targetBytesMax) throw new Errno("ENAMETOOLONG")
  const { name, parent } = vacancy(volume, path, false)
  const inode = newInode(volume, parent, formatOf.symlink)
  inode.makeSymlink(target)
  inode.setModeProperty(formatOf.symlink | 0o777)
  return Change.create(volume, parent.link, name, inode)
}

const targetBytesMax = 4_095

/** `link(2)`: a symlink is not followed, it gets another name itself. */
export const makeLink = (volume: Volume, existing: string, path: string): Entry => {
  const from = locate(volume, existing, false)
  const { name, parent } = vacancy(volume, path, false)
  if (from.mount !== parent.mount) throw new Errno("EXDEV")
  if (isDirectory(from.link)) throw new Errno("EPERM")
  return Change.link(volume, from.link, parent.link, name)
}

/** Where something new can be put: nothing is there, and the directory can be written. */
const vacancy = (volume: Volume, path: string, forDirectory: boolean): Found => {
  const found = find(volume, path, false)
  if (found.last !== "name" || found.at !== undefined) throw new Errno("EEXIST")
  if (found.slash && !forDirectory) throw new Errno("ENOENT")
  requireRoom(found.parent)
  return found
}

/** What the kernel takes of a mode; it would refuse what is no number of bits, if it could be told. */
export const modeBits = (mode: number): number => {
  if (!Number.isSafeInteger(mode) || mode < 0) throw new Errno("EINVAL")
  return mode & 0o7777
}

/** Something can be put into the directory. */
export const requireRoom = (directory: Location): void => {
  if (isRemoved(directory.link)) throw new Errno("ENOENT")
  requireWritable(directory)
}

/** A new inode. A directory with the setgid bit hands down its group, and the bit to directories. */
export const newInode = (volume: Volume, parent: Location, mode: number): Inode => {
  const inode = createInode(volume.memfs._core, mode)
  const above = parent.link.getNode()
  if ((above.mode & 0o2000) !== 0) {
    inode.gid = above.gid
    if (inode.isDirectory()) inode.setModeProperty(inode.mode | 0o2000)
  }
  return inode
}

// ============================================================ moving

/** `renameat2(2)`. */
export const rename = (volume: Volume, oldPath: string, newPath: string, renaming: Renaming): void => {
  const from = find(volume, oldPath, false)
  const to = find(volume, newPath, false)
  const exchange = renaming === "exchange"
  if (from.parent.mount !== to.parent.mount) throw new Errno("EXDEV")
  if (from.last !== "name") throw new Errno("EBUSY")
  if (to.last !== "name") throw new Errno(renaming === "noReplace" ? "EEXIST" : "EBUSY")
  requireWritable(from.parent)
  // The names as such, not what is mounted on them.
  const source = from.parent.link.children.get(from.name)
  const target = to.parent.link.children.get(to.name)
  if (source === undefined || (exchange && target === undefined)) throw new Errno("ENOENT")
  if (target !== undefined && renaming === "noReplace") throw new Errno("EEXIST")
  if (exchange && target !== undefined && !isDirectory(target) && to.slash) throw new Errno("ENOTDIR")
  if (!isDirectory(source) && (from.slash || (to.slash && !exchange))) throw new Errno("ENOTDIR")
  if (isInside(to.parent.link, source)) throw new Errno("EINVAL")
  if (target !== undefined && isInside(from.parent.link, target)) throw new Errno(exchange ? "EINVAL" : "ENOTEMPTY")
  if (source === target || (target !== undefined && areOneFile(source, target))) return
  if (isRemoved(to.parent.link)) throw new Errno("ENOENT")
  if (target !== undefined && !exchange) requireReplaceable(source, target)
  for (const moved of [source, target]) {
    if (moved !== undefined && volume.mounts.isMountPoint(moved)) throw new Errno("EBUSY")
  }
  if (exchange && target !== undefined) Change.exchange(volume, source, target)
  else {Change.rename(volume, {
      source,
      directory: to.parent.link,
      name: to.name,
      target,
      whiteout: renaming === "whiteout"
    })}
}

const areOneFile = (one: Entry, other: Entry): boolean => Change.identityOf(one) === Change.identityOf(other)

const requireReplaceable = (source: Entry, target: Entry): void => {
  if (isDirectory(source) && !isDirectory(target)) throw new Errno("ENOTDIR")
  if (!isDirectory(source) && isDirectory(target)) throw new Errno("EISDIR")
}

// ============================================================ removing

/** `unlink(2)`. */
export const unlink = (volume: Volume, path: string): void => {
  const found = find(volume, path, false)
  if (found.last !== "name") throw new Errno("EISDIR")
  requireWritable(found.parent)
  const link = found.parent.link.children.get(found.name)
  if (link === undefined) throw new Errno("ENOENT")
  if (isDirectory(link)) throw new Errno("EISDIR")
  if (found.slash) throw new Errno("ENOTDIR")
  if (volume.mounts.isMountPoint(link)) throw new Errno("EBUSY")
  Change.remove(volume, link)
}

/** `rmdir(2)`. */
export const removeDirectory = (volume: Volume, path: string): void => {
  const found = find(volume, path, false)
  if (found.last === "..") throw new Errno("ENOTEMPTY")
  if (found.last === ".") throw new Errno("EINVAL")
  if (found.last === "/") throw new Errno("EBUSY")
  requireWritable(found.parent)
  const link = found.parent.link.children.get(found.name)
  if (link === undefined) throw new Errno("ENOENT")
  if (!isDirectory(link)) throw new Errno("ENOTDIR")
  if (volume.mounts.isMountPoint(link)) throw new Errno("EBUSY")
  if (!isEmpty(link)) throw new Errno("ENOTEMPTY")
  Change.remove(volume, link)
}
