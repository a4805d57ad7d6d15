import { it } from "@effect/vitest"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { storeFileSystemSuite } from "@snapshotter/core/testing/StoreFileSystemSuite"
import { Workplace } from "@snapshotter/core/testing/Suite"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect } from "effect"
import { describe } from "vitest"

describe("StoreFileSystem", () => {
  for (const { name, test } of storeFileSystemSuite) {
    it.live(name, () =>
      Effect.suspend(() => {
        const volume = MemoryVolume.make()
        return test.pipe(
          Effect.provideService(Workplace, { directory: "/tmp" }),
          Effect.provideService(StoreFileSystem, MemoryStoreFileSystem.make(volume)),
          Effect.tapCause(() => Effect.flatMap(volume.render, Effect.logError))
        )
      }))
  }
})
