/** Open files: reading and writing at offsets, holes, the end, and what goes on without a name. */
import { Effect, Exit, Scope } from "effect"
import type { TreeFile } from "../../TreeFileSystem.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { bytes, contentsOf, expectCode, hex, inodeOf, modeOf, type Needs, put, statement, text } from "./bench.ts"

/** What is read from this offset on, with room for that many bytes. */
const piece = (file: TreeFile, offset: number, room: number) => {
  const into = new Uint8Array(room)
  return Effect.map(file.read(into, offset), (length) => text(into.subarray(0, length)))
}

const both = { read: true, write: true }

/** Bytes in which each piece differs from the others. */
const pattern = (length: number): Uint8Array => {
  const made = new Uint8Array(length)
  for (let i = 0; i < length; i++) made[i] = (i * 31 + (i >> 12)) & 0xff
  return made
}

const writeAll = Effect.fnUntraced(function*(file: TreeFile, contents: Uint8Array) {
  for (let at = 0; at < contents.length;) at += yield* file.write(contents.subarray(at), at)
})

const sameBytes = (a: Uint8Array, b: Uint8Array) => a.length === b.length && a.every((byte, i) => byte === b[i])

export const openFileCases: Suite<Needs> = [
  statement("a file is read from any offset, as far as it goes", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "0123456789")
      const file = yield* tree.open(at("file"), { read: true })
      yield* expectEqual("the start", yield* piece(file, 0, 4), "0123")
      yield* expectEqual("the middle", yield* piece(file, 4, 3), "456")
      yield* expectEqual("the end", yield* piece(file, 8, 10), "89")
      yield* expectEqual("at the end", yield* piece(file, 10, 10), "")
      yield* expectEqual("beyond it", yield* piece(file, 1_000_000_000_000, 10), "")
      yield* expectEqual("into no room", yield* file.read(new Uint8Array(0), 0), 0)
      yield* expectEqual("the start again", yield* piece(file, 0, 1), "0")
    })),
  statement("only the room given is filled, and only as much of it as is told", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "abc")
      const file = yield* tree.open(at("file"), { read: true })
      const memory = new Uint8Array(8).fill(0xee)
      yield* expectEqual("how much", yield* file.read(memory.subarray(2, 7), 1), 2)
      yield* expectEqual("the memory", hex(memory), "ee ee 62 63 ee ee ee ee")
    })),
  statement("bytes are written at any offset, over what is there and beyond it", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* expectEqual("how much", yield* file.write(bytes("0123456789"), 0), 10)
      yield* expectEqual("how much", yield* file.write(bytes("ab"), 4), 2)
      yield* expectEqual("how much", yield* file.write(bytes("cd"), 9), 2)
      yield* expectEqual("of nothing", yield* file.write(bytes(""), 100), 0)
      yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "0123ab678cd")
      yield* expectEqual("the part of a larger memory", yield* file.write(bytes("xyz").subarray(1, 2), 0), 1)
      yield* expectEqual("the contents", yield* piece(file, 0, 3), "y12")
    })),
  statement("what lies between the end and a write is zeros", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* file.write(bytes("a"), 0)
      yield* file.write(bytes("b"), 10_000)
      yield* expectEqual("the size", (yield* file.stat).size, 10_001)
      yield* expectEqual("the contents", yield* piece(file, 0, 20_000), `a${"\0".repeat(9_999)}b`)
    })),
  statement("truncate cuts, or adds zeros, also where there were bytes before", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* file.write(bytes("0123456789"), 0)
      yield* file.truncate(4)
      yield* expectEqual("cut", yield* contentsOf(tree, at("file")), "0123")
      yield* file.truncate(8)
      yield* expectEqual("made longer", yield* contentsOf(tree, at("file")), "0123\0\0\0\0")
      yield* tree.truncate(at("file"), 2)
      yield* tree.truncate(at("file"), 3)
      yield* expectEqual("by path", yield* piece(file, 0, 10), "01\0")
      yield* file.truncate(0)
      yield* file.write(bytes("x"), 2)
      yield* expectEqual("written beyond", yield* contentsOf(tree, at("file")), "\0\0x")
    })),
  statement(
    "truncate follows symlinks, and is EISDIR for a directory, EINVAL for what has no length",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"), "text")
        yield* tree.symlink("file", at("link"))
        yield* tree.truncate(at("link"), 1)
        yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "t")
        yield* tree.makeDirectory(at("directory"), 0o755)
        yield* expectCode("a directory", tree.truncate(at("directory"), 0), "EISDIR")
        yield* tree.makeNode(at("fifo"), { type: "fifo", mode: 0o644 })
        yield* expectCode("a FIFO", tree.truncate(at("fifo"), 0), "EINVAL")
        yield* tree.makeNode(at("socket"), { type: "socket", mode: 0o644 })
        yield* expectCode("a socket", tree.truncate(at("socket"), 0), "EINVAL")
      })
  ),
  statement("what is appended goes to the end, whatever offset it is given", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "0123")
      const file = yield* tree.open(at("file"), { append: true, read: true })
      yield* file.write(bytes("a"), 0)
      yield* file.write(bytes("b"), 100)
      yield* put(tree, at("other"), "")
      const other = yield* tree.open(at("file"), { append: true })
      yield* other.write(bytes("c"), 0)
      yield* file.write(bytes("d"), 0)
      yield* expectEqual("the contents", yield* piece(file, 0, 100), "0123abcd")
      yield* file.truncate(1)
      yield* other.write(bytes("e"), 0)
      yield* expectEqual("after a cut", yield* piece(file, 0, 100), "0e")
    })),
  statement("long contents are written and read as they are", (tree, at) =>
    Effect.gen(function*() {
      const contents = pattern(9_000_001)
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* writeAll(file, contents)
      const into = new Uint8Array(10_000_000)
      yield* expectEqual("how much is read", yield* file.read(into, 0), contents.length)
      yield* expectThat("it is what was written", sameBytes(into.subarray(0, contents.length), contents))
      yield* expectEqual("how much from an offset", yield* file.read(into, 123), contents.length - 123)
      yield* expectThat("it is that", sameBytes(into.subarray(0, contents.length - 123), contents.subarray(123)))
    })),
  statement("all who have a file open see the same file, by any of its names", (tree, at) =>
    Effect.gen(function*() {
      const one = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* tree.link(at("file"), at("link"))
      const other = yield* tree.open(at("link"), both)
      yield* one.write(bytes("abc"), 0)
      yield* other.write(bytes("X"), 1)
      yield* expectEqual("the first", yield* piece(one, 0, 10), "aXc")
      yield* other.truncate(2)
      yield* expectEqual("the size", (yield* one.stat).size, 2)
    })),
  statement("an open file goes on to be there without a name, and with another", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* file.write(bytes("abc"), 0)
      const { ino } = yield* file.stat
      yield* tree.rename(at("file"), at("moved"))
      yield* file.write(bytes("d"), 3)
      yield* expectEqual("by its new name", yield* contentsOf(tree, at("moved")), "abcd")
      yield* tree.removeFile(at("moved"))
      yield* expectEqual("the links", (yield* file.stat).nlink, 0)
      yield* expectEqual("the inode", (yield* file.stat).ino, ino)
      yield* file.write(bytes("e"), 4)
      yield* expectEqual("the contents", yield* piece(file, 0, 10), "abcde")
      yield* put(tree, at("moved"), "new")
      yield* expectEqual("the contents beside another", yield* piece(file, 0, 10), "abcde")
    })),
  statement("an open file that another replaced keeps its contents", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("old"), "old")
      yield* put(tree, at("new"), "new")
      const file = yield* tree.open(at("old"), both)
      yield* tree.rename(at("new"), at("old"))
      yield* expectEqual("the contents", yield* piece(file, 0, 10), "old")
      yield* expectEqual("the links", (yield* file.stat).nlink, 0)
      yield* expectEqual("the others'", yield* contentsOf(tree, at("old")), "new")
    })),
  statement("stat of an open file is lstat of its name", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.symlink("file", at("link"))
      const file = yield* tree.open(at("link"), { ...both, create: 0o640 })
      yield* file.write(bytes("abc"), 0)
      yield* expectEqual("of a file", yield* file.stat, yield* tree.lstat(at("file")))
      yield* tree.setMode(at("file"), 0o600)
      yield* expectEqual("of a changed one", yield* file.stat, yield* tree.lstat(at("file")))
      const directory = yield* tree.open(at(), { read: true })
      yield* expectEqual("of a directory", yield* inodeOf(tree, at()), (yield* directory.stat).ino)
    })),
  statement("what the opening did not ask for is refused", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "text")
      const reading = yield* tree.open(at("file"), { read: true })
      yield* expectCode("writing", reading.write(bytes("x"), 0), "EBADF")
      yield* expectCode("truncating", reading.truncate(0), "EINVAL")
      const writing = yield* tree.open(at("file"), { write: true })
      yield* expectCode("reading", writing.read(new Uint8Array(1), 0), "EBADF")
      yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "text")
    })),
  statement("a mode changed since asks nothing of who has it open", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "text")
      const file = yield* tree.open(at("file"), both)
      yield* tree.setMode(at("file"), 0)
      yield* file.write(bytes("T"), 0)
      yield* expectEqual("the contents", yield* piece(file, 0, 10), "Text")
      yield* expectEqual("the mode", yield* modeOf(tree, at("file")), 0)
    })),
  statement("offsets and lengths that are none are EINVAL", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      for (const offset of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
        yield* expectCode(`reading at ${offset}`, file.read(new Uint8Array(1), offset), "EINVAL")
        yield* expectCode(`writing at ${offset}`, file.write(bytes("x"), offset), "EINVAL")
        yield* expectCode(`truncating to ${offset}`, file.truncate(offset), "EINVAL")
        yield* expectCode(`truncating by path to ${offset}`, tree.truncate(at("file"), offset), "EINVAL")
      }
      yield* expectEqual("the size", (yield* file.stat).size, 0)
    })),
  statement(
    "an offset that is none is EINVAL before all that a file would refuse",
    (tree, at) =>
      Effect.gen(function*() {
        const reading = yield* tree.open(at("file"), { read: true, create: 0o644 })
        const directory = yield* tree.open(at(), { read: true })
        for (const file of [reading, directory]) {
          yield* expectCode("writing", file.write(bytes("x"), -1), "EINVAL")
          yield* expectCode("truncating", file.truncate(-1), "EINVAL")
        }
        yield* expectCode("reading", directory.read(new Uint8Array(1), -1), "EINVAL")
      })
  ),
  statement("append implies that it can be written, whatever is said of that", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { append: true, write: false, create: 0o644 })
      yield* file.write(bytes("text"), 0)
      yield* file.truncate(2)
      yield* expectEqual("the size", (yield* file.stat).size, 2)
    })),
  statement("sync of a file and of a directory returns", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), { ...both, create: 0o644 })
      yield* file.write(bytes("x"), 0)
      yield* file.sync
      const directory = yield* tree.open(at(), { read: true })
      yield* directory.sync
    })),
  statement("an open directory has no bytes to read: EISDIR", (tree, at) =>
    Effect.gen(function*() {
      const directory = yield* tree.open(at(), { read: true })
      yield* expectCode("reading", directory.read(new Uint8Array(10), 0), "EISDIR")
      yield* expectCode("writing", directory.write(bytes("x"), 0), "EBADF")
      yield* expectCode("truncating", directory.truncate(0), "EINVAL")
    })),
  statement("a FIFO has no offsets: ESPIPE, and is not synced: EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* tree.makeNode(at("fifo"), { type: "fifo", mode: 0o644 })
      const fifo = yield* tree.open(at("fifo"), both)
      yield* expectCode("reading", fifo.read(new Uint8Array(1), 0), "ESPIPE")
      yield* expectCode("writing", fifo.write(bytes("x"), 0), "ESPIPE")
      yield* expectCode("truncating", fifo.truncate(0), "EINVAL")
      yield* expectCode("syncing", fifo.sync, "EINVAL")
      yield* expectEqual("the type", (yield* fifo.stat).type, "fifo")
    })),
  statement(
    "a file is closed with the scope it was opened in: EBADF from then on",
    (tree, at) =>
      Effect.gen(function*() {
        const scope = yield* Scope.make()
        const file = yield* tree.open(at("file"), { ...both, create: 0o644 }).pipe(Scope.provide(scope))
        yield* file.write(bytes("x"), 0)
        yield* Scope.close(scope, Exit.void)
        yield* expectCode("stat", file.stat, "EBADF")
        yield* expectCode("read", file.read(new Uint8Array(1), 0), "EBADF")
        yield* expectCode("a long read", file.read(new Uint8Array(1_000_000), 0), "EBADF")
        yield* expectCode("write", file.write(bytes("y"), 0), "EBADF")
        yield* expectCode("truncate", file.truncate(0), "EBADF")
        yield* expectCode("sync", file.sync, "EBADF")
        yield* expectEqual("the contents", yield* contentsOf(tree, at("file")), "x")
      })
  )
]
