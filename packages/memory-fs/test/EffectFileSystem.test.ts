/**
 * Effect's `FileSystem` as core derives it from the port for trees, sentence by sentence, where nothing is real. That it answers
 * what Node answers is `FileSystemDifferential`'s to show; this is what a caller may rely on.
 */
import { assert, describe, it } from "@effect/vitest"
import * as EffectFileSystem from "@snapshotter/core/EffectFileSystem"
import { FileSystemError } from "@snapshotter/core/StoreFileSystem"

import { textOf, type TreeFile, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, FileSystem, Option, Random, type Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"

const machine = () => {
  const tree = MemoryTreeFileSystem.make(MemoryVolume.make())
  return { tree, files: EffectFileSystem.make(tree) }
}

/** Whether, how and about what it fails, in one line. */
const outcome = (effect: Effect.Effect<unknown, PlatformError, Scope.Scope>) =>
  Effect.match(Effect.scoped(effect), {
    onSuccess: () => "success",
    onFailure: ({ reason }) => {
      const { method, module } = reason
      if (reason._tag === "BadArgument") return `${module}.${method} BadArgument: ${reason.description}`
      const code: unknown = Object(reason.cause).code
      return `${module}.${method} ${reason.pathOrDescriptor} ${reason._tag} ${String(code)}`
    }
  })

const bytesOf = (text: string) => new TextEncoder().encode(text)

type Files = FileSystem.FileSystem

// ============================================================ failures

describe("a failure names the method and the path as it was given", () => {
  const attempts: Readonly<
    Record<string, (files: Files, path: string) => Effect.Effect<unknown, PlatformError, Scope.Scope>>
  > = {
    access: (files, path) => files.access(path),
    chmod: (files, path) => files.chmod(path, 0o600),
    chown: (files, path) => files.chown(path, 1, 1),
    utimes: (files, path) => files.utimes(path, 1, 1),
    stat: (files, path) => files.stat(path),
    lstat: (files, path) => files.lstat(path),
    makeDirectory: (files, path) => files.makeDirectory(path),
    readDirectory: (files, path) => files.readDirectory(path),
    readDirectoryEntries: (files, path) => files.readDirectoryEntries(path),
    remove: (files, path) => files.remove(path),
    link: (files, path) => files.link(path, "/new"),
    symlink: (files, path) => files.symlink("anywhere", path),
    readLink: (files, path) => files.readLink(path),
    realPath: (files, path) => files.realPath(path),
    rename: (files, path) => files.rename(path, "/new"),
    open: (files, path) => files.open(path),
    readFile: (files, path) => files.readFile(path),
    writeFile: (files, path) => files.writeFile(path, new Uint8Array()),
    truncate: (files, path) => files.truncate(path),
    copyFile: (files, path) => files.copyFile(path, "/new"),
    copy: (files, path) => files.copy(path, "/new")
  }
  for (const [method, attempt] of Object.entries(attempts)) {
    it.effect(method, () =>
      Effect.gen(function*() {
        const { files } = machine()
        const missing = yield* outcome(attempt(files, "missing/file"))
        assert.strictEqual(missing, `FileSystem.${method} missing/file NotFound ENOENT`)
        assert.strictEqual(
          yield* outcome(attempt(files, "/a\0b")),
          `FileSystem.${method} BadArgument: a path cannot contain NUL`
        )
      }))
  }

  it.effect("of temporary files and directories, each by its own name", () =>
    Effect.gen(function*() {
      const { files } = machine()
      const directory = "/missing"
      for (
        const [method, attempt] of [
          ["makeTempDirectory", files.makeTempDirectory({ directory })],
          ["makeTempDirectoryScoped", files.makeTempDirectoryScoped({ directory })],
          ["makeTempFile", files.makeTempFile({ directory })],
          ["makeTempFileScoped", files.makeTempFileScoped({ directory })]
        ] as const
      ) {
        const [named, path = "", ...rest] = (yield* outcome(attempt)).split(" ")
        assert.strictEqual(named, `FileSystem.${method}`)
        assert.match(path, /^\/missing\/[a-z0-9]{6}$/)
        assert.deepStrictEqual(rest, ["NotFound", "ENOENT"])
      }
    }))

  it.effect("of an open file too", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/file", "text")
      const closed = yield* Effect.scoped(files.open("/file"))
      const reading = yield* files.open("/file")
      for (
        const [method, attempt] of [
          ["stat", closed.stat],
          ["sync", closed.sync],
          ["read", closed.read(new Uint8Array(1))],
          ["readAlloc", closed.readAlloc(1)],
          ["readAlloc", closed.readAlloc(2 ** 40)],
          ["write", reading.write(bytesOf("x"))],
          ["writeAll", reading.writeAll(bytesOf("x"))]
        ] as const
      ) assert.strictEqual(yield* outcome(attempt), `FileSystem.${method} /file Unknown EBADF`)
      assert.strictEqual(yield* outcome(reading.truncate()), "FileSystem.truncate /file Unknown EINVAL")
    }))

  it.effect("of two paths either may hold NUL, and the first is named", () =>
    Effect.gen(function*() {
      const { files } = machine()
      assert.include(yield* outcome(files.rename("/a", "/\0")), "a path cannot contain NUL")
      assert.include(yield* outcome(files.rename("/a", "/missing/b")), " /a NotFound")
    }))

  it.effect("a message that has the errno, the method and the path", () =>
    Effect.gen(function*() {
      const { files } = machine()
      const { reason } = yield* Effect.flip(files.readFile("/no such"))
      const cause = reason.cause as Error & { readonly path: string }
      assert.strictEqual(cause.message, "ENOENT: readFile \"/no such\"")
      assert.strictEqual(cause.path, "/no such")
    }))

  it.effect("with the tags of Effect's Node backend", () =>
    Effect.gen(function*() {
      const tags = {
        ENOENT: "NotFound",
        EACCES: "PermissionDenied",
        EPERM: "PermissionDenied",
        EEXIST: "AlreadyExists",
        EISDIR: "BadResource",
        ENOTDIR: "BadResource",
        ELOOP: "BadResource",
        EBUSY: "Busy",
        ENOSPC: "Unknown"
      }
      for (const [code, tag] of Object.entries(tags)) {
        const { tree } = machine()
        const files = EffectFileSystem.make({
          ...tree,
          stat: (path) => Effect.fail(new FileSystemError({ operation: "stat", path: String(path), code }))
        })
        assert.strictEqual(yield* outcome(files.stat("/x")), `FileSystem.stat /x ${tag} ${code}`)
      }
    }))

  it.effect("and watch says that it is not to be had", () =>
    Effect.gen(function*() {
      const { files } = machine()
      const failing = Stream.runDrain(files.watch("/x"))
      assert.strictEqual(yield* outcome(failing), "FileSystem.watch /x Unknown undefined")
      assert.include((yield* Effect.flip(failing)).message, "does not watch files; look again instead")
    }))
})

describe("a path", () => {
  it.effect("that does not begin with a slash begins at the root; none at all leads nowhere", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("a/../file", "").pipe(Effect.ignore)
      yield* files.makeDirectory("directory")
      yield* files.writeFileString("directory/file", "text")
      assert.strictEqual(yield* files.readFileString("/directory/file"), "text")
      assert.strictEqual(yield* outcome(files.readDirectory("directory/")), "success")
      assert.strictEqual(yield* outcome(files.stat("")), "FileSystem.stat  NotFound ENOENT")
    }))

  it.effect("with lone surrogates has U+FFFD for them, and so has a symlink's target", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.symlink("to \ud800", "/link \udfff")
      assert.strictEqual(yield* files.readLink("link \ufffd"), "to \ufffd")
    }))
})

// ============================================================ attributes

describe("attributes", () => {
  /** A file, and a symlink to it. */
  const linked = Effect.gen(function*() {
    const { files, tree } = machine()
    yield* files.writeFileString("/file", "text")
    yield* files.symlink("file", "/link")
    return { files, tree }
  })

  it.effect("are changed of what a symlink leads to", () =>
    Effect.gen(function*() {
      const { files, tree } = yield* linked
      const before = yield* tree.lstat("/link")
      yield* files.chmod("/link", 0o4751)
      yield* files.chown("/link", 11, 12)
      yield* files.utimes("/link", new Date(1_500), 2.25)
      const { atimeNanoseconds, gid, mode, mtimeNanoseconds, uid } = yield* tree.lstat("/file")
      // Who changes the owner takes away the right to act as the owner.
      assert.deepStrictEqual([mode, uid, gid], [0o751, 11, 12])
      assert.deepStrictEqual([atimeNanoseconds, mtimeNanoseconds], [1_500_000_000n, 2_250_000_000n])
      const after = yield* tree.lstat("/link")
      const own = (
        entry: typeof after
      ) => [entry.mode, entry.uid, entry.gid, entry.atimeNanoseconds, entry.mtimeNanoseconds]
      assert.deepStrictEqual(own(after), own(before))
    }))

  it.effect("of owners stay where -1 is given, or what that is as 32 bits", () =>
    Effect.gen(function*() {
      const { files } = yield* linked
      const owners = Effect.map(files.stat("/file"), ({ gid, uid }) => [Option.getOrThrow(uid), Option.getOrThrow(gid)])
      yield* files.chown("/file", 1, 2)
      yield* files.chown("/file", -1, 3)
      assert.deepStrictEqual(yield* owners, [1, 3])
      yield* files.chown("/file", 4, 0xffff_ffff)
      assert.deepStrictEqual(yield* owners, [4, 3])
    }))

  it.effect("of time must be numbers, both of them", () =>
    Effect.gen(function*() {
      const { files } = yield* linked
      const refusal = "FileSystem.utimes BadArgument: a time must be a finite number of seconds, or a date that is one"
      for (const bad of [Number.NaN, Infinity, new Date(Number.NaN)]) {
        assert.strictEqual(yield* outcome(files.utimes("/file", bad, 1)), refusal)
        assert.strictEqual(yield* outcome(files.utimes("/file", 1, bad)), refusal)
      }
    }))

  it.effect("of time are seconds with fractions, and a negative number is now", () =>
    Effect.gen(function*() {
      const { files, tree } = yield* linked
      const before = BigInt(Date.now()) * 1_000_000n
      yield* files.utimes("/file", -1, 0)
      const { atimeNanoseconds, mtimeNanoseconds } = yield* tree.stat("/file")
      assert.isTrue(atimeNanoseconds >= before && atimeNanoseconds <= BigInt(Date.now()) * 1_000_000n)
      assert.strictEqual(mtimeNanoseconds, 0n)
    }))

  it.effect("of time are told to the millisecond, towards the past", () =>
    Effect.gen(function*() {
      const { files, tree } = yield* linked
      for (
        const [nanoseconds, milliseconds] of [[1_999_999n, 1], [-1n, -1], [-1_000_000n, -1], [-1_000_001n, -2]] as const
      ) {
        yield* tree.setTimes("/file", { atimeNanoseconds: nanoseconds, mtimeNanoseconds: nanoseconds })
        const { atime, mtime } = yield* files.stat("/file")
        assert.deepStrictEqual([atime, mtime], [
          Option.some(new Date(milliseconds)),
          Option.some(new Date(milliseconds))
        ])
      }
    }))

  it.effect("are told as the port has them", () =>
    Effect.gen(function*() {
      const { files, tree } = yield* linked
      const entry = yield* tree.lstat("/link")
      const info = yield* files.lstat("/link")
      assert.deepStrictEqual(
        [info.type, info.mode, info.dev, info.ino, info.nlink, info.rdev, info.blocks, Number(info.size)],
        [
          "SymbolicLink",
          0o120777,
          entry.dev,
          Option.some(entry.ino),
          Option.some(1n),
          Option.some(0n),
          Option.some(BigInt(entry.blocks)),
          4
        ]
      )
      assert.deepStrictEqual([info.uid, info.gid, Option.map(info.blksize, Number)], [
        Option.some(0),
        Option.some(0),
        Option.some(4096)
      ])
    }))

  it.effect("say of everything what it is", () =>
    Effect.gen(function*() {
      const { files, tree } = yield* linked
      yield* files.makeDirectory("/directory")
      yield* tree.makeNode("/fifo", { type: "fifo", mode: 0o600 })
      yield* tree.makeNode("/socket", { type: "socket", mode: 0o600 })
      yield* tree.makeNode("/character", { type: "characterDevice", mode: 0o600, rdev: 259n })
      yield* tree.makeNode("/block", { type: "blockDevice", mode: 0o600, rdev: 259n })
      const types: Readonly<Record<string, FileSystem.File.Type>> = {
        file: "File",
        link: "SymbolicLink",
        directory: "Directory",
        fifo: "FIFO",
        socket: "Socket",
        character: "CharacterDevice",
        block: "BlockDevice"
      }
      const entries = (yield* files.readDirectoryEntries("/")).filter(({ name }) => name in types)
      assert.deepStrictEqual(Object.fromEntries(entries.map(({ name, type }) => [name, type])), types)
      for (const [name, type] of Object.entries(types)) assert.strictEqual((yield* files.lstat(`/${name}`)).type, type)
    }))

  it.effect("let access be asked for", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const asked: Array<unknown> = []
      const files = EffectFileSystem.make({
        ...tree,
        access: (_, wanted) => Effect.sync(() => void asked.push(wanted))
      })
      yield* files.access("/x")
      yield* files.access("/x", { readable: true, writable: false })
      assert.deepStrictEqual(asked, [{ read: undefined, write: undefined }, { read: true, write: false }])
    }))
})

// ============================================================ directories

describe("directories", () => {
  const sorted = (names: Iterable<string>) => [...names].sort()

  it.effect("are listed as what they were when they were looked at: what is gone by then is left out", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      yield* tree.makeDirectory("/d", 0o755)
      const files = EffectFileSystem.make({
        ...tree,
        lstat: (path) => tree.lstat(textOf(path).endsWith("/gone") ? "/missing" : path)
      })
      for (const name of ["here", "gone"]) yield* files.writeFileString(`/d/${name}`, "")
      assert.deepStrictEqual(yield* files.readDirectoryEntries("/d"), [{ name: "here", type: "File" }])
    }))

  it.effect("list nothing when they have been removed, and a file is none", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      yield* tree.makeDirectory("/d", 0o755)
      const gone = (path: string) => new FileSystemError({ operation: "readDirectory", path, code: "ENOENT" })
      const files = EffectFileSystem.make({ ...tree, readDirectory: (path) => Effect.fail(gone(String(path))) })
      assert.deepStrictEqual(yield* files.readDirectory("/d"), [])
      assert.strictEqual(
        yield* outcome(files.readDirectory("/missing")),
        "FileSystem.readDirectory /missing NotFound ENOENT"
      )
    }))

  it.effect("are listed with all below, through symlinks to directories, but not round in circles", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/d/one/deep", { recursive: true })
      yield* files.makeDirectory("/d/two")
      yield* files.writeFileString("/d/one/file", "")
      yield* files.symlink("../..", "/d/one/deep/up")
      yield* files.symlink("../one", "/d/two/across")
      yield* files.symlink("nowhere", "/d/dangling")
      assert.deepStrictEqual(sorted(yield* files.readDirectory("/d", { recursive: true })), [
        "dangling",
        "one",
        "one/deep",
        "one/deep/up",
        "one/file",
        "two",
        "two/across",
        "two/across/deep",
        "two/across/deep/up",
        "two/across/file"
      ])
      assert.deepStrictEqual(sorted(yield* files.readDirectory("/d")), ["dangling", "one", "two"])
    }))

  it.effect("are made with all above them, whatever is there already, but not through files", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("//a///b//c//", { recursive: true, mode: 0o770 })
      yield* files.makeDirectory("/a/b/c", { recursive: true })
      assert.strictEqual((yield* files.stat("/a/b")).mode & 0o7777, 0o750)
      assert.strictEqual(
        yield* outcome(files.makeDirectory("/a/b")),
        "FileSystem.makeDirectory /a/b AlreadyExists EEXIST"
      )
      yield* files.writeFileString("/a/file", "")
      const recursively = (path: string) => outcome(files.makeDirectory(path, { recursive: true }))
      assert.strictEqual(yield* recursively("/a/file"), "FileSystem.makeDirectory /a/file AlreadyExists EEXIST")
      assert.strictEqual(yield* recursively("/a/file/x"), "FileSystem.makeDirectory /a/file/x BadResource ENOTDIR")
      assert.strictEqual(yield* recursively("/a/file/x/y"), "FileSystem.makeDirectory /a/file/x/y BadResource ENOTDIR")
      yield* files.symlink("nowhere/at all", "/a/dangling")
      assert.strictEqual(yield* recursively("/a/dangling/x"), "FileSystem.makeDirectory /a/dangling/x NotFound ENOENT")
      assert.strictEqual(
        yield* recursively(`/new/${"n".repeat(256)}/x`).pipe(Effect.map((it) => it.slice(-20))),
        "Unknown ENAMETOOLONG"
      )
    }))

  it.effect("are removed only if asked to, and what is missing only if it may be", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/d/e", { recursive: true })
      yield* files.writeFileString("/d/e/file", "")
      assert.strictEqual(yield* outcome(files.remove("/d")), "FileSystem.remove /d Unknown ERR_FS_EISDIR")
      assert.strictEqual(
        yield* outcome(files.remove("/missing", { recursive: true })),
        "FileSystem.remove /missing NotFound ENOENT"
      )
      yield* files.remove("/missing", { force: true })
      yield* files.remove("/d/e/file")
      yield* files.remove("/d", { recursive: true })
      assert.isFalse(yield* files.exists("/d"))
    }))
})

// ============================================================ files

describe("files", () => {
  /** A flag, what it lets one do, and what a write by it makes of a file that is there, and of none. */
  const flags: ReadonlyArray<readonly [FileSystem.OpenFlag, can: string, there: string, missing: string]> = [
    ["r", "read", "12345", "NotFound"],
    ["r+", "read write", "x2345", "NotFound"],
    ["w", "write", "x", "x"],
    ["w+", "read write", "x", "x"],
    ["wx", "write", "AlreadyExists", "x"],
    ["wx+", "read write", "AlreadyExists", "x"],
    ["a", "write", "12345x", "x"],
    ["a+", "read write", "12345x", "x"],
    ["ax", "write", "AlreadyExists", "x"],
    ["ax+", "read write", "AlreadyExists", "x"]
  ]

  const use = (files: Files, path: string, flag: FileSystem.OpenFlag) =>
    Effect.scoped(Effect.gen(function*() {
      const file = yield* files.open(path, { flag })
      const writes = (yield* outcome(file.write(bytesOf("x")))) === "success"
      const reads = (yield* outcome(file.read(new Uint8Array(1), { position: 0n }))) === "success"
      return [reads ? "read" : "", writes ? "write" : ""].filter((can) => can !== "").join(" ")
    }))

  for (const [flag, can, there, missing] of flags) {
    it.effect(`opened with ${flag} can be ${can}`, () =>
      Effect.gen(function*() {
        for (const [path, expected] of [["/there", there], ["/missing", missing]] as const) {
          const { files } = machine()
          yield* files.writeFileString("/there", "12345")
          const used = yield* Effect.result(use(files, path, flag))
          if (used._tag === "Failure") assert.strictEqual(used.failure.reason._tag, expected)
          else {
            assert.strictEqual(used.success, can)
            assert.strictEqual(yield* files.readFileString(path), expected)
          }
        }
      }))
  }

  it.effect("get the mode asked for, or 0666, without the umask's bits", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const files = EffectFileSystem.make(tree, { umask: 0o027 })
      const modeOf = (path: string) => Effect.map(files.stat(path), ({ mode }) => mode & 0o7777)
      yield* files.writeFileString("/a", "")
      yield* files.writeFileString("/b", "", { mode: 0o777 })
      yield* Effect.scoped(files.open("/c", { flag: "w", mode: 0o777 }))
      yield* files.makeDirectory("/d")
      yield* files.makeDirectory("/e", { mode: 0o733 })
      const modes = yield* Effect.forEach(["/a", "/b", "/c", "/d", "/e"], modeOf)
      assert.deepStrictEqual(modes, [0o640, 0o750, 0o750, 0o750, 0o710])
    }))

  it.effect("may be opened so that a symlink is not followed", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/file", "text")
      yield* files.symlink("file", "/link")
      assert.strictEqual(yield* outcome(files.open("/link")), "success")
      assert.strictEqual(
        yield* outcome(files.open("/link", { noFollow: true })),
        "FileSystem.open /link BadResource ELOOP"
      )
    }))

  it.effect("are cut, or made longer, and a negative length is none", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/file", "12345")
      yield* files.truncate("/file", 3)
      assert.strictEqual(yield* files.readFileString("/file"), "123")
      yield* files.truncate("/file", 4)
      assert.strictEqual(yield* files.readFileString("/file"), "123\0")
      yield* files.truncate("/file", -1)
      assert.strictEqual(yield* files.readFileString("/file"), "")
    }))

  it.effect("are cut only by who may read them, as Node has it", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      yield* EffectFileSystem.make(tree).writeFileString("/file", "12345")
      const unreadable: TreeFileSystem = {
        ...tree,
        open: (path, opening) =>
          opening.read === true
            ? Effect.fail(new FileSystemError({ operation: "open", path: String(path), code: "EACCES" }))
            : tree.open(path, opening)
      }
      assert.include(yield* outcome(EffectFileSystem.make(unreadable).truncate("/file")), "PermissionDenied")
      assert.strictEqual(yield* EffectFileSystem.make(tree).readFileString("/file"), "12345")
    }))

  it.effect("are read to their end, whatever size they say they have", () =>
    Effect.gen(function*() {
      const contents = Uint8Array.from({ length: 700_000 }, (_, at) => at % 251)
      for (const size of [0, 1, 437_856, 699_999, 700_000, 700_001, 900_000]) {
        const { tree } = machine()
        yield* EffectFileSystem.make(tree).writeFile("/file", contents)
        assert.deepStrictEqual(yield* EffectFileSystem.make(odd(tree, { size })).readFile("/file"), contents)
      }
    }))

  it.effect("are written whole, however little is taken at once", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const files = EffectFileSystem.make(odd(tree, { writtenMax: 3 }))
      yield* files.writeFileString("/file", "0123456789")
      yield* files.copyFile("/file", "/copy")
      const opened = yield* files.open("/other", { flag: "w" })
      yield* opened.writeAll(bytesOf("0123456789"))
      for (const path of ["/file", "/copy", "/other"]) {
        assert.strictEqual(yield* EffectFileSystem.make(tree).readFileString(path), "0123456789")
      }
    }))

  it.effect("of more than 2 GiB are not read whole", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      yield* EffectFileSystem.make(tree).writeFileString("/file", "text")
      const reading = EffectFileSystem.make(odd(tree, { size: 2 ** 31 + 1 })).readFile("/file")
      assert.strictEqual(yield* outcome(reading), "FileSystem.readFile /file Unknown ERR_FS_FILE_TOO_LARGE")
    }))
})

/** A tree whose files say another size than they have, or take no more than so much at once. */
const odd = (
  tree: TreeFileSystem,
  { size, writtenMax }: { readonly size?: number; readonly writtenMax?: number }
): TreeFileSystem => ({
  ...tree,
  open: (path, opening) =>
    Effect.map(tree.open(path, opening), (file): TreeFile => ({
      ...file,
      stat: Effect.map(file.stat, (status) => ({ ...status, size: size ?? status.size })),
      write: (bytes, offset) => file.write(bytes.subarray(0, writtenMax), offset)
    }))
})

// ============================================================ open files

describe("an open file", () => {
  const opened = Effect.fnUntraced(function*(flag: FileSystem.OpenFlag, contents = "0123456789") {
    const { files, tree } = machine()
    yield* files.writeFileString("/file", contents)
    return { files, tree, file: yield* files.open("/file", { flag }) }
  })

  /** Reads from where it is, and says where that was. */
  const position = (file: FileSystem.File) => file.seek(0n, "current")

  it.effect("has a position that reading, writing and seeking move", () =>
    Effect.gen(function*() {
      const { file, files } = yield* opened("r+")
      const buffer = new Uint8Array(4)
      assert.strictEqual(yield* file.read(buffer), 4)
      assert.strictEqual(textOf(buffer), "0123")
      assert.strictEqual(yield* position(file), 4n)
      assert.strictEqual(yield* file.write(bytesOf("xy")), 2)
      assert.strictEqual(yield* position(file), 6n)
      assert.strictEqual(yield* file.seek(-1n, "current"), 5n)
      yield* file.writeAll(bytesOf("z"))
      assert.strictEqual(yield* file.seek(9n, "start"), 9n)
      assert.strictEqual(yield* file.read(buffer), 1)
      assert.strictEqual(yield* file.read(buffer), 0)
      assert.strictEqual(yield* files.readFileString("/file"), "0123xz6789")
    }))

  it.effect("is not moved by reading at a position of one's own", () =>
    Effect.gen(function*() {
      const { file } = yield* opened("r")
      yield* file.seek(2n, "start")
      const buffer = new Uint8Array(2)
      assert.strictEqual(yield* file.read(buffer, { position: 0n }), 2)
      assert.strictEqual(textOf(buffer), "01")
      assert.deepStrictEqual(yield* file.readAlloc(2, { position: 8n }), Option.some(bytesOf("89")))
      assert.strictEqual(yield* position(file), 2n)
    }))

  it.effect("has nothing before its start, and nothing far beyond its end", () =>
    Effect.gen(function*() {
      const { file } = yield* opened("r+")
      yield* file.seek(2n, "start")
      const beforeStart = "FileSystem.seek BadArgument: Cannot seek before the start of the file"
      assert.strictEqual(yield* outcome(file.seek(-1n, "start")), beforeStart)
      assert.strictEqual(yield* outcome(file.seek(-3n, "current")), beforeStart)
      assert.strictEqual(yield* position(file), 2n)
      const unreadable = (method: string) =>
        `FileSystem.${method} BadArgument: Cannot read before the start of the file`
      assert.strictEqual(yield* outcome(file.read(new Uint8Array(1), { position: -1n })), unreadable("read"))
      assert.strictEqual(yield* outcome(file.readAlloc(1, { position: -1n })), unreadable("readAlloc"))
      assert.strictEqual(yield* file.read(new Uint8Array(1), { position: 2n ** 60n }), 0)
      assert.deepStrictEqual(yield* file.readAlloc(1, { position: 2n ** 60n }), Option.none())
    }))

  it.effect("is read by as many bytes as asked for, and no fewer than none", () =>
    Effect.gen(function*() {
      const { file } = yield* opened("r")
      for (const size of [-1, 1.5, Number.NaN]) {
        assert.strictEqual(
          yield* outcome(file.readAlloc(size)),
          "FileSystem.readAlloc BadArgument: size must be a non-negative integer"
        )
      }
      assert.deepStrictEqual(yield* file.readAlloc(0), Option.none())
      assert.deepStrictEqual(yield* file.readAlloc(3), Option.some(bytesOf("012")))
      assert.deepStrictEqual(yield* file.readAlloc(Number.MAX_SAFE_INTEGER), Option.some(bytesOf("3456789")))
      assert.deepStrictEqual(yield* file.readAlloc(1), Option.none())
    }))

  it.effect("no bytes are read from or written to once it is closed, and none is no failure", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/file", "text")
      const closed = yield* Effect.scoped(files.open("/file", { flag: "r+" }))
      assert.strictEqual(yield* closed.read(new Uint8Array()), 0)
      yield* closed.writeAll(new Uint8Array())
      assert.strictEqual(yield* outcome(closed.write(new Uint8Array(1))), "FileSystem.write /file Unknown EBADF")
    }))

  it.effect("of any size is read in one piece no larger than it, or than a quarter of a MiB", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const rooms: Array<number> = []
      const files = EffectFileSystem.make({
        ...tree,
        open: (path, opening) =>
          Effect.map(tree.open(path, opening), (file): TreeFile => ({
            ...file,
            read: (bytes, offset) =>
              Effect.suspend(() => {
                rooms.push(bytes.length)
                return file.read(bytes, offset)
              })
          }))
      })
      yield* files.writeFile("/small", new Uint8Array(10))
      yield* files.writeFile("/large", new Uint8Array(300_000))
      for (
        const [path, size] of [["/small", 262_144], ["/small", 262_145], ["/large", 2 ** 40], [
          "/large",
          280_000
        ]] as const
      ) {
        const file = yield* files.open(path)
        yield* file.readAlloc(size)
      }
      assert.deepStrictEqual(rooms, [262_144, 262_144, 300_000, 280_000])
    }))

  it.effect("is cut before its position, and then stands at its end; a position before that stays", () =>
    Effect.gen(function*() {
      const { file, files } = yield* opened("r+")
      yield* file.seek(8n, "start")
      yield* file.truncate(9)
      assert.strictEqual(yield* position(file), 8n)
      yield* file.truncate(5)
      assert.strictEqual(yield* position(file), 5n)
      yield* file.truncate(5)
      assert.strictEqual(yield* position(file), 5n)
      yield* file.truncate(-3)
      assert.strictEqual(yield* position(file), 0n)
      assert.strictEqual(yield* files.readFileString("/file"), "")
    }))

  it.effect("that appends writes at the end, whatever its position, which only seeking and reading move", () =>
    Effect.gen(function*() {
      const { file, files } = yield* opened("a+")
      yield* file.seek(7n, "start")
      yield* file.write(bytesOf("x"))
      yield* file.writeAll(bytesOf("y"))
      assert.strictEqual(yield* position(file), 7n)
      yield* file.truncate(3)
      assert.strictEqual(yield* position(file), 7n)
      yield* file.write(bytesOf("z"))
      assert.strictEqual(yield* files.readFileString("/file"), "012z")
    }))
})

// ============================================================ copies

describe("a copy", () => {
  it.effect("of a file has its contents, mode, owner and times, through symlinks on both sides", () =>
    Effect.gen(function*() {
      const { files, tree } = machine()
      for (const [length, keepsTimes] of [[0, true], [600_000, false], [262_144, false]] as const) {
        const contents = Uint8Array.from({ length }, (_, at) => at % 251)
        yield* files.writeFile("/from", contents)
        yield* files.chown("/from", 7, 8)
        yield* files.chmod("/from", 0o4640)
        yield* files.utimes("/from", 5, 6)
        yield* files.writeFileString("/target", "x".repeat(length + 5))
        yield* files.symlink("target", "/to")
        yield* files.symlink("from", "/via")
        yield* files.copyFile("/via", "/to")
        const copied = yield* tree.lstat("/target")
        assert.deepStrictEqual([copied.mode, copied.uid, copied.gid], [0o4640, 7, 8])
        assert.strictEqual(copied.mtimeNanoseconds === 6_000_000_000n, keepsTimes)
        assert.deepStrictEqual(yield* files.readFile("/target"), contents)
        assert.strictEqual((yield* files.lstat("/to")).type, "SymbolicLink")
        for (const path of ["/to", "/via", "/from", "/target"]) yield* files.remove(path)
      }
    }))

  it.effect("of a file over itself leaves it as it is", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/file", "text")
      yield* files.link("/file", "/other")
      yield* files.copyFile("/file", "/other")
      assert.strictEqual(yield* files.readFileString("/file"), "text")
      assert.strictEqual(
        yield* outcome(files.copy("/file", "/other")),
        "FileSystem.copy /file Unknown ERR_FS_CP_EINVAL"
      )
    }))

  it.effect("of a directory as a file is refused, and leaves nothing", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/directory")
      assert.strictEqual(
        yield* outcome(files.copyFile("/directory", "/new")),
        "FileSystem.copyFile /directory BadResource EISDIR"
      )
      assert.isFalse(yield* files.exists("/new"))
    }))

  it.effect("of a file by who may not give it away belongs to who made it; any other refusal counts", () =>
    Effect.gen(function*() {
      for (
        const [code, expected] of [["EPERM", "success"], ["EIO", "FileSystem.copyFile /from Unknown EIO"]] as const
      ) {
        const { tree } = machine()
        const files = EffectFileSystem.make({
          ...tree,
          setOwner: (path) => Effect.fail(new FileSystemError({ operation: "setOwner", path: String(path), code }))
        })
        yield* files.writeFileString("/from", "text")
        assert.strictEqual(yield* outcome(files.copyFile("/from", "/to")), expected)
      }
    }))

  it.effect("leaves what is there, and has times of its own, unless told otherwise", () =>
    Effect.gen(function*() {
      const { files, tree } = machine()
      yield* files.writeFileString("/from", "new")
      yield* files.writeFileString("/to", "old")
      yield* tree.setTimes("/from", { mtimeNanoseconds: 1n, atimeNanoseconds: 2n })
      yield* files.copy("/from", "/to")
      assert.strictEqual(yield* files.readFileString("/to"), "old")
      yield* files.copy("/from", "/to", { overwrite: true })
      assert.strictEqual(yield* files.readFileString("/to"), "new")
      assert.notStrictEqual((yield* tree.lstat("/to")).mtimeNanoseconds, 1n)
      yield* tree.setTimes("/from", { mtimeNanoseconds: 1n, atimeNanoseconds: 2n })
      yield* files.copy("/from", "/to", { overwrite: true, preserveTimestamps: true })
      const { atimeNanoseconds, mtimeNanoseconds } = yield* tree.lstat("/to")
      assert.deepStrictEqual([mtimeNanoseconds, atimeNanoseconds], [1n, 2n])
    }))

  it.effect("over a file does away with the one that was there, for all its other names", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.writeFileString("/from", "new")
      yield* files.writeFileString("/to", "old")
      yield* files.link("/to", "/other name")
      yield* files.copy("/from", "/to", { overwrite: true })
      assert.strictEqual(yield* files.readFileString("/other name"), "old")
    }))

  it.effect("of a tree makes what is missing above it by the umask, and each new directory like its own", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const files = EffectFileSystem.make(tree, { umask: 0o027 })
      const modeOf = (path: string) => Effect.map(files.stat(path), ({ mode }) => mode & 0o7777)
      yield* files.makeDirectory("/from/inner", { recursive: true })
      yield* files.writeFileString("/from/inner/file", "text")
      yield* files.chmod("/from", 0o1755)
      yield* files.chmod("/from/inner", 0o711)
      yield* files.copy("/from", "/new/above/to")
      const made = ["/new", "/new/above", "/new/above/to", "/new/above/to/inner"]
      assert.deepStrictEqual(yield* Effect.forEach(made, modeOf), [0o750, 0o750, 0o1755, 0o711])
      yield* files.chmod("/new/above/to", 0o700)
      yield* files.copy("/from", "/new/above/to")
      assert.strictEqual(yield* modeOf("/new/above/to"), 0o700)
      assert.strictEqual(yield* files.readFileString("/new/above/to/inner/file"), "text")
    }))

  it.effect("never goes into itself, by name, by symlink or by `..`; nor beside itself is that feared", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/from/inner", { recursive: true })
      yield* files.symlink("/from/inner", "/shortcut")
      const refused = "FileSystem.copy /from Unknown ERR_FS_CP_EINVAL"
      for (const to of ["/from", "/from/inner/x", "/shortcut/x/y", "/./from//inner/../x", "/other/../from/x"]) {
        assert.strictEqual(yield* outcome(files.copy("/from", to)), refused, to)
      }
      for (const to of ["/from beside", "/fro", "/from2/x/y", "to"]) {
        assert.strictEqual(yield* outcome(files.copy("/from", to)), "success", to)
      }
      // `//` is no directory above that would have to be made.
      assert.strictEqual(yield* outcome(files.copy("/shortcut", "//copied link")), "success")
    }))

  it.effect("is of like to like", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/from/thing", { recursive: true })
      yield* files.makeDirectory("/to")
      yield* files.writeFileString("/to/thing", "")
      const told = (code: string) => `FileSystem.copy /from Unknown ${code}`
      assert.strictEqual(yield* outcome(files.copy("/from", "/to")), told("ERR_FS_CP_DIR_TO_NON_DIR"))
      assert.strictEqual(
        yield* outcome(files.copy("/to/thing", "/from")),
        "FileSystem.copy /to/thing Unknown ERR_FS_CP_NON_DIR_TO_DIR"
      )
      yield* files.remove("/from/thing", { recursive: true })
      yield* files.writeFileString("/from/thing", "")
      yield* files.remove("/to/thing")
      yield* files.makeDirectory("/to/thing")
      assert.strictEqual(yield* outcome(files.copy("/from", "/to")), told("ERR_FS_CP_NON_DIR_TO_DIR"))
    }))

  it.effect("is of no FIFO and no socket", () =>
    Effect.gen(function*() {
      for (const [type, code] of [["fifo", "ERR_FS_CP_FIFO_PIPE"], ["socket", "ERR_FS_CP_SOCKET"]] as const) {
        const { files, tree } = machine()
        yield* tree.makeNode("/from", { type, mode: 0o600 })
        assert.strictEqual(yield* outcome(files.copy("/from", "/to")), `FileSystem.copy /from Unknown ${code}`)
        assert.isFalse(yield* files.exists("/to"))
      }
    }))

  describe("of a symlink", () => {
    const linked = Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/d/e/deep", { recursive: true })
      yield* files.writeFileString("/d/file", "")
      const copied = (target: string, to: string) =>
        Effect.gen(function*() {
          yield* files.remove("/d/e/link", { force: true })
          yield* files.symlink(target, "/d/e/link")
          return yield* outcome(files.copy("/d/e/link", to))
        })
      return { files, copied }
    })

    it.effect("leads to the same place, by an absolute path", () =>
      Effect.gen(function*() {
        const { copied, files } = yield* linked
        for (
          const [target, absolute] of [
            ["deep", "/d/e/deep"],
            ["../file", "/d/file"],
            ["./x/.././/y", "/d/e/y"],
            ["/d//file/", "/d//file/"],
            ["../..", "/"],
            ["../../../..", "/"]
          ] as const
        ) {
          yield* copied(target, "/copy")
          assert.strictEqual(yield* files.readLink("/copy"), absolute)
          yield* files.remove("/copy")
        }
      }))

    it.effect("takes another one's place, and no file's", () =>
      Effect.gen(function*() {
        const { copied, files } = yield* linked
        yield* files.symlink("d/file", "/there")
        assert.strictEqual(yield* copied("../file", "/there"), "success")
        assert.strictEqual(yield* files.readLink("/there"), "/d/file")
        assert.strictEqual(yield* copied("../file", "/d/file"), "FileSystem.copy /d/e/link AlreadyExists EEXIST")
      }))

    it.effect("does not take the place of one into the same directory, nor into one above or below", () =>
      Effect.gen(function*() {
        const { copied, files } = yield* linked
        const take = (target: string, place: string) =>
          Effect.gen(function*() {
            yield* files.remove("/there", { force: true })
            yield* files.symlink(place, "/there")
            return (yield* copied(target, "/there")).split(" ").at(-1)
          })
        assert.strictEqual(yield* take("deep", "d/e/deep"), "ERR_FS_CP_EINVAL")
        assert.strictEqual(yield* take("/d/e", "d/e/deep"), "ERR_FS_CP_EINVAL")
        assert.strictEqual(yield* take("/d/e/deep", "d/e"), "ERR_FS_CP_SYMLINK_TO_SUBDIRECTORY")
        assert.strictEqual(yield* take("/d/e/deep", "d/e/de"), "success")
        assert.strictEqual(yield* take("/d/e", "d/e2"), "success")
        // It is about directories alone.
        assert.strictEqual(yield* take("../file", "d/file"), "success")
      }))
  })
})

// ============================================================ temporary files and directories

describe("what is temporary", () => {
  it.effect("lies in /tmp under six letters and digits, for its owner alone", () =>
    Effect.gen(function*() {
      const { files } = machine()
      const directory = yield* files.makeTempDirectory()
      assert.match(directory, /^\/tmp\/[a-z0-9]{6}$/)
      assert.strictEqual((yield* files.stat(directory)).mode & 0o7777, 0o700)
      const file = yield* files.makeTempFile()
      assert.match(file, /^\/tmp\/[a-z0-9]{6}\/[a-z0-9]{6}$/)
      assert.strictEqual((yield* files.stat(file)).mode & 0o7777, 0o644)
    }))

  it.effect("is called by six letters and digits whatever is drawn", () =>
    Effect.gen(function*() {
      const lowest = { nextIntUnsafe: () => 0, nextDoubleUnsafe: () => 0 }
      const directory = machine().files.makeTempDirectory()
      assert.strictEqual(yield* Effect.provideService(directory, Random.Random, lowest), "/tmp/000000")
    }))

  it.effect("lies where it is told to, and is called so", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* files.makeDirectory("/here")
      const options = { directory: "/here/", prefix: "before ", suffix: " after" }
      assert.match(yield* files.makeTempDirectory(options), /^\/here\/before [a-z0-9]{6}$/)
      assert.match(yield* files.makeTempFile(options), /^\/here\/before [a-z0-9]{6}\/[a-z0-9]{6} after$/)
    }))

  it.effect("is drawn again where it is there already, a hundred times", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      let tries = 0
      const full = (times: number) =>
        EffectFileSystem.make({
          ...tree,
          makeDirectory: (path, mode) =>
            Effect.suspend(() =>
              ++tries <= times
                ? Effect.fail(new FileSystemError({ operation: "makeDirectory", path: String(path), code: "EEXIST" }))
                : tree.makeDirectory(path, mode)
            )
        })
      yield* full(99).makeTempDirectory()
      assert.strictEqual(tries, 100)
      tries = 0
      const refused = yield* outcome(full(Infinity).makeTempDirectory())
      assert.match(refused, /^FileSystem.makeTempDirectory \/tmp\/[a-z0-9]{6} AlreadyExists EEXIST$/)
      assert.strictEqual(tries, 100)
    }))

  it.effect("leaves no directory where the file in it cannot be made", () =>
    Effect.gen(function*() {
      const { files } = machine()
      assert.include(yield* outcome(files.makeTempFile({ suffix: "n".repeat(255) })), "ENAMETOOLONG")
      assert.deepStrictEqual(yield* files.readDirectory("/tmp"), [])
    }))

  it.effect("and scoped goes with all that is in it, also when that is gone already", () =>
    Effect.gen(function*() {
      const { files } = machine()
      yield* Effect.scoped(Effect.gen(function*() {
        const one = yield* files.makeTempDirectoryScoped()
        yield* files.writeFileString(`${one}/file`, "")
        yield* files.remove(yield* files.makeTempDirectoryScoped(), { recursive: true })
        const file = yield* files.makeTempFileScoped()
        yield* files.writeFileString(`${file} beside`, "")
      }))
      assert.deepStrictEqual(yield* files.readDirectory("/tmp"), [])
    }))

  it.effect("and scoped, where it cannot be removed, ends the scope with a defect that names the method", () =>
    Effect.gen(function*() {
      const { tree } = machine()
      const files = EffectFileSystem.make({
        ...tree,
        removeDirectory: (path) =>
          Effect.fail(new FileSystemError({ operation: "removeDirectory", path: String(path), code: "EBUSY" }))
      })
      for (const method of ["makeTempDirectoryScoped", "makeTempFileScoped"] as const) {
        const exit = yield* Effect.exit(Effect.scoped(files[method]()))
        assert.include(String(exit), `FileSystem.${method}`)
      }
    }))
})

it.effect("it is a layer over the port, with the umask that is wanted", () =>
  Effect.gen(function*() {
    const { tree } = machine()
    const made = Effect.flatMap(FileSystem.FileSystem, (files) =>
      Effect.andThen(files.makeDirectory("/d"), Effect.map(files.stat("/d"), ({ mode }) => mode & 0o7777)))
    const provided = made.pipe(
      Effect.provide(EffectFileSystem.layerWith({ umask: 0o077 })),
      Effect.provideService(TreeFileSystem, tree)
    )
    assert.strictEqual(yield* provided, 0o700)
  }))
