import { assert, describe, it } from "@effect/vitest"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Effect, Fiber, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
// Internal, so not among the package's exports.
import { openBeneath, openDirectory } from "../src/internal/directory.ts"
import { syscalls } from "../src/internal/syscalls.ts"
import { freshDirectory, freshDirectoryOfNobody, isRoot } from "./place.ts"
import { asNobody, openDescriptors, run } from "./processes.ts"

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

/** Directories inside each other, far beyond what a path can say, each with a file. */
const makeDeep = (top: string, depth: number): void => {
  const sys = syscalls()
  fs.mkdirSync(top)
  let fd = openDirectory(sys, top)
  for (let i = 0; i < depth; i++) {
    assert.strictEqual(sys.mkdirat(fd, "d", 0o755), 0)
    const next = openBeneath(sys, fd, "d")
    assert.isAtLeast(next, 0)
    if (i % 100 === 0) assert.strictEqual(sys.symlinkat("x", next, "link"), 0)
    sys.close(fd)
    fd = next
  }
  sys.close(fd)
}

const immutable = (file: string) =>
  Effect.acquireRelease(
    Effect.sync(() => execFileSync("chattr", ["+i", file])),
    () => Effect.sync(() => execFileSync("chattr", ["-i", file]))
  )

describe("removeTree", () => {
  test(
    "removes 20,000 directories inside each other, and usage counts them, with few descriptors",
    (store, directory) =>
      Effect.gen(function*() {
        makeDeep(`${directory}/tree`, 20_000)
        const before = openDescriptors()
        let most = 0
        const watch = yield* Effect.forkChild(Effect.forever(Effect.suspend(() => {
          most = Math.max(most, openDescriptors() - before)
          return Effect.sleep("1 millis")
        })))
        assert.strictEqual((yield* store.usage(`${directory}/tree`)).inodes, 20_201)
        assert.deepStrictEqual(yield* store.removeTree(`${directory}/tree`), [])
        yield* Fiber.interrupt(watch)
        assert.deepStrictEqual(fs.readdirSync(directory), [])
        assert.isBelow(most, 80)
        assert.strictEqual(openDescriptors(), before)
      })
  )

  test("goes on where it was when a directory is moved away below it", (store, directory) =>
    Effect.gen(function*() {
      makeDeep(`${directory}/tree`, 300)
      const removing = yield* Effect.forkChild(store.removeTree(`${directory}/tree`))
      yield* Effect.yieldNow
      fs.mkdirSync(`${directory}/elsewhere`)
      if (fs.existsSync(`${directory}/tree/d/d/d`)) fs.renameSync(`${directory}/tree/d/d/d`, `${directory}/elsewhere/d`)
      yield* Fiber.join(removing)
      assert.isFalse(fs.existsSync(`${directory}/tree`))
    }))

  test("lets the thread go on meanwhile", (store, directory) =>
    Effect.gen(function*() {
      fs.mkdirSync(`${directory}/tree`)
      for (let i = 0; i < 5_000; i++) fs.writeFileSync(`${directory}/tree/${i}`, "")
      let turns = 0
      const count = () => {
        turns++
        immediate = setImmediate(count)
      }
      let immediate = setImmediate(count)
      yield* store.removeTree(`${directory}/tree`)
      clearImmediate(immediate)
      assert.isAbove(turns, 2)
    }))

  test(
    "removes large files, the last name of one and not the last of another",
    (store, directory) =>
      Effect.gen(function*() {
        fs.mkdirSync(`${directory}/tree`)
        for (let i = 0; i < 4; i++) fs.writeFileSync(`${directory}/tree/large${i}`, Buffer.alloc(3 << 20))
        fs.linkSync(`${directory}/tree/large0`, `${directory}/kept`)
        assert.deepStrictEqual(yield* store.removeTree(`${directory}/tree`), [])
        assert.deepStrictEqual(fs.readdirSync(directory), ["kept"])
        assert.strictEqual(fs.statSync(`${directory}/kept`).size, 3 << 20)
      })
  )

  test(
    "F71: leaves an immutable file with its parents, reports it, and removes the rest",
    (store, directory) =>
      Effect.gen(function*() {
        const tree = `${directory}/tree`
        fs.mkdirSync(`${tree}/a/b`, { recursive: true })
        for (const name of ["x", "a/x", "a/b/x", "a/b/fixed", "a/b/z"]) fs.writeFileSync(`${tree}/${name}`, "")
        yield* Effect.scoped(Effect.gen(function*() {
          yield* immutable(`${tree}/a/b/fixed`)
          assert.deepStrictEqual(yield* store.removeTree(tree), [{ path: `${tree}/a/b/fixed`, code: "EPERM" }])
        }))
        assert.deepStrictEqual(fs.readdirSync(tree, { recursive: true }).sort(), ["a", "a/b", "a/b/fixed"])
        assert.deepStrictEqual(yield* store.removeTree(tree), [])
      }),
    { root: true }
  )

  test("shows what has to stay with U+FFFD where its name is not UTF-8", (store, directory) =>
    Effect.gen(function*() {
      fs.mkdirSync(Buffer.from(`${directory}/tree\xff`, "latin1"))
      fs.writeFileSync(Buffer.from(`${directory}/tree\xff/fixed\xfe`, "latin1"), "")
      const flag = (how: string) => execFileSync("sh", ["-c", `chattr ${how} ${directory}/tree*/fixed*`])
      flag("+i")
      const left = yield* store.removeTree(directory)
      flag("-i")
      assert.deepStrictEqual(left, [{ path: `${directory}/tree\uFFFD/fixed\uFFFD`, code: "EPERM" }])
    }), { root: true })

  test(
    "leaves a file on which another is mounted, and reports it as a mount point",
    (store, directory) =>
      Effect.gen(function*() {
        fs.mkdirSync(`${directory}/tree`)
        for (const name of ["victim", "tree/mounted", "tree/other"]) fs.writeFileSync(`${directory}/${name}`, name)
        execFileSync("mount", ["--bind", `${directory}/victim`, `${directory}/tree/mounted`])
        const usage = yield* store.usage(`${directory}/tree`)
        const left = yield* store.removeTree(`${directory}/tree`)
        execFileSync("umount", [`${directory}/tree/mounted`])
        assert.strictEqual(usage.inodes, 2)
        assert.deepStrictEqual(left, [{ path: `${directory}/tree/mounted`, code: "EXDEV" }])
        assert.strictEqual(fs.readFileSync(`${directory}/victim`, "utf8"), "victim")
      }),
    { root: true }
  )

  test("leaves mount points at any depth where they are", (store, directory) =>
    Effect.gen(function*() {
      const deep = `${directory}/tree${"/d".repeat(150)}`
      fs.mkdirSync(`${deep}/mounted`, { recursive: true })
      fs.mkdirSync(`${directory}/victim`)
      fs.writeFileSync(`${directory}/victim/file`, "")
      for (let at = deep; at !== directory; at = path.dirname(at)) fs.writeFileSync(`${at}/file`, "")
      execFileSync("mount", ["--bind", `${directory}/victim`, `${deep}/mounted`])
      const left = yield* store.removeTree(`${directory}/tree`)
      const names = fs.readdirSync(`${directory}/tree`, { recursive: true })
      execFileSync("umount", [`${deep}/mounted`])
      assert.deepStrictEqual(left, [{ path: `${deep}/mounted`, code: "EXDEV" }])
      assert.strictEqual(names.length, 152)
      assert.deepStrictEqual(fs.readdirSync(`${directory}/victim`), ["file"])
      assert.deepStrictEqual(yield* store.removeTree(`${directory}/tree`), [])
    }), { root: true })

  test("fails as a whole where nothing can be removed at all", (store, directory) =>
    Effect.gen(function*() {
      fs.mkdirSync(`${directory}/medium`)
      execFileSync("mount", ["-t", "tmpfs", "none", `${directory}/medium`])
      fs.mkdirSync(`${directory}/medium/tree/a`, { recursive: true })
      execFileSync("mount", ["-o", "remount,ro", `${directory}/medium`])
      const error = yield* Effect.flip(store.removeTree(`${directory}/medium/tree`))
      execFileSync("umount", [`${directory}/medium`])
      assert.strictEqual(error.code, "EROFS")
    }), { root: true })

  it.live.skipIf(!isRoot)(
    "as an ordinary user removes directories of mode 0000 and 0555, and their contents",
    () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectoryOfNobody
        const script =
          `cd ${directory} && mkdir -p tree/work/work tree/closed/in/it tree/fixed/in tree/unsearchable/in && ` +
          "touch tree/closed/in/file tree/fixed/file tree/fixed/in/file && " +
          "touch tree/unsearchable/file tree/unsearchable/in/file && " +
          "chmod 000 tree/work/work tree/closed/in tree/closed && chmod 555 tree/fixed/in tree/fixed && " +
          "chmod 444 tree/unsearchable/in tree/unsearchable && chmod 555 tree"
        execFileSync("su", ["nobody", "-s", "/bin/sh", "-c", script])
        assert.deepStrictEqual(run(asNobody, "removeTree", { path: `${directory}/tree` }), [])
        assert.deepStrictEqual(fs.readdirSync(directory), [])
      })
  )

  it.live.skipIf(!isRoot)(
    "as an ordinary user leaves what belongs to others, and reports it",
    () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectoryOfNobody
        fs.mkdirSync(`${directory}/tree/others`, { recursive: true })
        fs.chownSync(`${directory}/tree`, 65_534, 65_534)
        fs.writeFileSync(`${directory}/tree/others/file`, "")
        fs.writeFileSync(`${directory}/tree/own`, "")
        const left = run(asNobody, "removeTree", { path: `${directory}/tree` })
        assert.deepStrictEqual(left, [{ path: `${directory}/tree/others/file`, code: "EACCES" }])
        assert.deepStrictEqual(fs.readdirSync(`${directory}/tree`), ["others"])
      })
  )
})
