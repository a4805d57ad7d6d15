/** Writing a changed copy back: what is new in it into the upper layer, as an overlay would have left it there. */
import { deviceNumber, type TreeEntry, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import { at, type Contents, contentsOf, parentOf, removeAll } from "./contents.ts"
import { copyAttributes, copyNode, haveSameText, inodeOf, type Links, type Marks, xattrsOf } from "./copy.ts"
import { differenceBetween } from "./difference.ts"
import { opaque } from "./merge.ts"

/** `lower` is a copy of what the lower layers show, `changed` what is to be seen over them. */
export const writeBack = Effect.fnUntraced(function*(lower: string, changed: string, upper: string, marks: Marks) {
  const tree = yield* TreeFileSystem
  const [before, now] = [yield* contentsOf(lower), yield* contentsOf(changed)]
  const difference = differenceBetween(before, now, yield* unchangedIn(lower, before, changed, now, marks))
  for (const path of (yield* contentsOf(upper)).keys()) {
    if (path !== "" && parentOf(path) === "") yield* removeAll(upper, path)
  }
  const links: Links = new Map()
  const kept = [...now].filter(([path]) => difference.kept.has(path))
  for (const [path, { type }] of kept) {
    if (path === "") continue
    if (type === "directory") yield* tree.makeDirectory(at(upper, path), 0o700)
    else yield* copyNode(at(changed, path), at(upper, path), marks, links)
  }
  for (const path of difference.whiteouts) {
    yield* tree.makeNode(at(upper, path), { type: "characterDevice", mode: 0o600, rdev: deviceNumber(0, 0) })
  }
  const { name, value } = opaque(marks)
  for (const path of difference.opaque) yield* tree.setXattr(at(upper, path), name, value)
  for (const [path, { type }] of kept.reverse()) {
    if (type === "directory") yield* copyAttributes(at(changed, path), at(upper, path), marks)
  }
})

/** The paths at which both show the same: kind, attributes, contents, and the other names of it. */
const unchangedIn = Effect.fnUntraced(
  function*(lower: string, before: Contents, changed: string, now: Contents, marks: Marks) {
    const [namesBefore, namesNow] = [namesByInode(before), namesByInode(now)]
    const unchanged = new Set<string>()
    for (const [path, entry] of now) {
      const old = before.get(path)
      if (old === undefined || attributesOf(old) !== attributesOf(entry)) continue
      const leftOfNames = (namesBefore.get(inodeOf(old)) ?? []).filter((name) => now.has(name))
      if (String(leftOfNames) !== String(namesNow.get(inodeOf(entry)))) continue
      const [one, other] = [at(lower, path), at(changed, path)]
      if (!sameXattrs(yield* xattrsOf(one, marks), yield* xattrsOf(other, marks))) continue
      if (entry.type === "file" && !(yield* haveSameText(one, other))) continue
      if (entry.type === "symlink" && !sameBytes(yield* targetOf(one), yield* targetOf(other))) continue
      unchanged.add(path)
    }
    return unchanged
  }
)

const targetOf = (path: ReturnType<typeof at>) => TreeFileSystem.use((tree) => tree.readLink(path))

const attributesOf = ({ gid, mode, mtimeNanoseconds, rdev, size, type, uid }: TreeEntry): string =>
  [type, mode, uid, gid, rdev, mtimeNanoseconds, type === "directory" ? 0 : size].join()

const namesByInode = (contents: Contents): ReadonlyMap<string, ReadonlyArray<string>> => {
  const names = new Map<string, Array<string>>()
  for (const [path, entry] of contents) {
    const known = names.get(inodeOf(entry))
    if (known === undefined) names.set(inodeOf(entry), [path])
    else known.push(path)
  }
  return names
}

const sameXattrs = (one: ReadonlyMap<string, Uint8Array>, other: ReadonlyMap<string, Uint8Array>): boolean =>
  one.size === other.size && [...one].every(([name, value]) => sameBytes(value, other.get(name)))

const sameBytes = (one: Uint8Array, other: Uint8Array | undefined): boolean =>
  other !== undefined && Buffer.compare(one, other) === 0
