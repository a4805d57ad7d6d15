import { assert, describe, it } from "@effect/vitest"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Cause, Effect, Exit, Fiber, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as net from "node:net"
// Internal, so not among the package's exports.
import { openDirectory } from "../src/internal/directory.ts"
import { Errno } from "../src/internal/errno.ts"
import { FileSystemSync } from "../src/internal/fileSystemSync.ts"
import { type Syscalls, syscalls } from "../src/internal/syscalls.ts"
import { freshDirectory, freshDirectoryOfNobody, isRoot } from "./place.ts"
import { asIs, asNobody, hold, openDescriptors, run, withUmask } from "./processes.ts"

/** A test with the file system and a fresh directory. */
const test = <E>(
  name: string,
  body: (store: StoreFileSystem, directory: string) => Effect.Effect<void, E, Scope.Scope>,
  options: { readonly root?: boolean } = {}
) =>
  it.live.skipIf(options.root === true && !isRoot)(name, () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectory
      yield* body(yield* StoreFileSystem, directory)
    }).pipe(Effect.provide(NodeStoreFileSystem.layer)))

const bytes = (...parts: ReadonlyArray<string>): Buffer => Buffer.from(parts.join(""), "latin1")

const codeOf = <A>(attempt: Effect.Effect<A, { readonly code: string }>) =>
  Effect.map(Effect.flip(attempt), ({ code }) => code)

// ============================================================ making and reading

describe("making", () => {
  for (const umask of ["000", "022", "077", "777"]) {
    test(`F109: modes are exact with the umask ${umask}`, (_, directory) =>
      Effect.sync(() => {
        assert.strictEqual(run(withUmask(umask), "make", { path: directory }), "made")
        for (const name of fs.readdirSync(directory)) {
          const mode = fs.lstatSync(`${directory}/${name}`).mode & 0o7777
          assert.strictEqual(mode.toString(8), name.split("-")[1], name)
        }
        assert.strictEqual(fs.readdirSync(directory).length, 10)
      }), { root: umask === "777" })
  }
})

describe("what is not UTF-8", () => {
  test("is EILSEQ where text would have to be made of it", (store, directory) =>
    Effect.gen(function*() {
      fs.writeFileSync(`${directory}/file`, bytes("a\xffb"))
      fs.symlinkSync(bytes("x\xff"), `${directory}/link`)
      fs.mkdirSync(bytes(`${directory}/d\xff`))
      fs.symlinkSync(bytes("d\xff"), `${directory}/through`)
      assert.strictEqual(yield* codeOf(store.readFile(`${directory}/file`)), "EILSEQ")
      assert.strictEqual(yield* codeOf(store.readLink(`${directory}/link`)), "EILSEQ")
      assert.strictEqual(yield* codeOf(store.realPath(`${directory}/through`)), "EILSEQ")
    }))

  test(
    "F38: names that no text can carry are counted, removed, and shown with U+FFFD",
    (store, directory) =>
      Effect.gen(function*() {
        const top = `${directory}/tree`
        fs.mkdirSync(top)
        fs.mkdirSync(bytes(`${top}/a\xffb`))
        fs.writeFileSync(bytes(`${top}/\xff`), "")
        fs.writeFileSync(`${top}/\uFFFD`, "")
        fs.writeFileSync(bytes(`${top}/a\xffb/c\xfe`), "")
        fs.symlinkSync(bytes("\xff"), bytes(`${top}/a\xffb/l\xfe`))
        assert.strictEqual((yield* store.usage(top)).inodes, 6)
        assert.deepStrictEqual(yield* store.removeTree(top), [])
        assert.deepStrictEqual(fs.readdirSync(directory), [])
      })
  )
})

describe("text that is no path", () => {
  test(
    "is EINVAL with a NUL in it, and ENAMETOOLONG beyond what the kernel takes",
    (store, directory) =>
      Effect.gen(function*() {
        const bad = [[`${directory}/a\0b`, "EINVAL"], [`${directory}/${"x/".repeat(3_000)}`, "ENAMETOOLONG"]] as const
        for (const [path, code] of bad) {
          assert.strictEqual(yield* codeOf(store.lstat(path)), code)
          assert.strictEqual(yield* codeOf(store.makeDirectory(path, 0o700)), code)
          assert.strictEqual(yield* codeOf(store.moveNoReplace(directory, path)), code)
          assert.strictEqual(yield* codeOf(store.symlink(path, `${directory}/link`)), code)
          assert.strictEqual(yield* codeOf(store.removeTree(path)), code)
          assert.strictEqual(yield* codeOf(store.usage(path)), code)
        }
        assert.deepStrictEqual(fs.readdirSync(directory), [])
      })
  )
})

// ============================================================ attributes

const setXattr = (path: string, name: string, value: string) => {
  const fd = openDirectory(syscalls(), path)
  assert.strictEqual(syscalls().fsetxattr(fd, name, Buffer.from(value), value.length, 0), 0)
  syscalls().close(fd)
}

const xattrNames = (path: string): ReadonlyArray<string> => {
  const fd = openDirectory(syscalls(), path)
  const into = Buffer.alloc(4_096)
  const names = into.toString("latin1", 0, Math.max(0, syscalls().flistxattr(fd, into, into.length)))
  syscalls().close(fd)
  return names.split("\0").filter((name) => name !== "").sort()
}

describe("attributes of directories", () => {
  test(
    "F36: are copied: mode, owner, times to the nanosecond, extended ones but overlay's",
    (store, directory) =>
      Effect.gen(function*() {
        const [from, to] = [`${directory}/from`, `${directory}/to`]
        fs.mkdirSync(from)
        fs.mkdirSync(to)
        for (const name of ["user.a", "trusted.b", "trusted.overlay.opaque", "user.overlay.opaque"]) {
          setXattr(from, name, "y")
        }
        setXattr(to, "user.a", "old")
        setXattr(to, "user.extra", "x")
        fs.chownSync(from, 1_000, 1_001)
        fs.chmodSync(from, 0o1711)
        execFileSync("touch", ["-a", "-d", "1969-12-31T23:59:58.123456789Z", from])
        execFileSync("touch", ["-m", "-d", "2001-02-03T04:05:06.987654321Z", from])
        yield* store.copyDirectoryAttributes(from, to)
        const [a, b] = [fs.statSync(from, { bigint: true }), fs.statSync(to, { bigint: true })]
        assert.deepStrictEqual(
          [b.mode, b.uid, b.gid, b.atimeNs, b.mtimeNs],
          [a.mode, a.uid, a.gid, a.atimeNs, a.mtimeNs]
        )
        assert.strictEqual(b.mtimeNs, 981_173_106_987_654_321n)
        assert.deepStrictEqual(xattrNames(to), ["trusted.b", "user.a"])
      }),
    { root: true }
  )

  test("overlayXattrs leaves no attribute behind", (store, directory) =>
    Effect.gen(function*() {
      yield* store.overlayXattrs(directory)
      assert.deepStrictEqual(xattrNames(directory), [])
    }))

  it.live.skipIf(!isRoot)("overlayXattrs is trusted for root, user for an ordinary user", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      assert.strictEqual(run(asIs, "overlayXattrs", { path: directory }), "trusted")
      assert.strictEqual(run(asNobody, "overlayXattrs", { path: directory }), "user")
    }))

  test("fileSystemType names what is mounted there", (store) =>
    Effect.gen(function*() {
      assert.strictEqual(yield* store.fileSystemType("/proc"), "proc")
      assert.strictEqual(yield* store.fileSystemType("/sys"), "sysfs")
    }))
})

// ============================================================ measuring

describe("usage", () => {
  test("F58: counts each inode once, however many names it has", (store, directory) =>
    Effect.gen(function*() {
      fs.mkdirSync(`${directory}/d`)
      fs.writeFileSync(`${directory}/file`, "x".repeat(1 << 20))
      for (const name of ["link1", "link2", "d/link3"]) fs.linkSync(`${directory}/file`, `${directory}/${name}`)
      const blocks = ["", "/d", "/file"].map((name) => fs.lstatSync(directory + name).blocks)
      assert.deepStrictEqual(yield* store.usage(directory), { bytes: blocks.reduce((a, b) => a + b) * 512, inodes: 3 })
    }))

  test("F62: counts a sparse file by its blocks", (store, directory) =>
    Effect.gen(function*() {
      const fd = fs.openSync(`${directory}/sparse`, "w")
      fs.ftruncateSync(fd, 2 ** 40)
      fs.writeSync(fd, "x".repeat(4_096), 2 ** 39)
      fs.closeSync(fd)
      assert.isBelow((yield* store.usage(directory)).bytes, 100_000)
    }))

  test(
    "F91, F92: counts FIFOs, sockets and devices without opening them",
    (store, directory) =>
      Effect.gen(function*() {
        execFileSync("mkfifo", [`${directory}/fifo`])
        if (isRoot) execFileSync("mknod", [`${directory}/device`, "c", "0", "0"])
        const server = net.createServer()
        yield* Effect.acquireRelease(
          Effect.promise(() => new Promise<void>((resolve) => server.listen(`${directory}/socket`, resolve))),
          () => Effect.promise(() => new Promise((resolve) => server.close(resolve)))
        )
        assert.strictEqual((yield* store.usage(directory)).inodes, isRoot ? 4 : 3)
      })
  )
})

// ============================================================ syncing

describe("sync", () => {
  test("F92: does not open a FIFO", (store, directory) =>
    Effect.gen(function*() {
      execFileSync("mkfifo", [`${directory}/fifo`])
      yield* store.sync([{ kind: "file", path: `${directory}/fifo` }])
      yield* store.sync([{ kind: "tree", path: directory }])
    }))

  test("takes a symlink as what it is", (store, directory) =>
    Effect.gen(function*() {
      fs.symlinkSync("nowhere", `${directory}/link`)
      yield* store.sync([{ kind: "file", path: `${directory}/link` }])
    }))

  it.live("one syncfs runs at a time, and those who ask meanwhile share the next", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectory
      const dev = fs.statSync(directory, { bigint: true }).dev
      const waiting: Array<(result: number) => void> = []
      const sys = { ...syscalls(), syncfsLater: (_: number, done: (result: number) => void) => void waiting.push(done) }
      const sync = new FileSystemSync()
      const oneIsAsked = Effect.promise(async () => {
        while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
      })
      const first = yield* Effect.forkChild(sync.sync(sys, dev, directory), { startImmediately: true })
      // Who asks in the same turn of the event loop is covered by the first as well; these are too late.
      yield* oneIsAsked
      const others = yield* Effect.forEach(Array.from({ length: 50 }), () =>
        Effect.forkChild(sync.sync(sys, dev, directory), { startImmediately: true }))
      assert.strictEqual(waiting.length, 1)
      waiting.shift()?.(0)
      yield* Fiber.join(first)
      yield* oneIsAsked
      assert.strictEqual(waiting.length, 1)
      waiting.shift()?.(-5)
      const outcomes = yield* Effect.forEach(others, (fiber) =>
        Effect.flip(Fiber.join(fiber)))
      assert.deepStrictEqual([...new Set(outcomes.map(({ code }) => code))], ["EIO"])
      assert.strictEqual(waiting.length, 0)
      yield* sync.close
    }))

  test(
    "what fails when all who asked were interrupted is told to whoever asks next, and once",
    (_, directory) =>
      Effect.gen(function*() {
        const results = [-5, 0, 0]
        let asked = 0
        const begun = Effect.promise(async () => {
          while (waiting.length === 0) await new Promise((resolve) => setImmediate(resolve))
        })
        const waiting: Array<() => void> = []
        const sys: Syscalls = {
          ...syscalls(),
          syncfsLater: (_, done) => waiting.push(() => done(results[asked++] ?? 0))
        }
        const { dev } = fs.statSync(directory, { bigint: true })
        const sync = new FileSystemSync()
        const next = Effect.gen(function*() {
          const fiber = yield* Effect.forkChild(Effect.exit(sync.sync(sys, dev, directory)), { startImmediately: true })
          yield* begun
          return fiber
        })
        yield* Fiber.interrupt(yield* next)
        // The kernel says it now, and will not say it again.
        waiting.shift()?.()
        for (const expected of ["EIO", undefined]) {
          const fiber = yield* next
          waiting.shift()?.()
          const exit = yield* Fiber.join(fiber)
          const code = Exit.isSuccess(exit) ? undefined : Cause.squash(exit.cause)
          assert.strictEqual(code instanceof Errno ? code.code : code, expected)
        }
        yield* sync.close
      })
  )
})

// ============================================================ locks and descriptors

describe("locks", () => {
  test(
    "F10: exclude other processes, and end with a process that is killed",
    (store, directory) =>
      Effect.gen(function*() {
        const holding = yield* hold(asIs, "lock", { path: directory })
        assert.strictEqual(holding.said, true)
        assert.isUndefined(yield* store.tryLock(directory))
        yield* holding.kill
        const lock = yield* store.tryLock(directory)
        assert.isDefined(lock)
        assert.strictEqual((yield* hold(asIs, "lock", { path: directory })).said, false)
        if (lock !== undefined) yield* lock.release
      })
  )
})

describe("descriptors", () => {
  it.live("none is left open, whatever succeeds or fails", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectory
      const before = openDescriptors()
      yield* Effect.provide(useAll(directory), NodeStoreFileSystem.layer)
      assert.strictEqual(openDescriptors(), before)
    }))
})

const useAll = Effect.fnUntraced(function*(directory: string) {
  const store = yield* StoreFileSystem
  for (let i = 0; i < 20; i++) {
    const path = `${directory}/d${i}`
    const attempts: ReadonlyArray<Effect.Effect<unknown, unknown>> = [
      store.makeDirectory(path, 0o755),
      store.writeFile(`${path}/file`, "text", 0o644),
      store.writeFile(`${path}/file`, "text", 0o644),
      store.readFile(`${path}/file`),
      store.readFile(path),
      store.readDirectory(path),
      store.readDirectory(`${path}/file`),
      store.copyDirectoryAttributes(path, `${path}/file`),
      store.copyDirectoryAttributes(directory, path),
      store.overlayXattrs(path),
      store.tryLock(`${path}/file`),
      Effect.flatMap(store.tryLock(path), (lock) => Effect.andThen(store.tryLock(path), lock?.release ?? Effect.void)),
      store.sync([{ kind: "directory", path }]),
      store.sync([{ kind: "tree", path }, { kind: "file", path: `${path}/file` }]),
      store.usage(path),
      store.usage(`${path}/file`),
      Effect.flatMap(Effect.forkChild(store.usage(directory), { startImmediately: true }), Fiber.interrupt),
      Effect.flatMap(Effect.forkChild(store.removeTree(path), { startImmediately: true }), Fiber.interrupt),
      store.removeTree(path)
    ]
    for (const attempt of attempts) yield* Effect.ignore(attempt)
  }
})
