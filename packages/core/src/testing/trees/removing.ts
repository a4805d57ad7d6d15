/** Removing names, and links: when what they name is gone. */
import { Effect } from "effect"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  bytes,
  contentsOf,
  expectCode,
  inodeOf,
  makeOneOfEach,
  namesIn,
  type Needs,
  opened,
  put,
  statement,
  symlinkNames,
  takenNames,
  text
} from "./bench.ts"

const files = ["file", "fifo", "socket", ...symlinkNames]

export const removingCases: Suite<Needs> = [
  statement(
    "removeFile takes away the name of all but directories, of a symlink its own",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of files) {
          yield* tree.removeFile(at(name))
          yield* expectCode(`${name} again`, tree.removeFile(at(name)), "ENOENT")
          if (name === "toFull") yield* expectEqual("its target", yield* namesIn(tree, at("full")), ["inner"])
        }
        yield* expectEqual("the names", yield* namesIn(tree, at()), ["empty", "full"])
      })
  ),
  statement("removeFile of a directory is EISDIR, full or not", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["empty", "full"]) yield* expectCode(name, tree.removeFile(at(name)), "EISDIR")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement("removeDirectory of what is none is ENOTDIR, a symlink to one too", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of files) yield* expectCode(name, tree.removeDirectory(at(name)), "ENOTDIR")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement("removeDirectory is ENOTEMPTY until the last name in it is gone", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("full"), 0o755)
      for (const name of ["a", "b"]) yield* tree.symlink("missing", at(`full/${name}`))
      for (const name of ["a", "b"]) {
        yield* expectCode("full", tree.removeDirectory(at("full")), "ENOTEMPTY")
        yield* tree.removeFile(at(`full/${name}`))
      }
      yield* tree.removeDirectory(at("full"))
      yield* expectEqual("the names", yield* namesIn(tree, at()), [])
    })),
  statement("in a removed directory that is still open nothing can be made", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("directory"), 0o755)
      const directory = yield* tree.open(at("directory"), { read: true })
      yield* tree.removeDirectory(at("directory"))
      yield* expectEqual("its links", (yield* directory.stat).nlink, 0)
      yield* expectCode("making in it", tree.makeDirectory(at("directory/x"), 0o755), "ENOENT")
    })),
  statement("a name that was removed is free for anything", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("x"), "old")
      const before = yield* inodeOf(tree, at("x"))
      yield* Effect.scoped(Effect.gen(function*() {
        // As long as it is open its inode is taken.
        yield* tree.open(at("x"), { read: true })
        yield* tree.removeFile(at("x"))
        yield* tree.makeDirectory(at("x"), 0o755)
        yield* expectEqual("the inode is another", (yield* inodeOf(tree, at("x"))) === before, false)
      }))
      yield* tree.removeDirectory(at("x"))
      yield* put(tree, at("x"), "new")
      yield* expectEqual("the contents", yield* contentsOf(tree, at("x")), "new")
    }))
]

export const linkCases: Suite<Needs> = [
  statement(
    "link gives another name to the same thing, whatever it is but a directory",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of files) {
          yield* tree.link(at(name), at(`full/${name}`))
          yield* expectEqual(`${name} and its link`, yield* tree.lstat(at(`full/${name}`)), yield* tree.lstat(at(name)))
          yield* expectEqual(`links of ${name}`, (yield* tree.lstat(at(name))).nlink, 2)
        }
      })
  ),
  statement("link of a directory is EPERM", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["empty", "full"]) yield* expectCode(name, tree.link(at(name), at("x")), "EPERM")
      yield* expectCode("over something", tree.link(at("full"), at("file")), "EEXIST")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement("link does not follow a symlink: that has two names then", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.link(at("toFile"), at("empty/toFile"))
      yield* expectEqual("the target", text(yield* tree.readLink(at("empty/toFile"))), "file")
      yield* expectEqual("links of its target", (yield* tree.lstat(at("file"))).nlink, 1)
    })),
  statement("links are counted, and what has lost its last is gone", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("a"), "text")
      const links = Effect.map(tree.lstat(at("b")), ({ nlink }) => nlink)
      yield* tree.link(at("a"), at("b"))
      yield* tree.link(at("b"), at("c"))
      yield* expectEqual("after two links", yield* links, 3)
      yield* tree.removeFile(at("a"))
      yield* expectEqual("after a removal", yield* links, 2)
      yield* put(tree, at("other"))
      yield* tree.rename(at("other"), at("c"))
      yield* expectEqual("after another took a name", yield* links, 1)
      yield* expectEqual("the contents", yield* contentsOf(tree, at("b")), "text")
    })),
  statement("all names of a file share contents, mode, times and attributes", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("a"), "text")
      yield* tree.link(at("a"), at("b"))
      yield* put(tree, at("b"), "T")
      yield* tree.setMode(at("a"), 0o600)
      yield* tree.setTimes(at("b"), { mtimeNanoseconds: 7n })
      yield* tree.setXattr(at("a"), "user.a", bytes("x"))
      yield* expectEqual("the contents", yield* contentsOf(tree, at("a")), "Text")
      yield* expectEqual("mode and times", yield* tree.lstat(at("b")), yield* tree.lstat(at("a")))
      yield* expectEqual("the attribute", text(yield* tree.getXattr(at("b"), "user.a")), "x")
      yield* opened(tree, at("a"), { truncate: true, write: true })
      yield* expectEqual("the size", (yield* tree.lstat(at("b"))).size, 0)
    }))
]
