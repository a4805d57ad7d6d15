import { it } from "@effect/vitest"
import {
  copyUpSnapshotterSuite,
  overlaySnapshotterSuite,
  snapshotterSuite,
  superuserSnapshotterSuite,
  treeSnapshotterSuite
} from "@snapshotter/core/testing/SnapshotterSuite"
import { Workplace } from "@snapshotter/core/testing/Suite"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Layer } from "effect"
import { describe } from "vitest"

const machine = Layer.mergeAll(MemorySnapshotter.layerMachine, Layer.succeed(Workplace, { directory: "/tmp" }))

describe("Snapshotter", () => {
  const suites = [
    ...snapshotterSuite,
    ...overlaySnapshotterSuite,
    ...copyUpSnapshotterSuite,
    ...treeSnapshotterSuite,
    ...superuserSnapshotterSuite
  ]
  for (const { name, test } of suites) {
    it.live(name, () =>
      test.pipe(
        Effect.tapCause(() => Effect.flatMap(MemoryVolume, (volume) => Effect.flatMap(volume.render, Effect.logError))),
        Effect.provide(Layer.fresh(machine))
      ))
  }
})
