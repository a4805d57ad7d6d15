/** `Fork`: working in a snapshot from beginning to end, whatever becomes of the work. */
import { Deferred, Effect, Exit, Fiber, FileSystem, Scope } from "effect"
import { committed as committing, discarded, viewed } from "../../Fork.ts"
import { Snapshotter } from "../../Snapshotter.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import {
  type Bench,
  committed,
  expectRefusal,
  forest,
  key,
  mountedByCase,
  name,
  namesOf,
  type Needs,
  statement
} from "./bench.ts"

/** Runs a program that uses `Fork` on the case's store. */
const on = ({ store }: Bench) => Effect.provideService(Snapshotter, store)

const write = (text: string) => (directory: string) =>
  Effect.as(FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/file`, text)), directory)

const read = (directory: string) => FileSystem.FileSystem.use((fs) => fs.readFileString(`${directory}/file`))

/** Nothing is mounted there, and where it was a temporary directory it is gone. */
const expectReleased = Effect.fnUntraced(function*(bench: Bench, directory: string, keeps = false) {
  yield* expectEqual("what is mounted", yield* mountedByCase(bench, directory), [])
  yield* expectEqual("whether the directory is there", yield* bench.files.exists(directory), keeps)
})

/** Begins `fork` with a use that never ends, interrupts it then, and returns where it worked. */
const interrupted = Effect.fnUntraced(function*<A, E, R>(
  fork: (use: (directory: string) => Effect.Effect<never>) => Effect.Effect<A, E, R>
) {
  const begun = yield* Deferred.make<string>()
  const fiber = yield* Effect.forkChild(
    fork((directory) => Effect.andThen(Deferred.succeed(begun, directory), Effect.never))
  )
  const directory = yield* Deferred.await(begun)
  yield* Fiber.interrupt(fiber)
  yield* expectThat("it was interrupted", Exit.isFailure(yield* Fiber.await(fiber)))
  return directory
})

const discarding: Suite<Needs> = [
  statement("discarded: the work's result comes back, the work is gone", (bench) =>
    Effect.gen(function*() {
      const directory = yield* on(bench)(discarded({ key: key("a") }, (directory) =>
        Effect.gen(function*() {
          yield* write("text")(directory)
          yield* expectEqual("the snapshot meanwhile", (yield* bench.store.stat(key("a"))).kind, "active")
          yield* expectEqual("what was written", yield* read(directory), "text")
          return directory
        })))
      yield* expectEqual("the forest", yield* forest(bench.store), [])
      yield* expectReleased(bench, directory)
    })),
  statement(
    "discarded: a failure of the work comes back as it is, the work is gone",
    (bench) =>
      Effect.gen(function*() {
        const attempt = discarded(
          { key: key("a") },
          (directory) => Effect.andThen(write("text")(directory), Effect.fail({ _tag: "Mine", directory }))
        )
        const error = yield* failureOf("the work", on(bench)(attempt))
        yield* expectEqual("the failure", error._tag, "Mine")
        yield* expectEqual("the forest", yield* forest(bench.store), [])
        if (error._tag === "Mine" && "directory" in error) yield* expectReleased(bench, error.directory)
      })
  ),
  statement("discarded: the interrupted work is gone", (bench) =>
    Effect.gen(function*() {
      const directory = yield* interrupted((use) => on(bench)(discarded({ key: key("a") }, use)))
      yield* expectEqual("the forest", yield* forest(bench.store), [])
      yield* expectReleased(bench, directory)
    })),
  statement(
    "discarded: it works where it is told to, and leaves that directory as it was",
    (bench) =>
      Effect.gen(function*() {
        const { at, files } = bench
        const target = at("target")
        yield* files.makeDirectory(target)
        yield* files.writeFileString(`${target}/before`, "text")
        const directory = yield* on(bench)(discarded({ key: key("a"), target }, write("text")))
        yield* expectEqual("where it worked", directory, target)
        yield* expectEqual("what is there", yield* files.readDirectory(target), ["before"])
        yield* expectReleased(bench, target, true)
      })
  ),
  statement(
    "discarded: where the directory to mount on is missing, nothing is left of the attempt",
    (bench) =>
      Effect.gen(function*() {
        const attempt = discarded({ key: key("a"), target: bench.at("missing") }, write("text"))
        yield* expectRefusal("the attempt", on(bench)(attempt), { tag: "MountFailed", mentions: [bench.at("missing")] })
        yield* expectEqual("the forest", yield* forest(bench.store), [])
      })
  ),
  statement(
    "discarded: a key that is taken is refused, and what has it is left alone",
    (bench) =>
      Effect.gen(function*() {
        yield* bench.store.prepare(key("a"), { labels: { mine: "yes" } })
        const before = yield* forest(bench.store)
        const attempt = discarded({ key: key("a") }, () => Effect.die("it was used"))
        yield* expectRefusal("the attempt", on(bench)(attempt), { tag: "KeyTaken" })
        yield* expectEqual("the forest", yield* forest(bench.store), before)
      })
  ),
  statement("discarded: what the work itself removed is not missed", (bench) =>
    Effect.gen(function*() {
      const attempt = discarded({ key: key("a") }, (directory) =>
        Effect.andThen(bench.mounter.unmount(directory), Effect.fail({ _tag: "Mine", message: "gone" })))
      yield* expectRefusal("the work", on(bench)(attempt), { tag: "Mine" })
      yield* expectEqual("the forest", yield* forest(bench.store), [])
    }))
]

const committingCases: Suite<Needs> = [
  statement(
    "committed: the work becomes a committed snapshot, with its labels, and its result comes back",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        const fork = { key: key("a"), labels: { of: "the key" }, commitLabels: { of: "the name" } }
        const [directory, info] = yield* on(bench)(committing(fork, name("A"), write("text")))
        yield* expectEqual("the forest", yield* forest(store), [info])
        yield* expectEqual("its labels", info.labels, { of: "the name" })
        yield* expectReleased(bench, directory)
        const text = yield* on(bench)(viewed({ key: key("v"), parent: name("A") }, read))
        yield* expectEqual("what it holds", text, "text")
        yield* expectEqual("the forest then", yield* forest(store), [info])
      })
  ),
  statement(
    "committed: where the work fails, nothing is committed and nothing is left",
    (bench) =>
      Effect.gen(function*() {
        const attempt = committing({ key: key("a") }, name("A"), () => Effect.fail({ _tag: "Mine", message: "mine" }))
        yield* expectRefusal("the work", on(bench)(attempt), { tag: "Mine" })
        yield* expectEqual("the forest", yield* forest(bench.store), [])
      })
  ),
  statement(
    "committed: where the work is interrupted, nothing is committed and nothing is left",
    (bench) =>
      Effect.gen(function*() {
        const directory = yield* interrupted((use) => on(bench)(committing({ key: key("a") }, name("A"), use)))
        yield* expectEqual("the forest", yield* forest(bench.store), [])
        yield* expectReleased(bench, directory)
      })
  ),
  statement(
    "committed: where only the commit fails, the work is kept under its key, unmounted",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* committed(bench, "A")
        let worked = ""
        const attempt = committing({ key: key("a") }, name("A"), (directory) => {
          worked = directory
          return write("kept")(directory)
        })
        yield* expectRefusal("the commit", on(bench)(attempt), { tag: "NameTaken" })
        yield* expectEqual("the forest", namesOf(yield* forest(store)), ["A", "a"])
        yield* expectEqual("what is mounted", yield* mountedByCase(bench, worked), [])
        yield* store.commit(name("B"), key("a"))
        yield* expectEqual("the work", yield* on(bench)(viewed({ key: key("v"), parent: name("B") }, read)), "kept")
      })
  ),
  statement("committed: what is still in use is neither committed nor thrown away", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      const using = yield* Scope.make()
      const attempt = committing({ key: key("a") }, name("A"), (directory) =>
        Effect.andThen(write("kept")(directory), Scope.provide(files.open(`${directory}/file`), using)))
      yield* expectRefusal("the unmounting", on(bench)(attempt), {
        tag: "StillInUse",
        mentions: ["still in use", "unmount"]
      })
      yield* expectEqual("the forest", namesOf(yield* forest(store)), ["a"])
      yield* Scope.close(using, Exit.void)
      yield* store.commit(name("A"), key("a"))
      yield* expectEqual("the work", yield* on(bench)(viewed({ key: key("v"), parent: name("A") }, read)), "kept")
    }))
]

const viewing: Suite<Needs> = [
  statement("viewed: it shows a snapshot read-only, and is gone afterwards", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      yield* committed(bench, "A", { adds: { file: "text" } })
      const before = yield* forest(store)
      const [directory, text] = yield* on(bench)(viewed({ key: key("v"), parent: name("A") }, (directory) =>
        Effect.gen(function*() {
          yield* expectEqual("the snapshot meanwhile", (yield* store.stat(key("v"))).kind, "view")
          yield* failureOf("a write", write("changed")(directory))
          return [directory, yield* files.readFileString(`${directory}/file`)] as const
        })))
      yield* expectEqual("what it shows", text, "text")
      yield* expectEqual("the forest", yield* forest(store), before)
      yield* expectReleased(bench, directory)
    })),
  statement("viewed: it is gone after a failure and after an interruption too", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* committed(bench, "A")
      const before = yield* forest(store)
      const options = { key: key("v"), parent: name("A") }
      const attempt = viewed(options, () => Effect.fail({ _tag: "Mine", message: "mine" }))
      yield* expectRefusal("the use", on(bench)(attempt), { tag: "Mine" })
      yield* expectEqual("the forest", yield* forest(store), before)
      const directory = yield* interrupted((use) => on(bench)(viewed(options, use)))
      yield* expectEqual("the forest then", yield* forest(store), before)
      yield* expectReleased(bench, directory)
    })),
  statement("many forks at once do not see each other's work", (bench) =>
    Effect.gen(function*() {
      const numbers = Array.from({ length: 16 }, (_, n) => n)
      const made = yield* Effect.forEach(numbers, (n) =>
        on(bench)(committing({ key: key(`a ${n}`) }, name(`A ${n}`), write(`text ${n}`))), { concurrency: 16 })
      const texts = yield* Effect.forEach(numbers, (n) =>
        on(bench)(viewed({ key: key(`v ${n}`), parent: name(`A ${n}`) }, read)), { concurrency: 16 })
      yield* expectEqual(
        "what they hold",
        texts,
        numbers.map((n) =>
          `text ${n}`
        )
      )
      const directories = made.map(([directory]) =>
        directory
      )
      yield* expectEqual("what is mounted", yield* mountedByCase(bench, ...directories), [])
    }))
]

export const forkCases: Suite<Needs> = [...discarding, ...committingCases, ...viewing]
