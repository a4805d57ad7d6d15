/**
 * What `npm start` runs: `npm start -- [--backend memory|node] [--root DIR] [DIRECTORY]`.
 *
 * Makes a directory a base, forks it, lets real commands loose on the forks, and shows and verifies what came of that.
 */
import { Capabilities, NodeSnapshotter } from "@snapshotter/node-fs"
import { Console, Effect, Option } from "effect"
import { Argument, Command, Flag } from "effect/cli"
import { existsSync } from "node:fs"
import * as path from "node:path"
import { run } from "./commandLine.ts"
import { BadArgument, inputDirectory, keptRoot, temporaryRoot } from "./main/arguments.ts"
import { inMemory } from "./main/inMemory.ts"
import { onLinux } from "./main/onLinux.ts"
import { temporaryPlace } from "./place.ts"

const ownModules = path.join(import.meta.dirname, "..", "..", "node_modules")

const command = Command.make(
  "npm start --",
  {
    directory: Argument.Path("directory").pipe(
      Argument.withDescription("what to make a base of; the dependencies of this workspace if left out"),
      Argument.withDefault(ownModules)
    ),
    backend: Flag.Literals("backend", ["memory", "node"]).pipe(
      Flag.withDescription(
        "real mounts (node) or a simulated machine (memory); real ones where they can be, if left out"
      ),
      Flag.optional
    ),
    root: Flag.Path("root").pipe(
      Flag.withDescription("where to make the store, and to keep it; a temporary directory if left out"),
      Flag.optional
    )
  },
  Effect.fn(function*({ backend, directory, root }) {
    const input = yield* inputDirectory(directory)
    const wanted = Option.getOrUndefined(backend)
    if (wanted === "memory") {
      if (Option.isSome(root)) {
        return yield* new BadArgument({ reason: "--root needs real mounts: leave out --backend memory" })
      }
      return yield* inMemory(input)
    }
    const place = yield* Option.match(root, {
      onNone: () => temporaryRoot(input),
      onSome: (root) => keptRoot(root, input)
    })
    const capabilities = yield* Capabilities.probe(place.near)
    const { detail, remedy, works } = capabilities.overlayMounts
    if (works) return yield* onMounts(input, place.path, Option.isSome(root), capabilities)
    const why = [`no real mounts: ${detail}`, ...(remedy === undefined ? [] : [remedy])].join("; ")
    if (wanted === "node") return yield* new BadArgument({ reason: why })
    yield* Console.log(`${why}. In memory instead:`)
    yield* inMemory(input)
  })
)

const onMounts = (input: string, place: string, kept: boolean, capabilities: Capabilities.Capabilities) =>
  Effect.gen(function*() {
    const root = kept ? place : yield* temporaryPlace
    const { fileSystem, kernel, uid, userNamespace } = capabilities
    yield* Console.log(
      `Store in ${root}: overlay on ${fileSystem}, Linux ${kernel}${userNamespace ? ", in a user namespace" : ""}`
    )
    const interrupted = `interrupted: all is unmounted${kept ? "" : ", and what was made is being removed"}`
    yield* onLinux({ directory: input, owners: uid === 0 && !userNamespace }).pipe(
      Effect.provide(NodeSnapshotter.layer({ root })),
      Effect.onInterrupt(() => Console.error(interrupted))
    )
    return root
  }).pipe(
    Effect.scoped,
    Effect.provide(NodeSnapshotter.layerMachine),
    Effect.flatMap((root) => Console.log(existsSync(root) ? `\n${root} stays.` : "\nAll is unmounted and removed."))
  )

run(command)
