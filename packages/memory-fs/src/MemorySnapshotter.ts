/**
 * A snapshotter in memory, with all that goes with it: the same operations as on real mounts, without privileges.
 *
 * ```ts
 * import { Fork, Snapshot, Snapshotter } from "@snapshotter/core"
 * import { MemorySnapshotter } from "@snapshotter/memory-fs"
 * import { Effect, FileSystem } from "effect"
 *
 * const program = Fork.committed(
 *   { key: Snapshot.Key.make("work") },
 *   Snapshot.Name.make("base"),
 *   (directory) => FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/hello`, "world"))
 * )
 *
 * Effect.runPromise(Effect.provide(program, MemorySnapshotter.layer))
 * ```
 */
import type { IdSource } from "@snapshotter/core/IdSource"
import type { Mounter } from "@snapshotter/core/Mounter"
import { layerNoDeps, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import type { OpenError } from "@snapshotter/core/SnapshotterError"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type FileSystem, Layer } from "effect"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as MemoryIdSource from "./MemoryIdSource.ts"
import * as MemoryMounter from "./MemoryMounter.ts"
import * as MemoryStoreFileSystem from "./MemoryStoreFileSystem.ts"
import * as MemoryVolume from "./MemoryVolume.ts"

/** What a program finds in the simulated machine. */
export type Machine = Mounter | StoreFileSystem | IdSource | FileSystem.FileSystem | MemoryVolume.MemoryVolume

/** The machine alone: its disk and everything that works on it, without a store. */
export const layerMachine: Layer.Layer<Machine> = Layer.mergeAll(
  MemoryFileSystem.layer,
  MemoryIdSource.layer,
  MemoryMounter.layer,
  MemoryStoreFileSystem.layer
).pipe(Layer.provideMerge(MemoryVolume.layer()))

/** A machine with a store as it is asked for; the root is `/store` unless another is given. */
export const layerWith = (options: Partial<SnapshotterOptions>): Layer.Layer<Snapshotter | Machine, OpenError> =>
  layerNoDeps({ root: "/store", ...options }).pipe(Layer.provideMerge(layerMachine))

/** A machine of its own, with a store on it. */
export const layer: Layer.Layer<Snapshotter | Machine> = Layer.orDie(layerWith({}))
