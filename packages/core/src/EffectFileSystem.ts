/**
 * Effect's own `FileSystem`, derived from the port for trees: what programs read and write inside mounted snapshots. A
 * backend that has none of its own writes the port alone. It fails as Effect's Node backend does on Linux; the errno is the
 * `code` of the failure's cause.
 *
 * Paths that do not begin with a slash begin at the root, so that nothing depends on a working directory. `realPath` is the
 * kernel's, where Node takes `..` back by text. `watch` is not supported.
 *
 * ```ts
 * import { EffectFileSystem } from "@snapshotter/core"
 * import { MemoryTreeFileSystem, MemoryVolume } from "@snapshotter/memory-fs"
 * import { Effect } from "effect"
 *
 * const files = EffectFileSystem.make(MemoryTreeFileSystem.make(MemoryVolume.make()), { umask: 0o077 })
 * await Effect.runPromise(files.writeFileString("/tmp/note", "for me alone"))
 * ```
 */
import { Effect, FileSystem, Layer, Random, type Scope, Stream } from "effect"
import { type PlatformError, systemError } from "effect/PlatformError"
import { orAbsent } from "./internal/files/absent.ts"
import { readAll, writeAll } from "./internal/files/contents.ts"
import { copy, copyFile } from "./internal/files/copying.ts"
import { infoOf, isSame, nanosecondsOf, typeOf } from "./internal/files/info.ts"
import { makeDirectories } from "./internal/files/makingDirectories.ts"
import { OpenFile } from "./internal/files/openFile.ts"
import { unusable, withPaths } from "./internal/files/platform.ts"
import { remove } from "./internal/files/removing.ts"
import type { FileSystemError } from "./StoreFileSystem.ts"
import { below, type Opening, textOf, type TreeEntry, TreeFileSystem } from "./TreeFileSystem.ts"

export interface Options {
  /** The bits that new files and directories never get; `0o022` unless given. */
  readonly umask?: number
}

type Operations = Partial<FileSystem.FileSystem>

// == attributes

const attributes = (tree: TreeFileSystem) =>
  ({
    access: (path, options) =>
      withPaths("access", [path], (at) => tree.access(at, { read: options?.readable, write: options?.writable })),
    chmod: (path, mode) => withPaths("chmod", [path], (at) => tree.setMode(at, mode, "follow")),
    chown: (path, uid, gid) =>
      withPaths("chown", [path], (at) => tree.setOwner(at, { uid: idGiven(uid), gid: idGiven(gid) }, "follow")),
    utimes: (path, atime, mtime) => {
      if (![atime, mtime].every((time) => Number.isFinite(Number(time)))) {
        return Effect.fail(unusable("utimes", "a time must be a finite number of seconds, or a date that is one"))
      }
      const times = { atimeNanoseconds: nanosecondsOf(atime), mtimeNanoseconds: nanosecondsOf(mtime) }
      return withPaths("utimes", [path], (at) => tree.setTimes(at, times, "follow"))
    },
    stat: (path) => Effect.map(withPaths("stat", [path], tree.stat), infoOf),
    lstat: (path) => Effect.map(withPaths("lstat", [path], tree.lstat), infoOf)
  }) satisfies Operations

/** What is given for "as it is", besides nothing. */
const idGiven = (id: number): number | undefined => id === -1 || id === 0xffff_ffff ? undefined : id

// == directories

const directories = (tree: TreeFileSystem, umask: number) =>
  ({
    makeDirectory: (path, options) =>
      withPaths("makeDirectory", [path], (at) => {
        const mode = (options?.mode ?? 0o777) & ~umask
        return options?.recursive === true ? makeDirectories(tree, at, mode) : tree.makeDirectory(at, mode)
      }),
    readDirectory: (path, options) =>
      withPaths("readDirectory", [path], (at) =>
        options?.recursive === true
          ? namesBelow(tree, at)
          : Effect.map(namesIn(tree, at), (names) => names.map(textOf))),
    readDirectoryEntries: (path) =>
      withPaths("readDirectoryEntries", [path], (at) =>
        Effect.gen(function*() {
          const entries: Array<FileSystem.DirectoryEntry> = []
          for (const name of yield* tree.readDirectory(at)) {
            const entry = yield* orAbsent(tree.lstat(below(at, name)))
            // What has gone since it was listed is not there; nor is what an overlay lists but hides.
            if (entry !== undefined) entries.push({ name: textOf(name), type: typeOf[entry.type] })
          }
          return entries
        })),
    remove: (path, options) =>
      withPaths("remove", [path], (at) =>
        remove(tree, at, { force: options?.force ?? false, recursive: options?.recursive ?? false }))
  }) satisfies Operations

/** A directory that has been removed lists nothing: Node does not tell it from an empty one. */
const namesIn = (tree: TreeFileSystem, path: string) =>
  Effect.catch(tree.readDirectory(path), (error) =>
    error.code === "ENOENT"
      ? Effect.map(tree.stat(path), (): ReadonlyArray<Uint8Array> => [])
      : Effect.fail(error))

/**
 * Paths from the directory on. Like Node, it goes through symlinks to directories; but not into one that it is in already,
 * where Node goes round and round until a path is too long.
 */
const namesBelow = (tree: TreeFileSystem, path: string): Effect.Effect<Array<string>, FileSystemError> =>
  Effect.gen(function*() {
    const names: Array<string> = []
    const pending: Array<Descent> = [{ prefix: "", on: [yield* tree.stat(path)] }]
    for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
      const { on, prefix } = next
      for (const bytes of yield* tree.readDirectory(below(path, prefix))) {
        const name = `${prefix}${textOf(bytes)}`
        names.push(name)
        const entry = yield* Effect.orElseSucceed(tree.stat(below(path, name)), () => undefined)
        if (entry?.type !== "directory" || on.some((one) => isSame(one, entry))) continue
        pending.push({ prefix: `${name}/`, on: [...on, entry] })
      }
    }
    return names
  })

/** A directory to be listed, and those on the way to it. */
interface Descent {
  readonly prefix: string
  readonly on: ReadonlyArray<TreeEntry>
}

// == links and names

const links = (tree: TreeFileSystem) =>
  ({
    link: (from, to) => withPaths("link", [from, to], tree.link),
    // The target is no path that is looked up, so it stays as it is.
    symlink: (target, path) => withPaths("symlink", [path], (at) => tree.symlink(target.toWellFormed(), at)),
    readLink: (path) => Effect.map(withPaths("readLink", [path], tree.readLink), textOf),
    realPath: (path) => Effect.map(withPaths("realPath", [path], tree.realPath), textOf),
    rename: (from, to) => withPaths("rename", [from, to], (one, other) => tree.rename(one, other))
  }) satisfies Operations

// == files

const openingOf = (flag: FileSystem.OpenFlag, mode: number): Opening => ({
  read: flag === "r" || flag.includes("+"),
  write: flag !== "r",
  append: flag.startsWith("a"),
  exclusive: flag.includes("x"),
  truncate: flag.startsWith("w"),
  ...(flag.startsWith("r") ? {} : { create: mode })
})

const files = (tree: TreeFileSystem, umask: number) => {
  const modeOf = (mode: number | undefined) => (mode ?? 0o666) & ~umask
  return {
    open: (path, options) =>
      withPaths("open", [path], (at) => {
        const opening = openingOf(options?.flag ?? "r", modeOf(options?.mode))
        const file = tree.open(at, { ...opening, noFollow: options?.noFollow ?? false })
        return Effect.map(file, (opened) => new OpenFile(path, opened, opening.append === true))
      }),
    readFile: (path) =>
      withPaths(
        "readFile",
        [path],
        (at) => Effect.scoped(Effect.flatMap(tree.open(at, { read: true }), (file) => readAll(at, file)))
      ),
    writeFile: (path, bytes, options) =>
      withPaths("writeFile", [path], (at) =>
        Effect.scoped(Effect.flatMap(
          tree.open(at, openingOf(options?.flag ?? "w", modeOf(options?.mode))),
          (file) => writeAll(file, bytes)
        ))),
    // Node opens the file for that, and takes a negative length for none.
    truncate: (path, length = 0) =>
      withPaths("truncate", [path], (at) =>
        Effect.scoped(Effect.flatMap(
          tree.open(at, { read: true, write: true }),
          (file) => file.truncate(Math.max(0, length))
        ))),
    copyFile: (from, to) => withPaths("copyFile", [from, to], (one, other) => copyFile(tree, one, other)),
    copy: (from, to, options) =>
      withPaths("copy", [from, to], (one, other) =>
        copy(tree, one, other, {
          overwrite: options?.overwrite ?? false,
          preserveTimestamps: options?.preserveTimestamps ?? false,
          directoryMode: 0o777 & ~umask
        }))
  } satisfies Operations
}

// == temporary files and directories

interface Temporary {
  readonly directory?: string | undefined
  readonly prefix?: string | undefined
  readonly suffix?: string | undefined
}

const triesMax = 100

const temporary = (tree: TreeFileSystem, umask: number) => {
  const uniqueText = Effect.map(Random.nextIntBetween(0, 36 ** 6), (number) => number.toString(36).padStart(6, "0"))
  /** Where what was drawn is there already, it is drawn again. */
  const makeTempDirectory = (method: string, options: Temporary | undefined, tries = triesMax) =>
    Effect.flatMap(uniqueText, (unique): Effect.Effect<string, PlatformError> => {
      const path = textOf(below(options?.directory ?? "/tmp", `${options?.prefix ?? ""}${unique}`))
      return withPaths(method, [path], (at) => tree.makeDirectory(at, 0o700)).pipe(
        Effect.as(path),
        Effect.catchReason(
          "PlatformError",
          "AlreadyExists",
          (_, error) => tries > 1 ? makeTempDirectory(method, options, tries - 1) : Effect.fail(error)
        )
      )
    })
  const makeTempFile = (method: string, options: Temporary | undefined) =>
    Effect.gen(function*() {
      const directory = yield* makeTempDirectory(method, options)
      const path = `${directory}/${yield* uniqueText}${options?.suffix ?? ""}`
      yield* Effect.scoped(withPaths(method, [path], (at) => tree.open(at, openingOf("wx", 0o666 & ~umask)))).pipe(
        Effect.onError(() =>
          Effect.ignore(withPaths(method, [directory], (at) => remove(tree, at, { force: true, recursive: true })))
        )
      )
      return path
    })
  const scoped = (
    method: string,
    acquire: Effect.Effect<string, PlatformError>,
    directoryOf: (path: string) => string
  ): Effect.Effect<string, PlatformError, Scope.Scope> =>
    Effect.acquireRelease(acquire, (path) =>
      Effect.orDie(
        withPaths(method, [directoryOf(path)], (at) => remove(tree, at, { force: true, recursive: true }))
      ))
  return {
    makeTempDirectory: (options) => makeTempDirectory("makeTempDirectory", options),
    makeTempDirectoryScoped: (options) =>
      scoped("makeTempDirectoryScoped", makeTempDirectory("makeTempDirectoryScoped", options), (path) => path),
    makeTempFile: (options) => makeTempFile("makeTempFile", options),
    makeTempFileScoped: (options) =>
      scoped(
        "makeTempFileScoped",
        makeTempFile("makeTempFileScoped", options),
        (path) => path.slice(0, path.lastIndexOf("/"))
      )
  } satisfies Operations
}

// == watch

const watch: FileSystem.FileSystem["watch"] = (path) =>
  Stream.fail(
    systemError({
      module: "FileSystem",
      method: "watch",
      _tag: "Unknown",
      description: "this file system does not watch files; look again instead, or use the Node backend",
      pathOrDescriptor: path
    })
  )

export const make = (tree: TreeFileSystem, options: Options = {}): FileSystem.FileSystem => {
  const umask = options.umask ?? 0o022
  return FileSystem.make({
    ...attributes(tree),
    ...directories(tree, umask),
    ...links(tree),
    ...files(tree, umask),
    ...temporary(tree, umask),
    watch
  })
}

export const layerWith = (options: Options): Layer.Layer<FileSystem.FileSystem, never, TreeFileSystem> =>
  Layer.effect(FileSystem.FileSystem, Effect.map(TreeFileSystem, (tree) => make(tree, options)))

export const layer: Layer.Layer<FileSystem.FileSystem, never, TreeFileSystem> = layerWith({})
