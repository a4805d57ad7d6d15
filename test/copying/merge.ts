/** Merging layers by copying one after another over what is there, the lowest first. */
import { type TreeEntry, TreeFileSystem, type TreePath } from "@snapshotter/core/TreeFileSystem"
import { Effect, Option } from "effect"
import { at, type Contents, contentsOf, removeAll } from "./contents.ts"
import { copyAttributes, copyNode, type Links, lookAt, type Marks } from "./copy.ts"

/** Lays one layer over a tree, as an overlay shows it: what is marked as deleted goes, what is marked opaque hides. */
export const layOver = Effect.fnUntraced(function*(layer: string, root: string, marks: Marks) {
  const tree = yield* TreeFileSystem
  const contents = yield* contentsOf(layer)
  const links: Links = new Map()
  for (const [path, entry] of contents) {
    const [from, to] = [at(layer, path), at(root, path)]
    const there = Option.getOrUndefined(yield* lookAt(to))
    const isMerged = entry.type === "directory" && there?.type === "directory" && !(yield* isOpaque(from, marks))
    if (path === "" || isMerged) continue
    if (there !== undefined) yield* removeAll(root, path)
    if (isWhiteout(entry)) continue
    if (entry.type === "directory") yield* tree.makeDirectory(to, 0o700)
    else yield* copyNode(from, to, marks, links)
  }
  yield* copyDirectoryAttributes(layer, root, contents, marks)
})

/** From the deepest on, since what happens in a directory changes its times. */
export const copyDirectoryAttributes = (from: string, to: string, contents: Contents, marks: Marks) =>
  Effect.forEach(
    [...contents].reverse(),
    ([path, { type }]) => type === "directory" ? copyAttributes(at(from, path), at(to, path), marks) : Effect.void,
    { discard: true }
  )

export const isWhiteout = ({ rdev, type }: TreeEntry): boolean => type === "characterDevice" && rdev === 0n

export const opaque = (marks: Marks) => ({ name: `${marks}.overlay.opaque`, value: Buffer.from("y") })

const isOpaque = Effect.fnUntraced(function*(directory: TreePath, marks: Marks) {
  const tree = yield* TreeFileSystem
  const { name, value } = opaque(marks)
  const found = yield* Effect.catchIf(
    tree.getXattr(directory, name),
    ({ code }) => code === "ENODATA",
    () => Effect.succeed(undefined)
  )
  return found !== undefined && value.equals(found)
})
