/** The first program of the README, on either backend: `node examples/src/first.ts [--backend node|memory]`. */
import { Fork, Snapshot } from "@snapshotter/core"
import { Console, Effect, FileSystem } from "effect"
import { Command } from "effect/cli"
import { backendFlag, layerOf } from "./backend.ts"
import { run } from "./commandLine.ts"

const [key, base] = [Snapshot.Key.make("work"), Snapshot.Name.make("base")]

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  yield* Fork.committed({ key }, base, (directory) => fs.writeFileString(`${directory}/hello`, "world"))
  return yield* Fork.viewed({ key, parent: base }, (directory) => fs.readFileString(`${directory}/hello`))
})

run(
  Command.make(
    "first.ts",
    { backend: backendFlag },
    ({ backend }) => Effect.flatMap(program, Console.log).pipe(Effect.provide(layerOf(backend))) // world
  )
)
