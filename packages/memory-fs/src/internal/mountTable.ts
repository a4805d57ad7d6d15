/** The mount table: which directory shows which. Mounts hold links, not paths, so they survive renames as the kernel's do. */
import type { Entry, Link } from "./inode.ts"

/** A name as seen through one mount. */
export interface Location {
  readonly mount: MountedTree
  readonly link: Entry
}

/** One mount: a tree of links, or an overlay or a part of one, attached somewhere. */
export interface MountedTree {
  /** What is seen at the mount point. */
  readonly root: Entry
  /** Where it is attached; `undefined` for the volume itself, and once it is detached. */
  on: Location | undefined
  readonly writable: boolean
  /** Open files on it, and those of them that can be written. */
  users: number
  writers: number
  /** The mounts that came with it: what is mounted in the source of a recursive bind. */
  brought: ReadonlyArray<MountedTree>
}

export class MountTable {
  readonly root: Location
  private readonly byMountPoint = new Map<Entry, Array<MountedTree>>()
  private readonly mounts: Array<MountedTree>
  private detached: ReadonlyArray<MountedTree> = []
  private devices = 0n

  constructor(root: Link) {
    const volume: MountedTree = { root, on: undefined, writable: true, users: 0, writers: 0, brought: [] }
    this.root = { mount: volume, link: root }
    this.mounts = [volume]
  }

  /** All mounts, the volume itself first, then by age. */
  get all(): ReadonlyArray<MountedTree> {
    return this.mounts
  }

  /** What is seen at a location: the root of the mount on it, if there is one, and of the mount on that. */
  cross(location: Location): Location {
    if (this.byMountPoint.size === 0) return location
    let seen = location
    for (let mount = this.mountOn(seen); mount !== undefined; mount = this.mountOn(seen)) {
      seen = { mount, link: mount.root }
    }
    return seen
  }

  /** The mount attached to exactly this location, which hides it. */
  mountOn({ link, mount }: Location): MountedTree | undefined {
    return this.byMountPoint.get(link)?.findLast((mounted) => mounted.on?.mount === mount)
  }

  /** Whether something is mounted on the link, through whichever mount: it can be neither removed nor renamed. */
  isMountPoint(link: Entry): boolean {
    return this.byMountPoint.has(link)
  }

  /** The mounts attached to a mount itself, oldest first. */
  mountsOn(parent: MountedTree): ReadonlyArray<MountedTree> {
    return this.mounts.filter((mounted) => mounted.on?.mount === parent)
  }

  attach(root: Entry, on: Location, writable: boolean): MountedTree {
    const mounted: MountedTree = { root, on, writable, users: 0, writers: 0, brought: [] }
    const here = this.byMountPoint.get(on.link)
    if (here === undefined) this.byMountPoint.set(on.link, [mounted])
    else here.push(mounted)
    this.mounts.push(mounted)
    return mounted
  }

  /** A device number that nothing had before, for a file system of its own. */
  newDevice(ofVolume: bigint): bigint {
    return (ofVolume << 20n) + ++this.devices
  }

  isAttached(mount: MountedTree): boolean {
    return this.mounts.includes(mount)
  }

  /** Takes a mount, and all that is mounted on it, out of the tree. */
  detach(mount: MountedTree): void {
    for (const mounted of this.mountsOn(mount)) this.detach(mounted)
    if (mount.on === undefined) throw new Error("what is not attached cannot be detached")
    const here = this.byMountPoint.get(mount.on.link)?.filter((mounted) => mounted !== mount) ?? []
    if (here.length === 0) this.byMountPoint.delete(mount.on.link)
    else this.byMountPoint.set(mount.on.link, here)
    this.mounts.splice(this.mounts.indexOf(mount), 1)
    mount.on = undefined
    if (mount.users > 0) this.detached = [...this.detached, mount]
  }

  /** What is mounted nowhere any more, and still used by somebody who has a file open in it. */
  get lingering(): ReadonlyArray<MountedTree> {
    this.detached = this.detached.filter(({ users }) => users > 0)
    return this.detached
  }

  /** The directory above, out of a mount where need be; the root is above itself. */
  above({ link, mount }: Location): Location {
    let at: Location = { mount, link }
    while (at.link === at.mount.root && at.mount.on !== undefined) at = at.mount.on
    return at.link === at.mount.root ? at : this.cross({ mount: at.mount, link: at.link.parent ?? at.link })
  }

  /** The path of a location now; what was removed bears the kernel's `//deleted`. */
  pathOf(location: Location): string {
    const names: Array<string> = []
    let deleted = ""
    let at = location
    for (;;) {
      if (at.link === at.mount.root) {
        if (at.mount.on === undefined) break
        at = at.mount.on
        continue
      }
      names.push(at.link.name)
      if (at.link.parent === undefined) {
        deleted = "//deleted"
        break
      }
      at = { mount: at.mount, link: at.link.parent }
    }
    return `/${names.reverse().join("/")}${deleted}`
  }
}
