/**
 * What a layer changes, from three directories: the layer itself, what its parent shows and what it shows on top of that.
 * Only where the layer has a directory can anything differ, so this costs what the layer holds, not what the tree does.
 */
import * as fs from "node:fs"
import { pathOf, shown } from "./inventory.ts"

export interface Change {
  readonly kind: "added" | "changed" | "removed"
  /** As bytes, one to a character; of a whole directory that came or went, the topmost name. */
  readonly name: string
  /** How many names are below it, where it came or went as a whole. */
  readonly below: number
}

export interface Trees {
  readonly layer: string
  readonly parent: string
  readonly merged: string
}

export const changesOf = ({ layer, merged, parent }: Trees, directory = ""): ReadonlyArray<Change> => {
  const before = namesIn(parent, directory)
  const after = namesIn(merged, directory)
  return [...new Set([...before, ...after])].toSorted().flatMap((last): ReadonlyArray<Change> => {
    const name = directory === "" ? last : `${directory}/${last}`
    if (!after.has(last)) return [{ kind: "removed", name, below: countBelow(parent, name) }]
    if (!before.has(last)) return [{ kind: "added", name, below: countBelow(merged, name) }]
    const own = fs.lstatSync(pathOf(layer, name), { throwIfNoEntry: false })
    if (own === undefined) return []
    const old = fs.lstatSync(pathOf(parent, name))
    if (!own.isDirectory() || !old.isDirectory()) return [{ kind: "changed", name, below: 0 }]
    const inside = changesOf({ layer, merged, parent }, name)
    const same = own.mode === old.mode && own.uid === old.uid && own.gid === old.gid
    return same ? inside : [{ kind: "changed", name, below: 0 }, ...inside]
  })
}

/** Whether a name is one of those that changed, or below one that came or went. */
export const accountsFor = (changes: ReadonlyArray<Change>, name: string): boolean =>
  changes.some((change) => name === change.name || name.startsWith(`${change.name}/`))

const marks = { added: "A", changed: "M", removed: "D" } as const

/** A line for each change; all that was removed, but of the others at most `othersMax`. */
export const listed = (changes: ReadonlyArray<Change>, othersMax: number): ReadonlyArray<string> => {
  const removed = changes.filter(({ kind }) => kind === "removed")
  const others = changes.filter(({ kind }) => kind !== "removed")
  const more = others.length - othersMax
  return [
    ...others.slice(0, othersMax).map(line),
    ...(more > 0 ? [`  … and ${more} more added or changed`] : []),
    ...removed.map(line)
  ]
}

const line = ({ below, kind, name }: Change): string =>
  `  ${marks[kind]} ${shown(name)}${below === 0 ? "" : `/ (${below} names)`}`

const namesIn = (tree: string, directory: string): ReadonlySet<string> =>
  new Set(fs.readdirSync(pathOf(tree, directory), "latin1"))

const countBelow = (tree: string, name: string): number =>
  fs.lstatSync(pathOf(tree, name)).isDirectory()
    ? [...namesIn(tree, name)].reduce((sum, inside) => sum + 1 + countBelow(tree, `${name}/${inside}`), 0)
    : 0
