/**
 * A tree as text lines, the same on two machines if it is the same tree. Inode and device numbers become the order in
 * which they were first met.
 */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import { below, type TreeEntry, type TreeFileSystem, type TreePath } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import { type Exempting, exempts } from "./exemptions.ts"
import { bytes, readText, timeOf } from "./machine.ts"

/** Numbers as the order in which they came. */
class Numbers {
  private readonly order = new Map<bigint, number>()
  of(number: bigint): number {
    const known = this.order.get(number)
    if (known !== undefined) return known
    this.order.set(number, this.order.size)
    return this.order.size - 1
  }
}

/** By which numbers the entries of a mount are known, as long as it is mounted. */
export class Identities {
  readonly inodes = new Numbers()
  readonly devices = new Numbers()
}

/** How to look: through a mount, whose entries have these identities as long as it is there, or into a layer. */
export interface Look {
  readonly exempting: Exempting
  readonly identities: Identities
  readonly inLayer: boolean
}

/** The root and all below it, parents first. */
export const treeOf = (tree: TreeFileSystem, root: string, look: Look) =>
  Effect.gen(function*() {
    const lines: Array<string> = []
    for (const [name, path, entry] of yield* entriesOf(tree, root)) {
      lines.push(
        entry === undefined ? `${name} is listed, but not there` : yield* lineOf(tree, name, path, entry, look)
      )
    }
    return lines
  })

type Found = readonly [name: string, path: TreePath, entry: TreeEntry | undefined]

const entriesOf = (tree: TreeFileSystem, root: string) =>
  Effect.gen(function*() {
    const found: Array<Found> = []
    const pending: Array<readonly [string, TreePath]> = [["", root]]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const [name, path] = next
      const entry = yield* orAbsent(tree.lstat(path))
      found.push([name, path, entry])
      if (entry?.type !== "directory") continue
      const names = (yield* tree.readDirectory(path)).map((one) => Buffer.from(one).toString("latin1")).sort()
      for (const one of names.reverse()) pending.push([`${name}/${one}`, below(path, bytes(one))])
    }
    return found
  })

const orAbsent = (status: Effect.Effect<TreeEntry, FileSystemError>) =>
  Effect.catch(status, (error) => error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error))

const lineOf = (tree: TreeFileSystem, name: string, path: TreePath, entry: TreeEntry, look: Look) =>
  Effect.gen(function*() {
    const { gid, mode, nlink, rdev, type, uid } = entry
    const { exempting, identities, inLayer } = look
    const isMark = inLayer && type === "characterDevice" && rdev === 0n
    const parts = [
      name,
      type,
      mode.toString(8),
      `${uid}:${gid}`,
      isMark && exempts(exempting, "whiteout's links and time")
        ? ""
        : `nlink ${nlink} ${timeOf(entry.mtimeNanoseconds)}`,
      `rdev ${rdev}`
    ]
    const forgotten = !inLayer && type !== "directory" && type !== "file" &&
      exempts(exempting, "number without user xattrs")
    const number = isMark || forgotten ? "?" : identities.inodes.of(entry.ino)
    parts.push(`inode ${number} of ${identities.devices.of(entry.dev)}`)
    if (type === "file") parts.push(JSON.stringify(yield* readText(tree, bytesOf(path))))
    if (type === "symlink") parts.push(`→ ${Buffer.from(yield* tree.readLink(path)).toString("latin1")}`)
    for (const attribute of (yield* tree.listXattrs(path)).toSorted()) {
      if (inLayer && exempts(exempting, "kernel's own xattrs", attribute)) continue
      parts.push(`${attribute}=${Buffer.from(yield* tree.getXattr(path, attribute)).toString("latin1")}`)
    }
    return parts.filter((part) => part !== "").join(" ")
  })

const bytesOf = (path: TreePath): Uint8Array => typeof path === "string" ? Buffer.from(path) : path

const aged = 1_200_000_000_000_000_000n

/** Gives all but whiteouts a time of its own, long ago: so that it shows what a later call touches. */
export const age = (tree: TreeFileSystem, root: string) =>
  Effect.gen(function*() {
    for (const [i, [, path, entry]] of (yield* entriesOf(tree, root)).entries()) {
      const isMark = entry?.type === "characterDevice" && entry.rdev === 0n
      if (!isMark) yield* tree.setTimes(path, { mtimeNanoseconds: aged + BigInt(i) * 1_000_000_001n })
    }
  })
