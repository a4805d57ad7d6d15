/**
 * Which of overlay's cases a call was, by what it changed in the upper layer: looked up in memory, where that costs
 * little. Each label's comment is what earns it.
 */
import { type Entry, isDirectory, namesIn, typeOf, xattrsOf } from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { isWhiteout } from "../../packages/memory-fs/src/internal/overlay.ts"
import { OverlayEntry } from "../../packages/memory-fs/src/internal/overlayEntry.ts"
import type { Volume } from "../../packages/memory-fs/src/internal/volume.ts"
import type { Call } from "./call.ts"
import { inVolume } from "./choose.ts"
import type { Answer } from "./machine.ts"

export const labels = [
  /** `append` to a lower file. */
  "copied up: file",
  /** `mkdir` in a lower directory. */
  "copied up: directory",
  /** `chmod` of a lower FIFO or device. */
  "copied up: special",
  /** `append` to a lower file with extended attributes. */
  "copied up: xattrs",
  /** `setxattr` with "create" of one that a lower file has already. */
  "copied up for what was refused",
  /** `truncate` of a lower file, or opening it so that it is emptied. */
  "copied up without contents",
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
  /** `rename` that exchanges a lower file and another. */
  "exchanged: lower files",
  /** `rename` that exchanges a new directory and anything. */
  "exchanged: a directory",
  /** `rename` that exchanges a lower directory and anything. */
  "exchanged: EXDEV",
  /** `rename` to where something is, or is not, without replacing it. */
  "renamed where nothing was",
  "not renamed over what was there",
  /** `rename` with "whiteout". */
  "EINVAL: rename with a whiteout",
  /** `mknod` of a character device 0/0. */
  "EPERM: whiteout through the mount",
  /** `mknod` of anything else. */
  "special made",
  /** `append` to one of two names of a lower file. */
  "hard link broken",
  /** `link` to a lower file. */
  "hard link to a lower file",
  /** `rmdir` of a directory that is in upper and lower layers, and shows nothing. */
  "merged directory removed",
  /** `rmdir` of one that shows something. */
  "merged directory not empty",
  /** `chmod`, `setxattr` of `.` */
  "merged root changed",
  /** Any call, by how many layers lie below what is written. */
  "over 1 layer",
  "over 2 layers",
  "over 3 layers",
  "over 4 layers",
  /** `append` without an upper layer. */
  "read-only: refused",
  /** A read of an open file after it was copied up. */
  "open file copied up",
  /** `setxattr` of `user.a` of a file, of `trusted.a` of a symlink. */
  "xattr set: user",
  "xattr set: trusted",
  /** `removexattr` of one that only a lower layer has. */
  "xattr removed from a lower entry",
  /** `setxattr` of one of the overlay's own: it is kept under another name. */
  "xattr escaped",
  /** `getxattr`, `listxattr` of such a one. */
  "xattr unescaped",
  /** `setxattr` of the other namespace's. */
  "xattr of the other namespace",
  /** `setxattr` of `user.a` of a symlink. */
  "EPERM: xattr of what is no file",
  /** See `mark.ts`. */
  "by hand: whiteout",
  "by hand: opaque",
  "by hand: foreign",
  "by hand: not quite opaque",
  "by hand: escaped",
  /** A read of an open file that has no name any more. */
  "open file unlinked"
] as const

export type Label = (typeof labels)[number]

/** What there is of an overlay before a call, and after. */
interface Picture {
  readonly upper: ReadonlyMap<string, Shown>
  readonly from: Place | undefined
  readonly to: Place | undefined
}

type Shown = "whiteout" | "opaque" | "directory" | "file" | "symlink" | "special"

interface Place {
  readonly inUpper: boolean
  readonly inLower: boolean
  readonly isDirectory: boolean
  readonly isFile: boolean
  readonly xattrs: ReadonlySet<string>
  readonly nlink: number
  /** Whether the name shows nothing because of a whiteout. */
  readonly whiteout: boolean
}

export const pictureOf = (volume: Volume, root: string, call: Call, upper: Picture["upper"]): Picture => ({
  upper,
  from: "path" in call ? placeAt(volume, `${root}/${call.path}`) : undefined,
  to: "to" in call ? placeAt(volume, `${root}/${call.to}`) : undefined
})

/** All that lies in the upper layer, by its path: after one call as before the next. */
export const upperOf = (volume: Volume, root: string): Picture["upper"] => {
  const overlay = find(volume, root, true).at?.link
  const upper = overlay instanceof OverlayEntry ? overlay.overlay.layers.upper : undefined
  const kinds = new Map<string, Shown>()
  if (upper !== undefined) gather(upper, "", kinds)
  return kinds
}

const gather = (directory: Entry, path: string, kinds: Map<string, Shown>): void => {
  for (const name of namesIn(directory)) {
    const child = directory.children.get(name)
    if (child === undefined) continue
    kinds.set(`${path}/${name}`, kindOf(child))
    if (isDirectory(child)) gather(child, `${path}/${name}`, kinds)
  }
}

const kindOf = (entry: Entry): Shown => {
  const inode = entry.getNode()
  const type = typeOf(inode)
  if (isWhiteout(inode)) return "whiteout"
  if (type !== "directory") return type === "file" || type === "symlink" ? type : "special"
  return xattrsOf(inode).has("trusted.overlay.opaque") || xattrsOf(inode).has("user.overlay.opaque")
    ? "opaque"
    : "directory"
}

const placeAt = (volume: Volume, path: string): Place | undefined => {
  try {
    const { at, last, name, parent } = find(volume, inVolume(path), false)
    if (last !== "name" || !(parent.link instanceof OverlayEntry)) return undefined
    const entry = at?.link
    if (entry === undefined) {
      const whiteout = parent.link.upper?.children.get(name) !== undefined
      return {
        inUpper: false,
        inLower: false,
        isDirectory: false,
        isFile: false,
        xattrs: new Set(),
        nlink: 0,
        whiteout
      }
    }
    if (!(entry instanceof OverlayEntry)) return undefined
    const lower = parent.link.lowers.some((layer) => layer.children.get(name) !== undefined)
    return {
      inUpper: entry.upper !== undefined,
      inLower: isDirectory(entry) ? entry.lowers.length > 0 : lower,
      isDirectory: isDirectory(entry),
      isFile: entry.getNode().isFile(),
      xattrs: new Set(xattrsOf(entry.getNode()).keys()),
      nlink: entry.getNode().nlink,
      whiteout: false
    }
  } catch {
    return undefined
  }
}

export const labelsOf = (
  before: Picture,
  after: Picture,
  call: Call,
  answer: Answer,
  userxattr: boolean
): ReadonlyArray<Label> => {
  const { from, to } = before
  const failed = "failed" in answer ? answer.failed : undefined
  const found: Array<Label> = []
  const add = (label: Label, holds: boolean) => {
    if (holds) found.push(label)
  }
  const kept = [...after.upper].filter(([path]) => !before.upper.has(path))
  const isCopied = from !== undefined && !from.inUpper && from.inLower && after.from?.inUpper === true
  const copied = isCopied && !leavesOthers.includes(call._tag)
  const copiedFile = copied && from.isFile
  add("copied up: file", copiedFile)
  add("copied up: symlink", copied && kept.some(([, kind]) => kind === "symlink"))
  add("copied up: special", copied && kept.some(([, kind]) => kind === "special"))
  add("copied up: directory", kept.some(([, kind]) => kind === "directory") && call._tag !== "rename")
  add("copied up: xattrs", copied && from.xattrs.size > 0)
  add("copied up for what was refused", copied && failed !== undefined)
  add(
    "copied up without contents",
    copiedFile && (call._tag === "write" || call._tag === "truncate" || call._tag === "open")
  )
  add("whiteout made", kept.some(([, kind]) => kind === "whiteout") || covered(before, after))
  add("opaque made", [...after.upper].some(([path, kind]) => kind === "opaque" && before.upper.get(path) !== "opaque"))
  const uncovered = [...before.upper].filter(([path, kind]) =>
    kind === "whiteout" && (after.upper.get(path) ?? "whiteout") !== "whiteout"
  )
  add("made over a whiteout", uncovered.length > 0 && call._tag !== "rename" && call._tag !== "mkdir")
  add("directory over a whiteout", uncovered.length > 0 && call._tag === "mkdir")
  add("read-only: refused", failed === "EROFS")
  const isRoot = "path" in call && call.path === "."
  add("merged root changed", isRoot && failed === undefined && changesAttributes.includes(call._tag))
  if (call._tag === "rename" && from !== undefined && to !== undefined) {
    found.push(...renamed(call, from, to, failed))
  }
  add("hard link broken", copiedFile && from.nlink > 1 && call._tag !== "link")
  add("hard link to a lower file", copiedFile && call._tag === "link" && failed === undefined)
  if (call._tag === "rmdir" && from?.isDirectory === true && from.inUpper && from.inLower) {
    add("merged directory removed", failed === undefined)
    add("merged directory not empty", failed === "ENOTEMPTY")
  }
  if (call._tag === "mknod" && from !== undefined) {
    add("EPERM: whiteout through the mount", failed === "EPERM")
    add("special made", failed === undefined && call.type !== "file")
  }
  if (from !== undefined) found.push(...ofXattrs(call, from, answer, userxattr))
  return found
}

const changesAttributes: ReadonlyArray<Call["_tag"]> = ["chmod", "chown", "utimes", "setxattr", "removexattr"]

/** What a call of these leaves in the upper layer is no copy. */
const leavesOthers: ReadonlyArray<Call["_tag"]> = ["unlink", "rmdir", "remove", "copyFile", "rename"]

const renamed = (
  { renaming }: Extract<Call, { readonly _tag: "rename" }>,
  from: Place,
  to: Place,
  failed: string | undefined
): ReadonlyArray<Label> => {
  const done = failed === undefined
  const exchanged = renaming === "exchange"
  const either = (holds: (place: Place) => boolean) => holds(from) || holds(to)
  const labels: ReadonlyArray<readonly [Label, boolean]> = [
    ["renamed over a whiteout", done && to.whiteout],
    ["whiteouts switched", done && to.whiteout && from.inLower],
    ["whiteout left by a rename", done && !exchanged && from.inLower],
    ["renamed over a lower entry", done && renaming === "replace" && to.inLower],
    ["directory moved", done && !exchanged && from.isDirectory],
    ["EXDEV: lower directory", failed === "EXDEV" && !exchanged && !from.inUpper],
    ["EXDEV: merged directory", failed === "EXDEV" && !exchanged && from.inUpper],
    ["exchanged: lower files", done && exchanged && either(({ inLower, isFile }) => inLower && isFile)],
    ["exchanged: a directory", done && exchanged && either(({ isDirectory }) => isDirectory)],
    ["exchanged: EXDEV", failed === "EXDEV" && exchanged],
    ["renamed where nothing was", done && renaming === "noReplace"],
    ["not renamed over what was there", failed === "EEXIST" && renaming === "noReplace"],
    ["EINVAL: rename with a whiteout", failed === "EINVAL" && renaming === "whiteout"]
  ]
  return labels.flatMap(([label, holds]) => holds ? [label] : [])
}

const ofXattrs = (call: Call, from: Place, answer: Answer, userxattr: boolean): ReadonlyArray<Label> => {
  const [own, other] = userxattr ? ["user.overlay.", "trusted.overlay."] : ["trusted.overlay.", "user.overlay."]
  const done = "answered" in answer
  const name = "name" in call ? call.name : ""
  const set = call._tag === "setxattr" && done
  const listed = call._tag === "listxattr" && done ? answer.answered as ReadonlyArray<string> : []
  const labels: ReadonlyArray<readonly [Label, boolean]> = [
    ["xattr set: user", set && name.startsWith("user.")],
    ["xattr set: trusted", set && name.startsWith("trusted.")],
    ["xattr removed from a lower entry", call._tag === "removexattr" && done && !from.inUpper],
    ["xattr escaped", set && name.startsWith(own)],
    [
      "xattr unescaped",
      (call._tag === "getxattr" && done && name.startsWith(own)) || listed.some((one) => one.startsWith(own))
    ],
    ["xattr of the other namespace", set && name.startsWith(other)],
    ["EPERM: xattr of what is no file", call._tag === "setxattr" && "failed" in answer && answer.failed === "EPERM"]
  ]
  return labels.flatMap(([label, holds]) => holds ? [label] : [])
}

const covered = (before: Picture, after: Picture): boolean =>
  [...after.upper].some(([path, kind]) => kind === "whiteout" && before.upper.get(path) !== "whiteout")
