/** Directories: their modes, and the attributes that one hands to another. */
import { Effect } from "effect"
import { expectEqual, type Suite } from "../Suite.ts"
import { expectCode, makeOneOfEach, modeOf, type Needs, statement, takenNames } from "./bench.ts"

export const directoriesCases: Suite<Needs> = [
  statement(
    "makeDirectory gives exactly the mode asked for",
    (fs, at) =>
      Effect.forEach([0o700, 0o755, 0o777, 0o1777, 0o2775, 0o555, 0o000], (mode) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(at(`${mode}`), mode)
          yield* expectEqual("the mode", yield* modeOf(fs, at(`${mode}`)), mode)
        }), { discard: true })
  ),
  statement(
    "makeDirectory gives exactly the mode asked for in a directory that hands down its group",
    (fs, at) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(at("parent"), 0o2775)
        yield* fs.makeDirectory(at("parent/child"), 0o755)
        yield* expectEqual("the mode", yield* modeOf(fs, at("parent/child")), 0o755)
      })
  ),
  statement("makeDirectory is EEXIST where anything is", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) yield* expectCode(`over ${name}`, fs.makeDirectory(at(name), 0o700), "EEXIST")
      yield* expectEqual("the old mode", yield* modeOf(fs, at("empty")), 0o755)
      yield* expectEqual("what the symlink leads to", yield* fs.lstat(at("nowhere")), undefined)
    })),
  statement("setMode changes a directory's mode to exactly the one asked for", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o700)
      for (const mode of [0o755, 0o1777, 0o2711, 0o000, 0o700]) {
        yield* fs.setMode(at("directory"), mode)
        yield* expectEqual("the mode", yield* modeOf(fs, at("directory")), mode)
      }
    })),
  statement(
    "setMode is ENOENT where nothing is",
    (fs, at) => expectCode("setMode", fs.setMode(at("missing"), 0o755), "ENOENT")
  ),
  statement("copyDirectoryAttributes copies the mode", (fs, at) =>
    Effect.gen(function*() {
      for (const [i, mode] of [0o1777, 0o2750, 0o711, 0o000].entries()) {
        yield* fs.makeDirectory(at(`from${i}`), mode)
        yield* fs.makeDirectory(at(`to${i}`), 0o700)
        yield* fs.copyDirectoryAttributes(at(`from${i}`), at(`to${i}`))
        yield* expectEqual("the mode", yield* modeOf(fs, at(`to${i}`)), mode)
      }
    })),
  statement("copyDirectoryAttributes leaves contents alone", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.copyDirectoryAttributes(at("full"), at("empty"))
      yield* expectEqual("the copy's names", yield* fs.readDirectory(at("empty")), [])
      yield* expectEqual("the original's names", yield* fs.readDirectory(at("full")), ["inner"])
    })),
  statement(
    "copyDirectoryAttributes is ENOENT where one is missing and ENOTDIR for a file",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* expectCode("from nothing", fs.copyDirectoryAttributes(at("missing"), at("empty")), "ENOENT")
        yield* expectCode("to nothing", fs.copyDirectoryAttributes(at("empty"), at("missing")), "ENOENT")
        yield* expectCode("from a file", fs.copyDirectoryAttributes(at("file"), at("empty")), "ENOTDIR")
        yield* expectCode("to a file", fs.copyDirectoryAttributes(at("empty"), at("file")), "ENOTDIR")
      })
  )
]
