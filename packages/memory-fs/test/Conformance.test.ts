/** The suites of the ports, on a fresh volume for each case. */
import { it } from "@effect/vitest"
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { idSourceSuite } from "@snapshotter/core/testing/IdSourceSuite"
import { bindMounterSuite, copyUpMounterSuite, overlayMounterSuite } from "@snapshotter/core/testing/MounterSuite"
import {
  storeFileSystemSuite,
  storeFileSystemTreeSuite,
  superuserStoreFileSystemSuite
} from "@snapshotter/core/testing/StoreFileSystemSuite"
import { type Suite, Workplace } from "@snapshotter/core/testing/Suite"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Console, Effect, FileSystem } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"

judgement("memory-fs")

type Ports = IdSource | StoreFileSystem | TreeFileSystem | Mounter | FileSystem.FileSystem | Workplace

const bind = (title: string, suite: Suite<Ports>) =>
  describe(title, () => {
    for (const { name, test } of suite) {
      it.live(name, () =>
        Effect.suspend(() => {
          const volume = MemoryVolume.make()
          return test.pipe(
            Effect.provideService(FileSystem.FileSystem, MemoryFileSystem.make(volume)),
            Effect.provideService(IdSource, MemoryIdSource.make(volume)),
            Effect.provideService(Mounter, MemoryMounter.make(volume)),
            Effect.provideService(StoreFileSystem, MemoryStoreFileSystem.make(volume)),
            Effect.provideService(TreeFileSystem, MemoryTreeFileSystem.make(volume)),
            Effect.provideService(Workplace, { directory: "/tmp" }),
            Effect.tapCause(() => Effect.flatMap(volume.render, Console.error))
          )
        }))
    }
  })

bind("StoreFileSystem", [...storeFileSystemSuite, ...storeFileSystemTreeSuite, ...superuserStoreFileSystemSuite])
bind("Mounter", [...bindMounterSuite, ...overlayMounterSuite, ...copyUpMounterSuite])
bind("IdSource", idSourceSuite)
