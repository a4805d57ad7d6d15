import { makeWorld } from "@snapshotter/core/testing/World"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect } from "effect"
import { describe, it } from "vitest"
import { proveModel } from "../../../test/commands.ts"
import { judgement } from "../../../test/Judgement.ts"
import { freshDirectory, isRoot } from "./place.ts"

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("model-node", missing))("the model, on real mounts", () => {
  it("agrees with the store after every command of 100 random programs that wait for the disk", () =>
    proveModel({
      file: "packages/node-fs/test/Model.test.ts",
      runs: 100,
      commandsMax: 60,
      inWorld: (program) =>
        Effect.runPromise(
          Effect.scoped(Effect.gen(function*() {
            const directory = yield* freshDirectory
            yield* Effect.scoped(Effect.flatMap(makeWorld(directory, { durability: "full" }), program))
          })).pipe(Effect.provide(NodeSnapshotter.layerMachine, { local: true }))
        )
    }))
})
