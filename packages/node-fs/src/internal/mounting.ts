/** One mount, by whatever way: from data to what is attached. */
import { isWritable, type Mount } from "@snapshotter/core/Mount"
import { closing, type MountIdentity, nameDirectory, uniqueMountId } from "./attach.ts"
import { bindByMount, bindByOpenTree, type BindPlan, planBind } from "./bind.ts"
import { ENOSYS, EPERM } from "./errno.ts"
import type { MountInfo } from "./mountinfo.ts"
import {
  explained,
  knownParameters,
  mountByFsopen,
  mountByOptionString,
  refuseAfterVolatile,
  takesLayersSingly
} from "./overlay.ts"
import { type OverlayPlan, planOverlay } from "./overlayPlan.ts"
import { privilege, Refused } from "./refusal.ts"
import { AT_FDCWD, type Syscalls } from "./syscalls.ts"
import type { Attached } from "./unmounting.ts"

export type Way = "auto" | "fsopen" | "mount"

export type Plan =
  & {
    /** The layer that can be changed through the mount. */
    readonly written: string | undefined
  }
  & ({ readonly type: "bind"; readonly source: string; readonly bind: BindPlan } | {
    readonly type: "overlay"
    readonly overlay: OverlayPlan
  })

/** Throws {@link Refused} for what must not be mounted. `realPath` gives a path without symlinks. */
export const planOf = (mount: Mount, realPath: (path: string) => string): Plan => {
  if (mount.type === "bind") {
    const bind = planBind(mount)
    const source = realPath(mount.source)
    return { type: "bind", written: isWritable(mount) ? source : undefined, source, bind }
  }
  const overlay = planOverlay(mount, knownParameters())
  return { type: "overlay", written: overlay.flags.includes("ro") ? undefined : overlay.upper, overlay }
}

/** What is mounted now, oldest first. */
type Mounted = () => ReadonlyArray<MountInfo>

/** Mounts on a directory, whose path is without symlinks. */
export const attachMount = (sys: Syscalls, plan: Plan, target: string, way: Way, mounted: Mounted): Attached => {
  if (plan.type === "overlay") {
    return { identity: attachOverlay(sys, plan.overlay, target, way), target, children: [], writesUntold: false }
  }
  const hasMounts = plan.bind.recursive && mounted().some((mount) => mount.target.startsWith(`${plan.source}/`))
  const identity = attachBind(sys, plan.bind, plan.source, target, way, mounted)
  const children = hasMounts ? childrenOf(sys, identity, mounted) : []
  return { identity, target, children, writesUntold: plan.written !== undefined }
}

/** The old way only where the new one is not there, or not allowed: any other refusal is an answer. */
const either = <A>(way: Way, fresh: () => A, old: () => A): A => {
  if (way === "mount") return old()
  try {
    return fresh()
  } catch (thrown) {
    if (way === "auto" && isMissing(thrown)) return old()
    throw thrown
  }
}

/** A filter may forbid the new calls alone; whoever may not mount at all is not helped by the old one. */
const isMissing = (thrown: unknown): boolean =>
  thrown instanceof Refused && (thrown.errno === ENOSYS || (thrown.errno === EPERM && privilege().mayMount))

const attachOverlay = (sys: Syscalls, plan: OverlayPlan, target: string, way: Way): MountIdentity => {
  if (plan.work !== undefined) refuseAfterVolatile(sys, plan.work)
  const fresh = () => {
    if (!takesLayersSingly(sys)) throw new Refused(ENOSYS, "this kernel's overlay does not take layers one by one")
    return closing(sys, nameDirectory(sys, "the target", target), (fd) => mountByFsopen(sys, plan, fd))
  }
  return explained(sys, plan, () => either(way, fresh, () => mountByOptionString(sys, plan, target)))
}

const attachBind = (
  sys: Syscalls,
  plan: BindPlan,
  source: string,
  target: string,
  way: Way,
  mounted: Mounted
): MountIdentity =>
  either(
    way,
    () =>
      closing(sys, nameDirectory(sys, "the target", target), (to) =>
        closing(sys, nameDirectory(sys, "the source", source), (from) =>
          bindByOpenTree(sys, plan, from, to))),
    () =>
      bindByMount(sys, plan, source, target, mounted)
  )

/** What was mounted in the source has come along, if anything was. */
const childrenOf = (sys: Syscalls, { id }: MountIdentity, mounted: Mounted): Array<MountIdentity> => {
  const ids = new Set([Number(id)])
  const children: Array<MountIdentity> = []
  for (const mount of mounted()) {
    if (!ids.has(mount.parent)) continue
    ids.add(mount.id)
    const own = BigInt(mount.id)
    children.push({ id: own, unique: uniqueMountId(sys, AT_FDCWD, mount.target) ?? own })
  }
  return children
}
