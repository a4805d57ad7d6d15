/** Makes an overlay of the directories that a plan names, as `fs/overlayfs/super.c` does, with its refusals. */
import { formatOf } from "@snapshotter/core/TreeFileSystem"
import * as Disk from "./disk.ts"
import { Errno } from "./errno.ts"
import { createInode, isDirectory, isInside, type Link, namesIn } from "./inode.ts"
import { locate } from "./lookup.ts"
import type { Location } from "./mountTable.ts"
import { Overlay, OverlayEntry } from "./overlayEntry.ts"
import type { OverlayPlan } from "./overlayPlan.ts"
import { Refused } from "./refusal.ts"
import type { Volume } from "./volume.ts"

/** What a plan's paths lead to. */
export interface Found {
  readonly lowers: ReadonlyArray<Location>
  readonly upper: Location | undefined
  readonly work: Location | undefined
}

export const findLayers = (volume: Volume, plan: OverlayPlan): Found => ({
  upper: plan.upper === undefined ? undefined : locateNamed(volume, plan.upper),
  work: plan.work === undefined ? undefined : locateNamed(volume, plan.work),
  lowers: plan.lower.map((path) => locateNamed(volume, path))
})

/** The directory; what is not there is refused by its path. */
const locateNamed = (volume: Volume, path: string): Location => {
  try {
    const location = locate(volume, path.toWellFormed(), true)
    if (!isDirectory(location.link)) throw new Refused("EINVAL", `${JSON.stringify(path)} is not a directory`)
    return location
  } catch (error) {
    if (error instanceof Errno) {
      throw new Refused(error.code, `${JSON.stringify(path)} cannot be reached as a directory`)
    }
    throw error
  }
}

/** Layers lie on the disk itself: the kernel takes no upper layer on an overlay, and memory-fs none at all. */
const linkOf = ({ link }: Location, what: string): Link => {
  if (link instanceof OverlayEntry) {
    throw new Refused(
      "EINVAL",
      `${what} lies on an overlay, which cannot be one of its layers; mount the layers instead`
    )
  }
  return link
}

/** No layer may be another one, and no lower one lie in another: what is written to one would change under the other. */
const requireApart = (lowers: ReadonlyArray<Link>, written: ReadonlyArray<Link>): void => {
  const all = new Set([...written, ...lowers])
  const isNested = lowers.some((layer) => layer.parent !== layer && isBelowAny(layer.parent, all))
  if (all.size < lowers.length + written.length || isNested) {
    throw new Refused("ELOOP", "its layers overlap; name each directory once")
  }
}

const isBelowAny = (directory: Link | undefined, layers: ReadonlySet<Link>): boolean => {
  for (let at = directory; at !== undefined; at = at.parent === at ? undefined : at.parent) {
    if (layers.has(at)) return true
  }
  return false
}

/** The overlay, to be attached. `work` gets the directory that the kernel works in, which nobody may enter. */
export const makeOverlay = (volume: Volume, plan: OverlayPlan, found: Found): Overlay => {
  const lowers = found.lowers.map((lower) => linkOf(lower, "a lower layer"))
  const written = writtenDirectories(found)
  requireApart(lowers, written === undefined ? [] : [written.upper, written.work])
  if (written !== undefined) prepareWork(volume, written.work, plan)
  const holders = new Set(
    [found.upper, ...found.lowers].flatMap((location) => location === undefined ? [] : [location.mount])
  )
  return new Overlay({ upper: written?.upper, lowers }, plan.settings, holders, volume.mounts.newDevice(volume.device))
}

/** The two directories that are written to: apart, and where the one can be renamed into the other. */
const writtenDirectories = ({ upper, work }: Found): { readonly upper: Link; readonly work: Link } | undefined => {
  if (upper === undefined || work === undefined) return undefined
  const links = { upper: linkOf(upper, "the upper layer"), work: linkOf(work, "workdir") }
  if (!upper.mount.writable) {
    throw new Refused("EINVAL", "the upper layer is mounted read-only; mount it writable first")
  }
  if (upper.mount !== work.mount) throw new Refused("EINVAL", "workdir and upperdir must reside under the same mount")
  if (isInside(links.upper, links.work) || isInside(links.work, links.upper)) {
    throw new Refused("EINVAL", "workdir and upperdir must be separate subtrees")
  }
  return links
}

const prepareWork = (volume: Volume, work: Link, plan: OverlayPlan): void => {
  const before = work.children.get("work")
  if (before !== undefined) {
    if (before.children.get("incompat")?.children.get("volatile") !== undefined) {
      throw new Refused(
        "EINVAL",
        "it was mounted with the option volatile before, so what was written may not be whole, and overlay does not " +
          `mount it again; remove the snapshot, or, if nothing crashed since, remove ` +
          `${JSON.stringify(`${plan.work}/work/incompat/volatile`)} first`
      )
    }
    discardAll(volume, before)
  }
  const made = makeDirectory(volume, work, "work")
  if (!plan.volatile) return
  makeDirectory(volume, makeDirectory(volume, made, "incompat"), "volatile")
}

const makeDirectory = (volume: Volume, directory: Link, name: string): Link =>
  Disk.create(volume, directory, name, createInode(volume.memfs._core, formatOf.directory))

const discardAll = (volume: Volume, link: Link): void => {
  for (const name of isDirectory(link) ? namesIn(link) : []) {
    const child = link.children.get(name)
    if (child !== undefined) discardAll(volume, child)
  }
  Disk.discard(volume, link)
}
