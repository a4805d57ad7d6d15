/**
 * The port through which a store sees its file system: only what a store needs, with POSIX semantics.
 *
 * Contract for every operation:
 *
 * - Paths are absolute strings without NUL. Nothing depends on the umask or the working directory.
 * - Each call happens wholly or not at all, except `removeTree`, which may be stopped half-way, `writeFile`, which may leave
 *   a file with part of the text, and `copyDirectoryAttributes`, which may have given some of them.
 * - A failure is a {@link FileSystemError} whose `code` is the errno's name; nothing throws.
 * - Short metadata calls may be synchronous; `sync`, `removeTree` and `usage` may take long and never hold up the thread.
 * - No call is retried, cached or reordered by the backend.
 *
 * The suite that holds a backend to this is `testing/StoreFileSystemSuite`.
 */
import { Context, type Effect, Schema } from "effect"
import type { Usage } from "./Snapshot.ts"

/** A system call that failed. `code` is the errno's name (`ENOENT`, `ENOSPC`, …), `operation` the port's operation. */
export class FileSystemError extends Schema.TaggedError<FileSystemError>()(
  "FileSystemError",
  { operation: Schema.String, path: Schema.String, code: Schema.String }
) {
  override get message() {
    return `${this.operation} ${JSON.stringify(this.path)}: ${this.code}`
  }
}

/** What `lstat` tells; a symlink is not followed. Sizes in bytes. */
export interface Entry {
  readonly type: "file" | "directory" | "symlink" | "other"
  /** Permission bits with setuid, setgid and sticky: `0o7777` at most. */
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly dev: bigint
  readonly ino: bigint
  readonly nlink: number
  /** Allocated blocks of 512 bytes. */
  readonly blocks: number
  readonly size: number
  /** Device number of a device node, `0n` otherwise: a 0/0 character device is overlay's deletion mark. */
  readonly rdev: bigint
}

/** What has to be on disk when `sync` returns. */
export type SyncTarget =
  /** One file's contents and attributes; not its name. */
  | { readonly kind: "file"; readonly path: string }
  /** One directory's entries, symlinks with their targets, and its attributes; not what the entries lead to. */
  | { readonly kind: "directory"; readonly path: string }
  /** A directory and all below it, mount points excepted; not its own name. */
  | { readonly kind: "tree"; readonly path: string }

/** Something that `removeTree` had to leave where it is. */
export interface Unremoved {
  /** Where it is; bytes that are not UTF-8 are shown as U+FFFD. */
  readonly path: string
  /** The errno's name; `EXDEV` for a mount point. */
  readonly code: string
}

/** A held advisory lock. It ends with `release`, or with the process, whichever is first. */
export interface HeldLock {
  /** Releases once; further calls do nothing. */
  readonly release: Effect.Effect<void>
}

/**
 * The failed syncs of a backend, by the device of the file system. Stores that share a backend share the descriptors of which the
 * kernel tells each failure to one alone, so each of them enters itself here, and is told whoever had asked.
 */
export interface SyncFailures {
  /** They are called at once, and the effects that they give back are run then. */
  readonly listeners: Map<bigint, Set<(error: FileSystemError) => Effect.Effect<void>>>
  readonly latest: Map<bigint, FileSystemError>
  /** By root: the latest one that a store there has seen to, so that one which was closed meanwhile learns of it. */
  readonly told: Map<string, FileSystemError>
}

export const noSyncFailures = (): SyncFailures => ({ listeners: new Map(), latest: new Map(), told: new Map() })

type Attempt<A> = Effect.Effect<A, FileSystemError>

export interface StoreFileSystem {
  /** The path without symlinks. `ENOENT` where it does not exist, `EILSEQ` where its bytes are not UTF-8. */
  readonly realPath: (path: string) => Attempt<string>

  /** The entry itself, `undefined` where there is none (`ENOENT`, `ENOTDIR`). */
  readonly lstat: (path: string) => Attempt<Entry | undefined>

  /** Names in a directory, in any order, without `.` and `..`. */
  readonly readDirectory: (path: string) => Attempt<ReadonlyArray<string>>

  /** A whole file as UTF-8, `undefined` where there is none. `EILSEQ` where the bytes are not UTF-8. */
  readonly readFile: (path: string) => Attempt<string | undefined>

  /** A symlink's target, `undefined` where there is nothing; `EINVAL` where it is not a symlink. */
  readonly readLink: (path: string) => Attempt<string | undefined>

  /** Makes one directory with exactly this mode. `EEXIST` where anything is there, a dangling symlink too. */
  readonly makeDirectory: (path: string, mode: number) => Attempt<void>

  /** Makes a file with exactly this mode and text. `EEXIST` where anything is there. */
  readonly writeFile: (path: string, text: string, mode: number) => Attempt<void>

  /** Makes a symlink. `EEXIST` where anything is there. */
  readonly symlink: (target: string, path: string) => Attempt<void>

  /** Changes a directory's permission bits. */
  readonly setMode: (path: string, mode: number) => Attempt<void>

  /**
   * Two names change places, atomically: whoever looks sees both where they were or both where the other was. `ENOENT` where
   * one is missing. Unlike a move over something it takes away nobody's last name, whose inode a disk without a journal may
   * give to others before it keeps the new one.
   */
  readonly exchange: (one: string, other: string) => Attempt<void>

  /** Moves anything to where nothing is, atomically. `EEXIST` where anything is there, an empty directory too. */
  readonly moveNoReplace: (from: string, to: string) => Attempt<void>

  /** Removes a file or symlink; `false` where there was none. `EISDIR` for a directory. */
  readonly removeFile: (path: string) => Attempt<boolean>

  /**
   * Removes a directory and all in it, or a single file; where there is nothing it does nothing.
   *
   * Never follows a symlink and never enters a mount point: what it must leave, it leaves with its parents, goes on with
   * the rest, and reports; `EROFS` where it lies on a read-only mount. Any depth, any names. Others may be removing the same tree meanwhile. Interruptible.
   */
  readonly removeTree: (path: string) => Attempt<ReadonlyArray<Unremoved>>

  /**
   * Gives the directory `to` the mode, owner, times (to the nanosecond) and extended attributes of the directory `from`,
   * but none of overlay's own attributes (`trusted.overlay.*`, `user.overlay.*`).
   */
  readonly copyDirectoryAttributes: (from: string, to: string) => Attempt<void>

  /**
   * Bytes and inodes of a directory and all below it: allocated blocks, each inode once however many names it has, without
   * what is mounted on it. What vanishes meanwhile is no error. Interruptible.
   */
  readonly usage: (path: string) => Attempt<Usage>

  /**
   * Returns when all targets are on disk: one wait, however many they are. The disk is assumed to keep what it has said it
   * keeps. After a failure of the sync itself nothing is known about *anything* that was being written to this file
   * system: the error names no file, is reported only once, and the pages may be gone. Whoever waits for the same sync is
   * told the same. A failure before it (a target that is not there, no descriptor left) has the operation `openForSync`.
   */
  readonly sync: (targets: ReadonlyArray<SyncTarget>) => Attempt<void>

  /** One for each backend that is made, of {@link noSyncFailures}: stores do the rest. */
  readonly syncFailures: SyncFailures

  /** Takes the exclusive advisory lock of a directory, without waiting: `undefined` where another holds it. */
  readonly tryLock: (directory: string) => Attempt<HeldLock | undefined>

  /** Whether overlay may keep its marks in `trusted.*` attributes here, or only in `user.*`; `undefined`: in neither. */
  readonly overlayXattrs: (directory: string) => Attempt<"trusted" | "user" | undefined>

  /** What kind of file system this is, for error messages: `ext4`, `overlay`, `nfs`, … or a magic number in hex. */
  readonly fileSystemType: (path: string) => Attempt<string>
}

/** The service that core asks for; a backend provides it with {@link StoreFileSystem} as its shape. */
export const StoreFileSystem = Context.Service<StoreFileSystem>("@snapshotter/core/StoreFileSystem")
