/** Who is using a layer: by what the mounts hold, so a layer that has been moved since is told as well. */
import type { LayerUse } from "@snapshotter/core/Mounter"
import { type Entry, isInside } from "./inode.ts"
import type { MountedTree } from "./mountTable.ts"
import { shownName } from "./names.ts"
import { OverlayEntry } from "./overlayEntry.ts"
import type { Volume } from "./volume.ts"

export const usesOf = (volume: Volume, layer: Entry): ReadonlyArray<LayerUse> => [
  ...volume.mounts.all.flatMap((mount) => mount.on === undefined ? [] : usesByOne(volume, layer, mount)),
  // What was detached while it was written to may be written to still.
  ...volume.mounts.lingering.flatMap((mount) =>
    usesByOne(volume, layer, mount)
      .filter(({ as, writable }) => as === "upper" || (as === "bind" && writable && mount.writers > 0))
      .map((use): LayerUse => ({ ...use, target: undefined }))
  )
]

const usesByOne = (volume: Volume, layer: Entry, mount: MountedTree): Array<LayerUse> => {
  // Nothing in an overlay is a layer.
  if (layer instanceof OverlayEntry) return []
  const { root, writable } = mount
  const target = shownName(volume.mounts.pathOf({ mount, link: root }))
  const uses: Array<LayerUse> = []
  // A mount of a directory inside the layer uses it too: what is written there is written into the layer.
  if (isInside(root, layer)) uses.push({ target, as: "bind", writable })
  if (!(root instanceof OverlayEntry)) return uses
  const { lowers, upper } = root.overlay.layers
  if (upper === layer) uses.push({ target, as: "upper", writable: true })
  if (lowers.includes(layer)) uses.push({ target, as: "lower", writable: false })
  return uses
}
