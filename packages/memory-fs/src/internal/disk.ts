/** Names on the disk itself, put in and taken out of directories: what every change comes down to, in an overlay too. */
import type { MemoryVolume } from "../MemoryVolume.ts"
import type { Inode, Link } from "./inode.ts"

/** Gives an inode one more name. */
export const addName = (directory: Link, name: string, inode: Inode): Link => {
  inode.nlink++
  return directory.createChild(name, inode)
}

export const move = (link: Link, directory: Link, name: string): void => {
  link.parent?.deleteChild(link)
  link.name = name
  link.steps = [...directory.steps, name]
  directory.setChild(name, link)
  link.getNode().ctime = new Date()
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
