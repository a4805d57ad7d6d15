/** The backend in memory: how fast programs that are tested on it can go. */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect } from "effect"
import { timed } from "../alternate.ts"
import type { Effort } from "../Effort.ts"
import { atLeast, median, type Row } from "../Row.ts"

const operationsOfARound = 8
const rounds = 250

export const measureInMemory = (effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.gen(function*() {
    const rates: Array<number> = []
    for (let run = -1; run < effort.rounds; run++) {
      const rate = yield* inMemory
      if (run >= 0) rates.push(rate)
    }
    const row: Row = {
      section: "memory-fs",
      operation: "operations of a snapshotter",
      unit: "/s",
      value: median(rates),
      samples: rates.length
    }
    return [atLeast(row, 5_000)]
  })

/** Each round as a program would: fork, look, commit, look, and in the end away with it. */
const inMemory: Effect.Effect<number> = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  const parent = Name.make("base")
  yield* snapshotter.prepare(Key.make("making"))
  yield* snapshotter.commit(parent, Key.make("making"))
  const round = (number: number) =>
    Effect.gen(function*() {
      const [key, view, name] = [Key.make(`key-${number}`), Key.make(`view-${number}`), Name.make(`name-${number}`)]
      yield* snapshotter.prepare(key, { parent })
      yield* snapshotter.mounts(key)
      yield* snapshotter.update(key, { patch: { number: String(number) } })
      yield* snapshotter.commit(name, key)
      yield* snapshotter.view(view, { parent: name })
      yield* snapshotter.stat(view)
      yield* snapshotter.remove(view)
      yield* snapshotter.remove(name)
    })
  const numbers = Array.from({ length: rounds }, (_, number) => number)
  const microseconds = yield* timed(Effect.orDie(Effect.forEach(numbers, round, { discard: true })))
  return rounds * operationsOfARound / (microseconds / 1_000_000)
}).pipe(Effect.provide(MemorySnapshotter.layer, { local: true }), Effect.orDie)
