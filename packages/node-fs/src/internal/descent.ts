/**
 * The way down into a tree, by descriptors, however deep it is. Only the lowest {@link heldMax} levels keep theirs
 * open: on the way back a level is opened again through `..`, and counts only if it is the very directory it was.
 */
import { openBeneath, openForListing } from "./directory.ts"
import { ENOENT } from "./errno.ts"
import { look, lookAt, seen } from "./stat.ts"
import type { Syscalls } from "./syscalls.ts"

const heldMax = 64

export interface Level<State> {
  /** In the level above, with a NUL at its end; empty for the first. */
  readonly name: Uint8Array
  readonly state: State
  readonly dev: bigint
  readonly ino: bigint
  /** -1 where it is closed for now, or could not be found again. */
  fd: number
  /** Whether it was opened again, so that listing it starts anew. */
  reopened: boolean
}

export class Descent<State> {
  readonly levels: Array<Level<State>> = []
  private readonly sys: Syscalls

  /** The first level's descriptor is kept to the end, and closed with the others. */
  constructor(sys: Syscalls, fd: number, state: State) {
    this.sys = sys
    lookAt(sys, fd)
    this.push(fd, new Uint8Array(), state)
  }

  get lowest(): Level<State> {
    const level = this.levels.at(-1)
    if (level === undefined) throw new RangeError("the descent has ended")
    return level
  }

  /** Goes one level down. 0, or the negated errno; `EXDEV` where something is mounted there. */
  enter(name: Uint8Array, state: State): number {
    const fd = openBeneath(this.sys, this.lowest.fd, name)
    if (fd < 0) return fd
    lookAt(this.sys, fd)
    this.push(fd, name, state)
    const index = this.levels.length - 1 - heldMax
    const tooHigh = index > 0 ? this.levels[index] : undefined
    if (tooHigh !== undefined) this.shut(tooHigh)
    return 0
  }

  /** Goes one level up. What is the lowest then has no descriptor if it could not be found again. */
  leave(): Level<State> {
    const left = this.levels.pop()
    if (left === undefined) throw new RangeError("the descent has ended")
    if (this.lowest.fd === -1) this.reopen(this.lowest, left)
    this.shut(left)
    return left
  }

  close(): void {
    for (const level of this.levels.splice(0)) this.shut(level)
  }

  /** Where a name in the lowest level, or that itself, is below the first; what is not UTF-8 is shown as U+FFFD. */
  pathOf(name: Uint8Array | undefined): string {
    const names = this.levels.slice(1).map((level) => level.name)
    if (name !== undefined) names.push(name)
    return names.map((bytes) => Buffer.from(bytes.subarray(0, -1)).toString("utf8")).join("/")
  }

  private push(fd: number, name: Uint8Array, state: State): void {
    this.levels.push({ name, state, dev: seen.dev(), ino: seen.ino(), fd, reopened: false })
  }

  private shut(level: Level<State>): void {
    if (level.fd >= 0) this.sys.close(level.fd)
    level.fd = -1
  }

  private reopen(level: Level<State>, below: Level<State>): void {
    level.reopened = true
    const fd = below.fd < 0 ? -ENOENT : this.sys.openat(below.fd, "..", openForListing, 0)
    if (fd >= 0 && this.isStill(level, fd)) level.fd = fd
    else {
      if (fd >= 0) this.sys.close(fd)
      this.findFromTop(level)
    }
  }

  /** Somebody has moved a directory meanwhile: go down again by the names, if they still lead to the same one. */
  private findFromTop(level: Level<State>): void {
    let fd = this.levels[0]?.fd ?? -1
    for (const [depth, { name }] of this.levels.entries()) {
      if (depth === 0) continue
      const next = openBeneath(this.sys, fd, name)
      if (depth > 1) this.sys.close(fd)
      if (next < 0) return
      fd = next
    }
    if (this.isStill(level, fd)) level.fd = fd
    else this.sys.close(fd)
  }

  private isStill(level: Level<State>, fd: number): boolean {
    return lookAt(this.sys, fd) === 0 && seen.dev() === level.dev && seen.ino() === level.ino
  }
}

/** Whether something is mounted on a name in a directory. */
export const isMountPoint = (sys: Syscalls, directory: number, name: Uint8Array): boolean =>
  look(sys, directory, name) === 0 && seen.isMountRoot()
