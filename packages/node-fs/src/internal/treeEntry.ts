/** All of what `statx` tells, in the form of the port of trees. `stat.ts` has the little that a store asks for. */
import { deviceNumber, type EntryType, formatOf, type TreeEntry } from "@snapshotter/core/TreeFileSystem"
import { succeeded } from "./errno.ts"
import { AT_EMPTY_PATH, AT_FDCWD, AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, type Path, type Syscalls } from "./syscalls.ts"

const STATX_BASIC_STATS = 0x7ff
const STATX_BTIME = 0x800

/** One for all calls: it is filled and read without a pause between. */
const buffer = Buffer.alloc(256)
const view = new DataView(buffer.buffer, buffer.byteOffset, buffer.length)

/** What has this name, even where it is a symlink. */
export const entryOfName = (sys: Syscalls, path: Path): TreeEntry =>
  entryOf(sys, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT)

/** What a path leads to. */
export const entryOfPath = (sys: Syscalls, path: Path): TreeEntry => entryOf(sys, AT_FDCWD, path, 0)

/** What is open. */
export const entryOfDescriptor = (sys: Syscalls, fd: number): TreeEntry => entryOf(sys, fd, "", AT_EMPTY_PATH)

const entryOf = (sys: Syscalls, directory: number, path: Path, flags: number): TreeEntry => {
  succeeded(sys.statx(directory, path, flags, STATX_BASIC_STATS | STATX_BTIME, buffer))
  const mode = view.getUint16(28, true)
  return {
    type: typeOf.get(mode & 0o170000) ?? "file",
    mode: mode & 0o7777,
    uid: view.getUint32(20, true),
    gid: view.getUint32(24, true),
    dev: deviceNumber(view.getUint32(136, true), view.getUint32(140, true)),
    ino: view.getBigUint64(32, true),
    nlink: view.getUint32(16, true),
    size: Number(view.getBigUint64(40, true)),
    blocks: Number(view.getBigUint64(48, true)),
    rdev: deviceNumber(view.getUint32(128, true), view.getUint32(132, true)),
    atimeNanoseconds: nanosecondsAt(64),
    mtimeNanoseconds: nanosecondsAt(112),
    ctimeNanoseconds: nanosecondsAt(96),
    btimeNanoseconds: (view.getUint32(0, true) & STATX_BTIME) === 0 ? undefined : nanosecondsAt(80)
  }
}

const typeOf = new Map(Object.entries(formatOf).map(([type, format]) => [format, type as EntryType]))

/** Seconds may be negative, the nanoseconds after them never are. */
const nanosecondsAt = (offset: number): bigint =>
  view.getBigInt64(offset, true) * 1_000_000_000n + BigInt(view.getUint32(offset + 8, true))
