/** What a slash, `.` or `..` at the end of a path means to each operation. */
import { Effect } from "effect"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  bytes,
  callsOn,
  expectCode,
  expectCodes,
  inodeOf,
  makeOneOfEach,
  namesIn,
  type Needs,
  opened,
  put,
  statement,
  takenNames,
  text,
  typeOf
} from "./bench.ts"

export const lastPlaceCases: Suite<Needs> = [
  statement(
    "a slash after a symlink follows it, for whatever looks or changes attributes",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectEqual("lstat", yield* inodeOf(tree, at("toFull/")), yield* inodeOf(tree, at("full")))
        yield* tree.setMode(at("toFull/"), 0o711)
        yield* expectEqual("the mode", (yield* tree.lstat(at("full"))).mode, 0o711)
        yield* tree.setTimes(at("toFull/"), { mtimeNanoseconds: 5n })
        yield* expectEqual("the time", (yield* tree.lstat(at("full"))).mtimeNanoseconds, 5n)
        yield* tree.setXattr(at("toFull/"), "user.a", bytes("x"))
        yield* expectEqual("the attribute", text(yield* tree.getXattr(at("full"), "user.a")), "x")
        yield* expectEqual("the names", yield* namesIn(tree, at("toFull//")), ["inner"])
        yield* opened(tree, at("toFull/"), { noFollow: true, read: true })
        yield* expectCode("readLink", tree.readLink(at("toFull/")), "EINVAL")
        yield* expectCode("lstat of a dangling one", tree.lstat(at("dangling/")), "ENOENT")
        yield* expectCode("lstat of a loop", tree.lstat(at("loop/")), "ELOOP")
      })
  ),
  statement("a slash after what is no directory is ENOTDIR for every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["file", "fifo", "socket"]) {
        yield* expectCodes(`of ${name}/`, callsOn(tree, at(`${name}/`), at("empty")), "ENOTDIR")
        yield* expectCode(`opening ${name}/ to write`, opened(tree, at(`${name}/`), { write: true }), "ENOTDIR")
      }
      yield* expectCode("lstat of a symlink to one", tree.lstat(at("toFile/")), "ENOTDIR")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement("only a directory can be made with a slash after its name", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      yield* tree.makeDirectory(at("directory/"), 0o755)
      yield* tree.makeDirectory(at("other///"), 0o755)
      yield* expectCode("makeNode", tree.makeNode(at("x/"), { type: "file", mode: 0o644 }), "ENOENT")
      yield* expectCode("symlink", tree.symlink("target", at("x/")), "ENOENT")
      yield* expectCode("link", tree.link(at("file"), at("x/")), "ENOENT")
      yield* expectCode("create", opened(tree, at("x/"), { create: 0o644, write: true }), "EISDIR")
      yield* expectCode("create over a file", opened(tree, at("file/"), { create: 0o644, write: true }), "EISDIR")
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["directory", "file", "other"])
    })),
  statement(
    "what is made where something is, is EEXIST with a slash after the name too",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of takenNames) {
          yield* expectCode(`makeDirectory ${name}/`, tree.makeDirectory(at(`${name}/`), 0o755), "EEXIST")
          yield* expectCode(`makeNode ${name}/`, tree.makeNode(at(`${name}/`), { type: "fifo", mode: 0o644 }), "EEXIST")
          yield* expectCode(`symlink ${name}/`, tree.symlink("target", at(`${name}/`)), "EEXIST")
          yield* expectCode(`link ${name}/`, tree.link(at("file"), at(`${name}/`)), "EEXIST")
        }
      })
  ),
  statement(
    "a slash after a symlink does not follow it, for whatever removes or renames",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectCode("removeFile", tree.removeFile(at("toFull/")), "ENOTDIR")
        yield* expectCode("removeDirectory", tree.removeDirectory(at("toFull/")), "ENOTDIR")
        yield* expectCode("rename", tree.rename(at("toFull/"), at("x")), "ENOTDIR")
        yield* expectCode("rename to", tree.rename(at("empty"), at("toFull/")), "ENOTDIR")
        yield* expectCode("link", tree.link(at("toFull/"), at("x")), "EPERM")
        yield* expectEqual("the symlink", yield* typeOf(tree, at("toFull")), "symlink")
      })
  ),
  statement("a directory is removed and renamed with a slash after its name", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* expectCode("removeFile", tree.removeFile(at("empty/")), "EISDIR")
      yield* tree.rename(at("empty/"), at("a/"))
      yield* tree.rename(at("a"), at("b//"))
      yield* tree.removeDirectory(at("b///"))
      yield* expectCode("a file to x/", tree.rename(at("file"), at("x/")), "ENOTDIR")
      yield* expectCode("a file to file/", tree.rename(at("fifo"), at("file/")), "ENOTDIR")
      yield* expectCode("a file to full/", tree.rename(at("file"), at("full/")), "ENOTDIR")
      yield* expectCode("exchange of file/", tree.rename(at("full"), at("file/"), "exchange"), "ENOTDIR")
    })),
  statement("nothing is made, removed or renamed as . or ..", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const dots of ["empty/.", "full/..", "empty/./", "full/../"]) {
        const path = at(dots)
        yield* expectCode(`makeDirectory ${dots}`, tree.makeDirectory(path, 0o755), "EEXIST")
        yield* expectCode(`makeNode ${dots}`, tree.makeNode(path, { type: "file", mode: 0o644 }), "EEXIST")
        yield* expectCode(`symlink ${dots}`, tree.symlink("target", path), "EEXIST")
        yield* expectCode(`link to ${dots}`, tree.link(at("file"), path), "EEXIST")
        yield* expectCode(`create ${dots}`, opened(tree, path, { create: 0o644, write: true }), "EISDIR")
        yield* expectCode(
          `create ${dots} exclusively`,
          opened(tree, path, { create: 0o644, exclusive: true, write: true }),
          "EEXIST"
        )
        yield* expectCode(`removeFile ${dots}`, tree.removeFile(path), "EISDIR")
        yield* expectCode(`rename ${dots}`, tree.rename(path, at("x")), "EBUSY")
        yield* expectCode(`rename to ${dots}`, tree.rename(at("file"), path), "EBUSY")
        yield* expectCode(`noReplace to ${dots}`, tree.rename(at("file"), path, "noReplace"), "EEXIST")
        yield* expectCode(`exchange with ${dots}`, tree.rename(at("full"), path, "exchange"), "EBUSY")
      }
      yield* expectCode("removeDirectory .", tree.removeDirectory(at("empty/.")), "EINVAL")
      yield* expectCode("removeDirectory ..", tree.removeDirectory(at("full/..")), "ENOTEMPTY")
      yield* expectCode("makeDirectory in nothing", tree.makeDirectory(at("missing/."), 0o755), "ENOENT")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement("the root is there, and cannot be removed", (tree) =>
    Effect.gen(function*() {
      yield* expectCode("makeDirectory", tree.makeDirectory("/", 0o755), "EEXIST")
      yield* expectCode("symlink", tree.symlink("target", "//"), "EEXIST")
      yield* expectCode("removeDirectory", tree.removeDirectory("/"), "EBUSY")
      yield* expectCode("removeFile", tree.removeFile("/"), "EISDIR")
      yield* expectCode("create", opened(tree, "/", { create: 0o644, write: true }), "EISDIR")
      yield* expectEqual("lstat", (yield* tree.lstat("/")).type, "directory")
    }))
]
