import { it } from "@effect/vitest"
import { badInputSuite } from "@snapshotter/core/testing/SnapshotterSuite"
import { Workplace } from "@snapshotter/core/testing/Suite"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, Layer } from "effect"
import { describe } from "vitest"

const machine = Layer.mergeAll(MemorySnapshotter.layerMachine, Layer.succeed(Workplace, { directory: "/tmp" }))

describe("bad input", () => {
  for (const { name, test } of badInputSuite) it.live(name, () => Effect.provide(test, Layer.fresh(machine)))
})
