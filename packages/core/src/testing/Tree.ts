/**
 * A tree in the model: what each path shows, as plain immutable values, and what becomes of it when something is done in
 * it. The rules are those of any Linux file system, and two of overlay's for what comes from a parent's layer: a file is
 * copied when it is changed, under the one name by which that was done; a directory is not renamed.
 *
 * Symlinks in here lead nowhere, so following one is `ENOENT`.
 */

/** A file, symlink or directory. Names of one file hold this same object. */
export type Node =
  | { readonly type: "file"; readonly text: string; readonly mode: number; readonly linksBelow: LinksBelow }
  | { readonly type: "symlink"; readonly target: string; readonly linksBelow: LinksBelow }
  | { readonly type: "directory"; readonly mode: number; readonly linksBelow: LinksBelow }

/** How many names it has in the parent's layer that it comes from, seen or not; `undefined`: it is this layer's own. */
type LinksBelow = number | undefined

/** Paths below the root, in no order. */
export type Tree = ReadonlyMap<string, Node>

/** A tree that is mounted. */
export interface Place {
  readonly tree: Tree
  readonly readOnly: boolean
}

/** The tree then, or the errno of the refusal. */
export type Outcome = Tree | string

/** What an overlay over this tree begins with: the same, all of it from below. */
export const asLower = (tree: Tree): Tree => {
  const lowered = new Map(
    [...new Set(tree.values())].map((node) => [node, { ...node, linksBelow: linksOf(tree, node) }])
  )
  return new Map([...tree].map(([path, node]) => [path, lowered.get(node) ?? node]))
}

// ============================================================ what can be done

/** Writes a whole file; its directory is made where nothing is. */
export const write = (place: Place, path: string, text: string): Outcome => {
  const directory = directoryOf(path)
  const made = directory === "" || isThere(place.tree, directory) ? place.tree : makeDirectory(place, directory)
  return typeof made === "string" ? made : put({ ...place, tree: made }, path, () => text)
}

export const append = (place: Place, path: string, text: string): Outcome => put(place, path, (before) => before + text)

export const makeDirectory = (place: Place, path: string): Outcome =>
  obstacleToNew(place, path) ?? add(place.tree, path, { type: "directory", mode: 0o755, linksBelow: undefined })

export const symlink = (place: Place, path: string, target: string): Outcome =>
  obstacleToNew(place, path) ?? add(place.tree, path, { type: "symlink", target, linksBelow: undefined })

export const link = (place: Place, from: string, to: string): Outcome => {
  const node = lookUp(place.tree, from)
  if (typeof node === "string") return node
  const obstacle = obstacleToNew(place, to)
  if (obstacle !== undefined) return obstacle
  if (node.type === "directory") return "EPERM"
  const linked = own(node)
  return add(changed(place.tree, from, linked), to, linked)
}

export const rename = ({ readOnly, tree }: Place, from: string, to: string): Outcome => {
  const obstacle = obstacleOnTheWay(tree, from) ?? obstacleOnTheWay(tree, to)
  if (obstacle !== undefined) return obstacle
  if (readOnly) return "EROFS"
  const [moved, replaced] = [tree.get(from), tree.get(to)]
  if (moved === undefined) return "ENOENT"
  if (isBelow(to, from)) return "EINVAL"
  if (isBelow(from, to)) return "ENOTEMPTY"
  if (from === to || (moved === replaced && moved.linksBelow === undefined)) return tree
  if (moved.type === "directory" && replaced !== undefined && replaced.type !== "directory") return "ENOTDIR"
  if (moved.type !== "directory" && replaced?.type === "directory") return "EISDIR"
  if (moved.type === "directory" && moved.linksBelow !== undefined) return "EXDEV"
  if ([...tree.keys()].some((path) => isBelow(path, to))) return "ENOTEMPTY"
  const next = new Map<string, Node>()
  for (const [path, node] of tree) {
    if (path === from) next.set(to, own(node))
    else if (isBelow(path, from)) next.set(to + path.slice(from.length), node)
    else if (path !== to) next.set(path, node)
  }
  return next
}

export const setMode = ({ readOnly, tree }: Place, path: string, mode: number): Outcome => {
  const node = lookUp(tree, path)
  if (typeof node === "string") return node
  if (node.type === "symlink") return "ENOENT"
  return readOnly ? "EROFS" : changed(tree, path, { ...node, mode })
}

/** Removes it and all below, if it is there. */
export const remove = ({ readOnly, tree }: Place, path: string): Outcome => {
  const obstacle = obstacleOnTheWay(tree, path)
  if (obstacle === "ENOTDIR") return obstacle
  if (!tree.has(path)) return tree
  return readOnly ? "EROFS" : new Map([...tree].filter(([one]) => one !== path && !isBelow(one, path)))
}

// ============================================================ what is seen

/** What can be seen of a node, under one of its paths. */
export interface Seen {
  readonly path: string
  readonly type: Node["type"]
  readonly text?: string
  readonly target?: string
  readonly mode?: number
  /** Link count, and the first of the paths that show this same file. */
  readonly links?: number
  readonly same?: string
}

/** All that can be seen of a tree, by path. */
export const seen = (tree: Tree): ReadonlyArray<Seen> => {
  const paths = [...tree.keys()].sort()
  return paths.flatMap((path): ReadonlyArray<Seen> => {
    const node = tree.get(path)
    if (node === undefined) return []
    const { linksBelow: _, ...what } = node
    if (node.type === "directory") return [{ path, ...what }]
    return [{ path, ...what, links: linksOf(tree, node), same: paths.find((one) => tree.get(one) === node) ?? path }]
  })
}

/** How many files, symlinks and directories it has, whatever their names. */
export const inodes = (tree: Tree): number => new Set(tree.values()).size

// ============================================================ pieces

const directoryOf = (path: string) => path.slice(0, Math.max(path.lastIndexOf("/"), 0))

const isBelow = (path: string, directory: string) => path.startsWith(`${directory}/`)

/** Why the directory of a path cannot be reached, if it cannot. */
const obstacleOnTheWay = (tree: Tree, path: string): string | undefined => {
  const directory = directoryOf(path)
  if (directory === "") return undefined
  const node = lookUp(tree, directory)
  if (typeof node === "string") return node
  return node.type === "directory" ? undefined : node.type === "file" ? "ENOTDIR" : "ENOENT"
}

const lookUp = (tree: Tree, path: string): Node | string => obstacleOnTheWay(tree, path) ?? tree.get(path) ?? "ENOENT"

/** Symlinks followed. */
const isThere = (tree: Tree, path: string) => {
  const node = lookUp(tree, path)
  return typeof node !== "string" && node.type !== "symlink"
}

const obstacleToNew = ({ readOnly, tree }: Place, path: string): string | undefined =>
  obstacleOnTheWay(tree, path) ?? (tree.has(path) ? "EEXIST" : readOnly ? "EROFS" : undefined)

const put = ({ readOnly, tree }: Place, path: string, textAfter: (before: string) => string): Outcome => {
  const node = lookUp(tree, path)
  if (typeof node !== "string" && node.type !== "file") return node.type === "directory" ? "EISDIR" : "ENOENT"
  const obstacle = obstacleOnTheWay(tree, path)
  if (obstacle !== undefined) return obstacle
  if (readOnly) return "EROFS"
  return typeof node === "string"
    ? add(tree, path, { type: "file", text: textAfter(""), mode: 0o644, linksBelow: undefined })
    : changed(tree, path, { ...node, text: textAfter(node.text) })
}

const add = (tree: Tree, path: string, node: Node): Tree => new Map(tree).set(path, node)

/** Puts a node in another's place: under all its names, or, where it comes from below, under this one alone. */
const changed = (tree: Tree, path: string, after: Node): Tree => {
  const before = tree.get(path)
  const node = own(after)
  const isOwn = before?.linksBelow === undefined
  return new Map([...tree].map(([name, one]) => [name, name === path || (isOwn && one === before) ? node : one]))
}

/** What it is once it has been copied from below. A directory goes on showing what is there. */
const own = (node: Node): Node =>
  node.type === "directory" || node.linksBelow === undefined ? node : { ...node, linksBelow: undefined }

const linksOf = (tree: Tree, node: Node): number =>
  node.linksBelow ?? [...tree.values()].filter((one) => one === node).length
