/** What the port tells about a file, as Effect's `FileSystem` tells it. */
import { ByteSize, type FileSystem, Option } from "effect"
import { type EntryType, formatOf, type TreeEntry } from "../../TreeFileSystem.ts"

export const typeOf: Readonly<Record<EntryType, FileSystem.File.Type>> = {
  file: "File",
  directory: "Directory",
  symlink: "SymbolicLink",
  characterDevice: "CharacterDevice",
  blockDevice: "BlockDevice",
  fifo: "FIFO",
  socket: "Socket"
}

/** Whether both are of one file. */
export const isSame = (one: TreeEntry, other: TreeEntry): boolean => one.dev === other.dev && one.ino === other.ino

const blockBytes = 4096

export const infoOf = (entry: TreeEntry): FileSystem.File.Info => ({
  type: typeOf[entry.type],
  mtime: Option.some(dateOf(entry.mtimeNanoseconds)),
  atime: Option.some(dateOf(entry.atimeNanoseconds)),
  birthtime: Option.map(Option.fromUndefinedOr(entry.btimeNanoseconds), dateOf),
  dev: entry.dev,
  ino: Option.some(entry.ino),
  mode: formatOf[entry.type] | entry.mode,
  nlink: Option.some(BigInt(entry.nlink)),
  uid: Option.some(entry.uid),
  gid: Option.some(entry.gid),
  rdev: Option.some(entry.rdev),
  size: ByteSize.bytes(entry.size),
  blksize: Option.some(ByteSize.bytes(blockBytes)),
  blocks: Option.some(BigInt(entry.blocks))
})

const nanosecondsPerMillisecond = 1_000_000n

/** To the millisecond, towards the past. */
const dateOf = (nanoseconds: bigint): Date => {
  const whole = nanoseconds / nanosecondsPerMillisecond
  return new Date(Number(whole * nanosecondsPerMillisecond > nanoseconds ? whole - 1n : whole))
}

/** Numbers are seconds; as Node has it, a negative one is now. */
export const nanosecondsOf = (time: Date | number): bigint => {
  if (typeof time !== "number") return BigInt(time.getTime()) * nanosecondsPerMillisecond
  if (time < 0) return BigInt(Date.now()) * nanosecondsPerMillisecond
  const seconds = Math.trunc(time)
  return BigInt(seconds) * 1_000_000_000n + BigInt(Math.trunc((time - seconds) * 1e9))
}
