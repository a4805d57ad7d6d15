/**
 * Which of overlay's cases a call was, by what it changed in the upper layer: looked up in memory, where that costs
 * little. Each label's comment is what earns it.
 */
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { type Entry, isDirectory, namesIn, xattrsOf } from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { OverlayEntry } from "../../packages/memory-fs/src/internal/overlayEntry.ts"
import type { Call } from "./call.ts"
import type { Answer } from "./machine.ts"

export const labels = [
  /** `append` to a lower file. */
  "copied up: file",
  /** `mkdir` in a lower directory. */
  "copied up: directory",
  /** `chmod` through a hard link to it, `rename` of it. */
  "copied up: symlink",
  /** `unlink` of a lower file. */
  "whiteout made",
  /** `mkdir` in a merged directory. */
  "opaque made",
  /** `write` where a lower file was removed. */
  "made over a whiteout",
  /** `mkdir` where a lower directory was removed. */
  "directory over a whiteout",
  /** `rename` of a new file to where a lower one was removed. */
  "renamed over a whiteout",
  /** `rename` of a lower file to where another was removed. */
  "whiteouts switched",
  /** `rename` of a lower file. */
  "whiteout left by a rename",
  /** `rename` of a new directory into a merged one. */
  "directory moved",
  /** `rename` of a lower directory. */
  "EXDEV: lower directory",
  /** `rename` of a directory that was copied up. */
  "EXDEV: merged directory",
  /** `rename` over a lower file. */
  "renamed over a lower entry",
  /** `append` to one of two names of a lower file. */
  "hard link broken",
  /** `link` to a lower file. */
  "hard link to a lower file",
  /** `rmdir` of a directory that is in upper and lower layers, and shows nothing. */
  "merged directory removed",
  /** `rmdir` of one that shows something. */
  "merged directory not empty",
  /** `append` without an upper layer. */
  "read-only: refused",
  /** A read of an open file after it was copied up. */
  "open file copied up",
  /** See `mark.ts`. */
  "by hand: whiteout",
  "by hand: opaque",
  "by hand: foreign",
  "by hand: not quite opaque",
  /** A read of an open file that has no name any more. */
  "open file unlinked"
] as const

export type Label = (typeof labels)[number]

/** What there is of an overlay before a call, and after. */
interface Picture {
  readonly upper: ReadonlyMap<string, "whiteout" | "opaque" | "directory" | "file" | "symlink">
  readonly from: Place | undefined
  readonly to: Place | undefined
}

interface Place {
  readonly inUpper: boolean
  readonly inLower: boolean
  readonly isDirectory: boolean
  readonly nlink: number
  /** Whether the name shows nothing because of a whiteout. */
  readonly whiteout: boolean
}

export const pictureOf = (volume: MemoryVolume, root: string, call: Call): Picture => {
  const overlay = find(volume, root, true).at?.link
  const upper = overlay instanceof OverlayEntry ? overlay.overlay.layers.upper : undefined
  const kinds = new Map<string, "whiteout" | "opaque" | "directory" | "file" | "symlink">()
  if (upper !== undefined) gather(upper, "", kinds)
  return {
    upper: kinds,
    from: "path" in call ? placeAt(volume, `${root}/${call.path}`) : undefined,
    to: "to" in call ? placeAt(volume, `${root}/${call.to}`) : undefined
  }
}

const gather = (directory: Entry, path: string, kinds: Map<string, string>): void => {
  for (const name of namesIn(directory)) {
    const child = directory.children.get(name)
    if (child === undefined) continue
    kinds.set(`${path}/${name}`, kindOf(child))
    if (isDirectory(child)) gather(child, `${path}/${name}`, kinds)
  }
}

const kindOf = (entry: Entry) => {
  const inode = entry.getNode()
  if (inode.isCharacterDevice()) return "whiteout"
  if (inode.isSymlink()) return "symlink"
  if (!inode.isDirectory()) return "file"
  return xattrsOf(inode).has("trusted.overlay.opaque") || xattrsOf(inode).has("user.overlay.opaque")
    ? "opaque"
    : "directory"
}

const placeAt = (volume: MemoryVolume, path: string): Place | undefined => {
  try {
    const { at, last, name, parent } = find(volume, path, false)
    if (last !== "name" || !(parent.link instanceof OverlayEntry)) return undefined
    const entry = at?.link
    if (entry === undefined) {
      const whiteout = parent.link.upper?.children.get(name) !== undefined
      return { inUpper: false, inLower: false, isDirectory: false, nlink: 0, whiteout }
    }
    if (!(entry instanceof OverlayEntry)) return undefined
    const lower = parent.link.lowers.some((layer) => layer.children.get(name) !== undefined)
    return {
      inUpper: entry.upper !== undefined,
      inLower: isDirectory(entry) ? entry.lowers.length > 0 : lower,
      isDirectory: isDirectory(entry),
      nlink: entry.getNode().nlink,
      whiteout: false
    }
  } catch {
    return undefined
  }
}

export const labelsOf = (before: Picture, after: Picture, call: Call, answer: Answer): ReadonlyArray<Label> => {
  const { from, to } = before
  const failed = "failed" in answer ? answer.failed : undefined
  const found: Array<Label> = []
  const add = (label: Label, holds: boolean) => {
    if (holds) found.push(label)
  }
  const kept = [...after.upper].filter(([path]) => !before.upper.has(path))
  const copied = isCopied(call, failed) && from !== undefined && !from.inUpper && from.inLower
  const copiedFile = copied && !from.isDirectory && kept.some(([, kind]) => kind === "file")
  add("copied up: file", copiedFile)
  add("copied up: symlink", copied && kept.some(([, kind]) => kind === "symlink"))
  add("copied up: directory", kept.some(([, kind]) => kind === "directory") && call._tag !== "rename")
  add("whiteout made", kept.some(([, kind]) => kind === "whiteout") || covered(before, after))
  add("opaque made", [...after.upper].some(([path, kind]) => kind === "opaque" && before.upper.get(path) !== "opaque"))
  const uncovered = [...before.upper].filter(([path, kind]) =>
    kind === "whiteout" && (after.upper.get(path) ?? "whiteout") !== "whiteout"
  )
  add("made over a whiteout", uncovered.length > 0 && call._tag !== "rename" && call._tag !== "mkdir")
  add("directory over a whiteout", uncovered.length > 0 && call._tag === "mkdir")
  add("read-only: refused", failed === "EROFS")
  if (call._tag === "rename" && from !== undefined && to !== undefined) {
    const done = failed === undefined
    add("renamed over a whiteout", done && to.whiteout)
    add("whiteouts switched", done && to.whiteout && from.inLower)
    add("whiteout left by a rename", done && from.inLower)
    add("renamed over a lower entry", done && to.inLower)
    add("directory moved", done && from.isDirectory)
    add("EXDEV: lower directory", failed === "EXDEV" && !from.inUpper)
    add("EXDEV: merged directory", failed === "EXDEV" && from.inUpper)
  }
  add("hard link broken", copiedFile && from.nlink > 1 && call._tag !== "link")
  add("hard link to a lower file", copiedFile && call._tag === "link")
  if (call._tag === "rmdir" && from?.isDirectory === true && from.inUpper && from.inLower) {
    add("merged directory removed", failed === undefined)
    add("merged directory not empty", failed === "ENOTEMPTY")
  }
  return found
}

const isCopied = (call: Call, failed: string | undefined): boolean =>
  failed === undefined && !["unlink", "rmdir", "remove", "copyFile"].includes(call._tag)

const covered = (before: Picture, after: Picture): boolean =>
  [...after.upper].some(([path, kind]) => kind === "whiteout" && before.upper.get(path) !== "whiteout")
