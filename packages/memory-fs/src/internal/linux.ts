/**
 * What Linux does where memfs does something else. Every change to a volume goes through here: memfs gives the inodes and
 * links, this file the rules, in the order in which the kernel checks them (`fs/namei.c`). What overlays do differently is
 * behind `change.ts`. All acts are root's: modes are kept but refuse nobody.
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
import type { MemoryVolume } from "../MemoryVolume.ts"
import * as Change from "./change.ts"
import { Errno } from "./errno.ts"
import {
  directoryType,
  type Entry,
  type Inode,
  isDirectory,
  isEmpty,
  isInside,
  isRemoved,
  regularType,
  symlinkType
} from "./inode.ts"
import { find, type Found, locate, requireWritable } from "./lookup.ts"
import type { Location } from "./mountTable.ts"

// ============================================================ making

/** `mkdir(2)` without an umask. */
export const makeDirectory = (volume: MemoryVolume, path: string, mode: number): Entry => {
  const { name, parent } = vacancy(volume, path, true)
  return Change.create(volume, parent.link, name, newInode(volume, parent, directoryType | mode))
}

/** `symlink(2)`. */
export const makeSymlink = (volume: MemoryVolume, target: string, path: string): Entry => {
  if (target === "") throw new Errno("ENOENT")
  if (Buffer.byteLength(target) > 4095) throw new Errno("ENAMETOOLONG")
  const { name, parent } = vacancy(volume, path, false)
  const inode = newInode(volume, parent, symlinkType)
  inode.makeSymlink(target.toWellFormed())
  inode.setModeProperty(symlinkType | 0o777)
  return Change.create(volume, parent.link, name, inode)
}

/** `link(2)`: a symlink is not followed, it gets another name itself. */
export const makeLink = (volume: MemoryVolume, existing: string, path: string): Entry => {
  const from = locate(volume, existing, false)
  const { name, parent } = vacancy(volume, path, false)
  if (from.mount !== parent.mount) throw new Errno("EXDEV")
  if (isDirectory(from.link)) throw new Errno("EPERM")
  return Change.link(volume, from.link, parent.link, name)
}

/** How to open a file. */
export interface Opening {
  readonly write: boolean
  readonly create: boolean
  readonly exclusive: boolean
  readonly truncate: boolean
  readonly noFollow: boolean
}

export const forReading: Opening = { write: false, create: false, exclusive: false, truncate: false, noFollow: false }

/** `open(2)` without an umask: the location of the file, made where `opening` says so. */
export const openFile = (volume: MemoryVolume, path: string, opening: Opening, mode: number): Location => {
  const { create, exclusive, noFollow } = opening
  const follow = create ? !exclusive && !noFollow && "unless a slash follows" : !noFollow || path.endsWith("/")
  const found = find(volume, path, follow)
  if (create && found.slash && found.last === "name") throw new Errno("EISDIR")
  if (found.at !== undefined) return openExisting(volume, found.at, found.slash, opening)
  if (!create) throw new Errno("ENOENT")
  requireWritable(found.parent)
  if (isRemoved(found.parent.link)) throw new Errno("ENOENT")
  const inode = newInode(volume, found.parent, regularType | mode)
  return { mount: found.parent.mount, link: Change.create(volume, found.parent.link, found.name, inode) }
}

const openExisting = (volume: MemoryVolume, at: Location, slash: boolean, opening: Opening): Location => {
  if (opening.create && opening.exclusive) throw new Errno("EEXIST")
  const directory = isDirectory(at.link)
  if (opening.create && directory) throw new Errno("EISDIR")
  if (slash && !directory) throw new Errno("ENOTDIR")
  if (at.link.getNode().isSymlink()) throw new Errno("ELOOP")
  if (opening.write && directory) throw new Errno("EISDIR")
  if (opening.write) {
    requireWritable(at)
    Change.inodeToChange(volume, at.link, !opening.truncate)
  }
  if (opening.truncate) at.link.getNode().truncate(0)
  return at
}

/** Where something new can be put: nothing is there, and the directory can be written. */
const vacancy = (volume: MemoryVolume, path: string, forDirectory: boolean): Found => {
  const found = find(volume, path, false)
  if (found.last !== "name" || found.at !== undefined) throw new Errno("EEXIST")
  if (found.slash && !forDirectory) throw new Errno("ENOENT")
  requireWritable(found.parent)
  if (isRemoved(found.parent.link)) throw new Errno("ENOENT")
  return found
}

/** A new inode. A directory with the setgid bit hands down its group, and the bit to directories. */
const newInode = (volume: MemoryVolume, parent: Location, mode: number): Inode => {
  const inode = volume.memfs._core.createNode(mode)
  const above = parent.link.getNode()
  if ((above.mode & 0o2000) !== 0) {
    inode.gid = above.gid
    if (inode.isDirectory()) inode.setModeProperty(inode.mode | 0o2000)
  }
  return inode
}

// ============================================================ moving

/** `renameat2(2)`, with `RENAME_NOREPLACE` where `replace` is false. */
export const rename = (volume: MemoryVolume, oldPath: string, newPath: string, replace: boolean): void => {
  const from = find(volume, oldPath, false)
  const to = find(volume, newPath, false)
  if (from.parent.mount !== to.parent.mount) throw new Errno("EXDEV")
  if (from.last !== "name") throw new Errno("EBUSY")
  if (to.last !== "name") throw new Errno(replace ? "EBUSY" : "EEXIST")
  requireWritable(from.parent)
  // The names as such, not what is mounted on them.
  const source = from.parent.link.children.get(from.name)
  const target = to.parent.link.children.get(to.name)
  if (source === undefined) throw new Errno("ENOENT")
  if (target !== undefined && !replace) throw new Errno("EEXIST")
  if (!isDirectory(source) && (from.slash || to.slash)) throw new Errno("ENOTDIR")
  if (isInside(to.parent.link, source)) throw new Errno("EINVAL")
  if (target !== undefined && isInside(from.parent.link, target)) throw new Errno("ENOTEMPTY")
  if (source === target || (target !== undefined && areOneFile(source, target))) return
  if (isRemoved(to.parent.link)) throw new Errno("ENOENT")
  if (target !== undefined) requireReplaceable(volume, source, target)
  if (volume.mounts.isMountPoint(source)) throw new Errno("EBUSY")
  Change.rename(volume, source, to.parent.link, to.name, target)
}

const areOneFile = (one: Entry, other: Entry): boolean => Change.identityOf(one) === Change.identityOf(other)

const requireReplaceable = (volume: MemoryVolume, source: Entry, target: Entry): void => {
  if (isDirectory(source) && !isDirectory(target)) throw new Errno("ENOTDIR")
  if (!isDirectory(source) && isDirectory(target)) throw new Errno("EISDIR")
  if (volume.mounts.isMountPoint(target)) throw new Errno("EBUSY")
}

// ============================================================ removing

/** `unlink(2)`. */
export const unlink = (volume: MemoryVolume, path: string): void => {
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
export const removeDirectory = (volume: MemoryVolume, path: string): void => {
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

// ============================================================ attributes

/** `chmod(2)`. The modification time stays. */
export const setMode = (inode: Inode, mode: number): void => {
  inode.perm = mode & 0o7777
}

/** `chown(2)`: what runs as its owner or group no longer does. */
export const setOwner = (inode: Inode, uid: number, gid: number): void => {
  inode.uid = uid
  inode.gid = gid
  if (inode.isFile()) inode.perm = inode.perm & ~(inode.perm & 0o010 ? 0o6000 : 0o4000)
}
