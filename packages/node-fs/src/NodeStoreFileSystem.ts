/** `StoreFileSystem` on Linux, by system calls. On any other system each operation fails with `ENOSYS`. */
import { FileSystemError, noSyncFailures, StoreFileSystem, type SyncTarget } from "@snapshotter/core/StoreFileSystem"
import { Effect, Layer } from "effect"
import { isUtf8 } from "node:buffer"
import { constants, realpathSync } from "node:fs"
import { copyAttributes, probeXattrs, withDirectory } from "./internal/attributes.ts"
import { nextEntries, O_CLOEXEC, openDirectory } from "./internal/directory.ts"
import { EACCES, EAGAIN, EILSEQ, EINVAL, ENAMETOOLONG, ENOENT, ENOTDIR, Errno, succeeded } from "./internal/errno.ts"
import { failure } from "./internal/failure.ts"
import { FileSystemSync } from "./internal/fileSystemSync.ts"
import { fileSystemName } from "./internal/fileSystemType.ts"
import { measure } from "./internal/measure.ts"
import { removal } from "./internal/removal.ts"
import { inSlices } from "./internal/slices.ts"
import { look, lookAt, lookThrough, seen } from "./internal/stat.ts"
import {
  AT_FDCWD,
  AT_REMOVEDIR,
  LOCK_EX,
  LOCK_NB,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  type Syscalls,
  syscalls
} from "./internal/syscalls.ts"

const { O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants

/** The kernel takes no path of more bytes. */
const pathBytesMax = 4_095

const make = Effect.gen(function*() {
  const fileSystems = new FileSystemSync()
  yield* Effect.addFinalizer(() => fileSystems.close)

  // === realPath
  const realPath = (path: string) => attempt("realPath", path, () => utf8(realpathSync.native(path, "buffer")))

  // === lstat
  const lstat = (path: string) =>
    attempt("lstat", path, (sys) => {
      const result = look(sys, AT_FDCWD, path)
      if (isAbsent(result)) return undefined
      succeeded(result)
      return seen.entry()
    })

  // === readDirectory
  const readDirectory = (path: string) =>
    attempt("readDirectory", path, (sys) =>
      withDirectory(sys, path, (fd) => {
        const names: Array<string> = []
        for (let entries = nextEntries(sys, fd); entries !== undefined; entries = nextEntries(sys, fd)) {
          if (typeof entries === "number") throw new Errno(-entries)
          for (const { name } of entries) names.push(name.toString("utf8", 0, name.length - 1))
        }
        return names
      }))

  // === readFile
  const readFile = (path: string) =>
    attempt("readFile", path, (sys) => {
      const fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0)
      return isAbsent(fd) ? undefined : withDescriptor(sys, succeeded(fd), () => utf8(contents(sys, fd)))
    })

  // === readLink
  const readLink = (path: string) =>
    attempt("readLink", path, (sys) => {
      const bytes = sys.readlinkat(AT_FDCWD, path, chunk, chunk.length)
      return isAbsent(bytes) ? undefined : utf8(chunk.subarray(0, succeeded(bytes)))
    })

  // === makeDirectory
  const makeDirectory = (path: string, mode: number) =>
    attempt("makeDirectory", path, (sys) => {
      succeeded(sys.mkdirat(AT_FDCWD, path, mode & 0o777))
      // The umask, or what the directory above hands down, may have changed it.
      succeeded(look(sys, AT_FDCWD, path))
      const result = seen.mode() === mode ? 0 : sys.chmod(path, mode)
      if (result < 0) sys.unlinkat(AT_FDCWD, path, AT_REMOVEDIR)
      succeeded(result)
    })

  // === writeFile
  const writeFile = (path: string, text: string, mode: number) =>
    attempt("writeFile", path, (sys) => {
      const fd = succeeded(sys.openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode & 0o777))
      withDescriptor(sys, fd, () => {
        for (let rest = Buffer.from(text); rest.length > 0;) {
          rest = rest.subarray(succeeded(sys.write(fd, rest, rest.length)))
        }
        succeeded(lookAt(sys, fd))
        if (seen.mode() !== mode) succeeded(sys.fchmod(fd, mode))
      })
    })

  // === symlink
  const symlink = (target: string, path: string) =>
    attempt("symlink", path, (sys) => {
      checkPath(target)
      succeeded(sys.symlinkat(target, AT_FDCWD, path))
    })

  // === setMode
  const setMode = (path: string, mode: number) =>
    attempt("setMode", path, (sys) => {
      succeeded(sys.chmod(path, mode))
    })

  // === exchange
  const exchange = (one: string, other: string) =>
    attempt("exchange", one, (sys) => {
      checkPath(other)
      succeeded(sys.renameat2(AT_FDCWD, one, AT_FDCWD, other, RENAME_EXCHANGE))
    })

  // === moveNoReplace
  const moveNoReplace = (from: string, to: string) =>
    attempt("moveNoReplace", from, (sys) => {
      checkPath(to)
      succeeded(sys.renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
    })

  // === removeFile
  const removeFile = (path: string) =>
    attempt("removeFile", path, (sys) => {
      const result = sys.unlinkat(AT_FDCWD, path, 0)
      if (!isAbsent(result)) succeeded(result)
      return result === 0
    })

  // === removeTree
  const removeTree = (path: string) => inSteps("removeTree", path, (sys) => inSlices(() => removal(sys, path)))

  // === copyDirectoryAttributes
  const copyDirectoryAttributes = (from: string, to: string) =>
    attempt("copyDirectoryAttributes", to, (sys) => {
      checkPath(from)
      withDirectory(sys, from, (source) => withDirectory(sys, to, (target) => copyAttributes(sys, source, target)))
    })

  // === usage
  const usage = (path: string) => inSteps("usage", path, (sys) => inSlices(() => measure(sys, path)))

  // === sync
  const sync = (targets: ReadonlyArray<SyncTarget>) => {
    const [first, ...others] = targets
    if (first === undefined) return Effect.void
    return inSteps("sync", first.path, (sys) =>
      others.length === 0 && first.kind !== "tree"
        ? syncOne(sys, fileSystems, first)
        : syncAll(sys, fileSystems, targets))
  }

  // === tryLock
  const tryLock = (directory: string) =>
    attempt("tryLock", directory, (sys) => {
      const fd = succeeded(openDirectory(sys, directory))
      const result = sys.flock(fd, LOCK_EX | LOCK_NB)
      if (result < 0) sys.close(fd)
      if (result === -EAGAIN) return undefined
      succeeded(result)
      // Whoever takes a lock is about to write.
      fileSystems.meet(sys, fd, directory)
      return { release: once(() => sys.close(fd)) }
    })

  // === overlayXattrs
  const overlayXattrs = (directory: string) =>
    attempt("overlayXattrs", directory, (sys) => withDirectory(sys, directory, (fd) => probeXattrs(sys, fd)))

  // === fileSystemType
  const fileSystemType = (path: string) =>
    attempt("fileSystemType", path, (sys) => {
      succeeded(sys.statfs(path, chunk))
      return fileSystemName(chunk.readUInt32LE(0))
    })

  return {
    realPath,
    lstat,
    readDirectory,
    readFile,
    readLink,
    makeDirectory,
    writeFile,
    symlink,
    setMode,
    exchange,
    moveNoReplace,
    removeFile,
    removeTree,
    copyDirectoryAttributes,
    usage,
    sync,
    tryLock,
    overlayXattrs,
    fileSystemType,
    syncFailures: noSyncFailures()
  } satisfies StoreFileSystem
})

/** The store's file system is this machine's. A descriptor of each file system written to is held until it closes. */
export const layer: Layer.Layer<StoreFileSystem> = Layer.effect(StoreFileSystem, make)

// ============================================================ failures

const attempt = <A>(
  operation: string,
  path: string,
  call: (sys: Syscalls) => A
): Effect.Effect<A, FileSystemError> =>
  Effect.suspend(() => {
    try {
      checkPath(path)
      return Effect.succeed(call(syscalls()))
    } catch (thrown) {
      return failure(operation, path, thrown)
    }
  })

/** The same for what takes long. */
const inSteps = <A>(
  operation: string,
  path: string,
  start: (sys: Syscalls) => Effect.Effect<A, Errno | FileSystemError>
): Effect.Effect<A, FileSystemError> =>
  Effect.flatMap(
    attempt(operation, path, (sys) => sys),
    (sys) =>
      Effect.catch(start(sys), (error) =>
        error instanceof FileSystemError ? Effect.fail(error) : failure(operation, path, error))
  )

const isAbsent = (result: number): boolean => result === -ENOENT || result === -ENOTDIR

/** What no system call must see: text with NUL would be cut there, and very long text is not worth copying. */
const checkPath = (path: string): void => {
  if (path.includes("\0")) throw new Errno(EINVAL)
  if (path.length > pathBytesMax) throw new Errno(ENAMETOOLONG)
}

// ============================================================ descriptors and bytes

/** For everything that is read: it is filled and read without a pause between. */
const chunk = Buffer.allocUnsafe(65_536)

const withDescriptor = <A>(sys: Syscalls, fd: number, use: () => A): A => {
  try {
    return use()
  } finally {
    sys.close(fd)
  }
}

/** Good until something else is read. */
const contents = (sys: Syscalls, fd: number): Buffer => {
  const parts: Array<Buffer> = []
  for (let length = 0;;) {
    const bytes = succeeded(sys.read(fd, chunk.subarray(length), chunk.length - length))
    length += bytes
    if (bytes === 0) {
      return parts.length === 0
        ? chunk.subarray(0, length)
        : Buffer.concat([...parts, chunk.subarray(0, length)])
    }
    if (length === chunk.length) {
      parts.push(Buffer.from(chunk))
      length = 0
    }
  }
}

const utf8 = (bytes: Buffer): string => {
  if (!isUtf8(bytes)) throw new Errno(EILSEQ)
  return bytes.toString("utf8")
}

const once = (release: () => void): Effect.Effect<void> => {
  let released = false
  return Effect.sync(() => {
    if (!released) release()
    released = true
  })
}

// ============================================================ syncing

const syncOne = (
  sys: Syscalls,
  fileSystems: FileSystemSync,
  target: SyncTarget
): Effect.Effect<void, FileSystemError> =>
  Effect.flatMap(
    attempt("openForSync", target.path, () => openForSync(sys, target)),
    (fd) => fd === undefined ? syncAll(sys, fileSystems, [target]) : syncOpened(sys, fd, target.path)
  )

/** Not stopped by an interruption: the descriptor is closed when the call is done with it. */
const syncOpened = (sys: Syscalls, fd: number, path: string): Effect.Effect<void, FileSystemError> =>
  Effect.callback((resume) => {
    sys.fsyncLater(fd, (result) => {
      sys.close(fd)
      resume(result < 0 ? failure(operationOf(result), path, new Errno(-result)) : Effect.void)
    })
  })

/** `undefined` for what cannot be opened for that (a symlink, a FIFO, a file without read permission). */
const openForSync = (sys: Syscalls, { kind, path }: SyncTarget): number | undefined => {
  if (kind === "directory") return succeeded(openDirectory(sys, path))
  succeeded(look(sys, AT_FDCWD, path))
  if (seen.type() !== "file" && seen.type() !== "directory") return undefined
  const fd = sys.openat(AT_FDCWD, path, O_RDONLY | O_NONBLOCK | O_NOFOLLOW | O_NOCTTY | O_CLOEXEC, 0)
  return fd === -EACCES ? undefined : succeeded(fd)
}

/** Where no thread was free the call was not made, and nothing is lost. */
const operationOf = (result: number): string => result === -EAGAIN ? "openForSync" : "sync"

/** One `syncfs` for each file system, since on ext4 without a journal nothing less keeps symlinks. */
const syncAll = (
  sys: Syscalls,
  fileSystems: FileSystemSync,
  targets: ReadonlyArray<SyncTarget>
): Effect.Effect<void, FileSystemError> =>
  Effect.gen(function*() {
    const directories = new Map<bigint, string>()
    for (const target of targets) {
      const found = yield* attempt("openForSync", target.path, () => placeOf(sys, target))
      directories.set(found.dev, found.directory)
    }
    yield* Effect.forEach(directories, ([dev, directory]) =>
      Effect.catch(fileSystems.sync(sys, dev, directory), (error) =>
        failure(operationOf(-error.errno), directory, error)), {
      concurrency: "unbounded",
      discard: true
    })
  })

const placeOf = (sys: Syscalls, { kind, path }: SyncTarget): { dev: bigint; directory: string } => {
  succeeded(kind === "file" ? look(sys, AT_FDCWD, path) : lookThrough(sys, path))
  const isDirectory = seen.type() === "directory"
  if (kind !== "file" && !isDirectory) throw new Errno(ENOTDIR)
  return { dev: seen.dev(), directory: isDirectory ? path : path.slice(0, path.lastIndexOf("/") + 1) }
}
