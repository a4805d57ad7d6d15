/**
 * A process with a store open, which does what it is told: a line of JSON for each question on its input, one for each
 * answer on its output. `node client.ts JSON`, the options that the store is opened with.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Fiber } from "effect"
import * as fs from "node:fs"
import { createInterface } from "node:readline"

export type Question =
  /** So many fibers that want the same at once. */
  | {
    readonly ask: "crowd"
    readonly of: "prepare" | "commit" | "remove"
    readonly name: string
    readonly count: number
  }
  /** So many snapshots prepared, committed, updated, and every other one removed again; `fibers` at a time. */
  | { readonly ask: "work"; readonly prefix: string; readonly count: number; readonly fibers: number }
  /** So many at once: prepare, mount on directories of their own below `target`, commit. */
  | { readonly ask: "mountAll"; readonly prefix: string; readonly target: string; readonly count: number }
  | { readonly ask: "prepare"; readonly name: string }
  /** Prepares, and gives up after so many milliseconds. */
  | { readonly ask: "interrupt"; readonly name: string; readonly after: number }
  /** Takes the store's lock, and holds it until it ends. */
  | { readonly ask: "lock" }
  | { readonly ask: "descriptors" }
  /** Begins to prepare, answers, and ends: by itself when there is nothing else to do, or at once. */
  | { readonly ask: "end"; readonly how: "exit" | "naturally"; readonly name: string }

/** How often each outcome came: `success`, or the tag of a failure, with its errno where it has one. */
export type Outcomes = Readonly<Record<string, number>>

const options: SnapshotterOptions = JSON.parse(process.argv[2] ?? "")

const outcome = <A, E extends { readonly _tag: string }>(effect: Effect.Effect<A, E>): Effect.Effect<string> =>
  Effect.match(effect, {
    onFailure: (error) => "code" in error ? `${error._tag} ${String(error.code)}` : error._tag,
    onSuccess: () => "success"
  })

const tally = (outcomes: ReadonlyArray<string>): Outcomes => {
  const counts: Record<string, number> = {}
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

const all = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.all(effects, { concurrency: "unbounded" })

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

const answer = Effect.fnUntraced(function*(question: Question) {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  switch (question.ask) {
    case "crowd": {
      const { name, of } = question
      const one = of === "prepare"
        ? outcome(snapshotter.prepare(Key.make(name)))
        : of === "commit"
        ? outcome(snapshotter.commit(Name.make(`${name} committed`), Key.make(name)))
        : outcome(snapshotter.remove(Name.make(`${name} committed`)))
      return tally(yield* all(numbers(question.count).map(() => one)))
    }
    case "work": {
      const { count, fibers, prefix } = question
      const kept = yield* Effect.forEach(
        numbers(count),
        (at) =>
          Effect.gen(function*() {
            const [key, name] = [Key.make(`${prefix} key ${at}`), Name.make(`${prefix} ${at}`)]
            yield* snapshotter.prepare(key)
            yield* snapshotter.commit(name, key)
            yield* snapshotter.update(name, { patch: { at: `${at}` } })
            if (at % 2 === 0) return [String(name)]
            yield* snapshotter.remove(name)
            return []
          }),
        { concurrency: fibers }
      )
      return kept.flat()
    }
    case "mountAll":
      return tally(
        yield* all(
          numbers(question.count).map((at) => {
            const key = Key.make(`${question.prefix} ${at}`)
            const target = `${question.target}/${at}`
            const prepared = Effect.gen(function*() {
              const mounts = yield* snapshotter.prepare(key)
              yield* Effect.scoped(Effect.andThen(mounter.mount(mounts, target), Effect.yieldNow))
              yield* snapshotter.commit(Name.make(`${question.prefix} ${at} committed`), key)
            })
            return outcome(prepared)
          })
        )
      )
    case "prepare":
      return yield* outcome(snapshotter.prepare(Key.make(question.name)))
    case "interrupt": {
      const fiber = yield* Effect.forkChild(outcome(snapshotter.prepare(Key.make(question.name))))
      yield* Effect.sleep(question.after)
      const waiting = fiber.pollUnsafe() === undefined
      yield* Fiber.interrupt(fiber)
      return waiting ? "interrupted" : "it did not wait"
    }
    case "lock":
      return (yield* StoreFileSystem.use((system) => system.tryLock(options.root))) !== undefined
    case "descriptors":
      return fs.readdirSync("/proc/self/fd").length
    case "end": {
      const fiber = yield* Effect.forkDetach(snapshotter.prepare(Key.make(question.name)), { startImmediately: true })
      yield* Effect.sleep(20)
      const waiting = fiber.pollUnsafe() === undefined
      if (question.how === "naturally") yield* Fiber.interrupt(fiber)
      return waiting
    }
  }
})

const say = (value: unknown) => fs.writeSync(1, `${JSON.stringify(value)}\n`)

/** Questions one after another, until one of them is the last or there are no more. */
const program = Effect.gen(function*() {
  const lines = createInterface({ input: process.stdin })
  const questions = lines[Symbol.asyncIterator]()
  say("open")
  for (;;) {
    const next = yield* Effect.promise(() => questions.next())
    if (next.done === true) return
    const question: Question = JSON.parse(next.value)
    say(yield* answer(question))
    if (question.ask !== "end") continue
    if (question.how === "exit") process.exit(0)
    lines.close()
    process.stdin.destroy()
    return
  }
})

await Effect.runPromise(Effect.provide(program, NodeSnapshotter.layer(options)))
