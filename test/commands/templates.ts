/**
 * Commands whose subjects are chosen when their turn comes: `?active 2` is the third of those that are active then. So a
 * program stays sensible while it is shrunk.
 */
import { type Command, identifiers, paths, type Slot, slots } from "@snapshotter/core/testing/Command"
import type { Model } from "@snapshotter/core/testing/Model"
import type { Node, Tree } from "@snapshotter/core/testing/Tree"

/** Somebody who is, or is not, when the command's turn comes; `at` chooses among several. Else a name, whoever bears it. */
export type Somebody = "active" | "view" | "committed" | "deepest" | "mounted" | "anybody" | "nobody"

/** What may be at a path when the command's turn comes: `lower`, a directory of a parent's; `beyond`, below a file. */
export type Something = "nothing" | "file" | "link" | "directory" | "full" | "lower" | "beyond"

/** Fields that hold paths; others hold names. */
const pathFields = ["path", "from", "to"]

/** Whether there is somebody such as it asks for. Where not, one in four goes on about anybody, so that it fails. */
export const answerable = (model: Model, template: Command): boolean =>
  Object.entries(template).every(([field, value]) => {
    if (typeof value !== "string" || !value.startsWith("?") || pathFields.includes(field)) return true
    const [who = "", at = "0"] = value.slice(1).split(" ")
    return Number(at) % 4 === 3 || candidatesFor(model, who as Somebody).length > 0
  })

/** The same command about names, places and paths where there is something to be done. */
export const resolve = (model: Model, template: Command): Command => {
  const slot = "slot" in template ? slotOf(model, template, template.slot) : undefined
  return Object.fromEntries(
    Object.entries(template).map(([field, value]) => {
      if (field === "slot") return [field, slot]
      if (typeof value !== "string" || !value.startsWith("?")) return [field, value]
      return [field, pathFields.includes(field) ? pathOf(model, slot, value) : nameOf(model, value)]
    })
  ) as Command
}

/** To mount, one that is free; else one where something is mounted, more often one that can be written. */
const slotOf = (model: Model, template: Command, at: number): Slot => {
  const candidates = template._tag === "mount"
    ? slots.filter((slot) => !model.mounts.has(slot))
    : slots.flatMap((slot): ReadonlyArray<Slot> => {
      const writable = model.mounts.get(slot)?.writable
      return writable === undefined ? [] : writable ? [slot, slot, slot] : [slot]
    })
  return candidates[at % candidates.length] ?? 0
}

const pathOf = (model: Model, slot: Slot | undefined, placeholder: string): string => {
  const [something = "", at = "0"] = placeholder.slice(1).split(" ")
  const tree = (slot === undefined ? undefined : model.mounts.get(slot))?.contents ?? new Map()
  const candidates = pathsWith(something as Something, tree)
  return candidates[Number(at) % candidates.length] ?? paths[Number(at) % paths.length] ?? "f"
}

const pathsWith = (something: Something, tree: Tree): ReadonlyArray<string> => {
  const directories = ["", ...pathsOf(tree, ({ type }) => type === "directory").map((path) => `${path}/`)]
  switch (something) {
    case "nothing":
      return paths.filter((path) => !tree.has(path) && directories.includes(path.slice(0, path.lastIndexOf("/") + 1)))
    case "file":
      return pathsOf(tree, ({ type }) => type !== "directory")
    case "link":
      return pathsOf(tree, (node) => pathsOf(tree, (one) => one === node).length > 1)
    case "directory":
      return pathsOf(tree, ({ type }) => type === "directory")
    case "full":
      return pathsOf(tree, ({ type }) => type === "directory").filter((directory) =>
        [...tree.keys()].some((path) => path.startsWith(`${directory}/`))
      )
    case "lower":
      return pathsOf(tree, ({ linksBelow, type }) => type === "directory" && linksBelow !== undefined)
    case "beyond":
      return pathsOf(tree, ({ type }) => type === "file").map((path) => `${path}/f`)
  }
}

const pathsOf = (tree: Tree, isSuch: (node: Node) => boolean): ReadonlyArray<string> =>
  [...tree].filter(([, node]) => isSuch(node)).map(([path]) => path)

const nameOf = (model: Model, placeholder: string): string => {
  const [who = "", at = "0"] = placeholder.slice(1).split(" ")
  const candidates = candidatesFor(model, who as Somebody)
  return candidates[Number(at) % candidates.length] ?? identifiers[Number(at) % identifiers.length] ?? "a"
}

const candidatesFor = (model: Model, who: Somebody): ReadonlyArray<string> => {
  const all = [...model.snapshots.keys()]
  if (who === "nobody") return identifiers.filter((name) => !model.snapshots.has(name))
  if (who === "anybody") return all
  if (who === "mounted") return all.filter((name) => isMounted(model, name))
  const kind = who === "deepest" ? "committed" : who
  const ofKind = all.filter((name) => model.snapshots.get(name)?.kind === kind)
  return who === "deepest"
    ? ofKind.toSorted((one, other) => depth(model, other) - depth(model, one)).slice(0, 1)
    : ofKind
}

/** Its own tree, or as part of another's. */
const isMounted = (model: Model, name: string): boolean =>
  [...model.mounts.values()].some(({ key, shows }) => key === name || shows.includes(name))

const depth = (model: Model, name: string): number => {
  const parent = model.snapshots.get(name)?.parent
  return parent === undefined ? 0 : 1 + depth(model, parent)
}
