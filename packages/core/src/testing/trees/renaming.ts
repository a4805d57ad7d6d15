/** `rename` with each of its four ways, from anything to anything. */
import { Effect } from "effect"
import type { Renaming, TreeFileSystem } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import { type At, expectCode, namesIn, type Needs, outcomeOf, put, statement } from "./bench.ts"

const kinds = ["nothing", "file", "fifo", "symlink", "empty", "full"] as const
type Kind = typeof kinds[number]

/** What has no directory in it: any of these replaces any. */
const isDirectory = (kind: Kind): boolean => kind === "empty" || kind === "full"

const make = (tree: TreeFileSystem, path: string, kind: Kind) =>
  Effect.gen(function*() {
    if (kind === "file") yield* put(tree, path, "text")
    if (kind === "fifo") yield* tree.makeNode(path, { type: "fifo", mode: 0o600 })
    if (kind === "symlink") yield* tree.symlink("missing", path)
    if (isDirectory(kind)) yield* tree.makeDirectory(path, 0o755)
    if (kind === "full") yield* put(tree, `${path}/inner`)
  })

/** What `rename` answers to each. */
const answerTo = (renaming: Renaming, from: Kind, to: Kind): string => {
  if (from === "nothing") return "ENOENT"
  if (renaming === "exchange") return to === "nothing" ? "ENOENT" : "ok"
  if (to === "nothing") return "ok"
  if (renaming === "noReplace") return "EEXIST"
  if (!isDirectory(from)) return isDirectory(to) ? "EISDIR" : "ok"
  return to === "full" ? "ENOTEMPTY" : to === "empty" ? "ok" : "ENOTDIR"
}

/** Which inode has this name: a device 0/0 is `whiteout`, nothing `undefined`. */
const whatIs = (tree: TreeFileSystem, path: string) =>
  Effect.match(tree.lstat(path), {
    onFailure: () => undefined,
    onSuccess: ({ ino, rdev, type }) => type === "characterDevice" && rdev === 0n ? "whiteout" : ino
  })

const everyPair = (renaming: Renaming) =>
  statement(`rename "${renaming}": from each kind of thing to each`, (tree, at) =>
    Effect.gen(function*() {
      for (const from of kinds) {
        for (const to of kinds) yield* onePair(tree, at, renaming, from, to)
      }
    }))

const onePair = Effect.fnUntraced(function*(tree: TreeFileSystem, at: At, renaming: Renaming, from: Kind, to: Kind) {
  const directory = `${from}-to-${to}`
  const [oldPath, newPath] = [at(`${directory}/old`), at(`${directory}/new`)]
  yield* tree.makeDirectory(at(directory), 0o755)
  yield* make(tree, oldPath, from)
  yield* make(tree, newPath, to)
  const before = [yield* whatIs(tree, oldPath), yield* whatIs(tree, newPath)]
  const refusal = answerTo(renaming, from, to)
  const found = yield* outcomeOf(tree.rename(oldPath, newPath, renaming))
  // POSIX allows either for a directory that is full; xfs says the other.
  const answer = refusal === "ENOTEMPTY" && found === "EEXIST" ? refusal : found
  const after = [yield* whatIs(tree, oldPath), yield* whatIs(tree, newPath)]
  yield* expectEqual(`${renaming} ${directory}`, answer, refusal)
  const left = renaming === "exchange" ? before[1] : renaming === "whiteout" ? "whiteout" : undefined
  yield* expectEqual(`what is there after ${directory}`, after, answer === "ok" ? [left, before[0]] : before)
})

export const renamingCases: Suite<Needs> = [
  everyPair("replace"),
  everyPair("noReplace"),
  everyPair("exchange"),
  statement("rename replaces, unless said otherwise", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("a"), "a")
      yield* put(tree, at("b"), "b")
      yield* tree.rename(at("a"), at("b"))
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["b"])
    })),
  statement("a directory is renamed with all that is in it", (tree, at) =>
    Effect.gen(function*() {
      yield* make(tree, at("a"), "full")
      yield* tree.makeDirectory(at("b"), 0o755)
      yield* tree.rename(at("a"), at("b/c"))
      yield* expectEqual("what is in it", yield* namesIn(tree, at("b/c")), ["inner"])
      yield* expectEqual("above it", (yield* tree.lstat(at("b/c/.."))).ino, (yield* tree.lstat(at("b"))).ino)
    })),
  statement("a directory is not renamed into itself or below: EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* make(tree, at("a"), "full")
      yield* tree.makeDirectory(at("a/b"), 0o755)
      for (const to of ["a/x", "a/b/x"]) {
        for (const renaming of ["replace", "noReplace", "whiteout"] as const) {
          yield* expectCode(`${renaming} to ${to}`, tree.rename(at("a"), at(to), renaming), "EINVAL")
        }
        yield* expectCode(`exchange with ${to}`, tree.rename(at("a"), at(to), "exchange"), "ENOENT")
      }
      for (const to of ["a/b", "a/inner"]) {
        for (const renaming of ["replace", "exchange", "whiteout"] as const) {
          yield* expectCode(`${renaming} to ${to}`, tree.rename(at("a"), at(to), renaming), "EINVAL")
        }
        yield* expectCode(`noReplace to ${to}`, tree.rename(at("a"), at(to), "noReplace"), "EEXIST")
      }
      yield* expectEqual("what is in it", yield* namesIn(tree, at("a")), ["b", "inner"])
    })),
  statement(
    "nothing replaces a directory that it lies in: ENOTEMPTY, or EINVAL to exchange",
    (tree, at) =>
      Effect.gen(function*() {
        yield* make(tree, at("a"), "full")
        yield* tree.makeDirectory(at("a/b"), 0o755)
        for (const from of ["a/b", "a/inner"]) {
          yield* expectCode("replace", tree.rename(at(from), at("a")), "ENOTEMPTY")
          yield* expectCode("noReplace", tree.rename(at(from), at("a"), "noReplace"), "EEXIST")
          yield* expectCode("exchange", tree.rename(at(from), at("a"), "exchange"), "EINVAL")
        }
      })
  ),
  statement("rename to the same name changes nothing; noReplace is EEXIST", (tree, at) =>
    Effect.gen(function*() {
      for (const kind of kinds.slice(1)) {
        yield* make(tree, at(kind), kind)
        const before = yield* whatIs(tree, at(kind))
        yield* tree.rename(at(kind), at(kind))
        yield* tree.rename(at(kind), at(kind), "exchange")
        yield* expectCode("noReplace", tree.rename(at(kind), at(kind), "noReplace"), "EEXIST")
        yield* expectEqual("what is there", yield* whatIs(tree, at(kind)), before)
      }
    })),
  statement("rename to another name of the same file leaves both", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("a"), "text")
      yield* tree.link(at("a"), at("b"))
      for (const renaming of ["replace", "exchange", "whiteout"] as const) {
        yield* tree.rename(at("a"), at("b"), renaming)
        yield* expectEqual("the names", yield* namesIn(tree, at()), ["a", "b"])
        yield* expectEqual("its links", (yield* tree.lstat(at("a"))).nlink, 2)
      }
      yield* expectCode("noReplace", tree.rename(at("a"), at("b"), "noReplace"), "EEXIST")
    })),
  statement("exchange changes the places of things in different directories", (tree, at) =>
    Effect.gen(function*() {
      yield* make(tree, at("a"), "full")
      yield* make(tree, at("b"), "full")
      yield* put(tree, at("b/file"))
      yield* tree.makeDirectory(at("a/directory"), 0o755)
      yield* tree.rename(at("a/directory"), at("b/file"), "exchange")
      yield* expectEqual("one", (yield* tree.lstat(at("a/directory"))).type, "file")
      yield* expectEqual("other", (yield* tree.lstat(at("b/file"))).type, "directory")
    })),
  statement(
    "rename into no directory is ENOENT, below a file ENOTDIR, and from nothing ENOENT first",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"))
        for (const renaming of ["replace", "noReplace", "exchange", "whiteout"] as const) {
          yield* expectCode("to nothing", tree.rename(at("file"), at("missing/x"), renaming), "ENOENT")
          yield* expectCode("to below a file", tree.rename(at("file"), at("file/x"), renaming), "ENOTDIR")
          yield* expectCode("from nothing", tree.rename(at("missing"), at("file"), renaming), "ENOENT")
          yield* expectCode("from below a file", tree.rename(at("file/x"), at("y"), renaming), "ENOTDIR")
        }
      })
  ),
  statement("whoever looks while a file is replaced finds one of both", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("name"), "0")
      const looks = Effect.forEach(Array.from({ length: 100 }), () => tree.lstat(at("name")), { discard: true })
      const replaces = Effect.forEach(Array.from({ length: 50 }), (_, i) =>
        Effect.andThen(put(tree, at(`new${i}`), `${i}`), tree.rename(at(`new${i}`), at("name"))), { discard: true })
      yield* Effect.all([looks, replaces, looks], { concurrency: "unbounded" })
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["name"])
    }))
]

/** Outside of overlays. Before Linux 5.8 a whiteout was for the superuser to make. */
export const whiteoutCases: Suite<Needs> = [
  everyPair("whiteout"),
  statement("a whiteout is a character device 0/0, made or left", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeNode(at("made"), { type: "characterDevice", mode: 0 })
      yield* put(tree, at("old"))
      yield* tree.rename(at("old"), at("new"), "whiteout")
      for (const name of ["made", "old"]) {
        const { mode, nlink, rdev, size, type } = yield* tree.lstat(at(name))
        yield* expectEqual(name, [type, rdev, mode, nlink, size], ["characterDevice", 0n, 0, 1, 0])
      }
    })),
  statement("whiteout over the same name changes nothing", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("a"), "text")
      yield* tree.rename(at("a"), at("a"), "whiteout")
      yield* expectEqual("the type", (yield* tree.lstat(at("a"))).type, "file")
    })),
  statement(
    "a whiteout is a file like any: it can be renamed, replaced, removed, linked",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("a"))
        yield* tree.rename(at("a"), at("b"), "whiteout")
        yield* tree.link(at("a"), at("c"))
        yield* tree.rename(at("a"), at("d"))
        yield* tree.rename(at("b"), at("d"))
        yield* expectEqual("the links", (yield* tree.lstat(at("c"))).nlink, 1)
        yield* tree.removeFile(at("c"))
        yield* expectEqual("the names", yield* namesIn(tree, at()), ["d"])
      })
  )
]
