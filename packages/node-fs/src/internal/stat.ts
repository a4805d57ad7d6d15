/** `statx`, decoded: what is there, where it is mounted, and whether it is a mount's root. */
import type { Entry } from "@snapshotter/core/StoreFileSystem"
import { deviceNumber } from "@snapshotter/core/TreeFileSystem"
import { AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, type Path, type Syscalls } from "./syscalls.ts"

/** What the masks below ask for: basic fields, and the mount's id. */
const STATX_BASIC_STATS = 0x7ff
const STATX_MNT_ID = 0x1000
const STATX_ATTR_MOUNT_ROOT = 0x2000

/** One for all calls: it is filled and read without a pause between. */
const buffer = Buffer.alloc(256)
const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)

/** Asks about a name below a directory, without following a symlink there. 0, or the negated errno. */
export const look = (sys: Syscalls, directory: number, name: Path): number =>
  sys.statx(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT, STATX_BASIC_STATS | STATX_MNT_ID, buffer)

/** Asks about a path, following symlinks. 0, or the negated errno. */
export const lookThrough = (sys: Syscalls, path: Path): number =>
  sys.statx(AT_FDCWD, path, 0, STATX_BASIC_STATS | STATX_MNT_ID, buffer)

/** Asks about an open descriptor. 0, or the negated errno. */
export const lookAt = (sys: Syscalls, fd: number): number =>
  sys.statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_MNT_ID, buffer)

/** What the last look saw. Each reads the one shared answer: take what is needed before looking again. */
export const seen = {
  type: (): Entry["type"] => {
    const format = view.getUint16(28, true) & 0o170000
    return format === 0o100000 ? "file" : format === 0o040000 ? "directory" : format === 0o120000 ? "symlink" : "other"
  },
  mode: (): number => view.getUint16(28, true) & 0o7777,
  nlink: (): number => view.getUint32(16, true),
  uid: (): number => view.getUint32(20, true),
  gid: (): number => view.getUint32(24, true),
  ino: (): bigint => view.getBigUint64(32, true),
  size: (): number => Number(view.getBigUint64(40, true)),
  blocks: (): number => Number(view.getBigUint64(48, true)),
  dev: (): bigint => deviceNumber(view.getUint32(136, true), view.getUint32(140, true)),
  rdev: (): bigint => deviceNumber(view.getUint32(128, true), view.getUint32(132, true)),
  mountId: (): bigint => view.getBigUint64(144, true),
  isMountRoot: (): boolean => (view.getUint32(8, true) & STATX_ATTR_MOUNT_ROOT) !== 0,
  /** Times of access and modification, as `futimens` takes them. */
  times: (): Uint8Array => {
    const times = Buffer.alloc(32)
    times.writeBigInt64LE(view.getBigInt64(64, true), 0)
    times.writeBigInt64LE(BigInt(view.getUint32(72, true)), 8)
    times.writeBigInt64LE(view.getBigInt64(112, true), 16)
    times.writeBigInt64LE(BigInt(view.getUint32(120, true)), 24)
    return times
  },
  entry: (): Entry => ({
    type: seen.type(),
    mode: seen.mode(),
    uid: seen.uid(),
    gid: seen.gid(),
    dev: seen.dev(),
    ino: seen.ino(),
    nlink: seen.nlink(),
    blocks: seen.blocks(),
    size: seen.size(),
    rdev: seen.rdev()
  })
}
