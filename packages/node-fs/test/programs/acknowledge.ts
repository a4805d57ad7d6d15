/**
 * A process that says when each operation has returned, for whoever looks at its system calls: `node acknowledge.ts JSON`
 * opens a store and works on it.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect } from "effect"
import * as fs from "node:fs"

const options: SnapshotterOptions = JSON.parse(process.argv[2] ?? "")

const acknowledge = (what: string) => Effect.sync(() => fs.writeSync(1, `acknowledged ${what}\n`))

const program = Effect.gen(function*() {
  const store = yield* Snapshotter
  const mounter = yield* Mounter
  const [base, key, look] = [Name.make("base"), Key.make("key"), Key.make("look")]
  yield* acknowledge("open")
  const mounts = yield* store.prepare(key)
  yield* acknowledge("prepare")
  yield* Effect.scoped(
    Effect.andThen(
      mounter.mount(mounts, process.argv[3] ?? ""),
      Effect.sync(() => fs.writeFileSync(`${process.argv[3]}/file`, "x"))
    )
  )
  yield* store.commit(base, key)
  yield* acknowledge("commit")
  yield* store.view(look, { parent: base })
  yield* acknowledge("view")
  yield* store.update(base, { patch: { l: "1" } })
  yield* acknowledge("update")
  yield* store.remove(look)
  yield* acknowledge("remove")
})

await Effect.runPromise(Effect.provide(program, NodeSnapshotter.layer(options)))
