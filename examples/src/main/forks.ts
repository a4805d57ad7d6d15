/** Four forks of the base at once, something else done in each, and a different end for each. */
import { Fork, Snapshot } from "@snapshotter/core"
import { Console, Effect, Latch } from "effect"
import { withProgress } from "../progress.ts"
import { base } from "./base.ts"
import { choose } from "./choice.ts"
import type { Inventory } from "./inventory.ts"
import * as Show from "./show.ts"
import { stopwatch } from "./stopwatch.ts"
import { type Task, Tasks } from "./tasks.ts"

export const edited = Snapshot.Name.make("edited")

const forkOf = (key: string) => ({ key: Snapshot.Key.make(key), parent: base })

/** How long a fork takes from nothing to nothing, in milliseconds: prepared, mounted, unmounted and removed. */
export const forkOften = (times: number, whole: number) =>
  Effect.gen(function*() {
    const taken: Array<number> = []
    for (let at = 0; at < times; at++) {
      const lap = stopwatch()
      yield* Fork.discarded(forkOf("nothing"), () => Effect.void)
      taken.push(lap())
    }
    const median = taken.toSorted((one, other) => one - other)[Math.floor(times / 2)] ?? 0
    const what = `  a fork of it, mounted, unmounted and discarded (median of ${times})`
    yield* Console.log(Show.step(what, Show.duration(median), Show.ratioOf(median, whole, "the copy")))
  })

/** Answers the mounts of the one fork that stays, until the scope closes. `whole` is the time of a copy. */
export const forkFour = (input: Inventory, whole: number) =>
  Effect.gen(function*() {
    const tasks = yield* Tasks
    const chosen = choose(input)
    const met = meeting(4)
    const all = Effect.all([
      edit(tasks.edit(chosen), met),
      record(tasks.record(chosen), met),
      wreck(tasks.wreck, met),
      build(tasks.build, met)
    ], { concurrency: "unbounded" })
    const outcomes = yield* withProgress("working in each of four forks", all)
    const [editing, recording, wrecking] = outcomes
    const compared = [Math.max(...outcomes.map(({ forking }) => forking)), editing.ending, wrecking.ending]
    const [fork, commit, discard] = compared.map((time) => Show.ratio(time, whole))
    const copy = Show.duration(whole)
    yield* Console.log([
      "",
      row("Four forks of it at once, some work in each:", "forked", "ran", "ended"),
      ...outcomes.flatMap(lines),
      `  Beside the copy (${copy}): slowest fork ${fork}, commit ${commit}, discard ${discard}.`
    ].join("\n"))
    return recording.mounts
  })

/** Waits for so many fibers to come here, so that no work slows down a fork. If one fails before, all are interrupted. */
const meeting = (parties: number): Effect.Effect<void> => {
  const latch = Latch.makeUnsafe()
  let missing = parties
  return Effect.suspend(() => --missing === 0 ? latch.open : latch.await)
}

// ============================================================ one by one

const edit = (task: Task, met: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const lap = stopwatch()
    const [[forking, running]] = yield* Fork.committed(forkOf("edit"), edited, (directory) =>
      Effect.gen(function*() {
        const forking = lap()
        yield* met
        lap()
        yield* task.perform(directory)
        return [forking, lap()] as const
      }))
    return { fork: "edit", work: task.title, forking, running, ending: lap(), end: "committed" }
  })

/** It outlives this: it stays mounted until the scope closes. */
const record = (task: Task, met: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const lap = stopwatch()
    const { directory, mounts } = yield* Fork.scoped(forkOf("record"))
    const forking = lap()
    yield* met
    lap()
    const remark = yield* task.perform(directory)
    return { fork: "record", work: task.title, forking, running: lap(), end: "stays mounted", remark, mounts }
  })

const wreck = (task: Task, met: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const lap = stopwatch()
    const [forking, running] = yield* Fork.discarded(forkOf("wreck"), (directory) =>
      Effect.gen(function*() {
        const forking = lap()
        yield* met
        lap()
        yield* task.perform(directory)
        return [forking, lap()] as const
      }))
    return { fork: "wreck", work: task.title, forking, running, ending: lap(), end: "discarded" }
  })

/** The failure of the work is the failure of `Fork.committed`, and there is nothing to clean up. */
const build = (task: Task, met: Effect.Effect<void>) =>
  Effect.gen(function*() {
    const lap = stopwatch()
    const times = { forking: 0, running: 0 }
    const stopped = Effect.sync(() => {
      times.running = lap()
    })
    const failure = yield* Fork.committed(forkOf("build"), Snapshot.Name.make("built"), (directory) =>
      Effect.gen(function*() {
        times.forking = lap()
        yield* met
        lap()
        yield* Effect.ensuring(task.perform(directory), stopped)
      })).pipe(Effect.as(undefined), Effect.catchTag("TaskFailed", Effect.succeed))
    const end = failure === undefined ? "committed" : "failed, discarded"
    return { fork: "build", work: task.title, ...times, ending: lap(), end, remark: failure?.message }
  })

// ============================================================ as text

/** Milliseconds, and what became of the fork. */
interface Outcome {
  readonly fork: string
  readonly work: string
  readonly forking: number
  readonly running: number
  readonly ending?: number
  readonly end: string
  readonly remark?: string | undefined
}

const lines = ({ end, ending, fork, forking, remark, running, work }: Outcome): ReadonlyArray<string> => [
  row(
    `  ${fork.padEnd(8)}${work}`,
    Show.duration(forking),
    Show.duration(running),
    ending === undefined ? "" : Show.duration(ending),
    end
  ),
  ...(remark === undefined ? [] : [`          ${Show.cut(remark, 88)}`])
]

const row = (what: string, forked: string, ran: string, ended: string, end = ""): string =>
  `${what.padEnd(52)}${forked.padStart(9)}${ran.padStart(9)}${ended.padStart(9)}  ${end}`.trimEnd()
