/**
 * What a disk would hold, beside what programs see: the image that is on it, and the changes that are not there yet.
 *
 * A change belongs to the inodes that it changes: a name to its directory, a rename to both directories, attributes to
 * their file or directory. It is one step: all of it is on the disk or none. Nothing is on the disk of what an inode had done
 * to it later than something that is not. `docs/FAILURES.md` says what that assumes of a real disk.
 */
import { Errno } from "./errno.ts"
import { type Inode, isDirectory, type Link, namesIn, type Times, timesOf, xattrsOf } from "./inode.ts"

/** One inner step of what a program asks of the disk: the next thing to be done, or waited for. */
export interface DiskStep {
  readonly kind: "names" | "attributes" | "contents" | "sync"
  /** For reading. */
  readonly text: string
}

/** What of an inode can be set. */
export interface Attributes extends Times {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly xattrs: ReadonlyMap<string, Uint8Array>
}

/** What the disk holds of an inode. */
export interface Kept {
  readonly attributes: Attributes
  /** Of a file. */
  readonly contents: Uint8Array
  /** Of a directory. */
  readonly entries: ReadonlyMap<string, Inode>
}

export type Image = Map<Inode, Kept>

/** A name and what it leads to from now on. */
interface Entering {
  readonly directory: Inode
  readonly name: string
  readonly inode: Inode | undefined
}

/** A change that is not on the disk yet. */
export interface Change {
  readonly text: string
  /** The inodes that it belongs to. */
  readonly places: ReadonlyArray<Inode>
  readonly entries: ReadonlyArray<Entering>
  readonly attributes: { readonly inode: Inode; readonly value: Attributes } | undefined
}

export interface JournalOptions {
  /** Whether the image is kept: without it there is nothing to lose power. */
  readonly records: boolean
  /** Told of each step before it is done; with an errno's name, the step is not done and fails. */
  readonly onStep: ((step: DiskStep) => string | undefined) | undefined
}

export class Journal {
  readonly records: boolean
  readonly image: Image = new Map()
  pending: Array<Change> = []
  private readonly onStep: JournalOptions["onStep"]
  /** What inodes were like when they got their first name. */
  private readonly births = new WeakMap<Inode, Attributes>()
  /** The change of names that is being made, of which there may be several parts. */
  private open: Array<Entering> | undefined

  constructor({ onStep, records }: JournalOptions) {
    this.records = records
    this.onStep = onStep
  }

  /** Changes names in one step, whatever it consists of. */
  names<A>(text: () => string, act: () => A): A {
    if (this.open !== undefined || this.isDeaf) return act()
    this.step("names", text)
    const entries: Array<Entering> = []
    this.open = entries
    try {
      return act()
    } finally {
      this.open = undefined
      if (this.records && entries.length > 0) this.enteredAll(text, entries)
    }
  }

  /** Within {@link names}: what a name leads to now. */
  entered(directory: Inode, name: string, inode: Inode | undefined): void {
    this.open?.push({ directory, name, inode })
  }

  private enteredAll(text: () => string, entries: ReadonlyArray<Entering>): void {
    for (const { inode } of entries) {
      if (inode !== undefined && !this.births.has(inode)) this.births.set(inode, attributesOf(inode))
    }
    const places = [...new Set(entries.map(({ directory }) => directory))]
    this.pending.push({ text: text(), places, entries, attributes: undefined })
  }

  /** Changes attributes of an inode. */
  attributes(inode: Inode, text: () => string, act: () => void): void {
    this.step("attributes", text)
    act()
    if (!this.records) return
    this.pending.push({
      text: text(),
      places: [inode],
      entries: [],
      attributes: { inode, value: attributesOf(inode) }
    })
  }

  /** Changes what is in a file. Which of it is on the disk is seen by comparing. */
  contents<A>(text: () => string, act: () => A): A {
    this.step("contents", text)
    return act()
  }

  /** All that was done to these is on the disk now, and what was done before to the other place of a rename among it. */
  synced(text: () => string, links: ReadonlyArray<Link>): void {
    this.step("sync", text)
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
    for (const change of reached.reverse()) this.apply(this.image, change)
    // As they are, whoever changed them: memfs may have been used past this package.
    for (const link of links) this.image.set(link.getNode(), liveState(link))
  }

  /** A tree as it is lies on the disk, without anybody having waited. */
  adopt(link: Link): void {
    if (!this.records) return
    this.image.set(link.getNode(), liveState(link))
    for (const child of childrenOf(link)) this.adopt(child)
  }

  /** Does a change to an image. */
  apply(image: Image, { attributes, entries }: Change): void {
    if (attributes !== undefined) {
      image.set(attributes.inode, { ...this.keptOf(image, attributes.inode), attributes: attributes.value })
    }
    for (const { directory, inode, name } of entries) {
      const kept = this.keptOf(image, directory)
      const changed = new Map(kept.entries)
      if (inode === undefined) changed.delete(name)
      else changed.set(name, inode)
      image.set(directory, { ...kept, entries: changed })
    }
  }

  /** What an image holds of an inode: at first nothing but what it was made with. */
  keptOf(image: Image, inode: Inode): Kept {
    return image.get(inode) ??
      { attributes: this.births.get(inode) ?? attributesOf(inode), contents: new Uint8Array(), entries: new Map() }
  }

  /** Nobody listens. */
  private get isDeaf(): boolean {
    return !this.records && this.onStep === undefined
  }

  private step(kind: DiskStep["kind"], text: () => string): void {
    const code = this.onStep?.({ kind, text: text() })
    if (code !== undefined) throw new Errno(code)
  }
}

const attributesOf = (inode: Inode): Attributes => ({
  mode: inode.mode,
  uid: inode.uid,
  gid: inode.gid,
  xattrs: new Map(xattrsOf(inode)),
  ...timesOf(inode)
})

/** What a program reads in a file. */
export const contentsOf = (inode: Inode): Uint8Array =>
  inode.isFile() ? Uint8Array.from(inode.buf.subarray(0, inode.getSize())) : new Uint8Array()

/** Whether these are the contents that a program reads in a file. */
export const holds = (inode: Inode, contents: Uint8Array): boolean =>
  Buffer.compare(contents, inode.buf.subarray(0, inode.getSize())) === 0

const liveState = (link: Link): Kept => ({
  attributes: attributesOf(link.getNode()),
  contents: contentsOf(link.getNode()),
  entries: isDirectory(link) ? entriesOf(link) : new Map()
})

const entriesOf = (directory: Link): ReadonlyMap<string, Inode> =>
  new Map(childrenOf(directory).map((child) => [child.name, child.getNode()]))

const childrenOf = (directory: Link): ReadonlyArray<Link> =>
  isDirectory(directory) ? namesIn(directory).flatMap((name) => directory.children.get(name) ?? []) : []
