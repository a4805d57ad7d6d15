/** Where something is measured: a store on some disk, with its durability, and the bare calls on the same store. */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name, type SnapshotId } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Context, Effect, Layer, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { BareStore, type There } from "./bare/BareStore.ts"
import type { Disk } from "./disks.ts"
import type { Effort } from "./Effort.ts"

export type Durability = "full" | "process"

export interface Site {
  readonly disk: Disk
  readonly durability: Durability
  readonly effort: Effort
  /** The ports, of which the store's own counts its waits for the disk. */
  readonly machine: Context.Context<NodeSnapshotter.Machine>
  readonly snapshotter: Snapshotter
  readonly mounter: Mounter
  readonly bare: BareStore
  readonly root: string
  /** An empty directory to mount on. */
  readonly target: string
  /** How often the store has waited for the disk so far. */
  readonly waits: () => number
}

/** A new store until the scope closes, empty. When it closes, `check` has to find nothing wrong with it. */
export const openSite = Effect.fnUntraced(function*(disk: Disk, durability: Durability, effort: Effort) {
  const directory = yield* workingDirectory(disk)
  const [root, target] = [path.join(directory, "store"), path.join(directory, "target")]
  fs.mkdirSync(target)
  let waits = 0
  const machine = yield* Layer.build(counted(() => waits++))
  const snapshotter = yield* Effect.orDie(Effect.provideContext(make({ root, durability }), machine))
  const bare = yield* Effect.acquireRelease(
    Effect.sync(() => new BareStore(root, durability)),
    (bare) => Effect.sync(() => bare.close())
  )
  const mounter = Context.get(machine, Mounter)
  yield* Effect.addFinalizer((exit) => exit._tag === "Success" ? isSound(snapshotter) : Effect.void)
  return { disk, durability, effort, machine, snapshotter, mounter, bare, root, target, waits: () => waits } as Site
})

const workingDirectory = (disk: Disk): Effect.Effect<string, never, Scope.Scope> =>
  Effect.acquireRelease(
    Effect.sync(() => fs.mkdtempSync(path.join(disk.directory, "site-"))),
    (directory) =>
      Effect.gen(function*() {
        const store = yield* StoreFileSystem
        yield* Effect.orDie(store.removeTree(directory))
      }).pipe(Effect.provide(NodeSnapshotter.layerMachine))
  )

/** The ports, in copies of their own: `syncs` is called for each wait. */
const counted = (syncs: () => void): Layer.Layer<NodeSnapshotter.Machine> =>
  Layer.provideMerge(
    Layer.effect(
      StoreFileSystem,
      Effect.map(StoreFileSystem, (store) => ({
        ...store,
        sync: (targets) => Effect.suspend(() => (syncs(), store.sync(targets)))
      }))
    ),
    Layer.fresh(NodeSnapshotter.layerMachine)
  )

/** The bare calls have to leave what the store would have left: else they are no floor. */
const isSound = (snapshotter: Snapshotter): Effect.Effect<void> =>
  Effect.flatMap(Effect.orDie(snapshotter.check), (violations) =>
    violations.length === 0
      ? Effect.void
      : Effect.die(new Error(`what was measured left a store that is not sound: ${JSON.stringify(violations)}`)))

// ============================================================ snapshots to measure with

/** A fork of a committed snapshot, or an empty one. */
export const fork = (site: Site, key: string, parent: There | undefined): Effect.Effect<There> =>
  Effect.map(
    Effect.orDie(
      site.snapshotter.prepare(Key.make(key), parent === undefined ? {} : { parent: Name.make(parent.name) })
    ),
    (mounts) => {
      const id = /\/active\/([a-z2-7]{13})\//.exec(JSON.stringify(mounts))?.[1] as SnapshotId
      return site.bare.there(key, id, parent === undefined ? [] : [parent.id, ...parent.parents])
    }
  )

export const committed = (site: Site, name: string, key: There): Effect.Effect<There> =>
  Effect.as(
    Effect.orDie(site.snapshotter.commit(Name.make(name), Key.make(key.name))),
    site.bare.there(name, key.id, key.parents)
  )

/** A committed snapshot with so many layers, itself included. */
export const base = Effect.fnUntraced(function*(site: Site, depth: number) {
  let nearest: There | undefined
  for (let layer = 1; layer <= depth; layer++) {
    const key = yield* fork(site, `making-${depth}-${layer}`, nearest)
    fs.writeFileSync(path.join(layerOf(site, key), `layer-${layer}`), "of the base")
    nearest = yield* committed(site, `base-${depth}-${layer}`, key)
  }
  if (nearest === undefined) throw new RangeError("a base has layers")
  return nearest
})

export const layerOf = (site: Site, key: There): string => site.bare.layout.snapshot("active", key.id).layer

export const remove = (site: Site, name: string): Effect.Effect<unknown> =>
  Effect.orDie(site.snapshotter.remove(Key.make(name)))

/** Lets something write into a fork, as its users do: mounted, then unmounted again. */
export const written = (site: Site, key: There, write: (directory: string) => void): Effect.Effect<void> =>
  Effect.gen(function*() {
    const mounts = yield* site.snapshotter.mounts(Key.make(key.name))
    yield* site.mounter.mount(mounts, site.target)
    write(site.target)
  }).pipe(Effect.scoped, Effect.orDie)

const content = Buffer.alloc(4_096, "x")

/** So many files of 4 KiB, at most a thousand in a directory. */
export const writeFiles = (directory: string, count: number): void => {
  for (let file = 0; file < count; file++) {
    const below = path.join(directory, `d${Math.floor(file / 1_000)}`)
    if (file % 1_000 === 0) fs.mkdirSync(below)
    fs.writeFileSync(path.join(below, `f${file}`), content)
  }
}
