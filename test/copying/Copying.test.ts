/** A third backend, made by docs/BACKENDS.md: a machine that binds and cannot overlay, in memory and on Linux. */
import { it } from "@effect/vitest"
import { idSourceSuite } from "@snapshotter/core/testing/IdSourceSuite"
import { bindMounterSuite, overlayMounterSuite } from "@snapshotter/core/testing/MounterSuite"
import {
  badInputSuite,
  overlaySnapshotterSuite,
  snapshotterSuite,
  superuserSnapshotterSuite,
  treeSnapshotterSuite
} from "@snapshotter/core/testing/SnapshotterSuite"
import {
  storeFileSystemSuite,
  storeFileSystemTreeSuite,
  superuserStoreFileSystemSuite
} from "@snapshotter/core/testing/StoreFileSystemSuite"
import { type Suite, Workplace } from "@snapshotter/core/testing/Suite"
import {
  mountedTreeFileSystemSuite,
  superuserTreeFileSystemSuite,
  treeFileSystemSuite,
  whiteoutTreeFileSystemSuite
} from "@snapshotter/core/testing/TreeFileSystemSuite"
import { makeWorld } from "@snapshotter/core/testing/World"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Layer, type Scope } from "effect"
import { describe } from "vitest"
import { freshDirectory, isRoot } from "../../packages/node-fs/test/place.ts"
import { proveModel } from "../commands.ts"
import { judgement } from "../Judgement.ts"
import * as CopyingMounter from "./CopyingMounter.ts"

/** The machine's own `Mounter` gives way to one that copies, with a directory for that. */
const copyingIn = (scratch: Effect.Effect<string, unknown, TreeFileSystem | Scope.Scope>) =>
  Layer.unwrap(Effect.map(Effect.orDie(scratch), CopyingMounter.layer))

const inMemory = Layer.fresh(Layer.mergeAll(
  Layer.provideMerge(
    copyingIn(TreeFileSystem.use((tree) => Effect.as(tree.makeDirectory("/copies", 0o700), "/copies"))),
    MemorySnapshotter.layerMachine
  ),
  Layer.succeed(Workplace, { directory: "/tmp" })
))

const onLinux = Layer.fresh(Layer.mergeAll(
  Layer.provideMerge(copyingIn(freshDirectory), NodeSnapshotter.layerMachine),
  Layer.effect(Workplace, Effect.map(freshDirectory, (directory) => ({ directory })))
))

/** What has to do with mounting. The suites of copy-up are for backends whose overlays are the kernel's. */
const mountingCases = [
  ...bindMounterSuite,
  ...overlayMounterSuite,
  ...overlaySnapshotterSuite,
  ...treeSnapshotterSuite,
  ...superuserSnapshotterSuite
]

const bind = <R>(where: string, runs: boolean, backend: Layer.Layer<R>, cases: Suite<NoInfer<R>>) =>
  describe.runIf(runs)(`copies of layers, ${where}`, () => {
    for (const { name, test } of cases) {
      it.live(name, () => Effect.provide(Effect.scoped(test), backend, { local: true }))
    }
  })

bind("in memory", judgement("third-backend"), inMemory, [
  ...idSourceSuite,
  ...treeFileSystemSuite,
  ...superuserTreeFileSystemSuite,
  ...whiteoutTreeFileSystemSuite,
  ...mountedTreeFileSystemSuite,
  ...storeFileSystemSuite,
  ...storeFileSystemTreeSuite,
  ...superuserStoreFileSystemSuite,
  ...snapshotterSuite,
  ...badInputSuite,
  ...mountingCases
])

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

bind("on Linux", judgement("third-backend-node", missing), onLinux, mountingCases)

describe("copies of layers", () => {
  it("agree with the model after every command of 300 random programs, but for what is overlay's alone", () =>
    proveModel({
      file: "test/copying/Copying.test.ts",
      overlays: "copied",
      runs: 300,
      commandsMax: 60,
      inWorld: (program) =>
        Effect.runPromise(
          Effect.scoped(Effect.flatMap(makeWorld("/tmp", {}), program)).pipe(Effect.provide(inMemory, { local: true }))
        )
    }))
})
