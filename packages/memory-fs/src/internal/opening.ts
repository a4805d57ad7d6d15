/** `open(2)`: what is opened, made and emptied, in the order in which the kernel checks (`fs/namei.c`, `fs/open.c`). */
import { formatOf, type Opening } from "@snapshotter/core/TreeFileSystem"
import { dropCapabilities } from "./attributes.ts"
import * as Change from "./change.ts"
import { Errno } from "./errno.ts"
import { isRead } from "./fifo.ts"
import { type Entry, type Inode, isDirectory, isSpecial, isSymlink, typeOf } from "./inode.ts"
import { modeBits, newInode, requireRoom } from "./linux.ts"
import { find, locate, requireWritable } from "./lookup.ts"
import type { Location } from "./mountTable.ts"
import type { Volume } from "./volume.ts"

/** The location of the file, made where `opening` says so. */
export const openFile = (volume: Volume, path: string, opening: Opening): Location => {
  const { append, create, exclusive = false, noFollow = false, read, write } = opening
  if (read !== true && write !== true && append !== true) throw new Errno("EINVAL")
  const makes = create !== undefined
  const mode = makes ? modeBits(create) : 0
  const follow = makes ? !exclusive && !noFollow && "unless a slash follows" : !noFollow || path.endsWith("/")
  const found = find(volume, path, follow)
  if (makes && found.slash && found.last === "name") throw new Errno("EISDIR")
  if (found.at !== undefined) return openExisting(volume, path, found.at, found.slash, opening)
  if (!makes) throw new Errno("ENOENT")
  requireRoom(found.parent)
  const inode = newInode(volume, found.parent, formatOf.file | mode)
  return { mount: found.parent.mount, link: Change.create(volume, found.parent.link, found.name, inode) }
}

const openExisting = (
  volume: Volume,
  path: string,
  at: Location,
  slash: boolean,
  opening: Opening
): Location => {
  if (opening.create !== undefined && opening.exclusive === true) throw new Errno("EEXIST")
  const directory = isDirectory(at.link)
  if (opening.create !== undefined && directory) throw new Errno("EISDIR")
  if (slash && !directory) throw new Errno("ENOTDIR")
  if (isSymlink(at.link)) throw new Errno("ELOOP")
  if (changes(opening) && directory) throw new Errno("EISDIR")
  if (isSpecial(at.link)) return openSpecial(at, opening)
  if (changes(opening)) {
    requireWritable(at)
    const inode = Change.inodeToChange(volume, at.link, opening.truncate !== true)
    if (opening.truncate === true) resize(volume, inode, 0, () => path)
  }
  return at
}

const changes = ({ append, truncate, write }: Opening): boolean =>
  write === true || append === true || truncate === true

/** A FIFO can be opened, if nobody has to be waited for. There is nothing behind devices and sockets here. */
const openSpecial = (at: Location, { read }: Opening): Location => {
  const isFifo = typeOf(at.link.getNode()) === "fifo"
  if (!isFifo || (read !== true && !isRead(Change.identityOf(at.link)))) throw new Errno("ENXIO")
  return at
}

/** Larger files are refused with `EFBIG`: their bytes have to fit into memory. */
const fileBytesMax = 0x7fff_ffff

/** `truncate(2)`. File systems differ on whether the same length touches a file; here it does not. */
export const truncate = (volume: Volume, path: string, length: number): void => {
  requireLength(length)
  const location = locate(volume, path, true)
  const inode = location.link.getNode()
  if (inode.isDirectory()) throw new Errno("EISDIR")
  if (!inode.isFile()) throw new Errno("EINVAL")
  requireWritable(location)
  const changed = Change.inodeToChange(volume, location.link)
  if (length !== changed.getSize()) resize(volume, changed, length, () => path)
}

/** `ftruncate(2)`, once it is open for writing; `path` is for reading. */
export const resize = (volume: Volume, inode: Inode, length: number, path: () => string): void => {
  if (!inode.isFile()) throw new Errno("EINVAL")
  if (length > fileBytesMax) throw new Errno("EFBIG")
  volume.journal.contents(() => `truncate ${path()}`, () => {
    dropCapabilities(inode)
    inode.truncate(length)
  })
}

/** `pwrite(2)`; `append` writes to the end, and `path` is for reading. */
export const writeAt = (
  volume: Volume,
  inode: Inode,
  bytes: Uint8Array,
  { append, offset, path }: { readonly append: boolean; readonly offset: number; readonly path: () => string }
): number => {
  if (bytes.length === 0) return 0
  const at = append ? inode.getSize() : offset
  if (at + bytes.length > fileBytesMax) throw new Errno("EFBIG")
  return volume.journal.contents(() => `write to ${path()}`, () => {
    dropCapabilities(inode)
    return inode.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, at)
  })
}

/** `pread(2)`. */
export const readAt = (entry: Entry, into: Uint8Array, offset: number): number => {
  if (isDirectory(entry)) throw new Errno("EISDIR")
  return entry.getNode().read(into, 0, into.length, offset)
}

/** What is no number of bytes the kernel would refuse, if it could be told. */
export const requireLength = (length: number): void => {
  if (!Number.isSafeInteger(length) || length < 0) throw new Errno("EINVAL")
}

/** Before anything is asked about who may read or write. */
export const requireOffset = (offset: number, entry: Entry): void => {
  requireLength(offset)
  if (isSpecial(entry)) throw new Errno("ESPIPE")
}
