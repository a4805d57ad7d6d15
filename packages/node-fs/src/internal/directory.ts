/** Directories as the kernel lists them: names are bytes, whatever they are. */
import { constants } from "node:fs"
import { AT_FDCWD, type Path, type Syscalls } from "./syscalls.ts"

const { O_DIRECTORY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY } = constants
export const O_CLOEXEC = 0o2000000
export const O_PATH = 0o10000000

/** For reading, never waiting, never passed on to a child. */
export const openForListing = O_RDONLY | O_DIRECTORY | O_NONBLOCK | O_CLOEXEC

export const openDirectory = (sys: Syscalls, path: Path): number => sys.openat(AT_FDCWD, path, openForListing, 0)

/** No crossing into another mount, no symlink and no magic link anywhere, nothing above the directory: openat2(2). */
const RESOLVE = 0x01 | 0x02 | 0x04 | 0x08

const howTo = (flags: number): Uint8Array => {
  const how = Buffer.alloc(24)
  how.writeBigUInt64LE(BigInt(flags), 0)
  how.writeBigUInt64LE(BigInt(RESOLVE), 16)
  return how
}

const listing = howTo(openForListing | O_NOFOLLOW)
const naming = howTo(O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/** Opens a directory in a directory; `EXDEV` where something is mounted on it. */
export const openBeneath = (sys: Syscalls, directory: number, name: Path): number =>
  sys.openat2(directory, name, listing)

/** The same without the permission to list it: a descriptor that only names it. */
export const nameBeneath = (sys: Syscalls, directory: number, name: Path): number =>
  sys.openat2(directory, name, naming)

export interface Listed {
  /** With a NUL at its end. */
  readonly name: Buffer
  /** Not every file system tells. */
  readonly type: "directory" | "file" | "other" | "unknown"
}

/** One for all calls: it is filled and read without a pause between. */
const chunk = Buffer.allocUnsafe(32_768)

/** The next entries of an open directory without `.` and `..`, `undefined` at the end. Negated errno where it fails. */
export const nextEntries = (sys: Syscalls, fd: number): Array<Listed> | undefined | number => {
  const end = sys.getdents64(fd, chunk, chunk.length)
  if (end < 0) return end
  if (end === 0) return undefined
  const entries: Array<Listed> = []
  for (let at = 0; at < end; at += chunk.readUInt16LE(at + 16)) {
    const name = chunk.subarray(at + 19, chunk.indexOf(0, at + 19) + 1)
    if (!isDots(name)) entries.push({ name: Buffer.from(name), type: typeOf(chunk[at + 18]) })
  }
  return entries
}

const dot = 0x2e
const isDots = (name: Uint8Array): boolean =>
  name[0] === dot && (name.length === 2 || (name[1] === dot && name.length === 3))

const typeOf = (type: number | undefined): Listed["type"] =>
  type === 4 ? "directory" : type === 8 ? "file" : type === 0 ? "unknown" : "other"
