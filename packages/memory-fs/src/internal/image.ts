/** What a disk holds: of every inode its attributes, of a file what is in it, of a directory its names. */
import { type Inode, isDirectory, type Link, namesIn, type Times, timesOf, xattrsOf } from "./inode.ts"

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

/** A name and what it leads to from now on. */
export interface Entering {
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

export class Image {
  readonly root: Inode
  private readonly kept: Map<Inode, Kept>
  /** What inodes were like when they got their first name: the same in all copies. */
  private readonly births: WeakMap<Inode, Kept>

  constructor(root: Inode, from?: Image) {
    this.root = root
    this.kept = new Map(from?.kept)
    this.births = from?.births ?? new WeakMap()
  }

  copy(): Image {
    return new Image(this.root, this)
  }

  /** What is held of an inode: at first nothing but what it was made with. */
  keptOf(inode: Inode): Kept {
    return this.kept.get(inode) ?? this.born(inode)
  }

  /** Remembers what an inode is made with, unless that is known. */
  born(inode: Inode): Kept {
    const known = this.births.get(inode)
    if (known !== undefined) return known
    const newborn = { attributes: attributesOf(inode), contents: new Uint8Array(), entries: new Map() }
    this.births.set(inode, newborn)
    return newborn
  }

  apply({ attributes, entries }: Change): void {
    if (attributes !== undefined) this.change(attributes.inode, { attributes: attributes.value })
    for (const { directory, inode, name } of entries) {
      const changed = new Map(this.keptOf(directory).entries)
      if (inode === undefined) changed.delete(name)
      else changed.set(name, inode)
      this.change(directory, { entries: changed })
    }
  }

  change(inode: Inode, changed: Partial<Kept>): void {
    this.kept.set(inode, { ...this.keptOf(inode), ...changed })
  }

  /** Holds it as it is, whoever changed it: memfs may have been used past this package. */
  keep(link: Link): void {
    this.kept.set(link.getNode(), liveState(link))
  }

  /** Holds a tree as it is. */
  adopt(link: Link): void {
    this.keep(link)
    for (const child of childrenOf(link)) this.adopt(child)
  }
}

export const attributesOf = (inode: Inode): Attributes => ({
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
