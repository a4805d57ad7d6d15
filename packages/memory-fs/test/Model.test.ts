import { makeWorld } from "@snapshotter/core/testing/World"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect } from "effect"
import { describe, it } from "vitest"
import { proveModel } from "../../../test/commands.ts"
import { judgement } from "../../../test/Judgement.ts"

describe.runIf(judgement("model-memory"))("the model, in memory", () => {
  it("agrees with the store after every command of 1,000 random programs", () =>
    proveModel({
      file: "packages/memory-fs/test/Model.test.ts",
      runs: 1_000,
      commandsMax: 60,
      inWorld: (program) =>
        Effect.runPromise(
          Effect.scoped(Effect.flatMap(makeWorld("/tmp", {}), program)).pipe(
            Effect.provide(MemorySnapshotter.layerMachine, { local: true })
          )
        )
    }))
})
