/** Looking without changing anything: what `lstat` and `stat` tell, `access`, and what may be listed. */
import { Effect } from "effect"
import { deviceNumber } from "../../TreeFileSystem.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  deviceNodes,
  expectCode,
  inodeOf,
  makeOneOfEach,
  namesIn,
  type Needs,
  ordinaryNodes,
  put,
  statement,
  symlinkNames,
  takenNames,
  typeOf
} from "./bench.ts"

export const statusCases: Suite<Needs> = [
  statement(
    "lstat tells each type, its mode, its single link, and that it is no device",
    (tree, at) =>
      Effect.gen(function*() {
        for (const type of ordinaryNodes) {
          yield* tree.makeNode(at(type), { type, mode: 0o640 })
          const entry = yield* tree.lstat(at(type))
          yield* expectEqual("the type", entry.type, type)
          yield* expectEqual(`the mode of a ${type}`, entry.mode, 0o640)
          yield* expectEqual(`the links of a ${type}`, entry.nlink, 1)
          yield* expectEqual(`the size of a ${type}`, entry.size, 0)
          yield* expectEqual(`the device of a ${type}`, entry.rdev, 0n)
        }
        yield* tree.makeDirectory(at("directory"), 0o711)
        const entry = yield* tree.lstat(at("directory"))
        yield* expectEqual("the type", entry.type, "directory")
        yield* expectEqual("the mode of a directory", entry.mode, 0o711)
        yield* expectEqual("the device of a directory", entry.rdev, 0n)
      })
  ),
  statement("lstat tells of a symlink itself: mode 0777, as long as its target", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of symlinkNames) {
        const entry = yield* tree.lstat(at(name))
        yield* expectEqual("the type", entry.type, "symlink")
        yield* expectEqual("the mode", entry.mode, 0o777)
        yield* expectEqual("the links", entry.nlink, 1)
        yield* expectEqual("the size", entry.size, (yield* tree.readLink(at(name))).length)
      }
    })),
  statement("stat tells of what a symlink leads to in the end", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* tree.symlink("toFile", at("toToFile"))
      yield* expectEqual("through two", (yield* tree.stat(at("toToFile"))).ino, yield* inodeOf(tree, at("file")))
      yield* expectEqual("a directory", (yield* tree.stat(at("toFull"))).type, "directory")
      yield* expectEqual("of no symlink", (yield* tree.stat(at("fifo"))).type, "fifo")
      yield* expectCode("of a dangling one", tree.stat(at("dangling")), "ENOENT")
      yield* expectCode("of a loop", tree.stat(at("loop")), "ELOOP")
    })),
  statement(
    "everything in one file system has its device, and an inode of its own that it keeps",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        const place = yield* tree.lstat(at())
        const entries = yield* Effect.forEach(takenNames, (name) => tree.lstat(at(name)))
        for (const { dev } of entries) yield* expectEqual("the device", dev, place.dev)
        yield* expectEqual("inodes", new Set(entries.map(({ ino }) => ino)).size, takenNames.length)
        const before = yield* inodeOf(tree, at("full/inner"))
        yield* tree.rename(at("full/inner"), at("empty/moved"))
        yield* expectEqual("of what was moved", yield* inodeOf(tree, at("empty/moved")), before)
      })
  ),
  statement("what is made belongs to whoever made it", (tree, at) =>
    Effect.gen(function*() {
      const { gid, uid } = yield* tree.lstat(at())
      yield* makeOneOfEach(tree, at)
      for (const name of takenNames) {
        const entry = yield* tree.lstat(at(name))
        yield* expectEqual(`the owner of ${name}`, entry.uid, uid)
        yield* expectEqual(`the group of ${name}`, entry.gid, gid)
      }
    })),
  statement("written bytes take blocks of 512", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "x".repeat(100_000))
      yield* Effect.scoped(Effect.flatMap(tree.open(at("file"), { write: true }), ({ sync }) => sync))
      yield* expectThat("100,000 bytes take 196 blocks", (yield* tree.lstat(at("file"))).blocks >= 196)
    })),
  statement("access follows symlinks to what can be reached, and written", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["file", "fifo", "socket", "empty", "toFile", "toFull", "toFull/inner"]) {
        yield* tree.access(at(name))
        yield* tree.access(at(name), { read: true, write: true })
        yield* tree.access(at(name), { read: false, write: false })
      }
      yield* tree.access(at("empty"), { execute: true })
      yield* expectCode("running what nobody may run", tree.access(at("file"), { execute: true }), "EACCES")
      yield* tree.setMode(at("file"), 0o755)
      yield* tree.access(at("file"), { execute: true, read: true, write: true })
      yield* expectCode("of a dangling symlink", tree.access(at("dangling"), { write: true }), "ENOENT")
    })),
  statement(
    "readDirectory lists a directory without . and .., through a symlink too",
    (tree, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(tree, at)
        yield* expectEqual("of all", yield* namesIn(tree, at()), [...takenNames].sort())
        yield* expectEqual("of none", yield* namesIn(tree, at("empty")), [])
        yield* expectEqual("through a symlink", yield* namesIn(tree, at("toFull")), ["inner"])
      })
  ),
  statement("readDirectory of what is no directory is ENOTDIR", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["file", "fifo", "socket", "toFile"]) {
        yield* expectCode(name, tree.readDirectory(at(name)), "ENOTDIR")
      }
    })),
  statement("readLink of what is no symlink is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const name of ["file", "fifo", "socket", "empty", "full"]) {
        yield* expectCode(name, tree.readLink(at(name)), "EINVAL")
      }
    }))
]

/** What only the superuser can make. */
export const deviceCases: Suite<Needs> = [
  statement("a device tells which one it is", (tree, at) =>
    Effect.gen(function*() {
      const numbers: ReadonlyArray<readonly [number, number]> = [[1, 3], [0, 255], [259, 65_537], [511, 262_143]]
      for (const type of deviceNodes) {
        for (const [major, minor] of numbers) {
          const path = at(`${type}-${major}-${minor}`)
          const rdev = deviceNumber(major, minor)
          yield* tree.makeNode(path, { type, mode: 0o600, rdev })
          const entry = yield* tree.lstat(path)
          yield* expectEqual("the type", entry.type, type)
          yield* expectEqual("which it is", entry.rdev, rdev)
          yield* expectEqual("the mode", entry.mode, 0o600)
          yield* expectEqual("the size", entry.size, 0)
        }
      }
    })),
  statement(
    "a device without a number is 0/0, and of what is none the number is not kept",
    (tree, at) =>
      Effect.gen(function*() {
        yield* tree.makeNode(at("device"), { type: "blockDevice", mode: 0o600 })
        yield* expectEqual("of a device", (yield* tree.lstat(at("device"))).rdev, 0n)
        for (const type of ordinaryNodes) {
          yield* tree.makeNode(at(type), { type, mode: 0o600, rdev: deviceNumber(1, 3) })
          yield* expectEqual(`of a ${type}`, (yield* tree.lstat(at(type))).rdev, 0n)
          yield* expectEqual("the type", yield* typeOf(tree, at(type)), type)
        }
      })
  ),
  statement("what is no mode is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      for (const mode of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        yield* expectCode(`setMode ${mode}`, tree.setMode(at("file"), mode), "EINVAL")
        yield* expectCode(`makeDirectory ${mode}`, tree.makeDirectory(at("x"), mode), "EINVAL")
        yield* expectCode(`makeNode ${mode}`, tree.makeNode(at("x"), { type: "fifo", mode }), "EINVAL")
        yield* expectCode(`open ${mode}`, Effect.scoped(tree.open(at("x"), { write: true, create: mode })), "EINVAL")
      }
      yield* expectEqual("the names", yield* namesIn(tree, at()), ["file"])
    })),
  statement("a device number of more than 12 and 20 bits is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      for (const rdev of [deviceNumber(4_096, 0), deviceNumber(0, 1_048_576), -1n]) {
        yield* expectCode(`${rdev}`, tree.makeNode(at("x"), { type: "characterDevice", mode: 0o600, rdev }), "EINVAL")
      }
      yield* expectEqual("the names", yield* namesIn(tree, at()), [])
    })),
  statement("a device is listed, and its symlink led to, as anything is", (tree, at) =>
    Effect.gen(function*() {
      for (const type of deviceNodes) {
        yield* tree.makeNode(at(type), { type, mode: 0o600, rdev: deviceNumber(1, 3) })
        yield* tree.symlink(type, at(`to-${type}`))
        yield* expectEqual("through it", (yield* tree.stat(at(`to-${type}`))).rdev, deviceNumber(1, 3))
        yield* expectCode(`readDirectory of a ${type}`, tree.readDirectory(at(type)), "ENOTDIR")
        yield* expectCode(`readLink of a ${type}`, tree.readLink(at(type)), "EINVAL")
        yield* expectCode(`lstat below a ${type}`, tree.lstat(at(`${type}/x`)), "ENOTDIR")
      }
    }))
]
