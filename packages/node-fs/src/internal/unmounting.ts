/** Ending mounts: exactly the one that is meant, whatever was mounted or moved since. */
import { closing, type MountIdentity, nameDirectory, setReadOnly, uniqueMountId } from "./attach.ts"
import { EBUSY } from "./errno.ts"
import { type MountInfo, overlayLayers, readings } from "./mountinfo.ts"
import { lookThrough, seen } from "./stat.ts"
import { AT_FDCWD, MNT_DETACH, type Syscalls, UMOUNT_NOFOLLOW } from "./syscalls.ts"

export interface Attached {
  readonly identity: MountIdentity
  /** Where it was mounted. */
  readonly target: string
  /** The mounts that came with it, oldest first: what was mounted in the source of a recursive bind. */
  readonly children: ReadonlyArray<MountIdentity>
  /** Whether a layer can be written through it, and nobody would tell once it were detached: a bind always. */
  readonly writesUntold: boolean
}

/**
 * What became of a mount that was to end. `left`: something else is mounted on it, or its path leads elsewhere.
 * `being written`: it stays, since somebody may go on writing through it, and nobody could tell once it were detached.
 */
export type Ending = "unmounted" | "unmounted already" | "detached" | "left" | "being written"

/** Unmounts; what is in use is detached, but what would be written untold only once nothing can be written any more. */
export const end = (sys: Syscalls, attached: Attached, mounted: () => ReadonlyArray<MountInfo>): Ending => {
  endChildren(sys, attached, mounted)
  const held = attached.writesUntold && holdsLayers(mounted(), attached.target)
  const ending = held ? -EBUSY : endOne(sys, attached.identity, attached.target, mounted, 0)
  if (ending !== -EBUSY) return stateAfter(ending, "unmounted")
  if (attached.writesUntold && (held || !freeze(sys, attached))) return "being written"
  return stateAfter(endOne(sys, attached.identity, attached.target, mounted, MNT_DETACH), "detached")
}

/** Makes it read-only, which is refused while anybody has a file open for writing through it. */
const freeze = (sys: Syscalls, { identity, target }: Attached): boolean =>
  isOnTop(sys, identity, target) &&
  closing(sys, nameDirectory(sys, "the mount", target), (fd) => setReadOnly(sys, fd) === 0)

/**
 * Whether an overlay has its layers below a mount: it holds on to them by itself, so that unmounting them succeeds, and goes
 * on writing.
 */
export const holdsLayers = (mounts: ReadonlyArray<MountInfo>, target: string): boolean =>
  mounts.some((mount) => mount.type === "overlay" && layersOf(mount).some((path) => path.startsWith(`${target}/`)))

const layersOf = (mount: MountInfo): ReadonlyArray<string> => {
  const { lower, upper } = overlayLayers(mount)
  return [...lower, ...(upper === undefined ? [] : readings(upper))]
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
