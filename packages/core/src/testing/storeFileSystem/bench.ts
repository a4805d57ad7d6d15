/** What every case on a `StoreFileSystem` has at hand: the port, and paths in the case's own directory. */
import { Effect } from "effect"
import { type FileSystemError, StoreFileSystem } from "../../StoreFileSystem.ts"
import { type Case, expectEqual, failureOf, Workplace } from "../Suite.ts"

export type Needs = StoreFileSystem | Workplace

/**
 * A case that gets the file system and a function from names to paths in the workplace (none: the workplace itself).
 */
export const statement = <E>(
  name: string,
  test: (fs: StoreFileSystem, at: (name?: string) => string) => Effect.Effect<void, E>
): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const fs = yield* StoreFileSystem
    const { directory } = yield* Workplace
    const real = yield* fs.realPath(directory)
    yield* test(fs, (name) => name === undefined ? real : `${real}/${name}`)
  })
})

export const expectCode = <A>(
  what: string,
  attempt: Effect.Effect<A, FileSystemError>,
  code: string
): Effect.Effect<void> =>
  Effect.flatMap(failureOf(what, attempt), (error) => expectEqual(`the errno of ${what}`, error.code, code))

export const sorted = (names: ReadonlyArray<string>): ReadonlyArray<string> => [...names].sort()

export const modeOf = (fs: StoreFileSystem, path: string) => Effect.map(fs.lstat(path), (entry) => entry?.mode)

export const inodeOf = (fs: StoreFileSystem, path: string) => Effect.map(fs.lstat(path), (entry) => entry?.ino)

/** One of everything: `file`, `empty` and `full` (directories), `dangling`, `link` (to `full`) and `loop`. */
export const makeOneOfEach = Effect.fnUntraced(function*(fs: StoreFileSystem, at: (name?: string) => string) {
  yield* fs.writeFile(at("file"), "text", 0o644)
  yield* fs.makeDirectory(at("empty"), 0o755)
  yield* fs.makeDirectory(at("full"), 0o755)
  yield* fs.writeFile(at("full/inner"), "inner", 0o644)
  yield* fs.symlink("nowhere", at("dangling"))
  yield* fs.symlink("full", at("link"))
  yield* fs.symlink("loop", at("loop"))
})

export const takenNames = ["file", "empty", "full", "dangling", "link", "loop"]

/** Characters that are special somewhere, but not in a file name. */
export const oddNames = [
  " ",
  "a b",
  "new\nline",
  "tab\t",
  "back\\slash",
  "\\040",
  "com,ma",
  "co:lon",
  "quote\"'",
  "#",
  "%20",
  "*",
  "-rf",
  "...",
  "é",
  "e\u0301",
  "日本",
  "🙂",
  "x".repeat(255)
]

/** That many directories, with that many files in each. */
export const makeBranches = Effect.fnUntraced(function*(fs: StoreFileSystem, root: string, width: number) {
  yield* fs.makeDirectory(root, 0o755)
  for (let i = 0; i < width; i++) {
    yield* fs.makeDirectory(`${root}/d${i}`, 0o755)
    for (let j = 0; j < width; j++) yield* fs.writeFile(`${root}/d${i}/f${j}`, "x", 0o644)
  }
})
