/** A machine that comes up again: a volume with the tree that a disk's image holds. Nothing is mounted or locked there. */
import { hash } from "node:crypto"
import type { MemoryVolume } from "../MemoryVolume.ts"
import { createInode, type Inode, type Link, setTimes, typeOf, xattrsOf } from "./inode.ts"
import type { Image, Journal, Kept } from "./journal.ts"
import { originOf, setOrigin } from "./origin.ts"
import { reachable, sorted } from "./survivors.ts"

/** Fills a volume that is new and empty. */
export const fill = (volume: MemoryVolume, journal: Journal, image: Image, root: Inode): void => {
  const copies = new Map<Inode, Inode>([[root, volume.mounts.root.link.getNode()]])
  fillDirectory(volume, journal, image, { from: root, to: volume.memfs._core.root, copies })
  for (const [inode, copy] of copies) {
    const origin = originOf(inode)
    const same = origin === undefined ? undefined : copies.get(origin)
    if (same !== undefined) setOrigin(copy, same)
    // Last, since putting something into a directory touches it.
    setAttributes(copy, journal.keptOf(image, inode))
  }
}

interface Filling {
  readonly from: Inode
  readonly to: Link
  readonly copies: Map<Inode, Inode>
}

const fillDirectory = (volume: MemoryVolume, journal: Journal, image: Image, { copies, from, to }: Filling): void => {
  for (const [name, inode] of journal.keptOf(image, from).entries) {
    const known = copies.get(inode)
    if (known !== undefined) {
      known.nlink++
      to.createChild(name, known)
      continue
    }
    const copy = copyOf(volume, inode, journal.keptOf(image, inode))
    copies.set(inode, copy)
    const link = to.createChild(name, copy)
    if (copy.isDirectory()) fillDirectory(volume, journal, image, { from: inode, to: link, copies })
  }
}

const copyOf = (volume: MemoryVolume, inode: Inode, { attributes, contents }: Kept): Inode => {
  const copy = createInode(volume.memfs._core, attributes.mode)
  copy.rdev = inode.rdev
  if (inode.isSymlink()) copy.makeSymlink(inode.symlink)
  else if (inode.isFile()) copy.setBuffer(Buffer.from(contents))
  return copy
}

const setAttributes = (inode: Inode, { attributes }: Kept): void => {
  inode.mode = attributes.mode
  inode.uid = attributes.uid
  inode.gid = attributes.gid
  for (const [name, value] of attributes.xattrs) xattrsOf(inode).set(name, value)
  setTimes(inode, attributes)
}

/** The same text for images that show the same tree: names, types, modes, owners, attributes, contents; no times. */
export const digestOf = (journal: Journal, image: Image, root: Inode): string => {
  const paths = reachable(journal, image, root)
  const lines: Array<string> = []
  for (const [inode, path] of paths) {
    const kept = journal.keptOf(image, inode)
    lines.push(path, lineOf(inode, kept))
    for (const [name, child] of sorted(kept)) lines.push(name, paths.get(child) ?? "")
  }
  return hash("sha256", lines.join("\0"))
}

/** What is kept of an inode never changes, only what is kept: most of it is the same from one state to the next. */
const linesOf = new WeakMap<Kept, string>()

const lineOf = (inode: Inode, kept: Kept): string => {
  const known = linesOf.get(kept)
  if (known !== undefined) return known
  const line = JSON.stringify([typeOf(inode), ...attributesIn(kept), contentsIn(inode, kept)])
  linesOf.set(kept, line)
  return line
}

const attributesIn = ({ attributes: { gid, mode, uid, xattrs } }: Kept) => [
  mode,
  uid,
  gid,
  [...xattrs].map(([name, value]) => [name, Buffer.from(value).toString("base64")]).sort()
]

const contentsIn = (inode: Inode, { contents }: Kept): string | number => {
  if (inode.isFile()) return Buffer.from(contents).toString("base64")
  return inode.isSymlink() ? inode.symlink : inode.rdev
}
