/**
 * P4 on the real machine. First what is asked of the disk, and when: each operation's syncs and renames, at the port and as
 * system calls. Then what is on it: disks in files are copied the moment after each acknowledged operation, which is what a
 * power loss would leave, and whoever opens the store on a copy finds all that was acknowledged, byte for byte.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { layerNoDeps, Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeIdSource from "@snapshotter/node-fs/NodeIdSource"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Context, Effect, Layer, type Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { readOnly } from "./layers.ts"
import { freshDirectory, isRoot, openMounts } from "./place.ts"
import { copyOf, type Format, format, formats, mounted, repair } from "./programs/disks.ts"

const runs = judgement("durability", isRoot ? undefined : "mounting needs root, or a user namespace")

const key = Key.make
const name = Name.make

const test = <E>(text: string, body: (directory: string) => Effect.Effect<void, E, Scope.Scope>) =>
  it(text, () => Effect.runPromise(Effect.scoped(Effect.flatMap(freshDirectory, body))))

// ============================================================ at the port

/** Writes down what changes the store or waits for the disk, once it is done, with names instead of ids. */
const recorder = (inner: StoreFileSystem, root: string) => {
  const lines: Array<string> = []
  let held = 0
  const ids = new Map<string, string>()
  const short = (path: string): string => {
    const text = path === root ? "." : path.startsWith(`${root}/`) ? path.slice(root.length + 1) : path
    return text.replace(/^index\/.*/, "index/link").replace(/[a-z2-7]{13}/g, (id) => {
      if (!ids.has(id)) ids.set(id, `s${ids.size + 1}`)
      return ids.get(id) ?? ""
    })
  }
  const noting = <A, E>(effect: Effect.Effect<A, E>, line: string) =>
    Effect.tap(effect, (result) => Effect.sync(() => void (result !== false && lines.push(line))))
  const recording: StoreFileSystem = {
    ...inner,
    sync: (targets) =>
      noting(inner.sync(targets), `sync ${targets.map(({ kind, path }) => `${kind} ${short(path)}`).join(", ")}`),
    moveNoReplace: (from, to) => noting(inner.moveNoReplace(from, to), `move ${short(from)} ${short(to)}`),
    exchange: (one, other) => noting(inner.exchange(one, other), `exchange ${short(one)} ${short(other)}`),
    removeFile: (path) => noting(inner.removeFile(path), `unlink ${short(path)}`),
    removeTree: (path) => noting(inner.removeTree(path), `delete ${short(path)}`),
    tryLock: (directory) =>
      Effect.map(inner.tryLock(directory), (lock) => {
        if (directory !== root || lock === undefined) return lock
        lines.push("lock")
        held++
        return { release: Effect.andThen(lock.release, Effect.sync(() => void held--)) }
      })
  }
  /** What was written down since the last time; whoever was answered need not have seen the lock released yet. */
  const take: Effect.Effect<ReadonlyArray<string>> = Effect.suspend(() =>
    held > 0 ? Effect.andThen(Effect.yieldNow, take) : Effect.succeed(lines.splice(0))
  )
  return { recording, take }
}

interface Recorded {
  readonly store: Snapshotter
  readonly take: Effect.Effect<ReadonlyArray<string>>
}

/** A store that is opened, and what that opening did. */
const openRecorded = (options: SnapshotterOptions) =>
  Effect.gen(function*() {
    const all = yield* Layer.build(Layer.fresh(NodeStoreFileSystem.layer))
    const { recording, take } = recorder(Context.get(all, StoreFileSystem), options.root)
    const ports = Layer.mergeAll(NodeIdSource.layer, NodeMounter.layer, Layer.succeed(StoreFileSystem, recording))
    const store = yield* Layer.build(Layer.fresh(layerNoDeps(options)).pipe(Layer.provide(ports)))
    const recorded: Recorded = { store: Context.get(store, Snapshotter), take }
    return recorded
  })

/** One of each operation: what it is called, and what it does. */
const operations = (store: Snapshotter): ReadonlyArray<readonly [string, Effect.Effect<unknown, unknown>]> => [
  ["prepare", store.prepare(key("k"))],
  ["commit", store.commit(name("base"), key("k"))],
  ["prepare of a fork", store.prepare(key("k"), { parent: name("base") })],
  ["commit of a fork", store.commit(name("fork"), key("k"))],
  ["view", store.view(key("v"), { parent: name("fork") })],
  ["update of a name", store.update(name("fork"), { patch: { l: "1" } })],
  ["update of a key", store.update(key("v"), { patch: { l: "1" } })],
  ["what changes nothing", Effect.all([store.stat(name("base")), store.mounts(key("v")), store.usage(name("base"))])],
  ["nor this", Effect.all([Stream.runCollect(store.walk()), store.check])],
  ["remove of a key", store.remove(key("v"))],
  ["remove of a name", store.remove(name("fork"))]
]

/** What each operation does at `full`, in this order: the table of docs/ARCHITECTURE.md, line by line. */
const asDocumented: Record<string, ReadonlyArray<string>> = {
  "prepare": [
    "lock",
    "sync tree staging/s1, directory index",
    "move staging/s1 active/s1",
    "sync directory active, directory staging"
  ],
  "commit": [
    "sync tree active/s1",
    "lock",
    "sync tree active/s1, directory index",
    "move active/s1 committed/s1",
    "sync directory committed, directory active",
    "unlink index/link",
    "move committed/s1/work trash/s1-work",
    "delete trash/s1-work"
  ],
  "prepare of a fork": [
    "lock",
    "sync tree staging/s2, directory index, directory committed/s1/children",
    "move staging/s2 active/s2",
    "sync directory active, directory staging"
  ],
  "commit of a fork": [
    "sync tree active/s2",
    "lock",
    "sync tree active/s2, directory index, directory committed/s1/children",
    "move active/s2 committed/s2",
    "sync directory committed, directory active",
    "unlink index/link",
    "move committed/s2/work trash/s2-work",
    "delete trash/s2-work"
  ],
  "view": [
    "lock",
    "sync tree staging/s3, directory index, directory committed/s2/children",
    "move staging/s3 view/s3",
    "sync directory view, directory staging"
  ],
  "update of a name": [
    "lock",
    "sync file committed/s2/next.json",
    "exchange committed/s2/next.json committed/s2/name.json",
    "sync directory committed/s2",
    "unlink committed/s2/next.json"
  ],
  "update of a key": [
    "lock",
    "sync file view/s3/next.json",
    "exchange view/s3/next.json view/s3/key.json",
    "sync directory view/s3",
    "unlink view/s3/next.json"
  ],
  "what changes nothing": [],
  // The whole store is looked at while nobody changes it.
  "nor this": ["lock"],
  "remove of a key": [
    "lock",
    "move view/s3 trash/s3",
    "sync directory trash, directory view",
    "unlink index/link",
    "unlink committed/s2/children/s3",
    "delete trash/s3"
  ],
  "remove of a name": [
    "lock",
    "move committed/s2 trash/s2",
    "sync directory trash, directory committed",
    "unlink index/link",
    "unlink committed/s1/children/s2",
    "delete trash/s2"
  ]
}

const isSync = (line: string) => line.startsWith("sync ")

describe.runIf(runs)("what is asked of the disk, and when", () => {
  test("F01: at full each operation syncs and renames exactly in the order that the architecture says", (directory) =>
    Effect.gen(function*() {
      const { store, take } = yield* openRecorded({ root: path.join(directory, "store") })
      yield* take
      for (const [what, operation] of operations(store)) {
        yield* operation
        assert.deepStrictEqual(yield* take, asDocumented[what], what)
      }
    }))

  test("F01: at process the same is done, and nothing waits for the disk", (directory) =>
    Effect.gen(function*() {
      const { store, take } = yield* openRecorded({ root: path.join(directory, "store"), durability: "process" })
      assert.deepStrictEqual((yield* take).filter(isSync), [], "open")
      for (const [what, operation] of operations(store)) {
        yield* operation
        assert.deepStrictEqual(yield* take, asDocumented[what]?.filter((line) => !isSync(line)), what)
      }
    }))

  test("F01: a new store is on disk, with the directories above it, before it counts as one", (directory) =>
    Effect.gen(function*() {
      const root = path.join(directory, "a", "store")
      const { take } = yield* openRecorded({ root })
      const lines = yield* take
      const sync = lines.findIndex((line) => line.startsWith("sync tree ., "))
      const above = [path.join(directory, "a"), directory, path.dirname(directory), "/"].map((one) =>
        `directory ${one}`
      )
      for (const one of above) assert.include(lines[sync]?.split(", ") ?? [], one)
      assert.deepStrictEqual(lines.slice(sync + 1), [
        "move staging/version version",
        "sync directory ., directory staging"
      ])
      assert.isFalse(lines.slice(0, sync).includes("move staging/version version"))
    }))

  test("F13: what was written under a volatile mount, which syncs nothing, is on disk before its commit happens", (directory) =>
    Effect.gen(function*() {
      const root = path.join(directory, "store")
      const target = path.join(directory, "target")
      fs.mkdirSync(target)
      const { store, take } = yield* openRecorded({ root, mountOptions: ["volatile"] })
      yield* store.prepare(key("k"))
      yield* store.commit(name("base"), key("k"))
      const mounts = yield* store.prepare(key("k"), { parent: name("base") })
      const mounter = Context.get(yield* Layer.build(NodeMounter.layer), Mounter)
      yield* Effect.scoped(Effect.andThen(
        mounter.mount(mounts, target),
        Effect.sync(() => {
          const [mount = ""] = openMounts(target)
          assert.match(mount, /\bvolatile\b/)
          fs.writeFileSync(path.join(target, "file"), "written")
        })
      ))
      yield* take
      yield* store.commit(name("fork"), key("k"))
      assert.deepStrictEqual((yield* take).slice(0, 4), [
        "sync tree active/s2",
        "lock",
        "sync tree active/s2, directory index, directory committed/s1/children",
        "move active/s2 committed/s2"
      ])
    }))

  test("F01: what others left is swept only once what they did is on disk; a link that is lost is put back on it", (directory) =>
    Effect.gen(function*() {
      const root = path.join(directory, "store")
      const { store, take } = yield* openRecorded({ root })
      yield* store.prepare(key("k"))
      yield* store.commit(name("base"), key("k"))
      const [id = ""] = fs.readdirSync(`${root}/committed`)
      const dead = "a".repeat(13)
      fs.mkdirSync(`${root}/staging/${dead}`)
      fs.mkdirSync(`${root}/committed/${id}/work`)
      fs.writeFileSync(`${root}/committed/${id}/children/${dead}`, "")
      // Somebody died before the disk had what he did.
      fs.chmodSync(`${root}/staging`, 0o1700)
      yield* take
      yield* store.cleanup
      assert.deepStrictEqual(yield* take, [
        "lock",
        "sync tree .",
        "move staging/s2 trash/s2",
        "unlink committed/s1/children/s2",
        "move committed/s1/work trash/s1-work",
        "delete trash/s2",
        "delete trash/s1-work"
      ])
      const [link = ""] = fs.readdirSync(`${root}/index`)
      fs.rmSync(`${root}/index/${link}`)
      yield* store.relink
      assert.deepStrictEqual(yield* take, ["lock", "sync tree index"])
    }))

  // ============================================================ as system calls

  const program = fileURLToPath(new URL("programs/acknowledge.ts", import.meta.url))

  /** `sync`, `rename` and `said …`, each where it has ended, one after another. */
  const traced = (directory: string, durability: "full" | "process"): ReadonlyArray<string> => {
    const [log, target] = [path.join(directory, "log"), path.join(directory, "target")]
    fs.mkdirSync(target)
    const options: SnapshotterOptions = { root: path.join(directory, "store"), durability }
    const calls = "trace=fsync,fdatasync,syncfs,sync,renameat2,renameat,rename,write"
    const words = [
      "-f",
      "-s",
      "4096",
      "-o",
      log,
      "-e",
      calls,
      process.execPath,
      program,
      JSON.stringify(options),
      target
    ]
    execFileSync("strace", words, {
      env: { ...process.env, NODE_COMPILE_CACHE: "" },
      stdio: ["ignore", "ignore", "pipe"]
    })
    return fs.readFileSync(log, "utf8").split("\n").flatMap((line) => eventOf(line, options.root) ?? [])
  }

  const eventOf = (line: string, root: string): string | undefined => {
    const said = /write\(1, "acknowledged ([a-z]+)/.exec(line)
    if (said !== null) return `said ${said[1]}`
    if (/rename\w*\b/.test(line) && line.includes(root)) return line.endsWith("= 0") ? "rename" : undefined
    // Where another thread came between, a call's end is on a line of its own.
    const ended = /(?:\b(fsync|fdatasync|syncfs)\(\d+|<\.\.\. (fsync|fdatasync|syncfs) resumed>)\)\s+= 0$/.exec(line)
    return ended === null ? undefined : ended[1] ?? ended[2]
  }

  /** What happened before each word was said. */
  const between = (events: ReadonlyArray<string>): Record<string, ReadonlyArray<string>> => {
    const parts: Record<string, ReadonlyArray<string>> = {}
    let part: Array<string> = []
    for (const event of events) {
      if (!event.startsWith("said ")) part.push(event)
      else {
        parts[event.slice(5)] = part
        part = []
      }
    }
    return parts
  }

  test("F01: as system calls: syncfs, then the rename, then a sync, then the process says so", (directory) =>
    Effect.sync(() => {
      const parts = between(traced(directory, "full"))
      const trashed = (part: ReadonlyArray<string> | undefined) => part?.join(" ")
      assert.strictEqual(trashed(parts["prepare"]), "syncfs rename syncfs")
      assert.strictEqual(trashed(parts["commit"]), "syncfs syncfs rename syncfs rename")
      assert.strictEqual(trashed(parts["view"]), "syncfs rename syncfs")
      assert.strictEqual(trashed(parts["update"]), "fsync rename fsync")
      assert.strictEqual(trashed(parts["remove"]), "rename syncfs")
      assert.match(trashed(parts["open"]) ?? "", /syncfs rename syncfs$/)
    }))

  test("F01: as system calls: at process there is no sync at all", (directory) =>
    Effect.sync(() => {
      const events = traced(directory, "process")
      assert.deepStrictEqual(events.filter((event) => event.includes("sync")), [])
      assert.deepStrictEqual(between(events)["commit"], ["rename", "rename"])
      assert.strictEqual(events.at(-1), "said remove")
    }))
})

// ============================================================ on real disks

/** All that a tree shows, a line for each entry. */
const picture = (directory: string): ReadonlyArray<string> =>
  ["", ...fs.readdirSync(directory, { recursive: true, encoding: "utf8" })].sort().map((relative) => {
    const at = path.join(directory, relative)
    const stat = fs.lstatSync(at, { bigint: true })
    const what = stat.isFile()
      ? fs.readFileSync(at, "base64")
      : stat.isSymbolicLink()
      ? fs.readlinkSync(at)
      : stat.isDirectory()
      ? "/"
      : `${stat.rdev}`
    return `${relative} ${stat.mode.toString(8)} ${stat.uid}:${stat.gid} ${stat.mtimeNs} ${what}`
  })

/** What a store must hold, from the moment at which the last operation was acknowledged. */
interface Acknowledged {
  readonly after: string
  readonly infos: ReadonlyArray<Info>
  /** Of each snapshot whose tree was acknowledged too: of an active one until somebody writes in it. */
  readonly trees: ReadonlyMap<string, ReadonlyArray<string>>
}

const openOn = (disk: string, options: Partial<SnapshotterOptions> = {}) =>
  Effect.map(
    Layer.build(Layer.fresh(NodeSnapshotter.layer({ root: path.join(disk, "store"), ...options }))),
    (all) => ({
      store: Context.get(all, Snapshotter),
      mounter: Context.get(all, Mounter)
    })
  )

const writeBase = (directory: string): void => {
  fs.chownSync(directory, 1_000, 1_000)
  fs.chmodSync(directory, 0o1777)
  for (let at = 0; at < 200; at++) {
    const within = path.join(directory, `d${at % 20}`, `e${at % 3}`)
    fs.mkdirSync(within, { recursive: true })
    fs.writeFileSync(path.join(within, `file ${at}`), `${at}\n`.repeat(1 + (at * 97) % 6_000))
    if (at % 4 === 0) fs.symlinkSync(`../../nowhere/${at}`, path.join(within, `link ${at}`))
  }
  fs.symlinkSync("x".repeat(900), path.join(directory, "long link"))
  fs.mkdirSync(path.join(directory, "empty"))
  fs.writeFileSync(path.join(directory, "empty file"), "", { mode: 0o600 })
  fs.linkSync(path.join(directory, "d0/e0/file 0"), path.join(directory, "second name"))
}

/** Changes, removals of each kind, and what is made anew in their places. */
const writeFork = (directory: string): void => {
  fs.appendFileSync(path.join(directory, "d1/e1/file 1"), "more")
  fs.chmodSync(path.join(directory, "d2"), 0o711)
  fs.rmSync(path.join(directory, "d3"), { recursive: true })
  fs.rmSync(path.join(directory, "d4"), { recursive: true })
  fs.mkdirSync(path.join(directory, "d4"))
  fs.writeFileSync(path.join(directory, "d4/only"), "only")
  fs.rmSync(path.join(directory, "empty file"))
  fs.symlinkSync("d4/only", path.join(directory, "empty file"))
  fs.renameSync(path.join(directory, "second name"), path.join(directory, "third name"))
}

const writeSecond = (directory: string): void => {
  fs.writeFileSync(path.join(directory, "d4/only"), "and more")
  fs.rmSync(path.join(directory, "long link"))
}

interface Work {
  readonly directory: string
  readonly disk: string
  readonly options: Partial<SnapshotterOptions>
  /** Called the moment after each operation has returned. */
  readonly acknowledged: (state: Acknowledged) => void
}

/** Each operation once, on a store that holds something. */
const work = Effect.fnUntraced(function*({ acknowledged, directory, disk, options }: Work) {
  const trees = new Map<string, ReadonlyArray<string>>()
  // Also committed while it is mounted: unmounting an overlay would sync for us what we have to sync.
  const { mounter, store } = yield* openOn(disk, { whileMounted: "allow", ...options })
  const did = Effect.fnUntraced(function*(after: string) {
    const infos = yield* Stream.runCollect(store.walk())
    acknowledged({ after, infos, trees: new Map(trees) })
  })
  const place = (text: string) => {
    const target = path.join(directory, `in ${text}`)
    fs.mkdirSync(target)
    return target
  }

  const fork = Effect.fnUntraced(function*(
    as: string,
    parent: string | undefined,
    write: (directory: string) => void,
    how: "mounted" | "unmounted"
  ) {
    const target = place(as)
    const mounts = yield* store.prepare(key(`key ${as}`), parent === undefined ? {} : { parent: name(parent) })
    if (parent !== undefined) trees.set(`key ${as}`, trees.get(parent) ?? [])
    yield* did(`prepare of ${as}`)
    trees.delete(`key ${as}`)
    yield* Effect.scoped(Effect.gen(function*() {
      yield* Effect.scoped(Effect.gen(function*() {
        yield* mounter.mount(mounts, target)
        write(target)
        trees.set(as, picture(target))
        if (how === "unmounted") return
        yield* store.commit(name(as), key(`key ${as}`))
        yield* did(`commit of ${as}`)
      }))
    }))
    if (how === "mounted") return
    yield* store.commit(name(as), key(`key ${as}`))
    yield* did(`commit of ${as}`)
  })

  yield* did("open")
  yield* fork("base", undefined, writeBase, "mounted")
  yield* fork("fork", "base", writeFork, "mounted")
  yield* store.view(key("view"), { parent: name("fork") })
  trees.set("view", trees.get("fork") ?? [])
  yield* did("view")
  for (const one of ["base", "view"]) {
    yield* store.update(name(one), { patch: { label: "x".repeat(1_000) } })
    yield* did(`update of ${one}`)
  }
  yield* fork("second", "fork", writeSecond, "unmounted")
  for (const one of ["view", "second"]) {
    yield* store.remove(name(one))
    trees.delete(one)
    yield* did(`remove of ${one}`)
  }
})

/** The layers of a committed snapshot, nearest first, by the links alone. */
const layersOf = (root: string, of: string): ReadonlyArray<string> => {
  const link = path.join(root, "index", createHash("sha256").update(of).digest("hex"))
  const layers: Array<string> = []
  for (let at: string | undefined = fs.realpathSync(link); at !== undefined;) {
    layers.push(path.join(at, "fs"))
    const parent = path.join(at, "parent")
    at = fs.existsSync(parent) ? fs.realpathSync(parent) : undefined
  }
  return layers
}

/** What is found on a disk is what was acknowledged, through real mounts. */
const judge = Effect.fnUntraced(function*(
  directory: string,
  disk: string,
  { after, infos, trees }: Acknowledged,
  how: "writable" | "read-only"
) {
  const { mounter, store } = yield* openOn(disk)
  const damage = (yield* store.check).filter(({ severity }) => severity !== "reclaimable")
  assert.deepStrictEqual(damage, [], `damage after ${after}`)
  const byName = (one: Info, other: Info) => one.name < other.name ? -1 : 1
  const found = yield* Stream.runCollect(store.walk({ onDamaged: "fail" }))
  assert.deepStrictEqual([...found].sort(byName), [...infos].sort(byName), `snapshots after ${after}`)
  const target = path.join(directory, "look")
  fs.mkdirSync(target, { recursive: true })
  for (const { kind, name: of } of infos) {
    const expected = trees.get(of)
    if (expected === undefined || (kind === "active" && how === "read-only")) continue
    const mounts = kind === "committed" && how === "read-only"
      ? readOnly(layersOf(path.join(disk, "store"), of))
      : kind === "committed"
      ? yield* store.view(key("look"), { parent: name(of) })
      : yield* store.mounts(key(of))
    const seen = yield* Effect.scoped(Effect.map(mounter.mount(mounts, target), () => picture(target)))
    assert.deepStrictEqual(seen, expected, `the tree of ${of} after ${after}`)
    if (kind === "committed" && how === "writable") yield* store.remove(key("look"))
  }
  if (how === "read-only") return
  assert.deepStrictEqual((yield* store.cleanup).unremoved, [])
  assert.deepStrictEqual(yield* store.check, [])
})

/** A new disk that `use` works on; afterwards, when the kernel has forgotten it, each copy is looked at. */
const onDisk = Effect.fnUntraced(function*<E>(
  kind: Format,
  directory: string,
  use: (work: Work) => Effect.Effect<void, E, Scope.Scope>
) {
  const image = path.join(directory, "image")
  const disk = path.join(directory, "disk")
  const states: Array<{ readonly copy: string; readonly state: Acknowledged }> = []
  const acknowledged = (state: Acknowledged) => {
    const copy = path.join(directory, `copy ${states.length}`)
    copyOf(image, copy)
    states.push({ copy, state })
  }
  format(kind, image)
  yield* Effect.scoped(
    Effect.andThen(mounted(image, disk), Effect.scoped(use({ directory, disk, options: {}, acknowledged })))
  )
  for (const { copy, state } of states) {
    if (kind.repair !== undefined) yield* lookAt(kind, directory, repaired(kind.repair, copy), state)
    // What no repair has gone over may be read: the kernel refuses to write to it (EIO), as its maps of what is free are old.
    yield* lookAt(kind, directory, copy, state, kind.repair === undefined ? "writable" : "read-only")
  }
  return states.map(({ state }) => state.after)
})

const repaired = (command: ReadonlyArray<string>, image: string): string => {
  const other = `${image} repaired`
  copyOf(image, other)
  repair(command, other)
  return other
}

const lookAt = (
  kind: Format,
  directory: string,
  image: string,
  state: Acknowledged,
  how: "writable" | "read-only" = "writable"
) => {
  const disk = path.join(directory, "found")
  const options = how === "writable" ? kind.copyOptions : [...kind.copyOptions, "-o", "ro"]
  return Effect.scoped(
    Effect.andThen(mounted(image, disk, options), Effect.scoped(judge(directory, disk, state, how)))
  ).pipe(Effect.ensuring(Effect.sync(() => fs.rmSync(image))))
}

describe.runIf(runs)("what is on the disk", () => {
  for (const kind of formats) {
    test(`${kind.name}: all that was acknowledged, after each operation`, (directory) =>
      Effect.gen(function*() {
        const looked = yield* onDisk(kind, directory, work)
        assert.strictEqual(looked.length, 12)
      }))

    test(`${kind.name}: what was made at process, once something at full stands on it`, (directory) =>
      Effect.gen(function*() {
        const looked = yield* onDisk(kind, directory, (given) =>
          Effect.gen(function*() {
            let last: Acknowledged | undefined
            const remember = { ...given, options: { durability: "process" } as const, acknowledged: keep }
            function keep(state: Acknowledged) {
              last = state
            }
            yield* Effect.scoped(work(remember))
            const { store } = yield* openOn(given.disk)
            yield* store.prepare(key("at full"), { parent: name("fork") })
            const trees = new Map(last?.trees)
            trees.set("at full", trees.get("fork") ?? [])
            given.acknowledged({ after: "prepare at full", infos: yield* Stream.runCollect(store.walk()), trees })
          }))
        assert.strictEqual(looked.length, 1)
      }))
  }
})
