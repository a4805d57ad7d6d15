/** What a tree can hold beyond what the store's port can make: links, nodes of every kind, names and texts that are not UTF-8. */
import { Effect } from "effect"
import type { StoreFileSystem } from "../../StoreFileSystem.ts"
import { below, deviceNumber, TreeFileSystem, type TreePath } from "../../TreeFileSystem.ts"
import { type Case, expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, inodeOf, type Needs as StoreNeeds, statement as statementOfStore } from "./bench.ts"

export type Needs = StoreNeeds | TreeFileSystem

interface Place {
  readonly fs: StoreFileSystem
  readonly tree: TreeFileSystem
  readonly at: (name?: string) => string
}

const statement = <E>(name: string, test: (place: Place) => Effect.Effect<void, E>): Case<Needs> => ({
  name,
  test: Effect.flatMap(TreeFileSystem, (tree) => statementOfStore(name, (fs, at) => test({ fs, tree, at })).test)
})

const notUtf8 = Uint8Array.of(0x61, 0xff)
const text = (of: string) => new TextEncoder().encode(of)

const write = (tree: TreeFileSystem, path: TreePath, bytes: Uint8Array) =>
  Effect.scoped(Effect.flatMap(tree.open(path, { write: true, create: 0o644 }), (file) => file.write(bytes, 0)))

/** One of every kind that needs no privilege, under names and with targets that are not UTF-8. */
const makeOneOfEachKind = Effect.fnUntraced(function*({ tree, at }: Place) {
  yield* tree.makeDirectory(at("tree"), 0o755)
  yield* tree.makeDirectory(below(at("tree"), notUtf8), 0o755)
  yield* write(tree, below(below(at("tree"), notUtf8), notUtf8), text("x"))
  yield* tree.symlink(notUtf8, at("tree/symlink"))
  yield* tree.makeNode(at("tree/fifo"), { type: "fifo", mode: 0o600 })
  yield* tree.makeNode(at("tree/socket"), { type: "socket", mode: 0o600 })
})

const times = { atimeNanoseconds: -1_876_543_211n, mtimeNanoseconds: 981_173_106_987_654_321n }

export const treeCases: Suite<Needs> = [
  statement(
    "what is not UTF-8 is EILSEQ where text would have to be made of it",
    ({ at, fs, tree }) =>
      Effect.gen(function*() {
        yield* write(tree, at("file"), notUtf8)
        yield* tree.symlink(notUtf8, at("link"))
        yield* tree.makeDirectory(below(at(), notUtf8), 0o755)
        yield* expectCode("readFile", fs.readFile(at("file")), "EILSEQ")
        yield* expectCode("readLink", fs.readLink(at("link")), "EILSEQ")
        yield* expectCode("realPath", fs.realPath(at("link")), "EILSEQ")
      })
  ),
  statement(
    "usage counts nodes of every kind, whatever their names, and opens none",
    (place) =>
      Effect.gen(function*() {
        yield* makeOneOfEachKind(place)
        yield* expectEqual("the inodes", (yield* place.fs.usage(place.at("tree"))).inodes, 6)
      })
  ),
  statement("usage counts each inode once, however many names it has", ({ at, fs, tree }) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* fs.writeFile(at("d/file"), "x".repeat(100_000), 0o644)
      yield* fs.sync([{ kind: "tree", path: at("d") }])
      const before = yield* fs.usage(at("d"))
      yield* tree.link(at("d/file"), at("d/again"))
      yield* expectEqual("with another name in it", yield* fs.usage(at("d")), before)
      yield* tree.link(at("d/file"), at("outside"))
      yield* expectEqual("with another name outside", yield* fs.usage(at("d")), before)
    })),
  statement("removeTree removes nodes of every kind, whatever their names", (place) =>
    Effect.gen(function*() {
      yield* makeOneOfEachKind(place)
      yield* expectEqual("what is left", yield* place.fs.removeTree(place.at("tree")), [])
      yield* expectEqual("the names", yield* place.fs.readDirectory(place.at()), [])
    })),
  statement("removeTree of one name leaves the others of the same file", ({ at, fs, tree }) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "text", 0o644)
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* tree.link(at("file"), at("d/again"))
      yield* expectEqual("how many names", (yield* fs.lstat(at("file")))?.nlink, 2)
      yield* fs.removeTree(at("d"))
      yield* expectEqual("how many names then", (yield* fs.lstat(at("file")))?.nlink, 1)
      yield* expectEqual("the text", yield* fs.readFile(at("file")), "text")
    })),
  statement(
    "exchange takes one name of a file, and its other name stays",
    ({ at, fs, tree }) =>
      Effect.gen(function*() {
        yield* fs.writeFile(at("file"), "text", 0o644)
        yield* tree.link(at("file"), at("again"))
        yield* fs.exchange(at("file"), at("again"))
        yield* expectEqual("the inodes", yield* inodeOf(fs, at("file")), yield* inodeOf(fs, at("again")))
        yield* fs.writeFile(at("other"), "other", 0o644)
        yield* fs.exchange(at("other"), at("again"))
        yield* expectEqual("the texts", [yield* fs.readFile(at("again")), yield* fs.readFile(at("other"))], [
          "other",
          "text"
        ])
        yield* expectEqual("the inodes then", yield* inodeOf(fs, at("file")), yield* inodeOf(fs, at("other")))
        yield* expectEqual("how many names", (yield* fs.lstat(at("file")))?.nlink, 2)
      })
  ),
  statement("sync takes symlinks and FIFOs as what they are", (place) =>
    Effect.gen(function*() {
      const { at, fs } = place
      yield* makeOneOfEachKind(place)
      yield* fs.sync([{ kind: "file", path: at("tree/symlink") }, { kind: "file", path: at("tree/fifo") }])
      yield* fs.sync([{ kind: "tree", path: at("tree") }])
    })),
  statement("copyDirectoryAttributes copies times to the nanosecond", ({ at, fs, tree }) =>
    Effect.gen(function*() {
      for (const name of ["from", "to"]) yield* fs.makeDirectory(at(name), 0o755)
      yield* tree.setTimes(at("from"), times)
      yield* fs.copyDirectoryAttributes(at("from"), at("to"))
      const { atimeNanoseconds, mtimeNanoseconds } = yield* tree.lstat(at("to"))
      yield* expectEqual("the times", { atimeNanoseconds, mtimeNanoseconds }, times)
    })),
  statement(
    "copyDirectoryAttributes copies extended attributes, but none of overlay's, and leaves no others",
    (place) =>
      Effect.gen(function*() {
        const { at, fs, tree } = place
        for (const name of ["from", "to"]) yield* fs.makeDirectory(at(name), 0o755)
        yield* tree.setXattr(at("from"), "user.a", text("new"))
        yield* tree.setXattr(at("from"), "user.overlay.opaque", text("y"))
        yield* tree.setXattr(at("to"), "user.a", text("old"))
        yield* tree.setXattr(at("to"), "user.extra", text("x"))
        yield* fs.copyDirectoryAttributes(at("from"), at("to"))
        yield* expectEqual("the names", yield* tree.listXattrs(at("to")), ["user.a"])
        yield* expectEqual("the value", [...yield* tree.getXattr(at("to"), "user.a")], [...text("new")])
      })
  )
]

/** What only the superuser can make. */
export const superuserCases: Suite<Needs> = [
  statement(
    "copyDirectoryAttributes copies the owner, and attributes that only the superuser sees",
    (place) =>
      Effect.gen(function*() {
        const { at, fs, tree } = place
        for (const name of ["from", "to"]) yield* fs.makeDirectory(at(name), 0o755)
        yield* tree.setOwner(at("from"), { uid: 1_000, gid: 1_001 })
        yield* tree.setXattr(at("from"), "trusted.a", text("a"))
        yield* tree.setXattr(at("from"), "trusted.overlay.opaque", text("y"))
        yield* fs.copyDirectoryAttributes(at("from"), at("to"))
        const entry = yield* fs.lstat(at("to"))
        yield* expectEqual("the owner", [entry?.uid, entry?.gid], [1_000, 1_001])
        yield* expectEqual("the names", yield* tree.listXattrs(at("to")), ["trusted.a"])
      })
  ),
  statement(
    "lstat tells a device's number, and overlay's deletion mark by it",
    ({ at, fs, tree }) =>
      Effect.gen(function*() {
        yield* tree.makeNode(at("mark"), { type: "characterDevice", mode: 0o600, rdev: deviceNumber(0, 0) })
        yield* tree.makeNode(at("device"), { type: "blockDevice", mode: 0o600, rdev: deviceNumber(7, 300) })
        const [mark, device] = [yield* fs.lstat(at("mark")), yield* fs.lstat(at("device"))]
        yield* expectEqual("the mark", [mark?.type, mark?.rdev], ["other", 0n])
        yield* expectEqual("the device", [device?.type, device?.rdev], ["other", deviceNumber(7, 300)])
        yield* expectThat(
          "both are removed",
          (yield* fs.removeFile(at("mark"))) && (yield* fs.removeFile(at("device")))
        )
      })
  )
]
