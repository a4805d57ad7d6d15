/** The mode of what has a name, without following a symlink there. */
import { constants } from "node:fs"
import { O_CLOEXEC, O_PATH } from "./directory.ts"
import { EINVAL, ENOENT, ENOSYS, EOPNOTSUPP, EPERM, Errno, succeeded } from "./errno.ts"
import { look, lookAt, seen } from "./stat.ts"
import { AT_FDCWD, AT_SYMLINK_NOFOLLOW, type Path, type Syscalls } from "./syscalls.ts"

/** What the kernel takes of a mode; it would refuse what is no number of bits, if it could be told. */
export const modeBits = (mode: number): number => {
  if (!Number.isSafeInteger(mode) || mode < 0) throw new Errno(EINVAL)
  return mode & 0o7777
}

/** 0, or the negated errno: `EOPNOTSUPP` for a symlink, which has no mode of its own. */
export const changeMode = (sys: Syscalls, path: Path, mode: number): number => {
  const result = sys.fchmodat2(AT_FDCWD, path, mode, AT_SYMLINK_NOFOLLOW)
  // Linux has it since 6.6; a container's filter that is older than it may say EPERM.
  return result === -ENOSYS || result === -EPERM ? changeByDescriptor(sys, path, mode) : result
}

const changeByDescriptor = (sys: Syscalls, path: Path, mode: number): number => {
  const fd = sys.openat(AT_FDCWD, path, O_PATH | constants.O_NOFOLLOW | O_CLOEXEC, 0)
  if (fd < 0) return fd
  try {
    const looked = lookAt(sys, fd)
    if (looked < 0) return looked
    if (seen.type() === "symlink") return -EOPNOTSUPP
    const result = sys.chmod(`/proc/self/fd/${fd}`, mode)
    // It is there, but /proc is not.
    return result === -ENOENT ? -EOPNOTSUPP : result
  } finally {
    sys.close(fd)
  }
}

/**
 * Gives what was just made the mode it was to be made with, which the umask, or an access control list of the directory,
 * may have narrowed. Bits outside of `bits` stay: a directory has its setgid bit from the one above. Where that fails,
 * what was made goes again.
 */
export const settleMode = (sys: Syscalls, path: Path, mode: number, bits: number, undo: () => void): void => {
  try {
    succeeded(look(sys, AT_FDCWD, path))
    const now = seen.mode()
    if ((now & bits) !== (mode & bits)) succeeded(changeMode(sys, path, (mode & bits) | (now & ~bits)))
  } catch (thrown) {
    if (thrown instanceof Errno) undo()
    throw thrown
  }
}
