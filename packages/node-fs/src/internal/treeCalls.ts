/** Calls on paths of a tree, at once or in a thread, and their failures. */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import { textOf, type TreePath } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import { EAGAIN, Errno, succeeded } from "./errno.ts"
import { failure } from "./failure.ts"
import { type Syscalls, syscalls } from "./syscalls.ts"
import { absolute } from "./treePath.ts"

/** A call that is over when it returns, with a path as the kernel takes it. */
export const attempt = <A>(
  operation: string,
  path: TreePath,
  call: (sys: Syscalls, path: Buffer) => A
): Effect.Effect<A, FileSystemError> =>
  Effect.suspend(() => {
    try {
      return Effect.succeed(call(syscalls(), absolute(path)))
    } catch (thrown) {
      return failure(operation, textOf(path), thrown)
    }
  })

/** Freeing the blocks of more bytes than that takes long. */
export const shortCutBytesMax = 1_048_576

/** A call that is made at once, or by another thread where it is long. An interrupted fiber waits for that. */
export const attemptLong = (
  operation: string,
  path: TreePath,
  isLong: (sys: Syscalls, path: Buffer) => boolean,
  now: (sys: Syscalls, path: Buffer) => number,
  later: Later
): Effect.Effect<void, FileSystemError> =>
  Effect.flatMap(
    attempt(operation, path, (sys, name) => {
      if (isLong(sys, name)) return { sys, name }
      succeeded(now(sys, name))
      return undefined
    }),
    (long) =>
      long === undefined
        ? Effect.void
        : Effect.flatMap(inThread(later, long.sys, long.name), (result) =>
          // No thread was free.
          result === -EAGAIN
            ? Effect.asVoid(attempt(operation, path, (sys, name) => succeeded(now(sys, name))))
            : result < 0
            ? failure(operation, textOf(path), new Errno(-result))
            : Effect.void)
  )

type Later = (sys: Syscalls, path: Buffer, done: (result: number) => void) => void

/** `path` is kept in `held` so that its memory lives as long as the thread reads it. */
const inThread = (call: Later, sys: Syscalls, path: Buffer): Effect.Effect<number> =>
  Effect.uninterruptible(Effect.callback((resume) => {
    held.add(path)
    call(sys, path, (result) => {
      held.delete(path)
      resume(Effect.succeed(result))
    })
  }))

const held = new Set<Buffer>()
