/** Gives the paths of a call that only say what they are to lead to: what there is of that kind when its turn comes. */
import { identityOf } from "../../packages/memory-fs/src/internal/change.ts"
import {
  type Entry,
  isDirectory,
  isSpecial,
  isSymlink,
  namesIn,
  typeOf,
  xattrsOf
} from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { bytesOfName, nameOf } from "../../packages/memory-fs/src/internal/names.ts"
import { OverlayEntry } from "../../packages/memory-fs/src/internal/overlayEntry.ts"
import type { Volume } from "../../packages/memory-fs/src/internal/volume.ts"
import { listXattrs } from "../../packages/memory-fs/src/internal/xattrs.ts"
import { type Call, type Kind, names, type Slot } from "./call.ts"
import { type Exempting, exempts } from "./exemptions.ts"
import { bytes } from "./machine.ts"

export const choose = (
  volume: Volume,
  root: string,
  open: ReadonlyMap<Slot, { readonly path: string }>,
  template: Call,
  exempting: Exempting
): Call => {
  const there = find(volume, root, true).at?.link
  if (there === undefined) return template
  const paths = new Map<Kind, Array<string>>([
    ["open", [...open.values()].map(({ path }) => path)],
    ["root", ["."]]
  ])
  gather(there, "", paths)
  const call = "slot" in template && template._tag !== "open" && !open.has(template.slot)
    ? { _tag: "open", path: "?file 0", slot: template.slot, flag: "r" } as const
    : template
  const chosen = withXattr(
    volume,
    root,
    Object.fromEntries(
      Object.entries(call).map(([field, value]) =>
        field !== "name" && typeof value === "string" && value.startsWith("?")
          ? [field, pathOf(paths, value)]
          : [field, value]
      )
    ) as Call
  )
  return isLeftOut(volume, root, chosen, exempting)
    ? { _tag: "lstat", path: "path" in chosen ? chosen.path : "." }
    : chosen
}

const withXattr = (volume: Volume, root: string, call: Call): Call => {
  if (!("name" in call) || !call.name.startsWith("?xattr ")) return call
  const path = inVolume(`${root}/${call.path}`)
  const seen = entryAt(volume, `${root}/${call.path}`) === undefined ? [] : listXattrs(volume, path, true)
  return { ...call, name: seen[Number(call.name.slice("?xattr ".length)) % seen.length] ?? "user.a" }
}

/** What Node or the kernel would not come back from, or what needs somebody at the other end: docs/OVERLAY.md. */
const isLeftOut = (volume: Volume, root: string, call: Call, exempting: Exempting): boolean => {
  const at = (path: string) => entryAt(volume, `${root}/${path}`)
  const isFifo = (path: string) => {
    const entry = at(path)
    return entry !== undefined && typeOf(entry.getNode()) === "fifo"
  }
  if (call._tag === "rename") {
    const [from, to] = [lastAt(volume, `${root}/${call.path}`), lastAt(volume, `${root}/${call.to}`)]
    return from !== undefined && to !== undefined && identityOf(from) === identityOf(to) &&
      (isSymlink(from) || isSpecial(from)) && exempts(exempting, "rename between such names")
  }
  if (call._tag === "truncate") {
    const file = at(call.path)?.getNode()
    return file?.isFile() === true && file.getSize() === call.length && exempts(exempting, "same length")
  }
  if (call._tag === "copyFile") {
    const [from, to] = [at(call.path), at(call.to)]
    const isOntoItself = from !== undefined && to !== undefined && identityOf(from) === identityOf(to)
    const breaksLink = from instanceof OverlayEntry && from.upper === undefined && from.getNode().nlink > 1
    if (isOntoItself && breaksLink) return exempts(exempting, "endless copy")
    return (isFifo(call.path) || isFifo(call.to)) && exempts(exempting, "fifo")
  }
  return false
}

/** What a path leads to, its last symlink too. */
export const entryAt = (volume: Volume, path: string): Entry | undefined => lookedUp(volume, path, true)

/** What has the name itself. */
const lastAt = (volume: Volume, path: string): Entry | undefined => lookedUp(volume, path, false)

const lookedUp = (volume: Volume, path: string, follow: boolean): Entry | undefined => {
  try {
    return find(volume, inVolume(path), follow).at?.link
  } catch {
    return undefined
  }
}

/** The path as memory-fs writes it. */
export const inVolume = (path: string): string => nameOf(bytes(path))

/** Where there is none of that kind, a file, or else a directory, or else something nearly certain to be missing. */
const pathOf = (paths: ReadonlyMap<Kind, ReadonlyArray<string>>, said: string): string => {
  const [kind = "", at = "0"] = said.slice(1).split(" ")
  const candidates = paths.get(kind as Kind) ?? paths.get("file") ?? paths.get("directory") ?? []
  return candidates[Number(at) % candidates.length] ?? "c/c/c"
}

const gather = (directory: Entry, path: string, paths: Map<Kind, Array<string>>): void => {
  const add = (kind: Kind, name: string) => paths.set(kind, [...paths.get(kind) ?? [], `${path}${name}`])
  for (const name of names) {
    const key = inVolume(name)
    if (directory.children.get(key) !== undefined) continue
    add("new", name)
    if (directory instanceof OverlayEntry && directory.upper?.children.get(key) !== undefined) add("gone", name)
  }
  for (const key of namesIn(directory)) {
    const entry = directory.children.get(key)
    if (entry === undefined) continue
    const name = bytesOfName(key).toString("latin1")
    if (xattrsOf(entry.getNode()).size > 0) add("attributed", name)
    if (isDirectory(entry)) {
      add("directory", name)
      gather(entry, `${path}${name}/`, paths)
    } else if (isSymlink(entry)) add("symlink", name)
    else if (!entry.getNode().isFile()) add("special", name)
    else {
      add("file", name)
      if (entry.getNode().nlink > 1) add("linked", name)
    }
  }
}
