/** Changes of one name, on the disk itself or in an overlay: where they differ. What must hold before is `linux.ts`'s. */
import { copyUp } from "./copyUp.ts"
import * as Disk from "./disk.ts"
import { Errno } from "./errno.ts"
import { type Entry, type Inode, isDirectory, isEmpty, type Link } from "./inode.ts"
import { createIn, exchangeIn, linkIn, removeFrom, renameIn } from "./overlayChange.ts"
import { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

/** Puts a new inode into a directory. */
export const create = (volume: Volume, directory: Entry, name: string, inode: Inode): Entry =>
  directory instanceof OverlayEntry
    ? createIn(volume, directory, name, inode)
    : Disk.create(volume, directory, name, inode)

/** Gives what is there another name. */
export const link = (volume: Volume, existing: Entry, directory: Entry, name: string): Entry =>
  existing instanceof OverlayEntry
    ? linkIn(volume, existing, inOverlay(directory), name)
    : Disk.addName(volume, onDisk(directory), name, existing.getNode())

/** Takes a name away; a directory must be empty. */
export const remove = (volume: Volume, entry: Entry): void => {
  if (entry instanceof OverlayEntry) return removeFrom(volume, entry)
  if (isDirectory(entry) && !isEmpty(entry)) throw new Errno("ENOTEMPTY")
  Disk.discard(volume, entry)
}

/** What is moved where. */
export interface Renamed {
  readonly source: Entry
  readonly directory: Entry
  readonly name: string
  /** What is there: a file, or a directory, which must be empty. */
  readonly target: Entry | undefined
  /** Whether a whiteout takes the old name. */
  readonly whiteout: boolean
}

/** Moves an entry to a name, over what is there. */
export const rename = (volume: Volume, { directory, name, source, target, whiteout }: Renamed): void => {
  if (source instanceof OverlayEntry) {
    if (whiteout) throw new Errno("EINVAL")
    return renameIn(volume, source, inOverlay(directory), name, target && inOverlay(target))
  }
  const to = onDisk(directory)
  volume.journal.names(() => Disk.renameText(source, to, name), () => {
    if (target !== undefined) remove(volume, target)
    const [from, oldName] = [source.parent, source.name]
    Disk.move(volume, source, to, name)
    if (whiteout && from !== undefined) Disk.leaveWhiteout(volume, from, oldName)
  })
}

/** Two entries change places. */
export const exchange = (volume: Volume, one: Entry, other: Entry): void =>
  one instanceof OverlayEntry
    ? exchangeIn(volume, one, inOverlay(other))
    : Disk.exchange(volume, one, onDisk(other))

/** Whoever asks for a change of two entries has seen that one mount shows both. */
const inOverlay = (entry: Entry): OverlayEntry => {
  if (entry instanceof OverlayEntry) return entry
  throw new Error(`${entry.name} is not in the overlay`)
}

const onDisk = (entry: Entry): Link => {
  if (entry instanceof OverlayEntry) throw new Error(`${entry.name} is in an overlay`)
  return entry
}

/** The inode that changes are made to. Without `contents` a file's are about to be thrown away. */
export const inodeToChange = (volume: Volume, entry: Entry, contents = true): Inode => {
  if (entry instanceof OverlayEntry) copyUp(volume, entry, contents)
  return entry.getNode()
}

/** The same object for two names exactly if they are names of one file. */
export const identityOf = (entry: Entry): object => entry instanceof OverlayEntry ? entry.inode : entry.getNode()

/** What of an entry lies on a disk and can be synced: in an overlay, what its upper layer has of it. */
export const linksOnDisk = (entry: Entry): ReadonlyArray<Link> =>
  entry instanceof OverlayEntry ? (entry.upper === undefined ? [] : [entry.upper]) : [entry]

/** Whether it is something in an overlay. */
export const isInOverlay = (entry: Entry): boolean => entry instanceof OverlayEntry
