/** A simulated machine whose disk can lose power, and the processes on it that have the store open. */
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Clock, Context, Effect, References } from "effect"
import { still } from "../clock.ts"

export type Durability = "full" | "process"
export const durabilities: ReadonlyArray<Durability> = ["full", "process"]

export const root = "/tmp/store"

/** Opens the store in a process of its own, whose calls meet these faults, until the scope closes. */
export const open = (volume: MemoryVolume, durability: Durability, faults = Faults.make()) =>
  Effect.gen(function*() {
    const process = volume.newProcess()
    yield* Effect.addFinalizer(() => volume.kill(process))
    const ports = Context.empty().pipe(
      Context.add(StoreFileSystem, faults.storeFileSystem(MemoryStoreFileSystem.make(volume, process))),
      Context.add(Mounter, faults.mounter(MemoryMounter.make(volume))),
      Context.add(IdSource, MemoryIdSource.make(volume))
    )
    const store: Snapshotter = yield* Effect.provideContext(make({ root, durability }), ports)
    return store
  })

/** Runs what has to do with simulated machines: outside of time, and without the warnings that damage brings. */
export const run = <A, E>(effect: Effect.Effect<A, E>): Promise<A> =>
  Effect.runPromise(
    effect.pipe(
      Effect.provideService(Clock.Clock, still),
      Effect.provideService(References.MinimumLogLevel, "None"),
      Effect.provideService(References.TracerEnabled, false)
    )
  )
