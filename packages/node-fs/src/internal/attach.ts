/** Detached mounts by the new mount API: made as they shall be, then attached in one step. */
import { constants } from "node:fs"
import { O_CLOEXEC, O_PATH } from "./directory.ts"
import { done } from "./refusal.ts"
import { lookAt, seen } from "./stat.ts"
import { AT_EMPTY_PATH, AT_FDCWD, AT_RECURSIVE, MNT_DETACH, MS_PRIVATE, type Path, type Syscalls } from "./syscalls.ts"

const MOVE_MOUNT_F_EMPTY_PATH = 0x4
const MOVE_MOUNT_T_EMPTY_PATH = 0x40

/** How a mount is told from all others, now and (where the kernel has unique ids, since 6.8) ever. */
export interface MountIdentity {
  /** As mountinfo shows it. */
  readonly id: bigint
  readonly unique: bigint
}

/** Opens a directory so that it can be named, by whatever path: nothing is read. */
export const nameDirectory = (sys: Syscalls, what: string, path: Path): number =>
  done(
    `${what} ${JSON.stringify(path.toString())}`,
    sys.openat(AT_FDCWD, path, O_PATH | constants.O_DIRECTORY | O_CLOEXEC, 0)
  )

/** Runs with a descriptor, and closes it whatever happens. */
export const closing = <A>(sys: Syscalls, fd: number, use: (fd: number) => A): A => {
  try {
    return use(fd)
  } finally {
    sys.close(fd)
  }
}

/** Sets attributes of a whole tree of mounts, and makes it private. */
export const setPrivate = (sys: Syscalls, mount: number, attributes: number): void => {
  const request = Buffer.alloc(32)
  request.writeBigUInt64LE(BigInt(attributes), 0)
  // How times of access are kept is one setting of several values: the old one has to go for a new one.
  if ((attributes & MOUNT_ATTR__ATIME) !== 0) request.writeBigUInt64LE(BigInt(MOUNT_ATTR__ATIME), 8)
  request.writeBigUInt64LE(BigInt(MS_PRIVATE), 16)
  done("the mount's attributes", sys.mountSetattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, request))
}

/** Makes a mount that is attached read-only: its answer is the kernel's, EBUSY where a file is open for writing. */
export const setReadOnly = (sys: Syscalls, mount: number): number => {
  const request = Buffer.alloc(32)
  request.writeBigUInt64LE(BigInt(MOUNT_ATTR_RDONLY), 0)
  return sys.mountSetattr(mount, "", AT_EMPTY_PATH, request)
}

const MOUNT_ATTR_RDONLY = 0x1
const MOUNT_ATTR__ATIME = 0x70

/**
 * Attaches a detached mount to a directory. A mount becomes shared when the place it is attached to is: so it is made
 * private once more.
 */
export const attach = (sys: Syscalls, mount: number, target: number): MountIdentity => {
  const flags = MOVE_MOUNT_F_EMPTY_PATH | MOVE_MOUNT_T_EMPTY_PATH
  done("attaching the mount", sys.moveMount(mount, "", target, "", flags))
  try {
    setPrivate(sys, mount, 0)
  } catch (thrown) {
    sys.umount2(`/proc/self/fd/${mount}`, MNT_DETACH)
    throw thrown
  }
  return identityOf(sys, mount)
}

export const identityOf = (sys: Syscalls, fd: number): MountIdentity => {
  lookAt(sys, fd)
  const id = seen.mountId()
  return { id, unique: uniqueMountId(sys, fd, "") ?? id }
}

/** The unique id of the mount that a path leads to, `undefined` where there is none or the kernel has no such ids. */
export const uniqueMountId = (sys: Syscalls, directory: number, path: Path): bigint | undefined => {
  const answer = Buffer.alloc(256)
  const result = sys.statx(directory, path, path === "" ? AT_EMPTY_PATH : 0, STATX_MNT_ID_UNIQUE, answer)
  return result < 0 || (answer.readUInt32LE(0) & STATX_MNT_ID_UNIQUE) === 0 ? undefined : answer.readBigUInt64LE(144)
}

const STATX_MNT_ID_UNIQUE = 0x4000
