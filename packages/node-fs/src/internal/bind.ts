/**
 * Bind mounts. One that is read-only is attached only once it is: not even for a moment could somebody write through
 * it.
 */
import type { BindMount } from "@snapshotter/core/Mount"
import { mkdtempSync, rmdirSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { attach, closing, identityOf, type MountIdentity, nameDirectory, setPrivate } from "./attach.ts"
import { O_CLOEXEC } from "./directory.ts"
import { EINVAL } from "./errno.ts"
import { isMountFlag, mountFlags } from "./mountFlags.ts"
import type { MountInfo } from "./mountinfo.ts"
import { done, refusalOfNode, Refused } from "./refusal.ts"
import {
  AT_EMPTY_PATH,
  AT_FDCWD,
  AT_RECURSIVE,
  MNT_DETACH,
  MS_BIND,
  MS_MOVE,
  MS_PRIVATE,
  MS_REC,
  MS_REMOUNT,
  type Syscalls
} from "./syscalls.ts"

const OPEN_TREE_CLONE = 1

export interface BindPlan {
  readonly recursive: boolean
  /** `ro`, `nosuid`, … */
  readonly flags: ReadonlyArray<string>
}

export const planBind = (mount: BindMount): BindPlan => {
  const unknown = mount.options.find((option) => !isMountFlag(option) && option !== "bind" && option !== "rbind")
  if (unknown !== undefined) {
    throw new Refused(
      EINVAL,
      `a bind mount has no option ${JSON.stringify(unknown)}; ro, rw, bind, rbind, nosuid, ` +
        "nodev, noexec, noatime and the like are allowed"
    )
  }
  if (mount.options.includes("rw") && mount.options.includes("ro")) {
    throw new Refused(EINVAL, "rw and ro contradict each other; leave one out")
  }
  return { recursive: mount.options.includes("rbind"), flags: mount.options.filter(isMountFlag) }
}

// ============================================================ open_tree

/** `source` and `target` are descriptors of directories. */
export const bindByOpenTree = (sys: Syscalls, plan: BindPlan, source: number, target: number): MountIdentity => {
  const flags = OPEN_TREE_CLONE | O_CLOEXEC | AT_EMPTY_PATH | (plan.recursive ? AT_RECURSIVE : 0)
  return closing(sys, done("a copy of the source's mount", sys.openTree(source, "", flags)), (mount) => {
    setPrivate(sys, mount, mountFlags(plan.flags).attribute)
    return attach(sys, mount, target)
  })
}

// ============================================================ mount(2)

/** What is mounted now, oldest first. */
type Mounted = () => ReadonlyArray<MountInfo>

/** By `mount(2)`; see {@link bindRestricted} for what is not simply writable. */
export const bindByMount = (
  sys: Syscalls,
  plan: BindPlan,
  source: string,
  target: string,
  mounted: Mounted
): MountIdentity => {
  if (mountFlags(plan.flags).flag === 0) bindAt(sys, plan, source, target)
  else bindRestricted(sys, plan, source, target, mounted)
  const result = sys.mount("none", target, null, MS_PRIVATE | MS_REC, null)
  if (result < 0) sys.umount2(target, MNT_DETACH)
  done("making the mount private", result)
  return closing(sys, nameDirectory(sys, "the mounted directory", target), (fd) => identityOf(sys, fd))
}

const bindAt = (sys: Syscalls, plan: BindPlan, source: string, place: string): void => {
  done("binding the source", sys.mount(source, place, null, MS_BIND | (plan.recursive ? MS_REC : 0), null))
}

/**
 * One `mount(2)` with MS_BIND and MS_RDONLY leaves out the latter. So the source is bound at a private place, each of
 * its mounts is made read-only there, and then the whole is moved.
 */
const bindRestricted = (sys: Syscalls, plan: BindPlan, source: string, target: string, mounted: Mounted): void =>
  inPrivatePlace(sys, (place) => {
    bindAt(sys, plan, source, place)
    try {
      done("making the mount private", sys.mount("none", place, null, MS_PRIVATE | MS_REC, null))
      restrict(sys, plan, place, mounted)
      done("moving the mount", sys.mount(place, target, null, MS_MOVE, null))
    } catch (thrown) {
      sys.umount2(place, MNT_DETACH)
      throw thrown
    }
  })

/** Each mount keeps the flags that it has: in a user namespace none may be taken away. */
const restrict = (sys: Syscalls, plan: BindPlan, place: string, mounted: Mounted): void => {
  const { flag } = mountFlags(plan.flags)
  for (const { target, options } of mounted()) {
    if (target !== place && !target.startsWith(`${place}/`)) continue
    const flags = MS_REMOUNT | MS_BIND | flag | mountFlags(options).flag
    done(`making ${JSON.stringify(target)} what it shall be`, sys.mount("none", target, null, flags, null))
  }
}

/** A mount can be moved away only from a mount that is private: so a file system of our own is below it. */
const inPrivatePlace = <A>(sys: Syscalls, use: (place: string) => A): A => {
  const directory = makeTemporary()
  try {
    done("a private place", sys.mount("none", directory, "tmpfs", 0, "mode=0700,size=64k"))
    try {
      done("a private place", sys.mount("none", directory, null, MS_PRIVATE, null))
      const place = join(directory, "bind")
      done("a private place", sys.mkdirat(AT_FDCWD, place, 0o700))
      return use(place)
    } finally {
      sys.umount2(directory, MNT_DETACH)
    }
  } finally {
    rmdirSync(directory)
  }
}

const makeTemporary = (): string => {
  try {
    return mkdtempSync(join(tmpdir(), "snapshotter-mount-"))
  } catch (thrown) {
    throw refusalOfNode(thrown, `a private place in ${JSON.stringify(tmpdir())} cannot be made`)
  }
}
