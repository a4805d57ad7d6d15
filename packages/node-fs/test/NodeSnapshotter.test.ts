import { Key } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Workplace } from "@snapshotter/core/testing/Suite"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { ConfigProvider, Effect } from "effect"
import { assert, describe, it } from "vitest"
import { workplace } from "./place.ts"

const inPlace = <A, E>(program: (directory: string) => Effect.Effect<A, E>) =>
  Effect.runPromise(
    Effect.flatMap(Workplace, ({ directory }) => program(directory)).pipe(Effect.provide(workplace))
  )

const read = Effect.gen(function*() {
  return yield* NodeSnapshotter.config
})

const withEnvironment = (env: Record<string, string>) =>
  Effect.provide(ConfigProvider.layer(ConfigProvider.fromEnv({ env })))

describe("a store from the configuration", () => {
  it("is opened with what the environment says", () =>
    inPlace((directory) =>
      Effect.gen(function*() {
        const environment = {
          SNAPSHOTTER_ROOT: `${directory}/store`,
          SNAPSHOTTER_DURABILITY: "process",
          SNAPSHOTTER_LOCK_TIMEOUT: "1 second",
          SNAPSHOTTER_LAYERS_MAX: "7",
          SNAPSHOTTER_WHILE_MOUNTED: "allow",
          SNAPSHOTTER_MOUNT_OPTIONS: "index=off  xino=off",
          SNAPSHOTTER_OVERLAY_XATTRS: "user"
        }
        const { lockTimeout, ...options } = yield* read.pipe(withEnvironment(environment))
        assert.deepStrictEqual(options, {
          root: `${directory}/store`,
          durability: "process",
          layersMax: 7,
          whileMounted: "allow",
          mountOptions: ["index=off", "xino=off"],
          overlayXattrs: "user"
        })
        assert.strictEqual(String(lockTimeout), "1000 millis")
        const mounts = yield* Snapshotter.use((snapshotter) => snapshotter.prepare(Key.make("k"))).pipe(
          Effect.provide(NodeSnapshotter.layerConfig),
          withEnvironment(environment)
        )
        assert.isTrue(mounts[0]?.source.startsWith(`${directory}/store/active/`))
      })
    ))

  it("has defaults for all but the root, which it asks for", () =>
    inPlace((directory) =>
      Effect.gen(function*() {
        const { root, ...others } = yield* read.pipe(withEnvironment({ SNAPSHOTTER_ROOT: directory }))
        assert.strictEqual(root, directory)
        assert.deepStrictEqual(Object.values(others).filter((value) => value !== undefined), [])
        const failure = yield* Effect.flip(read.pipe(withEnvironment({})))
        assert.include(failure.message, "ROOT")
      })
    ))
})
