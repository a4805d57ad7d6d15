/** What the port's suite cannot reach: where memfs departs from Linux, hard links, attributes, mount points. */
import { assert, it } from "@effect/vitest"
import type { FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, type FileSystem } from "effect"
import type { Volume } from "memfs"
import { describe } from "vitest"
import { setTimes, timesOf, xattrsOf } from "../src/internal/inode.ts"
import { locate } from "../src/internal/lookup.ts"
import { insidesOf } from "../src/internal/volume.ts"

interface Machine {
  readonly volume: MemoryVolume.MemoryVolume
  readonly store: StoreFileSystem
  readonly files: FileSystem.FileSystem
}

const machine = (): Machine => {
  const volume = MemoryVolume.make()
  return { volume, store: MemoryStoreFileSystem.make(volume), files: MemoryFileSystem.make(volume) }
}

const bind = (source: string, options = ["rw", "rbind"]) => [{ type: "bind" as const, source, options }]

// === departures

interface Departure {
  readonly name: string
  /** What memfs does by itself, and what it answers: a departure that has gone need not be corrected any more. */
  readonly memfs: (volume: Volume) => unknown
  readonly memfsAnswers: string
  readonly ours: (machine: Machine) => Effect.Effect<unknown, unknown>
  readonly linuxAnswers: string
}

/** In `/tmp`: the directories `full` and `empty`, the file `file`, and `link`, which leads to `full`. */
const furnished = Effect.gen(function*() {
  const made = machine()
  yield* made.store.makeDirectory("/tmp/full", 0o755)
  yield* made.store.writeFile("/tmp/full/inner", "inner", 0o644)
  yield* made.store.makeDirectory("/tmp/empty", 0o755)
  yield* made.store.writeFile("/tmp/file", "text", 0o644)
  yield* made.store.symlink("full", "/tmp/link")
  return made
})

const departures: ReadonlyArray<Departure> = [
  {
    name: "rename onto a directory that is not empty",
    memfs: (volume) => volume.renameSync("/tmp/empty", "/tmp/full"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.rename("/tmp/empty", "/tmp/full"),
    linuxAnswers: "ENOTEMPTY"
  },
  {
    name: "rename of a directory into itself",
    memfs: (volume) => volume.renameSync("/tmp/full", "/tmp/full/x"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.rename("/tmp/full", "/tmp/full/x"),
    linuxAnswers: "EINVAL"
  },
  {
    name: "rename of a file over a directory",
    memfs: (volume) => volume.renameSync("/tmp/file", "/tmp/empty"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.rename("/tmp/file", "/tmp/empty"),
    linuxAnswers: "EISDIR"
  },
  {
    name: "rename of a directory over a file",
    memfs: (volume) => volume.renameSync("/tmp/empty", "/tmp/file"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.rename("/tmp/empty", "/tmp/file"),
    linuxAnswers: "ENOTDIR"
  },
  {
    name: "link of a directory",
    memfs: (volume) => volume.linkSync("/tmp/full", "/tmp/again"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.link("/tmp/full", "/tmp/again"),
    linuxAnswers: "EPERM"
  },
  {
    name: "unlink of a directory",
    memfs: (volume) => volume.unlinkSync("/tmp/full"),
    memfsAnswers: "EPERM",
    ours: ({ store }) => store.removeFile("/tmp/full"),
    linuxAnswers: "EISDIR"
  },
  {
    name: "mkdir in a directory that a symlink leads to",
    memfs: (volume) => volume.mkdirSync("/tmp/link/x"),
    memfsAnswers: "ENOTDIR",
    ours: ({ store }) => store.makeDirectory("/tmp/link/x", 0o755),
    linuxAnswers: "succeeds"
  },
  {
    name: "`..` of a name that is missing",
    memfs: (volume) => volume.readFileSync("/tmp/missing/../file"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.readFile("/tmp/missing/../file"),
    linuxAnswers: "ENOENT"
  },
  {
    name: "a slash after a file",
    memfs: (volume) => volume.lstatSync("/tmp/file/"),
    memfsAnswers: "succeeds",
    ours: ({ files }) => files.lstat("/tmp/file/"),
    linuxAnswers: "ENOTDIR"
  },
  {
    name: "a name of 300 bytes",
    memfs: (volume) => volume.mkdirSync(`/tmp/${"x".repeat(300)}`),
    memfsAnswers: "succeeds",
    ours: ({ store }) => store.makeDirectory(`/tmp/${"x".repeat(300)}`, 0o755),
    linuxAnswers: "ENAMETOOLONG"
  },
  {
    name: "reading what nobody may read, as root",
    memfs: (volume) => {
      volume.chmodSync("/tmp/file", 0)
      volume.readFileSync("/tmp/file")
    },
    memfsAnswers: "EACCES",
    ours: ({ files }) => Effect.andThen(files.chmod("/tmp/file", 0), files.readFile("/tmp/file")),
    linuxAnswers: "succeeds"
  }
]

const codeIn = (error: unknown): string => {
  const text = JSON.stringify(error, (_, value: unknown) => value instanceof Error ? { ...value } : value)
  return /"code":"(\w+)"/.exec(text)?.[1] ?? text
}

describe("memfs does one thing and Linux another, and ours is Linux's", () => {
  for (const { linuxAnswers, memfs, memfsAnswers, name, ours } of departures) {
    it.effect(`${name}: memfs ${memfsAnswers}, Linux ${linuxAnswers}`, () =>
      Effect.gen(function*() {
        const { volume } = yield* furnished
        const alone = yield* Effect.match(Effect.try({ try: () => memfs(volume.memfs), catch: codeIn }), {
          onFailure: (code) => code,
          onSuccess: () => "succeeds"
        })
        assert.strictEqual(alone, memfsAnswers, "memfs")
        const corrected = yield* Effect.match(ours(yield* furnished), {
          onFailure: codeIn,
          onSuccess: () => "succeeds"
        })
        assert.strictEqual(corrected, linuxAnswers, "ours")
      }))
  }
})

it.effect("an inode number is never given out again", () =>
  Effect.gen(function*() {
    const { store } = machine()
    const seen = new Set<bigint | undefined>()
    for (let i = 0; i < 10; i++) {
      yield* store.writeFile("/tmp/file", "", 0o644)
      seen.add((yield* store.lstat("/tmp/file"))?.ino)
      yield* store.removeFile("/tmp/file")
    }
    assert.strictEqual(seen.size, 10)
  }))

it.effect("chmod leaves the modification time alone", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    yield* files.utimes("/tmp/file", 1, 2)
    yield* files.chmod("/tmp/file", 0o600)
    assert.deepStrictEqual((yield* files.stat("/tmp/file")).mtime, (yield* files.lstat("/tmp/file")).mtime)
    assert.include(JSON.stringify((yield* files.stat("/tmp/file")).mtime), "1970-01-01T00:00:02")
  }))

// === hard links

it.effect("replacing a file lowers its link count, and names of one inode stay as they are", () =>
  Effect.gen(function*() {
    const { files, store } = yield* furnished
    yield* files.link("/tmp/file", "/tmp/second")
    yield* files.rename("/tmp/file", "/tmp/second")
    assert.strictEqual((yield* store.lstat("/tmp/file"))?.nlink, 2)
    yield* store.writeFile("/tmp/other", "other", 0o644)
    yield* files.rename("/tmp/other", "/tmp/second")
    assert.strictEqual((yield* store.lstat("/tmp/file"))?.nlink, 1)
  }))

it.effect("usage counts an inode once, however many names it has", () =>
  Effect.gen(function*() {
    const { files, store } = yield* furnished
    const before = yield* store.usage("/tmp/full")
    yield* files.link("/tmp/full/inner", "/tmp/full/again")
    assert.deepStrictEqual(yield* store.usage("/tmp/full"), before)
    yield* files.link("/tmp/file", "/tmp/full/outer")
    assert.deepStrictEqual(yield* store.usage("/tmp/full"), { bytes: before.bytes + 4096, inodes: before.inodes + 1 })
  }))

// === attributes

it.effect("copyDirectoryAttributes copies owner, nanoseconds and attributes, but none of overlay's", () =>
  Effect.gen(function*() {
    const { files, store, volume } = yield* furnished
    const inodeAt = (path: string) => locate(insidesOf(volume), path, false).link.getNode()
    const [from, to] = [inodeAt("/tmp/full"), inodeAt("/tmp/empty")]
    yield* files.chown("/tmp/full", 1000, 1001)
    for (const name of ["user.a", "trusted.overlay.opaque", "user.overlay.opaque"]) {
      xattrsOf(from).set(name, Uint8Array.of(1))
    }
    const times = { atimeNanoseconds: 1_000_000_001n, mtimeNanoseconds: 1_700_000_000_123_456_789n }
    setTimes(from, times)
    yield* store.copyDirectoryAttributes("/tmp/full", "/tmp/empty")
    assert.deepStrictEqual([to.uid, to.gid], [1000, 1001])
    assert.deepStrictEqual([...xattrsOf(to).keys()], ["user.a"])
    assert.deepStrictEqual(timesOf(to), times)
    yield* store.writeFile("/tmp/empty/new", "", 0o644)
    assert.notStrictEqual(timesOf(to).mtimeNanoseconds, times.mtimeNanoseconds)
  }))

it.effect("readFile of what is not UTF-8 is EILSEQ", () =>
  Effect.gen(function*() {
    const { files, store } = machine()
    yield* files.writeFile("/tmp/bytes", Uint8Array.of(0xff))
    assert.strictEqual((yield* Effect.flip(store.readFile("/tmp/bytes"))).code, "EILSEQ")
  }))

// === mount points

it.effect("removeTree enters no mount point: it goes on with the rest and reports", () =>
  Effect.gen(function*() {
    const { store, volume } = yield* furnished
    const mounter = MemoryMounter.make(volume)
    yield* store.makeDirectory("/tmp/empty/a", 0o755)
    yield* store.makeDirectory("/tmp/empty/a/target", 0o755)
    yield* store.makeDirectory("/tmp/empty/b", 0o755)
    yield* mounter.mount(bind("/tmp/full"), "/tmp/empty/a/target")
    assert.deepStrictEqual(yield* store.removeTree("/tmp/empty"), [{ path: "/tmp/empty/a/target", code: "EXDEV" }])
    assert.deepStrictEqual(yield* store.readDirectory("/tmp/empty"), ["a"])
    assert.strictEqual(yield* store.readFile("/tmp/full/inner"), "inner")
    assert.deepStrictEqual(yield* store.removeTree("/tmp/empty/a/target"), [
      { path: "/tmp/empty/a/target", code: "EXDEV" }
    ])
    yield* mounter.unmount("/tmp/empty/a/target")
    assert.deepStrictEqual(yield* store.removeTree("/tmp/empty"), [])
  }).pipe(Effect.scoped))

it.effect("removeTree leaves a directory on which something is mounted elsewhere, and empties it", () =>
  Effect.gen(function*() {
    const { files, store, volume } = yield* furnished
    const mounter = MemoryMounter.make(volume)
    yield* store.makeDirectory("/tmp/full/target", 0o755)
    yield* store.writeFile("/tmp/full/target/covered", "", 0o644)
    yield* mounter.mount(bind("/tmp/full"), "/tmp/empty")
    yield* store.makeDirectory("/tmp/shown", 0o755)
    yield* mounter.mount(bind("/tmp/shown"), "/tmp/empty/target")
    assert.deepStrictEqual(yield* store.removeTree("/tmp/full"), [{ path: "/tmp/full/target", code: "EBUSY" }])
    assert.isFalse(yield* files.exists("/tmp/full/target/covered"))
  }).pipe(Effect.scoped))

it.effect("usage leaves out what is mounted below", () =>
  Effect.gen(function*() {
    const { store, volume } = yield* furnished
    yield* store.makeDirectory("/tmp/empty/target", 0o755)
    const alone = yield* store.usage("/tmp/empty")
    assert.strictEqual(alone.inodes, 2)
    yield* MemoryMounter.make(volume).mount(bind("/tmp/full"), "/tmp/empty/target")
    assert.strictEqual((yield* store.usage("/tmp/empty")).inodes, 1)
  }).pipe(Effect.scoped))

it.effect("a read-only root refuses every change with EROFS", () =>
  Effect.gen(function*() {
    const { store, volume } = yield* furnished
    yield* MemoryMounter.make(volume).mount(bind("/tmp/full", ["ro", "rbind"]), "/tmp/empty")
    const changes: ReadonlyArray<Effect.Effect<unknown, FileSystemError>> = [
      store.makeDirectory("/tmp/empty/x", 0o755),
      store.writeFile("/tmp/empty/x", "", 0o644),
      store.symlink("x", "/tmp/empty/x"),
      store.setMode("/tmp/empty", 0o755),
      store.exchange("/tmp/empty/inner", "/tmp/empty/inner"),
      store.moveNoReplace("/tmp/empty/inner", "/tmp/empty/x"),
      store.removeFile("/tmp/empty/inner"),
      store.removeTree("/tmp/empty/inner"),
      store.copyDirectoryAttributes("/tmp", "/tmp/empty")
    ]
    for (const change of changes) assert.strictEqual((yield* Effect.flip(change)).code, "EROFS")
    assert.isDefined(yield* store.tryLock("/tmp/empty"))
  }).pipe(Effect.scoped))
