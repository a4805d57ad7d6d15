/** An open file of a tree: what is short happens at once, what may be long in another thread. */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import type { TreeFile } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import * as fs from "node:fs"
import type { Descriptor } from "./descriptor.ts"
import { EINVAL, Errno, succeeded } from "./errno.ts"
import { failure } from "./failure.ts"
import type { Syscalls } from "./syscalls.ts"
import { shortCutBytesMax } from "./treeCalls.ts"
import { entryOfDescriptor } from "./treeEntry.ts"

/** More than this is read and written in another thread. */
const shortBytesMax = 65_536

/** An interrupted fiber waits for the piece that a thread works on, since that is the caller's memory. */
const pieceBytesMax = 4_194_304

type Done = (error: NodeJS.ErrnoException | null, result?: number) => void

export const treeFile = (sys: Syscalls, descriptor: Descriptor, path: string): TreeFile => {
  const attempt = <A>(operation: string, call: () => A): Effect.Effect<A, FileSystemError> =>
    Effect.suspend(() => {
      try {
        return Effect.succeed(call())
      } catch (thrown) {
        return failure(operation, path, thrown)
      }
    })

  /** Goes on when the thread is done; an interrupted fiber waits for it where the call is made uninterruptible. */
  const inThread = (
    operation: string,
    call: (fd: number, done: Done) => void
  ): Effect.Effect<number, FileSystemError> =>
    Effect.callback((resume) => {
      try {
        const { end, fd } = descriptor.begin()
        call(fd, (error, result) => {
          end()
          resume(error === null ? Effect.succeed(result ?? 0) : failure(operation, path, error))
        })
      } catch (thrown) {
        resume(failure(operation, path, thrown))
      }
    })

  const readPiece = (into: Uint8Array, offset: number): Effect.Effect<number, FileSystemError> =>
    into.length <= shortBytesMax
      ? attempt("read", () => succeeded(sys.pread(descriptor.number, into, into.length, offset)))
      : Effect.uninterruptible(
        inThread("read", (fd, done) => fs.read(fd, into, 0, Math.min(into.length, pieceBytesMax), offset, done))
      )

  const readFrom = (into: Uint8Array, offset: number, before: number): Effect.Effect<number, FileSystemError> =>
    Effect.flatMap(readPiece(into.subarray(before), offset + before), (bytes) => {
      const filled = before + bytes
      return bytes === 0 || filled === into.length ? Effect.succeed(filled) : readFrom(into, offset, filled)
    })

  const write = (bytes: Uint8Array, offset: number): Effect.Effect<number, FileSystemError> =>
    bytes.length <= shortBytesMax
      ? attempt("write", () => succeeded(sys.pwrite(descriptor.number, bytes, bytes.length, offset)))
      : Effect.uninterruptible(
        inThread("write", (fd, done) => fs.write(fd, bytes, 0, Math.min(bytes.length, pieceBytesMax), offset, done))
      )

  const truncate = (length: number): Effect.Effect<void, FileSystemError> =>
    Effect.flatMap(
      attempt("truncate", () => entryOfDescriptor(sys, descriptor.number).size - length > shortCutBytesMax),
      (isLong) =>
        isLong
          ? Effect.asVoid(Effect.uninterruptible(inThread("truncate", (fd, done) => fs.ftruncate(fd, length, done))))
          : attempt("truncate", () => void succeeded(sys.ftruncate(descriptor.number, length)))
    )

  return {
    stat: attempt("stat", () => entryOfDescriptor(sys, descriptor.number)),
    read: (into, offset) => Effect.andThen(attempt("read", () => checkOffset(offset)), readFrom(into, offset, 0)),
    write: (bytes, offset) => Effect.andThen(attempt("write", () => checkOffset(offset)), write(bytes, offset)),
    truncate: (length) => Effect.andThen(attempt("truncate", () => checkOffset(length)), truncate(length)),
    sync: Effect.asVoid(inThread("sync", (fd, done) => fs.fsync(fd, done)))
  }
}

/** What is no number of bytes the kernel would refuse, if it could be told. */
export const checkOffset = (offset: number): void => {
  if (!Number.isSafeInteger(offset) || offset < 0) throw new Errno(EINVAL)
}
