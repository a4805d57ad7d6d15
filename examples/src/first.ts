/**
 * The first program of the README. In memory, on any machine: `node examples/src/first.ts`; on real mounts, as root or
 * inside `unshare -Urm`: `node examples/src/first.ts --backend node`.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Fork, Snapshot } from "@snapshotter/core"
import { MemorySnapshotter } from "@snapshotter/memory-fs"
import { NodeSnapshotter } from "@snapshotter/node-fs"
import { Effect, FileSystem, Layer } from "effect"

const [key, base] = [Snapshot.Key.make("work"), Snapshot.Name.make("base")]

const program = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  yield* Fork.committed({ key }, base, (directory) => fs.writeFileString(`${directory}/hello`, "world"))
  return yield* Fork.viewed({ key, parent: base }, (directory) => fs.readFileString(`${directory}/hello`))
})

/** A store in a temporary directory, which goes when the program ends. */
const onMounts = Layer.unwrap(Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const root = yield* fs.makeTempDirectoryScoped({ prefix: "snapshotter-first-" })
  return NodeSnapshotter.layer({ root })
})).pipe(Layer.provide(NodeFileSystem.layer))

const layer = process.argv.includes("node") ? onMounts : MemorySnapshotter.layer

console.log(await Effect.runPromise(Effect.provide(program, layer))) // world
