/**
 * Effect's own `FileSystem` over a volume, with its mounts: what users of snapshots read and write. It fails as the Node
 * backend does on Linux, as root: overlays copy up what is written, read-only mounts are `EROFS`, a mount point is `EBUSY`, links and renames between
 * mounts are `EXDEV`. `watch` is not supported. Paths that do not begin with a slash begin at the root.
 */
import { Effect, FileSystem, Layer, type Scope, Stream } from "effect"
import { type PlatformError, systemError } from "effect/PlatformError"
import { inodeToChange } from "./internal/change.ts"
import { copy, copyFile } from "./internal/copy.ts"
import { Errno } from "./internal/errno.ts"
import { infoOf, OpenFile, readAll, truncate, typeOf, writeAt } from "./internal/file.ts"
import { isDirectory, isSymlink, namesIn, setTimes } from "./internal/inode.ts"
import * as Linux from "./internal/linux.ts"
import { locate, locateDirectory, requireWritable } from "./internal/lookup.ts"
import { makeDirectories } from "./internal/makeDirectories.ts"
import type { Location } from "./internal/mountTable.ts"
import { attempt } from "./internal/platform.ts"
import { remove } from "./internal/remove.ts"
import { MemoryVolume } from "./MemoryVolume.ts"

export interface Options {
  /** The bits that new files and directories never get; `0o022` unless given. */
  readonly umask?: number
}

type Operation = keyof FileSystem.FileSystem

// == attributes

const attributes = (volume: MemoryVolume) => {
  const change = (method: Operation, path: string, act: (location: Location) => void) =>
    attempt(method, [path], () => {
      const location = locate(volume, path, true)
      requireWritable(location)
      act(location)
    })
  return {
    access: (path: string, options?: { readonly writable?: boolean | undefined }) =>
      attempt("access", [path], () => {
        const location = locate(volume, path, true)
        if (options?.writable === true) requireWritable(location)
      }),
    chmod: (path: string, mode: number) =>
      change("chmod", path, ({ link }) => Linux.setMode(inodeToChange(volume, link), mode)),
    chown: (path: string, uid: number, gid: number) =>
      change("chown", path, ({ link }) => Linux.setOwner(inodeToChange(volume, link), uid, gid)),
    utimes: (path: string, atime: Date | number, mtime: Date | number) =>
      change(
        "utimes",
        path,
        ({ link }) =>
          setTimes(inodeToChange(volume, link), {
            atimeNanoseconds: nanosecondsOf(atime),
            mtimeNanoseconds: nanosecondsOf(mtime)
          })
      ),
    stat: (path: string) => attempt("stat", [path], () => infoOf(volume, locate(volume, path, true).link)),
    lstat: (path: string) => attempt("lstat", [path], () => infoOf(volume, locate(volume, path, false).link))
  }
}

/** Numbers are seconds. */
const nanosecondsOf = (time: Date | number): bigint =>
  BigInt(Math.round(typeof time === "number" ? time * 1000 : time.getTime())) * 1_000_000n

// == directories

const directories = (volume: MemoryVolume, umask: number) => ({
  makeDirectory: (
    path: string,
    options?: { readonly recursive?: boolean | undefined; readonly mode?: number | undefined }
  ) =>
    attempt("makeDirectory", [path], () => {
      const mode = (options?.mode ?? 0o777) & ~umask
      if (options?.recursive === true) makeDirectories(volume, path, mode)
      else Linux.makeDirectory(volume, path, mode)
    }),
  readDirectory: (path: string, options?: { readonly recursive?: boolean | undefined }) =>
    attempt("readDirectory", [path], () => {
      const directory = locateDirectory(volume, path)
      return options?.recursive === true ? namesBelow(volume, path) : namesIn(directory.link)
    }),
  readDirectoryEntries: (path: string) =>
    attempt(
      "readDirectoryEntries",
      [path],
      () =>
        children(volume, locateDirectory(volume, path)).map(([name, { link }]) => ({
          name,
          type: typeOf(link.getNode())
        }))
    ),
  remove: (
    path: string,
    options?: { readonly recursive?: boolean | undefined; readonly force?: boolean | undefined }
  ) =>
    attempt("remove", [path], () => {
      try {
        remove(volume, path, options?.recursive ?? false)
      } catch (error) {
        if (!(error instanceof Errno && error.code === "ENOENT" && options?.force === true)) throw error
      }
    })
})

const children = (volume: MemoryVolume, { link, mount }: Location): ReadonlyArray<readonly [string, Location]> =>
  namesIn(link).flatMap((name) => {
    const child = link.children.get(name)
    return child === undefined ? [] : [[name, volume.mounts.cross({ mount, link: child })] as const]
  })

/** Paths from the directory on. Like Node, it goes through symlinks to directories, round and round until `ELOOP`. */
const namesBelow = (volume: MemoryVolume, path: string): Array<string> => {
  const names: Array<string> = []
  const pending = [""]
  for (let below = pending.pop(); below !== undefined; below = pending.pop()) {
    for (const name of namesIn(locateDirectory(volume, `${path}/${below}`).link)) {
      names.push(below + name)
      if (leadsToDirectory(volume, `${path}/${below}${name}`)) pending.push(`${below}${name}/`)
    }
  }
  return names
}

const leadsToDirectory = (volume: MemoryVolume, path: string): boolean => {
  try {
    return isDirectory(locate(volume, path, true).link)
  } catch (error) {
    if (error instanceof Errno) return false
    throw error
  }
}

// == links and names

const links = (volume: MemoryVolume) => ({
  link: (from: string, to: string) =>
    attempt("link", [from, to], () => {
      Linux.makeLink(volume, from, to)
    }),
  symlink: (target: string, path: string) =>
    attempt("symlink", [target, path], () => {
      Linux.makeSymlink(volume, target, path)
    }),
  readLink: (path: string) =>
    attempt("readLink", [path], () => {
      const { link } = locate(volume, path, false)
      if (!isSymlink(link)) throw new Errno("EINVAL")
      return link.getNode().symlink
    }),
  realPath: (path: string) => attempt("realPath", [path], () => volume.mounts.pathOf(locate(volume, path, true))),
  rename: (from: string, to: string) => attempt("rename", [from, to], () => Linux.rename(volume, from, to, true))
})

// == files

const openingOf = (flag: FileSystem.OpenFlag, noFollow: boolean): Linux.Opening => ({
  write: flag !== "r",
  create: !flag.startsWith("r"),
  exclusive: flag.includes("x"),
  truncate: flag.startsWith("w"),
  noFollow
})

const files = (volume: MemoryVolume, umask: number) => {
  const openAt = (path: string, flag: FileSystem.OpenFlag, mode: number | undefined, noFollow: boolean) =>
    Linux.openFile(volume, path, openingOf(flag, noFollow), (mode ?? 0o666) & ~umask)
  const open: FileSystem.FileSystem["open"] = (path, options) => {
    const flag = options?.flag ?? "r"
    const access = { read: flag === "r" || flag.includes("+"), write: flag !== "r", append: flag.startsWith("a") }
    return Effect.acquireRelease(
      attempt(
        "open",
        [path],
        () => new OpenFile(volume, path, openAt(path, flag, options?.mode, options?.noFollow ?? false), access)
      ),
      (file) => Effect.sync(() => file.close())
    )
  }
  return {
    open,
    readFile: (path: string) =>
      attempt("readFile", [path], () => readAll(openAt(path, "r", undefined, false).link.getNode())),
    writeFile: (
      path: string,
      bytes: Uint8Array,
      options?: { readonly flag?: FileSystem.OpenFlag | undefined; readonly mode?: number | undefined }
    ) =>
      attempt("writeFile", [path], () => {
        const flag = options?.flag ?? "w"
        const inode = openAt(path, flag, options?.mode, false).link.getNode()
        if (flag === "r") throw new Errno("EBADF")
        writeAt(inode, bytes, flag.startsWith("a") ? inode.getSize() : 0)
      }),
    truncate: (path: string, length?: number) =>
      attempt("truncate", [path], () => truncate(volume, locate(volume, path, true), length ?? 0)),
    copyFile: (from: string, to: string) =>
      attempt("copyFile", [from, to], () => {
        copyFile(volume, from, to)
      }),
    copy: (
      from: string,
      to: string,
      options?: { readonly overwrite?: boolean | undefined; readonly preserveTimestamps?: boolean | undefined }
    ) =>
      attempt("copy", [from, to], () =>
        copy(volume, from, to, {
          overwrite: options?.overwrite ?? false,
          preserveTimestamps: options?.preserveTimestamps ?? false
        }))
  }
}

// == temporary files and directories

interface Temporary {
  readonly directory?: string | undefined
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

const temporary = (volume: MemoryVolume) => {
  const uniqueText = () => volume.nextNumber().toString(36).padStart(6, "0")
  const makeTempDirectory = (method: Operation, options: Temporary | undefined) =>
    Effect.suspend(() => {
      const path = `${options?.directory ?? "/tmp"}/${options?.prefix ?? ""}${uniqueText()}`
      return attempt(method, [path], () => {
        Linux.makeDirectory(volume, path, 0o700)
        return path
      })
    })
  const makeTempFile = (method: Operation, options: Temporary | undefined) =>
    Effect.flatMap(makeTempDirectory(method, options), (directory) => {
      const path = `${directory}/${uniqueText()}${options?.suffix ?? ""}`
      return attempt(method, [path], () => {
        Linux.openFile(volume, path, openingOf("w", false), 0o644)
        return path
      })
    })
  const scoped = (
    method: Operation,
    acquire: Effect.Effect<string, PlatformError>,
    directoryOf: (path: string) => string
  ): Effect.Effect<string, PlatformError, Scope.Scope> =>
    Effect.acquireRelease(acquire, (path) =>
      Effect.orDie(attempt(method, [path], () => {
        try {
          remove(volume, directoryOf(path), true)
        } catch (error) {
          if (!(error instanceof Errno && error.code === "ENOENT")) throw error
        }
      })))
  return {
    makeTempDirectory: (options?: Temporary) => makeTempDirectory("makeTempDirectory", options),
    makeTempDirectoryScoped: (options?: Temporary) =>
      scoped("makeTempDirectoryScoped", makeTempDirectory("makeTempDirectoryScoped", options), (path) => path),
    makeTempFile: (options?: Temporary) => makeTempFile("makeTempFile", options),
    makeTempFileScoped: (options?: Temporary) =>
      scoped(
        "makeTempFileScoped",
        makeTempFile("makeTempFileScoped", options),
        (path) => path.slice(0, path.lastIndexOf("/"))
      )
  }
}

// == watch

const watch: FileSystem.FileSystem["watch"] = (path) =>
  Stream.fail(
    systemError({
      module: "FileSystem",
      method: "watch",
      _tag: "Unknown",
      description: "memory-fs does not watch files; look again instead, or use the Node backend",
      pathOrDescriptor: path
    })
  )

export const make = (volume: MemoryVolume, options: Options = {}): FileSystem.FileSystem => {
  const umask = options.umask ?? 0o022
  return FileSystem.make({
    ...attributes(volume),
    ...directories(volume, umask),
    ...links(volume),
    ...files(volume, umask),
    ...temporary(volume),
    watch
  })
}

export const layer: Layer.Layer<FileSystem.FileSystem, never, MemoryVolume> = Layer.effect(
  FileSystem.FileSystem,
  Effect.map(MemoryVolume, (volume) => make(volume))
)
