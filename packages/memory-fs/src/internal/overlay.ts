/**
 * What an overlay is, as pure functions over layers: what a name shows, what a directory lists, and what has to be left in
 * the upper layer so that a change is seen. Nothing here changes anything.
 *
 * The rules are the kernel's, by its page, Documentation/filesystems/overlayfs.rst: each part below is headed by the section it
 * follows. Where that page is silent, the part names the file of `fs/overlayfs` in Linux 6.18 that decides, and
 * a test against the kernel shows it. The options are those of every mount here: `index=off,redirect_dir=nofollow,metacopy=off`.
 */
import { Errno } from "./errno.ts"
import { type Inode, isDirectory, type Link, namesIn, xattrsOf } from "./inode.ts"
import { originOf } from "./origin.ts"

/** Under which prefix an overlay keeps its marks: `user.` with the option `userxattr`. Those of the other are plain data. */
export type Namespace = "trusted" | "user"

/** What an entry is in each layer that takes part in showing it. Never without any. */
export interface Layers {
  /** In the layer that is written to; a read-only overlay has none. */
  readonly upper: Link | undefined
  /** In the others, the nearest first. Of what is no directory, only one entry at all takes part. */
  readonly lowers: ReadonlyArray<Link>
}

// ============================================================ "whiteouts and opaque directories"

/** A character device 0/0: the name is gone, whatever lies below has. */
export const isWhiteout = (inode: Inode): boolean => inode.isCharacterDevice() && inode.rdev === 0

export const opaqueMark = (namespace: Namespace) => `${namespace}.overlay.opaque`

export const opaqueValue: Uint8Array = Buffer.from("y")

/** A directory that hides what lower layers have in it. */
export const isOpaque = (inode: Inode, namespace: Namespace): boolean => {
  const value = xattrsOf(inode).get(opaqueMark(namespace))
  return value !== undefined && Buffer.compare(value, opaqueValue) === 0
}

// ============================================================ "Upper and Lower", "Directories", "Multiple lower layers": namei.c

/** What a name shows, looked up in the layers of its directory from top to bottom; `undefined` where it shows nothing. */
export const lookUp = (directory: Layers, name: string, namespace: Namespace): Layers | undefined => {
  const found: Array<Link> = []
  for (const layer of layersOf(directory)) {
    const link = layer.children.get(name)
    if (link === undefined) continue
    const inode = link.getNode()
    // Only directories are merged: anything else ends what shows, or is not part of it.
    if (isWhiteout(inode) || (found.length > 0 && !inode.isDirectory())) break
    found.push(link)
    if (!inode.isDirectory() || isOpaque(inode, namespace)) break
  }
  const [first, ...further] = found
  if (first === undefined) return undefined
  return first.parent === directory.upper ? { upper: first, lowers: further } : { upper: undefined, lowers: found }
}

// ============================================================ "readdir": readdir.c

/**
 * Names in a directory that layers make up together. A directory that lies in one layer alone, and was made there, is
 * listed as it is, deletion marks and all, though none of those can be looked up: the kernel does the same.
 */
export const listed = (directory: Layers): ReadonlyArray<string> => {
  if (!isMerged(directory) && originOf(topOf(directory).getNode()) === undefined) return namesIn(topOf(directory))
  const shown = new Map<string, boolean>()
  for (const layer of layersOf(directory)) {
    for (const name of namesIn(layer)) {
      const link = layer.children.get(name)
      if (link !== undefined && !shown.has(name)) shown.set(name, !isWhiteout(link.getNode()))
    }
  }
  return [...shown].flatMap(([name, isShown]) => isShown ? [name] : [])
}

// ============================================================ pieces

/** From top to bottom. */
export const layersOf = ({ lowers, upper }: Layers): ReadonlyArray<Link> =>
  upper === undefined ? lowers : [upper, ...lowers]

/** The layer whose attributes an entry shows: of a merged directory the topmost. */
export const topOf = (layers: Layers): Link => {
  const [top] = layersOf(layers)
  if (top === undefined) throw new Error("an entry that no layer has")
  return top
}

/** A directory that more than one layer makes up. */
export const isMerged = ({ lowers, upper }: Layers): boolean => lowers.length + (upper === undefined ? 0 : 1) > 1

// ============================================================ "whiteouts and opaque directories", what a change leaves: dir.c

/** Whether a name that goes has to leave a whiteout: only where lower layers of its directory have it still. */
export const leavesWhiteout = (directory: Layers, name: string): boolean => {
  for (const lower of directory.lowers) {
    const link = lower.children.get(name)
    if (link !== undefined) return !isWhiteout(link.getNode())
  }
  return false
}

/**
 * Whether a new directory is made opaque: over a whiteout always. Elsewhere nothing could show through it, so the kernel
 * does it in merged directories only to save itself a look, and only with `xino=on` here, since it lets lower layers be
 * changed while they are not mounted ("Changes to underlying filesystems").
 */
export const isMadeOpaque = (directory: Layers, overWhiteout: boolean, xino: boolean): boolean =>
  overWhiteout || (xino && directory.lowers.length > 0)

// ============================================================ "renaming directories": dir.c

/**
 * Only what lies in the upper layer alone can be moved if it is a directory: to move another, all that lower layers show
 * in it would have to be copied, so programs are told to do that themselves.
 */
export const requireMovable = (source: Layers): void => {
  if (source.lowers.length > 0 && isDirectory(topOf(source))) throw new Errno("EXDEV")
}

/** Whether a directory is closed before it comes into another one: what lower layers have under its new name must not show. */
export const isClosedBefore = (source: Inode, directory: Layers, namespace: Namespace): boolean =>
  source.isDirectory() && directory.lowers.length > 0 && !isOpaque(source, namespace)

// ============================================================ "Non-directories": copy_up.c

/** Whether a copy goes on to be the file that it was: one of several names does not, since the others stay below. */
export const staysSame = (lower: Inode): boolean => lower.isDirectory() || lower.nlink === 1

/**
 * Whether all names of the file that these layers show are one: in the upper layer, and where nothing can be written; below,
 * a write to one of them breaks the link (`index=off`).
 */
export const sharesInode = (layers: Layers, isWritable: boolean): boolean =>
  layers.upper !== undefined || !isWritable || topOf(layers).getNode().nlink === 1

// ============================================================ "Inode properties": inode.c

/** The inode number: of the lower layer where it can be kept, so that a copy-up does not change it. */
export const numberOf = (layers: Layers): number => {
  const top = topOf(layers).getNode()
  if (top.isDirectory()) return (layers.lowers[0] ?? topOf(layers)).getNode().ino
  const origin = layers.upper === undefined ? undefined : originOf(top)
  return origin?.nlink === 1 ? origin.ino : top.ino
}

/** The kernel does not count the directories in a merged one. */
export const linkCountOf = (layers: Layers): number => {
  const top = topOf(layers).getNode()
  return top.isDirectory() && isMerged(layers) ? 1 : top.nlink
}

// ============================================================ "Nesting overlayfs mounts": xattrs.c

/** Whether the attribute in a layer is a mark of this overlay's own, which it neither shows nor copies up. */
export const isOwnXattr = (name: string, namespace: Namespace): boolean => {
  const own = ownPrefix(namespace)
  return name.startsWith(own) && !name.startsWith(`${own}overlay.`)
}

/** Under which name a layer keeps what is seen under this one; `undefined` where it ends where the own ones begin. */
export const storedXattr = (name: string, namespace: Namespace): string | undefined => {
  const own = ownPrefix(namespace)
  if (!name.startsWith(own)) return name
  return name === own ? undefined : `${own}overlay.${name.slice(own.length)}`
}

/** Under which name is seen what a layer keeps under this one. */
export const shownXattr = (name: string, namespace: Namespace): string => {
  const own = ownPrefix(namespace)
  return name.startsWith(`${own}overlay.`) ? `${own}${name.slice(`${own}overlay.`.length)}` : name
}

const ownPrefix = (namespace: Namespace) => `${namespace}.overlay.`
