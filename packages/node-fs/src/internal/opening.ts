/** `open` with a mode that does not depend on the umask. */
import type { Opening } from "@snapshotter/core/TreeFileSystem"
import { constants, readlinkSync } from "node:fs"
import { O_CLOEXEC } from "./directory.ts"
import { EEXIST, EINVAL, ENOENT, Errno, succeeded } from "./errno.ts"
import { modeBits } from "./nameMode.ts"
import { lookAt, lookThrough, seen } from "./stat.ts"
import { AT_FDCWD, type Path, type Syscalls } from "./syscalls.ts"

const { O_APPEND, O_CREAT, O_EXCL, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_RDWR, O_TRUNC, O_WRONLY } = constants

/** Never waits for a FIFO's other end, never takes over a terminal, never goes on to a child. */
const always = O_NONBLOCK | O_NOCTTY | O_CLOEXEC

export const openFile = (sys: Syscalls, path: Path, opening: Opening): number => {
  const flags = flagsOf(opening)
  if (opening.create === undefined) return succeeded(sys.openat(AT_FDCWD, path, flags, 0))
  return create(sys, path, flags, modeBits(opening.create), opening.exclusive === true)
}

const flagsOf = ({ append, noFollow, read, truncate, write }: Opening): number => {
  const writes = write === true || append === true
  if (!writes && read !== true) throw new Errno(EINVAL)
  return always | (read !== true ? O_WRONLY : writes ? O_RDWR : O_RDONLY) |
    (append === true ? O_APPEND : 0) | (truncate === true ? O_TRUNC : 0) | (noFollow === true ? O_NOFOLLOW : 0)
}

/** Only whoever made the file may settle its mode, so it is made exclusively; where something is, it is opened as it is. */
const create = (sys: Syscalls, path: Path, flags: number, mode: number, exclusive: boolean): number => {
  const fd = sys.openat(AT_FDCWD, path, flags | O_CREAT | O_EXCL, mode)
  if (fd >= 0) return settled(sys, fd, mode, () => path)
  if (fd !== -EEXIST || exclusive) throw new Errno(-fd)
  // A symlink to nowhere is something, and its target is made by the second call.
  const dangles = lookThrough(sys, path) === -ENOENT
  // Still to create: the kernel refuses some that are there for that alone. Who makes it if it vanishes now, nothing tells.
  const second = succeeded(sys.openat(AT_FDCWD, path, flags | O_CREAT, mode))
  return dangles ? settled(sys, second, mode, () => nameOf(second)) : second
}

/** Where that fails, neither the descriptor nor the file stays. */
const settled = (sys: Syscalls, fd: number, mode: number, name: () => Path): number => {
  try {
    succeeded(lookAt(sys, fd))
    if (seen.mode() !== mode) succeeded(sys.fchmod(fd, mode))
    return fd
  } catch (thrown) {
    if (thrown instanceof Errno) sys.unlinkat(AT_FDCWD, name(), 0)
    sys.close(fd)
    throw thrown
  }
}

/** Where a symlink has led to. */
const nameOf = (fd: number): Path =>
  Buffer.concat([readlinkSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }), Buffer.alloc(1)])
