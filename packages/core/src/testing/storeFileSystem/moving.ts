/** Moving: `exchange` and `moveNoReplace`, atomically or not at all. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, inodeOf, makeOneOfEach, modeOf, type Needs, sorted, statement, takenNames } from "./bench.ts"

export const movingCases: Suite<Needs> = [
  statement("exchange lets two files change places", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("a"), "a", 0o640)
      yield* fs.writeFile(at("b"), "b", 0o644)
      const inodes = [yield* inodeOf(fs, at("a")), yield* inodeOf(fs, at("b"))]
      yield* fs.exchange(at("a"), at("b"))
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), ["a", "b"])
      yield* expectEqual("the texts", [yield* fs.readFile(at("a")), yield* fs.readFile(at("b"))], ["b", "a"])
      yield* expectEqual("the modes", [yield* modeOf(fs, at("a")), yield* modeOf(fs, at("b"))], [0o644, 0o640])
      yield* expectEqual("the inodes", [yield* inodeOf(fs, at("b")), yield* inodeOf(fs, at("a"))], inodes)
    })),
  statement(
    "exchange takes symlinks themselves, and directories with what is in them",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* fs.exchange(at("link"), at("file"))
        yield* fs.exchange(at("dangling"), at("full"))
        yield* expectEqual("the file", yield* fs.readFile(at("link")), "text")
        yield* expectEqual("the symlink", yield* fs.readLink(at("file")), "full")
        yield* expectEqual("the dangling symlink", yield* fs.readLink(at("full")), "nowhere")
        yield* expectEqual("the directory", yield* fs.readDirectory(at("dangling")), ["inner"])
      })
  ),
  statement("exchange of a file with itself changes nothing", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("a"), "a", 0o644)
      yield* fs.exchange(at("a"), at("a"))
      yield* expectEqual("the text", yield* fs.readFile(at("a")), "a")
    })),
  statement("exchange is ENOENT where one of them is missing, and moves nothing", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "text", 0o644)
      yield* expectCode("of nothing", fs.exchange(at("missing"), at("file")), "ENOENT")
      yield* expectCode("with nothing", fs.exchange(at("file"), at("missing")), "ENOENT")
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["file"])
      yield* expectEqual("the text", yield* fs.readFile(at("file")), "text")
    })),
  statement("whoever looks during exchange sees the old file or the new one", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "0", 0o644)
      const exchanging = Effect.forEach(Array.from({ length: 50 }, (_, i) => `${i}`), (text) =>
        Effect.gen(function*() {
          yield* fs.writeFile(at("next"), text, 0o644)
          yield* fs.exchange(at("next"), at("file"))
          yield* fs.removeFile(at("next"))
          yield* Effect.yieldNow
        }), { discard: true })
      const looking = Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.gen(function*() {
          yield* expectThat("there is a whole file", /^\d+$/.test((yield* fs.readFile(at("file"))) ?? ""))
          yield* Effect.yieldNow
        }), { discard: true })
      yield* Effect.all([exchanging, looking], { concurrency: "unbounded", discard: true })
    })),
  statement("moveNoReplace moves a directory with its contents", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.moveNoReplace(at("full"), at("empty/moved"))
      yield* expectEqual("the text", yield* fs.readFile(at("empty/moved/inner")), "inner")
      yield* expectEqual("the old name", yield* fs.lstat(at("full")), undefined)
    })),
  statement("moveNoReplace moves files and symlinks, and follows no symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.moveNoReplace(at("file"), at("file2"))
      yield* fs.moveNoReplace(at("link"), at("link2"))
      yield* fs.moveNoReplace(at("dangling"), at("dangling2"))
      yield* expectEqual("the file", yield* fs.readFile(at("file2")), "text")
      yield* expectEqual("the symlink", yield* fs.readLink(at("link2")), "full")
      yield* expectEqual("the dangling symlink", yield* fs.readLink(at("dangling2")), "nowhere")
      yield* expectEqual("what the symlink leads to", yield* fs.readDirectory(at("full")), ["inner"])
    })),
  statement(
    "moveNoReplace is EEXIST where anything is, an empty directory too, and moves nothing",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* fs.makeDirectory(at("directory"), 0o755)
        yield* fs.writeFile(at("single"), "single", 0o644)
        for (const name of takenNames) {
          yield* expectCode(`a directory onto ${name}`, fs.moveNoReplace(at("directory"), at(name)), "EEXIST")
          yield* expectCode(`a file onto ${name}`, fs.moveNoReplace(at("single"), at(name)), "EEXIST")
        }
        yield* expectCode("onto itself", fs.moveNoReplace(at("directory"), at("directory")), "EEXIST")
        yield* expectEqual(
          "the names",
          sorted(yield* fs.readDirectory(at())),
          sorted([...takenNames, "directory", "single"])
        )
      })
  ),
  statement("moveNoReplace of a directory into itself is EINVAL", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.makeDirectory(at("full/deep"), 0o755)
      yield* expectCode("into itself", fs.moveNoReplace(at("full"), at("full/x")), "EINVAL")
      yield* expectCode("below itself", fs.moveNoReplace(at("full"), at("full/deep/x")), "EINVAL")
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at("full"))), ["deep", "inner"])
    })),
  statement(
    "moveNoReplace is ENOENT where nothing is to move",
    (fs, at) => expectCode("of nothing", fs.moveNoReplace(at("missing"), at("to")), "ENOENT")
  ),
  statement("of many moves to one name exactly one happens", (fs, at) =>
    Effect.gen(function*() {
      const names = Array.from({ length: 10 }, (_, i) => `d${i}`)
      for (const name of names) yield* fs.makeDirectory(at(name), 0o755)
      const moved = yield* Effect.forEach(names, (name) =>
        Effect.match(fs.moveNoReplace(at(name), at("to")), {
          onFailure: (error) => error.code,
          onSuccess: () => "moved"
        }), { concurrency: "unbounded" })
      yield* expectEqual("the outcomes", sorted(moved), [...Array.from({ length: 9 }, () => "EEXIST"), "moved"])
    }))
]
