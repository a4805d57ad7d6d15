/** Files and symlinks: writing, reading and removing them. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, makeOneOfEach, modeOf, type Needs, sorted, statement, takenNames } from "./bench.ts"

const texts = ["", "text", "é 日本 🙂", "\uFEFFwith a byte order mark", "nul \0 inside", "x".repeat(1_000_000)]

export const filesCases: Suite<Needs> = [
  statement("a file's text comes back exactly", (fs, at) =>
    Effect.forEach(texts, (text, i) =>
      Effect.gen(function*() {
        yield* fs.writeFile(at(`${i}`), text, 0o644)
        yield* expectThat(`text ${i} comes back`, (yield* fs.readFile(at(`${i}`))) === text)
      }), { discard: true })),
  statement(
    "writeFile gives exactly the mode asked for",
    (fs, at) =>
      Effect.forEach([0o600, 0o644, 0o666, 0o777, 0o400, 0o000], (mode) =>
        Effect.gen(function*() {
          yield* fs.writeFile(at(`${mode}`), "x", mode)
          yield* expectEqual("the mode", yield* modeOf(fs, at(`${mode}`)), mode)
        }), { discard: true })
  ),
  statement("writeFile is EEXIST where anything is, and changes nothing", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) {
        yield* expectCode(`writing over ${name}`, fs.writeFile(at(name), "other", 0o644), "EEXIST")
      }
      yield* expectEqual("the file", yield* fs.readFile(at("file")), "text")
      yield* expectEqual("what the symlink leads to", yield* fs.lstat(at("nowhere")), undefined)
    })),
  statement("readFile follows a symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.symlink("link/inner", at("far"))
      yield* expectEqual("the text", yield* fs.readFile(at("far")), "inner")
    })),
  statement("readFile is undefined where nothing is, and EISDIR for a directory", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("of nothing", yield* fs.readFile(at("missing")), undefined)
      yield* expectEqual("of a dangling symlink", yield* fs.readFile(at("dangling")), undefined)
      yield* expectEqual("below a file", yield* fs.readFile(at("file/x")), undefined)
      yield* expectCode("of a directory", fs.readFile(at("full")), "EISDIR")
    })),
  statement(
    "a symlink's target comes back exactly, wherever it leads",
    (fs, at) =>
      Effect.forEach(
        ["x", "../a//b/.", "/abs", "é\n\\040", ".", "y".repeat(1_000)],
        (target, i) =>
          Effect.gen(function*() {
            yield* fs.symlink(target, at(`${i}`))
            yield* expectEqual("the target", yield* fs.readLink(at(`${i}`)), target)
          }),
        { discard: true }
      )
  ),
  statement("symlink is EEXIST where anything is", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) yield* expectCode(`over ${name}`, fs.symlink("x", at(name)), "EEXIST")
      yield* expectEqual("the old target", yield* fs.readLink(at("dangling")), "nowhere")
    })),
  statement(
    "readLink is undefined where nothing is, and EINVAL for what is no symlink",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* expectEqual("of nothing", yield* fs.readLink(at("missing")), undefined)
        yield* expectEqual("below a file", yield* fs.readLink(at("file/x")), undefined)
        yield* expectCode("of a file", fs.readLink(at("file")), "EINVAL")
        yield* expectCode("of a directory", fs.readLink(at("full")), "EINVAL")
      })
  ),
  statement("removeFile removes a file, and says whether there was one", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("at first", yield* fs.removeFile(at("file")), true)
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
      yield* expectEqual("again", yield* fs.removeFile(at("file")), false)
      yield* expectEqual("below nothing", yield* fs.removeFile(at("missing/x")), false)
    })),
  statement("removeFile removes a symlink and not what it leads to", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of ["link", "dangling", "loop"]) yield* expectEqual(name, yield* fs.removeFile(at(name)), true)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), ["empty", "file", "full"])
      yield* expectEqual("the text", yield* fs.readFile(at("full/inner")), "inner")
    })),
  statement("removeFile is EISDIR for a directory, empty or not", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectCode("of an empty one", fs.removeFile(at("empty")), "EISDIR")
      yield* expectCode("of a full one", fs.removeFile(at("full")), "EISDIR")
      yield* expectEqual("the text", yield* fs.readFile(at("full/inner")), "inner")
    }))
]
