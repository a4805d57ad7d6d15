/**
 * The system calls that Node has no functions for, or slower ones, through libc. Like the kernel's own, each answers
 * with its result or with the negated errno; none throws, except {@link syscalls} itself where there is no Linux.
 *
 * Paths are strings, or bytes that end with NUL. Strings must not contain NUL: callers see to it.
 */
import type Koffi from "koffi"
import { createRequire } from "node:module"
import { EAGAIN, EINTR, ENOSYS } from "./errno.ts"

/** A path or name as text, or as bytes with a NUL at the end. */
export type Path = string | Uint8Array

type Done = (result: number) => void

export interface Syscalls {
  readonly openat: (directory: number, path: Path, flags: number, mode: number) => number
  readonly openat2: (directory: number, path: Path, how: Uint8Array) => number
  readonly close: (fd: number) => number
  readonly read: (fd: number, into: Uint8Array, bytes: number) => number
  readonly write: (fd: number, from: Uint8Array, bytes: number) => number
  readonly lseek: (fd: number, offset: number, whence: number) => number
  readonly getdents64: (fd: number, into: Uint8Array, bytes: number) => number
  readonly statx: (directory: number, path: Path, flags: number, mask: number, into: Uint8Array) => number
  readonly statfs: (path: Path, into: Uint8Array) => number
  readonly readlinkat: (directory: number, path: Path, into: Uint8Array, bytes: number) => number
  readonly mkdirat: (directory: number, path: Path, mode: number) => number
  readonly mknodat: (directory: number, path: Path, mode: number, device: number) => number
  readonly symlinkat: (target: Path, directory: number, path: Path) => number
  readonly linkat: (fromDirectory: number, from: Path, toDirectory: number, to: Path, flags: number) => number
  readonly unlinkat: (directory: number, path: Path, flags: number) => number
  readonly unlinkatLater: (directory: number, path: Path, flags: number, done: Done) => void
  readonly renameat2: (fromDirectory: number, from: Path, toDirectory: number, to: Path, flags: number) => number
  readonly fchmod: (fd: number, mode: number) => number
  readonly chmod: (path: Path, mode: number) => number
  readonly fchmodat2: (directory: number, path: Path, mode: number, flags: number) => number
  readonly fchown: (fd: number, uid: number, gid: number) => number
  readonly fchownat: (directory: number, path: Path, uid: number, gid: number, flags: number) => number
  readonly futimens: (fd: number, times: Uint8Array) => number
  readonly utimensat: (directory: number, path: Path, times: Uint8Array, flags: number) => number
  readonly faccessat: (directory: number, path: Path, mode: number, flags: number) => number
  readonly truncate: (path: Path, length: number) => number
  readonly truncateLater: (path: Path, length: number, done: Done) => void
  readonly ftruncate: (fd: number, length: number) => number
  readonly pread: (fd: number, into: Uint8Array, bytes: number, offset: number) => number
  readonly pwrite: (fd: number, from: Uint8Array, bytes: number, offset: number) => number
  readonly listxattr: (path: Path, into: Uint8Array, bytes: number) => number
  readonly llistxattr: (path: Path, into: Uint8Array, bytes: number) => number
  readonly getxattr: (path: Path, name: Path, into: Uint8Array, bytes: number) => number
  readonly lgetxattr: (path: Path, name: Path, into: Uint8Array, bytes: number) => number
  readonly setxattr: (path: Path, name: Path, value: Uint8Array, bytes: number, flags: number) => number
  readonly lsetxattr: (path: Path, name: Path, value: Uint8Array, bytes: number, flags: number) => number
  readonly removexattr: (path: Path, name: Path) => number
  readonly lremovexattr: (path: Path, name: Path) => number
  readonly flistxattr: (fd: number, into: Uint8Array, bytes: number) => number
  readonly fgetxattr: (fd: number, name: Path, into: Uint8Array, bytes: number) => number
  readonly fsetxattr: (fd: number, name: Path, value: Uint8Array, bytes: number, flags: number) => number
  readonly fremovexattr: (fd: number, name: Path) => number
  readonly flock: (fd: number, operation: number) => number
  readonly fsyncLater: (fd: number, done: Done) => void
  readonly syncfsLater: (fd: number, done: Done) => void
  readonly poll: (fds: Uint8Array, count: number, milliseconds: number) => number
  readonly fsopen: (type: string, flags: number) => number
  readonly fsconfig: (fd: number, command: number, key: Path | null, value: Path | null, aux: number) => number
  readonly fsmount: (fd: number, flags: number, attributes: number) => number
  readonly openTree: (directory: number, path: Path, flags: number) => number
  readonly moveMount: (from: number, fromPath: Path, to: number, toPath: Path, flags: number) => number
  readonly mountSetattr: (fd: number, path: Path, flags: number, attributes: Uint8Array) => number
  readonly mount: (source: Path, target: Path, type: string | null, flags: number, data: Path | null) => number
  readonly umount2: (target: Path, flags: number) => number
  readonly pageBytes: () => number
}

// ============================================================ constants, the same on x86_64 and aarch64

export const AT_FDCWD = -100
export const AT_SYMLINK_NOFOLLOW = 0x100
export const AT_EACCESS = 0x200
export const AT_REMOVEDIR = 0x200
export const AT_NO_AUTOMOUNT = 0x800
export const AT_EMPTY_PATH = 0x1000
export const AT_RECURSIVE = 0x8000

export const RENAME_NOREPLACE = 1
export const RENAME_EXCHANGE = 2
export const RENAME_WHITEOUT = 4

export const LOCK_EX = 2
export const LOCK_NB = 4

export const MS_RDONLY = 1
export const MS_REMOUNT = 32
export const MS_BIND = 4_096
export const MS_MOVE = 8_192
export const MS_REC = 16_384
export const MS_PRIVATE = 1 << 18

export const MNT_DETACH = 2
export const UMOUNT_NOFOLLOW = 8

// ============================================================ loading

/** Why there are no system calls: not Linux, a processor without numbers here, or koffi without a build for it. */
export class Unsupported extends Error {
  override readonly name = "Unsupported"
  readonly errno = ENOSYS
  readonly code = "ENOSYS"
}

interface Numbers {
  readonly getdents64: number
  readonly mknodat: number
  readonly renameat2: number
  readonly statx: number
}

/** Those that not every libc wraps, by processor. Newer than 424 they are the same everywhere. */
const numbersOf: Readonly<Record<string, Numbers>> = {
  x64: { getdents64: 217, mknodat: 259, renameat2: 316, statx: 332 },
  arm64: { getdents64: 61, mknodat: 33, renameat2: 276, statx: 291 }
}

let loaded: Syscalls | Unsupported | undefined

/** The system calls; throws {@link Unsupported} on a machine that has none of them. */
export const syscalls = (): Syscalls => {
  if (loaded === undefined) loaded = load()
  if (loaded instanceof Unsupported) throw loaded
  return loaded
}

const load = (): Syscalls | Unsupported => {
  if (process.platform !== "linux") return new Unsupported(`this is ${process.platform}, not Linux`)
  const numbers = numbersOf[process.arch]
  if (numbers === undefined) return new Unsupported(`system calls of ${process.arch} are not known here`)
  try {
    const koffi: typeof Koffi = createRequire(import.meta.url)("koffi")
    return bind(koffi, numbers)
  } catch (cause) {
    return new Unsupported(`koffi cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`)
  }
}

const bind = (koffi: typeof Koffi, numbers: Numbers): Syscalls => {
  // The program's own libc, whatever it is called.
  const libc = koffi.load(null)

  /** errno is the thread's: nothing may come between the call and reading it. */
  const answerOf = (result: number): number => result === -1 ? -koffi.errno() : result

  /** A signal may come in the middle of any call: then nothing has happened, and it is made again. */
  const untilAnswered = (call: () => number): number => {
    for (;;) {
      const answer = answerOf(call())
      if (answer !== -EINTR) return answer
    }
  }

  const wrapped = <Arguments extends ReadonlyArray<unknown>>(name: string, types: ReadonlyArray<string>) => {
    const call: (...values: Arguments) => number = libc.func(name, "long", [...types])
    return (...values: Arguments): number => untilAnswered(() => call(...values))
  }
  const wrappedInt = <Arguments extends ReadonlyArray<unknown>>(name: string, types: ReadonlyArray<string>) => {
    const call: (...values: Arguments) => number = libc.func(name, "int", [...types])
    return (...values: Arguments): number => untilAnswered(() => call(...values))
  }
  /** Linux has closed a descriptor even where it says EINTR; by then the number may be somebody else's. */
  const once = <Arguments extends ReadonlyArray<unknown>>(name: string, types: ReadonlyArray<string>) => {
    const call: (...values: Arguments) => number = libc.func(name, "int", [...types])
    return (...values: Arguments): number => answerOf(call(...values))
  }
  const numbered = <Arguments extends ReadonlyArray<unknown>>(number: number, types: ReadonlyArray<string>) => {
    const call: (number: number, ...values: Arguments) => number = libc.func("syscall", "long", ["long", ...types])
    return (...values: Arguments): number => untilAnswered(() => call(number, ...values))
  }
  const later = <Arguments extends ReadonlyArray<unknown>>(name: string, types: ReadonlyArray<string>) => {
    const call = libc.func(name, "int", [...types])
    return (...values: [...Arguments, Done]): void => {
      const done = values.at(-1) as Done
      try {
        call.async(...values.slice(0, -1), (_: unknown, result: number) => done(answerOf(result)))
      } catch {
        // koffi has a limit on calls that wait for a thread.
        done(-EAGAIN)
      }
    }
  }

  const path = "const char *"
  const bytes = "void *"
  const openat2 = numbered<[number, Path, Uint8Array, number]>(437, ["int", path, bytes, "ulong"])
  const mountSetattr = numbered<[number, Path, number, Uint8Array, number]>(442, ["int", path, "uint", bytes, "ulong"])

  return {
    openat: wrappedInt("openat", ["int", path, "int", "uint"]),
    openat2: (directory, name, how) => openat2(directory, name, how, how.length),
    close: once("close", ["int"]),
    read: wrapped("read", ["int", bytes, "ulong"]),
    write: wrapped("write", ["int", bytes, "ulong"]),
    lseek: wrapped("lseek", ["int", "long", "int"]),
    getdents64: numbered(numbers.getdents64, ["int", bytes, "ulong"]),
    statx: numbered(numbers.statx, ["int", path, "int", "uint", bytes]),
    statfs: wrappedInt("statfs", [path, bytes]),
    readlinkat: wrapped("readlinkat", ["int", path, bytes, "ulong"]),
    mkdirat: wrappedInt("mkdirat", ["int", path, "uint"]),
    mknodat: numbered(numbers.mknodat, ["int", path, "uint", "uint"]),
    symlinkat: wrappedInt("symlinkat", [path, "int", path]),
    linkat: wrappedInt("linkat", ["int", path, "int", path, "int"]),
    unlinkat: wrappedInt("unlinkat", ["int", path, "int"]),
    unlinkatLater: later("unlinkat", ["int", path, "int"]),
    renameat2: numbered(numbers.renameat2, ["int", path, "int", path, "uint"]),
    fchmod: wrappedInt("fchmod", ["int", "uint"]),
    chmod: wrappedInt("chmod", [path, "uint"]),
    fchmodat2: numbered(452, ["int", path, "uint", "uint"]),
    fchown: wrappedInt("fchown", ["int", "uint", "uint"]),
    fchownat: wrappedInt("fchownat", ["int", path, "uint", "uint", "int"]),
    futimens: wrappedInt("futimens", ["int", bytes]),
    utimensat: wrappedInt("utimensat", ["int", path, bytes, "int"]),
    faccessat: wrappedInt("faccessat", ["int", path, "int", "int"]),
    truncate: wrappedInt("truncate", [path, "long"]),
    truncateLater: later("truncate", [path, "long"]),
    ftruncate: wrappedInt("ftruncate", ["int", "long"]),
    pread: wrapped("pread", ["int", bytes, "ulong", "long"]),
    pwrite: wrapped("pwrite", ["int", bytes, "ulong", "long"]),
    listxattr: wrapped("listxattr", [path, bytes, "ulong"]),
    llistxattr: wrapped("llistxattr", [path, bytes, "ulong"]),
    getxattr: wrapped("getxattr", [path, path, bytes, "ulong"]),
    lgetxattr: wrapped("lgetxattr", [path, path, bytes, "ulong"]),
    setxattr: wrappedInt("setxattr", [path, path, bytes, "ulong", "int"]),
    lsetxattr: wrappedInt("lsetxattr", [path, path, bytes, "ulong", "int"]),
    removexattr: wrappedInt("removexattr", [path, path]),
    lremovexattr: wrappedInt("lremovexattr", [path, path]),
    flistxattr: wrapped("flistxattr", ["int", bytes, "ulong"]),
    fgetxattr: wrapped("fgetxattr", ["int", path, bytes, "ulong"]),
    fsetxattr: wrappedInt("fsetxattr", ["int", path, bytes, "ulong", "int"]),
    fremovexattr: wrappedInt("fremovexattr", ["int", path]),
    flock: wrappedInt("flock", ["int", "int"]),
    fsyncLater: later("fsync", ["int"]),
    syncfsLater: later("syncfs", ["int"]),
    poll: wrappedInt("poll", [bytes, "ulong", "int"]),
    fsopen: numbered(430, [path, "uint"]),
    fsconfig: numbered(431, ["int", "uint", path, path, "int"]),
    fsmount: numbered(432, ["int", "uint", "uint"]),
    openTree: numbered(428, ["int", path, "uint"]),
    moveMount: numbered(429, ["int", path, "int", path, "uint"]),
    mountSetattr: (fd, name, flags, attributes) => mountSetattr(fd, name, flags, attributes, attributes.length),
    mount: wrappedInt("mount", [path, path, path, "ulong", path]),
    umount2: wrappedInt("umount2", [path, "int"]),
    pageBytes: wrappedInt("getpagesize", [])
  }
}
