/** Copies as Node's `fs.copyFile` and `fs.cp` make them. */
import { Effect } from "effect"
import { FileSystemError } from "../../StoreFileSystem.ts"
import { textOf, type TreeEntry, type TreeFileSystem } from "../../TreeFileSystem.ts"
import { copyAll } from "./contents.ts"
import { makeDirectories } from "./makingDirectories.ts"
import { unlessAbsent } from "./removing.ts"

export interface CopyOptions {
  /** Whether files that are there already are replaced; else they stay, and that is no failure. */
  readonly overwrite: boolean
  readonly preserveTimestamps: boolean
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
    yield* tree.setOwner(to, { uid: status.uid, gid: status.gid }, "follow")
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
    const above = directoryOf(to.replace(/\/+$/, ""))
    if (above !== "") yield* makeDirectories(tree, above, 0o755)
    const target = yield* orAbsent(tree.lstat(to))
    // Node's own codes, not errnos.
    if (target !== undefined && isSame(source, target)) return yield* refusal(from, "ERR_FS_CP_EINVAL")
    if (source.type === "directory" && (yield* isInside(tree, above, source))) {
      return yield* refusal(from, "ERR_FS_CP_EINVAL")
    }
    yield* copyAny(tree, from, to, options)
  })

const copyAny = (tree: TreeFileSystem, from: string, to: string, options: CopyOptions): Copying =>
  Effect.gen(function*() {
    const source = yield* tree.lstat(from)
    const target = yield* orAbsent(tree.lstat(to))
    const isDirectory = source.type === "directory"
    if (target !== undefined && isDirectory !== (target.type === "directory")) {
      return yield* refusal(from, isDirectory ? "ERR_FS_CP_DIR_TO_NON_DIR" : "ERR_FS_CP_NON_DIR_TO_DIR")
    }
    if (isDirectory) return yield* copyTree(tree, from, to, source, target === undefined, options)
    const isSymlink = source.type === "symlink"
    if (target !== undefined && isSymlink && target.type !== "symlink") return yield* refusal(from, "EEXIST")
    if (target !== undefined && !isSymlink && !options.overwrite) return
    if (target !== undefined) yield* unlessAbsent(tree.removeFile(to))
    if (isSymlink) return yield* tree.symlink(absoluteTarget(from, textOf(yield* tree.readLink(from))), to)
    yield* copyFile(tree, from, to)
    if (options.preserveTimestamps) yield* tree.setTimes(to, timesOf(source))
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

const refusal = (path: string, code: string) => new FileSystemError({ operation: "copy", path, code })

const orAbsent = (status: Effect.Effect<TreeEntry, FileSystemError>) =>
  Effect.catch(
    status,
    (error): Effect.Effect<undefined, FileSystemError> =>
      error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error)
  )

const isSame = (one: TreeEntry, other: TreeEntry): boolean => one.dev === other.dev && one.ino === other.ino

const timesOf = ({ atimeNanoseconds, mtimeNanoseconds }: TreeEntry) => ({ atimeNanoseconds, mtimeNanoseconds })

const directoryOf = (path: string): string => path.slice(0, Math.max(0, path.lastIndexOf("/")))

/** Whether a directory is this one, or somewhere below it. */
const isInside = (tree: TreeFileSystem, directory: string, source: TreeEntry) =>
  Effect.gen(function*() {
    for (let at = textOf(yield* tree.realPath(directory === "" ? "/" : directory)); at !== ""; at = directoryOf(at)) {
      if (isSame(yield* tree.lstat(at), source)) return true
    }
    return false
  })

/** Node makes the targets of copied symlinks absolute, by text. */
const absoluteTarget = (path: string, target: string): string => {
  if (target.startsWith("/")) return target
  const names: Array<string> = []
  for (const name of `${directoryOf(path)}/${target}`.split("/")) {
    if (name === "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return `/${names.join("/")}`
}
