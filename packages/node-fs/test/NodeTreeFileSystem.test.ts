/** What the suite of the port cannot bring about: another umask, other users, older kernels, failures, threads. */
import { assert, describe, it } from "@effect/vitest"
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import { below, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as NodeTreeFileSystem from "@snapshotter/node-fs/NodeTreeFileSystem"
import { Effect, Exit, Fiber, type Scope } from "effect"
import * as fs from "node:fs"
// Internal, so not among the package's exports.
import { Descriptor } from "../src/internal/descriptor.ts"
import { ENOSYS, EOPNOTSUPP, EPERM, EROFS, Errno } from "../src/internal/errno.ts"
import { changeMode, settleMode } from "../src/internal/nameMode.ts"
import { openFile } from "../src/internal/opening.ts"
import { type Syscalls, syscalls } from "../src/internal/syscalls.ts"
import { asNobody, freshDirectory, freshDirectoryOfNobody, isRoot } from "./place.ts"

const test = (
  name: string,
  body: (tree: TreeFileSystem, directory: string) => Effect.Effect<void, unknown, Scope.Scope>
) =>
  it.live.skipIf(!isRoot)(name, () =>
    Effect.gen(function*() {
      yield* body(yield* TreeFileSystem, yield* freshDirectory)
    }).pipe(Effect.provide(NodeTreeFileSystem.layer)))

const codeOf = (attempt: Effect.Effect<unknown, FileSystemError>) =>
  Effect.match(attempt, { onFailure: ({ code }) => code, onSuccess: () => "ok" })

const opened = (tree: TreeFileSystem, path: string, opening: Parameters<TreeFileSystem["open"]>[1]) =>
  Effect.scoped(Effect.asVoid(tree.open(path, opening)))

const withUmask = <A, E, R>(umask: number, effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => process.umask(umask)),
    () => effect,
    (before) => Effect.sync(() => process.umask(before))
  )

const modeOf = (path: string): string => (fs.lstatSync(path).mode & 0o7777).toString(8)

const descriptors = (): number => fs.readdirSync("/proc/self/fd").length

/** The system calls as a kernel has them that refuses some. */
const refusing = (refused: Partial<Record<keyof Syscalls, number>>): Syscalls => {
  const calls = Object.entries(refused).map(([name, errno]) => [name, () => -errno])
  return { ...syscalls(), ...Object.fromEntries(calls) }
}

const terminated = (path: string): Buffer => Buffer.from(`${path}\0`)

describe("the umask", () => {
  for (const umask of [0, 0o022, 0o077, 0o777]) {
    test(`is of no matter: ${umask.toString(8)}`, (tree, directory) =>
      withUmask(
        umask,
        Effect.gen(function*() {
          const at = (name: string) => `${directory}/${name}`
          yield* tree.makeDirectory(at("directory"), 0o1777)
          yield* tree.setMode(at("directory"), 0o3777)
          yield* tree.makeDirectory(at("directory/below"), 0o757)
          yield* tree.makeNode(at("fifo"), { type: "fifo", mode: 0o666 })
          yield* tree.makeNode(at("device"), { type: "characterDevice", mode: 0o6666 })
          yield* opened(tree, at("file"), { create: 0o4777, write: true })
          yield* tree.symlink("target", at("link"))
          yield* opened(tree, at("link"), { create: 0o606, write: true })
          const names = ["directory", "directory/below", "fifo", "device", "file", "target", "link"]
          assert.deepStrictEqual(
            names.map((name) => modeOf(at(name))),
            ["3777", "2757", "666", "6666", "4777", "606", "777"]
          )
        })
      ))
  }
})

describe("an ordinary user", () => {
  test("is refused what is not his, by the errno of each call", (tree) =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      fs.chownSync(directory, 0, 0)
      const at = (name: string) => `${directory}/${name}`
      fs.chmodSync(directory, 0o755)
      fs.mkdirSync(at("closed"), { mode: 0o700 })
      fs.writeFileSync(at("file"), "text", { mode: 0o644 })
      fs.writeFileSync(at("secret"), "text", { mode: 0o600 })
      syscalls().setxattr(terminated(at("file")), terminated("trusted.a"), Buffer.from("x"), 1, 0)
      const expected: ReadonlyArray<readonly [string, Effect.Effect<unknown, FileSystemError>]> = [
        ["EACCES", tree.lstat(at("closed/x"))],
        ["EACCES", tree.readDirectory(at("closed"))],
        ["EACCES", tree.access(at("file"), { write: true })],
        ["ok", tree.access(at("secret"))],
        ["EACCES", opened(tree, at("secret"), { read: true })],
        ["EACCES", opened(tree, at("file"), { write: true })],
        ["EACCES", opened(tree, at("new"), { create: 0o644, write: true })],
        ["ok", opened(tree, at("file"), { create: 0o644, read: true })],
        ["EACCES", tree.truncate(at("file"), 0)],
        ["EACCES", tree.makeDirectory(at("new"), 0o755)],
        ["EEXIST", tree.makeDirectory(at("file"), 0o755)],
        ["EACCES", tree.removeFile(at("file"))],
        ["EACCES", tree.rename(at("file"), at("new"))],
        ["EPERM", tree.setMode(at("file"), 0o666)],
        ["EPERM", tree.setOwner(at("file"), { uid: 65_534 })],
        ["EPERM", tree.setTimes(at("file"), { mtimeNanoseconds: 0n })],
        ["EACCES", tree.setXattr(at("file"), "user.a", new Uint8Array(1))],
        ["EPERM", tree.setXattr(at("file"), "trusted.a", new Uint8Array(1))],
        ["ENODATA", tree.getXattr(at("file"), "trusted.a")]
      ]
      yield* asNobody(Effect.gen(function*() {
        const found = yield* Effect.forEach(expected, ([, attempt]) => codeOf(attempt))
        assert.deepStrictEqual(found, expected.map(([code]) => code))
        assert.notInclude(yield* tree.listXattrs(at("file")), "trusted.a")
      }))
      assert.include(yield* tree.listXattrs(at("file")), "trusted.a")
    }))

  test("makes no device, gives nothing away, and loses setuid by writing", (tree) =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      const at = (name: string) => `${directory}/${name}`
      yield* asNobody(Effect.gen(function*() {
        const device = { mode: 0o600, rdev: 259n, type: "characterDevice" } as const
        assert.strictEqual(yield* codeOf(tree.makeNode(at("device"), device)), "EPERM")
        yield* opened(tree, at("file"), { create: 0o4755, write: true })
        assert.strictEqual(modeOf(at("file")), "4755")
        assert.strictEqual(yield* codeOf(tree.setOwner(at("file"), { uid: 0 })), "EPERM")
        yield* Effect.scoped(
          Effect.flatMap(tree.open(at("file"), { write: true }), (file) => file.write(Uint8Array.of(1), 0))
        )
        assert.strictEqual(modeOf(at("file")), "755")
      }))
    }))
})

describe("devices", () => {
  test("are opened as what they are", (tree) =>
    Effect.gen(function*() {
      const zero = yield* tree.open("/dev/zero", { read: true })
      const into = new Uint8Array(200_000).fill(1)
      assert.strictEqual(yield* zero.read(into, 0), into.length)
      assert.isTrue(into.every((byte) => byte === 0))
      const full = yield* tree.open("/dev/full", { write: true })
      assert.strictEqual(yield* codeOf(full.write(Uint8Array.of(1), 0)), "ENOSPC")
      assert.strictEqual(yield* codeOf(full.write(new Uint8Array(100_000), 0)), "ENOSPC")
      assert.strictEqual((yield* tree.stat("/dev/null")).rdev, 259n)
    }))
})

describe("attributes", () => {
  test("whose names are not UTF-8 cannot be listed: EILSEQ", (tree, directory) =>
    Effect.gen(function*() {
      const name = Buffer.from("user.\xff\0", "latin1")
      assert.strictEqual(syscalls().setxattr(terminated(directory), name, Buffer.from("x"), 1, 0), 0)
      assert.strictEqual(yield* codeOf(tree.listXattrs(directory)), "EILSEQ")
    }))
})

describe("older kernels", () => {
  for (const errno of [ENOSYS, EPERM]) {
    test(`modes are changed without fchmodat2 (${errno}), and a symlink's is not`, (_, directory) =>
      Effect.sync(() => {
        const sys = refusing({ fchmodat2: errno })
        const before = descriptors()
        fs.writeFileSync(`${directory}/file`, "", { mode: 0o600 })
        fs.symlinkSync("file", `${directory}/link`)
        assert.strictEqual(changeMode(sys, terminated(`${directory}/file`), 0o4711), 0)
        assert.strictEqual(changeMode(sys, terminated(`${directory}/link`), 0o777), -EOPNOTSUPP)
        assert.strictEqual(modeOf(`${directory}/file`), "4711")
        assert.strictEqual(descriptors(), before)
      }))
  }
})

describe("what could not get its mode", () => {
  test("does not stay, by its name or where a symlink led", (_, directory) =>
    withUmask(
      0o077,
      Effect.sync(() => {
        const sys = refusing({ fchmod: EROFS })
        const before = descriptors()
        fs.symlinkSync("target", `${directory}/link`)
        for (const name of ["file", "link"]) {
          const open = () => openFile(sys, terminated(`${directory}/${name}`), { create: 0o666, write: true })
          assert.throws(open, Errno, "EROFS")
        }
        assert.deepStrictEqual(fs.readdirSync(directory), ["link"])
        assert.strictEqual(descriptors(), before)
      })
    ))

  test("is undone, as a directory or a node", (_, directory) =>
    Effect.sync(() => {
      let undone = 0
      const settle = () =>
        settleMode(refusing({ fchmodat2: EROFS }), terminated(directory), 0o777, 0o1777, () => undone++)
      assert.throws(settle, Errno, "EROFS")
      assert.strictEqual(undone, 1)
    }))
})

describe("threads", () => {
  test("a descriptor is closed when no thread works on it any more, and refuses from before", () =>
    Effect.gen(function*() {
      const closed: Array<number> = []
      const sys: Syscalls = { ...syscalls(), close: (fd) => closed.push(fd) }
      const descriptor = new Descriptor(sys, 4_242)
      const [one, other] = [descriptor.begin(), descriptor.begin()]
      const closing = yield* Effect.forkChild(descriptor.close, { startImmediately: true })
      assert.throws(() => descriptor.number, Errno, "EBADF")
      assert.throws(() => descriptor.begin(), Errno, "EBADF")
      one.end()
      assert.deepStrictEqual(closed, [])
      other.end()
      yield* Fiber.join(closing)
      assert.deepStrictEqual(closed, [4_242])
    }))

  test(
    "what is interrupted while it reads leaves memory and descriptors alone",
    (tree, directory) =>
      Effect.gen(function*() {
        fs.writeFileSync(`${directory}/file`, Buffer.alloc(20_000_000, 1))
        const before = descriptors()
        for (let i = 0; i < 10; i++) {
          const into = new Uint8Array(20_000_000)
          const reading = yield* Effect.forkChild(
            Effect.scoped(Effect.flatMap(tree.open(`${directory}/file`, { read: true }), (file) => file.read(into, 0)))
          )
          yield* Effect.sleep(i)
          yield* Fiber.interrupt(reading)
          assert.strictEqual(descriptors(), before)
          const read = into.lastIndexOf(1)
          yield* Effect.sleep("5 millis")
          assert.strictEqual(into.lastIndexOf(1), read)
        }
      })
  )

  test(
    "what is interrupted while it syncs has its file closed when that is over",
    (tree, directory) =>
      Effect.gen(function*() {
        const before = descriptors()
        const syncing = yield* Effect.forkChild(
          Effect.scoped(Effect.gen(function*() {
            const file = yield* tree.open(`${directory}/file`, { create: 0o644, write: true })
            yield* file.write(new Uint8Array(4_000_000), 0)
            yield* file.sync
          }))
        )
        yield* Effect.sleep("2 millis")
        yield* Fiber.interrupt(syncing)
        assert.strictEqual(descriptors(), before)
        assert.isTrue(Exit.isFailure(yield* Fiber.await(syncing)) || fs.existsSync(`${directory}/file`))
      })
  )

  test("long files are cut and removed there", (tree, directory) =>
    Effect.gen(function*() {
      const path = below(directory, Uint8Array.of(0xff))
      const write = () => fs.writeFileSync(Buffer.from(path as Uint8Array), Buffer.alloc(3_000_000, 1))
      write()
      yield* tree.truncate(path, 10)
      assert.strictEqual((yield* tree.lstat(path)).size, 10)
      write()
      const file = yield* tree.open(path, { write: true })
      yield* file.truncate(20)
      assert.strictEqual((yield* file.stat).size, 20)
      write()
      yield* tree.removeFile(path)
      assert.strictEqual(yield* codeOf(tree.lstat(path)), "ENOENT")
      assert.strictEqual((yield* file.stat).nlink, 0)
    }))
})
