/** The suite of the port for trees, on a fresh volume for each case. */
import { it } from "@effect/vitest"
import { Workplace } from "@snapshotter/core/testing/Suite"
import { superuserTreeFileSystemSuite, treeFileSystemSuite } from "@snapshotter/core/testing/TreeFileSystemSuite"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Console, Effect } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"

judgement("trees-memory")

describe("TreeFileSystem in memory", () => {
  for (const { name, test } of [...treeFileSystemSuite, ...superuserTreeFileSystemSuite]) {
    it.live(name, () =>
      Effect.suspend(() => {
        const volume = MemoryVolume.make()
        return Effect.scoped(test).pipe(
          Effect.provideService(TreeFileSystem, MemoryTreeFileSystem.make(volume)),
          Effect.provideService(Workplace, { directory: "/tmp" }),
          Effect.tapCause(() => Effect.flatMap(volume.render, Console.error))
        )
      }))
  }
})
