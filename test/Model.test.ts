import { inStep } from "@snapshotter/core/testing/InStep"
import { type Backend, makeWorld } from "@snapshotter/core/testing/World"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Layer } from "effect"
import { describe, it } from "vitest"
import { freshDirectory, isRoot } from "../packages/node-fs/test/place.ts"
import { proveModel } from "./commands.ts"
import { judgement } from "./Judgement.ts"

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

/** On a machine of its own, until the scope closes. */
const worldOn = (machine: Layer.Layer<Backend>, directory: string, durability: "full" | "process") =>
  Effect.flatMap(
    Layer.build(Layer.fresh(machine)),
    (context) => Effect.provideContext(makeWorld(directory, { durability }), context)
  )

describe.runIf(judgement("model-node", missing))("the model, on real mounts and in memory at once", () => {
  it("agrees with both stores, and they with each other, after every command of 300 random programs", () => {
    let programs = 0
    return proveModel({
      file: "test/Model.test.ts",
      runs: 300,
      commandsMax: 60,
      inWorld: (program) => {
        // Waiting for the disk changes nothing that a program could see, so every fourth one is enough.
        const durability = programs++ % 4 === 0 ? "full" : "process"
        return Effect.runPromise(Effect.scoped(Effect.gen(function*() {
          const real = yield* worldOn(NodeSnapshotter.layerMachine, yield* freshDirectory, durability)
          const simulated = yield* worldOn(MemorySnapshotter.layerMachine, "/tmp", durability)
          yield* program(inStep(real, simulated))
        })))
      }
    })
  }, 300_000)
})
