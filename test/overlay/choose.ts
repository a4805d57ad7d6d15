/** Gives the paths of a call that only say what they are to lead to: what there is of that kind when its turn comes. */
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { identityOf } from "../../packages/memory-fs/src/internal/change.ts"
import { type Entry, isDirectory, isSymlink, namesIn } from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { OverlayEntry } from "../../packages/memory-fs/src/internal/overlayEntry.ts"
import type { Call, Kind } from "./call.ts"

export const choose = (volume: MemoryVolume, root: string, open: ReadonlyArray<string>, call: Call): Call => {
  const there = find(volume, root, true).at?.link
  if (there === undefined) return call
  const paths = new Map<Kind, Array<string>>([["open", [...open]]])
  gather(there, "", paths)
  const chosen = Object.entries(call).map(([field, value]) =>
    typeof value === "string" && value.startsWith("?") ? [field, pathOf(paths, value)] : [field, value]
  )
  return withoutEndlessCopy(volume, root, Object.fromEntries(chosen) as Call)
}

/**
 * Node copies a lower file with several names onto itself for ever: the copy-up gives it another number, so that libuv
 * takes it for another file, truncates it, and waits for contents that are gone. docs/OVERLAY.md.
 */
const withoutEndlessCopy = (volume: MemoryVolume, root: string, call: Call): Call => {
  if (call._tag !== "copyFile") return call
  const [from, to] = [call.path, call.to].map((path) => fileAt(volume, `${root}/${path}`))
  return from !== undefined && from === to ? { _tag: "stat", path: call.path } : call
}

const fileAt = (volume: MemoryVolume, path: string): object | undefined => {
  try {
    const { at } = find(volume, path, true)
    return at === undefined ? undefined : identityOf(at.link)
  } catch {
    return undefined
  }
}

/** Where there is none of that kind, something nearly certain to be missing. */
const pathOf = (paths: ReadonlyMap<Kind, ReadonlyArray<string>>, said: string): string => {
  const [kind = "", at = "0"] = said.slice(1).split(" ")
  const candidates = paths.get(kind as Kind) ?? []
  return candidates[Number(at) % candidates.length] ?? "c/c/c"
}

const gather = (directory: Entry, path: string, paths: Map<Kind, Array<string>>): void => {
  const add = (kind: Kind, name: string) => paths.set(kind, [...paths.get(kind) ?? [], `${path}${name}`])
  for (const name of ["a", "b", "c"]) {
    if (directory.children.get(name) !== undefined) continue
    add("new", name)
    if (directory instanceof OverlayEntry && directory.upper?.children.get(name) !== undefined) add("gone", name)
  }
  for (const name of namesIn(directory)) {
    const entry = directory.children.get(name)
    if (entry === undefined) continue
    if (isDirectory(entry)) {
      add("directory", name)
      gather(entry, `${path}${name}/`, paths)
    } else if (isSymlink(entry)) add("symlink", name)
    else {
      add("file", name)
      if (entry.getNode().nlink > 1) add("linked", name)
    }
  }
}
