/** Modes and owners: what changes, of what, and what goes with a change of owner. */
import { Effect } from "effect"
import { deviceNumber } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  expectCode,
  makeOneOfEach,
  modeOf,
  type Needs,
  opened,
  ordinaryNodes,
  put,
  statement,
  symlinkNames,
  using
} from "./bench.ts"

const others = ["file", "fifo", "socket", "empty", "full"]

export const modeCases: Suite<Needs> = [
  statement(
    "setMode gives anything but a symlink its permission bits, setuid, setgid and sticky",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of others) {
          for (const mode of [0o7777, 0o4711, 0o2755, 0o1777, 0o644, 0]) {
            yield* tree.setMode(at(name), mode)
            yield* expectEqual(`the mode of ${name}`, yield* modeOf(tree, at(name)), mode)
          }
          yield* tree.setMode(at(name), 0o170700)
          yield* expectEqual("what is no mode is left out", yield* modeOf(tree, at(name)), 0o700)
        }
      })
  ),
  statement(
    "a symlink has no mode to set: EOPNOTSUPP, and what it leads to stays as it is",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        for (const name of symlinkNames) {
          yield* expectCode(name, tree.setMode(at(name), 0o600), "EOPNOTSUPP")
          yield* expectCode(`${name}, said so`, tree.setMode(at(name), 0o600, "noFollow"), "EOPNOTSUPP")
          yield* expectEqual("its own mode", yield* modeOf(tree, at(name)), 0o777)
        }
        yield* expectEqual("the file's", yield* modeOf(tree, at("file")), 0o644)
      })
  ),
  statement("setMode follows a symlink where that is said", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.setMode(at("toFile"), 0o640, "follow")
      yield* tree.setMode(at("toFull"), 0o1755, "follow")
      yield* expectEqual("a file", yield* modeOf(tree, at("file")), 0o640)
      yield* expectEqual("a directory", yield* modeOf(tree, at("full")), 0o1755)
      yield* expectCode("a dangling one", tree.setMode(at("dangling"), 0o600, "follow"), "ENOENT")
    }))
]

export const ownerCases: Suite<Needs> = [
  statement("setOwner gives anything to whom it says, a symlink itself", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.makeNode(at("device"), { type: "characterDevice", mode: 0o600, rdev: deviceNumber(1, 3) })
      for (const name of [...others, ...symlinkNames, "device"]) {
        yield* tree.setOwner(at(name), { gid: 22, uid: 11 })
        const { gid, uid } = yield* tree.lstat(at(name))
        yield* expectEqual(`the owner of ${name}`, [uid, gid], [11, 22])
      }
    })),
  statement("an owner or a group that is not given stays", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      const owner = Effect.map(tree.lstat(at("file")), ({ gid, uid }) => [uid, gid])
      yield* tree.setOwner(at("file"), { gid: 4_294_967_294, uid: 1 })
      yield* expectEqual("both", yield* owner, [1, 4_294_967_294])
      yield* tree.setOwner(at("file"), { uid: 2 })
      yield* expectEqual("the owner", yield* owner, [2, 4_294_967_294])
      yield* tree.setOwner(at("file"), { gid: 3 })
      yield* expectEqual("the group", yield* owner, [2, 3])
      yield* tree.setOwner(at("file"), {})
      yield* expectEqual("neither", yield* owner, [2, 3])
      yield* tree.setOwner(at("file"), { gid: 0, uid: 0 })
      yield* expectEqual("none but the superuser", yield* owner, [0, 0])
    })),
  statement("setOwner follows a symlink where that is said", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.setOwner(at("toFull"), { uid: 5 }, "follow")
      yield* tree.setOwner(at("toFile"), { uid: 6 }, "noFollow")
      const owners = yield* Effect.forEach(["full", "toFull", "file", "toFile"], (name) => tree.lstat(at(name)))
      const { uid } = yield* tree.lstat(at())
      yield* expectEqual("the owners", owners.map((entry) => entry.uid), [5, uid, uid, 6])
      yield* expectCode("a dangling one", tree.setOwner(at("dangling"), { uid: 1 }, "follow"), "ENOENT")
    })),
  statement("what is no owner is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      for (const id of [-1, 4_294_967_295, 4_294_967_296, 1.5, Number.NaN]) {
        yield* expectCode(`owner ${id}`, tree.setOwner(at("file"), { uid: id }), "EINVAL")
        yield* expectCode(`group ${id}`, tree.setOwner(at("file"), { gid: id }), "EINVAL")
      }
    })),
  statement(
    "a change of owner takes setuid and, where the group may execute, setgid away from what is no directory",
    (tree, at) =>
      Effect.gen(function*() {
        for (const owner of [{ uid: 11 }, { gid: 22 }, { gid: 22, uid: 11 }, {}]) {
          for (const type of ordinaryNodes) {
            const path = at(`${type}${JSON.stringify(owner)}`)
            for (
              const [mode, left] of [[0o6777, 0o777], [0o7755, 0o1755], [0o4600, 0o600], [0o2745, 0o2745], [
                0o2611,
                0o611
              ]] as const
            ) {
              yield* tree.makeNode(path, { type, mode })
              yield* tree.setOwner(path, owner)
              yield* expectEqual(`${mode.toString(8)} of a ${type}`, yield* modeOf(tree, path), left)
              yield* tree.removeFile(path)
            }
          }
        }
      })
  ),
  statement("a change of owner leaves a directory's mode as it is", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeDirectory(at("directory"), 0o755)
      yield* tree.setMode(at("directory"), 0o7777)
      yield* tree.setOwner(at("directory"), { gid: 22, uid: 11 })
      yield* expectEqual("the mode", yield* modeOf(tree, at("directory")), 0o7777)
    })),
  statement(
    "to the superuser modes refuse nothing, and writing takes no bit away",
    (tree, at) =>
      Effect.gen(function*() {
        yield* tree.makeDirectory(at("closed"), 0)
        yield* tree.setOwner(at("closed"), { gid: 22, uid: 11 })
        yield* put(tree, at("closed/file"), "text", 0)
        yield* tree.setOwner(at("closed/file"), { gid: 22, uid: 11 })
        yield* tree.setMode(at("closed/file"), 0o6000)
        yield* using(tree, at("closed/file"), { read: true, write: true }, (file) => file.write(Uint8Array.of(1), 0))
        yield* tree.truncate(at("closed/file"), 1)
        yield* opened(tree, at("closed/file"), { append: true })
        yield* tree.access(at("closed/file"), { write: true })
        yield* expectEqual("the mode", yield* modeOf(tree, at("closed/file")), 0o6000)
        yield* tree.readDirectory(at("closed"))
        yield* tree.removeFile(at("closed/file"))
      })
  )
]
