/** Forks that end while others have a hand in: files left open, a store that closes, mounts and locks of somebody else. */
import { Effect, Exit, Fiber, Stream } from "effect"
import { committed, discarded, scoped } from "../../Fork.ts"
import { Snapshotter } from "../../Snapshotter.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  type Bench,
  expectRefusal,
  forest,
  key,
  mountedByCase,
  name,
  namesOf,
  type Needs,
  otherHoldsLock,
  statement
} from "./bench.ts"

const on = ({ store }: Bench) => Effect.provideService(Snapshotter, store)

/** Binds a directory of somebody's, with a file in it. */
const mountMine = Effect.fnUntraced(function*({ at, files, mounter }: Bench, target: string) {
  yield* files.makeDirectory(at("mine"))
  yield* files.writeFileString(at("mine/file"), "precious")
  yield* mounter.mount([{ type: "bind", source: at("mine"), options: ["rw", "rbind"] }], target)
})

export const forkEndingCases: Suite<Needs> = [
  statement("committed: what the work holds open is closed before", (bench) =>
    Effect.gen(function*() {
      const use = (directory: string) => bench.files.open(`${directory}/file`, { flag: "w" })
      yield* on(bench)(committed({ key: key("a") }, name("A"), use))
      yield* expectEqual("the forest", namesOf(yield* forest(bench.store)), ["A"])
    })),
  statement("a fork ends with its store, where both are in one scope", (bench) =>
    Effect.gen(function*() {
      const { directory } = yield* Effect.scoped(Effect.gen(function*() {
        const store = yield* bench.open({ root: bench.at("another") })
        const fork = yield* on({ ...bench, store })(scoped({ key: key("a") }))
        yield* expectEqual("what is mounted meanwhile", (yield* mountedByCase(bench, fork.directory)).length, 1)
        return fork
      }))
      const again = yield* bench.open({ root: bench.at("another") })
      yield* expectEqual("the forest", yield* Stream.runCollect(again.walk()), [])
      yield* expectEqual("what is mounted", yield* mountedByCase(bench, directory), [])
    })),
  statement(
    "a fork is committed again without unmounting what somebody else has mounted there",
    (bench) =>
      Effect.gen(function*() {
        const { at, files, store } = bench
        yield* files.makeDirectory(at("workspace"))
        yield* mountMine(bench, at("workspace"))
        yield* on(bench)(committed({ key: key("a") }, name("A"), () => Effect.void))
        const before = yield* mountedByCase(bench)
        const fork = yield* on(bench)(scoped({ key: key("a"), target: at("workspace") }))
        const info = yield* Effect.catchTag(fork.commit(name("A")), "NameTaken", () => fork.commit(name("B")))
        yield* expectEqual("what it became", info.name, name("B"))
        yield* expectEqual("what is mounted", yield* mountedByCase(bench), before)
        yield* expectEqual("the first", (yield* store.stat(name("A"))).kind, "committed")
      })
  ),
  statement("a fork that ends leaves alone what others have put under its key", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      yield* on(bench)(discarded({ key: key("a") }, (directory) =>
        Effect.gen(function*() {
          yield* mounter.unmount(directory)
          yield* store.remove(key("a"))
          yield* store.prepare(key("a"))
        })))
      yield* expectEqual("the forest", namesOf(yield* forest(store)), ["a"])
    })),
  statement(
    "a fork that is committed again is not what others have put under its key",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* store.prepare(key("b"))
        yield* store.commit(name("B"), key("b"))
        yield* Effect.scoped(Effect.gen(function*() {
          const fork = yield* on(bench)(scoped({ key: key("a") }))
          yield* expectRefusal("commit", fork.commit(name("B")), { tag: "NameTaken" })
          yield* store.remove(key("a"))
          yield* store.prepare(key("a"))
          yield* expectRefusal("commit again", fork.commit(name("A")), { tag: "SnapshotNotFound" })
        }))
        yield* expectEqual("the forest", namesOf(yield* forest(store)), ["B", "a"])
      })
  ),
  statement("a fork that waits for the lock can be interrupted, and leaves nothing", (bench) =>
    Effect.gen(function*() {
      const other = yield* otherHoldsLock(bench)
      const attempt = on(bench)(discarded({ key: key("a") }, () => Effect.void))
      const fiber = yield* Effect.forkChild(attempt, { startImmediately: true })
      yield* Fiber.interrupt(fiber)
      yield* expectThat("it was interrupted", Exit.isFailure(yield* Fiber.await(fiber)))
      yield* other.release
      yield* expectEqual("the forest", yield* forest(bench.store), [])
    })),
  statement(
    "discarded: the work's result comes back, whatever was mounted where it worked, which stays whole",
    (bench) =>
      Effect.gen(function*() {
        const attempt = discarded({ key: key("a") }, (directory) => Effect.as(mountMine(bench, directory), "result"))
        yield* expectEqual("the result", yield* on(bench)(attempt), "result")
        yield* expectEqual("what was mounted", yield* bench.files.readFileString(bench.at("mine/file")), "precious")
      })
  )
]
