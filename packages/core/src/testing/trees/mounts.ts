/** Trees with something mounted in them: paths lead on into it, names end at it, and a read-only mount is `EROFS`. */
import { Effect, type Scope } from "effect"
import { Mounter } from "../../Mounter.ts"
import type { TreeFileSystem } from "../../TreeFileSystem.ts"
import { bind, overlay } from "../mounter/bench.ts"
import { type Case, expectEqual, type Suite } from "../Suite.ts"
import {
  type At,
  bytes,
  contentsOf,
  expectCode,
  expectCodes,
  hex,
  inodeOf,
  makeOneOfEach,
  makingCallsOn,
  namesIn,
  type Needs as TreeNeeds,
  opened,
  put,
  statement as treeStatement,
  symlinkNames,
  takenNames
} from "./bench.ts"

export type Needs = TreeNeeds | Mounter

/** A case with `inside`, one of everything in it, mounted on `target`, which has one file below. */
const statement = <E>(
  name: string,
  writable: boolean,
  test: (tree: TreeFileSystem, at: At, mounter: Mounter) => Effect.Effect<void, E, Scope.Scope>
): Case<Needs> => ({
  name,
  test: Effect.flatMap(Mounter, (mounter) =>
    treeStatement(name, (tree, at) =>
      Effect.gen(function*() {
        yield* tree.makeDirectory(at("target"), 0o755)
        yield* put(tree, at("target/hidden"))
        yield* tree.makeDirectory(at("inside"), 0o755)
        yield* makeOneOfEach(tree, (inner) => at(`inside/${inner}`))
        yield* put(tree, at("outside"), "outside")
        yield* mounter.mount(bind(at("inside"), writable), at("target"))
        yield* test(tree, at, mounter)
      })).test)
})

/** Whatever changes something about what is there. */
const changingCallsOn = (tree: TreeFileSystem, path: string) => ({
  setMode: tree.setMode(path, 0o600),
  setOwner: tree.setOwner(path, {}),
  setTimes: tree.setTimes(path, { mtimeNanoseconds: 1n }),
  setXattr: tree.setXattr(path, "user.a", bytes("x")),
  removeXattr: tree.removeXattr(path, "user.a"),
  removeFile: tree.removeFile(path),
  rename: tree.rename(path, `${path}-renamed`)
})

export const mountCases: Suite<Needs> = [
  statement("a path leads on into what is mounted, and .. out of it again", true, (tree, at) =>
    Effect.gen(function*() {
      yield* expectEqual("the names", yield* namesIn(tree, at("target")), [...takenNames].sort())
      yield* expectEqual("the root", yield* inodeOf(tree, at("target")), yield* inodeOf(tree, at("inside")))
      yield* expectEqual("a file", yield* contentsOf(tree, at("target/full/inner")), "inner")
      yield* expectEqual("above the root", yield* inodeOf(tree, at("target/..")), yield* inodeOf(tree, at()))
      yield* expectEqual("back", yield* contentsOf(tree, at("target/full/../../outside")), "outside")
      yield* tree.symlink("target/full", at("link"))
      yield* expectEqual("by a symlink", hex(yield* tree.realPath(at("link"))), hex(bytes(at("target/full"))))
    })),
  statement("what is done through a mount is done to what it shows", true, (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("target/new"), "new")
      yield* tree.setMode(at("target/file"), 0o601)
      yield* tree.setXattr(at("target/empty"), "user.a", bytes("x"))
      yield* tree.removeFile(at("target/fifo"))
      yield* expectEqual("a new file", yield* contentsOf(tree, at("inside/new")), "new")
      yield* expectEqual("a mode", (yield* tree.lstat(at("inside/file"))).mode, 0o601)
      yield* expectEqual("an attribute", hex(yield* tree.getXattr(at("inside/empty"), "user.a")), "78")
      yield* expectCode("a removed one", tree.lstat(at("inside/fifo")), "ENOENT")
    })),
  statement(
    "names do not cross a mount: EXDEV, though it shows the same file system",
    true,
    (tree, at) =>
      Effect.gen(function*() {
        for (const renaming of ["replace", "noReplace", "exchange"] as const) {
          yield* expectCode("out", tree.rename(at("target/file"), at("outside"), renaming), "EXDEV")
          yield* expectCode("in", tree.rename(at("outside"), at("target/new"), renaming), "EXDEV")
          yield* expectCode("from nothing", tree.rename(at("missing"), at("target/new"), renaming), "EXDEV")
        }
        yield* expectCode("a link out", tree.link(at("target/file"), at("new")), "EXDEV")
        yield* expectCode("a link in", tree.link(at("outside"), at("target/new")), "EXDEV")
        yield* expectCode("over something", tree.link(at("outside"), at("target/file")), "EEXIST")
        yield* tree.rename(at("target/file"), at("target/full/file"))
      })
  ),
  statement(
    "what something is mounted on is neither removed nor renamed: EBUSY",
    true,
    (tree, at) =>
      Effect.gen(function*() {
        yield* tree.makeDirectory(at("other"), 0o755)
        yield* expectCode("removeDirectory", tree.removeDirectory(at("target")), "EBUSY")
        yield* expectCode("rename", tree.rename(at("target"), at("new")), "EBUSY")
        yield* expectCode("rename to", tree.rename(at("other"), at("target")), "EBUSY")
        yield* expectCode("exchange", tree.rename(at("other"), at("target"), "exchange"), "EBUSY")
        yield* expectCode("noReplace", tree.rename(at("other"), at("target"), "noReplace"), "EEXIST")
        yield* expectCode("removeFile", tree.removeFile(at("target")), "EISDIR")
        yield* expectCode("makeDirectory", tree.makeDirectory(at("target"), 0o755), "EEXIST")
        yield* expectEqual("the names", yield* namesIn(tree, at()), ["inside", "other", "outside", "target"])
      })
  ),
  statement(
    "a directory is renamed with what is mounted below it",
    true,
    (tree, at, mounter) =>
      Effect.gen(function*() {
        for (const name of ["shown", "above", "above/point"]) yield* tree.makeDirectory(at(name), 0o755)
        yield* mounter.mount(bind(at("shown"), true), at("above/point"))
        yield* expectCode("removeDirectory", tree.removeDirectory(at("above")), "ENOTEMPTY")
        yield* tree.rename(at("above"), at("moved"))
        yield* tree.makeDirectory(at("moved/point/made"), 0o755)
        yield* expectEqual("what is shown", yield* namesIn(tree, at("shown")), ["made"])
        yield* tree.rename(at("moved"), at("above"))
      })
  )
]

export const readOnlyCases: Suite<Needs> = [
  statement("a read-only mount shows all, and changes nothing: EROFS", false, (tree, at) =>
    Effect.gen(function*() {
      const before = yield* Effect.forEach(takenNames, (name) => tree.lstat(at(`inside/${name}`)))
      for (const name of takenNames) {
        yield* expectCodes(`of ${name}`, changingCallsOn(tree, at(`target/${name}`)), "EROFS")
      }
      yield* expectEqual("a file", yield* contentsOf(tree, at("target/toFull/inner")), "inner")
      const after = yield* Effect.forEach(takenNames, (name) => tree.lstat(at(`target/${name}`)))
      yield* expectEqual(
        "all",
        after.map((entry) => ({ ...entry, atimeNanoseconds: 0n })),
        before.map((entry) => ({ ...entry, atimeNanoseconds: 0n }))
      )
    })),
  statement(
    "on a read-only mount nothing is made: EROFS, but EEXIST where something is",
    false,
    (tree, at) =>
      Effect.gen(function*() {
        yield* expectCodes("something new", makingCallsOn(tree, at("target/new"), at("target/file")), "EROFS")
        for (const name of takenNames) {
          const { renameToFree: _, ...making } = makingCallsOn(tree, at(`target/${name}`), at("target/file"))
          yield* expectCodes(`over ${name}`, making, "EEXIST")
        }
        yield* expectCode("in nothing", tree.makeDirectory(at("target/missing/x"), 0o755), "ENOENT")
      })
  ),
  statement("on a read-only mount a file is opened to be read alone", false, (tree, at) =>
    Effect.gen(function*() {
      yield* opened(tree, at("target/file"), { read: true })
      yield* opened(tree, at("target/file"), { create: 0o644, read: true })
      for (const opening of [{ write: true }, { append: true }, { read: true, truncate: true }]) {
        yield* expectCode("opening", opened(tree, at("target/file"), opening), "EROFS")
        yield* expectCode("opening to create", opened(tree, at("target/file"), { ...opening, create: 0o644 }), "EROFS")
        yield* expectCode("opening nothing", opened(tree, at("target/new"), { ...opening, create: 0o644 }), "EROFS")
      }
      yield* expectCode("truncate", tree.truncate(at("target/file"), 0), "EROFS")
      yield* expectCode("creating to read", opened(tree, at("target/new"), { create: 0o644, read: true }), "EROFS")
      yield* expectCode("opening a directory to write", opened(tree, at("target/full"), { write: true }), "EISDIR")
    })),
  statement(
    "access tells that a read-only mount is not written, whatever is on it",
    false,
    (tree, at) =>
      Effect.gen(function*() {
        for (const name of ["file", "empty", "full", "toFile"]) {
          yield* tree.access(at(`target/${name}`))
          yield* expectCode(name, tree.access(at(`target/${name}`), { write: true }), "EROFS")
        }
        // What goes into these goes to no file system.
        for (const name of ["fifo", "socket"]) yield* tree.access(at(`target/${name}`), { write: true })
      })
  ),
  statement(
    "a read-only mount refuses before it looks whether anything is there",
    false,
    (tree, at) =>
      Effect.gen(function*() {
        yield* expectCode("removeFile", tree.removeFile(at("target/missing")), "EROFS")
        yield* expectCode("removeDirectory", tree.removeDirectory(at("target/missing")), "EROFS")
        yield* expectCode("rename", tree.rename(at("target/missing"), at("target/x")), "EROFS")
        yield* expectCode("removing a directory", tree.removeDirectory(at("target/full")), "EROFS")
        for (const name of ["setMode", "setOwner", "setTimes", "setXattr", "removeXattr"] as const) {
          yield* expectCode(name, changingCallsOn(tree, at("target/missing"))[name], "ENOENT")
        }
      })
  ),
  statement(
    "out of a read-only mount a symlink leads to what can be written",
    false,
    (tree, at) =>
      Effect.gen(function*() {
        yield* tree.symlink("../outside", at("inside/out"))
        yield* put(tree, at("target/out"), "O")
        yield* tree.setMode(at("target/out"), 0o600, "follow")
        yield* expectEqual("the file", yield* contentsOf(tree, at("outside")), "Outside")
        for (const name of symlinkNames) {
          yield* expectCode(name, tree.setTimes(at(`target/${name}`), { mtimeNanoseconds: 1n }), "EROFS")
        }
      })
  )
]

export const whiteoutRefusalCases: Suite<Needs> = [
  statement(
    "in an overlay nothing looks like its own deletion marks: they are neither made nor left",
    true,
    (tree, at, mounter) =>
      Effect.gen(function*() {
        for (const name of ["lower", "layer", "layer/fs", "layer/work", "merged"]) {
          yield* tree.makeDirectory(at(name), 0o755)
        }
        yield* mounter.mount(overlay(at("layer/fs"), [at("lower")]), at("merged"))
        yield* put(tree, at("merged/file"))
        const whiteout = { mode: 0o600, rdev: 0n, type: "characterDevice" } as const
        yield* expectCode("making one", tree.makeNode(at("merged/x"), whiteout), "EPERM")
        yield* expectCode("leaving one", tree.rename(at("merged/file"), at("merged/x"), "whiteout"), "EINVAL")
        yield* tree.makeNode(at("merged/block"), { ...whiteout, type: "blockDevice" })
        yield* expectEqual("the names", yield* namesIn(tree, at("merged")), ["block", "file"])
      })
  )
]
