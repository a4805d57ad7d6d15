/** A copy from one tree to another, which may be on another machine: all that `cp -a` keeps but hard links and access control lists. */
import type { TreeFileSystem } from "@snapshotter/core"
import { Effect } from "effect"
import { pathOf } from "./inventory.ts"
import type { Source } from "./source.ts"

export interface Trees {
  readonly from: TreeFileSystem.TreeFileSystem
  readonly to: TreeFileSystem.TreeFileSystem
}

/** Into an empty directory. `onName` is told of each name as it has come. */
export const copyTree = (trees: Trees, { directory, inventory, owners }: Source, into: string, onName: () => void) =>
  Effect.gen(function*() {
    const names = [...inventory.names.keys()].map((name) => [pathOf(directory, name), pathOf(into, name)] as const)
    for (const [from, to] of names) {
      if (to !== into) yield* make(trees, from, to)
      onName()
    }
    // A directory last, since its time changes with what comes into it.
    for (const [from, to] of names.toReversed()) yield* settle(trees, from, to, owners)
  })

const make = ({ from, to }: Trees, source: TreeFileSystem.TreePath, path: TreeFileSystem.TreePath) =>
  Effect.gen(function*() {
    const { mode, rdev, type } = yield* from.lstat(source)
    if (type === "directory") return yield* to.makeDirectory(path, mode & 0o1777)
    if (type === "symlink") return yield* to.symlink(yield* from.readLink(source), path)
    if (type !== "file") return yield* to.makeNode(path, { type, mode, rdev })
    const reading = yield* from.open(source, { read: true, noFollow: true })
    const writing = yield* to.open(path, { write: true, create: mode, exclusive: true })
    const buffer = new Uint8Array(65_536)
    let offset = 0
    for (let read = yield* reading.read(buffer, 0); read > 0; read = yield* reading.read(buffer, offset)) {
      const end = offset + read
      while (offset < end) offset += yield* writing.write(buffer.subarray(read - (end - offset), read), offset)
    }
  }).pipe(Effect.scoped)

const settle = (
  { from, to }: Trees,
  source: TreeFileSystem.TreePath,
  path: TreeFileSystem.TreePath,
  owners: boolean
) =>
  Effect.gen(function*() {
    const { atimeNanoseconds, gid, mode, mtimeNanoseconds, type, uid } = yield* from.lstat(source)
    // Those of the system are its own business, such as access control lists, and a machine in memory has none.
    for (const name of (yield* from.listXattrs(source)).filter((name) => !name.startsWith("system."))) {
      yield* to.setXattr(path, name, yield* from.getXattr(source, name))
    }
    if (owners) yield* to.setOwner(path, { uid, gid })
    // Which a change of the owner takes bits from.
    if (type !== "symlink") yield* to.setMode(path, mode)
    yield* to.setTimes(path, { atimeNanoseconds, mtimeNanoseconds })
  })
