/** By which numbers a file is known: those of its inode, or those that an overlay shows in their place. */
import type { Entry } from "./inode.ts"
import { linkCountOf, numberOf } from "./overlay.ts"
import { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

export interface Identifiers {
  readonly dev: bigint
  readonly ino: number
  readonly nlink: number
}

export const identifiersOf = (volume: Volume, entry: Entry): Identifiers => {
  if (entry instanceof OverlayEntry) {
    return { dev: entry.overlay.device, ino: numberOf(entry), nlink: linkCountOf(entry) }
  }
  const { ino, nlink } = entry.getNode()
  return { dev: volume.device, ino, nlink }
}
