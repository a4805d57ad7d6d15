/** A store on a disk, with somebody told of each call that can change it, before it is made. */
import { idFromBytes, IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { layerNoDeps, Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Context, Effect, Layer, type Scope } from "effect"
import type { Random } from "../../random.ts"
import type { Durability } from "./ledger.ts"

export interface Opened {
  readonly store: Snapshotter
  readonly mounter: Mounter
}

export interface Opening {
  readonly root: string
  readonly durability: Durability
  readonly random: Random
  /** Told of ids that were drawn. */
  readonly onId: (id: string) => void
  /** Told of each call that can change what is on the disk, before it is made. */
  readonly onCall: (call: Faults.Call) => void
  /** The file system as a store that is made otherwise would use it. */
  readonly otherwise?: (files: StoreFileSystem) => StoreFileSystem
}

/** Open until the scope closes. What is mounted may be committed: unmounting an overlay would sync what has to be synced. */
export const openStore = (
  { durability, onCall, onId, otherwise = (files) => files, random, root }: Opening
): Effect.Effect<Opened, unknown, Scope.Scope> => {
  const faults = Faults.make((call) => {
    if (changing.has(call.operation)) onCall(call)
    return "pass"
  })
  const ids = Layer.succeed(IdSource, {
    next: Effect.sync(() => {
      const id = idFromBytes(Uint8Array.from({ length: idBytes }, () => random.below(256)))
      onId(id)
      return id
    })
  })
  const files = Layer.effect(
    StoreFileSystem,
    Effect.map(StoreFileSystem, (files) => faults.storeFileSystem(otherwise(files)))
  ).pipe(
    Layer.provide(NodeStoreFileSystem.layer)
  )
  const ports = Layer.mergeAll(ids, files, NodeMounter.layer)
  const layer = layerNoDeps({ root, durability, whileMounted: "allow" }).pipe(Layer.provideMerge(ports))
  return Effect.map(Layer.build(Layer.fresh(layer)), (all) => ({
    store: Context.get(all, Snapshotter),
    mounter: Context.get(all, Mounter)
  }))
}

const idBytes = 13

const changing: ReadonlySet<string> = new Set<keyof StoreFileSystem>([
  "makeDirectory",
  "writeFile",
  "symlink",
  "setMode",
  "exchange",
  "moveNoReplace",
  "removeFile",
  "removeTree",
  "copyDirectoryAttributes",
  "sync"
])
