/** What the end of something cannot do is logged, since nobody is left to be told; and what goes well is not. */
import { assert, describe, it } from "@effect/vitest"
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { layerNoDeps, Snapshotter } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, FileSystem, Layer, Logger, References, Stream } from "effect"

const [key, base] = [Key.make("key"), Name.make("base")]

/** Runs it on a machine of its own; gives what it gave, and what was logged meanwhile, the level first. */
const logged = <A, E>(
  program: Effect.Effect<A, E, Snapshotter | MemorySnapshotter.Machine>,
  change: (fs: StoreFileSystem) => Partial<StoreFileSystem> = () => ({})
) => {
  const lines: Array<ReadonlyArray<unknown>> = []
  const log = Logger.make(({ logLevel, message }) => void lines.push([logLevel, ...[message].flat(1)]))
  const changed = Layer.effect(StoreFileSystem, Effect.map(StoreFileSystem, (fs) => ({ ...fs, ...change(fs) })))
  const machine = Layer.provideMerge(changed, MemorySnapshotter.layerMachine)
  return program.pipe(
    Effect.provide(Layer.provideMerge(layerNoDeps({ root: "/store" }), machine), { local: true }),
    Effect.provide(Logger.layer([log])),
    Effect.provideService(References.MinimumLogLevel, "Info"),
    Effect.map((value) => ({ value, lines }))
  )
}

const nothing = () => Effect.void

/** Removing a tree fails, or has to leave something, wherever its path holds this. */
const stuck = (where: string, how: "fails" | "leaves") => (fs: StoreFileSystem): Partial<StoreFileSystem> => ({
  removeTree: (path) =>
    !path.includes(where)
      ? fs.removeTree(path)
      : how === "leaves"
      ? Effect.succeed([{ path: `${path}/mounted`, code: "EXDEV" }])
      : Effect.fail(new FileSystemError({ operation: "removeTree", path, code: "EIO" }))
})

describe("nothing is logged", () => {
  it.live("of what goes well", () =>
    Effect.gen(function*() {
      const { lines } = yield* logged(Effect.gen(function*() {
        const snapshotter = yield* Snapshotter
        yield* Fork.committed({ key }, base, nothing)
        yield* Fork.discarded({ key, parent: base }, nothing)
        yield* Fork.viewed({ key, parent: base }, nothing)
        yield* snapshotter.prepare(key, { parent: base })
        yield* snapshotter.remove(key)
        yield* snapshotter.cleanup
        yield* Stream.runDrain(snapshotter.walk())
      }))
      assert.deepStrictEqual(lines, [])
    }))

  it.live("of a fork that its user has removed", () =>
    Effect.gen(function*() {
      const removed = Fork.scopedView({ key, parent: base }).pipe(
        Effect.andThen(Effect.flatMap(Snapshotter, (snapshotter) => snapshotter.remove(key))),
        Effect.scoped
      )
      const { lines } = yield* logged(Effect.andThen(Fork.committed({ key }, base, nothing), Effect.exit(removed)))
      assert.deepStrictEqual(lines, [])
    }))
})

describe("what is logged", () => {
  it.live("is what cannot be deleted, which is told too", () =>
    Effect.gen(function*() {
      for (const how of ["leaves", "fails"] as const) {
        const { lines, value } = yield* logged(
          Effect.gen(function*() {
            const snapshotter = yield* Snapshotter
            yield* snapshotter.prepare(key)
            return yield* snapshotter.remove(key)
          }),
          stuck("/trash/", how)
        )
        assert.deepStrictEqual(value.removed, [])
        const [{ code, path } = { code: "", path: "" }, ...more] = value.unremoved
        assert.deepStrictEqual(more, [])
        assert.strictEqual(code, how === "fails" ? "EIO" : "EXDEV")
        assert.match(path, how === "fails" ? /^\/store\/trash\/[a-z2-7]{13}$/ : /\/mounted$/)
        const line = "1 things could not be deleted; cleanup will try again"
        assert.deepStrictEqual(lines, [["Warn", line, value.unremoved]])
      }
    }))

  it.live("is what the end of a fork could not take away: its directory, or the fork itself", () =>
    Effect.gen(function*() {
      const left = yield* logged(Fork.discarded({ key }, Effect.succeed), stuck("/tmp/snapshotter-", "leaves"))
      assert.match(left.value, /^\/tmp\/snapshotter-[a-z0-9]{6}$/)
      assert.deepStrictEqual(left.lines, [
        ["Warn", "the end of a fork", [{ path: `${left.value}/mounted`, code: "EXDEV" }]]
      ])
      const failed = yield* logged(Fork.discarded({ key }, Effect.succeed), stuck("/tmp/snapshotter-", "fails"))
      assert.deepStrictEqual(failed.lines, [["Warn", `the end of a fork: removeTree "${failed.value}": EIO`]])
      const fork = yield* logged(Fork.discarded({ key }, nothing), (fs) => ({
        moveNoReplace: (from, to) =>
          to.includes("/trash/")
            ? Effect.fail(new FileSystemError({ operation: "moveNoReplace", path: from, code: "EIO" }))
            : fs.moveNoReplace(from, to)
      }))
      assert.lengthOf(fork.lines, 1)
      assert.match(
        fork.lines.flat().join(" "),
        /^Error the end of a fork: cannot remove: moveNoReplace "\/store\/active\/[a-z2-7]{13}" failed with EIO$/
      )
    }))

  it.live("is what walk leaves out", () =>
    Effect.gen(function*() {
      const { lines } = yield* logged(Effect.gen(function*() {
        const snapshotter = yield* Snapshotter
        yield* snapshotter.prepare(key)
        const files = yield* FileSystem.FileSystem
        const [id] = yield* files.readDirectory("/store/active")
        yield* files.writeFileString(`/store/active/${id}/key.json`, "")
        yield* Stream.runDrain(snapshotter.walk())
      }))
      assert.lengthOf(lines, 1)
      assert.match(lines.flat().join(" "), /^Warn walk leaves a snapshot out: "[a-z2-7]{13}" is damaged: .* is empty;/)
    }))
})
