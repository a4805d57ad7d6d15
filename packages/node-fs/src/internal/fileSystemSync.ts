/**
 * `syncfs`, shared: one at a time for each file system, and whoever asks before it begins is covered by the next.
 *
 * Linux reports a failed write-back once to each descriptor that was open when it happened (errseq): a descriptor
 * opened later does not hear of an error that somebody else has been told already. So one descriptor for each file
 * system is opened when it is first met, before anything was written to it from here, and held until the layer ends.
 */
import { Effect } from "effect"
import { setImmediate } from "node:timers/promises"
import { openDirectory } from "./directory.ts"
import { Errno } from "./errno.ts"
import { lookAt, seen } from "./stat.ts"
import type { Syscalls } from "./syscalls.ts"

interface Held {
  readonly sys: Syscalls
  readonly fd: number
  running: Promise<number> | undefined
  next: Promise<number> | undefined
  /** The failure of one whose askers were all interrupted: the kernel will not tell it again. Zero: none. */
  unheard: number
}

export class FileSystemSync {
  private readonly held = new Map<bigint, Held>()

  /** From now on errors of this directory's file system are noticed. `fd` is open on it, and stays the caller's. */
  meet(sys: Syscalls, fd: number, directory: string): void {
    if (lookAt(sys, fd) === 0 && !this.held.has(seen.dev())) this.hold(sys, seen.dev(), directory)
  }

  /** Returns when all that was written to this directory's file system is on disk. */
  sync(sys: Syscalls, dev: bigint, directory: string): Effect.Effect<void, Errno> {
    return Effect.suspend(() => {
      const opened = this.held.get(dev) ?? this.hold(sys, dev, directory)
      if (typeof opened === "number") return Effect.fail(new Errno(-opened))
      return Effect.flatMap(
        Effect.promise(() => request(opened)),
        (own) => {
          const result = own < 0 ? own : opened.unheard
          opened.unheard = 0
          return result < 0 ? Effect.fail(new Errno(-result)) : Effect.void
        }
      )
    })
  }

  /** Closes all, each when nothing runs on it any more. */
  readonly close: Effect.Effect<void> = Effect.promise(async () => {
    for (const [dev, held] of this.held) {
      this.held.delete(dev)
      while (held.next !== undefined || held.running !== undefined) await (held.next ?? held.running)
      held.sys.close(held.fd)
    }
  })

  private hold(sys: Syscalls, dev: bigint, directory: string): Held | number {
    const fd = openDirectory(sys, directory)
    if (fd < 0) return fd
    const held: Held = { sys, fd, running: undefined, next: undefined, unheard: 0 }
    this.held.set(dev, held)
    return held
  }
}

const request = (held: Held): Promise<number> => held.next ??= next(held)

const next = async (held: Held): Promise<number> => {
  // The one that runs may have tried to write what was asked for here, and failed: its error is not told again.
  const before = await held.running ?? 0
  // Whoever asks in the same turn of the event loop need not wait for another one.
  await setImmediate()
  held.next = undefined
  const after = await start(held)
  return before < 0 ? before : after
}

const start = (held: Held): Promise<number> => {
  held.running = new Promise((resolve) => {
    held.sys.syncfsLater(held.fd, (result) => {
      held.running = undefined
      if (result < 0) held.unheard = result
      resolve(result)
    })
  })
  return held.running
}
