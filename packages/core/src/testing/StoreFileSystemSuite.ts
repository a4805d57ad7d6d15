/**
 * What every `StoreFileSystem` promises, a case for each sentence of its contract. Cases use the port alone, so what
 * the port cannot make (hard links, devices, mount points, names that are not UTF-8) is left to the tests of a
 * backend.
 */
import { Effect, Fiber } from "effect"
import { type FileSystemError, StoreFileSystem, type SyncTarget } from "../StoreFileSystem.ts"
import { type Case, expectEqual, expectThat, failureOf, type Suite, Workplace } from "./Suite.ts"

type Needs = StoreFileSystem | Workplace

/**
 * A case that gets the file system and a function from names to paths in the workplace (none: the workplace itself).
 */
const statement = <E>(
  name: string,
  test: (fs: StoreFileSystem, at: (name?: string) => string) => Effect.Effect<void, E>
): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const fs = yield* StoreFileSystem
    const { directory } = yield* Workplace
    const real = yield* fs.realPath(directory)
    yield* test(fs, (name) => name === undefined ? real : `${real}/${name}`)
  })
})

const expectCode = <A>(what: string, attempt: Effect.Effect<A, FileSystemError>, code: string): Effect.Effect<void> =>
  Effect.flatMap(failureOf(what, attempt), (error) => expectEqual(`the errno of ${what}`, error.code, code))

const sorted = (names: ReadonlyArray<string>): ReadonlyArray<string> => [...names].sort()

const modeOf = (fs: StoreFileSystem, path: string) => Effect.map(fs.lstat(path), (entry) => entry?.mode)

const inodeOf = (fs: StoreFileSystem, path: string) => Effect.map(fs.lstat(path), (entry) => entry?.ino)

/** One of everything: `file`, `empty` and `full` (directories), `dangling`, `link` (to `full`) and `loop`. */
const makeOneOfEach = Effect.fnUntraced(function*(fs: StoreFileSystem, at: (name?: string) => string) {
  yield* fs.writeFile(at("file"), "text", 0o644)
  yield* fs.makeDirectory(at("empty"), 0o755)
  yield* fs.makeDirectory(at("full"), 0o755)
  yield* fs.writeFile(at("full/inner"), "inner", 0o644)
  yield* fs.symlink("nowhere", at("dangling"))
  yield* fs.symlink("full", at("link"))
  yield* fs.symlink("loop", at("loop"))
})

const takenNames = ["file", "empty", "full", "dangling", "link", "loop"]

/** Characters that are special somewhere, but not in a file name. */
const oddNames = [
  " ",
  "a b",
  "new\nline",
  "tab\t",
  "back\\slash",
  "\\040",
  "com,ma",
  "co:lon",
  "quote\"'",
  "#",
  "%20",
  "*",
  "-rf",
  "...",
  "é",
  "e\u0301",
  "日本",
  "🙂",
  "x".repeat(255)
]

// === failures

const failures: Suite<Needs> = [
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
      yield* expectCode("replaceFile", fs.replaceFile(at("other"), at("file/x")), "ENOTDIR")
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
      yield* expectCode("replaceFile", fs.replaceFile(at("file"), at("missing/x")), "ENOENT")
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
    }))
]

// === looking

const looking: Suite<Needs> = [
  statement("realPath gives the path without symlinks", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.makeDirectory(at("a/b"), 0o755)
      yield* fs.symlink("a", at("l"))
      yield* fs.symlink("../l/b", at("a/m"))
      yield* expectEqual("of a directory", yield* fs.realPath(at("a/b")), at("a/b"))
      yield* expectEqual("through two symlinks", yield* fs.realPath(at("l/m")), at("a/b"))
      yield* expectEqual("with . and ..", yield* fs.realPath(at("a/./b/../../l")), at("a"))
    })),
  statement("realPath is ENOENT where nothing is, and for a dangling symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.symlink("nowhere", at("dangling"))
      yield* expectCode("of nothing", fs.realPath(at("missing")), "ENOENT")
      yield* expectCode("of a dangling symlink", fs.realPath(at("dangling")), "ENOENT")
    })),
  statement("lstat tells a file's type, mode, size and single link", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "é\n", 0o640)
      const entry = yield* fs.lstat(at("file"))
      yield* expectEqual("type", entry?.type, "file")
      yield* expectEqual("mode", entry?.mode, 0o640)
      yield* expectEqual("size", entry?.size, 3)
      yield* expectEqual("nlink", entry?.nlink, 1)
      yield* expectEqual("rdev", entry?.rdev, 0n)
    })),
  statement("lstat tells a directory's type and mode", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o711)
      const entry = yield* fs.lstat(at("directory"))
      yield* expectEqual("type", entry?.type, "directory")
      yield* expectEqual("mode", entry?.mode, 0o711)
      yield* expectEqual("rdev", entry?.rdev, 0n)
    })),
  statement("lstat shows a symlink itself, dangling or not", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o755)
      yield* fs.symlink("directory", at("link"))
      yield* fs.symlink("nowhere", at("dangling"))
      yield* expectEqual("type", (yield* fs.lstat(at("link")))?.type, "symlink")
      yield* expectEqual("type when dangling", (yield* fs.lstat(at("dangling")))?.type, "symlink")
      yield* expectEqual("size", (yield* fs.lstat(at("link")))?.size, "directory".length)
    })),
  statement("lstat follows symlinks on the way", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("the inode", yield* inodeOf(fs, at("link/inner")), yield* inodeOf(fs, at("full/inner")))
    })),
  statement("lstat tells owner, device and allocated blocks", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "x".repeat(100_000), 0o644)
      yield* fs.sync([{ kind: "file", path: at("file") }])
      const place = yield* fs.lstat(at())
      const entry = yield* fs.lstat(at("file"))
      yield* expectEqual("dev", entry?.dev, place?.dev)
      yield* expectEqual("uid", entry?.uid, place?.uid)
      yield* expectThat("100,000 bytes take 196 blocks of 512", (entry?.blocks ?? 0) >= 196)
    })),
  statement("two things have two inodes, and a moved one keeps its own", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.makeDirectory(at("b"), 0o755)
      const a = yield* inodeOf(fs, at("a"))
      yield* expectThat("the inodes differ", a !== (yield* inodeOf(fs, at("b"))))
      yield* fs.moveNoReplace(at("a"), at("b/c"))
      yield* expectEqual("the inode", yield* inodeOf(fs, at("b/c")), a)
    })),
  statement("lstat is undefined where nothing is, below a file too", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("of nothing", yield* fs.lstat(at("missing")), undefined)
      yield* expectEqual("below nothing", yield* fs.lstat(at("missing/x")), undefined)
      yield* expectEqual("below a file", yield* fs.lstat(at("file/x")), undefined)
    })),
  statement("readDirectory gives every name once, without . and ..", (fs, at) =>
    Effect.gen(function*() {
      yield* expectEqual("of an empty one", yield* fs.readDirectory(at()), [])
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(takenNames))
      yield* expectEqual("through a symlink", yield* fs.readDirectory(at("link")), ["inner"])
    })),
  statement("readDirectory gives 1,000 names", (fs, at) =>
    Effect.gen(function*() {
      const names = Array.from({ length: 1_000 }, (_, i) => `name-${i}`)
      for (const name of names) yield* fs.symlink("x", at(name))
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(names))
    })),
  statement("readDirectory is ENOENT where nothing is and ENOTDIR for a file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("of nothing", fs.readDirectory(at("missing")), "ENOENT")
      yield* expectCode("of a file", fs.readDirectory(at("file")), "ENOTDIR")
    })),
  statement("names may hold every character but / and NUL, and come back exactly", (fs, at) =>
    Effect.gen(function*() {
      for (const name of oddNames) yield* fs.writeFile(at(name), name, 0o644)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), sorted(oddNames))
      for (const name of oddNames) yield* expectEqual(name, yield* fs.readFile(at(name)), name)
      for (const name of oddNames) yield* fs.moveNoReplace(at(name), at(`${name.slice(0, 200)}!`))
      yield* expectEqual("how many are left", (yield* fs.readDirectory(at())).length, oddNames.length)
    }))
]

// === files and symlinks

const texts = ["", "text", "é 日本 🙂", "\uFEFFwith a byte order mark", "nul \0 inside", "x".repeat(1_000_000)]

const filesAndSymlinks: Suite<Needs> = [
  statement("a file's text comes back exactly", (fs, at) =>
    Effect.forEach(texts, (text, i) =>
      Effect.gen(function*() {
        yield* fs.writeFile(at(`${i}`), text, 0o644)
        yield* expectThat(`text ${i} comes back`, (yield* fs.readFile(at(`${i}`))) === text)
      }), { discard: true })),
  statement(
    "writeFile gives exactly the mode asked for",
    (fs, at) =>
      Effect.forEach([0o600, 0o644, 0o666, 0o777, 0o400, 0o000], (mode) =>
        Effect.gen(function*() {
          yield* fs.writeFile(at(`${mode}`), "x", mode)
          yield* expectEqual("the mode", yield* modeOf(fs, at(`${mode}`)), mode)
        }), { discard: true })
  ),
  statement("writeFile is EEXIST where anything is, and changes nothing", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) {
        yield* expectCode(`writing over ${name}`, fs.writeFile(at(name), "other", 0o644), "EEXIST")
      }
      yield* expectEqual("the file", yield* fs.readFile(at("file")), "text")
      yield* expectEqual("what the symlink leads to", yield* fs.lstat(at("nowhere")), undefined)
    })),
  statement("readFile follows a symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.symlink("link/inner", at("far"))
      yield* expectEqual("the text", yield* fs.readFile(at("far")), "inner")
    })),
  statement("readFile is undefined where nothing is, and EISDIR for a directory", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectEqual("of nothing", yield* fs.readFile(at("missing")), undefined)
      yield* expectEqual("of a dangling symlink", yield* fs.readFile(at("dangling")), undefined)
      yield* expectEqual("below a file", yield* fs.readFile(at("file/x")), undefined)
      yield* expectCode("of a directory", fs.readFile(at("full")), "EISDIR")
    })),
  statement(
    "a symlink's target comes back exactly, wherever it leads",
    (fs, at) =>
      Effect.forEach(
        ["x", "../a//b/.", "/abs", "é\n\\040", ".", "y".repeat(1_000)],
        (target, i) =>
          Effect.gen(function*() {
            yield* fs.symlink(target, at(`${i}`))
            yield* expectEqual("the target", yield* fs.readLink(at(`${i}`)), target)
          }),
        { discard: true }
      )
  ),
  statement("symlink is EEXIST where anything is", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) yield* expectCode(`over ${name}`, fs.symlink("x", at(name)), "EEXIST")
      yield* expectEqual("the old target", yield* fs.readLink(at("dangling")), "nowhere")
    })),
  statement(
    "readLink is undefined where nothing is, and EINVAL for what is no symlink",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* expectEqual("of nothing", yield* fs.readLink(at("missing")), undefined)
        yield* expectEqual("below a file", yield* fs.readLink(at("file/x")), undefined)
        yield* expectCode("of a file", fs.readLink(at("file")), "EINVAL")
        yield* expectCode("of a directory", fs.readLink(at("full")), "EINVAL")
      })
  ),
  statement("removeFile removes a file, and says whether there was one", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("at first", yield* fs.removeFile(at("file")), true)
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
      yield* expectEqual("again", yield* fs.removeFile(at("file")), false)
      yield* expectEqual("below nothing", yield* fs.removeFile(at("missing/x")), false)
    })),
  statement("removeFile removes a symlink and not what it leads to", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of ["link", "dangling", "loop"]) yield* expectEqual(name, yield* fs.removeFile(at(name)), true)
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at())), ["empty", "file", "full"])
      yield* expectEqual("the text", yield* fs.readFile(at("full/inner")), "inner")
    })),
  statement("removeFile is EISDIR for a directory, empty or not", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* expectCode("of an empty one", fs.removeFile(at("empty")), "EISDIR")
      yield* expectCode("of a full one", fs.removeFile(at("full")), "EISDIR")
      yield* expectEqual("the text", yield* fs.readFile(at("full/inner")), "inner")
    }))
]

// === directories

const directories: Suite<Needs> = [
  statement(
    "makeDirectory gives exactly the mode asked for",
    (fs, at) =>
      Effect.forEach([0o700, 0o755, 0o777, 0o1777, 0o2775, 0o555, 0o000], (mode) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(at(`${mode}`), mode)
          yield* expectEqual("the mode", yield* modeOf(fs, at(`${mode}`)), mode)
        }), { discard: true })
  ),
  statement(
    "makeDirectory gives exactly the mode asked for in a directory that hands down its group",
    (fs, at) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(at("parent"), 0o2775)
        yield* fs.makeDirectory(at("parent/child"), 0o755)
        yield* expectEqual("the mode", yield* modeOf(fs, at("parent/child")), 0o755)
      })
  ),
  statement("makeDirectory is EEXIST where anything is", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      for (const name of takenNames) yield* expectCode(`over ${name}`, fs.makeDirectory(at(name), 0o700), "EEXIST")
      yield* expectEqual("the old mode", yield* modeOf(fs, at("empty")), 0o755)
      yield* expectEqual("what the symlink leads to", yield* fs.lstat(at("nowhere")), undefined)
    })),
  statement("setMode changes a directory's mode to exactly the one asked for", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("directory"), 0o700)
      for (const mode of [0o755, 0o1777, 0o2711, 0o000, 0o700]) {
        yield* fs.setMode(at("directory"), mode)
        yield* expectEqual("the mode", yield* modeOf(fs, at("directory")), mode)
      }
    })),
  statement(
    "setMode is ENOENT where nothing is",
    (fs, at) => expectCode("setMode", fs.setMode(at("missing"), 0o755), "ENOENT")
  ),
  statement("copyDirectoryAttributes copies the mode", (fs, at) =>
    Effect.gen(function*() {
      for (const [i, mode] of [0o1777, 0o2750, 0o711, 0o000].entries()) {
        yield* fs.makeDirectory(at(`from${i}`), mode)
        yield* fs.makeDirectory(at(`to${i}`), 0o700)
        yield* fs.copyDirectoryAttributes(at(`from${i}`), at(`to${i}`))
        yield* expectEqual("the mode", yield* modeOf(fs, at(`to${i}`)), mode)
      }
    })),
  statement("copyDirectoryAttributes leaves contents alone", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.copyDirectoryAttributes(at("full"), at("empty"))
      yield* expectEqual("the copy's names", yield* fs.readDirectory(at("empty")), [])
      yield* expectEqual("the original's names", yield* fs.readDirectory(at("full")), ["inner"])
    })),
  statement(
    "copyDirectoryAttributes is ENOENT where one is missing and ENOTDIR for a file",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* expectCode("from nothing", fs.copyDirectoryAttributes(at("missing"), at("empty")), "ENOENT")
        yield* expectCode("to nothing", fs.copyDirectoryAttributes(at("empty"), at("missing")), "ENOENT")
        yield* expectCode("from a file", fs.copyDirectoryAttributes(at("file"), at("empty")), "ENOTDIR")
        yield* expectCode("to a file", fs.copyDirectoryAttributes(at("empty"), at("file")), "ENOTDIR")
      })
  )
]

// === moving

const moving: Suite<Needs> = [
  statement("replaceFile moves a file to where nothing is", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("a"), "a", 0o640)
      yield* fs.replaceFile(at("a"), at("b"))
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["b"])
      yield* expectEqual("the text", yield* fs.readFile(at("b")), "a")
      yield* expectEqual("the mode", yield* modeOf(fs, at("b")), 0o640)
    })),
  statement("replaceFile moves a file over another", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("a"), "a", 0o640)
      yield* fs.writeFile(at("b"), "b", 0o644)
      const inode = yield* inodeOf(fs, at("a"))
      yield* fs.replaceFile(at("a"), at("b"))
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["b"])
      yield* expectEqual("the text", yield* fs.readFile(at("b")), "a")
      yield* expectEqual("the inode", yield* inodeOf(fs, at("b")), inode)
    })),
  statement("replaceFile moves and replaces symlinks themselves", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.symlink("elsewhere", at("new"))
      yield* fs.replaceFile(at("new"), at("link"))
      yield* expectEqual("the new target", yield* fs.readLink(at("link")), "elsewhere")
      yield* expectEqual("the old target's names", yield* fs.readDirectory(at("full")), ["inner"])
    })),
  statement("replaceFile of a file onto itself changes nothing", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("a"), "a", 0o644)
      yield* fs.replaceFile(at("a"), at("a"))
      yield* expectEqual("the text", yield* fs.readFile(at("a")), "a")
    })),
  statement(
    "replaceFile is ENOENT where nothing is to move, and EISDIR onto a directory",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* expectCode("of nothing", fs.replaceFile(at("missing"), at("file")), "ENOENT")
        yield* expectCode("onto an empty directory", fs.replaceFile(at("file"), at("empty")), "EISDIR")
        yield* expectCode("onto a full directory", fs.replaceFile(at("file"), at("full")), "EISDIR")
        yield* expectEqual("the text", yield* fs.readFile(at("file")), "text")
      })
  ),
  statement("whoever looks during replaceFile sees the old file or the new one", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "0", 0o644)
      const replacing = Effect.forEach(Array.from({ length: 50 }, (_, i) => `${i}`), (text) =>
        Effect.gen(function*() {
          yield* fs.writeFile(at("next"), text, 0o644)
          yield* fs.replaceFile(at("next"), at("file"))
          yield* Effect.yieldNow
        }), { discard: true })
      const looking = Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.gen(function*() {
          yield* expectThat("there is a whole file", /^\d+$/.test((yield* fs.readFile(at("file"))) ?? ""))
          yield* Effect.yieldNow
        }), { discard: true })
      yield* Effect.all([replacing, looking], { concurrency: "unbounded", discard: true })
    })),
  statement("moveNoReplace moves a directory with its contents", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.moveNoReplace(at("full"), at("empty/moved"))
      yield* expectEqual("the text", yield* fs.readFile(at("empty/moved/inner")), "inner")
      yield* expectEqual("the old name", yield* fs.lstat(at("full")), undefined)
    })),
  statement("moveNoReplace moves files and symlinks, and follows no symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.moveNoReplace(at("file"), at("file2"))
      yield* fs.moveNoReplace(at("link"), at("link2"))
      yield* fs.moveNoReplace(at("dangling"), at("dangling2"))
      yield* expectEqual("the file", yield* fs.readFile(at("file2")), "text")
      yield* expectEqual("the symlink", yield* fs.readLink(at("link2")), "full")
      yield* expectEqual("the dangling symlink", yield* fs.readLink(at("dangling2")), "nowhere")
      yield* expectEqual("what the symlink leads to", yield* fs.readDirectory(at("full")), ["inner"])
    })),
  statement(
    "moveNoReplace is EEXIST where anything is, an empty directory too, and moves nothing",
    (fs, at) =>
      Effect.gen(function*() {
        yield* makeOneOfEach(fs, at)
        yield* fs.makeDirectory(at("directory"), 0o755)
        yield* fs.writeFile(at("single"), "single", 0o644)
        for (const name of takenNames) {
          yield* expectCode(`a directory onto ${name}`, fs.moveNoReplace(at("directory"), at(name)), "EEXIST")
          yield* expectCode(`a file onto ${name}`, fs.moveNoReplace(at("single"), at(name)), "EEXIST")
        }
        yield* expectCode("onto itself", fs.moveNoReplace(at("directory"), at("directory")), "EEXIST")
        yield* expectEqual(
          "the names",
          sorted(yield* fs.readDirectory(at())),
          sorted([...takenNames, "directory", "single"])
        )
      })
  ),
  statement("moveNoReplace of a directory into itself is EINVAL", (fs, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(fs, at)
      yield* fs.makeDirectory(at("full/deep"), 0o755)
      yield* expectCode("into itself", fs.moveNoReplace(at("full"), at("full/x")), "EINVAL")
      yield* expectCode("below itself", fs.moveNoReplace(at("full"), at("full/deep/x")), "EINVAL")
      yield* expectEqual("the names", sorted(yield* fs.readDirectory(at("full"))), ["deep", "inner"])
    })),
  statement(
    "moveNoReplace is ENOENT where nothing is to move",
    (fs, at) => expectCode("of nothing", fs.moveNoReplace(at("missing"), at("to")), "ENOENT")
  ),
  statement("of many moves to one name exactly one happens", (fs, at) =>
    Effect.gen(function*() {
      const names = Array.from({ length: 10 }, (_, i) => `d${i}`)
      for (const name of names) yield* fs.makeDirectory(at(name), 0o755)
      const moved = yield* Effect.forEach(names, (name) =>
        Effect.match(fs.moveNoReplace(at(name), at("to")), {
          onFailure: (error) => error.code,
          onSuccess: () => "moved"
        }), { concurrency: "unbounded" })
      yield* expectEqual("the outcomes", sorted(moved), [...Array.from({ length: 9 }, () => "EEXIST"), "moved"])
    }))
]

// === removing trees

const makeBranches = Effect.fnUntraced(function*(fs: StoreFileSystem, root: string, width: number) {
  yield* fs.makeDirectory(root, 0o755)
  for (let i = 0; i < width; i++) {
    yield* fs.makeDirectory(`${root}/d${i}`, 0o755)
    for (let j = 0; j < width; j++) yield* fs.writeFile(`${root}/d${i}/f${j}`, "x", 0o644)
  }
})

const removing: Suite<Needs> = [
  statement("removeTree removes a directory and all in it", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 10)
      yield* fs.symlink("nowhere", at("tree/dangling"))
      yield* fs.symlink("loop", at("tree/loop"))
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes a single file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("file")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree does nothing where nothing is", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectEqual("of nothing", yield* fs.removeTree(at("missing")), [])
      yield* expectEqual("below nothing", yield* fs.removeTree(at("missing/x")), [])
      yield* expectEqual("below a file", yield* fs.removeTree(at("file/x")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["file"])
    })),
  statement("removeTree never follows a symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("victim"), 2)
      yield* fs.makeDirectory(at("tree"), 0o755)
      yield* fs.symlink("../victim", at("tree/relative"))
      yield* fs.symlink(at("victim"), at("tree/absolute"))
      yield* fs.symlink("../victim/d0/f0", at("tree/file"))
      yield* fs.symlink("victim", at("link"))
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("what is left of a symlink", yield* fs.removeTree(at("link")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), ["victim"])
      yield* expectEqual("the victim's text", yield* fs.readFile(at("victim/d0/f0")), "x")
      yield* expectEqual("the victim's names", sorted(yield* fs.readDirectory(at("victim"))), ["d0", "d1"])
    })),
  statement("removeTree removes directories that nobody may read or write", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      yield* fs.makeDirectory(at("tree/d0/closed"), 0o000)
      yield* fs.setMode(at("tree/d1"), 0o000)
      yield* fs.setMode(at("tree/d2"), 0o555)
      yield* fs.setMode(at("tree"), 0o555)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes 500 directories inside each other", (fs, at) =>
    Effect.gen(function*() {
      let path = at("tree")
      for (let depth = 0; depth < 500; depth++, path += "/d") yield* fs.makeDirectory(path, 0o755)
      yield* fs.writeFile(path, "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree removes any names", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("tree"), 0o755)
      for (const name of oddNames) {
        yield* fs.makeDirectory(at(`tree/${name}`), 0o755)
        yield* fs.writeFile(at(`tree/${name}/${name}`), "", 0o644)
      }
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("several may remove one tree at the same time", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 30)
      const left = yield* Effect.forEach(Array.from({ length: 4 }), () => fs.removeTree(at("tree")), {
        concurrency: "unbounded"
      })
      yield* expectEqual("what is left", left, [[], [], [], []])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    })),
  statement("removeTree can be interrupted, and taken up again", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 30)
      const fiber = yield* Effect.forkChild(fs.removeTree(at("tree")), { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* expectEqual("what is left", yield* fs.removeTree(at("tree")), [])
      yield* expectEqual("the names", yield* fs.readDirectory(at()), [])
    }))
]

// === measuring

/** What usage has to be: the entries' own blocks. */
const blocksOf = (fs: StoreFileSystem, paths: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(paths, (path) => fs.lstat(path)),
    (entries) => entries.reduce((sum, entry) => sum + (entry?.blocks ?? 0) * 512, 0)
  )

const measuring: Suite<Needs> = [
  statement("an empty directory is one inode", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* fs.sync([{ kind: "tree", path: at() }])
      const bytes = yield* blocksOf(fs, [at("d")])
      yield* expectEqual("its usage", yield* fs.usage(at("d")), { bytes, inodes: 1 })
    })),
  statement(
    "usage counts the inodes and the allocated blocks of a directory and all below it",
    (fs, at) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(at("d"), 0o755)
        yield* fs.makeDirectory(at("d/sub"), 0o000)
        yield* fs.makeDirectory(at("d/sub/sub"), 0o755)
        yield* fs.writeFile(at("d/empty"), "", 0o644)
        yield* fs.writeFile(at("d/sub/large"), "x".repeat(300_000), 0o644)
        yield* fs.symlink("nowhere", at("d/sub/sub/dangling"))
        yield* fs.sync([{ kind: "tree", path: at() }])
        const names = ["d", "d/sub", "d/sub/sub", "d/empty", "d/sub/large", "d/sub/sub/dangling"]
        const bytes = yield* blocksOf(fs, names.map(at))
        yield* expectThat("the contents count", bytes >= 300_000)
        yield* expectEqual("the usage", yield* fs.usage(at("d")), { bytes, inodes: 6 })
      })
  ),
  statement("usage follows no symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("elsewhere"), 5)
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* fs.symlink("../elsewhere", at("d/link"))
      yield* expectEqual("the inodes", (yield* fs.usage(at("d"))).inodes, 2)
    })),
  statement("usage counts any names at any depth", (fs, at) =>
    Effect.gen(function*() {
      let path = at("d")
      for (let depth = 0; depth < 500; depth++, path += "/d") yield* fs.makeDirectory(path, 0o755)
      for (const name of oddNames) yield* fs.writeFile(at(`d/${name}`), "", 0o644)
      yield* expectEqual("the inodes", (yield* fs.usage(at("d"))).inodes, 500 + oddNames.length)
    })),
  statement("usage is no error while things vanish", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("d"), 30)
      const all = (yield* fs.usage(at("d"))).inodes
      yield* expectEqual("all inodes", all, 1 + 30 + 900)
      const removal = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 30 }), (_, i) => fs.removeTree(at(`d/d${i}`)), { discard: true })
      )
      for (let i = 0; i < 20; i++) {
        const { inodes } = yield* fs.usage(at("d"))
        yield* expectThat("the number lies between the extremes", inodes >= 1 && inodes <= all)
        yield* Effect.yieldNow
      }
      yield* Fiber.join(removal)
      yield* expectEqual("the inodes in the end", (yield* fs.usage(at("d"))).inodes, 1)
    })),
  statement("usage is ENOENT where nothing is", (fs, at) => expectCode("usage", fs.usage(at("missing")), "ENOENT"))
]

// === durability

const syncing: Suite<Needs> = [
  statement("sync takes a file, a directory, a tree, several of them, and none", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      const file: SyncTarget = { kind: "file", path: at("tree/d0/f0") }
      const directory: SyncTarget = { kind: "directory", path: at("tree/d0") }
      const tree: SyncTarget = { kind: "tree", path: at("tree") }
      for (const targets of [[], [file], [directory], [tree], [file, directory], [tree, tree, file]]) {
        yield* fs.sync(targets)
      }
      yield* expectEqual("the inodes", (yield* fs.usage(at("tree"))).inodes, 1 + 3 + 9)
    })),
  statement("sync takes 100 callers at once", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      yield* Effect.forEach(Array.from({ length: 100 }), (_, i) =>
        fs.sync([i % 2 === 0 ? { kind: "tree", path: at("tree") } : { kind: "directory", path: at("tree") }]), {
        concurrency: "unbounded",
        discard: true
      })
    })),
  statement("sync is ENOENT for a target that is missing, alone or among others", (fs, at) =>
    Effect.gen(function*() {
      const there: SyncTarget = { kind: "directory", path: at() }
      for (const kind of ["file", "directory", "tree"] as const) {
        const missing: SyncTarget = { kind, path: at("missing") }
        yield* expectCode(`a missing ${kind}`, fs.sync([missing]), "ENOENT")
        yield* expectCode(`a missing ${kind} among others`, fs.sync([there, missing]), "ENOENT")
      }
    })),
  statement("sync of a directory that is a file is ENOTDIR", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("directory", fs.sync([{ kind: "directory", path: at("file") }]), "ENOTDIR")
      yield* expectCode("tree", fs.sync([{ kind: "tree", path: at("file") }]), "ENOTDIR")
    }))
]

// === locks

const locking: Suite<Needs> = [
  statement("tryLock gives the lock of a directory to one at a time", (fs, at) =>
    Effect.gen(function*() {
      const first = yield* fs.tryLock(at())
      yield* expectThat("the first gets it", first !== undefined)
      yield* expectEqual("the second's lock", yield* fs.tryLock(at()), undefined)
      if (first !== undefined) yield* first.release
      const third = yield* fs.tryLock(at())
      yield* expectThat("after the release another gets it", third !== undefined)
      if (third !== undefined) yield* third.release
    })),
  statement("of many who try at once one gets the lock", (fs, at) =>
    Effect.gen(function*() {
      const locks = yield* Effect.forEach(Array.from({ length: 20 }), () => fs.tryLock(at()), {
        concurrency: "unbounded"
      })
      const held = locks.filter((lock) => lock !== undefined)
      yield* expectEqual("how many hold it", held.length, 1)
      for (const lock of held) yield* lock.release
    })),
  statement(
    "a lock is released once: doing it again does not take it from the next holder",
    (fs, at) =>
      Effect.gen(function*() {
        const first = yield* fs.tryLock(at())
        if (first !== undefined) yield* first.release
        const second = yield* fs.tryLock(at())
        if (first !== undefined) yield* first.release
        yield* expectThat("the second holds it", second !== undefined)
        yield* expectEqual("the third's lock", yield* fs.tryLock(at()), undefined)
        if (second !== undefined) yield* second.release
      })
  ),
  statement("locks of two directories have nothing to do with each other", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      const outer = yield* fs.tryLock(at())
      const inner = yield* fs.tryLock(at("a"))
      yield* expectThat("both are held", outer !== undefined && inner !== undefined)
      if (outer !== undefined) yield* outer.release
      yield* expectEqual("the inner lock", yield* fs.tryLock(at("a")), undefined)
      if (inner !== undefined) yield* inner.release
    })),
  statement("a lock belongs to the directory, by whatever path one comes to it", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.symlink("b", at("link"))
      const lock = yield* fs.tryLock(at("a"))
      yield* fs.moveNoReplace(at("a"), at("b"))
      yield* expectEqual("the lock after a move", yield* fs.tryLock(at("b")), undefined)
      yield* expectEqual("the lock through a symlink", yield* fs.tryLock(at("link")), undefined)
      if (lock !== undefined) yield* lock.release
    })),
  statement("what is locked can be written, moved and removed all the same", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      const lock = yield* fs.tryLock(at("a"))
      yield* fs.writeFile(at("a/file"), "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("a")), [])
      if (lock !== undefined) yield* lock.release
      yield* fs.makeDirectory(at("a"), 0o755)
      const next = yield* fs.tryLock(at("a"))
      yield* expectThat("the new directory's lock is free", next !== undefined)
      if (next !== undefined) yield* next.release
    })),
  statement("tryLock is ENOENT where nothing is, and ENOTDIR for a file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("of nothing", fs.tryLock(at("missing")), "ENOENT")
      yield* expectCode("of a file", fs.tryLock(at("file")), "ENOTDIR")
    }))
]

// === what kind of place it is

const probing: Suite<Needs> = [
  statement("overlayXattrs answers, and leaves nothing behind", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("d"), 0o750)
      const kind = yield* fs.overlayXattrs(at("d"))
      yield* expectThat("it is one of three answers", kind === undefined || kind === "trusted" || kind === "user")
      yield* expectEqual("the answer when asked again", yield* fs.overlayXattrs(at("d")), kind)
      yield* expectEqual("the names", yield* fs.readDirectory(at("d")), [])
      yield* expectEqual("the mode", yield* modeOf(fs, at("d")), 0o750)
    })),
  statement("fileSystemType is the same for a directory and what is in it", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      const type = yield* fs.fileSystemType(at())
      yield* expectThat("it says something", type !== "")
      yield* expectEqual("the file's", yield* fs.fileSystemType(at("file")), type)
    })),
  statement("overlayXattrs and fileSystemType are ENOENT where nothing is", (fs, at) =>
    Effect.gen(function*() {
      yield* expectCode("overlayXattrs", fs.overlayXattrs(at("missing")), "ENOENT")
      yield* expectCode("fileSystemType", fs.fileSystemType(at("missing")), "ENOENT")
    }))
]

/** The whole contract of a `StoreFileSystem`. */
export const storeFileSystemSuite: Suite<Needs> = [
  ...failures,
  ...looking,
  ...filesAndSymlinks,
  ...directories,
  ...moving,
  ...removing,
  ...measuring,
  ...syncing,
  ...locking,
  ...probing
]
