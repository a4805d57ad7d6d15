/**
 * The in-memory backend of `TreeFileSystem`: a volume with its mounts, as Linux shows them to root. It keeps beside memfs what
 * memfs lacks: names that are not UTF-8, extended attributes, devices, nanoseconds. There is nothing behind a device, nothing
 * goes through a FIFO, and there is no `system.*` attribute.
 */
import { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import {
  type Links,
  type Opening,
  textOf,
  type TreeFile,
  TreeFileSystem,
  type TreePath
} from "@snapshotter/core/TreeFileSystem"
import { Effect, Layer } from "effect"
import * as Attributes from "./internal/attributes.ts"
import { identityOf, linksOnDisk } from "./internal/change.ts"
import { Errno } from "./internal/errno.ts"
import { countReader } from "./internal/fifo.ts"
import { isSpecial, isSymlink } from "./internal/inode.ts"
import * as Linux from "./internal/linux.ts"
import { listedAt, locate, pathBytesMax, realPathOf, requireWritable } from "./internal/lookup.ts"
import type { Location } from "./internal/mountTable.ts"
import { bytesOfName, nameOf } from "./internal/names.ts"
import { openFile, readAt, requireLength, requireOffset, resize, truncate, writeAt } from "./internal/opening.ts"
import { statusOf } from "./internal/status.ts"
import { insidesOf, type Volume } from "./internal/volume.ts"
import * as Xattrs from "./internal/xattrs.ts"
import { MemoryVolume } from "./MemoryVolume.ts"

/** Does something with a path as this package writes it, and turns what is refused into a failure. */
const attempt = <A>(
  operation: string,
  path: TreePath,
  act: (path: string) => A
): Effect.Effect<A, FileSystemError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(act(pathFrom(path)))
    } catch (error) {
      if (error instanceof Errno) {
        return Effect.fail(new FileSystemError({ operation, path: textOf(path), code: error.code }))
      }
      throw error
    }
  })

/** A path as this package writes it. */
const pathFrom = (path: TreePath): string => {
  if (path.length > pathBytesMax) throw new Errno("ENAMETOOLONG")
  const name = nameFrom(path)
  if (name === "") throw new Errno("ENOENT")
  if (!name.startsWith("/")) throw new Errno("EINVAL")
  return name
}

const nameFrom = (name: TreePath): string => {
  const isText = typeof name === "string"
  if (isText ? name.includes("\0") || !name.isWellFormed() : name.includes(0)) throw new Errno("EINVAL")
  return isText ? name : nameOf(name)
}

const follows = (links: Links | undefined): boolean => links === "follow"

// == looking

const looking = (volume: Volume) =>
  ({
    lstat: (path) => attempt("lstat", path, (at) => statusOf(volume, locate(volume, at, false).link)),
    stat: (path) => attempt("stat", path, (at) => statusOf(volume, locate(volume, at, true).link)),
    access: (path, asked = {}) =>
      attempt("access", path, (at) => {
        const location = locate(volume, at, true)
        const inode = location.link.getNode()
        // Nothing stops root, but that nobody at all may run a file.
        if (asked.execute === true && inode.isFile() && (inode.mode & 0o111) === 0) throw new Errno("EACCES")
        // What is written to a device or a FIFO does not reach the file system.
        if (asked.write === true && !isSpecial(location.link)) requireWritable(location)
      }),
    realPath: (path) => attempt("realPath", path, (at) => bytesOfName(realPathOf(volume, at))),
    readDirectory: (path) => attempt("readDirectory", path, (at) => listedAt(volume, at).map(bytesOfName)),
    readLink: (path) =>
      attempt("readLink", path, (at) => {
        const { link } = locate(volume, at, false)
        if (!isSymlink(link)) throw new Errno("EINVAL")
        return bytesOfName(link.getNode().symlink)
      })
  }) satisfies Partial<TreeFileSystem>

// == open

/** While it is open its mount is in use, and who reads a FIFO is there for those who write. */
const fileOf = (
  volume: Volume,
  path: TreePath,
  { link, mount }: Location,
  { append = false, read = false, write = false }: Opening
) => {
  const identity = identityOf(link)
  let open = true
  mount.users++
  if (write || append) mount.writers++
  if (read) countReader(identity, 1)
  const use = <A>(operation: string, act: () => A) =>
    attempt(operation, path, () => {
      if (!open) throw new Errno("EBADF")
      return act()
    })
  // In an overlay the inode is another one from the moment on that it is copied up, also for whoever only reads.
  const file: TreeFile = {
    stat: use("stat", () => statusOf(volume, link)),
    read: (into, offset) =>
      use("read", () => {
        requireOffset(offset, link)
        if (!read) throw new Errno("EBADF")
        return readAt(link, into, offset)
      }),
    write: (bytes, offset) =>
      use("write", () => {
        requireOffset(offset, link)
        if (!write && !append) throw new Errno("EBADF")
        return writeAt(volume, link.getNode(), bytes, { append, offset, path: () => textOf(path) })
      }),
    truncate: (length) =>
      use("truncate", () => {
        requireLength(length)
        if (!write && !append) throw new Errno("EINVAL")
        resize(volume, link.getNode(), length, () => textOf(path))
      }),
    sync: use("sync", () => {
      if (isSpecial(link)) throw new Errno("EINVAL")
      volume.journal.synced(() => `fsync ${textOf(path)}`, linksOnDisk(link))
    })
  }
  const close = () => {
    if (!open) return
    open = false
    mount.users--
    if (write || append) mount.writers--
    if (read) countReader(identity, -1)
  }
  return { file, close }
}

const open = (volume: Volume): TreeFileSystem["open"] => (path, opening) =>
  Effect.acquireRelease(
    attempt("open", path, (at) => fileOf(volume, path, openFile(volume, at, opening), opening)),
    ({ close }) => Effect.sync(close)
  ).pipe(Effect.map(({ file }) => file))

// == names

const names = (volume: Volume) =>
  ({
    makeDirectory: (path, mode) =>
      attempt("makeDirectory", path, (at) => {
        Linux.makeDirectory(volume, at, mode)
      }),
    makeNode: (path, node) =>
      attempt("makeNode", path, (at) => {
        Linux.makeNode(volume, at, node)
      }),
    symlink: (target, path) =>
      attempt("symlink", path, (at) => {
        Linux.makeSymlink(volume, nameFrom(target), at)
      }),
    link: (existing, path) =>
      attempt("link", existing, (from) => {
        Linux.makeLink(volume, from, pathFrom(path))
      }),
    rename: (from, to, renaming = "replace") =>
      attempt("rename", from, (at) => Linux.rename(volume, at, pathFrom(to), renaming)),
    removeFile: (path) => attempt("removeFile", path, (at) => Linux.unlink(volume, at)),
    removeDirectory: (path) => attempt("removeDirectory", path, (at) => Linux.removeDirectory(volume, at))
  }) satisfies Partial<TreeFileSystem>

// == attributes

const attributes = (volume: Volume) =>
  ({
    truncate: (path, length) => attempt("truncate", path, (at) => truncate(volume, at, length)),
    setMode: (path, mode, links) =>
      attempt("setMode", path, (at) => Attributes.changeMode(volume, at, mode, follows(links))),
    setOwner: (path, owner, links) =>
      attempt("setOwner", path, (at) => Attributes.changeOwner(volume, at, owner, follows(links))),
    setTimes: (path, times, links) =>
      attempt("setTimes", path, (at) => Attributes.changeTimes(volume, at, times, follows(links)))
  }) satisfies Partial<TreeFileSystem>

const xattrs = (volume: Volume) =>
  ({
    listXattrs: (path, links) => attempt("listXattrs", path, (at) => Xattrs.listXattrs(volume, at, follows(links))),
    getXattr: (path, name, links) =>
      attempt("getXattr", path, (at) => Xattrs.getXattr(volume, at, nameFrom(name), follows(links))),
    setXattr: (path, name, value, { links, only } = {}) =>
      attempt("setXattr", path, (at) =>
        Xattrs.setXattr(volume, at, nameFrom(name), value, { follow: follows(links), only })),
    removeXattr: (path, name, links) =>
      attempt("removeXattr", path, (at) =>
        Xattrs.removeXattr(volume, at, nameFrom(name), follows(links)))
  }) satisfies Partial<TreeFileSystem>

export const make = (volume: MemoryVolume): TreeFileSystem => {
  const insides = insidesOf(volume)
  return {
    ...looking(insides),
    open: open(insides),
    ...names(insides),
    ...attributes(insides),
    ...xattrs(insides)
  }
}

export const layer: Layer.Layer<TreeFileSystem, never, MemoryVolume> = Layer.effect(
  TreeFileSystem,
  Effect.map(MemoryVolume, make)
)
