/** `usage`: what removing a snapshot gives back. No absolute numbers: they depend on the file system. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { type Bench, committed, key, layerOf, name, type Needs, statement } from "./bench.ts"

const mebibyte = new Uint8Array(1024 * 1024).fill(7)

/** Usage of a new snapshot without parent that `fill` has written to. */
const usageOf = Effect.fnUntraced(function*<E>(
  { store }: Bench,
  called: string,
  fill: (layer: string) => Effect.Effect<unknown, E>
) {
  yield* fill(layerOf(yield* store.prepare(key(called))))
  return yield* store.usage(key(called))
})

export const usageCases: Suite<Needs> = [
  statement("an empty snapshot is one inode, its root directory", (bench) =>
    Effect.gen(function*() {
      const { inodes } = yield* usageOf(bench, "a", () => Effect.void)
      yield* expectEqual("inodes", inodes, 1)
    })),
  statement("a view has no layer of its own, so it uses nothing", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* committed(bench, "A", { adds: { file: "text" } })
      yield* store.view(key("v"), { parent: name("A") })
      yield* store.view(key("w"))
      yield* expectEqual("with a parent", yield* store.usage(key("v")), { bytes: 0, inodes: 0 })
      yield* expectEqual("without", yield* store.usage(key("w")), { bytes: 0, inodes: 0 })
    })),
  statement("a file with several names counts once, also across directories", (bench) =>
    Effect.gen(function*() {
      const { files } = bench
      const one = yield* usageOf(bench, "one", (layer) =>
        Effect.andThen(files.makeDirectory(`${layer}/d`), files.writeFile(`${layer}/file`, mebibyte)))
      const four = yield* usageOf(bench, "four", (layer) =>
        Effect.gen(function*() {
          yield* files.makeDirectory(`${layer}/d`)
          yield* files.writeFile(`${layer}/file`, mebibyte)
          for (const other of ["second", "third", "d/fourth"]) {
            yield* files.link(`${layer}/file`, `${layer}/${other}`)
          }
        }))
      yield* expectEqual("usage with four names", four, one)
      yield* expectEqual("inodes", one.inodes, 3)
      yield* expectThat("it is about a mebibyte", one.bytes >= mebibyte.length && one.bytes < 1.1 * mebibyte.length)
    })),
  statement(
    "only what a snapshot itself added is counted, and the same once it is committed",
    (bench) =>
      Effect.gen(function*() {
        const { files, store } = bench
        const base = yield* usageOf(bench, "a", (layer) => files.writeFile(`${layer}/big`, mebibyte))
        yield* store.commit(name("A"), key("a"))
        yield* expectEqual("committed", yield* store.usage(name("A")), base)
        const layer = layerOf(yield* store.prepare(key("b"), { parent: name("A") }))
        yield* files.writeFileString(`${layer}/small`, "text")
        const own = yield* store.usage(key("b"))
        yield* expectEqual("inodes of the child", own.inodes, 2)
        yield* expectThat("the child is small", own.bytes < mebibyte.length / 2)
        yield* store.commit(name("B"), key("b"))
        yield* expectEqual("the child committed", yield* store.usage(name("B")), own)
      })
  ),
  statement("an active snapshot is measured when it is asked", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      const layer = layerOf(yield* store.prepare(key("a")))
      const before = yield* store.usage(key("a"))
      yield* files.writeFile(`${layer}/big`, mebibyte)
      const after = yield* store.usage(key("a"))
      yield* expectThat("it grew by a mebibyte", after.bytes - before.bytes >= mebibyte.length)
      yield* files.remove(`${layer}/big`)
      yield* expectEqual("usage when it is gone", (yield* store.usage(key("a"))).inodes, before.inodes)
    })),
  statement("symlinks are measured themselves, not what they lead to", (bench) =>
    Effect.gen(function*() {
      const { at, files } = bench
      yield* files.makeDirectory(at("elsewhere"))
      yield* files.writeFile(`${at("elsewhere")}/big`, mebibyte)
      const usage = yield* usageOf(bench, "a", (layer) =>
        Effect.andThen(files.symlink(at("elsewhere"), `${layer}/out`), files.symlink("nowhere", `${layer}/dangling`)))
      yield* expectEqual("inodes", usage.inodes, 3)
      yield* expectThat("nothing of what they lead to", usage.bytes < mebibyte.length)
    }))
]

/** For backends whose files have holes. */
export const sparseUsageCases: Suite<Needs> = [
  statement(
    "a sparse file counts by its blocks: a terabyte with a few KiB in the middle is a few KiB",
    (bench) =>
      Effect.gen(function*() {
        const { files } = bench
        const terabyte = 1024 ** 4
        const usage = yield* usageOf(bench, "a", (layer) =>
          Effect.scoped(Effect.gen(function*() {
            const file = yield* files.open(`${layer}/sparse`, { flag: "w" })
            yield* file.truncate(terabyte)
            yield* file.seek(BigInt(terabyte / 2), "start")
            yield* file.writeAll(mebibyte.subarray(0, 4096))
          })))
        yield* expectThat("it is a few KiB", usage.bytes >= 4096 && usage.bytes < 256 * 1024)
      })
  )
]
