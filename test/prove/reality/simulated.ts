/** The same operations on memory-fs's simulated disk, and the trees with which it could come up. */
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Context, Effect } from "effect"
import { digestOf, type Found, treeAt } from "./found.ts"
import type { Operation } from "./operation.ts"
import { perform } from "./perform.ts"

const directory = "/tmp/tree"
const mode = 0o755

const portsOf = (volume: MemoryVolume.MemoryVolume) =>
  Context.make(TreeFileSystem, MemoryTreeFileSystem.make(volume)).pipe(
    Context.add(StoreFileSystem, MemoryStoreFileSystem.make(volume))
  )

export interface Simulated {
  readonly do: (operation: Operation) => Effect.Effect<void>
  /** How much of what was done is not on disk: the number of states grows exponentially with it. */
  readonly unsynced: () => number
  /** All trees with which it could come up now, by their digests. */
  readonly states: Effect.Effect<ReadonlyMap<string, Found>>
}

/** An empty tree on a simulated disk, with nothing unsynced. */
export const simulated: Effect.Effect<Simulated> = Effect.gen(function*() {
  const volume = MemoryVolume.make({ losesPower: true })
  const ports = portsOf(volume)
  yield* TreeFileSystem.use((trees) => trees.makeDirectory(directory, mode)).pipe(
    Effect.andThen(perform("/", { do: "syncfs" })),
    Effect.provideContext(ports),
    Effect.orDie
  )
  return {
    do: (operation) => perform(directory, operation).pipe(Effect.provideContext(ports), Effect.orDie, Effect.asVoid),
    unsynced: () => PowerLoss.unsynced(volume).length,
    states: Effect.gen(function*() {
      const trees = new Map<string, Found>()
      for (const state of PowerLoss.states(volume, { completeUpTo: Infinity })) {
        const tree = yield* Effect.orDie(Effect.provideContext(treeAt(directory), portsOf(state.boot())))
        trees.set(digestOf(tree), tree)
      }
      return trees
    })
  }
})
