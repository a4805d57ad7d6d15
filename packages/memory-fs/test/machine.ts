/** Several simulated processes on one simulated machine. */
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import type { SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type Command, render } from "@snapshotter/core/testing/Command"
import { type Model, step } from "@snapshotter/core/testing/Model"
import { type Backend, makeWorld, sameResponse, type World } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, FileSystem, References, type Scope } from "effect"
import { assert } from "vitest"
import { insidesOf } from "../src/internal/volume.ts"

export type Options = Omit<SnapshotterOptions, "root">

/** A process with this name; what it does goes through `faults`. */
export const processOn = (volume: MemoryVolume, name: string, faults = Faults.make()): Context.Context<Backend> =>
  Context.empty().pipe(
    Context.add(StoreFileSystem, faults.storeFileSystem(MemoryStoreFileSystem.make(volume, name))),
    Context.add(Mounter, faults.mounter(MemoryMounter.make(volume))),
    Context.add(IdSource, MemoryIdSource.make(volume)),
    Context.add(FileSystem.FileSystem, MemoryFileSystem.make(volume))
  )

/** The names of the directories whose locks somebody holds. */
export const lockedOn = (volume: MemoryVolume): ReadonlyArray<string> =>
  [...insidesOf(volume).locks.values()].map(({ directory }) => directory.name)

/** The machine's one store, opened by a process until the scope closes. */
export const worldOf = (
  process: Context.Context<Backend>,
  options: Options
): Effect.Effect<World, never, Scope.Scope> =>
  Effect.updateContext(
    makeWorld("/tmp", options),
    (scope: Context.Context<Scope.Scope>) => Context.merge(process, scope)
  )

/** Does one command after another, each with the answer that the model has for it; returns the model after the last. */
export const play = (world: World, model: Model, commands: ReadonlyArray<Command>): Effect.Effect<Model> =>
  Effect.gen(function*() {
    let now = model
    for (const command of commands) {
      const expected = step(now, command)
      const actual = yield* world.run(command)
      assert.isTrue(sameResponse(actual, expected.response), `${render(command)}: ${JSON.stringify(actual)}`)
      now = expected.model
    }
    return now
  })

/** What had to stay behind is logged, and here it often is. */
export const quiet = Effect.provideService(References.MinimumLogLevel, "None")
