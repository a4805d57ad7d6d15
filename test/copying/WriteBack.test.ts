/** What a copy leaves in its upper layer is what an overlay reads there. */
import { assert, it } from "@effect/vitest"
import { mountsOf } from "@snapshotter/core/Mount"
import { Mounter } from "@snapshotter/core/Mounter"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, FileSystem } from "effect"
import { contentsOf } from "./contents.ts"
import * as CopyingMounter from "./CopyingMounter.ts"
import { isWhiteout } from "./merge.ts"

const mounts = mountsOf({ writable: true, layer: "/upper", work: "/work", parents: ["/lower"] }, [])

/** Changes of every kind to a tree that has something to change. */
const changed = Effect.gen(function*() {
  const files = yield* FileSystem.FileSystem
  const tree = yield* TreeFileSystem
  for (const path of ["/copies", "/upper", "/work", "/target", "/lower/d/deep", "/lower/e", "/lower/g"]) {
    yield* files.makeDirectory(path, { recursive: true })
  }
  for (const path of ["kept", "written", "removed", "linked", "d/kept", "d/deep/kept", "e/old", "g/old"]) {
    yield* files.writeFileString(`/lower/${path}`, path)
  }
  const copying = yield* CopyingMounter.make("/copies")
  yield* copying.mount(mounts, "/target")
  yield* files.writeFileString("/target/written", "new")
  yield* files.remove("/target/removed")
  yield* files.link("/target/linked", "/target/d/link")
  yield* files.remove("/target/e", { recursive: true })
  yield* files.makeDirectory("/target/e")
  yield* files.writeFileString("/target/e/new", "new")
  yield* files.remove("/target/g", { recursive: true })
  yield* tree.setXattr("/target/d/deep", "user.seen", Buffer.from("yes"))
  const seen = yield* shownAt("/target")
  yield* copying.unmount("/target")
  return seen
})

/** All that there is to be seen, by path. */
const shownAt = Effect.fnUntraced(function*(directory: string) {
  const files = yield* FileSystem.FileSystem
  const shown = new Map<string, unknown>()
  for (const [path, { gid, mode, mtimeNanoseconds, type, uid }] of yield* contentsOf(directory)) {
    const text = type === "file" ? yield* files.readFileString(`${directory}/${path}`) : undefined
    shown.set(path, { type, mode, uid, gid, mtimeNanoseconds, text })
  }
  return shown
})

it.live("a tree that was changed as a copy is the same as an overlay", () =>
  Effect.gen(function*() {
    const asCopy = yield* changed
    yield* (yield* Mounter).mount(mounts, "/target")
    assert.deepStrictEqual(yield* shownAt("/target"), asCopy)
  }).pipe(Effect.scoped, Effect.provide(MemorySnapshotter.layerMachine, { local: true })))

it.live("the layer holds what is new, a whiteout for what is gone, and an opaque directory for one made again", () =>
  Effect.gen(function*() {
    yield* changed
    const tree = yield* TreeFileSystem
    const layer = yield* contentsOf("/upper")
    const whiteouts = [...layer].filter(([, entry]) => isWhiteout(entry)).map(([path]) => path)
    assert.deepStrictEqual(whiteouts.sort(), ["g", "removed"])
    assert.deepStrictEqual([...layer.keys()].filter((path) => !whiteouts.includes(path)).sort(), [
      "",
      "d",
      "d/deep",
      "d/link",
      "e",
      "e/new",
      "linked",
      "written"
    ])
    assert.deepStrictEqual(yield* tree.listXattrs("/upper/e"), ["trusted.overlay.opaque"])
    assert.strictEqual(layer.get("linked")?.ino, layer.get("d/link")?.ino)
  }).pipe(Effect.scoped, Effect.provide(MemorySnapshotter.layerMachine, { local: true })))
