/**
 * The names of an overlay: each a place in its tree that stays the same object while its layers change, so that mounts and
 * open files hold on to it. What it shows is decided by `overlay.ts`, what changes it stands in `overlayChange.ts`.
 */
import type { Inode, Link } from "./inode.ts"
import type { MountedTree } from "./mountTable.ts"
import { type Layers, layersOf, listed, lookUp, type Namespace, sharesInode, topOf } from "./overlay.ts"

/** The options that matter while it is mounted. */
export interface Settings {
  readonly namespace: Namespace
  /** Whether `xino=on` was said. */
  readonly xino: boolean
}

/** An overlay that is mounted, as long as anything holds it. */
export class Overlay {
  readonly layers: Layers
  readonly settings: Settings
  /** The mounts through which its layers were found. */
  readonly holders: ReadonlySet<MountedTree>
  /** What `lstat` tells as `dev` of all that is in it. */
  readonly device: bigint
  readonly root: OverlayEntry
  /** The whiteout that most deletions give another name, as the kernel does: so they cost no inode each. */
  whiteout: Inode | undefined
  private readonly shared = new WeakMap<Inode, OverlayInode>()

  constructor(layers: Layers, settings: Settings, holders: ReadonlySet<MountedTree>, device: bigint) {
    this.layers = layers
    this.settings = settings
    this.holders = holders
    this.device = device
    this.root = new OverlayEntry(this, "/", undefined, layers)
  }

  /** The inode that these layers show: one for all names that are names of one file. */
  inodeOf(layers: Layers): OverlayInode {
    const top = topOf(layers).getNode()
    const isShared = sharesInode(layers, this.layers.upper !== undefined)
    const known = isShared ? this.shared.get(top) : undefined
    if (known !== undefined) return known
    const inode = new OverlayInode(top)
    if (isShared) this.shared.set(top, inode)
    return inode
  }

  /** A copy of it lies in the upper layer now. */
  copied(inode: OverlayInode, upper: Inode): void {
    this.shared.delete(inode.real)
    inode.real = upper
    this.shared.set(upper, inode)
  }
}

/** What several names of one file have in common, and open files hold: also after it was copied up or removed. */
export class OverlayInode {
  /** The inode of the topmost layer that has it. */
  real: Inode
  constructor(real: Inode) {
    this.real = real
  }
}

export class OverlayEntry implements Layers {
  readonly overlay: Overlay
  name: string
  /** The root is above itself; `undefined` once it is removed. */
  parent: OverlayEntry | undefined
  upper: Link | undefined
  lowers: ReadonlyArray<Link>
  readonly inode: OverlayInode
  /** By name, looked up in the layers when asked. */
  readonly children: Children

  constructor(overlay: Overlay, name: string, parent: OverlayEntry | undefined, layers: Layers) {
    this.overlay = overlay
    this.name = name
    this.parent = parent ?? this
    this.upper = layers.upper
    this.lowers = layers.lowers
    this.inode = overlay.inodeOf(layers)
    this.children = new Children(this)
  }

  getNode(): Inode {
    return this.inode.real
  }
}

class Children {
  private readonly directory: OverlayEntry
  private readonly known = new Map<string, OverlayEntry>()

  constructor(directory: OverlayEntry) {
    this.directory = directory
  }

  /** The same entry as before, as long as the same layers show it. */
  get(name: string): OverlayEntry | undefined {
    const { directory } = this
    const layers = lookUp(directory, name, directory.overlay.settings.namespace)
    const known = this.known.get(name)
    if (layers === undefined) {
      this.known.delete(name)
      return undefined
    }
    if (known !== undefined && areSame(known, layers)) return known
    const entry = new OverlayEntry(directory.overlay, name, directory, layers)
    this.known.set(name, entry)
    return entry
  }

  keys(): Iterable<string> {
    return listed(this.directory)
  }

  /** Makes an entry that has moved here the one of its name. */
  adopt(entry: OverlayEntry): void {
    this.known.set(entry.name, entry)
  }

  forget(name: string): void {
    this.known.delete(name)
  }
}

const areSame = (one: Layers, other: Layers): boolean => {
  const [ones, others] = [layersOf(one), layersOf(other)]
  return one.upper === other.upper && ones.length === others.length && ones.every((link, i) => link === others[i])
}
