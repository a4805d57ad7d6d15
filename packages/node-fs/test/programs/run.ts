/**
 * What tests let another process do: another user, another umask, another mount namespace, or one that is killed.
 * `node run.ts COMMAND JSON` prints one line of JSON; those that hold something go on until their input ends.
 */
import { NodeFileSystem } from "@effect/platform-node"
import type { Mounts } from "@snapshotter/core/Mount"
import { Mounter } from "@snapshotter/core/Mounter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { bindMounterSuite, copyUpMounterSuite, overlayMounterSuite } from "@snapshotter/core/testing/MounterSuite"
import { storeFileSystemSuite } from "@snapshotter/core/testing/StoreFileSystemSuite"
import { Workplace } from "@snapshotter/core/testing/Suite"
import * as Capabilities from "@snapshotter/node-fs/Capabilities"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Cause, Effect, Layer } from "effect"
import * as fs from "node:fs"

const say = (value: unknown) =>
  Effect.sync(() =>
    console.log(JSON.stringify(value, (_, item: unknown) => typeof item === "bigint" ? `${item}` : item))
  )

const untilInputEnds = Effect.callback<void>((resume) => {
  process.stdin.resume().once("end", () => resume(Effect.void))
})

interface Arguments {
  readonly path: string
  readonly mounts: Mounts
  readonly target: string
}

const commands: Record<string, (given: Arguments) => Effect.Effect<unknown, unknown, Mounter | StoreFileSystem>> = {
  removeTree: ({ path }) => StoreFileSystem.use((store) => store.removeTree(path)),
  usage: ({ path }) => StoreFileSystem.use((store) => store.usage(path)),
  overlayXattrs: ({ path }) => StoreFileSystem.use((store) => store.overlayXattrs(path)),
  probe: ({ path }) => Capabilities.probe(path),

  /** Makes things of many modes, whatever the umask. */
  make: ({ path }) =>
    Effect.gen(function*() {
      const store = yield* StoreFileSystem
      for (const mode of [0o777, 0o1777, 0o755, 0o700, 0o000]) {
        yield* store.makeDirectory(`${path}/directory-${mode.toString(8)}`, mode)
        yield* store.writeFile(`${path}/file-${mode.toString(8)}`, "", mode)
      }
      return "made"
    }),

  lock: ({ path }) =>
    Effect.gen(function*() {
      const store = yield* StoreFileSystem
      yield* say((yield* store.tryLock(path)) !== undefined)
      yield* untilInputEnds
    }),

  /** Mounts until the input ends, and says how it went. */
  mount: ({ mounts, target }) =>
    Effect.gen(function*() {
      const mounter = yield* Mounter
      yield* mounter.mount(mounts, target)
      yield* say("mounted")
      yield* untilInputEnds
      return "unmounted"
    }).pipe(Effect.scoped),

  /** Runs the suites, each case in a directory of its own below `path`; says which cases do not hold. */
  suites: ({ path }) =>
    Effect.gen(function*() {
      const failed: Array<string> = []
      const cases = [
        ...storeFileSystemSuite,
        ...bindMounterSuite,
        ...overlayMounterSuite,
        ...copyUpMounterSuite
      ]
      for (const [i, { name, test }] of cases.entries()) {
        const directory = `${path}/${i}`
        fs.mkdirSync(directory)
        yield* test.pipe(
          Effect.scoped,
          Effect.provide(Layer.mergeAll(NodeFileSystem.layer, Layer.succeed(Workplace, { directory }))),
          Effect.catchCause((cause) => Effect.sync(() => failed.push(`${name}: ${Cause.pretty(cause)}`)))
        )
      }
      return { cases: cases.length, failed }
    })
}

const [name = "", json = "{}"] = process.argv.slice(2)
const command = commands[name]
if (command === undefined) throw new Error(`no command ${name}`)
await command(JSON.parse(json)).pipe(
  Effect.matchEffect({ onFailure: (error) => say({ error }), onSuccess: (value) => say(value ?? null) }),
  Effect.provide(Layer.merge(NodeMounter.layer, NodeStoreFileSystem.layer)),
  Effect.runPromise
)
