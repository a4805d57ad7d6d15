/**
 * The in-memory backend of `StoreFileSystem`. Each instance is one simulated process on a volume; what it holds ends with
 * it (`volume.kill`), what it wrote does not.
 */
import {
  type Entry,
  FileSystemError,
  type HeldLock,
  noSyncFailures,
  StoreFileSystem,
  type SyncTarget
} from "@snapshotter/core/StoreFileSystem"
import { Effect, Layer } from "effect"
import * as Attributes from "./internal/attributes.ts"
import { identityOf, inodeToChange, isInOverlay, linksOnDisk } from "./internal/change.ts"
import { codeOf, Errno, saysAbsent } from "./internal/errno.ts"
import {
  type Entry as Named,
  type Inode,
  isDirectory,
  type Link,
  namesIn,
  setTimes,
  timesOf,
  xattrsOf
} from "./internal/inode.ts"
import * as Linux from "./internal/linux.ts"
import { find, listedAt, locate, locateDirectory, realPathOf, requireWritable } from "./internal/lookup.ts"
import type { Location } from "./internal/mountTable.ts"
import { shownName } from "./internal/names.ts"
import { openFile, writeAt } from "./internal/opening.ts"
import { statusOf } from "./internal/status.ts"
import { inTurns, measuring, removing } from "./internal/tree.ts"
import { insidesOf, type Volume } from "./internal/volume.ts"
import { MemoryVolume } from "./MemoryVolume.ts"

/** Text without bytes becomes what Node passes to the kernel. */
const attempt = <A>(
  operation: keyof StoreFileSystem | "openForSync",
  path: string,
  act: (path: string) => A
): Effect.Effect<A, FileSystemError> =>
  Effect.suspend(() => {
    try {
      if (path.includes("\0")) throw new Errno("EINVAL")
      return Effect.succeed(act(path.toWellFormed()))
    } catch (error) {
      if (error instanceof Errno) return Effect.fail(new FileSystemError({ operation, path, code: error.code }))
      throw error
    }
  })

const long = <A>(
  operation: keyof StoreFileSystem,
  path: string,
  steps: Iterator<undefined, A>
): Effect.Effect<A, FileSystemError> =>
  Effect.mapError(inTurns(steps), ({ code }) => new FileSystemError({ operation, path, code }))

/** What an act answers, or `otherwise` where nothing is there. */
const unlessAbsent = <A, B>(act: () => A, otherwise: B): A | B => {
  try {
    return act()
  } catch (error) {
    if (saysAbsent(error)) return otherwise
    throw error
  }
}

// == realPath

const realPath = (volume: Volume): StoreFileSystem["realPath"] => (path) =>
  attempt("realPath", path, (at) => textOfName(realPathOf(volume, at)))

/** A name or a path that is UTF-8. */
const textOfName = (name: string): string => {
  if (!name.isWellFormed()) throw new Errno("EILSEQ")
  return name
}

// == lstat

const entryOf = (volume: Volume, at: Named): Entry => {
  const { blocks, dev, gid, ino, mode, nlink, rdev, size, type, uid } = statusOf(volume, at)
  const isOther = type !== "file" && type !== "directory" && type !== "symlink"
  return { type: isOther ? "other" : type, mode, uid, gid, dev, ino, nlink, blocks, size, rdev }
}

const lstat = (volume: Volume): StoreFileSystem["lstat"] => (path) =>
  attempt("lstat", path, (at) => unlessAbsent(() => entryOf(volume, locate(volume, at, false).link), undefined))

// == readDirectory

const readDirectory = (volume: Volume): StoreFileSystem["readDirectory"] => (path) =>
  attempt("readDirectory", path, (at) => listedAt(volume, at).map(shownName))

// == readFile

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true })

const textOf = (inode: Inode): string => {
  try {
    return decoder.decode(inode.buf.subarray(0, inode.getSize()))
  } catch {
    throw new Errno("EILSEQ")
  }
}

const readFile = (volume: Volume): StoreFileSystem["readFile"] => (path) =>
  attempt("readFile", path, (at) =>
    unlessAbsent(() => {
      const { link } = openFile(volume, at, { read: true })
      if (isDirectory(link)) throw new Errno("EISDIR")
      return textOf(link.getNode())
    }, undefined))

// == readLink

const readLink = (volume: Volume): StoreFileSystem["readLink"] => (path) =>
  attempt("readLink", path, (at) =>
    unlessAbsent(() => {
      const inode = locate(volume, at, false).link.getNode()
      if (!inode.isSymlink()) throw new Errno("EINVAL")
      return textOfName(inode.symlink)
    }, undefined))

// == makeDirectory

const makeDirectory = (volume: Volume): StoreFileSystem["makeDirectory"] => (path, mode) =>
  attempt("makeDirectory", path, (at) => {
    Linux.makeDirectory(volume, at, mode)
    const code = codeOf(() => Attributes.changeMode(volume, at, mode, false))
    if (code === undefined) return
    // Wholly or not at all, as far as the disk lets us.
    codeOf(() => Linux.removeDirectory(volume, at))
    throw new Errno(code)
  })

// == writeFile

const writeFile = (volume: Volume): StoreFileSystem["writeFile"] => (path, text, mode) =>
  attempt("writeFile", path, (at) => {
    const { link } = openFile(volume, at, { write: true, create: mode, exclusive: true })
    writeAt(volume, link.getNode(), Buffer.from(text), { append: false, offset: 0, path: () => path })
  })

// == symlink

const symlink = (volume: Volume): StoreFileSystem["symlink"] => (target, path) =>
  attempt("symlink", path, (at) => {
    Linux.makeSymlink(volume, target.toWellFormed(), at)
  })

// == setMode

const setMode = (volume: Volume): StoreFileSystem["setMode"] => (path, mode) =>
  attempt("setMode", path, (at) => Attributes.changeMode(volume, at, mode, true))

// == exchange, moveNoReplace

const exchange = (volume: Volume): StoreFileSystem["exchange"] => (one, other) =>
  attempt("exchange", one, (at) => Linux.rename(volume, at, other.toWellFormed(), "exchange"))

const moveNoReplace = (volume: Volume): StoreFileSystem["moveNoReplace"] => (from, to) =>
  attempt("moveNoReplace", from, (at) => Linux.rename(volume, at, to.toWellFormed(), "noReplace"))

// == removeFile

const removeFile = (volume: Volume): StoreFileSystem["removeFile"] => (path) =>
  attempt("removeFile", path, (at) =>
    unlessAbsent(() => {
      Linux.unlink(volume, at)
      return true
    }, false))

// == removeTree

const removeTree = (volume: Volume): StoreFileSystem["removeTree"] => (path) =>
  attempt("removeTree", path, (at) => unlessAbsent(() => find(volume, at, false), undefined)).pipe(
    Effect.flatMap((found) => {
      if (found?.at === undefined) return Effect.succeed([])
      // The name itself, so that what is mounted on it is seen to be a mount point.
      const link = found.last === "name" ? found.parent.link.children.get(found.name) : found.at.link
      const mount = found.last === "name" ? found.parent.mount : found.at.mount
      if (!mount.writable) return Effect.fail(new FileSystemError({ operation: "removeTree", path, code: "EROFS" }))
      return link === undefined ? Effect.succeed([]) : long("removeTree", path, removing(volume, { mount, link }))
    })
  )

// == copyDirectoryAttributes

const isOverlays = (name: string) => name.startsWith("trusted.overlay.") || name.startsWith("user.overlay.")

const copyDirectoryAttributes = (volume: Volume): StoreFileSystem["copyDirectoryAttributes"] => (from, to) =>
  attempt("copyDirectoryAttributes", from, (at) => {
    const source = locateDirectory(volume, at).link.getNode()
    const target = locateDirectory(volume, to.toWellFormed())
    requireWritable(target)
    const inode = inodeToChange(volume, target.link)
    const set = (what: string, act: () => void) => volume.journal.attributes(inode, () => `${what} of ${to}`, act)
    set("owner", () => Attributes.setOwner(inode, source))
    set("mode", () => Attributes.setMode(inode, source.perm))
    for (const name of xattrsOf(inode).keys()) if (!isOverlays(name)) set(name, () => xattrsOf(inode).delete(name))
    for (const [name, value] of xattrsOf(source)) {
      if (!isOverlays(name)) set(name, () => xattrsOf(inode).set(name, value))
    }
    set("times", () => setTimes(inode, timesOf(source)))
  })

// == usage

const usage = (volume: Volume): StoreFileSystem["usage"] => (path) =>
  Effect.flatMap(
    attempt("usage", path, (at) => locateDirectory(volume, at)),
    (location) => long("usage", path, measuring(volume, location))
  )

// == sync

/** Exactly what was asked for is on the disk then: all targets are found first, as by a descriptor each. */
const sync = (volume: Volume): StoreFileSystem["sync"] => (targets) =>
  Effect.flatMap(
    Effect.forEach(targets, (target) => attempt("openForSync", target.path, (at) => syncedBy(volume, target.kind, at))),
    (links) =>
      attempt("sync", targets[0]?.path ?? "", () => {
        const text = () => `sync ${targets.map(({ kind, path }) => `${kind} ${path}`).join(", ")}`
        if (targets.length > 0) volume.journal.synced(text, links.flatMap((found) => found()))
      })
  )

/** What a target consists of, once it is to be synced. */
const syncedBy = (volume: Volume, kind: SyncTarget["kind"], path: string): () => ReadonlyArray<Link> => {
  const location = kind === "file" ? locate(volume, path, true) : locateDirectory(volume, path)
  return () => kind === "tree" ? allBelow(volume, location) : linksOnDisk(location.link)
}

/** A directory and all in it, mount points excepted. */
const allBelow = (volume: Volume, { link, mount }: Location): ReadonlyArray<Link> => {
  const [here] = linksOnDisk(link)
  if (here === undefined) return []
  const below = isDirectory(here) ? namesIn(here).flatMap((name) => here.children.get(name) ?? []) : []
  const inside = below.filter((child) => volume.mounts.mountOn({ mount, link: child }) === undefined)
  return [here, ...inside.flatMap((child) => allBelow(volume, { mount, link: child }))]
}

// == tryLock

const tryLock = (volume: Volume, process: string): StoreFileSystem["tryLock"] => (path) =>
  attempt("tryLock", path, (at): HeldLock | undefined => {
    const directory = locateDirectory(volume, at).link
    const identity = identityOf(directory)
    if (volume.locks.has(identity)) return undefined
    const lock = { process, directory }
    volume.locks.set(identity, lock)
    return {
      release: Effect.sync(() => {
        if (volume.locks.get(identity) === lock) volume.locks.delete(identity)
      })
    }
  })

// == overlayXattrs, fileSystemType

const overlayXattrs = (volume: Volume): StoreFileSystem["overlayXattrs"] => (directory) =>
  attempt("overlayXattrs", directory, (at) => {
    locateDirectory(volume, at)
    return "trusted"
  })

const fileSystemType = (volume: Volume): StoreFileSystem["fileSystemType"] => (path) =>
  attempt("fileSystemType", path, (at) => isInOverlay(locate(volume, at, true).link) ? "overlay" : "memfs")

/** The file system as one process sees it; without a name, a process of its own. */
export const make = (volume: MemoryVolume, process: string = volume.newProcess()): StoreFileSystem => {
  const insides = insidesOf(volume)
  return {
    realPath: realPath(insides),
    lstat: lstat(insides),
    readDirectory: readDirectory(insides),
    readFile: readFile(insides),
    readLink: readLink(insides),
    makeDirectory: makeDirectory(insides),
    writeFile: writeFile(insides),
    symlink: symlink(insides),
    setMode: setMode(insides),
    exchange: exchange(insides),
    moveNoReplace: moveNoReplace(insides),
    removeFile: removeFile(insides),
    removeTree: removeTree(insides),
    copyDirectoryAttributes: copyDirectoryAttributes(insides),
    usage: usage(insides),
    sync: sync(insides),
    tryLock: tryLock(insides, process),
    overlayXattrs: overlayXattrs(insides),
    fileSystemType: fileSystemType(insides),
    syncFailures: noSyncFailures()
  }
}

/** A process of its own on this disk, which ends with the layer's scope. */
export const layerOn = (volume: MemoryVolume): Layer.Layer<StoreFileSystem> =>
  Layer.effect(
    StoreFileSystem,
    Effect.gen(function*() {
      const process = volume.newProcess()
      yield* Effect.addFinalizer(() => volume.kill(process))
      return make(volume, process)
    })
  )

/** A process of its own, which ends with the layer's scope. */
export const layer: Layer.Layer<StoreFileSystem, never, MemoryVolume> = Layer.unwrap(
  Effect.map(MemoryVolume, layerOn)
)
