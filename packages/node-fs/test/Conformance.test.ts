import { it } from "@effect/vitest"
import { storeFileSystemSuite } from "@snapshotter/core/testing/StoreFileSystemSuite"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Effect, Layer } from "effect"
import { describe } from "vitest"
import { workplace } from "./place.ts"

describe("StoreFileSystem", () => {
  for (const { name, test } of storeFileSystemSuite) {
    it.live(name, () => Effect.provide(test, Layer.mergeAll(NodeStoreFileSystem.layer, Layer.fresh(workplace))))
  }
})
