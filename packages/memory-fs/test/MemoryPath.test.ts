/** Effect's `Path` on a simulated machine. */
import { assert, it } from "@effect/vitest"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, FileSystem, Option, Path } from "effect"

it.effect("what is relative begins at the simulated root, as it does for FileSystem, wherever the process works", () =>
  Effect.gen(function*() {
    const [files, path] = [yield* FileSystem.FileSystem, yield* Path.Path]
    assert.strictEqual(path.resolve("a", "../b"), "/b")
    assert.strictEqual(path.relative("a/b", "a/c"), "../c")
    assert.deepStrictEqual(path.resolveWithin("a", "../b"), Option.none())
    assert.deepStrictEqual(path.resolveWithin("a", "b"), Option.some("/a/b"))
    assert.strictEqual((yield* path.toFileUrl("a b")).href, "file:///a%20b")
    yield* files.writeFileString(path.join("tmp", "f"), "text")
    assert.strictEqual(yield* files.readFileString(path.resolve("tmp/f")), "text")
  }).pipe(Effect.provide(MemorySnapshotter.layerMachine)))
