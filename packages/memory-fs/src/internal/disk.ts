/** Names on the disk itself, put in and taken out of directories: what every change comes down to, in an overlay too. */
import { formatOf } from "@snapshotter/core/TreeFileSystem"
import type { MemoryVolume } from "../MemoryVolume.ts"
import { createInode, type Inode, type Link, markChanged } from "./inode.ts"

/** Gives an inode one more name. */
export const addName = (directory: Link, name: string, inode: Inode): Link => {
  inode.nlink++
  return directory.createChild(name, inode)
}

export const move = (link: Link, directory: Link, name: string): void => {
  link.parent?.deleteChild(link)
  put(link, { directory, name })
}

/** Two names change places. */
export const exchange = (one: Link, other: Link): void => {
  const [here, there] = [placeOf(one), placeOf(other)]
  here.directory.deleteChild(one)
  there.directory.deleteChild(other)
  put(one, there)
  put(other, here)
}

/** Puts a name that is in no directory into one. */
export const put = (link: Link, { directory, name }: Place): void => {
  link.name = name
  // The path that memfs keeps in a link. Its own setter writes it anew in all that is below, which a rename must not cost.
  Reflect.set(link, "_steps", [...directory.steps, name])
  directory.setChild(name, link)
  markChanged(link.getNode())
}

interface Place {
  readonly directory: Link
  readonly name: string
}

const placeOf = ({ name, parent }: Link): Place => {
  if (parent === undefined) throw new Error(`${name} is in no directory`)
  return { directory: parent, name }
}

/** The deletion mark of overlays. */
export const newWhiteout = (volume: MemoryVolume): Inode => createInode(volume.memfs._core, formatOf.characterDevice)

/** Where something was renamed from: made by the disk itself, so it has the group that a setgid directory hands down. */
export const leaveWhiteout = (volume: MemoryVolume, directory: Link, name: string): void => {
  const whiteout = newWhiteout(volume)
  const above = directory.getNode()
  if ((above.mode & 0o2000) !== 0) whiteout.gid = above.gid
  directory.createChild(name, whiteout)
}

/** Takes a name away, and its inode with the last one. The number is not given out again: something may hold it. */
export const discard = (volume: MemoryVolume, link: Link): void => {
  link.parent?.deleteChild(link)
  link.parent = undefined
  const inode = link.getNode()
  inode.nlink = inode.isDirectory() ? 0 : inode.nlink - 1
  if (inode.nlink > 0) return
  delete volume.memfs._core.inodes[inode.ino]
  inode.del()
}
