/**
 * Recursive removal that can do no harm: every step is relative to a held descriptor, none follows a symlink or enters
 * another mount, and directories are entered by `openat2`, so that whatever changes meanwhile cannot lead elsewhere.
 */
import type { Unremoved } from "@snapshotter/core/StoreFileSystem"
import { Effect, Semaphore } from "effect"
import { constants } from "node:fs"
import { Descent, isMountPoint, type Level } from "./descent.ts"
import { type Listed, nameBeneath, nextEntries, O_CLOEXEC, O_PATH } from "./directory.ts"
import {
  EACCES,
  EBUSY,
  EEXIST,
  EINVAL,
  EISDIR,
  ELOOP,
  EMFILE,
  ENFILE,
  ENOENT,
  ENOMEM,
  ENOTDIR,
  ENOTEMPTY,
  EROFS,
  Errno,
  errnoName,
  succeeded
} from "./errno.ts"
import type { Pause } from "./slices.ts"
import { look, seen } from "./stat.ts"
import { AT_FDCWD, AT_REMOVEDIR, type Syscalls } from "./syscalls.ts"

/** Freeing the blocks of a file takes time in proportion to them: larger files go in another thread. */
const largeBytes = 1 << 20

/** At most two threads of Node's pool of four: the others stay free for those who wait for files. */
const threads = Semaphore.makeUnsafe(2)

/** With these there is no going on: every further entry would say the same. */
const hopeless = new Set([EROFS, EMFILE, ENFILE, ENOMEM])

const vainPassesMax = 3

interface State {
  /** What was listed and is not yet done, last one first. */
  entries: Array<Listed>
  listed: boolean
  /** What must stay, so that another listing does not try it again. */
  readonly kept: Set<string>
  /** Whether anything went in this pass: if not, and it is not empty all the same, another pass is in vain. */
  progress: boolean
  /** Whether its mode was widened already, or must not be. */
  widened: boolean
  /** How often it was listed in vain before: others may be busy in it. */
  readonly vainPasses: number
}

const keyOf = (name: Uint8Array): string => Buffer.from(name).toString("latin1")

/** Removes what is at `path`, and says what had to stay. Throws {@link Errno} where going on makes no sense. */
export function* removal(sys: Syscalls, path: string): Generator<Pause, Array<Unremoved>> {
  const trimmed = path.replace(/\/+$/, "")
  const slash = trimmed.lastIndexOf("/")
  const name = trimmed.slice(slash + 1)
  if (slash < 0 || name === "" || name === "." || name === "..") throw new Errno(EINVAL)
  const directory = trimmed.slice(0, slash + 1)
  const fd = sys.openat(AT_FDCWD, directory, O_PATH | constants.O_DIRECTORY | O_CLOEXEC, 0)
  if (fd === -ENOENT || fd === -ENOTDIR) return []
  const work = new Removal(sys, succeeded(fd), directory)
  try {
    const entry: Listed = { name: Buffer.from(`${name}\0`), type: "unknown" }
    yield* work.removeAll(entry)
    return work.unremoved
  } finally {
    work.close()
  }
}

class Removal {
  readonly unremoved: Array<Unremoved> = []
  private readonly sys: Syscalls
  private readonly above: string
  private readonly descent: Descent<State>

  constructor(sys: Syscalls, fd: number, above: string) {
    this.sys = sys
    this.above = above
    // The directory that holds the tree is not part of it: its mode stays.
    this.descent = new Descent(sys, fd, { ...newState(), widened: true })
  }

  close(): void {
    this.descent.close()
  }

  *removeAll(top: Listed): Generator<Pause, void> {
    yield* this.remove(top)
    while (this.descent.levels.length > 1) {
      const entry = this.next(this.descent.lowest)
      if (entry === undefined) this.finish()
      else if (!this.descent.lowest.state.kept.has(keyOf(entry.name))) yield* this.remove(entry)
      yield
    }
  }

  /** The next entry of a level; `undefined` when its listing has come to an end, or it is lost. */
  private next(level: Level<State>): Listed | undefined {
    const { state } = level
    if (level.reopened) {
      level.reopened = false
      state.entries = []
      state.listed = false
    }
    while (state.entries.length === 0 && !state.listed && level.fd >= 0) {
      const entries = nextEntries(this.sys, level.fd)
      if (typeof entries === "number" && entries !== -ENOENT) {
        this.keep(undefined, -entries)
        state.listed = true
      } else if (typeof entries === "number" || entries === undefined) state.listed = true
      else state.entries = entries.reverse()
    }
    return state.entries.pop()
  }

  /** Removes a file, or goes down into a directory. */
  private *remove(entry: Listed): Generator<Pause, void> {
    if (entry.type === "directory" || (entry.type === "unknown" && this.isDirectory(entry))) this.enter(entry)
    else yield* this.unlink(entry)
  }

  private isDirectory(entry: Listed): boolean {
    return look(this.sys, this.descent.lowest.fd, entry.name) === 0 && seen.type() === "directory"
  }

  // ============================================================ files

  private *unlink(entry: Listed): Generator<Pause, void> {
    const large = this.isLarge(entry)
    let result = 0
    if (large) {
      yield this.unlinkLater(this.descent.lowest.fd, entry.name, (answer) => {
        result = answer
      })
    }
    if (!large || result === -EACCES) result = this.unlinkNow(entry.name, 0)
    if (result === 0) this.descent.lowest.state.progress = true
    else if (result === -EISDIR) this.enter(entry)
    else if (result !== -ENOENT) this.keep(entry.name, -result)
  }

  private isLarge(entry: Listed): boolean {
    return entry.type !== "other" && look(this.sys, this.descent.lowest.fd, entry.name) === 0 &&
      seen.type() === "file" && seen.nlink() === 1 && seen.blocks() * 512 > largeBytes
  }

  private unlinkLater(fd: number, name: Uint8Array, done: (answer: number) => void): Effect.Effect<void> {
    const unlinking = Effect.callback<void>((resume) => {
      this.sys.unlinkatLater(fd, name, 0, (answer) => {
        done(answer)
        resume(Effect.void)
      })
    })
    // To its end: until then the descriptor must stay what it is.
    return threads.withPermit(Effect.uninterruptible(unlinking))
  }

  /** Once more where the directory's own mode was what forbade it. */
  private unlinkNow(name: Uint8Array, flags: number): number {
    const { fd } = this.descent.lowest
    const result = this.sys.unlinkat(fd, name, flags)
    return result === -EACCES && this.widen() ? this.sys.unlinkat(fd, name, flags) : result
  }

  // ============================================================ directories

  private enter(entry: Listed, vainPasses = 0): void {
    let result = this.descent.enter(entry.name, newState(vainPasses))
    if (result === -EACCES && this.widen()) result = this.descent.enter(entry.name, newState(vainPasses))
    if (result === -EACCES) result = this.enterClosed(entry)
    if (result === -ELOOP || result === -ENOTDIR) result = this.unlinkNow(entry.name, 0)
    if (result < 0 && result !== -ENOENT) this.keep(entry.name, -result)
  }

  /** A directory that its owner may not read: overlay's `work/work` is one. Mostly it is empty. */
  private enterClosed(entry: Listed): number {
    const { fd } = this.descent.lowest
    if (this.sys.unlinkat(fd, entry.name, AT_REMOVEDIR) === 0) return 0
    const named = nameBeneath(this.sys, fd, entry.name)
    if (named < 0) return named
    const widened = this.sys.chmod(`/proc/self/fd/${named}`, 0o700)
    this.sys.close(named)
    return widened < 0 ? -EACCES : this.descent.enter(entry.name, newState())
  }

  /** Lets the owner write and search the lowest directory; whether anything has changed. */
  private widen(): boolean {
    const { state, fd } = this.descent.lowest
    if (state.widened) return false
    state.widened = true
    return this.sys.fchmod(fd, 0o700) === 0
  }

  /** The lowest level is done: up, and remove it, unless something in it had to stay. */
  private finish(): void {
    const lost = this.descent.lowest.fd < 0
    const { name, state } = this.descent.leave()
    const above = this.descent.lowest
    if (state.kept.size > 0) above.state.kept.add(keyOf(name))
    else if (above.fd >= 0) {
      const result = this.unlinkNow(name, AT_REMOVEDIR)
      if (result === 0) above.state.progress = true
      else if (result === -ENOTEMPTY || result === -EEXIST) this.again(name, state, lost)
      else if (result !== -ENOENT) this.keep(name, -result)
    }
  }

  /** Others have put something in meanwhile, or moved it: another pass, unless that is in vain. */
  private again(name: Uint8Array, state: State, lost: boolean): void {
    const vainPasses = state.progress || lost ? 0 : state.vainPasses + 1
    if (vainPasses < vainPassesMax) this.enter({ name: Buffer.from(name), type: "directory" }, vainPasses)
    else this.keep(name, ENOTEMPTY)
  }

  // ============================================================ what must stay

  /** A name in the lowest directory stays; without a name, whatever is in it. */
  private keep(name: Uint8Array | undefined, errno: number): void {
    const { lowest } = this.descent
    if (hopeless.has(errno)) throw new Errno(errno)
    const mounted = errno === EBUSY && name !== undefined && isMountPoint(this.sys, lowest.fd, name)
    lowest.state.kept.add(name === undefined ? "" : keyOf(name))
    this.unremoved.push({
      path: `${this.above}${this.descent.pathOf(name)}`,
      code: mounted ? "EXDEV" : errnoName(errno)
    })
  }
}

const newState = (vainPasses = 0): State => ({
  entries: [],
  listed: false,
  kept: new Set(),
  progress: false,
  widened: false,
  vainPasses
})
