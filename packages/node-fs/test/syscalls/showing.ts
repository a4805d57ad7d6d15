/** What a store shows: every snapshot, and its merged tree through a real mount, byte for byte. */
import type { Mounter } from "@snapshotter/core/Mounter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import type { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Effect, Stream } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Forest, Shown } from "./operations.ts"

/** Mounts each of them on that directory, one after another. */
export const shownBy = Effect.fnUntraced(function*(store: Snapshotter, mounter: Mounter, target: string) {
  const infos = yield* Stream.runCollect(store.walk({ onDamaged: "fail" }))
  const forest = new Map<string, Shown>()
  for (const info of infos) {
    const { kind, labels, name, parent } = info
    const tree = yield* treeOf(store, mounter, target, info)
    forest.set(name, { kind, parent, labels: { ...labels }, tree })
  }
  const sorted: Forest = new Map([...forest].sort(([one], [other]) => one < other ? -1 : 1))
  return sorted
})

const treeOf = Effect.fnUntraced(function*(store: Snapshotter, mounter: Mounter, target: string, info: Info) {
  const looking = Key.make("looking")
  const mounts = info.kind === "committed"
    ? yield* store.view(looking, { parent: Name.make(info.name) })
    : yield* store.mounts(Key.make(info.name))
  const tree = yield* Effect.scoped(Effect.map(mounter.mount(mounts, target), () => entriesOf(target)))
  if (info.kind === "committed") yield* store.remove(looking)
  return tree
})

/** A line for each entry, by path: all that a program would see of it, but for the times of the root itself. */
const entriesOf = (directory: string): ReadonlyArray<string> => {
  const lines = [`. directory ${modeOf(fs.lstatSync(directory, { bigint: true }))}`]
  for (const name of (fs.readdirSync(directory, { recursive: true, encoding: "utf8" })).sort()) {
    const file = path.join(directory, name)
    const entry = fs.lstatSync(file, { bigint: true })
    lines.push(`${name} ${contentOf(file, entry)} ${modeOf(entry)} ${entry.mtimeNs}`)
  }
  return lines
}

const modeOf = ({ gid, mode, uid }: fs.BigIntStats): string => `${(mode & 0o7777n).toString(8)} ${uid}:${gid}`

const contentOf = (file: string, entry: fs.BigIntStats): string => {
  if (entry.isDirectory()) return "directory"
  if (entry.isSymbolicLink()) return `link to ${fs.readlinkSync(file)}`
  return `file ${createHash("sha256").update(fs.readFileSync(file)).digest("hex")}`
}
