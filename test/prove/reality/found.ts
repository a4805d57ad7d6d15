/** A tree as it is found, on whatever file system. */
import { type TreeEntry, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import { createHash } from "node:crypto"
import { shown } from "./operation.ts"

export type Type = "file" | "directory" | "symlink" | "whiteout"

export interface Found {
  readonly type: Type | "other"
  readonly mode: number
  /** The `user.*` ones. */
  readonly xattrs: ReadonlyMap<string, string>
  /** Of a file: equal for its names, and only for them. */
  readonly identity: bigint
  /** Of a file: its contents, a character for each byte. */
  readonly text: string
  /** Of a symlink. */
  readonly target: string
  /** Of a directory. */
  readonly entries: ReadonlyMap<string, Found>
}

/** All that is at this path and below. */
export const treeAt: (path: string) => Effect.Effect<Found, unknown, TreeFileSystem> = Effect.fnUntraced(
  function*(path: string) {
    const trees = yield* TreeFileSystem
    const entry = yield* trees.lstat(path)
    const type = typeOf(entry)
    const entries = new Map<string, Found>()
    if (type === "directory") {
      const names = (yield* trees.readDirectory(path)).map((name) => Buffer.from(name).toString())
      for (const name of names.sort()) entries.set(name, yield* treeAt(`${path}/${name}`))
    }
    const found: Found = {
      type,
      mode: entry.mode,
      xattrs: type === "file" || type === "directory" ? yield* xattrsAt(path) : new Map(),
      identity: entry.ino,
      text: type === "file" ? yield* textAt(path, entry.size) : "",
      target: type === "symlink" ? Buffer.from(yield* trees.readLink(path)).toString() : "",
      entries
    }
    return found
  }
)

const typeOf = ({ rdev, type }: TreeEntry): Found["type"] => {
  if (type === "file" || type === "directory" || type === "symlink") return type
  return type === "characterDevice" && rdev === 0n ? "whiteout" : "other"
}

const xattrsAt = Effect.fnUntraced(function*(path: string) {
  const trees = yield* TreeFileSystem
  const xattrs = new Map<string, string>()
  for (const name of (yield* trees.listXattrs(path)).filter((name) => name.startsWith("user."))) {
    xattrs.set(name, Buffer.from(yield* trees.getXattr(path, name)).toString())
  }
  return xattrs
})

const textAt = (path: string, size: number) =>
  Effect.scoped(Effect.gen(function*() {
    const file = yield* TreeFileSystem.use((trees) => trees.open(path, { read: true }))
    const bytes = Buffer.alloc(size)
    let read = 0
    while (read < size) {
      const more = yield* file.read(bytes.subarray(read), read)
      if (more === 0) break
      read += more
    }
    return bytes.toString("latin1", 0, read)
  }))

/** A line for each name, the same for trees that show the same. */
export const linesOf = (tree: Found): ReadonlyArray<string> => {
  const first = new Map<bigint, string>()
  const lines: Array<string> = []
  const visit = (path: string, found: Found) => {
    const same = found.type === "file" ? first.get(found.identity) : undefined
    if (found.type === "file") first.set(found.identity, same ?? path)
    lines.push(`${path === "" ? "." : path} ${lineOf(found)}${same === undefined ? "" : `, the same as ${same}`}`)
    for (const [name, child] of sortedByName(found.entries)) visit(path === "" ? name : `${path}/${name}`, child)
  }
  visit("", tree)
  return lines
}

const sortedByName = <A>(entries: ReadonlyMap<string, A>): ReadonlyArray<readonly [string, A]> =>
  [...entries].sort(([one], [other]) => one < other ? -1 : 1)

const lineOf = ({ mode, target, text, type, xattrs }: Found): string => {
  const attributes = [`${mode.toString(8)}`, ...sortedByName(xattrs).map(([name, value]) => `${name}=${value}`)]
  if (type === "symlink") return `→ ${shown(target)}`
  return [type, ...attributes, ...type === "file" ? [`${text.length} bytes: ${shown(text)}`] : []].join(" ")
}

/** Equal for trees that show the same, byte for byte. */
export const digestOf = (tree: Found): string => {
  const hash = createHash("sha256")
  const visit = (found: Found) => {
    hash.update(JSON.stringify([found.text, found.target, found.entries.size]))
    for (const [, child] of sortedByName(found.entries)) visit(child)
  }
  hash.update(JSON.stringify(linesOf(tree)))
  visit(tree)
  return hash.digest("hex")
}
