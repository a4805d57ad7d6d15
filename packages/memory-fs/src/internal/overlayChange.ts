/**
 * Changes inside an overlay: all land in its upper layer. Whoever calls has checked what the kernel checks for every file
 * system; here is what overlay adds, in its order. overlayfs.rst, "whiteouts and opaque directories" and "renaming
 * directories"; `fs/overlayfs/dir.c`.
 */
import { clearWhiteouts, copyUp } from "./copyUp.ts"
import {
  addName,
  create,
  discard,
  exchange,
  leaveWhiteout,
  move,
  newWhiteout,
  pathOf,
  put,
  renameText,
  takeOut
} from "./disk.ts"
import { Errno } from "./errno.ts"
import { type Inode, isDirectory, isEmpty, type Link, xattrsOf } from "./inode.ts"
import {
  isClosedBefore,
  isMadeOpaque,
  isWhiteout,
  leavesWhiteout,
  opaqueMark,
  opaqueValue,
  requireMovable
} from "./overlay.ts"
import type { Overlay, OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

/** Puts a new inode into a directory, where nothing is seen under that name. Nobody makes a deletion mark here. */
export const createIn = (volume: Volume, directory: OverlayEntry, name: string, inode: Inode): OverlayEntry => {
  if (isWhiteout(inode)) throw new Errno("EPERM")
  const upper = copyUp(volume, directory)
  volume.journal.names(() => `make ${pathOf(upper, name)}`, () => {
    const overWhiteout = uncover(volume, upper, name)
    if (inode.isDirectory() && isMadeOpaque(directory, overWhiteout, directory.overlay.settings.xino)) {
      setOpaque(directory.overlay, inode)
    }
    create(volume, upper, name, inode)
  })
  return made(directory, name)
}

/** Gives what is there another name. */
export const linkIn = (
  volume: Volume,
  existing: OverlayEntry,
  directory: OverlayEntry,
  name: string
): OverlayEntry => {
  const upper = copyUp(volume, existing)
  const above = copyUp(volume, directory)
  volume.journal.names(() => `link ${pathOf(above, name)}`, () => {
    uncover(volume, above, name)
    addName(volume, above, name, upper.getNode())
  })
  return made(directory, name)
}

/** Takes away a name, a directory's only if it is empty. */
export const removeFrom = (volume: Volume, entry: OverlayEntry): void => {
  const directory = aboveOf(entry)
  if (isDirectory(entry) && !isEmpty(entry)) throw new Errno("ENOTEMPTY")
  requireUnmounted(volume, entry.upper)
  const remains = leavesWhiteout(directory, entry.name)
  const above = copyUp(volume, directory)
  const { upper } = entry
  volume.journal.names(() => `remove ${pathOf(above, entry.name)}`, () => {
    if (upper !== undefined) drop(volume, upper)
    if (remains) addWhiteout(volume, directory.overlay, above, entry.name)
  })
  gone(entry)
}

/** Moves an entry to a name, over what is there. */
export const renameIn = (
  volume: Volume,
  source: OverlayEntry,
  directory: OverlayEntry,
  name: string,
  target: OverlayEntry | undefined
): void => {
  requireMovable(source)
  const isPureUpper = target !== undefined && target.lowers.length === 0
  if (target !== undefined && isDirectory(target) && !isPureUpper && !isEmpty(target)) throw new Errno("ENOTEMPTY")
  const from = aboveOf(source)
  const remains = leavesWhiteout(from, source.name)
  const moved = copyUp(volume, source)
  const above = copyUp(volume, directory)
  closeBefore(volume, source, directory)
  if (target !== undefined && isDirectory(target) && !isEmpty(target)) throw new Errno("ENOTEMPTY")
  requireUnmounted(volume, moved)
  requireUnmounted(volume, target?.upper)
  volume.journal.names(
    () => renameText(moved, above, name),
    () => moveOver(volume, { moved, above, name, target, remains })
  )
  if (target !== undefined) gone(target)
  from.children.forget(source.name)
  settle(source, directory, name)
}

/** Two entries change places. */
export const exchangeIn = (volume: Volume, one: OverlayEntry, other: OverlayEntry): void => {
  requireMovable(one)
  requireMovable(other)
  const [here, there] = [aboveOf(one), aboveOf(other)]
  const upper = copyUp(volume, one)
  copyUp(volume, there)
  const upperOther = copyUp(volume, other)
  closeBefore(volume, one, there)
  closeBefore(volume, other, here)
  requireUnmounted(volume, upper)
  requireUnmounted(volume, upperOther)
  exchange(volume, upper, upperOther)
  const { name } = one
  settle(one, there, other.name)
  settle(other, here, name)
}

/** The upper layer may be a mount point, where it lies: its own answer. */
const requireUnmounted = (volume: Volume, upper: Link | undefined): void => {
  if (upper !== undefined && volume.mounts.isMountPoint(upper)) throw new Errno("EBUSY")
}

/** Before the upper layer's own answer: what is not moved in the end has been closed all the same. */
const closeBefore = (volume: Volume, entry: OverlayEntry, directory: OverlayEntry): void => {
  const { overlay } = entry
  const inode = entry.getNode()
  if (!isClosedBefore(inode, directory, overlay.settings.namespace)) return
  volume.journal.attributes(inode, () => `mark ${entry.name} opaque`, () => setOpaque(overlay, inode))
}

const settle = (entry: OverlayEntry, directory: OverlayEntry, name: string): void => {
  entry.parent = directory
  entry.name = name
  directory.children.adopt(entry)
}

interface Move {
  readonly moved: Link
  readonly above: Link
  readonly name: string
  readonly target: OverlayEntry | undefined
  /** Whether the old name has to be covered. */
  readonly remains: boolean
}

const moveOver = (volume: Volume, { above, moved, name, remains, target }: Move): void => {
  const [from, oldName] = [moved.parent, moved.name]
  const covered = above.children.get(name)
  const whiteout = target === undefined ? covered : undefined
  if (covered !== undefined && covered !== whiteout) drop(volume, covered)
  if (whiteout === undefined) move(volume, moved, above, name)
  else {
    takeOut(volume, whiteout)
    move(volume, moved, above, name)
    // Switched, where the old name needs one too: the upper layer's own rename does both at once.
    if (remains && from !== undefined) return put(volume, whiteout, { directory: from, name: oldName })
    discardDetached(volume, whiteout)
  }
  if (remains && from !== undefined) leaveWhiteout(volume, from, oldName)
}

/** A link that is in no directory any more. */
const discardDetached = (volume: Volume, link: Link): void => {
  link.parent = undefined
  discard(volume, link)
}

// ============================================================ marks

/** Takes the whiteout away that covers a name, if one does. */
const uncover = (volume: Volume, directory: Link, name: string): boolean => {
  const covering = directory.children.get(name)
  if (covering !== undefined) discard(volume, covering)
  return covering !== undefined
}

const setOpaque = ({ settings: { namespace } }: Overlay, inode: Inode): void => {
  xattrsOf(inode).set(opaqueMark(namespace), opaqueValue)
}

const addWhiteout = (volume: Volume, overlay: Overlay, directory: Link, name: string): void => {
  const known = overlay.whiteout
  if (known !== undefined && known.nlink > 0) addName(volume, directory, name, known)
  else {
    overlay.whiteout = newWhiteout(volume)
    create(volume, directory, name, overlay.whiteout)
  }
}

// ============================================================ entries

/** Takes an entry out of the upper layer; a directory that shows nothing may hold whiteouts still. */
const drop = (volume: Volume, link: Link): void => {
  if (isDirectory(link)) clearWhiteouts(volume, link)
  discard(volume, link)
}

const made = (directory: OverlayEntry, name: string): OverlayEntry => {
  const entry = directory.children.get(name)
  if (entry === undefined) throw new Error(`${name} was made and is not seen`)
  return entry
}

const gone = (entry: OverlayEntry): void => {
  entry.parent?.children.forget(entry.name)
  entry.parent = undefined
}

const aboveOf = (entry: OverlayEntry): OverlayEntry => {
  if (entry.parent === undefined) throw new Error(`${entry.name} is in no directory`)
  return entry.parent
}
