/**
 * Names on the disk itself, put in and taken out of directories: what every change comes down to, in an overlay too. Each is
 * written into the volume's journal; what the kernel does in one step is one change there (`volume.journal.names`).
 */
import { formatOf } from "@snapshotter/core/TreeFileSystem"
import { createInode, type Inode, type Link, markChanged } from "./inode.ts"
import type { Volume } from "./volume.ts"

/** Puts a new inode into a directory. */
export const create = (volume: Volume, directory: Link, name: string, inode: Inode): Link =>
  volume.journal.names(() => `make ${pathOf(directory, name)}`, () => {
    volume.journal.entered(directory.getNode(), name, inode)
    return directory.createChild(name, inode)
  })

/** Gives an inode one more name. */
export const addName = (volume: Volume, directory: Link, name: string, inode: Inode): Link =>
  volume.journal.names(() => `link ${pathOf(directory, name)}`, () => {
    volume.journal.entered(directory.getNode(), name, inode)
    inode.nlink++
    return directory.createChild(name, inode)
  })

export const move = (volume: Volume, link: Link, directory: Link, name: string): void =>
  volume.journal.names(() => renameText(link, directory, name), () => {
    takeOut(volume, link)
    put(volume, link, { directory, name })
  })

/** Two names change places. */
export const exchange = (volume: Volume, one: Link, other: Link): void =>
  volume.journal.names(() => `exchange ${pathOf(one.parent, one.name)} and ${pathOf(other.parent, other.name)}`, () => {
    const [here, there] = [placeOf(one), placeOf(other)]
    takeOut(volume, one)
    takeOut(volume, other)
    put(volume, one, there)
    put(volume, other, here)
  })

/** Takes a name out of its directory, to be put into another or discarded within the same change. */
export const takeOut = (volume: Volume, link: Link): void => {
  if (link.parent === undefined) return
  volume.journal.entered(link.parent.getNode(), link.name, undefined)
  link.parent.deleteChild(link)
}

/** Puts a name that is in no directory into one. */
export const put = (volume: Volume, link: Link, { directory, name }: Place): void => {
  volume.journal.entered(directory.getNode(), name, link.getNode())
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

export const renameText = (link: Link, directory: Link, name: string): string =>
  `rename ${pathOf(link.parent, link.name)} → ${pathOf(directory, name)}`

/** For reading: where it is now on the disk itself, whatever is mounted there. */
export const pathOf = (directory: Link | undefined, name: string): string => {
  const above = directory?.parent
  return above === undefined || above === directory ? `/${name}` : `${pathOf(above, directory?.name ?? "")}/${name}`
}

/** The deletion mark of overlays. */
export const newWhiteout = (volume: Volume): Inode => createInode(volume.memfs._core, formatOf.characterDevice)

/** Where something was renamed from: made by the disk itself, so it has the group that a setgid directory hands down. */
export const leaveWhiteout = (volume: Volume, directory: Link, name: string): void => {
  const whiteout = newWhiteout(volume)
  const above = directory.getNode()
  if ((above.mode & 0o2000) !== 0) whiteout.gid = above.gid
  create(volume, directory, name, whiteout)
}

/** Takes a name away, and its inode with the last one. The number is not given out again: something may hold it. */
export const discard = (volume: Volume, link: Link): void =>
  volume.journal.names(() => `unlink ${pathOf(link.parent, link.name)}`, () => {
    takeOut(volume, link)
    link.parent = undefined
    const inode = link.getNode()
    inode.nlink = inode.isDirectory() ? 0 : inode.nlink - 1
    if (inode.nlink > 0) return
    delete volume.memfs._core.inodes[inode.ino]
    inode.del()
  })
