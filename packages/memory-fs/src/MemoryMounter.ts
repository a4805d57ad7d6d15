/** The in-memory backend of `Mounter`: binds and overlays in a volume's mount table, seen through `MemoryFileSystem`. */
import type { BindMount, Mount, OverlayMount } from "@snapshotter/core/Mount"
import {
  AlreadyMounted,
  Mounter,
  type MountError,
  MountFailed,
  type MountPoint,
  StillInUse
} from "@snapshotter/core/Mounter"
import { Effect, Layer } from "effect"
import { attachBind, wouldBeWritable } from "./internal/bind.ts"
import { isInOverlay } from "./internal/change.ts"
import { Errno, saysAbsent } from "./internal/errno.ts"
import { type Entry, isRemoved } from "./internal/inode.ts"
import { find, locate, locateDirectory } from "./internal/lookup.ts"
import type { Location, MountedTree } from "./internal/mountTable.ts"
import { shownName } from "./internal/names.ts"
import { OverlayEntry } from "./internal/overlayEntry.ts"
import { findLayers, makeOverlay } from "./internal/overlayMount.ts"
import { isWithoutEffect, planOverlay } from "./internal/overlayPlan.ts"
import { Refused } from "./internal/refusal.ts"
import { usesOf } from "./internal/uses.ts"
import { insidesOf, type Volume } from "./internal/volume.ts"
import { MemoryVolume } from "./MemoryVolume.ts"

/** Does something with `path`, and turns what is refused into a failure that says why. */
const attempt = <A>(
  operation: MountFailed["operation"],
  target: string,
  path: string,
  act: () => A
): Effect.Effect<A, MountFailed> =>
  Effect.suspend(() => {
    try {
      if (target.includes("\0") || path.includes("\0")) throw new Refused("EINVAL", "a path cannot contain NUL")
      return Effect.succeed(act())
    } catch (error) {
      if (error instanceof Refused) {
        return Effect.fail(new MountFailed({ operation, target, code: error.code, reason: error.reason }))
      }
      if (!(error instanceof Errno)) throw error
      const { code } = error
      return Effect.fail(new MountFailed({ operation, target, code, reason: reasonOf(code, path) }))
    }
  })

const reasonOf = (code: string, path: string): string => {
  const quoted = JSON.stringify(path)
  if (code === "ENOENT") return `${quoted} does not exist; make it first`
  if (code === "ENOTDIR") return `${quoted} is no directory, or leads through something that is none`
  return code === "ELOOP" || code === "ENAMETOOLONG" ? `${quoted} leads nowhere` : "the disk refuses it"
}

// == mount

const isKnown = (option: string): boolean => ["rw", "ro", "bind", "rbind"].includes(option) || isWithoutEffect(option)

const requireOptions = (mount: BindMount): void => {
  const unknown = mount.options.find((option) => !isKnown(option))
  if (unknown !== undefined) {
    throw new Refused(
      "EINVAL",
      `${JSON.stringify(unknown)} is no option of a bind mount in memory-fs; leave it out`
    )
  }
  if (mount.options.includes("rw") && mount.options.includes("ro")) {
    throw new Refused("EINVAL", "rw and ro contradict each other; leave one out")
  }
}

/** A layer has one writable mount, through whichever path and of whichever kind. */
const requireUnwritten = (volume: Volume, layer: Entry, path: string): Effect.Effect<void, AlreadyMounted> =>
  Effect.suspend(() => {
    const other = usesOf(volume, layer).find(({ writable }) => writable)
    return other === undefined ? Effect.void : Effect.fail(new AlreadyMounted({ layer: path, target: other.target }))
  })

const sourceOf = (volume: Volume, { source }: BindMount): Location => locateDirectory(volume, source.toWellFormed())

/** Nothing is mounted on what has been removed. */
const placeFor = (volume: Volume, target: string): Location => {
  const location = locateDirectory(volume, target.toWellFormed())
  if (isRemoved(location.link)) throw new Errno("ENOENT")
  return location
}

const mountBind = Effect.fnUntraced(function*(volume: Volume, mount: BindMount, target: string) {
  yield* attempt("mount", target, target, () => requireOptions(mount))
  const on = yield* attempt("mount", target, target, () => placeFor(volume, target))
  const source = yield* attempt("mount", target, mount.source, () => sourceOf(volume, mount))
  if (wouldBeWritable(mount, source)) yield* requireUnwritten(volume, source.link, mount.source)
  return attachBind(volume, mount, source, on)
})

const mountOverlay = Effect.fnUntraced(function*(volume: Volume, mount: OverlayMount, target: string) {
  const plan = yield* attempt("mount", target, target, () => planOverlay(mount))
  const on = yield* attempt("mount", target, target, () => placeFor(volume, target))
  const layers = yield* attempt("mount", target, target, () => findLayers(volume, plan))
  if (plan.writable && layers.upper !== undefined) yield* requireUnwritten(volume, layers.upper.link, plan.upper ?? "")
  const overlay = yield* attempt("mount", target, target, () => makeOverlay(volume, plan, layers))
  return volume.mounts.attach(overlay.root, on, plan.writable)
})

const mountOne = (volume: Volume, mount: Mount, target: string): Effect.Effect<MountedTree, MountError> =>
  mount.type === "bind" ? mountBind(volume, mount, target) : mountOverlay(volume, mount, target)

/** Takes a mount out of the tree, and says so where that hides it from someone who still uses it. */
const detach = (volume: Volume, mount: MountedTree): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!volume.mounts.isAttached(mount)) return Effect.void
    const target = pathOfRoot(volume, mount)
    if (volume.mounts.mountOn({ mount, link: mount.root }) !== undefined) {
      return Effect.logWarning(`${target} stays mounted: something else is mounted on it now`)
    }
    endBrought(volume, mount)
    const used = isUsed(volume, mount)
    volume.mounts.detach(mount)
    return used ? Effect.logWarning(`${target} was still in use, so it was detached instead of unmounted`) : Effect.void
  })

/** What came with a mount has to go before it. */
const endBrought = (volume: Volume, mount: MountedTree): void => {
  for (const one of mount.brought.toReversed()) {
    if (volume.mounts.isAttached(one) && !isUsed(volume, one)) volume.mounts.detach(one)
  }
}

const isUsed = (volume: Volume, mount: MountedTree): boolean =>
  mount.users > 0 || volume.mounts.mountsOn(mount).length > 0 || holdsLayers(volume, mount)

/** Whether an overlay that is mounted has its layers through this mount. */
const holdsLayers = (volume: Volume, mount: MountedTree): boolean =>
  volume.mounts.all.some(({ root }) => root instanceof OverlayEntry && root.overlay.holders.has(mount))

const pathOfRoot = (volume: Volume, mount: MountedTree): string =>
  shownName(volume.mounts.pathOf({ mount, link: mount.root }))

const mount = (volume: Volume): Mounter["mount"] => (mounts, target) =>
  mounts.length === 0
    ? attempt("mount", target, target, () => {
      throw new Refused("EINVAL", "there is nothing to mount; give the mounts of a snapshot")
    })
    // Uninterruptible: either all are made and belong to the scope, or none is left.
    : Effect.uninterruptible(Effect.gen(function*() {
      const made: Array<MountedTree> = []
      const detachAll = Effect.suspend(() => Effect.forEach(made.toReversed(), (one) => detach(volume, one)))
      // All that is to be shown is looked for before anything is mounted on it.
      for (const one of mounts) {
        if (one.type === "bind") yield* attempt("mount", target, one.source, () => sourceOf(volume, one))
      }
      for (const one of mounts) {
        made.push(yield* Effect.onError(mountOne(volume, one, target), () => detachAll))
      }
      yield* Effect.addFinalizer(() => detachAll)
    }))

// == unmount

const unmount = (volume: Volume): Mounter["unmount"] => (target) =>
  Effect.gen(function*() {
    const { link, mount } = yield* attempt("unmount", target, target, () => locate(volume, target.toWellFormed(), true))
    if (mount.on === undefined || link !== mount.root) {
      const reason = "nothing is mounted on exactly this path"
      return yield* new MountFailed({ operation: "unmount", target, code: "EINVAL", reason })
    }
    endBrought(volume, mount)
    if (isUsed(volume, mount)) return yield* new StillInUse({ target })
    volume.mounts.detach(mount)
  })

// == mounted

const mounted = (volume: Volume): Mounter["mounted"] =>
  Effect.sync(() =>
    volume.mounts.all.map((mount): MountPoint => ({
      target: pathOfRoot(volume, mount),
      type: isInOverlay(mount.root) ? "overlay" : "memfs",
      writable: mount.writable
    }))
  )

// == uses

/** The directory itself, not what is mounted on it; `undefined` where there is none. */
const layerEntry = (volume: Volume, layer: string): Entry | undefined => {
  try {
    const { at, last, name, parent } = find(volume, layer.toWellFormed(), true)
    return last === "name" ? parent.link.children.get(name) : at?.link
  } catch (error) {
    if (saysAbsent(error)) return undefined
    throw error
  }
}

const uses = (volume: Volume): Mounter["uses"] => (layer) =>
  attempt("read mounts", layer, layer, () => {
    const entry = layerEntry(volume, layer)
    return entry === undefined ? [] : usesOf(volume, entry)
  })

export const make = (volume: MemoryVolume): Mounter => {
  const insides = insidesOf(volume)
  return {
    mount: mount(insides),
    unmount: unmount(insides),
    mounted: mounted(insides),
    uses: uses(insides)
  }
}

export const layer: Layer.Layer<Mounter, never, MemoryVolume> = Layer.effect(Mounter, Effect.map(MemoryVolume, make))
