/** Modes, owners and times by path, as `fs/open.c`, `fs/utimes.c` and `fs/attr.c` have them. */
import type { OwnerToSet, TimesToSet } from "@snapshotter/core/TreeFileSystem"
import { inodeToChange } from "./change.ts"
import { Errno } from "./errno.ts"
import { type Inode, isSymlink, markChanged, setTimes, xattrsOf } from "./inode.ts"
import { modeBits } from "./linux.ts"
import { locate, requireWritable } from "./lookup.ts"
import type { Location } from "./mountTable.ts"
import type { Volume } from "./volume.ts"

const toChange = (volume: Volume, path: string, follow: boolean): Location => {
  const location = locate(volume, path, follow)
  requireWritable(location)
  return location
}

/** `fchmodat2(2)`. */
export const changeMode = (volume: Volume, path: string, mode: number, follow: boolean): void => {
  const bits = modeBits(mode)
  const { link } = toChange(volume, path, follow)
  if (isSymlink(link)) throw new Errno("EOPNOTSUPP")
  const inode = inodeToChange(volume, link)
  volume.journal.attributes(inode, () => `chmod ${path}`, () => setMode(inode, bits))
}

/** `fchownat(2)`. */
export const changeOwner = (volume: Volume, path: string, owner: OwnerToSet, follow: boolean): void => {
  for (const id of [owner.uid, owner.gid]) if (id !== undefined && !isId(id)) throw new Errno("EINVAL")
  const inode = inodeToChange(volume, toChange(volume, path, follow).link)
  volume.journal.attributes(inode, () => `chown ${path}`, () => setOwner(inode, owner))
}

/** The largest number of 32 bits is the kernel's word for "as it is". */
const isId = (id: number): boolean => Number.isInteger(id) && id >= 0 && id < 0xffff_ffff

/** `utimensat(2)`: where no time is given, nothing is even looked up. */
export const changeTimes = (volume: Volume, path: string, times: TimesToSet, follow: boolean): void => {
  if (times.atimeNanoseconds === undefined && times.mtimeNanoseconds === undefined) return
  for (const time of [times.atimeNanoseconds, times.mtimeNanoseconds]) requireTime(time ?? 0n)
  const inode = inodeToChange(volume, toChange(volume, path, follow).link)
  volume.journal.attributes(inode, () => `set the times of ${path}`, () => setTimes(inode, times))
}

const nanosecondsPerSecond = 1_000_000_000n

/** Seconds have 64 bits. */
const requireTime = (nanoseconds: bigint): void => {
  const seconds = nanoseconds / nanosecondsPerSecond
  const floor = seconds * nanosecondsPerSecond > nanoseconds ? seconds - 1n : seconds
  if (BigInt.asIntN(64, floor) !== floor) throw new Errno("EINVAL")
}

/** The modification time stays. */
export const setMode = (inode: Inode, mode: number): void => {
  inode.perm = mode & 0o7777
}

/** What runs as its owner or group no longer does. */
export const setOwner = (inode: Inode, { gid, uid }: OwnerToSet): void => {
  if (uid !== undefined) inode.uid = uid
  if (gid !== undefined) inode.gid = gid
  if (!inode.isDirectory()) {
    inode.perm = inode.perm & ~(inode.perm & 0o010 ? 0o6000 : 0o4000)
    dropCapabilities(inode)
  }
  markChanged(inode)
}

export const capabilityXattr = "security.capability"

/** What a program may do that runs a file goes with any change of its contents or owner. */
export const dropCapabilities = (inode: Inode): void => {
  xattrsOf(inode).delete(capabilityXattr)
}
