/**
 * What a layer changes, from three directories: the layer itself, what its parent shows and what it shows on top of that.
 * Only where the layer has a directory can anything differ, so this costs what the layer holds, not what the tree does.
 */
import { type StoreFileSystem, TreeFileSystem } from "@snapshotter/core"
import { Effect } from "effect"
import { latin1, pathOf, shown } from "./inventory.ts"

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

type Found = Effect.Effect<ReadonlyArray<Change>, StoreFileSystem.FileSystemError, TreeFileSystem.TreeFileSystem>

export const changesOf = (trees: Trees, directory = ""): Found =>
  Effect.gen(function*() {
    const before = yield* namesIn(trees.parent, directory)
    const after = yield* namesIn(trees.merged, directory)
    const changes: Array<Change> = []
    for (const last of [...new Set([...before, ...after])].toSorted()) {
      const name = directory === "" ? last : `${directory}/${last}`
      if (!after.has(last)) changes.push({ kind: "removed", name, below: yield* countBelow(trees.parent, name) })
      else if (!before.has(last)) changes.push({ kind: "added", name, below: yield* countBelow(trees.merged, name) })
      else changes.push(...yield* changesAt(trees, name))
    }
    return changes
  })

/** Of a name that is there before and after. */
const changesAt = ({ layer, merged, parent }: Trees, name: string): Found =>
  Effect.gen(function*() {
    const tree = yield* TreeFileSystem.TreeFileSystem
    const absent = (error: StoreFileSystem.FileSystemError) =>
      error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error)
    const own = yield* Effect.catch(tree.lstat(pathOf(layer, name)), absent)
    if (own === undefined) return []
    const old = yield* tree.lstat(pathOf(parent, name))
    if (own.type !== "directory" || old.type !== "directory") return [{ kind: "changed", name, below: 0 }]
    const inside = yield* changesOf({ layer, merged, parent }, name)
    const same = own.mode === old.mode && own.uid === old.uid && own.gid === old.gid
    return same ? inside : [{ kind: "changed", name, below: 0 }, ...inside]
  })

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

const namesIn = (directory: string, name: string) =>
  TreeFileSystem.TreeFileSystem.use((tree) =>
    Effect.map(tree.readDirectory(pathOf(directory, name)), (names) => new Set(names.map(latin1)))
  )

const countBelow = (
  directory: string,
  name: string
): Effect.Effect<number, StoreFileSystem.FileSystemError, TreeFileSystem.TreeFileSystem> =>
  Effect.gen(function*() {
    const tree = yield* TreeFileSystem.TreeFileSystem
    const { type } = yield* tree.lstat(pathOf(directory, name))
    if (type !== "directory") return 0
    let count = 0
    for (const inside of yield* namesIn(directory, name)) {
      count += 1 + (yield* countBelow(directory, `${name}/${inside}`))
    }
    return count
  })
