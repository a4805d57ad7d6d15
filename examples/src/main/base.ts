/** A tree becomes a base: copied once into an empty fork, and committed. From then on it is forked, never copied. */
import { Fork, Snapshot } from "@snapshotter/core"
import { Console, Effect } from "effect"
import { withProgress } from "../progress.ts"
import * as Show from "./show.ts"
import type { Source } from "./source.ts"
import { stopwatch } from "./stopwatch.ts"
import { Tasks } from "./tasks.ts"

export const base = Snapshot.Name.make("base")

/** Answers how many milliseconds the copy took: what all that follows is held against. */
export const makeBase = (source: Source) =>
  Effect.gen(function*() {
    const tasks = yield* Tasks
    const lap = stopwatch()
    const total = source.inventory.names.size
    let copied = 0
    const copy = tasks.copy(source, (count) => {
      copied += count
    })
    const [copying] = yield* Fork.committed({ key: Snapshot.Key.make("import") }, base, (into) => {
      lap()
      return Effect.map(copy.perform(into), lap)
    }).pipe((all) =>
      withProgress("making the base", all, () =>
        copied < total ? `${Show.number(copied)} of ${Show.number(total)} names copied` : "committing")
    )
    const committing = lap()
    yield* Console.log([
      "",
      "The base, made once:",
      Show.step(`  ${copy.title} of all that, into an empty fork`, Show.duration(copying)),
      Show.step(
        "  commit, with its contents on disk",
        Show.duration(committing),
        Show.ratioOf(committing, copying, "the copy")
      )
    ].join("\n"))
    return copying
  })
