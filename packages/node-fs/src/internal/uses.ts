/** Who is using a layer: by device, inode and id, since a mount goes on showing the path that it was made with. */
import type { LayerUse } from "@snapshotter/core/Mounter"
import { isWritable, type MountInfo, overlayLayers, readings } from "./mountinfo.ts"
import { lookThrough, seen } from "./stat.ts"
import type { Syscalls } from "./syscalls.ts"

interface Layer {
  readonly path: string
  /** The directory that holds it, where that is named as a store names its snapshots. */
  readonly id: string | undefined
  /** `undefined` where it is no longer there. */
  readonly inode: { readonly dev: bigint; readonly ino: bigint } | undefined
  /** Its file system, and where it is in that; as mountinfo's `root` tells. */
  readonly device: { readonly major: number; readonly minor: number } | undefined
  readonly root: string | undefined
}

/** A use, and how sure it is. */
export interface Found {
  readonly use: LayerUse
  /**
   * The path that the mount shows leads nowhere now, as after a commit: only the id in it tells that it is this
   * layer.
   */
  readonly byIdAlone: boolean
}

/** The uses that the mounts of this namespace show. */
export const usesAmong = (sys: Syscalls, mounts: ReadonlyArray<MountInfo>, path: string): Array<Found> => {
  const layer = identify(sys, mounts, path)
  return mounts.flatMap((mount) =>
    mount.type === "overlay" ? overlayUses(sys, layer, mount) : bindUses(sys, layer, mount)
  )
}

const identify = (sys: Syscalls, mounts: ReadonlyArray<MountInfo>, path: string): Layer => {
  const id = /\/([a-z2-7]{13})\/fs$/.exec(path)?.[1]
  if (lookThrough(sys, path) < 0) return { path, id, inode: undefined, device: undefined, root: undefined }
  const inode = { dev: seen.dev(), ino: seen.ino() }
  const mountId = Number(seen.mountId())
  const mount = mounts.find((mount) => mount.id === mountId)
  return { path, id, inode, device: mount, root: mount === undefined ? undefined : rootOf(mount, path) }
}

/** Where a path is within the file system that is mounted there. */
const rootOf = (mount: MountInfo, path: string): string | undefined => {
  const rest = within(mount.target, path)
  return rest === undefined ? undefined : `${mount.root === "/" ? "" : mount.root}${rest}` || "/"
}

/**
 * What is left of a path below a directory: `""` for itself, else with a slash in front; `undefined` when it is not.
 */
const within = (directory: string, path: string): string | undefined => {
  if (directory === "/") return path === "/" ? "" : path
  if (path === directory) return ""
  return path.startsWith(`${directory}/`) ? path.slice(directory.length) : undefined
}

// ============================================================ overlays

const overlayUses = (sys: Syscalls, layer: Layer, mount: MountInfo): Array<Found> => {
  const { lower, upper } = shownBy(mount)
  const { target } = mount
  const uses: Array<Found> = []
  const asUpper = isAmong(sys, layer, upper)
  if (asUpper !== "no") {
    // Read-only here, it may be writable where it is mounted elsewhere, or again in a moment.
    uses.push({ use: { target, as: "upper", writable: true }, byIdAlone: asUpper === "by id" })
  }
  const asLower = isAmong(sys, layer, lower)
  if (asLower !== "no") uses.push({ use: { target, as: "lower", writable: false }, byIdAlone: asLower === "by id" })
  return uses
}

/** A directory as a mount shows it, and the id in its path where a store has made it. */
interface Shown {
  readonly path: string
  readonly id: string | undefined
}

const shownLayers = new WeakMap<MountInfo, { readonly lower: Array<Shown>; readonly upper: Array<Shown> }>()

/** Taken apart once for each mount: a machine may have tens of thousands of layers mounted. */
const shownBy = (mount: MountInfo) => {
  const known = shownLayers.get(mount)
  if (known !== undefined) return known
  const { lower, upper } = overlayLayers(mount)
  const shown = { lower: lower.map(shownAs), upper: upper === undefined ? [] : readings(upper).map(shownAs) }
  shownLayers.set(mount, shown)
  return shown
}

const shownAs = (path: string): Shown => ({ path, id: /(?:^|\/)([a-z2-7]{13})\/fs$/.exec(path)?.[1] })

type Answer = "yes" | "by id" | "no"

const isAmong = (sys: Syscalls, layer: Layer, paths: ReadonlyArray<Shown>): Answer => {
  let answer: Answer = "no"
  for (const shown of paths) {
    const one = isLayer(sys, layer, shown)
    if (one === "yes") return one
    if (one === "by id") answer = one
  }
  return answer
}

/**
 * Whether a path that a mount shows means this layer. With another snapshot's id it does not, and is not even looked
 * at. With the layer's id it does, unless it leads to something else, as in a copied store.
 */
const isLayer = (sys: Syscalls, layer: Layer, { path, id }: Shown): Answer => {
  if (id !== undefined && layer.id !== undefined && id !== layer.id) return "no"
  const leadsTo = leadsToLayer(sys, layer, path)
  if (leadsTo !== undefined) return leadsTo ? "yes" : "no"
  return id !== undefined && id === layer.id ? "by id" : "no"
}

/** `undefined` where it leads nowhere, or where only the process that mounted it could tell. */
const leadsToLayer = (sys: Syscalls, layer: Layer, path: string): boolean | undefined => {
  if (!path.startsWith("/") || path.startsWith("/proc/")) return undefined
  if (lookThrough(sys, path) < 0) return undefined
  return layer.inode !== undefined && seen.dev() === layer.inode.dev && seen.ino() === layer.inode.ino
}

// ============================================================ bind mounts

/** A mount of the same file system that shows the layer, or something in it, and not what the layer lies in. */
const bindUses = (sys: Syscalls, layer: Layer, mount: MountInfo): Array<Found> => {
  if (!isSameDevice(layer, mount) || !(showsRoot(layer, mount) || showsId(sys, layer, mount))) return []
  return [{ use: { target: mount.target, as: "bind", writable: isWritable(mount) }, byIdAlone: false }]
}

const isSameDevice = ({ device }: Layer, mount: MountInfo): boolean =>
  device === undefined || (device.major === mount.major && device.minor === mount.minor)

/** The kernel shows where the bound directory is now, whatever it was called then. */
const showsRoot = ({ root }: Layer, mount: MountInfo): boolean =>
  root !== undefined && root !== "/" && within(root, mount.root) !== undefined

/** For a layer that is reached by another mount than the one that was bound. */
const showsId = (sys: Syscalls, layer: Layer, mount: MountInfo): boolean => {
  if (layer.id === undefined) return false
  const found = mount.root.lastIndexOf(`/${layer.id}/fs`)
  const rest = found === -1 ? undefined : mount.root.slice(found + layer.id.length + 4)
  if (rest === undefined || (rest !== "" && !rest.startsWith("/"))) return false
  // A copied store has the same ids.
  const visible = rest === "" && lookThrough(sys, mount.target) === 0 && Number(seen.mountId()) === mount.id
  return !visible || layer.inode === undefined || (seen.dev() === layer.inode.dev && seen.ino() === layer.inode.ino)
}
