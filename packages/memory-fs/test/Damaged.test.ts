/**
 * What is damaged is told of, with what is wrong and where; it can be removed, where it can be told whom that concerns, and
 * nothing of it is left.
 */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name, SnapshotId } from "@snapshotter/core/Snapshot"
import { make } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, Stream } from "effect"
// Internal, so not among core's exports.
import { layoutOf, linkText, parseLink } from "../../core/src/internal/layout.ts"
import { sha256Hex } from "../../core/src/internal/sha256.ts"
import { processOn, quiet } from "./machine.ts"

const [a, victim] = [Key.make("a"), Key.make("victim")]
const [base, child] = [Name.make("base"), Name.make("child")]

interface Given {
  readonly durability?: "full" | "process"
  readonly change?: (fs: StoreFileSystem) => Partial<StoreFileSystem>
}

/** `base`, `child` on it, and a fork `victim` of that. */
const scene = Effect.fnUntraced(function*({ change = () => ({}), durability = "full" }: Given = {}) {
  const process = processOn(MemoryVolume.make(), "process")
  const fs = Context.get(process, StoreFileSystem)
  const layout = layoutOf("/store")
  const open = Effect.provide(
    make({ root: "/store", durability }),
    Context.add(process, StoreFileSystem, { ...fs, ...change(fs) })
  )
  const store = yield* open
  yield* store.prepare(a)
  yield* store.commit(base, a)
  yield* store.prepare(a, { parent: base })
  yield* store.commit(child, a)
  yield* store.prepare(victim, { parent: child })
  yield* store.cleanup
  const targetOf = Effect.fnUntraced(function*(name: string) {
    const text = yield* fs.readLink(layout.link(sha256Hex(name)))
    return parseLink(text ?? "") ?? assert.fail(`the index has no ${name}`)
  })
  const target = yield* targetOf("victim")
  return { fs, layout, open, store, target, targetOf, paths: layout.snapshot(target.kind, target.id) }
})

type Scene = Effect.Success<ReturnType<typeof scene>>

const namesOf = ({ store }: Scene) =>
  Effect.map(Stream.runCollect(store.walk({ onDamaged: "fail" })), (infos) => infos.map(({ name }): string => name))

describe("is told of, with what is wrong and where:", () => {
  const done = Name.make("done")
  type Told = readonly [path: string, reason: string]
  const damages: Readonly<
    Record<
      string,
      readonly [
        does: (store: Scene["store"]) => Effect.Effect<unknown, object>,
        damaged: (scene: Scene) => Effect.Effect<Told, FileSystemError>
      ]
    >
  > = {
    "a link to nothing of ours": [(store) => store.stat(victim), ({ fs, layout }) => {
      const link = layout.link(sha256Hex("victim"))
      return Effect.as(Effect.andThen(fs.removeFile(link), fs.symlink("elsewhere", link)), [
        link,
        "does not lead to a snapshot"
      ])
    }],
    "what stands where its link was": [(store) => store.stat(victim), ({ fs, layout }) => {
      const link = layout.link(sha256Hex("victim"))
      return Effect.as(Effect.andThen(fs.removeFile(link), fs.writeFile(link, "", 0o600)), [
        link,
        "cannot be read (EINVAL)"
      ])
    }],
    "metadata that is missing": [
      (store) => store.stat(victim),
      ({ fs, paths }) => Effect.as(fs.removeFile(paths.key), [paths.key, "is missing"])
    ],
    "a parent's link that is missing": [
      (store) => store.stat(victim),
      ({ fs, paths }) => Effect.as(fs.removeFile(paths.parent), [paths.parent, "is missing"])
    ],
    "a parent's link that leads to another one": [
      (store) => store.stat(victim),
      ({ fs, paths, targetOf }) =>
        Effect.gen(function*() {
          yield* fs.removeFile(paths.parent)
          yield* fs.symlink(`../../committed/${(yield* targetOf("base")).id}`, paths.parent)
          return [paths.parent, "does not lead to the parent that the metadata names"]
        })
    ],
    "a parent's link of what has no parent": [
      (store) => store.stat(base),
      ({ fs, layout, targetOf }) =>
        Effect.gen(function*() {
          const { parent } = layout.snapshot("committed", (yield* targetOf("base")).id)
          yield* fs.symlink("elsewhere", parent)
          return [parent, "does not lead to the parent that the metadata names"]
        })
    ],
    "a layer that is missing": [
      (store) => store.mounts(victim),
      ({ fs, paths }) => Effect.as(fs.removeTree(paths.layer), [paths.layer, "is missing"])
    ],
    "a layer that is a file": [
      (store) => store.mounts(victim),
      ({ fs, paths }) =>
        Effect.as(Effect.andThen(fs.removeTree(paths.layer), fs.writeFile(paths.layer, "", 0o600)), [
          paths.layer,
          "is not a directory"
        ])
    ],
    "a scratch directory that is missing": [
      (store) => store.mounts(victim),
      ({ fs, paths }) => Effect.as(fs.removeTree(paths.work), [paths.work, "is missing"])
    ],
    "a layer that is missing, where it is to be committed": [
      (store) => store.commit(done, victim),
      ({ fs, paths }) => Effect.as(fs.removeTree(paths.layer), [paths.layer, "is missing"])
    ],
    "a layer further down that is missing": [(store) => store.mounts(victim), withoutBase],
    "a layer further down that is missing, where it is to be built upon": [
      (store) => store.prepare(a, { parent: child }),
      withoutBase
    ]
  }
  function withoutBase({ fs, layout, targetOf }: Scene): Effect.Effect<Told, FileSystemError> {
    return Effect.gen(function*() {
      const { layer } = layout.snapshot("committed", (yield* targetOf("base")).id)
      yield* fs.removeTree(layer)
      return [layer, "is missing"]
    })
  }
  for (const [what, [does, damaged]] of Object.entries(damages)) {
    it.live(what, () =>
      Effect.scoped(Effect.gen(function*() {
        const made = yield* scene()
        const [path, reason] = yield* damaged(made)
        assert.deepInclude({ ...(yield* Effect.flip(does(made.store))) }, { _tag: "Damaged", path, reason })
      })))
  }

  it.live("but labels of what has been promised are updated, whatever has become of its contents", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, paths, store } = yield* scene()
      yield* fs.removeTree(paths.layer)
      yield* fs.writeFile(`${paths.directory}/suspect`, "EIO", 0o600)
      yield* store.update(victim, { patch: { l: "1" } })
      assert.deepInclude((yield* store.stat(victim)).labels, { l: "1" })
    })))
})

describe("is not told of where the process, or the machine, fails:", () => {
  const ofTheProcess = ["EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS", "EINTR", "EAGAIN"]
  for (const code of [...ofTheProcess, "EIO", "ESTALE", "ETIMEDOUT"]) {
    it.live(code, () =>
      Effect.scoped(Effect.gen(function*() {
        let fails = false
        const { store } = yield* scene({
          change: (fs) => ({
            readFile: (path) =>
              Effect.suspend(() =>
                fails && path.endsWith("/name.json")
                  ? Effect.fail(new FileSystemError({ operation: "readFile", path, code }))
                  : fs.readFile(path)
              )
          })
        })
        fails = true
        assert.deepInclude({ ...(yield* Effect.flip(store.stat(base))) }, { _tag: "StoreFailure", code })
        // Which names everything that cannot be read, if it is that alone which cannot.
        if (ofTheProcess.includes(code)) assert.deepInclude({ ...(yield* Effect.flip(store.check)) }, { code })
      })))
  }
})

describe("is removed, with its link and its parent's mark of it:", () => {
  const damages: Readonly<Record<string, (scene: Scene) => Effect.Effect<unknown, FileSystemError>>> = {
    "what has lost its metadata": ({ fs, paths }) => fs.removeFile(paths.key),
    "what has lost its parent's link": ({ fs, paths }) => fs.removeFile(paths.parent),
    "what has lost its metadata, where others stand in the index, and what is no link": (
      { fs, layout, paths }
    ) =>
      Effect.gen(function*() {
        yield* fs.removeFile(paths.key)
        yield* fs.writeFile(layout.link(sha256Hex("a file")), "", 0o600)
        yield* fs.symlink("elsewhere", layout.link(sha256Hex("a link")))
      }),
    "what has lost its metadata, and may not be written by its owner": ({ fs, paths }) =>
      Effect.andThen(fs.removeFile(paths.key), fs.setMode(paths.directory, 0o500))
  }
  for (const durability of ["full", "process"] as const) {
    for (const [what, damaged] of Object.entries(damages)) {
      it.live(`${what}, at ${durability}`, () =>
        Effect.scoped(Effect.gen(function*() {
          const made = yield* scene({
            durability,
            change: (fs) => ({
              // As for whoever is not the superuser.
              moveNoReplace: (from, to) =>
                Effect.flatMap(fs.lstat(from), (entry) =>
                  entry === undefined || (entry.mode & 0o200) !== 0
                    ? fs.moveNoReplace(from, to)
                    : Effect.fail(new FileSystemError({ operation: "moveNoReplace", path: from, code: "EACCES" })))
            })
          })
          yield* damaged(made)
          yield* made.store.remove(victim)
          assert.deepStrictEqual(yield* namesOf(made), ["base", "child"])
          const left = (yield* made.store.check).filter(({ message }) => !message.startsWith("is not a link"))
          assert.deepStrictEqual(left, [])
          assert.isUndefined(yield* made.fs.lstat(made.paths.directory))
        })))
    }
  }
})

describe("is not removed", () => {
  it.live("where two links lead to it, and nothing says which is its own; without one of them it is", () =>
    Effect.scoped(Effect.gen(function*() {
      const made = yield* scene()
      const { fs, layout, paths, store, target } = made
      yield* fs.removeFile(paths.key)
      yield* fs.symlink(linkText(target), layout.link(sha256Hex("other")))
      const before = yield* store.check
      for (const name of [victim, Key.make("other")]) {
        const failure = yield* Effect.flip(store.remove(name))
        assert.deepInclude({ ...failure, _tag: failure._tag }, {
          _tag: "Damaged",
          snapshot: name,
          path: paths.key,
          reason: "cannot be told from another one, since 2 links lead to it"
        })
      }
      assert.deepStrictEqual(yield* store.check, before)
      yield* fs.removeFile(layout.link(sha256Hex("other")))
      yield* store.remove(victim)
      assert.deepStrictEqual(yield* store.check, [])
    })))

  it.live("where the machine cannot say who its children are", () =>
    Effect.scoped(Effect.gen(function*() {
      const made = yield* scene({
        change: (fs) => ({
          readDirectory: (path) =>
            path.endsWith("/children")
              ? Effect.fail(new FileSystemError({ operation: "readDirectory", path, code: "EIO" }))
              : fs.readDirectory(path)
        })
      })
      const failure = yield* Effect.flip(made.store.remove(child))
      assert.deepInclude({ ...failure }, { operation: "remove", code: "EIO", call: "readDirectory" })
      assert.deepStrictEqual(yield* namesOf(made), ["base", "child", "victim"])
    })))
})

describe("walk", () => {
  const orders = [["base", "child", "top"], ["top", "base", "child"], ["base", "top", "child"]]
  /** `top` on `child` on `base`, and a process to which directories list them in this order. */
  const listed = (order: ReadonlyArray<string>) =>
    Effect.gen(function*() {
      const places: Array<string> = []
      const made = yield* scene({
        change: (fs) => ({
          readDirectory: (path) =>
            Effect.map(
              fs.readDirectory(path),
              (names) => names.toSorted((one, other) => places.indexOf(one) - places.indexOf(other))
            )
        })
      })
      yield* made.store.prepare(a, { parent: child })
      yield* made.store.commit(Name.make("top"), a)
      for (const name of order) places.push((yield* made.targetOf(name)).id)
      return made
    })
  for (const order of orders) {
    it.live(`shows each once, and its ancestors before it, where directories list them as ${order.join(", ")}`, () =>
      Effect.scoped(Effect.gen(function*() {
        assert.deepStrictEqual(yield* namesOf(yield* listed(order)), ["base", "child", "top", "victim"])
      })))

    it.live(`leaves out what is damaged and what stands on it, where directories list them as ${order.join(", ")}`, () =>
      quiet(Effect.scoped(Effect.gen(function*() {
        const { fs, layout, store, targetOf } = yield* listed(order)
        const { id } = yield* targetOf("base")
        yield* fs.removeFile(layout.snapshot("committed", id).name)
        assert.deepStrictEqual((yield* Stream.runCollect(store.walk())).map(({ name }): string => name), [])
      }))))
  }
})

describe("usage", () => {
  for (const [code, tag] of [["ENOENT", "Damaged"], ["ENOTDIR", "Damaged"], ["EIO", "StoreFailure"]] as const) {
    it.live(`of a layer that is gone while it is measured is damage, a failure of the machine is none: ${code}`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { paths, store } = yield* scene({
          change: () => ({ usage: (path) => Effect.fail(new FileSystemError({ operation: "usage", path, code })) })
        })
        const failure = yield* Effect.flip(store.usage(victim))
        assert.deepInclude(
          { ...failure, _tag: failure._tag },
          tag === "Damaged"
            ? { _tag: tag, snapshot: victim, path: paths.layer, reason: "is missing" }
            : { _tag: tag, operation: "usage", path: paths.layer, code }
        )
      })))
  }

  it.live("of what is committed is measured once, and not before", () =>
    Effect.scoped(Effect.gen(function*() {
      const measured: Array<string> = []
      const { layout, paths, store, targetOf } = yield* scene({
        change: (fs) => ({
          usage: (path) => {
            measured.push(path)
            return fs.usage(path)
          }
        })
      })
      for (const name of [base, victim, base, victim]) yield* store.usage(name)
      const layer = layout.snapshot("committed", (yield* targetOf("base")).id).layer
      assert.deepStrictEqual(measured, [layer, paths.layer, paths.layer])
      const done = Name.make("done")
      yield* store.commit(done, victim)
      for (const name of [done, done]) yield* store.usage(name)
      assert.deepStrictEqual(measured.slice(3), [layout.snapshot("committed", (yield* targetOf("done")).id).layer])
    })))
})

describe("a parent", () => {
  it.live("that is missing is told of with its directory; one that is its own ancestor with its own", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, layout, open, targetOf } = yield* scene()
      const [low, high] = [yield* targetOf("base"), yield* targetOf("child")]
      const paths = layout.snapshot("committed", low.id)
      const reasonOf = Effect.scoped(Effect.gen(function*() {
        // One that was open before remembers.
        const failure: object = yield* Effect.flip((yield* open).mounts(victim))
        return { ...failure }
      }))
      const text = (yield* fs.readFile(paths.name)) ?? ""
      yield* fs.removeFile(paths.name)
      yield* fs.writeFile(paths.name, text.replace("\"name\":\"base\"", `"name":"base","parent":"${high.id}"`), 0o600)
      yield* fs.symlink(`../../committed/${high.id}`, paths.parent)
      assert.deepInclude(yield* reasonOf, {
        snapshot: "victim",
        path: layout.snapshot("committed", high.id).directory,
        reason: "is its own ancestor"
      })
      yield* fs.removeTree(paths.directory)
      assert.deepInclude(yield* reasonOf, {
        snapshot: "victim",
        path: paths.directory,
        reason: "is missing, and it is one of its parents"
      })
    })))
})

describe("relink, as long as somebody's name cannot be read, who may be meant,", () => {
  it.live("leaves links to them and files in the index; then it puts both right", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, layout, paths, store, target, targetOf } = yield* scene()
      const [low, high] = [yield* targetOf("base"), yield* targetOf("child")]
      const link = layout.link(sha256Hex("child"))
      const stray = layout.link(sha256Hex("gone"))
      const text = (yield* fs.readFile(paths.key)) ?? ""
      yield* fs.removeFile(paths.key)
      yield* fs.removeFile(link)
      yield* fs.symlink(linkText(target), link)
      yield* fs.writeFile(stray, "", 0o600)
      assert.deepStrictEqual(yield* store.relink, [])
      assert.strictEqual(yield* fs.readLink(link), linkText(target))
      assert.strictEqual(yield* fs.readFile(stray), "")
      // That one is known to be called otherwise.
      yield* fs.removeFile(link)
      yield* fs.symlink(linkText(low), link)
      assert.deepStrictEqual(yield* store.relink, ["child"])
      assert.strictEqual(yield* fs.readLink(link), linkText(high))
      yield* fs.removeFile(link)
      yield* fs.symlink(linkText(target), link)
      yield* fs.writeFile(paths.key, text, 0o600)
      assert.deepStrictEqual(yield* store.relink, ["child", stray])
      assert.deepStrictEqual(yield* store.check, [])
    })))
})

it.live("relink puts right a link to the place that a snapshot has left, and leaves to cleanup one that leads nowhere", () =>
  Effect.scoped(Effect.gen(function*() {
    const { fs, layout, store, targetOf } = yield* scene()
    const low = yield* targetOf("base")
    const [link, dead] = [layout.link(sha256Hex("base")), layout.link(sha256Hex("nobody"))]
    yield* fs.removeFile(link)
    yield* fs.symlink(linkText({ ...low, kind: "active" }), link)
    yield* fs.symlink(linkText({ kind: "active", id: SnapshotId.make("nobody2222222") }), dead)
    assert.deepStrictEqual(yield* store.relink, ["base"])
    assert.strictEqual(yield* fs.readLink(link), linkText(low))
    assert.deepStrictEqual((yield* store.check).map(({ path }) => path), [dead])
    assert.deepStrictEqual((yield* store.cleanup).removed, [dead])
  })))
