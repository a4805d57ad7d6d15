import { NodeFileSystem } from "@effect/platform-node"
import { it } from "@effect/vitest"
import { idSourceSuite } from "@snapshotter/core/testing/IdSourceSuite"
import { bindMounterSuite, copyUpMounterSuite, overlayMounterSuite } from "@snapshotter/core/testing/MounterSuite"
import {
  storeFileSystemSuite,
  storeFileSystemTreeSuite,
  superuserStoreFileSystemSuite
} from "@snapshotter/core/testing/StoreFileSystemSuite"
import * as NodeIdSource from "@snapshotter/node-fs/NodeIdSource"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import * as NodeTreeFileSystem from "@snapshotter/node-fs/NodeTreeFileSystem"
import { Effect, Layer } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { isRoot, workplace } from "./place.ts"

judgement("node-fs", isRoot ? undefined : "mounting needs root")

describe("StoreFileSystem", () => {
  const machine = Layer.mergeAll(NodeStoreFileSystem.layer, NodeTreeFileSystem.layer, Layer.fresh(workplace))
  for (
    const { name, test } of [
      ...storeFileSystemSuite,
      ...storeFileSystemTreeSuite,
      ...(isRoot ? superuserStoreFileSystemSuite : [])
    ]
  ) it.live(name, () => Effect.provide(Effect.scoped(test), machine))
})

describe("IdSource", () => {
  for (const { name, test } of idSourceSuite) {
    it.live(name, () => Effect.provide(Effect.scoped(test), NodeIdSource.layer))
  }
})

for (const way of ["fsopen", "mount"] as const) {
  describe.runIf(isRoot)(`Mounter by ${way}`, () => {
    for (
      const { name, test } of [
        ...bindMounterSuite,
        ...overlayMounterSuite,
        ...copyUpMounterSuite
      ]
    ) {
      it.live(name, () =>
        Effect.provide(
          Effect.scoped(test),
          Layer.mergeAll(
            NodeMounter.layerWith({ way }),
            NodeStoreFileSystem.layer,
            NodeFileSystem.layer,
            Layer.fresh(workplace)
          )
        ))
    }
  })
}
