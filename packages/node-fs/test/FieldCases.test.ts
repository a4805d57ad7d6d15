/**
 * What went wrong for others, silently, and must not here: each case on the real backend, by the number under which it was
 * collected. Those that hold for every backend are in the suites that both run.
 */
import { Fork } from "@snapshotter/core"
import { overlayOptions } from "@snapshotter/core/Mount"
import { Mounter } from "@snapshotter/core/Mounter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { type CreateOptions, make, Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Context, Effect, Exit, Fiber, Layer, Scope, Stream } from "effect"
import { execFileSync, spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import * as fs from "node:fs"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { freshDirectory, isRoot, openMounts } from "./place.ts"
import { asIs, asNobody, hold, inMountNamespace } from "./processes.ts"

const key = Key.make
const name = Name.make

interface Bench {
  readonly directory: string
  readonly root: string
  readonly store: Snapshotter
  readonly mounter: Mounter
  /** Opens the store as another process would, until the scope closes. */
  readonly open: (options?: Partial<SnapshotterOptions>) => Effect.Effect<Snapshotter, never, Scope.Scope>
  /** Lets `use` work in a new fork, and commits what it left. */
  readonly build: (as: string, parent: string | undefined, use: (directory: string) => void) => Effect.Effect<void>
  /** What `use` sees in a view. */
  readonly look: <A>(parent: string, use: (directory: string) => A) => Effect.Effect<A>
  /** Mounted on a directory of its own, until the scope closes. */
  readonly mount: (key: string) => Effect.Effect<string, never, Scope.Scope>
}

const openStore = (options: SnapshotterOptions) =>
  Effect.orDie(
    Effect.map(Layer.build(Layer.fresh(NodeSnapshotter.layer(options))), (all) => Context.get(all, Snapshotter))
  )

const makeBench = Effect.gen(function*() {
  const directory = yield* freshDirectory
  const root = path.join(directory, "store")
  const open = (options: Partial<SnapshotterOptions> = {}) => openStore({ root, durability: "process", ...options })
  const store = yield* open()
  const mounter = yield* Mounter
  let places = 0
  const place = () => {
    const made = path.join(directory, `place ${++places}`)
    fs.mkdirSync(made)
    return made
  }
  const mount: Bench["mount"] = (mounted) =>
    Effect.gen(function*() {
      const target = place()
      yield* mounter.mount(yield* store.mounts(key(mounted)), target)
      return target
    }).pipe(Effect.orDie)
  const build: Bench["build"] = (as, parent, use) =>
    Effect.gen(function*() {
      yield* store.prepare(key(`making ${as}`), parent === undefined ? {} : { parent: name(parent) })
      yield* Effect.scoped(Effect.map(mount(`making ${as}`), use))
      yield* store.commit(name(as), key(`making ${as}`))
    }).pipe(Effect.orDie)
  const look: Bench["look"] = (parent, use) =>
    Effect.gen(function*() {
      yield* store.view(key("look"), { parent: name(parent) })
      const seen = yield* Effect.scoped(Effect.map(mount("look"), use))
      yield* store.remove(key("look"))
      return seen
    }).pipe(Effect.orDie)
  const bench: Bench = { directory, root, store, mounter, open, build, look, mount }
  return bench
})

/** A case leaves nothing mounted and no damage: that is looked at after each. */
const field = <E>(text: string, test: (bench: Bench) => Effect.Effect<void, E, Scope.Scope | Mounter>) =>
  it(text, () =>
    Effect.runPromise(
      Effect.scoped(Effect.gen(function*() {
        const bench = yield* makeBench
        yield* Effect.scoped(test(bench))
        assert.deepStrictEqual(openMounts(bench.directory), [], "still mounted")
        const store = yield* bench.open()
        yield* store.cleanup
        assert.deepStrictEqual(yield* store.check, [])
      })).pipe(Effect.provide(NodeSnapshotter.layerMachine, { local: true }))
    ))

/** Everything in a tree that matters, a line for each entry; names and contents as bytes. */
const picture = (directory: string): ReadonlyArray<string> => {
  const lines: Array<string> = []
  const add = (at: Buffer, relative: Buffer): void => {
    const stat = fs.lstatSync(at)
    const hash = createHash("sha256")
    if (stat.isFile()) hash.update(fs.readFileSync(at))
    if (stat.isSymbolicLink()) hash.update(fs.readlinkSync(at, "buffer"))
    const kind = stat.isDirectory() ? "d" : stat.isSymbolicLink() ? "l" : stat.isFile() ? "f" : "?"
    lines.push(
      `${relative.toString("hex")} ${kind} ${stat.mode.toString(8)} ${stat.uid} ${hash.digest("hex").slice(0, 16)}`
    )
    if (!stat.isDirectory()) return
    for (const entry of fs.readdirSync(at, { encoding: "buffer" })) {
      add(Buffer.concat([at, Buffer.from("/"), entry]), Buffer.concat([relative, Buffer.from("/"), entry]))
    }
  }
  add(Buffer.from(directory), Buffer.from(""))
  return lines.sort()
}

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

const codeOf = (act: () => unknown): string | undefined => {
  try {
    act()
    return undefined
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error)
  }
}

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("field-cases", missing))("field cases", () => {
  describe("mount", () => {
    field(
      "F21 a store that is moved works where it is now, also through a bind mount, and remembers no old path",
      (bench) =>
        Effect.gen(function*() {
          const { build, directory, mounter, root, store } = bench
          yield* build("one", undefined, (at) => fs.writeFileSync(`${at}/one`, "1"))
          yield* build("two", "one", (at) => fs.writeFileSync(`${at}/two`, "2"))
          yield* store.prepare(key("three"), { parent: name("two") })
          const there = path.join(directory, "elsewhere")
          fs.renameSync(root, there)
          fs.mkdirSync(path.join(directory, "bound"))
          fs.mkdirSync(path.join(directory, "target"))
          const target = path.join(directory, "target")
          for (const at of [there, path.join(directory, "bound")]) {
            if (at !== there) execFileSync("mount", ["--bind", there, at])
            // A store that is open keeps what it is on from being unmounted.
            yield* Effect.scoped(Effect.gen(function*() {
              const moved = yield* openStore({ root: at, durability: "process" })
              const mounts = yield* moved.mounts(key("three"))
              assert.include(JSON.stringify(mounts), at)
              assert.notInclude(JSON.stringify(mounts), root)
              yield* Effect.scoped(Effect.gen(function*() {
                yield* mounter.mount(mounts, target)
                assert.includeMembers(fs.readdirSync(target), ["one", "two"])
                fs.writeFileSync(`${target}/${path.basename(at)}`, "")
              }))
              assert.deepStrictEqual(yield* moved.check, [])
            }))
          }
          yield* Effect.scoped(Effect.gen(function*() {
            const moved = yield* openStore({ root: there, durability: "process" })
            yield* moved.commit(name("three committed"), key("three"))
          }))
          const { status } = spawnSync("grep", ["-rqF", `${root}/`, there])
          assert.strictEqual(status, 1, "something in the store holds the old path")
          execFileSync("umount", [path.join(directory, "bound")])
          fs.renameSync(there, root)
        })
    )

    field(
      "F24 a commit while another process has it mounted is refused, and what is committed never changes",
      (bench) =>
        Effect.gen(function*() {
          const { build, directory, store } = bench
          yield* build("base", undefined, (at) => fs.writeFileSync(`${at}/file`, "base"))
          const mounts = yield* store.prepare(key("a"), { parent: name("base") })
          const target = path.join(directory, "target")
          fs.mkdirSync(target)
          const holding = yield* hold(asIs, "mount", { mounts, target })
          const busy = yield* Effect.flip(store.commit(name("L"), key("a")))
          assert.deepInclude(busy, { _tag: "Busy", mountPoints: [target] })
          fs.writeFileSync(`${target}/file`, "fork")
          yield* holding.end
          yield* store.commit(name("L"), key("a"))
          const before = yield* bench.look("L", picture)
          yield* build("child", "L", (at) => {
            fs.writeFileSync(`${at}/file`, "child")
            fs.rmSync(`${at}/file`)
            fs.chmodSync(at, 0o700)
          })
          assert.deepStrictEqual(yield* bench.look("L", picture), before)
          assert.strictEqual(yield* bench.look("base", (at) => fs.readFileSync(`${at}/file`, "utf8")), "base")
        })
    )

    field(
      "F24 a mount that is detached, with a file still open in it, counts as one, and so does another namespace's",
      (bench) =>
        Effect.gen(function*() {
          const { build, directory, store } = bench
          yield* build("base", undefined, (at) => fs.writeFileSync(`${at}/file`, "base"))
          const mounts = yield* store.prepare(key("a"), { parent: name("base") })
          const target = path.join(directory, "target")
          fs.mkdirSync(target)
          yield* Effect.scoped(Effect.gen(function*() {
            const holding = yield* hold(inMountNamespace, "mount", { mounts, target })
            assert.deepInclude(yield* Effect.flip(store.commit(name("L"), key("a"))), { _tag: "Busy", mountPoints: [] })
            assert.deepInclude(yield* Effect.flip(store.remove(key("a"))), { _tag: "Busy", mountPoints: [] })
            yield* holding.end
          }))
          const file = yield* Effect.scoped(Effect.gen(function*() {
            const at = yield* bench.mount("a")
            const file = fs.openSync(`${at}/file`, "a")
            execFileSync("umount", ["-l", at])
            return file
          }))
          assert.deepInclude(yield* Effect.flip(store.commit(name("L"), key("a"))), { _tag: "Busy" })
          fs.writeSync(file, " and more")
          fs.closeSync(file)
          yield* store.commit(name("L"), key("a"))
          assert.strictEqual(yield* bench.look("L", (at) => fs.readFileSync(`${at}/file`, "utf8")), "base and more")
        })
    )

    field("F26 a snapshot of a directory that goes on changing does not change", (bench) =>
      Effect.gen(function*() {
        const { build, directory, mount, store } = bench
        const live = path.join(directory, "live")
        fs.mkdirSync(live)
        for (const at of numbers(200)) fs.writeFileSync(`${live}/${at}`, `first ${at}`)
        yield* build("base", undefined, (at) => fs.cpSync(live, at, { recursive: true }))
        yield* store.prepare(key("fork"), { parent: name("base") })
        yield* Effect.scoped(Effect.gen(function*() {
          const at = yield* mount("fork")
          const before = picture(at)
          for (const round of numbers(3)) {
            for (const file of numbers(200)) fs.writeFileSync(`${live}/${file}`, `${round} ${file}`)
            assert.deepStrictEqual(picture(at), before)
          }
        }))
        yield* store.remove(key("fork"))
      }))

    field(
      "F34 a directory of a lower layer is not renamed (EXDEV); files, and directories of the fork's own, are",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.build("base", undefined, (at) => {
            fs.mkdirSync(`${at}/d`)
            fs.writeFileSync(`${at}/d/f`, "f")
          })
          yield* bench.build("fork", "base", (at) => {
            assert.strictEqual(codeOf(() => fs.renameSync(`${at}/d`, `${at}/e`)), "EXDEV")
            fs.renameSync(`${at}/d/f`, `${at}/d/g`)
            fs.mkdirSync(`${at}/own`)
            fs.renameSync(`${at}/own`, `${at}/moved`)
          })
          const seen = yield* bench.look("fork", (at) => fs.readdirSync(at, { recursive: true }).map(String).sort())
          assert.deepStrictEqual(seen, ["d", "d/g", "moved"])
        })
    )

    field(
      "F36 a root directory's mode, owner, times and attributes are the same in every fork, view and commit",
      (bench) =>
        Effect.gen(function*() {
          const { build, look, store } = bench
          const rootOf = (at: string) => {
            const { gid, mode, mtimeNs, uid } = fs.statSync(at, { bigint: true })
            const attributes = execFileSync("getfattr", ["-d", "--absolute-names", "--only-values", at], {
              encoding: "utf8"
            })
            return { mode: mode.toString(8), uid, gid, mtimeNs, attributes }
          }
          const time = "2001-02-03T04:05:06.789012345Z"
          yield* build("base", undefined, (at) => {
            execFileSync("setfattr", ["-n", "user.a", "-v", "b", at])
            fs.chownSync(at, 1_000, 1_001)
            fs.chmodSync(at, 0o1711)
            execFileSync("touch", ["-d", time, at])
          })
          const base = yield* look("base", rootOf)
          const expected = {
            mode: "41711",
            uid: 1_000n,
            gid: 1_001n,
            attributes: "b",
            mtimeNs: 981_173_106_789_012_345n
          }
          assert.deepStrictEqual(base, expected)
          for (const [made, parent] of [["child", "base"], ["grandchild", "child"]] as const) {
            yield* store.prepare(key("fork"), { parent: name(parent) })
            const fork = yield* Effect.scoped(Effect.map(bench.mount("fork"), rootOf))
            assert.deepStrictEqual(fork, expected, made)
            yield* store.commit(name(made), key("fork"))
            assert.deepStrictEqual(yield* look(made, rootOf), expected, made)
          }
        })
    )

    field(
      "F45 F46 no layer holds a file without its contents, or a directory that is elsewhere",
      (bench) =>
        Effect.gen(function*() {
          const bytes = 4_000_000
          yield* bench.build("base", undefined, (at) => {
            fs.writeFileSync(`${at}/large`, Buffer.alloc(bytes, 1))
            fs.mkdirSync(`${at}/d`)
            fs.writeFileSync(`${at}/d/f`, "f")
          })
          yield* bench.build("fork", "base", (at) => {
            fs.chmodSync(`${at}/large`, 0o600)
            spawnSync("mv", [`${at}/d`, `${at}/e`])
          })
          const { bytes: used } = yield* bench.store.usage(name("fork"))
          assert.isAtLeast(used, bytes, "only the metadata was copied up")
          const mounts = yield* bench.store.prepare(key("child"), { parent: name("fork") })
          const [upper = ""] = mounts.flatMap((mount) => mount.type === "overlay" ? overlayOptions(mount).lower : [])
          const marks = execFileSync("getfattr", ["-R", "-d", "-m", "redirect|metacopy", "--absolute-names", upper], {
            encoding: "utf8"
          })
          assert.strictEqual(marks, "")
          assert.strictEqual(fs.readFileSync(`${upper}/e/f`, "utf8"), "f")
          yield* bench.store.remove(key("child"))
        })
    )
  })

  describe("names", () => {
    field(
      "F38 file names are bytes: what is not UTF-8 comes back as it was, beside what replaces it elsewhere",
      (bench) =>
        Effect.gen(function*() {
          const bytes = (...parts: ReadonlyArray<string | number>) =>
            Buffer.concat(parts.map((part) => typeof part === "number" ? Buffer.from([part]) : Buffer.from(part)))
          const listed = (at: string) =>
            execFileSync("find", [at, "-mindepth", "1", "-printf", "%P %y %l\\0"], { encoding: "buffer" })
              .toString("latin1").split("\0").sort()
          const { build, look, root, store } = bench
          let made: ReadonlyArray<string> = []
          yield* build("odd", undefined, (at) => {
            fs.writeFileSync(bytes(at, "/", 0xff), "bytes")
            fs.writeFileSync(bytes(at, "/\ufffd"), "replaced")
            fs.mkdirSync(bytes(at, "/a", 0xff, "b"))
            fs.writeFileSync(bytes(at, "/a", 0xff, "b/c", 0xfe), "deep")
            fs.symlinkSync(bytes(0xff), bytes(at, "/link"))
            made = listed(at)
          })
          assert.strictEqual(made.length, 6)
          assert.deepStrictEqual(yield* store.usage(name("odd")), { ...(yield* store.usage(name("odd"))), inodes: 6 })
          yield* build("odder", "odd", (at) => fs.rmSync(bytes(at, "/a", 0xff, "b/c", 0xfe)))
          assert.deepStrictEqual(yield* look("odd", listed), made)
          assert.deepStrictEqual(yield* look("odder", listed), made.filter((line) => !line.includes("\xfe")))
          yield* store.remove(name("odder"))
          yield* store.remove(name("odd"))
          assert.deepStrictEqual(fs.readdirSync(`${root}/trash`), [])
        })
    )

    field(
      "F42 the longest root works in everything; one byte more is refused when the store is opened",
      ({ directory }) =>
        Effect.gen(function*() {
          const longest = 4_095 - "/index/".length - 64
          const rootOf = (bytes: number) => {
            let root = directory
            while (bytes - root.length > 202) root += `/${"x".repeat(200)}`
            return `${root}/${"y".repeat(bytes - root.length - 1)}`
          }
          const root = rootOf(longest)
          fs.mkdirSync(path.dirname(root), { recursive: true })
          const store = yield* openStore({ root, durability: "process" })
          const mounter = yield* Mounter
          const target = path.join(directory, "t")
          fs.mkdirSync(target)
          const within = (mounted: string, use: () => void) =>
            Effect.scoped(Effect.andThen(
              Effect.flatMap(store.mounts(key(mounted)), (mounts) => mounter.mount(mounts, target)),
              Effect.sync(use)
            ))
          yield* store.prepare(key("a"))
          yield* within("a", () => fs.writeFileSync(`${target}/file`, "a"))
          yield* store.commit(name("A"), key("a"))
          for (const [one, parent] of [["b", "A"], ["c", "B"]] as const) {
            yield* store.prepare(key(one), { parent: name(parent) })
            yield* within(one, () => fs.appendFileSync(`${target}/file`, one))
            yield* store.update(key(one), { patch: { l: "1" } })
            yield* store.commit(name(one.toUpperCase()), key(one))
          }
          yield* store.view(key("v"), { parent: name("C") })
          yield* within("v", () => assert.strictEqual(fs.readFileSync(`${target}/file`, "utf8"), "abc"))
          for (const one of [key("v"), name("C"), name("B"), name("A")]) yield* store.remove(one)
          assert.deepStrictEqual(yield* store.check, [])
          const refused = yield* Effect.flip(make({ root: rootOf(longest + 1) })).pipe(
            Effect.provide(NodeSnapshotter.layerMachine)
          )
          assert.deepInclude(refused, { _tag: "UnsuitableRoot" })
          assert.include(refused.message, "ENAMETOOLONG")
          assert.isFalse(fs.existsSync(rootOf(longest + 1)))
        })
    )
  })

  describe("whiteouts", () => {
    field(
      "F43 what one layer deletes stays deleted when a later one makes the directory again",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.build("one", undefined, (at) => {
            fs.mkdirSync(`${at}/d/deep`, { recursive: true })
            fs.writeFileSync(`${at}/d/deep/old`, "")
            fs.writeFileSync(`${at}/d/old`, "")
          })
          yield* bench.build("two", "one", (at) => fs.rmSync(`${at}/d`, { recursive: true }))
          yield* bench.build("three", "two", (at) => {
            fs.mkdirSync(`${at}/d`)
            fs.writeFileSync(`${at}/d/new`, "")
          })
          yield* bench.build("four", "three", (at) => fs.writeFileSync(`${at}/d/newer`, ""))
          assert.deepStrictEqual(yield* bench.look("two", (at) => fs.readdirSync(at)), [])
          assert.deepStrictEqual(yield* bench.look("three", (at) => fs.readdirSync(`${at}/d`)), ["new"])
          assert.deepStrictEqual(yield* bench.look("four", (at) => fs.readdirSync(`${at}/d`).sort()), ["new", "newer"])
        })
    )

    field("F49 a deletion outlives the mount and the process", (bench) =>
      Effect.gen(function*() {
        yield* bench.build("base", undefined, (at) => fs.writeFileSync(`${at}/f`, "f"))
        const mounts = yield* bench.store.prepare(key("a"), { parent: name("base") })
        yield* Effect.scoped(Effect.map(bench.mount("a"), (at) => fs.rmSync(`${at}/f`)))
        const again = yield* bench.open()
        assert.deepStrictEqual(yield* again.mounts(key("a")), mounts)
        const target = path.join(bench.directory, "target")
        fs.mkdirSync(target)
        yield* Effect.scoped(Effect.gen(function*() {
          const holding = yield* hold(asIs, "mount", { mounts, target })
          assert.deepStrictEqual(fs.readdirSync(target), [])
          yield* holding.end
        }))
        yield* again.remove(key("a"))
      }))

    field(
      "F51 nothing below a deleted directory can be reached, also once it is made again",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.build("base", undefined, (at) => {
            fs.mkdirSync(`${at}/d`)
            fs.writeFileSync(`${at}/d/secret`, "secret")
          })
          yield* bench.build("fork", "base", (at) => {
            fs.rmSync(`${at}/d`, { recursive: true })
            assert.strictEqual(codeOf(() => fs.readFileSync(`${at}/d/secret`)), "ENOENT")
            fs.mkdirSync(`${at}/d`)
            assert.deepStrictEqual(fs.readdirSync(`${at}/d`), [])
            assert.strictEqual(codeOf(() => fs.readFileSync(`${at}/d/secret`)), "ENOENT")
            fs.writeFileSync(`${at}/d/secret`, "new", { flag: "wx" })
          })
          assert.strictEqual(yield* bench.look("fork", (at) => fs.readFileSync(`${at}/d/secret`, "utf8")), "new")
          assert.strictEqual(yield* bench.look("base", (at) => fs.readFileSync(`${at}/d/secret`, "utf8")), "secret")
        })
    )
  })

  describe("usage", () => {
    /** A file system of its own in a file, until the scope closes. */
    const disk = (directory: string, type: string, megabytes: number) =>
      Effect.acquireRelease(
        Effect.sync(() => {
          const at = path.join(directory, `disk ${type}`)
          const image = `${at}.image`
          fs.mkdirSync(at)
          if (type === "tmpfs") execFileSync("mount", ["-t", "tmpfs", "-o", `size=${megabytes}m`, "none", at])
          else {
            fs.writeFileSync(image, "")
            fs.truncateSync(image, megabytes * 1_048_576)
            execFileSync(`mkfs.${type}`, ["-q", image])
            execFileSync("mount", ["-o", "loop", image, at])
          }
          return at
        }),
        (at) => Effect.sync(() => execFileSync("umount", ["-R", at]))
      )

    field(
      "F58 usage is what removing gives back: hard links once, parents not at all",
      ({ directory }) =>
        Effect.gen(function*() {
          const at = yield* disk(directory, "tmpfs", 64)
          yield* Effect.scoped(Effect.gen(function*() {
            const store = yield* openStore({ root: `${at}/store`, durability: "process" })
            const mounter = yield* Mounter
            const target = path.join(directory, "target")
            fs.mkdirSync(target)
            const build = (as: string, options: CreateOptions, use: () => void) =>
              Effect.gen(function*() {
                const mounts = yield* store.prepare(key("making"), options)
                yield* Effect.scoped(Effect.andThen(mounter.mount(mounts, target), Effect.sync(use)))
                yield* store.commit(name(as), key("making"))
              })
            yield* build("one", {}, () => {
              fs.mkdirSync(`${target}/d`)
              fs.writeFileSync(`${target}/file`, Buffer.alloc(1_048_576, 1))
              for (const link of ["link", "d/link", "d/other"]) fs.linkSync(`${target}/file`, `${target}/${link}`)
            })
            yield* build(
              "two",
              { parent: name("one") },
              () => fs.writeFileSync(`${target}/two`, Buffer.alloc(2_097_152, 2))
            )
            yield* build("three", { parent: name("two") }, () => fs.rmSync(`${target}/file`))
            const free = () => Number(fs.statfsSync(at, { bigint: true }).bfree) * 4_096
            for (const [one, atLeast] of [["three", 0], ["two", 2_097_152], ["one", 1_048_576]] as const) {
              const { bytes } = yield* store.usage(name(one))
              const before = free()
              yield* store.remove(name(one))
              const back = free() - before
              assert.isAtLeast(bytes, atLeast)
              assert.isAtMost(
                Math.abs(back - bytes),
                16 * 4_096,
                `${one}: usage says ${bytes}, removing gave back ${back}`
              )
            }
            yield* Effect.void
          }))
        })
    )

    field("F59 a fresh snapshot is one inode on every file system", ({ directory }) =>
      Effect.gen(function*() {
        for (const [type, megabytes] of [["tmpfs", 16], ["ext4", 16], ["xfs", 320], ["btrfs", 128]] as const) {
          yield* Effect.scoped(Effect.gen(function*() {
            const at = yield* disk(directory, type, megabytes)
            yield* Effect.scoped(Effect.gen(function*() {
              const store = yield* openStore({ root: `${at}/store`, durability: "process" })
              yield* store.prepare(key("a"))
              const { bytes, inodes } = yield* store.usage(key("a"))
              assert.strictEqual(inodes, 1, type)
              assert.strictEqual(bytes % 512, 0, type)
            }))
          }))
        }
      }))

    field(
      "F60 measuring while a program makes, moves and deletes what is measured never fails",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.store.prepare(key("a"))
          const at = yield* bench.mount("a")
          const script =
            `i=0; while :; do i=$((i+1)); d=d$((i%7)); mkdir -p "$d/x/y"; echo $i > "$d/x/y/f"; mv "$d" "m$d";
          rm -rf "m$d"; echo $i; done`
          const child = yield* Effect.acquireRelease(
            Effect.sync(() => {
              const child = spawn("sh", ["-c", script], {
                cwd: at,
                stdio: ["ignore", "pipe", "ignore"],
                detached: true
              })
              return { output: child.stdout, closed: once(child, "close"), group: -(child.pid ?? 0) }
            }),
            ({ closed, group }) =>
              Effect.promise(async () => {
                // What it started too: whoever still works in the mount keeps it from being unmounted.
                process.kill(group, "SIGKILL")
                await closed
              })
          )
          const rounds = { done: 0 }
          createInterface({ input: child.output }).on("line", () => rounds.done++)
          let measured = 0
          while (rounds.done < 100 || measured < 300) {
            const { inodes } = yield* bench.store.usage(key("a"))
            assert.isAtLeast(inodes, 1)
            assert.isAtMost(inodes, 1 + 2 * 4)
            measured++
            yield* Effect.promise(() => new Promise((resolve) => setImmediate(resolve)))
          }
        })
    )
  })

  describe("concurrency", () => {
    field(
      "F71 of ten things to reclaim, eight go though one holds an immutable file and one a mount; then those too",
      (bench) =>
        Effect.gen(function*() {
          const { mount, open, root, store } = bench
          for (const at of numbers(10)) {
            yield* store.prepare(key(`${at}`))
            yield* Effect.scoped(Effect.map(mount(`${at}`), (there) => {
              fs.mkdirSync(`${there}/d`)
              fs.writeFileSync(`${there}/d/file`, "")
            }))
          }
          // Moved out of the way by a process that dies then.
          const all = yield* Effect.forEach(numbers(10), (at) => store.mounts(key(`${at}`)))
          const layers = all.map(([mount]) => mount?.source ?? "")
          const trashed = layers.map((layer) => path.join(root, "trash", path.basename(path.dirname(layer))))
          const dies = Faults.make(Faults.when(({ operation }) => operation === "removeTree", () => "hang"))
          const dying = yield* make({ root, durability: "process" }).pipe(
            Effect.provideService(StoreFileSystem, dies.storeFileSystem(yield* StoreFileSystem))
          )
          for (const at of numbers(10)) {
            const fiber = yield* Effect.forkChild(dying.remove(key(`${at}`)), { startImmediately: true })
            while (dies.injected() <= at) yield* Effect.sleep(1)
            yield* Fiber.interrupt(fiber)
          }
          execFileSync("chattr", ["+i", `${trashed[3]}/fs/d/file`])
          execFileSync("mount", ["-t", "tmpfs", "none", `${trashed[7]}/fs/d`])
          fs.writeFileSync(`${trashed[7]}/fs/d/precious`, "")
          const first = yield* store.cleanup
          assert.strictEqual(first.removed.length, 8)
          assert.deepStrictEqual(first.unremoved.map(({ code }) => code).sort(), ["EPERM", "EXDEV"])
          assert.isTrue(fs.existsSync(`${trashed[7]}/fs/d/precious`))
          execFileSync("umount", [`${trashed[7]}/fs/d`])
          execFileSync("chattr", ["-i", `${trashed[3]}/fs/d/file`])
          const second = yield* store.cleanup
          assert.deepStrictEqual([second.removed.length, second.unremoved], [2, []])
          yield* open()
        }).pipe(Effect.provide(NodeSnapshotter.layerMachine))
    )

    field(
      "F72 what sixteen mounted siblings write, at the same paths and at others, stays with each",
      (bench) =>
        Effect.gen(function*() {
          const { build, look, mount, store } = bench
          yield* build("base", undefined, (at) => {
            fs.mkdirSync(`${at}/d`)
            for (const file of numbers(50)) fs.writeFileSync(`${at}/d/${file}`, "base")
          })
          yield* Effect.scoped(Effect.gen(function*() {
            const targets = yield* Effect.forEach(
              numbers(16),
              (sibling) =>
                Effect.andThen(store.prepare(key(`${sibling}`), { parent: name("base") }), mount(`${sibling}`))
            )
            for (const file of numbers(100)) {
              for (const [sibling, at] of targets.entries()) {
                const own = file % 2 === 0 ? `d/${file}` : `${sibling} ${file}`
                fs.writeFileSync(`${at}/${own}`, `${sibling} ${file}`)
              }
            }
          }))
          for (const sibling of numbers(16)) yield* store.commit(name(`sibling ${sibling}`), key(`${sibling}`))
          for (const sibling of numbers(16)) {
            const found = yield* look(`sibling ${sibling}`, (at) =>
              fs.readdirSync(at, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile()).map((
                entry
              ) =>
                `${path.relative(at, path.join(entry.parentPath, entry.name))}: ${
                  fs.readFileSync(path.join(entry.parentPath, entry.name), "utf8")
                }`
              ).sort())
            const expected = [
              ...numbers(50).filter((file) =>
                file % 2 === 1
              ).map((file) => `d/${file}: base`),
              ...numbers(100).map((file) =>
                file % 2 === 0 ? `d/${file}: ${sibling} ${file}` : `${sibling} ${file}: ${sibling} ${file}`
              )
            ].sort()
            assert.deepStrictEqual(found, expected, `sibling ${sibling}`)
          }
          assert.deepStrictEqual(yield* look("base", (at) => fs.readFileSync(`${at}/d/0`, "utf8")), "base")
        })
    )
  })

  describe("security", () => {
    field(
      "F106 a user namespace with other uids reads and writes at the target, though the root is 0700",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.build("base", undefined, (at) => {
            fs.chownSync(at, 100_000, 100_000)
            fs.writeFileSync(`${at}/file`, "base")
            fs.chownSync(`${at}/file`, 100_000, 100_000)
          })
          yield* bench.store.prepare(key("a"), { parent: name("base") })
          const at = yield* bench.mount("a")
          // Those who are to come this way must be able to.
          for (let above = path.dirname(at); above !== "/"; above = path.dirname(above)) {
            if (above !== "/tmp") fs.chmodSync(above, fs.statSync(above).mode | 0o011)
          }
          const work = "cat file; id -u; echo fork > file; echo new > new"
          const script = `read go; exec setpriv --reuid=0 --regid=0 --clear-groups sh -c "${work}"`
          const child = spawn("unshare", ["-U", "--keep-caps", "--", "sh", "-c", script], {
            cwd: at,
            stdio: ["pipe", "pipe", "inherit"]
          })
          const output: Array<string> = []
          child.stdout.on("data", (chunk: Buffer) => output.push(chunk.toString()))
          const mapped = yield* Effect.promise(async () => {
            // It is in its namespace once it waits for its input.
            while (fs.readlinkSync(`/proc/${child.pid}/ns/user`) === fs.readlinkSync("/proc/self/ns/user")) {
              await new Promise((resolve) => setImmediate(resolve))
            }
            for (const map of ["uid_map", "gid_map"]) fs.writeFileSync(`/proc/${child.pid}/${map}`, "0 100000 65536")
            child.stdin.end("go\n")
            const [status] = await once(child, "close")
            return status
          })
          assert.strictEqual(mapped, 0)
          assert.deepStrictEqual(output.join(""), "base0\n")
          assert.strictEqual(fs.statSync(`${at}/new`).uid, 100_000)
          assert.strictEqual(fs.statSync(bench.root).mode & 0o777, 0o700)
          yield* bench.mounter.unmount(at)
        }).pipe(Effect.orDie)
    )

    field(
      "F108 nobody else can walk into a store, whatever the umask, however wide its root was",
      ({ directory }) =>
        Effect.gen(function*() {
          const wide = path.join(directory, "wide")
          fs.mkdirSync(wide)
          fs.chmodSync(wide, 0o777)
          for (let above = wide; above !== "/"; above = path.dirname(above)) {
            if (above !== "/tmp") fs.chmodSync(above, fs.statSync(above).mode | 0o011)
          }
          const before = process.umask()
          yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(before)))
          for (const umask of [0, 0o022, 0o077]) {
            process.umask(umask)
            const root = path.join(wide, `store ${umask}`)
            yield* Effect.scoped(Effect.gen(function*() {
              const store = yield* openStore({ root, durability: "process" })
              const [mount] = yield* store.prepare(key("a"))
              fs.copyFileSync("/bin/true", `${mount?.source}/setuid`)
              fs.chmodSync(`${mount?.source}/setuid`, 0o4755)
              yield* store.commit(name("A"), key("a"))
            }))
            assert.strictEqual(fs.statSync(root).mode & 0o7777, 0o700)
            fs.chmodSync(root, 0o755)
            yield* Effect.scoped(openStore({ root, durability: "process" }))
            assert.strictEqual(fs.statSync(root).mode & 0o7777, 0o700, "it was left as wide as it was")
            const file = execFileSync("find", [root, "-name", "setuid"], { encoding: "utf8" }).trim()
            assert.notStrictEqual(file, "")
            for (const words of [["ls", root], ["cat", `${root}/version`], [file], ["ls", `${root}/trash`]]) {
              // By a shell, which has no more rights than nobody has when it looks for the file.
              const [command = "", ...rest] = [...asNobody, "sh", "-c", "exec \"$0\" \"$@\"", ...words]
              assert.notStrictEqual(spawnSync(command, rest).status, 0, words.join(" "))
            }
          }
        })
    )

    field(
      "F109 modes are the same whatever the umask: of a base, of a fork, and of all that the store keeps",
      ({ directory }) =>
        Effect.gen(function*() {
          const before = process.umask()
          yield* Effect.addFinalizer(() => Effect.sync(() => process.umask(before)))
          const seen = new Map<number, ReadonlyArray<string>>()
          for (const umask of [0, 0o022, 0o077]) {
            process.umask(umask)
            const root = path.join(directory, `store ${umask}`)
            yield* Effect.scoped(Effect.gen(function*() {
              const layer = Layer.fresh(NodeSnapshotter.layer({ root, durability: "process" }))
              const modes = yield* Fork.committed({ key: key("a") }, name("A"), (at) => Effect.sync(() => modeOf(at)))
                .pipe(
                  Effect.andThen(([base]) =>
                    Effect.map(
                      Fork.committed(
                        { key: key("b"), parent: name("A") },
                        name("B"),
                        (at) => Effect.sync(() => modeOf(at))
                      ),
                      ([fork]) => [`base ${base}`, `fork ${fork}`]
                    )
                  ),
                  Effect.provide(layer)
                )
              const kept = fs.readdirSync(root, { recursive: true, withFileTypes: true }).filter((entry) =>
                !entry.isSymbolicLink()
              ).map((entry) =>
                `${path.relative(root, path.join(entry.parentPath, entry.name)).replace(/[a-z2-7]{13}/g, "id")} ${
                  modeOf(path.join(entry.parentPath, entry.name))
                }`
              )
              seen.set(umask, [...modes, ...kept.sort()])
            }))
          }
          assert.deepStrictEqual(seen.get(0), seen.get(0o022))
          assert.deepStrictEqual(seen.get(0o077), seen.get(0o022))
          assert.include([...seen.get(0) ?? []], "base 755")
        })
    )

    const modeOf = (at: string): string => (fs.lstatSync(at).mode & 0o7777).toString(8)
  })

  describe("lifecycle", () => {
    field(
      "F120 what is mounted is not removed, wherever it is mounted, and its key stays whole",
      (bench) =>
        Effect.gen(function*() {
          const { build, directory, mount, store } = bench
          yield* build("base", undefined, (at) => fs.writeFileSync(`${at}/f`, "f"))
          const mounts = yield* store.prepare(key("a"), { parent: name("base") })
          const viewed = yield* store.view(key("v"), { parent: name("base") })
          const refused = (what: Key | Name) => Effect.map(Effect.flip(store.remove(what)), ({ _tag }) => _tag)
          const target = path.join(directory, "target")
          fs.mkdirSync(target)
          yield* Effect.scoped(Effect.gen(function*() {
            yield* mount("a")
            assert.strictEqual(yield* refused(key("a")), "Busy")
          }))
          for (const wrapper of [asIs, inMountNamespace]) {
            yield* Effect.scoped(Effect.gen(function*() {
              const holding = yield* hold(wrapper, "mount", { mounts, target })
              assert.strictEqual(yield* refused(key("a")), "Busy")
              yield* holding.end
            }))
            assert.deepStrictEqual(yield* store.mounts(key("a")), mounts)
          }
          yield* Effect.scoped(Effect.gen(function*() {
            const holding = yield* hold(asIs, "mount", { mounts: viewed, target })
            yield* store.remove(key("v"))
            yield* store.remove(key("a"))
            assert.strictEqual(yield* refused(name("base")), "Busy")
            assert.strictEqual(fs.readFileSync(`${target}/f`, "utf8"), "f")
            yield* holding.end
          }))
          yield* store.remove(name("base"))
        })
    )

    field(
      "F126 a removal cut short by a kill, with the mounts gone too, is finished by cleanup, once",
      (bench) =>
        Effect.gen(function*() {
          const { directory, root, store } = bench
          yield* bench.build("base", undefined, (at) => fs.writeFileSync(`${at}/f`, "f"))
          const target = path.join(directory, "target")
          fs.mkdirSync(target)
          for (const death of ["dieBefore", "dieAfter"] as const) {
            const mounts = yield* store.prepare(key("a"), { parent: name("base") })
            const scope = yield* Scope.make()
            yield* Scope.provide(bench.mounter.mount(mounts, target), scope)
            execFileSync("umount", ["-l", target])
            yield* Scope.close(scope, Exit.void)
            const machine = yield* Layer.build(Layer.fresh(NodeSnapshotter.layerMachine))
            const faults = Faults.make(Faults.when(({ operation }) => operation === "removeTree", () => death))
            const dying = yield* make({ root, durability: "process" }).pipe(
              Effect.provideContext(
                Context.add(machine, StoreFileSystem, faults.storeFileSystem(Context.get(machine, StoreFileSystem)))
              )
            )
            assert.isTrue(Exit.isFailure(yield* Effect.exit(dying.remove(key("a")))))
            const infos: ReadonlyArray<Info> = yield* Stream.runCollect(store.walk())
            assert.deepStrictEqual(infos.map((info) => String(info.name)), ["base"])
            const found = yield* store.check
            assert.deepStrictEqual(found.filter(({ severity }) => severity !== "reclaimable"), [])
            yield* store.cleanup
            assert.deepStrictEqual(yield* store.check, [])
            assert.deepStrictEqual(yield* store.cleanup, { removed: [], unremoved: [] })
          }
        })
    )
  })
})
