/** The suite of the port for trees, on a fresh volume for each case, and in an overlay on one. */
import { it } from "@effect/vitest"
import { Mounter } from "@snapshotter/core/Mounter"
import { type Suite, Workplace } from "@snapshotter/core/testing/Suite"
import {
  copyUpTreeFileSystemSuite,
  type MountedNeeds,
  mountedTreeFileSystemSuite,
  superuserTreeFileSystemSuite,
  treeFileSystemSuite,
  whiteoutTreeFileSystemSuite
} from "@snapshotter/core/testing/TreeFileSystemSuite"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Console, Effect, type Scope } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"

judgement("trees-memory")

type Place = Effect.Effect<string, unknown, Mounter | TreeFileSystem | Scope.Scope>

const bind = (title: string, place: Place, suite: Suite<MountedNeeds>) =>
  describe(title, () => {
    for (const { name, test } of suite) {
      it.live(name, () =>
        Effect.suspend(() => {
          const volume = MemoryVolume.make()
          return Effect.flatMap(place, (directory) => Effect.provideService(test, Workplace, { directory })).pipe(
            Effect.scoped,
            Effect.provideService(Mounter, MemoryMounter.make(volume)),
            Effect.provideService(TreeFileSystem, MemoryTreeFileSystem.make(volume)),
            Effect.tapCause(() => Effect.flatMap(volume.render, Console.error))
          )
        }))
    }
  })

/** An overlay over an empty directory. */
const overlay = Effect.gen(function*() {
  const tree = yield* TreeFileSystem
  for (const name of ["lower", "upper", "work", "merged"]) yield* tree.makeDirectory(`/tmp/${name}`, 0o755)
  const options = ["workdir=/tmp/work", "upperdir=/tmp/upper", "lowerdir=/tmp/lower"]
  yield* (yield* Mounter).mount([{ type: "overlay", source: "overlay", options }], "/tmp/merged")
  return "/tmp/merged"
})

const everywhere = [...treeFileSystemSuite, ...superuserTreeFileSystemSuite]

bind("trees in memory", Effect.succeed("/tmp"), [
  ...everywhere,
  ...whiteoutTreeFileSystemSuite,
  ...copyUpTreeFileSystemSuite,
  ...mountedTreeFileSystemSuite
])
bind("trees in an overlay in memory", overlay, everywhere)
