/** Extended attributes: which may be where, what is kept, and each refusal. */
import { Effect } from "effect"
import { deviceNumber, type TreeFileSystem, type TreePath } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  type At,
  bytes,
  expectCode,
  hex,
  makeOneOfEach,
  type Needs,
  put,
  statement,
  symlinkNames,
  takenNames,
  text
} from "./bench.ts"

/** Names of the namespace, sorted: a security module may have given a file others of its own. */
const namesOf = (tree: TreeFileSystem, path: TreePath, namespace = "user.") =>
  Effect.map(tree.listXattrs(path), (names) => names.filter((name) => name.startsWith(namespace)).sort())

const valueOf = (tree: TreeFileSystem, path: TreePath, name: string) => Effect.map(tree.getXattr(path, name), text)

/** A file and a directory; these may have attributes of the user's. */
const makeBoth = (tree: TreeFileSystem, at: At) =>
  Effect.andThen(put(tree, at("file")), tree.makeDirectory(at("directory"), 0o755))

const both = ["file", "directory"]

export const xattrCases: Suite<Needs> = [
  statement("attributes of a file and of a directory are kept as they are set", (tree, at) =>
    Effect.gen(function*() {
      yield* makeBoth(tree, at)
      for (const name of both) {
        yield* expectEqual("none", yield* namesOf(tree, at(name)), [])
        yield* tree.setXattr(at(name), "user.a", bytes("one"))
        yield* tree.setXattr(at(name), "user.b", bytes("two"))
        yield* tree.setXattr(at(name), "user.a", bytes("another"))
        yield* expectEqual("the names", yield* namesOf(tree, at(name)), ["user.a", "user.b"])
        yield* expectEqual("a value", yield* valueOf(tree, at(name), "user.a"), "another")
        yield* tree.removeXattr(at(name), "user.a")
        yield* expectEqual("the names left", yield* namesOf(tree, at(name)), ["user.b"])
        yield* expectCode("the removed one", tree.getXattr(at(name), "user.a"), "ENODATA")
        yield* expectCode("removing it again", tree.removeXattr(at(name), "user.a"), "ENODATA")
      }
    })),
  statement("a value may be empty, of any bytes, and of thousands", (tree, at) =>
    Effect.gen(function*() {
      yield* makeBoth(tree, at)
      const every = Uint8Array.from({ length: 256 }, (_, i) => i)
      for (const value of [new Uint8Array(0), Uint8Array.of(0), every, new Uint8Array(3_000).fill(0xa5), bytes("x")]) {
        for (const name of both) {
          yield* tree.setXattr(at(name), "user.a", value)
          yield* expectEqual("the value", hex(yield* tree.getXattr(at(name), "user.a")), hex(value))
          yield* expectEqual("the names", yield* namesOf(tree, at(name)), ["user.a"])
        }
      }
    })),
  statement(
    "a value is what it was when it was set, whatever happens to the memory",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"))
        const value = bytes("-abc-").subarray(1, 4)
        yield* tree.setXattr(at("file"), "user.a", value)
        value.fill(0)
        const got = yield* tree.getXattr(at("file"), "user.a")
        yield* expectEqual("the value", text(got), "abc")
        got.fill(0)
        yield* expectEqual("the value again", yield* valueOf(tree, at("file"), "user.a"), "abc")
      })
  ),
  statement(
    "a name may have any characters after its namespace, 255 bytes in all",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"))
        const names = ["user.é", "user.日本", "user.a b", "user..", "user.a.b.c", "user.\n", `user.${"x".repeat(250)}`]
        for (const name of names) yield* tree.setXattr(at("file"), name, bytes(name))
        yield* expectEqual("the names", yield* namesOf(tree, at("file")), [...names].sort())
        for (const name of names) yield* expectEqual("the value", yield* valueOf(tree, at("file"), name), name)
      })
  ),
  statement("many names are listed, each once", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      const names = Array.from({ length: 12 }, (_, i) => `user.${String(i).padStart(2, "0")}${"x".repeat(120)}`)
      for (const name of names) yield* tree.setXattr(at("file"), name, new Uint8Array(0))
      yield* expectEqual("the names", yield* namesOf(tree, at("file")), names)
    })),
  statement(
    "only create: EEXIST where it is there; only replace: ENODATA where it is not",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeBoth(tree, at)
        for (const name of both) {
          const set = (value: string, only: "create" | "replace") =>
            tree.setXattr(at(name), "user.a", bytes(value), { only })
          yield* expectCode("replace", set("x", "replace"), "ENODATA")
          yield* expectEqual("the names", yield* namesOf(tree, at(name)), [])
          yield* set("made", "create")
          yield* expectCode("create", set("x", "create"), "EEXIST")
          yield* expectEqual("the value", yield* valueOf(tree, at(name), "user.a"), "made")
          yield* set("replaced", "replace")
          yield* expectEqual("the value", yield* valueOf(tree, at(name), "user.a"), "replaced")
        }
      })
  ),
  statement(
    "attributes go with a file through renames, and are not those of the next",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("a"))
        yield* put(tree, at("b"))
        yield* tree.setXattr(at("a"), "user.a", bytes("x"))
        yield* tree.rename(at("a"), at("b"))
        yield* expectEqual("the value", yield* valueOf(tree, at("b"), "user.a"), "x")
        yield* tree.removeFile(at("b"))
        yield* put(tree, at("b"))
        yield* expectEqual("the names", yield* namesOf(tree, at("b")), [])
      })
  ),
  statement("a symlink is followed where that is said, by every operation", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const [link, target] of [["toFile", "file"], ["toFull", "full"]] as const) {
        yield* tree.setXattr(at(link), "user.a", bytes("x"), { links: "follow" })
        yield* expectEqual("the value", yield* valueOf(tree, at(target), "user.a"), "x")
        yield* expectEqual("read", text(yield* tree.getXattr(at(link), "user.a", "follow")), "x")
        const listed = yield* tree.listXattrs(at(link), "follow")
        yield* expectEqual("listed", listed.includes("user.a"), true)
        yield* expectEqual("of the symlink", yield* namesOf(tree, at(link)), [])
        yield* tree.removeXattr(at(link), "user.a", "follow")
        yield* expectEqual("removed", yield* namesOf(tree, at(target)), [])
      }
    })),
  statement(
    "user.* is for files and directories alone: EPERM to change, ENODATA to read",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of ["fifo", ...symlinkNames]) {
          yield* expectCode(`setting on ${name}`, tree.setXattr(at(name), "user.a", bytes("x")), "EPERM")
          yield* expectCode(`removing from ${name}`, tree.removeXattr(at(name), "user.a"), "EPERM")
          yield* expectCode(`reading of ${name}`, tree.getXattr(at(name), "user.a"), "ENODATA")
          yield* expectEqual(`the names of ${name}`, yield* namesOf(tree, at(name)), [])
        }
      })
  )
]

export const xattrLimitCases: Suite<Needs> = [
  statement("a name of none or of more than 255 bytes is ERANGE", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      for (
        const name of ["", `user.${"x".repeat(251)}`, `user.${"é".repeat(126)}`, "x".repeat(256), "x".repeat(70_000)]
      ) {
        yield* expectCode("setting", tree.setXattr(at("file"), name, bytes("x")), "ERANGE")
        yield* expectCode("reading", tree.getXattr(at("file"), name), "ERANGE")
        yield* expectCode("removing", tree.removeXattr(at("file"), name), "ERANGE")
      }
    })),
  statement("a namespace that is none, or foreign, is EOPNOTSUPP", (tree, at) =>
    Effect.gen(function*() {
      yield* makeBoth(tree, at)
      for (const name of ["a", "user", "users.a", "foreign.a", ".", "User.a", "system.a", "system"]) {
        for (const file of both) {
          yield* expectCode(`setting ${name}`, tree.setXattr(at(file), name, bytes("x")), "EOPNOTSUPP")
          yield* expectCode(`reading ${name}`, tree.getXattr(at(file), name), "EOPNOTSUPP")
          yield* expectCode(`removing ${name}`, tree.removeXattr(at(file), name), "EOPNOTSUPP")
        }
      }
    })),
  statement("a namespace alone is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* makeBoth(tree, at)
      for (const file of both) {
        yield* expectCode("setting", tree.setXattr(at(file), "user.", bytes("x")), "EINVAL")
        yield* expectCode("reading", tree.getXattr(at(file), "user."), "EINVAL")
        yield* expectCode("removing", tree.removeXattr(at(file), "user."), "EINVAL")
      }
    })),
  statement("a name with NUL, or without bytes, is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      for (const name of ["user.\0", "user.a\0b", "user.\ud800"]) {
        yield* expectCode("setting", tree.setXattr(at("file"), name, bytes("x")), "EINVAL")
        yield* expectCode("reading", tree.getXattr(at("file"), name), "EINVAL")
        yield* expectCode("removing", tree.removeXattr(at("file"), name), "EINVAL")
      }
      yield* expectEqual("the names", yield* namesOf(tree, at("file")), [])
    })),
  statement("a value of more than 65,536 bytes is E2BIG, and changes nothing", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      yield* tree.setXattr(at("file"), "user.a", bytes("x"))
      for (const length of [65_537, 1_000_000]) {
        yield* expectCode("setting", tree.setXattr(at("file"), "user.a", new Uint8Array(length)), "E2BIG")
      }
      yield* expectEqual("the value", yield* valueOf(tree, at("file"), "user.a"), "x")
    })),
  statement(
    "an attribute is refused for its name before its file is looked for, and for its value",
    (tree, at) =>
      Effect.gen(function*() {
        const missing = at("missing")
        yield* expectCode("setting", tree.setXattr(missing, "", bytes("x")), "ERANGE")
        yield* expectCode("reading", tree.getXattr(missing, ""), "ERANGE")
        yield* expectCode("removing", tree.removeXattr(missing, ""), "ERANGE")
        yield* expectCode("a long value", tree.setXattr(missing, "user.a", new Uint8Array(65_537)), "E2BIG")
        yield* expectCode("a namespace, not before", tree.setXattr(missing, "foreign.a", bytes("x")), "ENOENT")
      })
  )
]

/** Only the superuser may set, read and see these. */
export const trustedXattrCases: Suite<Needs> = [
  statement("trusted.* may be on everything, a symlink, a FIFO and a device too", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.makeNode(at("device"), { type: "characterDevice", mode: 0o600, rdev: deviceNumber(1, 3) })
      for (const name of [...takenNames, "device"]) {
        yield* expectCode("before", tree.getXattr(at(name), "trusted.a"), "ENODATA")
        yield* tree.setXattr(at(name), "trusted.a", bytes(name))
        yield* tree.setXattr(at(name), "trusted.b", new Uint8Array(0))
        yield* expectEqual("the value", yield* valueOf(tree, at(name), "trusted.a"), name)
        yield* expectEqual("the names", yield* namesOf(tree, at(name), "trusted."), ["trusted.a", "trusted.b"])
        yield* tree.removeXattr(at(name), "trusted.b")
        yield* expectEqual("the names left", yield* namesOf(tree, at(name), "trusted."), ["trusted.a"])
      }
    })),
  statement("names of two namespaces are two attributes", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      yield* tree.setXattr(at("file"), "trusted.a", bytes("trusted"))
      yield* tree.setXattr(at("file"), "user.a", bytes("user"))
      yield* expectEqual("one", yield* valueOf(tree, at("file"), "trusted.a"), "trusted")
      yield* expectEqual("other", yield* valueOf(tree, at("file"), "user.a"), "user")
      yield* expectCode("trusted. alone", tree.setXattr(at("file"), "trusted.", bytes("x")), "EINVAL")
    })),
  statement("user.* is on no device: EPERM to change, ENODATA to read", (tree, at) =>
    Effect.gen(function*() {
      for (const type of ["characterDevice", "blockDevice"] as const) {
        yield* tree.makeNode(at(type), { type, mode: 0o600, rdev: deviceNumber(1, 3) })
        yield* expectCode("setting", tree.setXattr(at(type), "user.a", bytes("x")), "EPERM")
        yield* expectCode("removing", tree.removeXattr(at(type), "user.a"), "EPERM")
        yield* expectCode("reading", tree.getXattr(at(type), "user.a"), "ENODATA")
      }
    }))
]
