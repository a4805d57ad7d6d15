/**
 * What `npm start` runs: `npm start -- [--backend node|memory] [--root DIR] [DIRECTORY]`.
 *
 * Makes a directory a base, forks it, lets work loose on the forks, and shows and verifies what came of that. On real
 * mounts it is real commands that work in them; in memory, calls to the simulated file system.
 */
import { Console, Effect, Layer, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import type { ChildProcessSpawner } from "effect/process"
import { existsSync } from "node:fs"
import { tmpdir } from "node:os"
import * as path from "node:path"
import { type Backend, backendFlag, choose, machineOf } from "./backend.ts"
import { run } from "./commandLine.ts"
import { nodeMachineAt, type Services } from "./machine.ts"
import { BadArgument, inputDirectory, keptRoot, outside } from "./main/arguments.ts"
import * as Calls from "./main/calls.ts"
import * as Commands from "./main/commands.ts"
import { job } from "./main/job.ts"
import type { Tasks } from "./main/tasks.ts"

const ownModules = path.join(import.meta.dirname, "..", "..", "node_modules")

/** Who does what is done in the forks. */
const tasks: Record<Backend, Layer.Layer<Tasks, never, Services | ChildProcessSpawner.ChildProcessSpawner>> = {
  node: Commands.layer,
  memory: Calls.layer
}

/** A machine in memory is given no more of a directory than this. */
const sample = { names: 1_000, bytesOfFile: 65_536 }

const flags = {
  directory: Argument.Path("directory").pipe(
    Argument.withDescription("what to make a base of; the dependencies of this workspace if left out"),
    Argument.withDefault(ownModules)
  ),
  backend: backendFlag,
  root: Flag.Path("root").pipe(
    Flag.withDescription("where to make the store, and to keep it; a temporary directory if left out"),
    Flag.optional
  )
}

run(Command.make("npm start --", flags, ({ backend, directory, root }) =>
  Effect.gen(function*() {
    const input = yield* inputDirectory(directory)
    if (Option.isSome(root) && Option.contains(backend, "memory")) {
      return yield* new BadArgument({ reason: "--root needs real mounts: leave out --backend memory" })
    }
    const kept = Option.isSome(root) ? yield* keptRoot(root.value, input) : undefined
    const chosen = yield* choose(kept === undefined ? backend : Option.some("node"), kept?.near ?? tmpdir())
    const inMemory = chosen.backend === "memory"
    if (!inMemory && kept === undefined) yield* outside(input, tmpdir())
    const store = yield* Effect.gen(function*() {
      const machine = kept === undefined ? yield* machineOf(chosen.backend) : nodeMachineAt(kept.path, tmpdir())
      yield* Console.log(`Store in ${machine.store}${inMemory ? ", of a simulated machine" : ""}`)
      yield* job({ directory: input, owners: chosen.anyOwner, limits: inMemory ? sample : undefined }).pipe(
        Effect.provide(Layer.provideMerge(tasks[chosen.backend], machine.process())),
        Effect.onInterrupt(() => Console.error("interrupted: all is unmounted, and what was made for this is removed"))
      )
      return machine.store
    }).pipe(Effect.scoped)
    yield* Console.log(!inMemory && existsSync(store) ? `\n${store} stays.` : "\nAll is unmounted and removed.")
  })))
