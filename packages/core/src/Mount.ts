/**
 * Mounts as data: what to mount to see a snapshot's tree, in the form that `mount(2)` and containerd take. Nothing here
 * mounts; `Mounter` does.
 *
 * Inside `lowerdir=`, `upperdir=` and `workdir=` the characters `\`, `:` and `,` carry a backslash, as the kernel expects
 * of an option string; every other character, newlines included, stands for itself.
 */
import { Schema } from "effect"

export const BindMount = Schema.Struct({
  type: Schema.Literal("bind"),
  /** The directory that the target will show. */
  source: Schema.String,
  options: Schema.Array(Schema.String)
})
export type BindMount = typeof BindMount.Type

export const OverlayMount = Schema.Struct({
  type: Schema.Literal("overlay"),
  source: Schema.Literal("overlay"),
  options: Schema.Array(Schema.String)
})
export type OverlayMount = typeof OverlayMount.Type

export const Mount = Schema.Union([BindMount, OverlayMount]).pipe(Schema.toTaggedUnion("type"))
export type Mount = typeof Mount.Type

/** What to mount on one target, one after another; a snapshot has exactly one. */
export type Mounts = ReadonlyArray<Mount>

/** The directories that a snapshot is made of. */
export interface Tree {
  /** Whether the tree can be written: an active snapshot's can. */
  readonly writable: boolean
  /** The snapshot's own layer. */
  readonly layer: string
  /** Overlay's scratch directory; only a writable tree has one. */
  readonly work: string
  /** The layers of the chain, nearest parent first. */
  readonly parents: ReadonlyArray<string>
}

/**
 * The mounts that show a tree: a bind of the one directory where one is enough, else an overlay whose options stand in
 * the order extra, `workdir=`, `upperdir=`, `lowerdir=`. A read-only tree has `lowerdir=` alone.
 */
export const mountsOf = (tree: Tree, extraOptions: ReadonlyArray<string>): Mounts => {
  const [nearest, ...further] = tree.parents
  if (nearest === undefined) return [bind(tree.layer, tree.writable)]
  if (!tree.writable && further.length === 0) return [bind(nearest, false)]
  const upper = tree.writable ? [`workdir=${escape(tree.work)}`, `upperdir=${escape(tree.layer)}`] : []
  return [{
    type: "overlay",
    source: "overlay",
    options: [...extraOptions, ...upper, `lowerdir=${tree.parents.map(escape).join(":")}`]
  }]
}

/** An overlay's options, taken apart, the paths as they are. */
export interface OverlayOptions {
  /** Nearest first. */
  readonly lower: ReadonlyArray<string>
  readonly upper: string | undefined
  readonly work: string | undefined
  /** All other options, in their order. */
  readonly others: ReadonlyArray<string>
}

/** The inverse of what {@link mountsOf} put together. */
export const overlayOptions = (mount: OverlayMount): OverlayOptions => {
  const valueOf = (name: string) =>
    mount.options.find((option) => option.startsWith(`${name}=`))?.slice(name.length + 1)
  const pathOf = (name: string) => {
    const value = valueOf(name)
    return value === undefined ? undefined : unescape(value)
  }
  return {
    lower: (valueOf("lowerdir") ?? "").split(/(?<!(?<!\\)(?:\\\\)*\\):/).filter((path) => path !== "").map(unescape),
    upper: pathOf("upperdir"),
    work: pathOf("workdir"),
    others: mount.options.filter((option) => !/^(lowerdir|upperdir|workdir)=/.test(option))
  }
}

/** Whether these mounts show a tree that can be written. */
export const isWritable = (mount: Mount): boolean =>
  mount.type === "bind" ? !mount.options.includes("ro") : overlayOptions(mount).upper !== undefined

const bind = (source: string, writable: boolean): BindMount => ({
  type: "bind",
  source,
  options: [writable ? "rw" : "ro", "rbind"]
})

const escape = (path: string) => path.replace(/[\\:,]/g, "\\$&")

const unescape = (text: string) => text.replace(/\\([^])/g, "$1")
