/** Looking: `realPath`, `lstat` and `readDirectory`, and the names that come back. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, inodeOf, makeOneOfEach, type Needs, oddNames, sorted, statement, takenNames } from "./bench.ts"

export const lookingCases: Suite<Needs> = [
  statement("realPath gives the path without symlinks", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.makeDirectory(at("a/b"), 0o755)
      yield* fs.symlink("a", at("l"))
      yield* fs.symlink("../l/b", at("a/m"))
      yield* expectEqual("of a directory", yield* fs.realPath(at("a/b")), at("a/b"))
      yield* expectEqual("through two symlinks", yield* fs.realPath(at("l/m")), at("a/b"))
      yield* expectEqual("with . and ..", yield* fs.realPath(at("a/./b/../../l")), at("a"))
    })),
  statement("realPath is ENOENT where nothing is, and for a dangling symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.symlink("nowhere", at("dangling"))
      yield* expectCode("of nothing", fs.realPath(at("missing")), "ENOENT")
      yield* expectCode("of a dangling symlink", fs.realPath(at("dangling")), "ENOENT")
    })),
  statement("lstat tells a file's type, mode, size and single link", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "é\n", 0o640)
      const entry = yield* fs.lstat(at("file"))
      yield* expectEqual("type", entry?.type, "file")
      yield* expectEqual("mode", entry?.mode, 0o640)
      yield* expectEqual("size", entry?.size, 3)
      yield* expectEqual("nlink", entry?.nlink, 1)
      yield* expectEqual("rdev", entry?.rdev, 0n)
    })),
  statement("lstat tells a directory's type and mode", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o711)
      const entry = yield* fs.lstat(at("directory"))
      yield* expectEqual("type", entry?.type, "directory")
      yield* expectEqual("mode", entry?.mode, 0o711)
      yield* expectEqual("rdev", entry?.rdev, 0n)
    })),
  statement("lstat shows a symlink itself, dangling or not", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o755)
      yield* fs.symlink("directory", at("link"))
      yield* fs.symlink("nowhere", at("dangling"))
      yield* expectEqual("type", (yield* fs.lstat(at("link")))?.type, "symlink")
      yield* expectEqual("type when dangling", (yield* fs.lstat(at("dangling")))?.type, "symlink")
      yield* expectEqual("size", (yield* fs.lstat(at("link")))?.size, "directory".length)
    })),
  statement("lstat follows symlinks on the way", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("the inode", yield* inodeOf(fs, at("link/inner")), yield* inodeOf(fs, at("full/inner")))
    })),
  statement("lstat tells owner, device and allocated blocks", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "x".repeat(100_000), 0o644)
      yield* fs.sync([{ kind: "file", path: at("file") }])
      const place = yield* fs.lstat(at())
      const entry = yield* fs.lstat(at("file"))
      yield* expectEqual("dev", entry?.dev, place?.dev)
      yield* expectEqual("uid", entry?.uid, place?.uid)
      yield* expectThat("100,000 bytes take 196 blocks of 512", (entry?.blocks ?? 0) >= 196)
    })),
  statement("two things have two inodes, and a moved one keeps its own", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.makeDirectory(at("b"), 0o755)
      const a = yield* inodeOf(fs, at("a"))
      yield* expectThat("the inodes differ", a !== (yield* inodeOf(fs, at("b"))))
      yield* fs.moveNoReplace(at("a"), at("b/c"))
      yield* expectEqual("the inode", yield* inodeOf(fs, at("b/c")), a)
    })),
  statement("lstat is undefined where nothing is, below a file too", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("of nothing", yield* fs.lstat(at("missing")), undefined)
      yield* expectEqual("below nothing", yield* fs.lstat(at("missing/x")), undefined)
      yield* expectEqual("below a file", yield* fs.lstat(at("file/x")), undefined)
    })),
  statement("readDirectory gives every name once, without . and ..", (fs, at) =>
    Effect.gen(function*() {
      yield* expectEqual("of an empty one", yield* fs.readDirectory(at()), [])
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(takenNames))
      yield* expectEqual("through a symlink", yield* fs.readDirectory(at("link")), ["inner"])
    })),
  statement("readDirectory gives 1,000 names", (fs, at) =>
    Effect.gen(function*() {
      const names = Array.from({ length: 1_000 }, (_, i) => `name-${i}`)
      for (const name of names) yield* fs.symlink("x", at(name))
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(names))
    })),
  statement("readDirectory is ENOENT where nothing is and ENOTDIR for a file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("of nothing", fs.readDirectory(at("missing")), "ENOENT")
      yield* expectCode("of a file", fs.readDirectory(at("file")), "ENOTDIR")
    })),
  statement("names may hold every character but / and NUL, and come back exactly", (fs, at) =>
    Effect.gen(function*() {
      for (const name of oddNames) yield* fs.writeFile(at(name), name, 0o644)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(oddNames))
      for (const name of oddNames) yield* expectEqual(name, yield* fs.readFile(at(name)), name)
      for (const name of oddNames) yield* fs.moveNoReplace(at(name), at(`${name.slice(0, 200)}!`))
      yield* expectEqual("how many are left", (yield* fs.readDirectory(at())).length, oddNames.length)
    }))
]
