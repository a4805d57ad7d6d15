/**
 * What a disk would hold, beside what programs see: the image that is on it, and the changes that are not there yet.
 *
 * A change belongs to the inodes that it changes: a name to its directory, a rename to both directories, attributes to
 * their file or directory. It is one step: all of it is on the disk or none. Nothing is on the disk of what an inode had done
 * to it later than something that is not. `docs/FAILURES.md` says what that assumes of a real disk.
 */
import type { DiskStep } from "../MemoryVolume.ts"
import { Errno } from "./errno.ts"
import { attributesOf, type Change, type Entering, Image } from "./image.ts"
import type { Inode, Link } from "./inode.ts"

export interface JournalOptions {
  readonly root: Inode
  /** Whether the image is kept: without it there is nothing to lose power. */
  readonly records: boolean
  /** Told of each step before it is done; with an errno's name, the step is not done and fails. */
  readonly onStep: ((step: DiskStep) => string | undefined) | undefined
}

/** The texts say what is to be done, in the words of before it: they are asked for at most once, and not if nobody reads them. */
export class Journal {
  readonly records: boolean
  readonly image: Image
  pending: Array<Change> = []
  private readonly onStep: JournalOptions["onStep"]
  /** The change of names that is being made, of which there may be several parts. */
  private open: Array<Entering> | undefined

  constructor({ onStep, records, root }: JournalOptions) {
    this.image = new Image(root)
    this.records = records
    this.onStep = onStep
  }

  /** Changes names in one step, whatever it consists of. */
  names<A>(text: () => string, act: () => A): A {
    if (this.open !== undefined || this.isDeaf) return act()
    const said = text()
    this.step("names", said)
    const entries: Array<Entering> = []
    this.open = entries
    try {
      return act()
    } finally {
      this.open = undefined
      if (this.records && entries.length > 0) this.enteredAll(said, entries)
    }
  }

  /** Within {@link names}: what a name leads to now. */
  entered(directory: Inode, name: string, inode: Inode | undefined): void {
    this.open?.push({ directory, name, inode })
  }

  private enteredAll(text: string, entries: ReadonlyArray<Entering>): void {
    for (const { inode } of entries) if (inode !== undefined) this.image.born(inode)
    const places = [...new Set(entries.map(({ directory }) => directory))]
    this.pending.push({ text, places, entries, attributes: undefined })
  }

  /** Changes attributes of an inode. */
  attributes(inode: Inode, text: () => string, act: () => void): void {
    if (this.isDeaf) return act()
    const said = text()
    this.step("attributes", said)
    act()
    if (!this.records) return
    this.pending.push({
      text: said,
      places: [inode],
      entries: [],
      attributes: { inode, value: attributesOf(inode) }
    })
  }

  /** Changes what is in a file. Which of it is on the disk is seen by comparing. */
  contents<A>(text: () => string, act: () => A): A {
    if (!this.isDeaf) this.step("contents", text())
    return act()
  }

  /** All that was done to these is on the disk now, and what was done before to the other place of a rename among it. */
  synced(text: () => string, links: ReadonlyArray<Link>): void {
    if (this.isDeaf) return
    this.step("sync", text())
    if (!this.records) return
    const needed = new Set(links.map((link) => link.getNode()))
    const reached: Array<Change> = []
    const rest: Array<Change> = []
    for (const change of [...this.pending].reverse()) {
      if (!change.places.some((place) => needed.has(place))) rest.push(change)
      else {
        reached.push(change)
        for (const place of change.places) needed.add(place)
      }
    }
    this.pending = rest.reverse()
    for (const change of reached.reverse()) this.image.apply(change)
    for (const link of links) this.image.keep(link)
  }

  /** A tree as it is lies on the disk, without anybody having waited. */
  adopt(link: Link): void {
    if (this.records) this.image.adopt(link)
  }

  /** Nobody listens. */
  private get isDeaf(): boolean {
    return !this.records && this.onStep === undefined
  }

  private step(kind: DiskStep["kind"], text: string): void {
    const code = this.onStep?.({ kind, text })
    if (code !== undefined) throw new Errno(code)
  }
}
