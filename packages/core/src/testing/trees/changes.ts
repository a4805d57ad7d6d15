/** Which operation moves which time: contents move mtime and ctime, everything else about a file ctime alone. */
import { Effect } from "effect"
import type { TreeFileSystem } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  type At,
  type Attempt,
  bytes,
  contentsOf,
  makeOneOfEach,
  type Needs,
  opened,
  outcomeOf,
  put,
  statement,
  using
} from "./bench.ts"

/** Long enough that no clock of a file system stands still meanwhile. */
const moment = Effect.sleep("15 millis")

const timesOf = (tree: TreeFileSystem, path: string) =>
  Effect.map(tree.lstat(path), ({ ctimeNanoseconds, mtimeNanoseconds }) => [mtimeNanoseconds, ctimeNanoseconds])

/** Which times of a file an attempt moves forward: `mtime ctime`, `ctime`, or none. */
const movedBy = Effect.fnUntraced(function*(tree: TreeFileSystem, path: string, attempt: Attempt) {
  const [mtime = 0n, ctime = 0n] = yield* timesOf(tree, path)
  yield* moment
  yield* attempt
  const [mtimeAfter = 0n, ctimeAfter = 0n] = yield* timesOf(tree, path)
  return [mtimeAfter > mtime ? "mtime" : "", ctimeAfter > ctime ? "ctime" : ""].filter((word) => word !== "").join(" ")
})

/** Each in turn, on a workplace with one of everything. */
const table = (
  name: string,
  rows: (
    tree: TreeFileSystem,
    at: At
  ) => ReadonlyArray<readonly [what: string, path: string, attempt: Attempt, moved: string]>
) =>
  statement(name, (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const [what, path, attempt, moved] of rows(tree, at)) {
        yield* expectEqual(`what ${what} moves`, yield* movedBy(tree, path, attempt), moved)
      }
    }))

export const changeCases: Suite<Needs> = [
  table("what changes contents moves mtime and ctime of the file", (tree, at) => [
    ["write", at("file"), put(tree, at("file"), "x"), "mtime ctime"],
    ["append", at("file"), using(tree, at("file"), { append: true }, (f) => f.write(bytes("x"), 0)), "mtime ctime"],
    ["truncate", at("file"), tree.truncate(at("file"), 1), "mtime ctime"],
    ["extend", at("file"), tree.truncate(at("file"), 10), "mtime ctime"],
    ["truncate when open", at("file"), using(tree, at("file"), { write: true }, (f) => f.truncate(5)), "mtime ctime"],
    ["opening to truncate", at("file"), opened(tree, at("file"), { truncate: true, write: true }), "mtime ctime"],
    ["doing so when empty", at("file"), opened(tree, at("file"), { truncate: true, write: true }), "mtime ctime"]
  ]),
  table("what changes anything else moves ctime alone", (tree, at) => [
    ["setMode", at("file"), tree.setMode(at("file"), 0o600), "ctime"],
    ["setMode to the same", at("file"), tree.setMode(at("file"), 0o600), "ctime"],
    ["setOwner", at("file"), Effect.flatMap(tree.lstat(at("file")), (own) => tree.setOwner(at("file"), own)), "ctime"],
    ["setOwner of neither", at("file"), tree.setOwner(at("file"), {}), "ctime"],
    ["setXattr", at("file"), tree.setXattr(at("file"), "user.a", bytes("x")), "ctime"],
    ["setXattr to another", at("file"), tree.setXattr(at("file"), "user.a", bytes("y")), "ctime"],
    ["removeXattr", at("file"), tree.removeXattr(at("file"), "user.a"), "ctime"],
    ["setTimes", at("file"), tree.setTimes(at("file"), { atimeNanoseconds: 1n }), "ctime"],
    ["link", at("file"), tree.link(at("file"), at("empty/link")), "ctime"],
    ["removing a link", at("file"), tree.removeFile(at("empty/link")), "ctime"],
    ["following", at("full"), tree.setMode(at("toFull"), 0o700, "follow"), "ctime"]
  ]),
  table("what only looks, or is refused, moves neither", (tree, at) => [
    ["reading", at("file"), contentsOf(tree, at("file")), ""],
    ["listing", at("full"), tree.readDirectory(at("full")), ""],
    ["readLink", at("toFile"), tree.readLink(at("toFile")), ""],
    ["following", at("toFile"), contentsOf(tree, at("toFile")), ""],
    ["opening to write", at("file"), opened(tree, at("file"), { write: true }), ""],
    ["creating what is there", at("file"), opened(tree, at("file"), { create: 0o600, write: true }), ""],
    ["creating there", at(), opened(tree, at("file"), { create: 0o600, write: true }), ""],
    ["writing nothing", at("file"), put(tree, at("file"), ""), ""],
    ["access", at("file"), tree.access(at("file"), { write: true }), ""],
    ["listXattrs", at("file"), tree.listXattrs(at("file")), ""],
    ["a refused rename", at(), outcomeOf(tree.rename(at("file"), at("full"))), ""],
    ["a refused making", at(), outcomeOf(tree.makeDirectory(at("file"), 0o755)), ""],
    ["a refused removal", at("full"), outcomeOf(tree.removeDirectory(at("full"))), ""],
    ["a refused attribute", at("file"), outcomeOf(tree.removeXattr(at("file"), "user.a")), ""],
    ["renaming to the same name", at(), tree.rename(at("file"), at("file")), ""]
  ]),
  table("what makes, removes or renames a name moves mtime and ctime of the directory", (tree, at) => [
    ["create", at(), opened(tree, at("new"), { create: 0o644, write: true }), "mtime ctime"],
    ["create through a symlink", at(), opened(tree, at("dangling"), { create: 0o644, write: true }), "mtime ctime"],
    ["makeNode", at(), tree.makeNode(at("node"), { type: "fifo", mode: 0o600 }), "mtime ctime"],
    ["makeDirectory", at(), tree.makeDirectory(at("made"), 0o755), "mtime ctime"],
    ["symlink", at(), tree.symlink("target", at("link")), "mtime ctime"],
    ["link", at(), tree.link(at("file"), at("linked")), "mtime ctime"],
    ["removeFile", at(), tree.removeFile(at("linked")), "mtime ctime"],
    ["removeDirectory", at(), tree.removeDirectory(at("made")), "mtime ctime"],
    ["rename", at(), tree.rename(at("new"), at("old")), "mtime ctime"],
    ["rename from it", at(), tree.rename(at("old"), at("full/old")), "mtime ctime"],
    ["rename to it", at(), tree.rename(at("full/old"), at("old")), "mtime ctime"],
    ["exchange", at(), tree.rename(at("old"), at("full/inner"), "exchange"), "mtime ctime"],
    ["removing in a directory in it", at(), tree.removeFile(at("full/inner")), ""],
    ["writing a file in it", at(), put(tree, at("file"), "x"), ""]
  ]),
  statement("rename moves ctime of what it renames, and of what loses its name", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* put(tree, at("a"))
      yield* tree.link(at("a"), at("b"))
      const [mtime, ctime = 0n] = yield* timesOf(tree, at("file"))
      const [otherMtime, otherCtime = 0n] = yield* timesOf(tree, at("a"))
      yield* moment
      yield* tree.rename(at("file"), at("b"))
      const [mtimeAfter, ctimeAfter = 0n] = yield* timesOf(tree, at("b"))
      const [otherMtimeAfter, otherCtimeAfter = 0n] = yield* timesOf(tree, at("a"))
      yield* expectEqual("mtimes", [mtimeAfter, otherMtimeAfter], [mtime, otherMtime])
      yield* expectEqual("ctimes moved", [ctimeAfter > ctime, otherCtimeAfter > otherCtime], [true, true])
    }))
]
