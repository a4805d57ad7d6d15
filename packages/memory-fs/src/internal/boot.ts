/** A machine that comes up again: a volume with the tree that a disk's image holds. Nothing is mounted or locked there. */
import { hash } from "node:crypto"
import type { Options } from "../MemoryVolume.ts"
import type { Image, Kept } from "./image.ts"
import { createInode, type Inode, type Link, setTimes, typeOf, xattrsOf } from "./inode.ts"
import { originOf, setOrigin } from "./origin.ts"
import { reachable, sorted } from "./survivors.ts"
import { Volume } from "./volume.ts"

/** A machine like the old one, with the disk that an image shows. */
export const boot = (old: Volume, image: Image, options: Pick<Options, "losesPower" | "onStep">): Volume => {
  const volume = new Volume({
    ...options,
    seed: old.seed,
    device: old.device,
    // Ids come from randomness on a real machine: those that were given out do not come again.
    firstNumber: old.numbersGiven()
  })
  fill(volume, image)
  volume.journal.adopt(volume.memfs._core.root)
  return volume
}

/** Fills a volume that is new and empty. */
const fill = (volume: Volume, image: Image): void => {
  const { root } = volume.memfs._core
  const copies = new Map<Inode, Inode>([[image.root, root.getNode()]])
  fillDirectory(volume, image, { from: image.root, to: root, copies })
  for (const [inode, copy] of copies) {
    const origin = originOf(inode)
    const same = origin === undefined ? undefined : copies.get(origin)
    if (same !== undefined) setOrigin(copy, same)
    // Last, since putting something into a directory touches it.
    setAttributes(copy, image.keptOf(inode))
  }
}

interface Filling {
  readonly from: Inode
  readonly to: Link
  readonly copies: Map<Inode, Inode>
}

const fillDirectory = (volume: Volume, image: Image, { copies, from, to }: Filling): void => {
  for (const [name, inode] of image.keptOf(from).entries) {
    const known = copies.get(inode)
    if (known !== undefined) {
      known.nlink++
      to.createChild(name, known)
      continue
    }
    const copy = copyOf(volume, inode, image.keptOf(inode))
    copies.set(inode, copy)
    const link = to.createChild(name, copy)
    if (copy.isDirectory()) fillDirectory(volume, image, { from: inode, to: link, copies })
  }
}

const copyOf = (volume: Volume, inode: Inode, { attributes, contents }: Kept): Inode => {
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
export const digestOf = (image: Image): string => {
  const paths = reachable(image)
  const lines: Array<string> = []
  for (const [inode, path] of paths) {
    const kept = image.keptOf(inode)
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
