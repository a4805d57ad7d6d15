/** Making: with exactly the mode given, where nothing is, and what a directory hands down. */
import { Effect } from "effect"
import { deviceNumber } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  expectCode,
  expectCodes,
  inodeOf,
  makeOneOfEach,
  makingCallsOn,
  modeOf,
  namesIn,
  type Needs,
  opened,
  ordinaryNodes,
  put,
  statement,
  takenNames,
  typeOf
} from "./bench.ts"

const modes = [0, 0o022, 0o111, 0o644, 0o700, 0o755, 0o777, 0o1777]

export const makingCases: Suite<Needs> = [
  statement(
    "where anything is nothing is made: EEXIST for every operation, a dangling symlink too",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* put(tree, at("other"))
        const before = yield* Effect.forEach(takenNames, (name) => inodeOf(tree, at(name)))
        for (const name of takenNames) {
          yield* expectCodes(`over ${name}`, makingCallsOn(tree, at(name), at("other")), "EEXIST")
        }
        const after = yield* Effect.forEach(takenNames, (name) => inodeOf(tree, at(name)))
        yield* expectEqual("the inodes", after, before)
      })
  ),
  statement(
    "a directory has the permission bits and the sticky bit that it is made with",
    (tree, at) =>
      Effect.gen(function*() {
        for (const mode of modes) {
          const path = at(mode.toString(8))
          yield* tree.makeDirectory(path, mode)
          yield* expectEqual("the mode", yield* modeOf(tree, path), mode)
        }
        yield* tree.makeDirectory(at("all"), 0o7777)
        yield* expectEqual("without setuid and setgid", yield* modeOf(tree, at("all")), 0o1777)
        yield* tree.makeDirectory(at("more"), 0o170755)
        yield* expectEqual("without what is no mode", yield* modeOf(tree, at("more")), 0o755)
      })
  ),
  statement(
    "a node has the permission bits, setuid, setgid and sticky that it is made with",
    (tree, at) =>
      Effect.gen(function*() {
        for (const type of ordinaryNodes) {
          for (const mode of [...modes, 0o2755, 0o4755, 0o7777]) {
            const path = at(`${type}-${mode.toString(8)}`)
            yield* tree.makeNode(path, { type, mode })
            yield* expectEqual(`the mode of a ${type}`, yield* modeOf(tree, path), mode)
            yield* expectEqual("the type", yield* typeOf(tree, path), type)
          }
        }
      })
  ),
  statement("a file that was made as a node is an empty file", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeNode(at("file"), { type: "file", mode: 0o644 })
      yield* put(tree, at("file"), "text")
      yield* expectEqual("the size", (yield* tree.lstat(at("file"))).size, 4)
    })),
  statement(
    "a directory with the setgid bit hands the bit down to directories alone",
    (tree, at) =>
      Effect.gen(function*() {
        yield* tree.makeDirectory(at("above"), 0o755)
        yield* tree.setMode(at("above"), 0o2755)
        yield* tree.makeDirectory(at("above/plain"), 0o700)
        yield* tree.makeDirectory(at("above/wide"), 0o1777)
        yield* tree.makeDirectory(at("above/plain/below"), 0o022)
        yield* expectEqual("the bit", yield* modeOf(tree, at("above/plain")), 0o2700)
        yield* expectEqual("with sticky", yield* modeOf(tree, at("above/wide")), 0o3777)
        yield* expectEqual("two below", yield* modeOf(tree, at("above/plain/below")), 0o2022)
        yield* put(tree, at("above/file"), "", 0o644)
        yield* tree.makeNode(at("above/fifo"), { type: "fifo", mode: 0o666 })
        yield* tree.symlink("target", at("above/link"))
        yield* expectEqual("a file", yield* modeOf(tree, at("above/file")), 0o644)
        yield* expectEqual("a FIFO", yield* modeOf(tree, at("above/fifo")), 0o666)
        yield* expectEqual("a symlink", yield* modeOf(tree, at("above/link")), 0o777)
      })
  ),
  statement("what is moved into a directory with the setgid bit stays as it is", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("above"), 0o755)
      yield* tree.setMode(at("above"), 0o2755)
      yield* tree.makeDirectory(at("directory"), 0o700)
      yield* tree.rename(at("directory"), at("above/directory"))
      yield* expectEqual("the mode", yield* modeOf(tree, at("above/directory")), 0o700)
    })),
  statement(
    "a symlink may lead anywhere: to nothing, to itself, to something above",
    (tree, at) =>
      Effect.gen(function*() {
        for (const target of ["missing", "self", "..", "/", ".", "/proc/self/fd/0"]) {
          yield* tree.symlink(target, at("self"))
          yield* expectEqual("the type", yield* typeOf(tree, at("self")), "symlink")
          yield* tree.removeFile(at("self"))
        }
      })
  ),
  statement("one of many who make the same name exclusively makes it", (tree, at) =>
    Effect.gen(function*() {
      const attempts = Array.from({ length: 20 }, (_, i) =>
        Effect.match(
          i % 2 === 0
            ? opened(tree, at("one"), { create: 0o644, exclusive: true, write: true })
            : tree.makeDirectory(at("one"), 0o755),
          { onFailure: ({ code }) => code, onSuccess: () => "ok" }
        ))
      const outcomes = yield* Effect.all(attempts, { concurrency: "unbounded" })
      yield* expectEqual("who made it", outcomes.filter((outcome) => outcome === "ok").length, 1)
      yield* expectEqual("who did not", outcomes.filter((outcome) => outcome === "EEXIST").length, 19)
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["one"])
    })),
  statement("what cannot be made leaves nothing behind", (tree, at) =>
    Effect.gen(function*() {
      yield* expectCode("a symlink", tree.symlink("", at("x")), "ENOENT")
      yield* expectCode("a link", tree.link(at("missing"), at("x")), "ENOENT")
      yield* expectCode("a rename", tree.rename(at("missing"), at("x")), "ENOENT")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [])
    }))
]

/** With owners that only the superuser can give. */
export const superuserMakingCases: Suite<Needs> = [
  statement("a directory with the setgid bit hands its group down to everything", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("above"), 0o755)
      yield* tree.setOwner(at("above"), { gid: 4_242, uid: 77 })
      yield* tree.setMode(at("above"), 0o2755)
      yield* tree.makeDirectory(at("above/directory"), 0o711)
      yield* put(tree, at("above/file"), "", 0o604)
      yield* tree.makeNode(at("above/setgid"), { type: "file", mode: 0o2755 })
      yield* tree.makeNode(at("above/device"), { type: "characterDevice", mode: 0o600, rdev: deviceNumber(1, 3) })
      yield* tree.symlink("target", at("above/link"))
      const { uid } = yield* tree.lstat(at())
      for (const name of yield* namesIn(tree, at("above"))) {
        const entry = yield* tree.lstat(at(`above/${name}`))
        yield* expectEqual(`the group of ${name}`, entry.gid, 4_242)
        yield* expectEqual(`the owner of ${name}`, entry.uid, uid)
      }
      yield* expectEqual("a directory's mode", yield* modeOf(tree, at("above/directory")), 0o2711)
      yield* expectEqual("a file's mode", yield* modeOf(tree, at("above/file")), 0o604)
      yield* expectEqual("a file's own setgid bit", yield* modeOf(tree, at("above/setgid")), 0o2755)
      yield* tree.link(at("above/file"), at("linked"))
      yield* expectEqual("a link's group", (yield* tree.lstat(at("linked"))).gid, 4_242)
    })),
  statement("without the setgid bit a directory's group is not handed down", (tree, at) =>
    Effect.gen(function*() {
      const { gid } = yield* tree.lstat(at())
      yield* tree.makeDirectory(at("above"), 0o755)
      yield* tree.setOwner(at("above"), { gid: 4_242 })
      yield* tree.makeDirectory(at("above/directory"), 0o755)
      yield* put(tree, at("above/file"))
      yield* expectEqual("a directory's group", (yield* tree.lstat(at("above/directory"))).gid, gid)
      yield* expectEqual("a file's group", (yield* tree.lstat(at("above/file"))).gid, gid)
    }))
]
