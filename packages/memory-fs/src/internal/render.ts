/** A volume as text, for messages of failed tests: every name with its mode, what is mounted where, who holds a lock. */
import { type Entry, isDirectory, isSymlink, namesIn, xattrsOf } from "./inode.ts"
import type { MountedTree } from "./mountTable.ts"
import { shownName } from "./names.ts"
import { layersOf } from "./overlay.ts"
import { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

const textBytesMax = 60

export const renderVolume = (volume: Volume): string => {
  const lines: Array<string> = []
  renderLink(volume.mounts.root.link, 0, lines)
  for (const mount of volume.mounts.all) {
    if (mount.on !== undefined) lines.push(renderMount(volume, mount))
  }
  for (const { directory, process } of volume.locks.values()) {
    lines.push(`${onDisk(volume, directory)} is locked by ${process}`)
  }
  return lines.join("\n")
}

const renderLink = (link: Entry, depth: number, lines: Array<string>): void => {
  const inode = link.getNode()
  const mode = inode.perm.toString(8).padStart(4, "0")
  const name = depth === 0 ? "/" : `${shown(link.name)}${isDirectory(link) ? "/" : ""}`
  const links = inode.isFile() && inode.nlink > 1 ? ` inode ${inode.ino}` : ""
  const xattrs = [...xattrsOf(inode).keys()].map((key) => ` +${key}`).join("")
  lines.push(`${"  ".repeat(depth)}${name} ${mode}${contents(link)}${links}${xattrs}`)
  if (!isDirectory(link)) return
  for (const child of namesIn(link).sort()) {
    const below = link.children.get(child)
    if (below !== undefined) renderLink(below, depth + 1, lines)
  }
}

const contents = (link: Entry): string => {
  const inode = link.getNode()
  if (isSymlink(link)) return ` → ${shown(inode.symlink)}`
  if (!inode.isFile()) return ""
  const text = inode.buf.subarray(0, Math.min(inode.getSize(), textBytesMax)).toString()
  return ` ${JSON.stringify(text)}${inode.getSize() > textBytesMax ? `… (${inode.getSize()} bytes)` : ""}`
}

const renderMount = (volume: Volume, mount: MountedTree): string =>
  `${shownName(volume.mounts.pathOf({ mount, link: mount.root }))} shows ${shownBy(volume, mount.root)}, ` +
  (mount.writable ? "writable" : "read-only")

/** A directory, or the layers of an overlay from top to bottom; with the path in it where only a part is shown. */
const shownBy = (volume: Volume, root: Entry): string => {
  if (!(root instanceof OverlayEntry)) return onDisk(volume, root)
  const { layers, root: whole } = root.overlay
  const stack = layersOf(layers).map((layer) => onDisk(volume, layer)).join(" over ")
  return root === whole ? stack : `${root.name} in ${stack}`
}

const onDisk = (volume: Volume, link: Entry): string =>
  shown(volume.mounts.pathOf({ mount: volume.mounts.root.mount, link }))

const shown = (text: string): string => /^[\w./ @+=,:-]*$/.test(text) ? text : JSON.stringify(shownName(text))
