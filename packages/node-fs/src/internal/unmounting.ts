/** Ending mounts: exactly the one that is meant, whatever was mounted or moved since. */
import { type MountIdentity, uniqueMountId } from "./attach.ts"
import { EBUSY } from "./errno.ts"
import type { MountInfo } from "./mountinfo.ts"
import { lookThrough, seen } from "./stat.ts"
import { AT_FDCWD, MNT_DETACH, type Syscalls, UMOUNT_NOFOLLOW } from "./syscalls.ts"

export interface Attached {
  readonly identity: MountIdentity
  /** Where it was mounted. */
  readonly target: string
  /** The mounts that came with it, oldest first: what was mounted in the source of a recursive bind. */
  readonly children: ReadonlyArray<MountIdentity>
}

/** What became of a mount that was to end. `left`: something else is mounted on it, or its path leads elsewhere. */
export type Ending = "unmounted" | "unmounted already" | "detached" | "left"

/** Unmounts; what is in use is detached. */
export const end = (sys: Syscalls, attached: Attached, mounted: () => ReadonlyArray<MountInfo>): Ending => {
  endChildren(sys, attached, mounted)
  const ending = endOne(sys, attached.identity, attached.target, mounted, 0)
  return ending === -EBUSY
    ? stateAfter(endOne(sys, attached.identity, attached.target, mounted, MNT_DETACH), "detached")
    : stateAfter(ending, "unmounted")
}

/** What came with a mount has to go before it. */
export const endChildren = (sys: Syscalls, attached: Attached, mounted: () => ReadonlyArray<MountInfo>): void => {
  for (const child of attached.children.toReversed()) endOne(sys, child, undefined, mounted, 0)
}

const stateAfter = (result: number | "gone" | "covered", whenDone: Ending): Ending =>
  result === "gone" ? "unmounted already" : result === 0 ? whenDone : "left"

const endOne = (
  sys: Syscalls,
  identity: MountIdentity,
  target: string | undefined,
  mounted: () => ReadonlyArray<MountInfo>,
  flags: number
): number | "gone" | "covered" => {
  if (target !== undefined && isOnTop(sys, identity, target)) return sys.umount2(target, UMOUNT_NOFOLLOW | flags)
  // It may have been moved with the directory that it is mounted in.
  const entry = mounted().find(({ id }) => BigInt(id) === identity.id)
  if (entry === undefined) return "gone"
  if (isOnTop(sys, identity, entry.target)) return sys.umount2(entry.target, UMOUNT_NOFOLLOW | flags)
  // Numbers are used again: what has this one, and can be seen, is another mount.
  return lookThrough(sys, entry.target) === 0 && seen.mountId() === identity.id ? "gone" : "covered"
}

/** Whether a path leads to this very mount. */
export const isOnTop = (sys: Syscalls, { id, unique }: MountIdentity, path: string): boolean => {
  const found = uniqueMountId(sys, AT_FDCWD, path)
  if (found !== undefined) return found === unique
  return lookThrough(sys, path) === 0 && seen.mountId() === id
}
