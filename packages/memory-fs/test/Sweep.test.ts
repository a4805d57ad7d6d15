/** What `cleanup` takes, what it tells of that, and what it leaves to whoever it belongs to. */
import { assert, describe, it } from "@effect/vitest"
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name, SnapshotId } from "@snapshotter/core/Snapshot"
import { make, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect } from "effect"
// Internal, so not among core's exports.
import { layoutOf, parseLink } from "../../core/src/internal/layout.ts"
import { sha256Hex } from "../../core/src/internal/sha256.ts"
import { processOn, quiet } from "./machine.ts"

const [key, fork] = [Key.make("key"), Key.make("fork")]
const [base, torn, done] = [Name.make("base"), Name.make("torn"), Name.make("done")]
const layout = layoutOf("/store")
const orphan = SnapshotId.make("orphan2222222")

const machine = () => {
  const process = processOn(MemoryVolume.make(), "process")
  const fs = Context.get(process, StoreFileSystem)
  return {
    fs,
    mounter: Context.get(process, Mounter),
    /** The store, by who sees something else of it. */
    open: (options: Partial<SnapshotterOptions> = {}, sees: Partial<StoreFileSystem> = {}) =>
      quiet(
        Effect.provide(make({ root: "/store", ...options }), Context.add(process, StoreFileSystem, { ...fs, ...sees }))
      ),
    placeOf: Effect.fnUntraced(function*(name: string) {
      const target = parseLink((yield* fs.readLink(layout.link(sha256Hex(name)))) ?? "") ?? assert.fail(name)
      return { ...layout.snapshot(target.kind, target.id), id: target.id }
    })
  }
}

const failing = (operation: string, path: string, code: string) =>
  Effect.fail(new FileSystemError({ operation, path, code }))

describe("cleanup", () => {
  it.live("says what is gone, and what had to stay and why; what is somebody's, or cannot be told, stays", () =>
    Effect.gen(function*() {
      const { fs, open, placeOf } = machine()
      const store = yield* open()
      for (const name of [base, torn]) yield* Effect.andThen(store.prepare(key), store.commit(name, key))
      yield* store.prepare(fork, { parent: base })
      yield* store.cleanup
      const [of, ofTorn, ofFork] = [yield* placeOf(base), yield* placeOf(torn), yield* placeOf(fork)]
      yield* fs.removeFile(ofTorn.name)
      const hashes = { gone: "0".repeat(64), otherwise: "1".repeat(64), stuck: "2".repeat(64), file: "3".repeat(64) }
      const stuck = layout.link(hashes.stuck)
      // Opened before there is anything to sweep.
      const odd = yield* open({}, {
        readDirectory: (path) =>
          path === ofTorn.children ? failing("readDirectory", path, "EACCES") : fs.readDirectory(path),
        removeFile: (path) => path === stuck ? failing("removeFile", path, "EPERM") : fs.removeFile(path),
        removeTree: (path) =>
          path === "/store/trash/held"
            ? Effect.succeed([{ path: `${path}/mounted`, code: "EXDEV" }])
            : fs.removeTree(path)
      })
      const links = yield* fs.readDirectory(layout.index)
      for (const hash of [hashes.gone, hashes.stuck]) yield* fs.symlink(`../active/${orphan}`, layout.link(hash))
      yield* fs.symlink(`../committed/${of.id}`, layout.link(hashes.otherwise))
      for (const path of [layout.link(hashes.file), of.child(orphan)]) yield* fs.writeFile(path, "", 0o600)
      for (const path of ["/store/staging/begun", "/store/trash/held", of.work]) yield* fs.makeDirectory(path, 0o700)
      const { removed, unremoved } = yield* quiet(odd.cleanup)
      assert.sameMembers([...removed], [
        layout.link(hashes.gone),
        layout.link(hashes.otherwise),
        of.child(orphan),
        "/store/trash/begun",
        layout.trashedWork(of.id)
      ])
      assert.sameDeepMembers([...unremoved], [
        { path: stuck, code: "EPERM" },
        { path: "/store/trash/held/mounted", code: "EXDEV" }
      ])
      assert.sameMembers([...yield* fs.readDirectory(layout.index)], [...links, hashes.stuck, hashes.file])
      assert.deepStrictEqual(yield* fs.readDirectory(of.children), [ofFork.id])
    }))

  it.live("leaves the scratch directory of what is still mounted, until it is not", () =>
    Effect.gen(function*() {
      const { fs, mounter, open, placeOf } = machine()
      const store = yield* open({ whileMounted: "allow" })
      yield* Effect.andThen(store.prepare(key), store.commit(base, key))
      const mounts = yield* store.prepare(fork, { parent: base })
      yield* store.cleanup
      yield* fs.makeDirectory("/mnt", 0o755)
      const nothing = { removed: [], unremoved: [] }
      yield* Effect.scoped(Effect.gen(function*() {
        yield* mounter.mount(mounts, "/mnt")
        yield* store.commit(done, fork)
        assert.deepStrictEqual(yield* store.cleanup, nothing)
      }))
      const { id } = yield* placeOf(done)
      assert.deepStrictEqual(yield* store.cleanup, { removed: [layout.trashedWork(id)], unremoved: [] })
      assert.deepStrictEqual(yield* store.cleanup, nothing)
    }))

  it.live("waits for what somebody has left unsynced, also where nothing else is left", () =>
    Effect.gen(function*() {
      const { fs, open } = machine()
      const synced: Array<string> = []
      const store = yield* open({}, {
        sync: (targets) =>
          Effect.suspend(() => {
            synced.push(...targets.map(({ kind, path }) => `${kind} ${path}`))
            return fs.sync(targets)
          })
      })
      synced.length = 0
      yield* fs.setMode("/store/staging", 0o1700)
      assert.deepStrictEqual(yield* store.cleanup, { removed: [], unremoved: [] })
      assert.deepStrictEqual(synced, ["tree /store"])
      assert.strictEqual((yield* fs.lstat("/store/staging"))?.mode, 0o700)
    }))
})
