/**
 * A tree as text lines, the same on two machines if it is the same tree. Inode and device numbers become the order in
 * which they were first met; times before 2020 were set by a call and count exactly, later ones are all "now".
 */
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { xattrsOf } from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { O_CLOEXEC } from "../../packages/node-fs/src/internal/directory.ts"
import { AT_FDCWD, syscalls } from "../../packages/node-fs/src/internal/syscalls.ts"
import type { Machine, Status } from "./machine.ts"

const start2020 = Date.parse("2020-01-01T00:00:00Z")
const formatMask = 0o170000
const directory = 0o040000
const regular = 0o100000
const symlink = 0o120000
const characterDevice = 0o020000

/** Numbers as the order in which they came. */
export class Numbers {
  private readonly order = new Map<bigint, number>()
  of(number: bigint): number {
    const known = this.order.get(number)
    if (known !== undefined) return known
    this.order.set(number, this.order.size)
    return this.order.size - 1
  }
}

/** By which numbers the entries of a mount are known, as long as it is mounted. */
export class Identities {
  readonly inodes = new Numbers()
  readonly devices = new Numbers()
  private readonly userxattr: boolean
  constructor(userxattr: boolean) {
    this.userxattr = userxattr
  }

  of({ dev, ino, mode }: Status): string {
    // A symlink has no `user.*` attribute, so there the kernel does not remember what it was copied from: OVERLAY.md.
    const isForgotten = this.userxattr && (mode & formatMask) === symlink
    return `inode ${isForgotten ? "?" : this.inodes.of(ino)} of ${this.devices.of(dev)}`
  }
}

/** What is seen through a mount. */
export const seenTree = (machine: Machine, root: string, identities: Identities): ReadonlyArray<string> =>
  entriesOf(machine, root).map((path) => {
    const status = statusOf(machine, path)
    if (status === undefined) return `${path.slice(root.length)} is listed, but not there`
    const { gid, mode, mtimeMilliseconds, nlink, rdev, uid } = status
    const numbers = identities.of(status)
    const time = mtimeMilliseconds < start2020 ? String(mtimeMilliseconds) : "now"
    const attributes = `${mode.toString(8)} ${uid}:${gid} nlink ${nlink} rdev ${rdev} ${numbers} ${time}`
    return `${path.slice(root.length)} ${attributes} ${contentsOf(machine, path, mode)}`
  })

const statusOf = (machine: Machine, path: string): Status | undefined => {
  try {
    return machine.lstat(path)
  } catch {
    return undefined
  }
}

/** What lies in a layer, marks and all. */
export const layerTree = (
  machine: Machine,
  root: string,
  xattrs: (path: string) => ReadonlyArray<string>
): ReadonlyArray<string> =>
  entriesOf(machine, root).map((path) => {
    const { gid, mode, mtimeMilliseconds, nlink, rdev, uid } = machine.lstat(path)
    const isMark = (mode & formatMask) === characterDevice
    // How whiteouts share inodes, and when each was made, is the kernel's own affair: docs/OVERLAY.md.
    const time = isMark ? "" : mtimeMilliseconds < start2020 ? String(mtimeMilliseconds) : "now"
    const attributes = `${mode.toString(8)} ${uid}:${gid} ${isMark ? "" : `nlink ${nlink}`} rdev ${rdev} ${time}`
    const marks = [directory, regular].includes(mode & formatMask) ? xattrs(path).join(" ") : ""
    return `${path.slice(root.length)} ${attributes} ${contentsOf(machine, path, mode)} ${marks}`
  })

const contentsOf = (machine: Machine, path: string, mode: number): string => {
  if ((mode & formatMask) === regular) return JSON.stringify(machine.read(path))
  return (mode & formatMask) === symlink ? `→ ${machine.readlink(path)}` : ""
}

/** The root and all below it, parents first. */
const entriesOf = (machine: Machine, path: string): Array<string> => {
  const isDirectory = ((statusOf(machine, path)?.mode ?? 0) & formatMask) === directory
  return isDirectory
    ? [path, ...machine.readdir(path).flatMap((name) => entriesOf(machine, `${path}/${name}`))]
    : [path]
}

/** Gives all that is no symlink and no whiteout a time of its own, long ago: so that it shows what a later call touches. */
export const age = (machine: Machine, root: string): void => {
  for (const [i, path] of entriesOf(machine, root).entries()) {
    const { mode } = machine.lstat(path)
    if ([directory, regular].includes(mode & formatMask)) machine.utimes(path, 1_200_000_000 + i)
  }
}

// ============================================================ overlay's marks

/** The marks by which the kernel finds what it copied up, and a layer's other halves. memory-fs needs none of them. */
const kernelsOwn = /^(trusted|user)\.overlay\.(origin|impure|uuid)$/

const isMark = (name: string): boolean => /^(trusted|user)\./.test(name) && !kernelsOwn.test(name)

export const realXattrs = (path: string): ReadonlyArray<string> => {
  const sys = syscalls()
  const fd = sys.openat(AT_FDCWD, path, O_CLOEXEC, 0)
  if (fd < 0) throw new Error(`${path} cannot be opened`)
  try {
    const into = Buffer.alloc(4096)
    const names = into.toString("utf8", 0, Math.max(0, sys.flistxattr(fd, into, into.length))).split("\0")
    return names.filter(isMark).sort().map((name) => {
      const value = Buffer.alloc(256)
      return `${name}=${value.toString("latin1", 0, Math.max(0, sys.fgetxattr(fd, `${name}`, value, 256)))}`
    })
  } finally {
    sys.close(fd)
  }
}

export const memoryXattrs = (volume: MemoryVolume) => (path: string): ReadonlyArray<string> => {
  const { at } = find(volume, path, false)
  const known = at === undefined ? [] : [...xattrsOf(at.link.getNode())]
  return known.filter(([name]) => isMark(name)).map(([name, value]) =>
    `${name}=${Buffer.from(value).toString("latin1")}`
  ).sort()
}
