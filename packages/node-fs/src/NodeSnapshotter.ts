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
import type { IdSource } from "@snapshotter/core/IdSource"
import type { Mounter } from "@snapshotter/core/Mounter"
import { layerNoDeps, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import type { OpenError } from "@snapshotter/core/SnapshotterError"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { Config, Effect, type FileSystem, Layer, Option } from "effect"
import * as NodeIdSource from "./NodeIdSource.ts"
import * as NodeMounter from "./NodeMounter.ts"
import * as NodeStoreFileSystem from "./NodeStoreFileSystem.ts"

/** What a program finds on the machine. */
export type Machine = Mounter | StoreFileSystem | IdSource | FileSystem.FileSystem

/** The machine alone, without a store. */
export const layerMachine: Layer.Layer<Machine> = Layer.mergeAll(
  NodeFileSystem.layer,
  NodeIdSource.layer,
  NodeMounter.layer,
  NodeStoreFileSystem.layer
)

/** The store in this directory; a new one is made where nothing is. */
export const layer = (options: SnapshotterOptions): Layer.Layer<Snapshotter | Machine, OpenError> =>
  layerNoDeps(options).pipe(Layer.provideMerge(layerMachine))

/**
 * Everything from the configuration: `SNAPSHOTTER_ROOT` and, each with a default, `SNAPSHOTTER_DURABILITY` (`full`,
 * `process`), `SNAPSHOTTER_LOCK_TIMEOUT` (`30 seconds`), `SNAPSHOTTER_LAYERS_MAX`, `SNAPSHOTTER_WHILE_MOUNTED` (`refuse`,
 * `allow`), `SNAPSHOTTER_MOUNT_OPTIONS` (separated by blanks) and `SNAPSHOTTER_OVERLAY_XATTRS` (`trusted`, `user`).
 */
export const settings: Config.Config<SnapshotterOptions> = Config.all({
  root: Config.String("ROOT"),
  durability: Config.option(Config.Literals(["full", "process"], "DURABILITY")),
  lockTimeout: Config.option(Config.Duration("LOCK_TIMEOUT")),
  layersMax: Config.option(Config.Int("LAYERS_MAX")),
  whileMounted: Config.option(Config.Literals(["refuse", "allow"], "WHILE_MOUNTED")),
  mountOptions: Config.option(Config.map(Config.String("MOUNT_OPTIONS"), words)),
  overlayXattrs: Config.option(Config.Literals(["trusted", "user"], "OVERLAY_XATTRS"))
}).pipe(
  Config.nested("SNAPSHOTTER"),
  Config.map(({ root, ...others }) => ({
    root,
    durability: Option.getOrUndefined(others.durability),
    lockTimeout: Option.getOrUndefined(others.lockTimeout),
    layersMax: Option.getOrUndefined(others.layersMax),
    whileMounted: Option.getOrUndefined(others.whileMounted),
    mountOptions: Option.getOrUndefined(others.mountOptions),
    overlayXattrs: Option.getOrUndefined(others.overlayXattrs)
  }))
)

/** The store that the configuration says, by {@link settings}. */
export const layerConfig: Layer.Layer<Snapshotter | Machine, OpenError | Config.ConfigError> = Layer.unwrap(
  Effect.map(settings, layer)
)

function words(text: string): ReadonlyArray<string> {
  return text.split(/\s+/).filter((word) => word !== "")
}
