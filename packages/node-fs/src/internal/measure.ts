/**
 * What a tree takes on disk, measured by descriptors: nothing is opened but directories, nothing mounted is entered.
 */
import type { Usage } from "@snapshotter/core/Snapshot"
import { constants } from "node:fs"
import { Descent } from "./descent.ts"
import { nextEntries, openForListing } from "./directory.ts"
import { ELOOP, ENOENT, ENOTDIR, Errno, EXDEV, succeeded } from "./errno.ts"
import type { Pause } from "./slices.ts"
import { look, lookAt, seen } from "./stat.ts"
import { AT_FDCWD, type Syscalls } from "./syscalls.ts"

const blockBytes = 512

/** Directories listed and not yet entered, last one first. */
type Waiting = Array<Uint8Array>

/** What a directory may have become since it was listed. */
const gone = new Set([-ENOENT, -ENOTDIR, -ELOOP, -EXDEV])

/** Bytes and inodes of a directory and all below it. Throws {@link Errno} where it cannot be read. */
export function* measure(sys: Syscalls, path: string): Generator<Pause, Usage> {
  const fd = succeeded(sys.openat(AT_FDCWD, path, openForListing | constants.O_NOFOLLOW, 0))
  const descent = new Descent<Waiting>(sys, fd, [])
  const sum = new Sum()
  try {
    lookAt(sys, fd)
    sum.add()
    yield* list(sys, descent, sum)
    for (;;) {
      const { fd, state } = descent.lowest
      const name = fd < 0 ? undefined : state.pop()
      if (name !== undefined) {
        const entered = descent.enter(name, [])
        if (entered === 0) yield* list(sys, descent, sum)
        else if (!gone.has(entered)) throw new Errno(-entered)
      } else if (descent.levels.length > 1) descent.leave()
      else return { bytes: sum.blocks * blockBytes, inodes: sum.inodes }
      yield
    }
  } finally {
    descent.close()
  }
}

/** Counts what is in the lowest directory, and notes the directories among it. */
function* list(sys: Syscalls, descent: Descent<Waiting>, sum: Sum): Generator<Pause, void> {
  const { fd, state } = descent.lowest
  for (;;) {
    const entries = nextEntries(sys, fd)
    if (entries === undefined || entries === -ENOENT) return
    if (typeof entries === "number") throw new Errno(-entries)
    for (const { name } of entries) {
      const result = look(sys, fd, name)
      if (result < 0 && result !== -ENOENT) throw new Errno(-result)
      if (result === 0 && !seen.isMountRoot()) {
        if (seen.type() === "directory") state.push(name)
        sum.add()
      }
      yield
    }
  }
}

class Sum {
  blocks = 0
  inodes = 0
  /** Only what has several names can be met again. */
  private readonly linked = new Set<string>()

  /** Adds what was looked at last. */
  add(): void {
    if (seen.nlink() > 1 && seen.type() !== "directory") {
      const inode = `${seen.dev()}:${seen.ino()}`
      if (this.linked.has(inode)) return
      this.linked.add(inode)
    }
    this.blocks += seen.blocks()
    this.inodes += 1
  }
}
