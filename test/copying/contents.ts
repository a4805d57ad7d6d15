/**
 * All that is in a directory, by path. Paths here are relative, and text of one character for each byte, since names need
 * not be UTF-8.
 */
import { below, bytesOf, type TreeEntry, TreeFileSystem, type TreePath } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"

/** Parents before what is in them; `""` is the directory itself. */
export type Contents = ReadonlyMap<string, TreeEntry>

/** Of the directory, or of what lies at a path in it. */
export const contentsOf = Effect.fnUntraced(function*(root: string, from = "") {
  const tree = yield* TreeFileSystem
  const contents = new Map<string, TreeEntry>()
  const pending = [from]
  for (let path = pending.shift(); path !== undefined; path = pending.shift()) {
    const entry = yield* tree.lstat(at(root, path))
    contents.set(path, entry)
    if (entry.type !== "directory") continue
    for (const name of yield* tree.readDirectory(at(root, path))) pending.push(join(path, textOf(name)))
  }
  return contents as Contents
})

/** Removes what lies at a path, and all below. */
export const removeAll = Effect.fnUntraced(function*(root: string, path: string) {
  const tree = yield* TreeFileSystem
  for (const [one, { type }] of [...yield* contentsOf(root, path)].reverse()) {
    yield* type === "directory" ? tree.removeDirectory(at(root, one)) : tree.removeFile(at(root, one))
  }
})

export const at = (root: string, path: string): TreePath =>
  path === "" ? root : below(root, Buffer.from(path, "latin1"))

export const parentOf = (path: string): string => path.slice(0, Math.max(path.lastIndexOf("/"), 0))

const join = (directory: string, name: string) => directory === "" ? name : `${directory}/${name}`

const textOf = (name: TreePath) => Buffer.from(bytesOf(name)).toString("latin1")
