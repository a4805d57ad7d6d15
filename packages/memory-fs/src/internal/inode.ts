/**
 * memfs's inodes and links (its directory entries), and what Linux keeps in an inode that memfs does not: extended
 * attributes, times to the nanosecond, sizes and blocks of everything that is no file.
 */
import { type EntryType, formatOf, type TimesToSet } from "@snapshotter/core/TreeFileSystem"
import type { Volume } from "memfs"
import { byteLength } from "./names.ts"
import type { OverlayEntry } from "./overlayEntry.ts"

export type Superblock = Volume["_core"]

/** A name in a directory. It stays the same object when it is renamed, so mounts can hold on to it. */
export type Link = Superblock["root"]

/** A name as whoever walks a tree meets it: one on the disk itself, or one that an overlay puts together from layers. */
export type Entry = Link | OverlayEntry

export type Inode = ReturnType<Link["getNode"]>

const formatMask = 0o170000

const types = new Map((Object.keys(formatOf) as ReadonlyArray<EntryType>).map((type) => [formatOf[type], type]))

export const typeOf = (inode: Inode): EntryType => types.get(inode.mode & formatMask) ?? "file"

/**
 * A new inode of root's, with one name to come. memfs's own way asks the system for each who runs the process, which takes as
 * long as all else that is done for one: so it is a copy of the volume's first, made new.
 */
export const createInode = (core: Superblock, mode: number): Inode => {
  const first = core.root.getNode()
  const inode: Inode = Object.assign(Object.create(Object.getPrototypeOf(first)), first)
  const now = new Date()
  return Object.assign(inode, {
    ino: core["newInoNumber"](),
    mode,
    uid: 0,
    gid: 0,
    nlink: 1,
    atime: now,
    mtime: now,
    ctime: now,
    btime: now,
    changes: Reflect.construct(first.changes.constructor, [])
  })
}

export const isDirectory = (entry: Entry): boolean => entry.getNode().isDirectory()

export const isSymlink = (entry: Entry): boolean => entry.getNode().isSymlink()

/** A device, a FIFO or a socket. */
export const isSpecial = (entry: Entry): boolean => !["file", "directory", "symlink"].includes(typeOf(entry.getNode()))

/** Removed from its directory while something still holds it. */
export const isRemoved = (entry: Entry): boolean => entry.parent === undefined

/** Names in a directory. */
export const namesIn = (directory: Entry): Array<string> => {
  const names: Array<string> = []
  for (const name of directory.children.keys()) if (name !== "." && name !== "..") names.push(name)
  return names
}

/** Whether nothing can be looked up in it; an overlay may list names that only whiteouts have. */
export const isEmpty = (directory: Entry): boolean => {
  for (const name of directory.children.keys()) {
    if (name !== "." && name !== ".." && directory.children.get(name) !== undefined) return false
  }
  return true
}

/** Whether a directory is `ancestor` or somewhere below it. */
export const isInside = (directory: Entry, ancestor: Entry): boolean => {
  for (let at: Entry | undefined = directory; at !== undefined; at = at.parent === at ? undefined : at.parent) {
    if (at === ancestor) return true
  }
  return false
}

// ============================================================ sizes

const blockBytes = 4096

export const sizeOf = (inode: Inode): number => {
  if (inode.isDirectory()) return blockBytes
  return inode.isSymlink() ? byteLength(inode.symlink) : inode.getSize()
}

/** Blocks of 512 bytes, as ext4 would allocate them, but without holes: memfs has none. */
export const blocksOf = (inode: Inode): number => {
  if (inode.isDirectory()) return blockBytes / 512
  const bytes = sizeOf(inode)
  const fitsInInode = inode.isSymlink() && bytes < 60
  return fitsInInode ? 0 : Math.ceil(bytes / blockBytes) * (blockBytes / 512)
}

// ============================================================ extended attributes

const attributes = new WeakMap<Inode, Map<string, Uint8Array>>()

export const xattrsOf = (inode: Inode): Map<string, Uint8Array> => {
  const known = attributes.get(inode)
  if (known !== undefined) return known
  const none = new Map<string, Uint8Array>()
  attributes.set(inode, none)
  return none
}

// ============================================================ times

/** Since 1970-01-01T00:00:00Z. */
export interface Times {
  readonly atimeNanoseconds: bigint
  readonly mtimeNanoseconds: bigint
}

/** The exact value of a memfs date that was set from nanoseconds. memfs makes a new date whenever it touches an inode. */
const exact = new WeakMap<Date, bigint>()

const dateOf = (nanoseconds: bigint): Date => {
  const date = new Date(Number(nanoseconds / 1_000_000n))
  exact.set(date, nanoseconds)
  return date
}

export const nanosecondsOf = (date: Date): bigint => exact.get(date) ?? BigInt(date.getTime()) * 1_000_000n

export const timesOf = (inode: Inode): Times => ({
  atimeNanoseconds: nanosecondsOf(inode.atime),
  mtimeNanoseconds: nanosecondsOf(inode.mtime)
})

/** What is not given stays. */
export const setTimes = (inode: Inode, { atimeNanoseconds, mtimeNanoseconds }: TimesToSet): void => {
  if (atimeNanoseconds !== undefined) inode.atime = dateOf(atimeNanoseconds)
  if (mtimeNanoseconds !== undefined) inode.mtime = dateOf(mtimeNanoseconds)
  markChanged(inode)
}

/** The time of the last change of attributes, `ctime`, is now. */
export const markChanged = (inode: Inode): void => {
  inode.ctime = new Date()
}
