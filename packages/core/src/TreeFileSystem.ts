/**
 * The port for what lies inside trees: all that Linux keeps about a file, by the calls that Linux has for it. A store
 * never needs it; whoever reads, compares, fills or checks a tree does. Effect's `FileSystem` has no names that are not
 * UTF-8, no extended attributes, no devices and no times finer than a millisecond.
 *
 * Contract for every operation:
 *
 * - It is the system call it names, by whoever runs the process, as Linux answers it: the same results, the same errno.
 * - Paths are absolute, and text or bytes. What they lead to is looked up as the kernel does: symlinks on the way are
 *   followed, 40 at most (`ELOOP`), mounts are crossed; a name has at most 255 bytes, a path 4,095 (`ENAMETOOLONG`).
 *   The empty path is `ENOENT`. One that is relative, has NUL, or is text with lone surrogates, which has no bytes, is
 *   `EINVAL`.
 * - It is about the name itself: a symlink in the last place is not followed, unless `"follow"` says so or the operation
 *   says otherwise. A slash after it follows it too, except where names are removed or renamed.
 * - Nothing depends on the umask or the working directory. Sizes and offsets are bytes, times are nanoseconds since
 *   1970-01-01T00:00:00Z, and may be negative. A number that is none (negative, a fraction, too large) is `EINVAL`;
 *   of a mode, the bits that it has no use for do not count.
 * - A failure is a {@link FileSystemError} whose `code` is the errno's name; nothing throws, and nothing waits for a FIFO's
 *   other end.
 *
 * The suite that holds a backend to this is `testing/TreeFileSystemSuite`. `EffectFileSystem` derives Effect's own
 * `FileSystem` from it.
 *
 * ```ts
 * import { TreeFileSystem } from "@snapshotter/core"
 * import { MemorySnapshotter } from "@snapshotter/memory-fs"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const tree = yield* TreeFileSystem.TreeFileSystem
 *   const name = TreeFileSystem.below("/tmp", Uint8Array.of(0x66, 0xff)) // no UTF-8
 *   yield* tree.makeNode(name, { type: "fifo", mode: 0o600 })
 *   yield* tree.setTimes(name, { mtimeNanoseconds: -1n })
 *   return yield* tree.lstat(name)
 * })
 *
 * const { mtimeNanoseconds, type } = await Effect.runPromise(Effect.provide(program, MemorySnapshotter.layer))
 * console.log(type, mtimeNanoseconds) // fifo -1n
 * ```
 */
import { Context, type Effect, type Scope } from "effect"
import type { FileSystemError } from "./StoreFileSystem.ts"

/** An absolute path as text, or as bytes, where a name in it may not be UTF-8. */
export type TreePath = string | Uint8Array

/** Whether a symlink in the last place is followed. */
export type Links = "follow" | "noFollow"

/** What can have a name and is neither a directory nor a symlink. */
export type NodeType = "file" | "fifo" | "socket" | "characterDevice" | "blockDevice"

export type EntryType = NodeType | "directory" | "symlink"

/** The bits of `st_mode` that say what a file is. */
export const formatOf: Readonly<Record<EntryType, number>> = {
  file: 0o100000,
  directory: 0o040000,
  symlink: 0o120000,
  characterDevice: 0o020000,
  blockDevice: 0o060000,
  fifo: 0o010000,
  socket: 0o140000
}

/** Everything that `statx(2)` tells about a file. */
export interface TreeEntry {
  readonly type: EntryType
  /** Permission bits with setuid, setgid and sticky: `0o7777` at most. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  /** The device it lies on; an overlay has one of its own. */
  readonly dev: bigint
  readonly ino: bigint
  readonly nlink: number
  readonly size: number
  /** Allocated blocks of 512 bytes. */
  readonly blocks: number
  /** Which device it is, as {@link deviceNumber} packs it; `0n` for what is none. */
  readonly rdev: bigint
  readonly atimeNanoseconds: bigint
  readonly mtimeNanoseconds: bigint
  readonly ctimeNanoseconds: bigint
  /** When it was made; `undefined` where the file system does not keep that. */
  readonly btimeNanoseconds: bigint | undefined
}

/** How to open a file. Neither reading nor writing is `EINVAL`, whatever else is asked for. */
export interface Opening {
  readonly read?: boolean | undefined
  readonly write?: boolean | undefined
  /** Everything that is written goes to the end, whatever offset it is given. Implies `write`. */
  readonly append?: boolean | undefined
  /**
   * Makes the file where there is none, also where a dangling symlink leads to, with this mode: permission bits, setuid,
   * setgid and sticky. `EISDIR` for a directory, and for a name with a slash after it.
   */
  readonly create?: number | undefined
  /** With `create`: `EEXIST` where anything is there, a dangling symlink too. */
  readonly exclusive?: boolean | undefined
  /** Empties the file, opened to read alone too. */
  readonly truncate?: boolean | undefined
  /** `ELOOP` where a symlink is in the last place. Otherwise `open` follows it. */
  readonly noFollow?: boolean | undefined
}

/**
 * An open file. What it is goes on to be there without a name, and it keeps the file system that it lies on in use. What
 * the opening did not ask for is `EBADF` (`EINVAL` to truncate), and so is everything once its scope has closed.
 */
export interface TreeFile {
  readonly stat: Attempt<TreeEntry>
  /**
   * Fills as much of `into` as there is from this offset on, and tells how much that is: `0` at the end. `EISDIR` for a
   * directory, `ESPIPE` for a FIFO. Memory is left alone once it has returned, or was interrupted.
   */
  readonly read: (into: Uint8Array, offset: number) => Attempt<number>
  /**
   * Writes at this offset, and tells how much of it: as `pwrite(2)`, that may be less than all, but never none of some. Between the end and an
   * offset beyond it are zeros.
   */
  readonly write: (bytes: Uint8Array, offset: number) => Attempt<number>
  /** Cuts it, or makes it longer with zeros. */
  readonly truncate: (length: number) => Attempt<void>
  /** Returns when contents and attributes are on disk. */
  readonly sync: Attempt<void>
}

/** What `makeNode` makes. */
export interface NodeToMake {
  readonly type: NodeType
  /** Permission bits, setuid, setgid and sticky. */
  readonly mode: number
  /** Of a device, as {@link deviceNumber} packs it: 12 and 20 bits at most, else `EINVAL`. `0n` unless given. */
  readonly rdev?: bigint | undefined
}

/** What `rename` does with what is at the new name. */
export type Renaming =
  /**
   * It is replaced: a file by anything but a directory, an empty directory by a directory. `EISDIR` or `ENOTDIR` where one
   * is a directory and the other is none; `ENOTEMPTY`, on xfs `EEXIST`, where it is full.
   */
  | "replace"
  /** `EEXIST`, whatever it is, the same name too. */
  | "noReplace"
  /** Both change places; `ENOENT` where nothing is. */
  | "exchange"
  /** It is replaced, and a character device 0/0 takes the old name; `EINVAL` in an overlay. */
  | "whiteout"

/** What is asked of a file; of nothing, only whether it is there. */
export interface AccessAsked {
  readonly read?: boolean | undefined
  readonly write?: boolean | undefined
  /** To run a file, to go through a directory. */
  readonly execute?: boolean | undefined
}

/** Which times to set. What is not given stays. */
export interface TimesToSet {
  readonly atimeNanoseconds?: bigint | undefined
  readonly mtimeNanoseconds?: bigint | undefined
}

/** Whom to give a file to. What is not given stays. */
export interface OwnerToSet {
  readonly uid?: number | undefined
  readonly gid?: number | undefined
}

type Attempt<A> = Effect.Effect<A, FileSystemError>

export interface TreeFileSystem {
  readonly lstat: (path: TreePath) => Attempt<TreeEntry>

  /** The same of what a path leads to: symlinks are followed to the end. */
  readonly stat: (path: TreePath) => Attempt<TreeEntry>

  /** Whether what a path leads to can be reached, and used as it is asked: `EACCES`, `EROFS`. Follows symlinks. */
  readonly access: (path: TreePath, asked?: AccessAsked) => Attempt<void>

  /** The path without symlinks. */
  readonly realPath: (path: TreePath) => Attempt<Uint8Array>

  /** Names in a directory, in any order, without `.` and `..`. Follows a symlink to it. */
  readonly readDirectory: (path: TreePath) => Attempt<ReadonlyArray<Uint8Array>>

  /** A symlink's target; `EINVAL` where it is none. */
  readonly readLink: (path: TreePath) => Attempt<Uint8Array>

  /**
   * Opens what is no directory to be written, or anything to be read; closes it with the scope. `ENXIO` for a socket,
   * for a device that nobody drives, and to write to a FIFO that nobody reads.
   */
  readonly open: (path: TreePath, opening: Opening) => Effect.Effect<TreeFile, FileSystemError, Scope.Scope>

  /** Cuts a file, or makes it longer with zeros. Follows symlinks. `EISDIR` for a directory, `EINVAL` for a FIFO. */
  readonly truncate: (path: TreePath, length: number) => Attempt<void>

  /**
   * Makes one directory. Its mode is the one given, permission bits and sticky; one with the setgid bit above it hands down
   * its group, and the bit.
   */
  readonly makeDirectory: (path: TreePath, mode: number) => Attempt<void>

  /** `mknod(2)`. A 0/0 character device is overlay's deletion mark: `EPERM` inside an overlay. */
  readonly makeNode: (path: TreePath, node: NodeToMake) => Attempt<void>

  /** Makes a symlink; its target may be anything of 1 to 4,095 bytes. */
  readonly symlink: (target: TreePath, path: TreePath) => Attempt<void>

  /** Gives what is no directory another name. */
  readonly link: (existing: TreePath, path: TreePath) => Attempt<void>

  /**
   * `renameat2(2)`; `"replace"` unless said otherwise. Two names of the same file both stay, as they are. `EINVAL` for a
   * directory into itself or below; `EXDEV` from one mount to another, even of the same file system.
   */
  readonly rename: (from: TreePath, to: TreePath, renaming?: Renaming) => Attempt<void>

  /** Takes a name away from what is no directory. */
  readonly removeFile: (path: TreePath) => Attempt<void>

  /** Removes an empty directory. */
  readonly removeDirectory: (path: TreePath) => Attempt<void>

  /** Permission bits, setuid, setgid and sticky. A symlink has none to set: `EOPNOTSUPP`. */
  readonly setMode: (path: TreePath, mode: number, links?: Links) => Attempt<void>

  /**
   * Of what is no directory, setuid goes, and setgid where the group may execute: also where neither owner nor group is
   * given, or both are what they were.
   */
  readonly setOwner: (path: TreePath, owner: OwnerToSet, links?: Links) => Attempt<void>

  /** With neither time it does nothing, and does not look whether anything is there. */
  readonly setTimes: (path: TreePath, times: TimesToSet, links?: Links) => Attempt<void>

  /** Names of extended attributes, in any order. `EILSEQ` where one is not UTF-8. */
  readonly listXattrs: (path: TreePath, links?: Links) => Attempt<ReadonlyArray<string>>

  /** `ENODATA` where there is none of that name. */
  readonly getXattr: (path: TreePath, name: string, links?: Links) => Attempt<Uint8Array>

  /**
   * `"create"`: `EEXIST` where it is there already; `"replace"`: `ENODATA` where it is not. A name has 1 to 255 bytes
   * (`ERANGE`) and one of Linux's namespaces (`EOPNOTSUPP`), a value at most 65,536 bytes (`E2BIG`) and may be empty.
   * `user.*` is for files and directories: `EPERM` on anything else, `ENODATA` to read.
   */
  readonly setXattr: (
    path: TreePath,
    name: string,
    value: Uint8Array,
    options?: { readonly only?: "create" | "replace" | undefined; readonly links?: Links | undefined }
  ) => Attempt<void>

  /** `ENODATA` where there is none of that name. */
  readonly removeXattr: (path: TreePath, name: string, links?: Links) => Attempt<void>
}

/** The service; a backend provides it with {@link TreeFileSystem} as its shape. */
export const TreeFileSystem = Context.Service<TreeFileSystem>("@snapshotter/core/TreeFileSystem")

/** The path of a name in a directory. */
export const below = (directory: TreePath, name: TreePath): TreePath => {
  if (typeof directory === "string" && typeof name === "string") {
    return directory.endsWith("/") ? `${directory}${name}` : `${directory}/${name}`
  }
  const [above, last] = [bytesOf(directory), bytesOf(name)]
  const end = above.at(-1) === slash ? above.length - 1 : above.length
  const path = new Uint8Array(end + 1 + last.length)
  path.set(above.subarray(0, end))
  path[end] = slash
  path.set(last, end + 1)
  return path
}

const slash = 0x2f

const encoder = new TextEncoder()
const decoder = new TextDecoder("utf-8", { ignoreBOM: true })

/** The bytes of a path. */
export const bytesOf = (path: TreePath): Uint8Array => typeof path === "string" ? encoder.encode(path) : path

/** A path for people to read: bytes that are not UTF-8 are shown as U+FFFD. */
export const textOf = (path: TreePath): string => typeof path === "string" ? path : decoder.decode(path)

/** A device's number as libc's `makedev` packs it, and as `rdev` and `dev` show it. */
export const deviceNumber = (major: number, minor: number): bigint => {
  const [a, b] = [BigInt(major), BigInt(minor)]
  return (b & 0xffn) | ((a & 0xfffn) << 8n) | ((b & ~0xffn) << 12n) | ((a & ~0xfffn) << 32n)
}
