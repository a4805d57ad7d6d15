/** What every case on a `TreeFileSystem` has at hand: the port, paths in the case's own directory, and calls of all kinds. */
import { Effect, type Scope } from "effect"
import type { FileSystemError } from "../../StoreFileSystem.ts"
import { below, type NodeType, type Opening, TreeFileSystem, type TreePath } from "../../TreeFileSystem.ts"
import { type Case, expectEqual, failureOf, Workplace } from "../Suite.ts"

export type Needs = TreeFileSystem | Workplace

/** The path of a name in the workplace; none: the workplace itself. */
export interface At {
  (name?: string): string
  (name: Uint8Array): TreePath
}

/** A case that gets the file system, and a function from names to paths. */
export const statement = <E>(
  name: string,
  test: (tree: TreeFileSystem, at: At) => Effect.Effect<void, E, Scope.Scope>
): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const tree = yield* TreeFileSystem
    const { directory } = yield* Workplace
    const real = new TextDecoder().decode(yield* tree.realPath(directory))
    const at = (name?: TreePath) => name === undefined ? real : below(real, name)
    yield* test(tree, at as At)
  })
})

export type Attempt = Effect.Effect<unknown, FileSystemError>

export const expectCode = (what: string, attempt: Attempt, code: string): Effect.Effect<void> =>
  Effect.flatMap(failureOf(what, attempt), (error) => expectEqual(`the errno of ${what}`, error.code, code))

/** The same for many; the name of each is part of what is told when it is not so. */
export const expectCodes = (where: string, attempts: Readonly<Record<string, Attempt>>, code: string) =>
  Effect.forEach(Object.entries(attempts), ([name, attempt]) => expectCode(`${name} ${where}`, attempt, code), {
    discard: true
  })

/** What became of an attempt: `ok`, or the errno. */
export const outcomeOf = (attempt: Attempt): Effect.Effect<string> =>
  Effect.match(attempt, { onSuccess: () => "ok", onFailure: ({ code }) => code })

// === bytes and text

const encoder = new TextEncoder()
const decoder = new TextDecoder()

export const bytes = (text: string): Uint8Array => encoder.encode(text)
export const text = (bytes: Uint8Array): string => decoder.decode(bytes)

/** Bytes to compare and to sort. */
export const hex = (bytes: Uint8Array): string => [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")

// === files

/** Opens, uses, closes. */
export const using = <A>(
  tree: TreeFileSystem,
  path: TreePath,
  opening: Opening,
  use: (file: Effect.Success<ReturnType<TreeFileSystem["open"]>>) => Effect.Effect<A, FileSystemError>
): Effect.Effect<A, FileSystemError> => Effect.scoped(Effect.flatMap(tree.open(path, opening), use))

/** Opens and closes. */
export const opened = (tree: TreeFileSystem, path: TreePath, opening: Opening): Effect.Effect<void, FileSystemError> =>
  using(tree, path, opening, () => Effect.void)

/** Makes a file with this text, or writes it over the start of one. */
export const put = (tree: TreeFileSystem, path: TreePath, contents = "", mode = 0o644) =>
  using(tree, path, { create: mode, write: true }, (file) => file.write(bytes(contents), 0))

/** All of a file, which has at most 100,000 bytes. */
export const contentsOf = (tree: TreeFileSystem, path: TreePath): Effect.Effect<string, FileSystemError> =>
  using(tree, path, { read: true }, (file) => {
    const into = new Uint8Array(100_000)
    return Effect.map(file.read(into, 0), (length) => text(into.subarray(0, length)))
  })

/** Names in a directory as text, sorted. */
export const namesIn = (tree: TreeFileSystem, path: TreePath): Effect.Effect<ReadonlyArray<string>, FileSystemError> =>
  Effect.map(tree.readDirectory(path), (names) => names.map(text).sort())

export const modeOf = (tree: TreeFileSystem, path: TreePath) => Effect.map(tree.lstat(path), ({ mode }) => mode)
export const inodeOf = (tree: TreeFileSystem, path: TreePath) => Effect.map(tree.lstat(path), ({ ino }) => ino)
export const typeOf = (tree: TreeFileSystem, path: TreePath) => Effect.map(tree.lstat(path), ({ type }) => type)

/** Anybody may make these; devices are for the superuser. */
export const ordinaryNodes: ReadonlyArray<NodeType> = ["file", "fifo", "socket"]
export const deviceNodes: ReadonlyArray<NodeType> = ["characterDevice", "blockDevice"]

/**
 * One of everything that anybody can make: `file`, `fifo` and `socket`, `empty` and `full` (directories), `toFile`, `toFull`,
 * `dangling` and `loop` (symlinks).
 */
export const makeOneOfEach = Effect.fnUntraced(function*(tree: TreeFileSystem, at: At) {
  yield* put(tree, at("file"), "text")
  yield* tree.makeNode(at("fifo"), { type: "fifo", mode: 0o644 })
  yield* tree.makeNode(at("socket"), { type: "socket", mode: 0o644 })
  yield* tree.makeDirectory(at("empty"), 0o755)
  yield* tree.makeDirectory(at("full"), 0o755)
  yield* put(tree, at("full/inner"), "inner")
  yield* tree.symlink("file", at("toFile"))
  yield* tree.symlink("full", at("toFull"))
  yield* tree.symlink("nowhere", at("dangling"))
  yield* tree.symlink("loop", at("loop"))
})

export const symlinkNames = ["toFile", "toFull", "dangling", "loop"]
export const takenNames = ["file", "fifo", "socket", "empty", "full", ...symlinkNames]

// === calls

/** Every operation that wants something to be there, on this path. `empty` is the path of an existing directory. */
export const callsOn = (tree: TreeFileSystem, path: TreePath, empty: TreePath): Readonly<Record<string, Attempt>> => ({
  ...followingCallsOn(tree, path),
  lstat: tree.lstat(path),
  readLink: tree.readLink(path),
  link: tree.link(path, below(empty, "linked")),
  rename: tree.rename(path, below(empty, "renamed")),
  exchange: tree.rename(path, empty, "exchange"),
  removeFile: tree.removeFile(path),
  removeDirectory: tree.removeDirectory(path),
  setMode: tree.setMode(path, 0o600),
  setOwner: tree.setOwner(path, {}),
  setTimes: tree.setTimes(path, { mtimeNanoseconds: 1n }),
  listXattrs: tree.listXattrs(path),
  getXattr: tree.getXattr(path, "user.a"),
  setXattr: tree.setXattr(path, "user.a", bytes("x")),
  removeXattr: tree.removeXattr(path, "user.a")
})

/** Every operation that follows a symlink in the last place. */
export const followingCallsOn = (tree: TreeFileSystem, path: TreePath): Readonly<Record<string, Attempt>> => ({
  stat: tree.stat(path),
  access: tree.access(path),
  realPath: tree.realPath(path),
  readDirectory: tree.readDirectory(path),
  open: opened(tree, path, { read: true }),
  truncate: tree.truncate(path, 0),
  setModeFollowing: tree.setMode(path, 0o600, "follow"),
  setOwnerFollowing: tree.setOwner(path, {}, "follow"),
  setTimesFollowing: tree.setTimes(path, { mtimeNanoseconds: 1n }, "follow"),
  listXattrsFollowing: tree.listXattrs(path, "follow"),
  getXattrFollowing: tree.getXattr(path, "user.a", "follow"),
  setXattrFollowing: tree.setXattr(path, "user.a", bytes("x"), { links: "follow" }),
  removeXattrFollowing: tree.removeXattr(path, "user.a", "follow")
})

/** Every operation that makes something of this name, by what it makes. `file` is the path of an existing file. */
export const makingCallsOn = (
  tree: TreeFileSystem,
  path: TreePath,
  file: TreePath
): Readonly<Record<string, Attempt>> => ({
  createExclusively: opened(tree, path, { create: 0o644, exclusive: true, write: true }),
  makeDirectory: tree.makeDirectory(path, 0o755),
  makeFile: tree.makeNode(path, { type: "file", mode: 0o644 }),
  makeFifo: tree.makeNode(path, { type: "fifo", mode: 0o644 }),
  symlink: tree.symlink("target", path),
  linkTo: tree.link(file, path),
  renameToFree: tree.rename(file, path, "noReplace")
})
