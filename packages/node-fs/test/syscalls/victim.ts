/**
 * A process that does one operation, to be killed in it: `node victim.ts JSON`. Says `ready` when nothing is left to do
 * but that, waits for a line of input, does it, and says at once what came of it: `done` or the tag of the failure; and
 * `closed` when the store is closed. Then it ends itself, without all that node does at the end of a process.
 */
import { layerNoDeps, Snapshotter } from "@snapshotter/core/Snapshotter"
import * as NodeIdSource from "@snapshotter/node-fs/NodeIdSource"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Context, Effect, Layer, Result } from "effect"
import * as fs from "node:fs"
// Internal, so not among the package's exports.
import { syscalls } from "../../src/internal/syscalls.ts"
import { type Durability, type OperationName, operationOf } from "./operations.ts"

export interface Orders {
  readonly root: string
  readonly operation: OperationName
  readonly durability: Durability
}

const { durability, operation, root }: Orders = JSON.parse(process.argv[2] ?? "")

/** By system calls that wait, so that what has been said is heard even if the next thing is the end. */
const say = (text: string) => void fs.writeSync(1, `${text}\n`)

const ready = Effect.sync(() => {
  say("ready")
  // Whoever began this is dead, if nothing comes.
  if (fs.readSync(0, Buffer.alloc(8)) === 0) process.exit(1)
})

const ports = Layer.mergeAll(NodeIdSource.layer, NodeMounter.layer, NodeStoreFileSystem.layer)
const open = Effect.map(
  Layer.build(layerNoDeps({ root, durability }).pipe(Layer.provide(ports))),
  (built) => Context.get(built, Snapshotter)
)

// Loading it is no part of what is done.
syscalls()

const { perform } = operationOf(operation)
const work = perform === undefined
  ? Effect.andThen(ready, open)
  : Effect.flatMap(open, (store) => Effect.andThen(ready, perform(store)))

await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
  const result = yield* Effect.result(work)
  say(Result.isSuccess(result) ? "done" : `${result.failure._tag}: ${result.failure.message}`)
})))
say("closed")
process.kill(process.pid, "SIGKILL")
