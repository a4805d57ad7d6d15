/**
 * A snapshotter on Linux, with all that goes with it, from the path of a directory.
 *
 * ```ts
 * import { Fork, Snapshot } from "@snapshotter/core"
 * import { NodeSnapshotter } from "@snapshotter/node-fs"
 * import { Effect, FileSystem } from "effect"
 *
 * const program = Fork.committed(
 *   { key: Snapshot.Key.make("work") },
 *   Snapshot.Name.make("base"),
 *   (directory) => FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/hello`, "world"))
 * )
 *
 * Effect.runPromise(Effect.provide(program, NodeSnapshotter.layer({ root: "/var/lib/snapshots" })))
 * ```
 */
import * as NodeFileSystem from "@effect/platform-node/NodeFileSystem"
import * as NodePath from "@effect/platform-node/NodePath"
import type { IdSource } from "@snapshotter/core/IdSource"
import type { Mounter } from "@snapshotter/core/Mounter"
import { layerNoDeps, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import type { OpenError } from "@snapshotter/core/SnapshotterError"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import type { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Config, Effect, type FileSystem, Layer, type Path } from "effect"
import * as NodeIdSource from "./NodeIdSource.ts"
import * as NodeMounter from "./NodeMounter.ts"
import * as NodeStoreFileSystem from "./NodeStoreFileSystem.ts"
import * as NodeTreeFileSystem from "./NodeTreeFileSystem.ts"

/** What a program finds on the machine. */
export type Machine = Mounter | StoreFileSystem | TreeFileSystem | IdSource | FileSystem.FileSystem | Path.Path

/** The machine alone, without a store. */
export const layerMachine: Layer.Layer<Machine> = Layer.mergeAll(
  NodeFileSystem.layer,
  NodeIdSource.layer,
  NodeMounter.layer,
  NodePath.layer,
  NodeStoreFileSystem.layer,
  NodeTreeFileSystem.layer
)

/** The store in this directory; a new one is made where nothing is. */
export const layer = (options: SnapshotterOptions): Layer.Layer<Snapshotter | Machine, OpenError> =>
  layerNoDeps(options).pipe(Layer.provideMerge(layerMachine))

/**
 * Everything from the configuration: `SNAPSHOTTER_ROOT` and, each with a default, `SNAPSHOTTER_DURABILITY` (`full`,
 * `process`), `SNAPSHOTTER_LOCK_TIMEOUT` (`30 seconds`), `SNAPSHOTTER_LAYERS_MAX`, `SNAPSHOTTER_WHILE_MOUNTED` (`refuse`,
 * `allow`), `SNAPSHOTTER_MOUNT_OPTIONS` (separated by blanks) and `SNAPSHOTTER_OVERLAY_XATTRS` (`trusted`, `user`).
 */
export const config: Config.Config<SnapshotterOptions> = Config.all({
  root: Config.String("ROOT"),
  durability: Config.withDefault(Config.Literals(["full", "process"], "DURABILITY"), undefined),
  lockTimeout: Config.withDefault(Config.Duration("LOCK_TIMEOUT"), undefined),
  layersMax: Config.withDefault(Config.Int("LAYERS_MAX"), undefined),
  whileMounted: Config.withDefault(Config.Literals(["refuse", "allow"], "WHILE_MOUNTED"), undefined),
  mountOptions: Config.withDefault(Config.map(Config.String("MOUNT_OPTIONS"), words), undefined),
  overlayXattrs: Config.withDefault(Config.Literals(["trusted", "user"], "OVERLAY_XATTRS"), undefined)
}).pipe(Config.nested("SNAPSHOTTER"))

/** The store that the configuration says, by {@link config}. */
export const layerConfig: Layer.Layer<Snapshotter | Machine, OpenError | Config.ConfigError> = Layer.unwrap(
  Effect.map(config, layer)
)

function words(text: string): ReadonlyArray<string> {
  return text.split(/\s+/).filter((word) => word !== "")
}
