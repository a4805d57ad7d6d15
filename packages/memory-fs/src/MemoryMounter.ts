/** The in-memory backend of `Mounter`: bind mounts in a volume's mount table, seen through `MemoryFileSystem`. */
import type { BindMount, Mount } from "@snapshotter/core/Mount"
import {
  AlreadyMounted,
  type LayerUse,
  Mounter,
  type MountError,
  MountFailed,
  type MountPoint,
  MountUnavailable,
  StillInUse
} from "@snapshotter/core/Mounter"
import { Effect, Layer } from "effect"
import { attachBind, wouldBeWritable, writableMountOf } from "./internal/bind.ts"
import { Errno, saysAbsent } from "./internal/errno.ts"
import { isInside, type Link } from "./internal/inode.ts"
import { find, locate, locateDirectory } from "./internal/lookup.ts"
import type { MountedTree } from "./internal/mountTable.ts"
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
      return Effect.succeed(act())
    } catch (error) {
      if (!(error instanceof Errno)) throw error
      const { code } = error
      return Effect.fail(new MountFailed({ operation, target, code, reason: reasonOf(code, path) }))
    }
  })

const reasonOf = (code: string, path: string): string => {
  const quoted = JSON.stringify(path)
  if (code === "ENOENT") return `${quoted} does not exist; make it first`
  if (code === "ENOTDIR") return `${quoted} is no directory, or leads through something that is none`
  return `${quoted} leads nowhere`
}

// == mount

const optionsKnown = ["rw", "ro", "bind", "rbind"]

const invalid = (target: string, reason: string) =>
  new MountFailed({ operation: "mount", target, code: "EINVAL", reason })

const requireOptions = (mount: BindMount, target: string): Effect.Effect<void, MountFailed> => {
  const unknown = mount.options.find((option) => !optionsKnown.includes(option))
  if (unknown !== undefined) {
    return Effect.fail(
      invalid(target, `${JSON.stringify(unknown)} is no option of a bind mount in memory-fs; leave it out`)
    )
  }
  const contradicts = mount.options.includes("rw") && mount.options.includes("ro")
  return contradicts ? Effect.fail(invalid(target, "rw and ro contradict each other; leave one out")) : Effect.void
}

const mountBind = Effect.fnUntraced(function*(volume: MemoryVolume, mount: BindMount, target: string) {
  yield* requireOptions(mount, target)
  const on = yield* attempt("mount", target, target, () => locateDirectory(volume, target))
  const source = yield* attempt("mount", target, mount.source, () => locateDirectory(volume, mount.source))
  const other = wouldBeWritable(mount, source) ? writableMountOf(volume, source.link) : undefined
  if (other !== undefined) {
    return yield* new AlreadyMounted({ layer: mount.source, target: pathOfRoot(volume, other) })
  }
  return attachBind(volume, mount, source, on)
})

const mountOne = (volume: MemoryVolume, mount: Mount, target: string): Effect.Effect<MountedTree, MountError> =>
  mount.type === "bind" ? mountBind(volume, mount, target) : Effect.fail(
    new MountUnavailable({
      target,
      reason: "memory-fs mounts binds only, and this is an overlay",
      remedy: "use a snapshot without parent, or a view of one that has none, or mount it with node-fs"
    })
  )

/** Takes a mount out of the tree, and says so where that hides it from someone who still uses it. */
const detach = (volume: MemoryVolume, mount: MountedTree): Effect.Effect<void> =>
  Effect.suspend(() => {
    if (!volume.mounts.isAttached(mount)) return Effect.void
    const target = pathOfRoot(volume, mount)
    const used = isUsed(volume, mount)
    volume.mounts.detach(mount)
    return used ? Effect.logWarning(`${target} was still in use, so it was detached instead of unmounted`) : Effect.void
  })

const isUsed = (volume: MemoryVolume, mount: MountedTree): boolean =>
  mount.users > 0 || volume.mounts.mountsOn(mount).length > 0

const pathOfRoot = (volume: MemoryVolume, mount: MountedTree): string =>
  volume.mounts.pathOf({ mount, link: mount.root })

const mount = (volume: MemoryVolume): Mounter["mount"] => (mounts, target) =>
  mounts.length === 0
    ? Effect.fail(invalid(target, "there is nothing to mount; give the mounts of a snapshot"))
    // Uninterruptible: either all are made and belong to the scope, or none is left.
    : Effect.uninterruptible(Effect.gen(function*() {
      const made: Array<MountedTree> = []
      const detachAll = Effect.suspend(() => Effect.forEach(made.toReversed(), (one) => detach(volume, one)))
      for (const one of mounts) {
        made.push(yield* Effect.tapError(mountOne(volume, one, target), () => detachAll))
      }
      yield* Effect.addFinalizer(() => detachAll)
    }))

// == unmount

const unmount = (volume: MemoryVolume): Mounter["unmount"] => (target) =>
  Effect.gen(function*() {
    const { link, mount } = yield* attempt("unmount", target, target, () => locate(volume, target, true))
    if (mount.on === undefined || link !== mount.root) {
      const reason = "nothing is mounted on exactly this path"
      return yield* new MountFailed({ operation: "unmount", target, code: "EINVAL", reason })
    }
    if (isUsed(volume, mount)) return yield* new StillInUse({ target })
    volume.mounts.detach(mount)
  })

// == mounted

const mounted = (volume: MemoryVolume): Mounter["mounted"] =>
  Effect.sync(() =>
    volume.mounts.all.map((mount): MountPoint => ({
      target: pathOfRoot(volume, mount),
      type: "memfs",
      writable: mount.writable
    }))
  )

// == uses

/** The directory itself, not what is mounted on it; `undefined` where there is none. */
const layerLink = (volume: MemoryVolume, layer: string): Link | undefined => {
  try {
    const { at, last, name, parent } = find(volume, layer, true)
    return last === "name" ? parent.link.children.get(name) : at?.link
  } catch (error) {
    if (saysAbsent(error)) return undefined
    throw error
  }
}

/** A mount of a directory inside the layer uses it too: what is written there is written into the layer. */
const uses = (volume: MemoryVolume): Mounter["uses"] => (layer) =>
  attempt("read mounts", layer, layer, () => {
    const link = layerLink(volume, layer)
    const shows = (mount: MountedTree) => link !== undefined && isInside(mount.root, link)
    const attached = volume.mounts.all.filter((mount) => mount.on !== undefined && shows(mount))
    return [
      ...attached.map((mount): LayerUse => ({
        target: pathOfRoot(volume, mount),
        as: "bind",
        writable: mount.writable
      })),
      // What was detached while it was written to may be written to still.
      ...volume.mounts.lingering.filter((mount) => mount.writable && shows(mount)).map((): LayerUse => ({
        target: undefined,
        as: "bind",
        writable: true
      }))
    ]
  })

export const make = (volume: MemoryVolume): Mounter => ({
  mount: mount(volume),
  unmount: unmount(volume),
  mounted: mounted(volume),
  uses: uses(volume)
})

export const layer: Layer.Layer<Mounter, never, MemoryVolume> = Layer.effect(Mounter, Effect.map(MemoryVolume, make))
