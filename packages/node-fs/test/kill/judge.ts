/** What must be so of a store whose users were killed, whoever opens it next. */
import { Mounter } from "@snapshotter/core/Mounter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Layer, Stream } from "effect"
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Journal, Tree } from "./journal.ts"

export const openStore = (root: string, durability: "full" | "process") =>
  Layer.build(Layer.fresh(NodeSnapshotter.layer({ root, durability })))

/** Nobody who is dead holds the lock. */
export const expectFree = (root: string) =>
  StoreFileSystem.use((system) => system.tryLock(root)).pipe(
    Effect.flatMap((lock) => lock === undefined ? Effect.die(new Error("somebody dead holds the lock")) : lock.release),
    Effect.provide(NodeSnapshotter.layerMachine, { local: true })
  )

/** Nothing is lost or would mislead. What is to be reclaimed may be there. */
export const expectUndamaged = Effect.fnUntraced(function*(snapshotter: Snapshotter) {
  const damage = (yield* snapshotter.check).filter(({ severity }) => severity !== "reclaimable")
  assert.deepEqual(damage, [], "damage")
})

/** After a cleanup nothing is left that no snapshot owns, and a second one finds nothing. */
export const expectCleaned = Effect.fnUntraced(function*(snapshotter: Snapshotter) {
  assert.deepEqual((yield* snapshotter.cleanup).unremoved, [], "what cannot be reclaimed")
  assert.deepEqual(yield* snapshotter.check, [], "left after cleanup")
  assert.deepEqual(yield* snapshotter.cleanup, { removed: [], unremoved: [] }, "what a second cleanup does")
})

/** All that the journal says is there, byte for byte through real mounts, and nothing else. Gives the committed ones. */
export const judge = Effect.fnUntraced(function*(root: string, target: string, journal: Journal) {
  yield* expectFree(root)
  const infos = yield* Effect.scoped(
    Effect.gen(function*() {
      const snapshotter = yield* Snapshotter
      yield* expectUndamaged(snapshotter)
      const infos = yield* Stream.runCollect(snapshotter.walk({ onDamaged: "fail" }))
      assert.deepEqual(journal.settle(infos), [], "what is not as it was acknowledged")
      yield* clear(snapshotter, infos, journal)
      yield* expectCleaned(snapshotter)
      return infos
    }).pipe(Effect.provide(yield* openStore(root, "full")))
  )
  const committed = infos.filter(({ kind }) => kind === "committed")
  yield* Effect.scoped(look(committed, target, journal).pipe(Effect.provide(yield* openStore(root, "process"))))
  return committed
})

/** What was left in the hands of the dead. */
const clear = Effect.fnUntraced(function*(snapshotter: Snapshotter, infos: ReadonlyArray<Info>, journal: Journal) {
  for (const { kind, name } of infos) {
    if (kind === "committed") continue
    yield* snapshotter.remove(name)
    journal.hear([{ tries: { op: "remove", name } }, { ack: { op: "remove", name }, outcome: "done" }])
  }
})

const look = Effect.fnUntraced(function*(committed: ReadonlyArray<Info>, target: string, journal: Journal) {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  const key = Key.make("look")
  for (const { name } of committed) {
    const mounts = yield* snapshotter.view(key, { parent: Name.make(name) })
    yield* Effect.scoped(Effect.gen(function*() {
      yield* mounter.mount(mounts, target)
      assert.deepEqual(
        differences(treeAt(target), journal.tree(name)),
        [],
        `files of ${name} that are not as they were`
      )
    }))
    yield* snapshotter.remove(key)
  }
})

const treeAt = (directory: string): Tree => {
  const tree: Tree = new Map()
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    tree.set(path.relative(directory, file), fs.readFileSync(file, "utf8"))
  }
  return tree
}

const differences = (actual: Tree, expected: Tree): ReadonlyArray<string> =>
  [...new Set([...actual.keys(), ...expected.keys()])].filter((file) => actual.get(file) !== expected.get(file))
