/** How paths lead to what they name, and where they lead nowhere: the same for every operation. */
import { Effect } from "effect"
import { below, type TreePath } from "../../TreeFileSystem.ts"
import type { TreeFileSystem } from "../../TreeFileSystem.ts"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import {
  type At,
  callsOn,
  expectCode,
  expectCodes,
  followingCallsOn,
  inodeOf,
  makeOneOfEach,
  makingCallsOn,
  namesIn,
  type Needs,
  put,
  statement,
  takenNames
} from "./bench.ts"

/** All operations, of which none succeeds, so that any order is right. */
const everyCall = (tree: TreeFileSystem, at: At, path: TreePath) => ({
  ...callsOn(tree, path, at("empty")),
  ...makingCallsOn(tree, path, at("file")),
  create: Effect.scoped(tree.open(path, { create: 0o644, write: true })),
  renameTo: tree.rename(at("file"), path),
  exchangeWith: tree.rename(at("file"), path, "exchange"),
  whiteout: tree.rename(at("file"), path, "whiteout")
})

/** A path of this many bytes to the name in the workplace. */
const padded = (at: At, name: string, length: number): string => {
  const missing = length - at(name).length
  return at(`${"/".repeat(missing % 2)}${"./".repeat(Math.floor(missing / 2))}${name}`)
}

export const lookupCases: Suite<Needs> = [
  statement(
    "a failure carries the operation, the path as text and the errno's name",
    (tree, at) =>
      Effect.gen(function*() {
        const error = yield* failureOf("lstat", tree.lstat(at(Uint8Array.of(0x61, 0xff))))
        yield* expectEqual("the tag", error._tag, "FileSystemError")
        yield* expectEqual("the operation", error.operation, "lstat")
        yield* expectEqual("the path", error.path, at("a\ufffd"))
        yield* expectEqual("the code", error.code, "ENOENT")
        const renaming = yield* failureOf("rename", tree.rename(at("from"), at("to")))
        yield* expectEqual("the path of a rename", renaming.path, at("from"))
      })
  ),
  statement("what is not there is ENOENT for every operation that wants it", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("empty"), 0o755)
      yield* expectCodes("of nothing", callsOn(tree, at("missing"), at("empty")), "ENOENT")
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["empty"])
    })),
  statement("what would be in no directory is ENOENT for every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* expectCodes("below nothing", everyCall(tree, at, at("missing/x")), "ENOENT")
      yield* expectCodes("below a dangling symlink", everyCall(tree, at, at("dangling/x")), "ENOENT")
      yield* expectCodes("at an empty path", everyCall(tree, at, ""), "ENOENT")
      yield* expectCodes("at an empty path of bytes", everyCall(tree, at, new Uint8Array(0)), "ENOENT")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement(
    "what would be in something that is no directory is ENOTDIR for every operation",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of ["file", "fifo", "socket", "toFile"]) {
          yield* expectCodes(`below ${name}`, everyCall(tree, at, at(`${name}/x`)), "ENOTDIR")
        }
        yield* expectCode("lstat of .. of a file", tree.lstat(at("file/../file")), "ENOTDIR")
        yield* expectCode("lstat of . of a file", tree.lstat(at("file/.")), "ENOTDIR")
      })
  ),
  statement("a loop of symlinks on the way is ELOOP for every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* expectCodes("below a loop", everyCall(tree, at, at("loop/x")), "ELOOP")
      yield* expectCodes("of a loop", followingCallsOn(tree, at("loop")), "ELOOP")
      yield* expectCode("creating through a loop", everyCall(tree, at, at("loop")).create, "ELOOP")
    })),
  statement("40 symlinks are followed, one more is ELOOP", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("0"))
      for (let i = 1; i <= 41; i++) yield* tree.symlink(`${i - 1}`, at(`${i}`))
      yield* expectEqual("what 40 lead to", (yield* tree.stat(at("40"))).ino, yield* inodeOf(tree, at("0")))
      yield* expectCodes("through 41", followingCallsOn(tree, at("41")), "ELOOP")
      yield* expectEqual("lstat of the last", (yield* tree.lstat(at("41"))).type, "symlink")
    })),
  statement("a name of more than 255 bytes is ENAMETOOLONG for every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* expectCodes("of 256 letters", everyCall(tree, at, at("x".repeat(256))), "ENAMETOOLONG")
      yield* expectCodes("of 256 bytes", everyCall(tree, at, at(new Uint8Array(256).fill(0xff))), "ENAMETOOLONG")
      yield* expectCodes("of 129 letters of 2 bytes", everyCall(tree, at, at("é".repeat(128))), "ENAMETOOLONG")
      yield* expectCode("lstat below one", tree.lstat(at(`${"x".repeat(256)}/y`)), "ENAMETOOLONG")
      yield* expectEqual("the names", yield* namesIn(tree, at()), [...takenNames].sort())
    })),
  statement(
    "a path has at most 4,095 bytes, else it is ENAMETOOLONG for every operation",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectEqual("of 4,095", (yield* tree.lstat(padded(at, "file", 4_095))).type, "file")
        yield* expectCodes("of 4,096 bytes", everyCall(tree, at, padded(at, "file", 4_096)), "ENAMETOOLONG")
        yield* expectCodes("of 70,000 bytes", everyCall(tree, at, padded(at, "file", 70_000)), "ENAMETOOLONG")
      })
  ),
  statement("what no path can be is EINVAL for every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (
        const [what, path] of [
          ["with NUL", at("fi\0le")],
          ["with NUL at the end", at("file\0")],
          ["with NUL in bytes", at(Uint8Array.of(0x61, 0))],
          ["with half a character", at("\ud800")],
          ["with the other half", at("x\udc00y")],
          ["that is relative", "file"],
          ["that is relative bytes", Uint8Array.of(0x2e)]
        ] as const
      ) {
        yield* expectCodes(`a path ${what}`, everyCall(tree, at, path), "EINVAL")
      }
    })),
  statement(
    "symlinks on the way are followed by every operation, in the last place by those that say so",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectEqual(
          "on the way",
          yield* inodeOf(tree, at("toFull/inner")),
          yield* inodeOf(tree, at("full/inner"))
        )
        yield* expectEqual("in the last place", (yield* tree.lstat(at("toFull"))).type, "symlink")
        yield* expectEqual("followed", (yield* tree.stat(at("toFull"))).ino, yield* inodeOf(tree, at("full")))
        yield* put(tree, at("toFull/made"))
        yield* expectEqual("what is in it", yield* namesIn(tree, at("toFull")), ["inner", "made"])
      })
  ),
  statement(
    "an absolute symlink leads from the root, a relative one from where it lies",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        const inner = yield* inodeOf(tree, at("full/inner"))
        yield* tree.symlink(at("full"), at("empty/absolute"))
        yield* tree.symlink("../full/inner", at("empty/relative"))
        yield* expectEqual("absolute", (yield* tree.stat(at("empty/absolute/inner"))).ino, inner)
        yield* expectEqual("relative", (yield* tree.stat(at("empty/relative"))).ino, inner)
        yield* expectEqual("both", (yield* tree.stat(at("empty/absolute/../empty/relative"))).ino, inner)
      })
  ),
  statement(".. after a symlink is above where it leads to", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("a"), 0o755)
      yield* tree.makeDirectory(at("a/b"), 0o755)
      yield* tree.symlink("a/b", at("l"))
      yield* expectEqual("the directory", yield* inodeOf(tree, at("l/..")), yield* inodeOf(tree, at("a")))
      yield* expectEqual("above the root", yield* inodeOf(tree, "/../.."), yield* inodeOf(tree, "/"))
    })),
  statement("an empty component and . are the directory itself", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      const inner = yield* inodeOf(tree, at("full/inner"))
      yield* expectEqual("the file", yield* inodeOf(tree, at("full//.///./inner")), inner)
      yield* expectEqual("the file from //", yield* inodeOf(tree, `//${at("full/inner")}`), inner)
      yield* expectEqual(
        "the directory",
        yield* inodeOf(tree, below(at("full"), ".")),
        yield* inodeOf(tree, at("full"))
      )
    }))
]
