/**
 * A machine to try something on: a disk with nothing on it but a store and a directory for temporary files, on which one
 * process after another may work. In memory, or in a temporary directory of the real machine, which goes with the scope.
 */
import type { Snapshotter, SnapshotterError } from "@snapshotter/core"
import { layerNoDeps } from "@snapshotter/core/Snapshotter"
import { Faults, MemorySnapshotter, MemoryVolume } from "@snapshotter/memory-fs"
import { NodeSnapshotter } from "@snapshotter/node-fs"
import { Effect, FileSystem, Layer } from "effect"
import { mkdirSync } from "node:fs"
import { temporaryPlace } from "./place.ts"

/** What a program finds on either machine. */
export type Services = Snapshotter.Snapshotter | NodeSnapshotter.Machine

export interface Machine {
  /** Where the store is, or will be. */
  readonly store: string
  /** Where forks are mounted, unless they say where. */
  readonly temporary: string
  /** A process of its own: it opens the store again. What it asks of the machine goes through `faults`. */
  readonly process: (faults?: Faults.Faults) => Layer.Layer<Services, SnapshotterError.OpenError>
}

export const memoryMachine = (): Machine => {
  const volume = MemoryVolume.make()
  return {
    store: "/store",
    temporary: "/tmp",
    process: (faults) => MemorySnapshotter.layerWith({ root: "/store", volume, faults })
  }
}

export const nodeMachine = Effect.map(temporaryPlace, (place) => {
  mkdirSync(`${place}/tmp`)
  return nodeMachineAt(`${place}/store`, `${place}/tmp`)
})

export const nodeMachineAt = (store: string, temporary: string): Machine => ({
  store,
  temporary,
  process: (faults) => {
    const fileSystem = fileSystemWith(temporary)
    return layerNoDeps({ root: store }).pipe(
      Layer.provideMerge(faults === undefined ? fileSystem : Layer.merge(fileSystem, Faults.layer(faults))),
      Layer.provideMerge(NodeSnapshotter.layerMachine)
    )
  }
})

/** One whose temporary directories are made there. */
const fileSystemWith = (directory: string) =>
  Layer.effect(
    FileSystem.FileSystem,
    Effect.map(FileSystem.FileSystem, (fs): FileSystem.FileSystem => ({
      ...fs,
      makeTempDirectory: (options) => fs.makeTempDirectory({ directory, ...options })
    }))
  )
