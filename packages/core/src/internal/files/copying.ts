/** Copies as Node's `fs.copyFile` and `fs.cp` make them. */
import { Effect } from "effect"
import { FileSystemError } from "../../StoreFileSystem.ts"
import { type EntryType, textOf, type TreeEntry, type TreeFileSystem } from "../../TreeFileSystem.ts"
import { orAbsent } from "./absent.ts"
import { copyAll } from "./contents.ts"
import { isSame } from "./info.ts"
import { makeDirectories } from "./makingDirectories.ts"

export interface CopyOptions {
  /** Whether files that are there already are replaced; else they stay, and that is no failure. */
  readonly overwrite: boolean
  readonly preserveTimestamps: boolean
  /** Of directories that the target lacks. */
  readonly directoryMode: number
}

type Copying = Effect.Effect<void, FileSystemError>

/** Contents, mode and owner, over what is there. */
export const copyFile = (tree: TreeFileSystem, from: string, to: string): Copying =>
  Effect.scoped(Effect.gen(function*() {
    const source = yield* tree.open(from, { read: true })
    const { mode } = yield* source.stat
    const target = yield* tree.open(to, { write: true, create: mode })
    // Only now: that it is opened for writing may have made another file of it.
    const status = yield* source.stat
    if (isSame(status, yield* target.stat)) return
    yield* target.truncate(0)
    // As far as the user may.
    yield* unlessForbidden(tree.setOwner(to, { uid: status.uid, gid: status.gid }, "follow"))
    yield* tree.setMode(to, mode, "follow")
    // Before the contents: so an empty file has its source's times, any other its own.
    yield* tree.setTimes(to, timesOf(status), "follow")
    if (status.type === "directory") {
      // Noticed only now, and what could not be filled is taken away, if it can be, whatever it held before.
      yield* Effect.ignore(tree.removeFile(to))
      return yield* refusal(from, "EISDIR")
    }
    yield* copyAll(source, target)
  }))

/** A file, a symlink or a whole tree; directories that the target lacks are made on the way. */
export const copy = (tree: TreeFileSystem, from: string, to: string, options: CopyOptions): Copying =>
  Effect.gen(function*() {
    const source = yield* tree.lstat(from)
    yield* requireAlike(from, source, yield* orAbsent(tree.lstat(to)))
    const above = directoryOf(resolved(to))
    if (source.type === "directory") {
      const inside = isBelow(resolved(to), resolved(from)) || (yield* isAbove(tree, source, above))
      if (inside) return yield* refusal(from, "ERR_FS_CP_EINVAL")
    }
    if (above !== "" && (yield* orAbsent(tree.stat(above))) === undefined) {
      yield* makeDirectories(tree, above, options.directoryMode)
    }
    yield* copyAny(tree, from, to, options)
  })

/** What is copied over must be something else, and a directory exactly if that is one. Node's own codes, not errnos. */
const requireAlike = (path: string, source: TreeEntry, target: TreeEntry | undefined): Copying => {
  if (target === undefined) return Effect.void
  if (isSame(source, target)) return Effect.fail(refusal(path, "ERR_FS_CP_EINVAL"))
  const isDirectory = source.type === "directory"
  if (isDirectory === (target.type === "directory")) return Effect.void
  return Effect.fail(refusal(path, isDirectory ? "ERR_FS_CP_DIR_TO_NON_DIR" : "ERR_FS_CP_NON_DIR_TO_DIR"))
}

const copyAny = (tree: TreeFileSystem, from: string, to: string, options: CopyOptions): Copying =>
  Effect.gen(function*() {
    const source = yield* tree.lstat(from)
    const target = yield* orAbsent(tree.lstat(to))
    yield* requireAlike(from, source, target)
    if (source.type === "directory") return yield* copyTree(tree, from, to, source, target === undefined, options)
    const special = refusalOfSpecial[source.type]
    if (special !== undefined) return yield* refusal(from, special)
    if (source.type === "symlink") return yield* copyLink(tree, from, to, target)
    if (target !== undefined && !options.overwrite) return
    if (target !== undefined) yield* orAbsent(tree.removeFile(to))
    yield* copyFile(tree, from, to)
    if (options.preserveTimestamps) yield* tree.setTimes(to, timesOf(source))
  })

const refusalOfSpecial: Partial<Record<EntryType, string>> = {
  fifo: "ERR_FS_CP_FIFO_PIPE",
  socket: "ERR_FS_CP_SOCKET"
}

/** Over another symlink whatever was asked, unless both lead to directories of which one lies in the other. */
const copyLink = (tree: TreeFileSystem, from: string, to: string, target: TreeEntry | undefined): Copying =>
  Effect.gen(function*() {
    const leadsTo = absoluteTarget(from, textOf(yield* tree.readLink(from)))
    if (target !== undefined) {
      if (target.type !== "symlink") return yield* refusal(from, "EEXIST")
      const targetLeadsTo = absoluteTarget(to, textOf(yield* tree.readLink(to)))
      const isDirectory = (yield* tree.stat(from)).type === "directory"
      if (isDirectory && isBelow(targetLeadsTo, leadsTo)) return yield* refusal(from, "ERR_FS_CP_EINVAL")
      if (isDirectory && isBelow(leadsTo, targetLeadsTo)) {
        return yield* refusal(from, "ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY")
      }
      yield* tree.removeFile(to)
    }
    yield* tree.symlink(leadsTo, to)
  })

const copyTree = (
  tree: TreeFileSystem,
  from: string,
  to: string,
  source: TreeEntry,
  isNew: boolean,
  options: CopyOptions
): Copying =>
  Effect.gen(function*() {
    if (isNew) yield* tree.makeDirectory(to, 0o700)
    for (const name of yield* tree.readDirectory(from)) {
      yield* copyAny(tree, `${from}/${textOf(name)}`, `${to}/${textOf(name)}`, options)
    }
    if (isNew) yield* tree.setMode(to, source.mode)
  })

const unlessForbidden = (changing: Copying): Copying =>
  Effect.catch(changing, (error) => error.code === "EPERM" ? Effect.void : Effect.fail(error))

const refusal = (path: string, code: string) => new FileSystemError({ operation: "copy", path, code })

const timesOf = ({ atimeNanoseconds, mtimeNanoseconds }: TreeEntry) => ({ atimeNanoseconds, mtimeNanoseconds })

const directoryOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** Whether a path is this one, or below it, by text. */
const isBelow = (path: string, above: string): boolean => path === above || path.startsWith(`${above}/`)

/**
 * Whether a directory is this one, or somewhere below it, or would be. Node takes what is missing to be below nothing, and
 * where a symlink leads there it copies into the copy, deeper and deeper, until a path is too long.
 */
const isAbove = (tree: TreeFileSystem, source: TreeEntry, directory: string) =>
  Effect.gen(function*() {
    for (let at = directory; at !== ""; at = directoryOf(at)) {
      const place = yield* orAbsent(tree.realPath(at))
      if (place === undefined) continue
      for (let above = textOf(place); above !== ""; above = directoryOf(above)) {
        if (isSame(yield* tree.lstat(above), source)) return true
      }
      return false
    }
    return false
  })

/** Node makes the targets of copied symlinks absolute, by text. */
const absoluteTarget = (path: string, target: string): string =>
  target.startsWith("/") ? target : resolved(`${directoryOf(path)}/${target}`) || "/"

/** The path without `.`, `..` and slashes too many, by text; the root is empty. */
const resolved = (path: string): string => {
  const names: Array<string> = []
  for (const name of path.split("/")) {
    if (name === "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return names.map((name) => `/${name}`).join("")
}
