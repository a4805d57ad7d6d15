/** `removeTree`: everything, whatever it is called and however deep, and nothing beside it. */
import { Effect, Fiber } from "effect"
import { expectEqual, type Suite } from "../Suite.ts"
import { makeBranches, type Needs, oddNames, sorted, statement } from "./bench.ts"

export const removingCases: Suite<Needs> = [
  statement("removeTree removes a directory and all in it", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 10)
      yield* fs.symlink("nowhere", at("tree/dangling"))
      yield* fs.symlink("loop", at("tree/loop"))
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes a single file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("file")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree does nothing where nothing is", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("of nothing", yield* fs.removeTree(at("missing")), [])
      yield* expectEqual("below nothing", yield* fs.removeTree(at("missing/x")), [])
      yield* expectEqual("below a file", yield* fs.removeTree(at("file/x")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["file"])
    })),
  statement("removeTree never follows a symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("victim"), 2)
      yield* fs.makeDirectory(at("tree"), 0o755)
      yield* fs.symlink("../victim", at("tree/relative"))
      yield* fs.symlink(at("victim"), at("tree/absolute"))
      yield* fs.symlink("../victim/d0/f0", at("tree/file"))
      yield* fs.symlink("victim", at("link"))
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("what is left of a symlink", yield* fs.removeTree(at("link")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["victim"])
      yield* expectEqual("the victim's text", yield* fs.readFile(at("victim/d0/f0")), "x")
      yield* expectEqual("the victim's names", sorted(yield* fs.readDirectory(at("victim"))), ["d0", "d1"])
    })),
  statement("removeTree removes directories that nobody may read or write", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      yield* fs.makeDirectory(at("tree/d0/closed"), 0o000)
      yield* fs.setMode(at("tree/d1"), 0o000)
      yield* fs.setMode(at("tree/d2"), 0o555)
      yield* fs.setMode(at("tree"), 0o555)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes 500 directories inside each other", (fs, at) =>
    Effect.gen(function*() {
      let path = at("tree")
      for (let depth = 0; depth < 500; depth++, path += "/d") yield* fs.makeDirectory(path, 0o755)
      yield* fs.writeFile(path, "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes any names", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("tree"), 0o755)
      for (const name of oddNames) {
        yield* fs.makeDirectory(at(`tree/${name}`), 0o755)
        yield* fs.writeFile(at(`tree/${name}/${name}`), "", 0o644)
      }
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("several may remove one tree at the same time", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 30)
      const left = yield* Effect.forEach(Array.from({ length: 4 }), () => fs.removeTree(at("tree")), {
        concurrency: "unbounded"
      })
      yield* expectEqual("what is left", left, [[], [], [], []])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree can be interrupted, and taken up again", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 30)
      const fiber = yield* Effect.forkChild(fs.removeTree(at("tree")), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    }))
]
