/** A tree becomes a base: copied once into an empty fork, and committed. From then on it is forked, never copied. */
import { Fork, Snapshot } from "@snapshotter/core"
import { Console, Effect } from "effect"
import { run } from "./command.ts"
import type { Inventory } from "./inventory.ts"
import { withProgress } from "../progress.ts"
import * as Show from "./show.ts"
import { stopwatch } from "./stopwatch.ts"

export const base = Snapshot.Name.make("base")

export interface Job {
  readonly directory: string
  /** Whether files can be given any owner: by root, outside of a user namespace. */
  readonly owners: boolean
}

/** Answers how many milliseconds `cp -a` took: what all that follows is held against. */
export const makeBase = ({ directory, owners }: Job, input: Inventory) =>
  Effect.gen(function*() {
    const lap = stopwatch()
    const total = input.names.size
    let copied = 0
    const onOutput = (text: string) => {
      copied += text.split("\n").length - 1
    }
    const options = ["-a", "-v", "--reflink=auto", ...(owners ? [] : ["--no-preserve=ownership"])]
    const [copying] = yield* Fork.committed({ key: Snapshot.Key.make("import") }, base, (into) => {
      lap()
      return Effect.map(run("cp", [...options, "--", `${directory}/.`, into], { onOutput }), lap)
    }).pipe((all) =>
      withProgress("making the base", all, () =>
        copied < total ? `${Show.number(copied)} of ${Show.number(total)} names copied` : "committing")
    )
    const committing = lap()
    yield* Console.log([
      "",
      "The base, made once:",
      Show.step("  cp -a --reflink=auto of all that, into an empty fork", Show.duration(copying)),
      Show.step(
        "  commit, with its contents on disk",
        Show.duration(committing),
        `${Show.ratio(committing, copying)} of cp -a`
      )
    ].join("\n"))
    return copying
  })
