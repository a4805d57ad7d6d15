import { inStep } from "@snapshotter/core/testing/InStep"
import { makeWorld } from "@snapshotter/core/testing/World"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect } from "effect"
import { describe, it } from "vitest"
import { freshDirectory, isRoot } from "../packages/node-fs/test/place.ts"
import { proveModel } from "./commands.ts"
import { judgement } from "./Judgement.ts"

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

const real = Effect.flatMap(freshDirectory, (directory) => makeWorld(directory, { durability: "process" })).pipe(
  Effect.provide(NodeSnapshotter.layerMachine, { local: true })
)
const inMemory = Effect.provide(makeWorld("/tmp", {}), MemorySnapshotter.layerMachine, { local: true })

describe.runIf(judgement("model-both", missing))("the model, on real mounts and in memory", () => {
  it("300 random programs have the same answers and show the same trees on both, which are the model's", () =>
    proveModel({
      file: "test/Model.test.ts",
      runs: 300,
      commandsMax: 60,
      inWorld: (program) =>
        Effect.runPromise(
          Effect.scoped(Effect.flatMap(Effect.all([real, inMemory]), ([one, other]) => program(inStep(one, other))))
        )
    }))
})
