/** Opening: what it makes, empties, follows and refuses. */
import { Effect } from "effect"
import type { Opening } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  contentsOf,
  expectCode,
  inodeOf,
  makeOneOfEach,
  modeOf,
  namesIn,
  type Needs,
  opened,
  put,
  statement,
  symlinkNames,
  takenNames,
  typeOf,
  using
} from "./bench.ts"

const write: Opening = { write: true }
const create: Opening = { create: 0o644, write: true }
const exclusive: Opening = { ...create, exclusive: true }

export const openingCases: Suite<Needs> = [
  statement(
    "opening neither to read nor to write is EINVAL, whatever else is asked for",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"), "text")
        for (
          const opening of [{}, { read: false, write: false }, { append: false }, { truncate: true }, { create: 0o644 }]
        ) {
          yield* expectCode("opening a file", opened(tree, at("file"), opening), "EINVAL")
          yield* expectCode("opening nothing", opened(tree, at("missing"), opening), "EINVAL")
        }
        yield* expectEqual("the names", yield* namesIn(tree, at()), ["file"])
        yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "text")
      })
  ),
  statement("a file is opened to read, to write, for both, or to append", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      for (
        const opening of [{ read: true }, write, { read: true, write: true }, { append: true }, {
          append: true,
          read: true
        }]
      ) {
        yield* opened(tree, at("file"), opening)
      }
    })),
  statement(
    "open follows symlinks, and makes a file where a dangling one leads to",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectEqual("what is read", yield* contentsOf(tree, at("toFile")), "text")
        yield* put(tree, at("toFile"), "TEXT")
        yield* expectEqual("what was written", yield* contentsOf(tree, at("file")), "TEXT")
        yield* expectCode("a dangling one", opened(tree, at("dangling"), write), "ENOENT")
        yield* opened(tree, at("dangling"), { create: 0o601, write: true })
        yield* expectEqual("what was made", yield* typeOf(tree, at("nowhere")), "file")
        yield* expectEqual("its mode", yield* modeOf(tree, at("nowhere")), 0o601)
        yield* tree.symlink("missing/x", at("deep"))
        yield* expectCode("making in no directory", opened(tree, at("deep"), create), "ENOENT")
      })
  ),
  statement(
    "with noFollow a symlink in the last place is ELOOP, and nothing is made",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of symlinkNames) {
          yield* expectCode(`reading ${name}`, opened(tree, at(name), { noFollow: true, read: true }), "ELOOP")
          yield* expectCode(`creating ${name}`, opened(tree, at(name), { ...create, noFollow: true }), "ELOOP")
        }
        yield* opened(tree, at("toFull/inner"), { noFollow: true, read: true })
        yield* opened(tree, at("file"), { ...create, noFollow: true })
        yield* opened(tree, at("new"), { ...create, noFollow: true })
        yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames, "new"].sort())
      })
  ),
  statement("create makes an empty file with this mode", (tree, at) =>
    Effect.gen(function*() {
      for (const mode of [0, 0o200, 0o644, 0o666, 0o777, 0o1644, 0o4755, 0o7777]) {
        const path = at(mode.toString(8))
        yield* opened(tree, path, { create: mode, write: true })
        yield* expectEqual("the mode", yield* modeOf(tree, path), mode)
        yield* expectEqual("the size", (yield* tree.lstat(path)).size, 0)
      }
      yield* opened(tree, at("read"), { create: 0o444, read: true })
      yield* expectEqual("the type", yield* typeOf(tree, at("read")), "file")
    })),
  statement("what is made can be written by whoever made it, whatever its mode", (tree, at) =>
    Effect.gen(function*() {
      const written = yield* using(tree, at("file"), { create: 0, read: true, write: true }, (file) =>
        Effect.andThen(file.write(Uint8Array.of(1, 2), 0), file.read(new Uint8Array(3), 0)))
      yield* expectEqual("what was read", written, 2)
    })),
  statement("create opens what is there, with its mode and its contents", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "text", 0o604)
      const before = yield* inodeOf(tree, at("file"))
      yield* opened(tree, at("file"), { create: 0o777, write: true })
      yield* expectEqual("the inode", yield* inodeOf(tree, at("file")), before)
      yield* expectEqual("the mode", yield* modeOf(tree, at("file")), 0o604)
      yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "text")
    })),
  statement(
    "create exclusively is EEXIST where anything is, a dangling symlink too",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of takenNames) {
          yield* expectCode(name, opened(tree, at(name), exclusive), "EEXIST")
          yield* expectCode(`${name} with noFollow`, opened(tree, at(name), { ...exclusive, noFollow: true }), "EEXIST")
          yield* expectCode(`${name} to be emptied`, opened(tree, at(name), { ...exclusive, truncate: true }), "EEXIST")
        }
        yield* opened(tree, at("new"), exclusive)
        yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames, "new"].sort())
        yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "text")
      })
  ),
  statement("exclusive says nothing where nothing is to be made", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "text")
      yield* opened(tree, at("file"), { exclusive: true, read: true })
      yield* expectCode("opening nothing", opened(tree, at("missing"), { exclusive: true, write: true }), "ENOENT")
    })),
  statement("truncate empties what is there, opened to read alone too", (tree, at) =>
    Effect.gen(function*() {
      for (const opening of [write, create, { read: true }, { append: true }, { read: true, write: true }]) {
        yield* put(tree, at("file"), "text")
        yield* opened(tree, at("file"), { ...opening, truncate: true })
        yield* expectEqual("the size", (yield* tree.lstat(at("file"))).size, 0)
      }
      yield* opened(tree, at("new"), { ...create, truncate: true })
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["file", "new"])
    })),
  statement(
    "a directory is opened to be read alone, and neither made nor written",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of ["empty", "full", "toFull"]) {
          yield* opened(tree, at(name), { read: true })
          yield* expectCode(`writing ${name}`, opened(tree, at(name), write), "EISDIR")
          yield* expectCode(`appending to ${name}`, opened(tree, at(name), { append: true }), "EISDIR")
          yield* expectCode(`emptying ${name}`, opened(tree, at(name), { read: true, truncate: true }), "EISDIR")
          yield* expectCode(`creating ${name}`, opened(tree, at(name), create), "EISDIR")
          yield* expectCode(`creating ${name} to read`, opened(tree, at(name), { create: 0o644, read: true }), "EISDIR")
        }
      })
  ),
  statement(
    "nobody waits for a FIFO: without a reader it is ENXIO to write, and free to read",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectCode("writing", opened(tree, at("fifo"), write), "ENXIO")
        yield* expectCode("appending", opened(tree, at("fifo"), { append: true }), "ENXIO")
        yield* expectCode("creating", opened(tree, at("fifo"), create), "ENXIO")
        yield* opened(tree, at("fifo"), { read: true })
        yield* opened(tree, at("fifo"), { read: true, write: true })
        yield* opened(tree, at("fifo"), { read: true, truncate: true })
        yield* using(tree, at("fifo"), { read: true }, () => opened(tree, at("fifo"), write))
      })
  ),
  statement("a socket is not opened: ENXIO", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const opening of [{ read: true }, write, { read: true, write: true }, create]) {
        yield* expectCode("opening", opened(tree, at("socket"), opening), "ENXIO")
      }
    }))
]
