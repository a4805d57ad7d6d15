/**
 * The model, the commands and the world of `@snapshotter/core/testing`, bound to fast-check: random programs, shrunk when
 * one of them finds the model and a backend at odds, counted by what they did.
 */
import type { Command, Response } from "@snapshotter/core/testing/Command"
import { labelOf, render } from "@snapshotter/core/testing/Command"
import { applies, empty, type Model, type Overlays, step } from "@snapshotter/core/testing/Model"
import { canonical, sameResponse, type World } from "@snapshotter/core/testing/World"
import { Effect } from "effect"
import * as fc from "fast-check"
import { beginnings } from "./commands/beginnings.ts"
import { commandOf } from "./commands/generators.ts"
import { report } from "./commands/outcomes.ts"
import { answerable, resolve } from "./commands/templates.ts"

/** What a run of the property needs from a backend. */
export interface Setting {
  /** For messages and for the replay: the test file. */
  readonly file: string
  readonly overlays?: Overlays
  readonly runs: number
  readonly commandsMax: number
  /** Runs one program in a world of its own, all of which is gone afterwards. */
  readonly inWorld: (program: (world: World) => Effect.Effect<void>) => Promise<void>
}

/** What new files and directories in the model have is what is left by this. */
process.umask(0o022)

/** Runs the property and prints what it did. A failure prints the one command that replays it. */
export const proveModel = async (setting: Setting): Promise<void> => {
  const counts = new Map<string, number>()
  const seed = process.env["SNAPSHOTTER_SEED"]
  const path = process.env["SNAPSHOTTER_PATH"]
  const replayPath = process.env["SNAPSHOTTER_REPLAY"]
  const commands = fc.commands(
    commandOf.map((one) => one.map((command) => new Run(command, counts))),
    { maxCommands: setting.commandsMax, size: "max", ...(replayPath === undefined ? {} : { replayPath }) }
  )
  const property = fc.asyncProperty(
    fc.constantFrom(...beginnings),
    commands,
    (beginning, program) =>
      setting.inWorld((world) =>
        Effect.promise(async () => {
          const state = { model: empty(setting.overlays) }
          for (const command of beginning) await new Run(command, new Map(), "answer").run(state, world)
          await fc.asyncModelRun(() => ({ model: state, real: world }), program)
          await Effect.runPromise(world.agreesInDepth(state.model))
        })
      )
  )
  const result = await fc.check(property, {
    numRuns: setting.runs,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    endOnFailure: path !== undefined
  })
  if (result.failed) throw new Error(failureText(setting, result))
  if (path === undefined) report(setting, counts, result.numRuns)
}

/** A command as fast-check wants it: whom it is about is chosen when its turn comes, and shown as it was chosen. */
class Run implements fc.AsyncCommand<{ model: Model }, World> {
  readonly template: Command
  readonly counts: Map<string, number>
  readonly compares: "answer" | "everything"
  command: Command

  constructor(template: Command, counts: Map<string, number>, compares: "answer" | "everything" = "everything") {
    this.template = template
    this.command = template
    this.counts = counts
    this.compares = compares
  }

  check({ model }: Readonly<{ model: Model }>) {
    return answerable(model, this.template) && applies(model, resolve(model, this.template))
  }

  async run(state: { model: Model }, world: World) {
    this.command = resolve(state.model, this.template)
    const expected = step(state.model, this.command)
    const actual: Response = await Effect.runPromise(world.run(this.command))
    const label = labelOf(this.command, actual)
    this.counts.set(label, (this.counts.get(label) ?? 0) + 1)
    if (!sameResponse(actual, expected.response)) {
      throw new Error(`${this}: the answer is ${canonical(actual)} instead of ${canonical(expected.response)}`)
    }
    state.model = expected.model
    if (this.compares === "everything") await Effect.runPromise(world.agrees(state.model))
  }

  toString() {
    return render(this.command)
  }
}

type Program = fc.AsyncCommand<{ model: Model }, World>

const failureText = (setting: Setting, result: fc.RunDetails<[ReadonlyArray<Command>, Iterable<Program>]>): string => {
  const [beginning = [], program = ""] = result.counterexample ?? []
  const shown = [...beginning.map(render), String(program)].join(", ")
  const replay = /replayPath="([^"]*)"/.exec(shown)?.[1] ?? ""
  const variables =
    `SNAPSHOTTER_SEED=${result.seed} SNAPSHOTTER_PATH=${result.counterexamplePath} SNAPSHOTTER_REPLAY=${replay}`
  return [
    `after ${result.numRuns} programs and ${result.numShrinks} shrinks: ${shown}`,
    String(result.errorInstance instanceof Error ? result.errorInstance.message : result.errorInstance),
    `replay: ${variables} node_modules/.bin/vitest run ${setting.file}`
  ].join("\n")
}
