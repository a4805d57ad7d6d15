/** The few system calls that the floors are made of, each thrown where it is refused; nothing else is done. */
import * as fs from "node:fs"
// Internal, so not among the package's exports.
import { succeeded } from "../../../packages/node-fs/src/internal/errno.ts"
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_SYMLINK_NOFOLLOW,
  LOCK_EX,
  LOCK_NB,
  RENAME_NOREPLACE,
  syscalls
} from "../../../packages/node-fs/src/internal/syscalls.ts"

const { O_CREAT, O_DIRECTORY, O_EXCL, O_RDONLY, O_WRONLY } = fs.constants
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

export const sys = syscalls()

const bytes = Buffer.alloc(65_536)
const answer = Buffer.alloc(256)
const STATX_BASIC_STATS = 0x7ff

/** Whether anything is there. */
export const look = (path: string): boolean =>
  sys.statx(AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, answer) === 0

export const readLink = (path: string): number => sys.readlinkat(AT_FDCWD, path, bytes, bytes.length)

export const readText = (path: string): string => {
  const fd = succeeded(sys.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0))
  const length = succeeded(sys.read(fd, bytes, bytes.length))
  sys.close(fd)
  return bytes.toString("utf8", 0, length)
}

export const writeText = (path: string, text: string): void => {
  const fd = succeeded(sys.openat(AT_FDCWD, path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600))
  if (text !== "") succeeded(sys.write(fd, Buffer.from(text), Buffer.byteLength(text)))
  sys.close(fd)
}

export const makeDirectory = (path: string, mode: number): void => {
  succeeded(sys.mkdirat(AT_FDCWD, path, mode))
}

export const symlink = (target: string, path: string): void => {
  succeeded(sys.symlinkat(target, AT_FDCWD, path))
}

export const rename = (from: string, to: string): void => {
  succeeded(sys.renameat2(AT_FDCWD, from, AT_FDCWD, to, RENAME_NOREPLACE))
}

export const replace = (from: string, to: string): void => {
  succeeded(sys.renameat2(AT_FDCWD, from, AT_FDCWD, to, 0))
}

export const unlink = (path: string): void => {
  succeeded(sys.unlinkat(AT_FDCWD, path, 0))
}

export const openDirectory = (path: string, flags = O_RDONLY): number =>
  succeeded(sys.openat(AT_FDCWD, path, flags | O_DIRECTORY | O_CLOEXEC, 0))

/** Takes a directory's lock: closing the descriptor frees it. */
export const lock = (path: string): number => {
  const fd = openDirectory(path)
  succeeded(sys.flock(fd, LOCK_EX | LOCK_NB))
  return fd
}

/** Mode, owner, times and extended attributes of one directory for another, where none differ but the times. */
export const copyAttributes = (from: string, to: string): void => {
  const [source, target] = [openDirectory(from), openDirectory(to)]
  succeeded(sys.statx(source, "", AT_EMPTY_PATH, STATX_BASIC_STATS, answer))
  succeeded(sys.flistxattr(source, bytes, 256))
  succeeded(sys.fchmod(target, answer.readUInt16LE(28) & 0o7777))
  const times = Buffer.alloc(32)
  answer.copy(times, 0, 64, 76)
  answer.copy(times, 16, 112, 124)
  succeeded(sys.futimens(target, times))
  sys.close(source)
  sys.close(target)
}

/** A directory's names, without `.` and `..`. */
export const names = (path: string): ReadonlyArray<string> => {
  const fd = openDirectory(path)
  const found: Array<string> = []
  for (let end = succeeded(sys.getdents64(fd, bytes, bytes.length)); end > 0;) {
    for (let at = 0; at < end; at += bytes.readUInt16LE(at + 16)) {
      const name = bytes.toString("utf8", at + 19, bytes.indexOf(0, at + 19))
      if (name !== "." && name !== "..") found.push(name)
    }
    end = succeeded(sys.getdents64(fd, bytes, bytes.length))
  }
  sys.close(fd)
  return found
}

/** Waits until what was written to the file system of this descriptor is on disk. */
export const syncFileSystem = (fd: number): Promise<void> => waited((done) => sys.syncfsLater(fd, done))

/** The same for one file or directory. */
export const syncOne = (path: string): Promise<void> => {
  const fd = succeeded(sys.openat(AT_FDCWD, path, O_RDONLY | O_CLOEXEC, 0))
  return waited((done) => sys.fsyncLater(fd, done)).finally(() => sys.close(fd))
}

const waited = (start: (done: (result: number) => void) => void): Promise<void> =>
  new Promise((resolve, reject) =>
    start((result) => result < 0 ? reject(new Error(`a sync failed: errno ${-result}`)) : resolve())
  )
