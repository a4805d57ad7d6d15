/** How calls fail: operation, path and errno, and the errors that paths alone bring about. */
import { Effect } from "effect"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import { expectCode, type Needs, statement } from "./bench.ts"

export const failuresCases: Suite<Needs> = [
  statement("a failure carries the operation, the path and the errno's name", (fs, at) =>
    Effect.gen(function*() {
      const error = yield* failureOf("reading a missing directory", fs.readDirectory(at("missing")))
      yield* expectEqual("the operation", error.operation, "readDirectory")
      yield* expectEqual("the path", error.path, at("missing"))
      yield* expectEqual("the code", error.code, "ENOENT")
    })),
  statement("a path that leads through a loop of symlinks is ELOOP", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.symlink("b", at("a"))
      yield* fs.symlink("a", at("b"))
      yield* expectCode("realPath", fs.realPath(at("a")), "ELOOP")
      yield* expectCode("lstat below it", fs.lstat(at("a/x")), "ELOOP")
      yield* expectCode("readDirectory", fs.readDirectory(at("a")), "ELOOP")
      yield* expectCode("readFile", fs.readFile(at("a")), "ELOOP")
      yield* expectCode("readLink below it", fs.readLink(at("a/x")), "ELOOP")
      yield* expectCode("makeDirectory below it", fs.makeDirectory(at("a/x"), 0o755), "ELOOP")
      yield* expectCode("writeFile below it", fs.writeFile(at("a/x"), "", 0o644), "ELOOP")
      yield* expectCode("symlink below it", fs.symlink("x", at("a/x")), "ELOOP")
      yield* expectCode("removeFile below it", fs.removeFile(at("a/x")), "ELOOP")
    })),
  statement("making or moving something below a file is ENOTDIR", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* fs.writeFile(at("other"), "", 0o644)
      yield* expectCode("makeDirectory", fs.makeDirectory(at("file/x"), 0o755), "ENOTDIR")
      yield* expectCode("writeFile", fs.writeFile(at("file/x"), "", 0o644), "ENOTDIR")
      yield* expectCode("symlink", fs.symlink("x", at("file/x")), "ENOTDIR")
      yield* expectCode("exchange", fs.exchange(at("other"), at("file/x")), "ENOTDIR")
      yield* expectCode("moveNoReplace", fs.moveNoReplace(at("other"), at("file/x")), "ENOTDIR")
      yield* expectCode("realPath", fs.realPath(at("file/x")), "ENOTDIR")
      yield* expectCode("readDirectory", fs.readDirectory(at("file/x")), "ENOTDIR")
    })),
  statement("making or moving something below a missing directory is ENOENT", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("makeDirectory", fs.makeDirectory(at("missing/x"), 0o755), "ENOENT")
      yield* expectCode("writeFile", fs.writeFile(at("missing/x"), "", 0o644), "ENOENT")
      yield* expectCode("symlink", fs.symlink("x", at("missing/x")), "ENOENT")
      yield* expectCode("exchange", fs.exchange(at("file"), at("missing/x")), "ENOENT")
      yield* expectCode("moveNoReplace", fs.moveNoReplace(at("file"), at("missing/x")), "ENOENT")
      yield* expectEqual("the file", yield* fs.readFile(at("file")), "")
    })),
  statement("a name of more than 255 bytes is ENAMETOOLONG", (fs, at) =>
    Effect.gen(function*() {
      const long = at("é".repeat(128))
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("makeDirectory", fs.makeDirectory(long, 0o755), "ENAMETOOLONG")
      yield* expectCode("writeFile", fs.writeFile(long, "", 0o644), "ENAMETOOLONG")
      yield* expectCode("symlink", fs.symlink("x", long), "ENAMETOOLONG")
      yield* expectCode("moveNoReplace", fs.moveNoReplace(at("file"), long), "ENAMETOOLONG")
      yield* expectCode("lstat", fs.lstat(long), "ENAMETOOLONG")
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["file"])
    })),
  statement("a path of more than 4,095 bytes is ENAMETOOLONG", (fs, at) =>
    Effect.gen(function*() {
      const long = at("x/".repeat(3_000))
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("lstat", fs.lstat(long), "ENAMETOOLONG")
      yield* expectCode("readFile", fs.readFile(long), "ENAMETOOLONG")
      yield* expectCode("makeDirectory", fs.makeDirectory(long, 0o755), "ENAMETOOLONG")
      yield* expectCode("writeFile", fs.writeFile(long, "", 0o644), "ENAMETOOLONG")
      yield* expectCode("symlink", fs.symlink("x", long), "ENAMETOOLONG")
      yield* expectCode("a symlink to it", fs.symlink(long, at("link")), "ENAMETOOLONG")
      yield* expectCode("moveNoReplace", fs.moveNoReplace(at("file"), long), "ENAMETOOLONG")
      yield* expectCode("removeTree", fs.removeTree(long), "ENAMETOOLONG")
      yield* expectCode("usage", fs.usage(long), "ENAMETOOLONG")
      yield* expectCode("tryLock", fs.tryLock(long), "ENAMETOOLONG")
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["file"])
    }))
]
