/**
 * What a directory holds, name by name, so that two can be compared: type, mode, owner, modification time, size, link
 * target and contents. Names are bytes, kept here one to a character, so that those which are not UTF-8 count too.
 */
import { type StoreFileSystem, TreeFileSystem } from "@snapshotter/core"
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"

export interface Entry {
  readonly name: string
  readonly type: TreeFileSystem.EntryType
  /** Of a file. */
  readonly bytes: number
  /** All that counts, as one text. */
  readonly compared: string
}

export interface Inventory {
  /** By name, relative to the directory, which itself is `""`; a directory before what is in it. */
  readonly names: ReadonlyMap<string, Entry>
  /** Whether the limits left nothing out. */
  readonly complete: boolean
}

export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { why: Schema.String }) {
  override get message() {
    return `cannot read all of the directory: ${this.why}`
  }
}

/** How much of a directory is wanted. */
export interface Limits {
  readonly names: number
  /** Larger files are left out. */
  readonly bytesOfFile: number
}

export interface Taking {
  /** Whether owners count. Without them, neither do the mode bits that mean an owner's rights. */
  readonly owners: boolean
  readonly limits?: Limits | undefined
  /** Told of each name as it comes. */
  readonly onName?: () => void
}

/** Reads a directory, name by name. */
export const take = (directory: string, { limits, onName, owners }: Taking) =>
  Effect.gen(function*() {
    const tree = yield* TreeFileSystem.TreeFileSystem
    const names = new Map<string, Entry>()
    let complete = true
    const visit: (name: string) => Effect.Effect<void, StoreFileSystem.FileSystemError> = Effect.fnUntraced(
      function*(name) {
        const path = pathOf(directory, name)
        const status = yield* tree.lstat(path)
        const bytes = status.type === "file" ? status.size : 0
        if (limits !== undefined && (names.size >= limits.names || bytes > limits.bytesOfFile)) {
          complete = false
          return
        }
        names.set(name, { name, type: status.type, bytes, compared: yield* compared(tree, path, status, owners) })
        onName?.()
        if (status.type !== "directory") return
        for (const last of (yield* tree.readDirectory(path)).map(latin1).toSorted()) {
          yield* visit(name === "" ? last : `${name}/${last}`)
        }
      }
    )
    yield* visit("")
    return { names, complete } satisfies Inventory
  }).pipe(Effect.mapError(({ message }) => new Unreadable({ why: message })))

/** The names that are not the same in both, sorted. */
export const differences = (one: Inventory, other: Inventory): ReadonlyArray<string> =>
  [...new Set([...one.names.keys(), ...other.names.keys()])]
    .filter((name) => one.names.get(name)?.compared !== other.names.get(name)?.compared)
    .toSorted()

/** One digest of everything that is compared. */
export const digest = ({ names }: Inventory): string => {
  const hash = createHash("sha256")
  for (const name of [...names.keys()].toSorted()) hash.update(`${name}\0${names.get(name)?.compared}\0`, "latin1")
  return hash.digest("hex")
}

/** How many there are of each type, the directory itself left out, and the bytes of all files. */
export const count = ({ names }: Inventory) => {
  const counted = { file: 0, directory: -1, symlink: 0, bytes: 0 }
  for (const { bytes, type } of names.values()) {
    if (type === "file" || type === "directory" || type === "symlink") counted[type]++
    counted.bytes += bytes
  }
  return counted
}

/** How a name is shown. */
export const shown = (name: string): string => Buffer.from(name, "latin1").toString()

export const latin1 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1")

/** Where a name lies. */
export const pathOf = (directory: string, name: string): TreeFileSystem.TreePath =>
  name === "" ? directory : TreeFileSystem.below(directory, Buffer.from(name, "latin1"))

// ============================================================ what is compared

const compared = Effect.fnUntraced(function*(
  tree: TreeFileSystem.TreeFileSystem,
  path: TreeFileSystem.TreePath,
  { gid, mode, mtimeNanoseconds, rdev, size, type, uid }: TreeFileSystem.TreeEntry,
  owners: boolean
) {
  const owned = owners ? `${mode} ${uid}:${gid}` : `${mode & ~0o6000}`
  switch (type) {
    case "directory":
      // Its time changes with what is in it, which is compared anyway.
      return `directory ${owned}`
    case "symlink":
      return `symlink ${owned} ${latin1(yield* tree.readLink(path))}`
    case "file":
      return `file ${owned} ${mtimeNanoseconds} ${size} ${yield* digestOfFile(tree, path)}`
    default:
      return `${type} ${owned} ${rdev}`
  }
})

const digestOfFile = (tree: TreeFileSystem.TreeFileSystem, path: TreeFileSystem.TreePath) =>
  Effect.gen(function*() {
    const hash = createHash("sha256")
    const file = yield* tree.open(path, { read: true, noFollow: true })
    const buffer = Buffer.allocUnsafe(65_536)
    let offset = 0
    for (let read = yield* file.read(buffer, 0); read > 0; read = yield* file.read(buffer, offset)) {
      hash.update(buffer.subarray(0, read))
      offset += read
    }
    return hash.digest("base64")
  }).pipe(Effect.scoped)
