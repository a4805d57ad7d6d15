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
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { layerNoDeps, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import type { OpenError } from "@snapshotter/core/SnapshotterError"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { FileSystem, Layer, type Path } from "effect"
import * as Faults from "./Faults.ts"
import * as MemoryFileSystem from "./MemoryFileSystem.ts"
import * as MemoryIdSource from "./MemoryIdSource.ts"
import * as MemoryMounter from "./MemoryMounter.ts"
import * as MemoryPath from "./MemoryPath.ts"
import * as MemoryStoreFileSystem from "./MemoryStoreFileSystem.ts"
import * as MemoryTreeFileSystem from "./MemoryTreeFileSystem.ts"
import * as MemoryVolume from "./MemoryVolume.ts"

/** What a program finds in the simulated machine. */
export type Machine =
  | Mounter
  | StoreFileSystem
  | TreeFileSystem
  | IdSource
  | FileSystem.FileSystem
  | Path.Path
  | MemoryVolume.MemoryVolume

/**
 * The machine alone: its disk and everything that works on it, without a store. As with any layer, those who are provided
 * with it in one build share it; `Effect.provide(program, layer, { local: true })` gives another one.
 */
export const layerMachine: Layer.Layer<Machine> = Layer.suspend(() => machineOn(MemoryVolume.make()))

/** How a store in memory is made. */
export interface MemoryOptions extends Partial<SnapshotterOptions> {
  /** The machine's disk: several stores on one volume are several processes on one machine. A new one by default. */
  readonly volume?: MemoryVolume.MemoryVolume | undefined
  /**
   * What goes wrong: the store's calls and its mounts go through it, and the steps of the disk, unless that is given and was
   * made otherwise. The first calls are those of opening the store.
   */
  readonly faults?: Faults.Faults | undefined
}

/** A machine with a store as it is asked for; the root is `/store` unless another is given. */
export const layerWith = (options: MemoryOptions): Layer.Layer<Snapshotter | Machine, OpenError> => {
  const { faults, volume, ...others } = options
  const machine = Layer.suspend(() => machineOn(volume ?? MemoryVolume.make({ onStep: faults?.onStep })))
  const process = faults === undefined ? machine : Layer.provideMerge(Faults.layer(faults), machine)
  return layerNoDeps({ root: "/store", ...others }).pipe(Layer.provideMerge(process))
}

/** A machine with a store on it, shared as {@link layerMachine} is. */
export const layer: Layer.Layer<Snapshotter | Machine> = Layer.orDie(layerWith({}))

/** A process of its own on this disk. Not by the ports' layers, which would be shared with another volume's. */
const machineOn = (volume: MemoryVolume.MemoryVolume): Layer.Layer<Machine> =>
  Layer.mergeAll(
    Layer.succeed(MemoryVolume.MemoryVolume, volume),
    Layer.succeed(FileSystem.FileSystem, MemoryFileSystem.make(volume)),
    Layer.succeed(TreeFileSystem, MemoryTreeFileSystem.make(volume)),
    MemoryPath.layer,
    Layer.succeed(IdSource, MemoryIdSource.make(volume)),
    Layer.succeed(Mounter, MemoryMounter.make(volume)),
    MemoryStoreFileSystem.layerOn(volume)
  )
