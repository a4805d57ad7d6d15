/** `tryLock`: one holder at a time. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, type Needs, statement } from "./bench.ts"

export const lockingCases: Suite<Needs> = [
  statement("tryLock gives the lock of a directory to one at a time", (fs, at) =>
    Effect.gen(function*() {
      const first = yield* fs.tryLock(at())
      yield* expectThat("the first gets it", first !== undefined)
      yield* expectEqual("the second's lock", yield* fs.tryLock(at()), undefined)
      if (first !== undefined) yield* first.release
      const third = yield* fs.tryLock(at())
      yield* expectThat("after the release another gets it", third !== undefined)
      if (third !== undefined) yield* third.release
    })),
  statement("of many who try at once one gets the lock", (fs, at) =>
    Effect.gen(function*() {
      const locks = yield* Effect.forEach(Array.from({ length: 20 }), () => fs.tryLock(at()), {
        concurrency: "unbounded"
      })
      const held = locks.filter((lock) => lock !== undefined)
      yield* expectEqual("how many hold it", held.length, 1)
      for (const lock of held) yield* lock.release
    })),
  statement(
    "a lock is released once: doing it again does not take it from the next holder",
    (fs, at) =>
      Effect.gen(function*() {
        const first = yield* fs.tryLock(at())
        if (first !== undefined) yield* first.release
        const second = yield* fs.tryLock(at())
        if (first !== undefined) yield* first.release
        yield* expectThat("the second holds it", second !== undefined)
        yield* expectEqual("the third's lock", yield* fs.tryLock(at()), undefined)
        if (second !== undefined) yield* second.release
      })
  ),
  statement("locks of two directories have nothing to do with each other", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      const outer = yield* fs.tryLock(at())
      const inner = yield* fs.tryLock(at("a"))
      yield* expectThat("both are held", outer !== undefined && inner !== undefined)
      if (outer !== undefined) yield* outer.release
      yield* expectEqual("the inner lock", yield* fs.tryLock(at("a")), undefined)
      if (inner !== undefined) yield* inner.release
    })),
  statement("a lock belongs to the directory, by whatever path one comes to it", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      yield* fs.symlink("b", at("link"))
      const lock = yield* fs.tryLock(at("a"))
      yield* fs.moveNoReplace(at("a"), at("b"))
      yield* expectEqual("the lock after a move", yield* fs.tryLock(at("b")), undefined)
      yield* expectEqual("the lock through a symlink", yield* fs.tryLock(at("link")), undefined)
      if (lock !== undefined) yield* lock.release
    })),
  statement("what is locked can be written, moved and removed all the same", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("a"), 0o755)
      const lock = yield* fs.tryLock(at("a"))
      yield* fs.writeFile(at("a/file"), "", 0o644)
      yield* expectEqual("what is left", yield* fs.removeTree(at("a")), [])
      if (lock !== undefined) yield* lock.release
      yield* fs.makeDirectory(at("a"), 0o755)
      const next = yield* fs.tryLock(at("a"))
      yield* expectThat("the new directory's lock is free", next !== undefined)
      if (next !== undefined) yield* next.release
    })),
  statement("tryLock is ENOENT where nothing is, and ENOTDIR for a file", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("of nothing", fs.tryLock(at("missing")), "ENOENT")
      yield* expectCode("of a file", fs.tryLock(at("file")), "ENOTDIR")
    }))
]
