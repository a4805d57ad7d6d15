/** Copying one entry, with all that Linux keeps about it. */
import { type TreeEntry, TreeFileSystem, type TreePath } from "@snapshotter/core/TreeFileSystem"
import { Effect, Option } from "effect"

/** Which attributes are an overlay's own marks: those of `trusted.overlay.` or of `user.overlay.`. */
export type Marks = "trusted" | "user"

/** Names that copies already have, by the inode of what was copied: another name of it becomes a link. */
export type Links = Map<string, TreePath>

export const inodeOf = ({ dev, ino }: TreeEntry): string => `${dev} ${ino}`

/** Anything but a directory. */
export const copyNode = Effect.fnUntraced(function*(from: TreePath, to: TreePath, marks: Marks, links: Links) {
  const tree = yield* TreeFileSystem
  const entry = yield* tree.lstat(from)
  const other = links.get(inodeOf(entry))
  if (other !== undefined) return yield* tree.link(other, to)
  links.set(inodeOf(entry), to)
  if (entry.type === "symlink") yield* tree.symlink(yield* tree.readLink(from), to)
  else if (entry.type === "file") yield* copyText(from, to)
  else if (entry.type !== "directory") yield* tree.makeNode(to, { type: entry.type, mode: 0o600, rdev: entry.rdev })
  yield* copyAttributes(from, to, marks)
})

/** Owner, mode, extended attributes and times; last, since writing changes some of them. */
export const copyAttributes = Effect.fnUntraced(function*(from: TreePath, to: TreePath, marks: Marks) {
  const tree = yield* TreeFileSystem
  const { atimeNanoseconds, gid, mode, mtimeNanoseconds, type, uid } = yield* tree.lstat(from)
  yield* tree.setOwner(to, { uid, gid })
  if (type !== "symlink") yield* tree.setMode(to, mode)
  const attributes = yield* xattrsOf(from, marks)
  for (const name of (yield* xattrsOf(to, marks)).keys()) {
    if (!attributes.has(name)) yield* tree.removeXattr(to, name)
  }
  for (const [name, value] of attributes) yield* tree.setXattr(to, name, value)
  yield* tree.setTimes(to, { atimeNanoseconds, mtimeNanoseconds })
})

/** All but the marks of overlays. */
export const xattrsOf = Effect.fnUntraced(function*(path: TreePath, marks: Marks) {
  const tree = yield* TreeFileSystem
  const names = (yield* tree.listXattrs(path)).filter((name) => !name.startsWith(`${marks}.overlay.`)).sort()
  return new Map(
    yield* Effect.forEach(names, (name) => Effect.map(tree.getXattr(path, name), (value) => [name, value] as const))
  )
})

const copyText = (from: TreePath, to: TreePath) =>
  Effect.scoped(Effect.gen(function*() {
    const tree = yield* TreeFileSystem
    const [source, copy] = [
      yield* tree.open(from, { read: true }),
      yield* tree.open(to, { write: true, create: 0o600, exclusive: true })
    ]
    const bytes = new Uint8Array(65_536)
    for (let offset = 0;;) {
      const length = yield* source.read(bytes, offset)
      if (length === 0) return
      for (let written = 0; written < length;) {
        written += yield* copy.write(bytes.subarray(written, length), offset + written)
      }
      offset += length
    }
  }))

/** Whether two paths lead to files of the same contents. */
export const haveSameText = (one: TreePath, other: TreePath) =>
  Effect.scoped(Effect.gen(function*() {
    const tree = yield* TreeFileSystem
    const [first, second] = [yield* tree.open(one, { read: true }), yield* tree.open(other, { read: true })]
    const [a, b] = [Buffer.alloc(65_536), Buffer.alloc(65_536)]
    for (let offset = 0;; offset += a.length) {
      const [lengthOfA, lengthOfB] = [yield* first.read(a, offset), yield* second.read(b, offset)]
      if (lengthOfA !== lengthOfB || !a.subarray(0, lengthOfA).equals(b.subarray(0, lengthOfB))) return false
      if (lengthOfA < a.length) return true
    }
  }))

/** What is there, if anything is. */
export const lookAt = Effect.fnUntraced(function*(path: TreePath) {
  const tree = yield* TreeFileSystem
  return yield* tree.lstat(path).pipe(
    Effect.map(Option.some),
    Effect.catchIf(({ code }) => code === "ENOENT", () => Effect.succeed(Option.none<TreeEntry>()))
  )
})
