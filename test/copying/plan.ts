/** From an overlay mount as data to what has to be copied, or why it cannot be. */
import { type OverlayMount, overlayOptions } from "@snapshotter/core/Mount"
import { layersMaxOfKernel } from "@snapshotter/core/Snapshot"
import type { Marks } from "./copy.ts"

export interface Plan {
  /** Nearest first. */
  readonly lower: ReadonlyArray<string>
  readonly upper: string | undefined
  readonly marks: Marks
}

/** Options that say how layers are to be read here anyway, or nothing that a copy could heed. */
const options = /^(userxattr|index=off|redirect_dir=nofollow|metacopy=off|nfs_export=off|xino=(on|off|auto)|volatile)$/

/** The reason, where it cannot be done. */
export const planOf = (mount: OverlayMount): Plan | string => {
  const { lower, others, upper } = overlayOptions(mount)
  const unknown = others.find((option) => !options.test(option))
  if (unknown !== undefined) return `the option ${unknown} means nothing to a copy of the layers; leave it out`
  if (lower.length === 0) return "an overlay needs at least one lowerdir"
  if (lower.length > layersMaxOfKernel) {
    return `it has ${lower.length} lower layers and an overlay takes ${layersMaxOfKernel} at most; merge some of them`
  }
  return { lower, upper, marks: others.includes("userxattr") ? "user" : "trusted" }
}
