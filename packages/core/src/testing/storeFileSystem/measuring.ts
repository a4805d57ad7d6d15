/** `usage`: bytes and inodes. */
import { Effect, Fiber } from "effect"
import type { StoreFileSystem } from "../../StoreFileSystem.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, makeBranches, type Needs, oddNames, statement } from "./bench.ts"

/** What usage has to be: the entries' own blocks. */
const blocksOf = (fs: StoreFileSystem, paths: ReadonlyArray<string>) =>
  Effect.map(
    Effect.forEach(paths, (path) => fs.lstat(path)),
    (entries) => entries.reduce((sum, entry) => sum + (entry?.blocks ?? 0) * 512, 0)
  )

export const measuringCases: Suite<Needs> = [
  statement("an empty directory is one inode", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* fs.sync([{ kind: "tree", path: at() }])
      const bytes = yield* blocksOf(fs, [at("d")])
      yield* expectEqual("its usage", yield* fs.usage(at("d")), { bytes, inodes: 1 })
    })),
  statement(
    "usage counts the inodes and the allocated blocks of a directory and all below it",
    (fs, at) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(at("d"), 0o755)
        yield* fs.makeDirectory(at("d/sub"), 0o000)
        yield* fs.makeDirectory(at("d/sub/sub"), 0o755)
        yield* fs.writeFile(at("d/empty"), "", 0o644)
        yield* fs.writeFile(at("d/sub/large"), "x".repeat(300_000), 0o644)
        yield* fs.symlink("nowhere", at("d/sub/sub/dangling"))
        yield* fs.sync([{ kind: "tree", path: at() }])
        const names = ["d", "d/sub", "d/sub/sub", "d/empty", "d/sub/large", "d/sub/sub/dangling"]
        const bytes = yield* blocksOf(fs, names.map(at))
        yield* expectThat("the contents count", bytes >= 300_000)
        yield* expectEqual("the usage", yield* fs.usage(at("d")), { bytes, inodes: 6 })
      })
  ),
  statement("usage follows no symlink", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("elsewhere"), 5)
      yield* fs.makeDirectory(at("d"), 0o755)
      yield* fs.symlink("../elsewhere", at("d/link"))
      yield* expectEqual("the inodes", (yield* fs.usage(at("d"))).inodes, 2)
    })),
  statement("usage counts any names at any depth", (fs, at) =>
    Effect.gen(function*() {
      let path = at("d")
      for (let depth = 0; depth < 500; depth++, path += "/d") yield* fs.makeDirectory(path, 0o755)
      for (const name of oddNames) yield* fs.writeFile(at(`d/${name}`), "", 0o644)
      yield* expectEqual("the inodes", (yield* fs.usage(at("d"))).inodes, 500 + oddNames.length)
    })),
  statement("usage is no error while things vanish", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("d"), 30)
      const all = (yield* fs.usage(at("d"))).inodes
      yield* expectEqual("all inodes", all, 1 + 30 + 900)
      const removal = yield* Effect.forkChild(
        Effect.forEach(Array.from({ length: 30 }), (_, i) => fs.removeTree(at(`d/d${i}`)), { discard: true })
      )
      for (let i = 0; i < 20; i++) {
        const { inodes } = yield* fs.usage(at("d"))
        yield* expectThat("the number lies between the extremes", inodes >= 1 && inodes <= all)
        yield* Effect.yieldNow
      }
      yield* Fiber.join(removal)
      yield* expectEqual("the inodes in the end", (yield* fs.usage(at("d"))).inodes, 1)
    })),
  statement("usage can be interrupted, and asked again", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("d"), 30)
      yield* Fiber.interrupt(yield* Effect.forkChild(fs.usage(at("d")), { startImmediately: true }))
      yield* expectEqual("the inodes", (yield* fs.usage(at("d"))).inodes, 1 + 30 + 900)
    })),
  statement("usage is ENOENT where nothing is", (fs, at) => expectCode("usage", fs.usage(at("missing")), "ENOENT"))
]
