/** The stores that operations are struck on, made once and copied for each case. */
import type { SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type Command, render } from "@snapshotter/core/testing/Command"
import { empty, type Model, step } from "@snapshotter/core/testing/Model"
import { makeWorld, sameResponse, type World } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import { Context, Effect, type Scope } from "effect"
import { sha256Hex } from "../../../packages/core/src/internal/sha256.ts"
import { namesById } from "./picture.ts"
import { type Machine, type Site, storeIn } from "./Site.ts"

export type Durability = NonNullable<SnapshotterOptions["durability"]>

/** How the store was made, and how it is opened by what is struck. */
export interface Setting {
  readonly made: Durability
  readonly opened: Durability
}

/** Both durabilities, and each on what was made at the other one. */
export const settings = [
  { made: "full", opened: "full" },
  { made: "process", opened: "process" },
  { made: "process", opened: "full" },
  { made: "full", opened: "process" }
] as const satisfies ReadonlyArray<Setting>

export const describeSetting = ({ made, opened }: Setting): string =>
  made === opened ? `at ${opened}` : `at ${opened}, on what was made at ${made}`

/** `none`: no store; `forest`: one with something of everything; `litter`: the same, with what crashes leave. */
export type Ground = "none" | "forest" | "litter"

/** A base with contents, a child of it, forks, views, a committed leaf, something active with contents. */
const commands: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "making" },
  { _tag: "mount", slot: 0, key: "making" },
  { _tag: "write", slot: 0, path: "d/f", text: "x" },
  { _tag: "symlink", slot: 0, path: "e" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "base", key: "making" },
  { _tag: "prepare", key: "making", parent: "base", labels: { l: "1" } },
  { _tag: "mount", slot: 0, key: "making" },
  { _tag: "append", slot: 0, path: "d/f", text: "y" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "child", key: "making", labels: { m: "2" } },
  { _tag: "prepare", key: "fork", parent: "child" },
  { _tag: "mount", slot: 0, key: "fork" },
  { _tag: "write", slot: 0, path: "g", text: "z" },
  { _tag: "delete", slot: 0, path: "e" },
  { _tag: "unmount", slot: 0 },
  { _tag: "view", key: "view", parent: "base" },
  { _tag: "prepare", key: "spare" },
  { _tag: "mount", slot: 0, key: "spare" },
  { _tag: "write", slot: 0, path: "g", text: "yy" },
  { _tag: "write", slot: 0, path: "d/g", text: "zz" },
  { _tag: "unmount", slot: 0 },
  { _tag: "prepare", key: "making", parent: "base" },
  { _tag: "commit", name: "leaf", key: "making" },
  { _tag: "cleanup" }
]

/** Names that links of the index can be told by. */
export const names = ["base", "child", "fork", "view", "spare", "leaf", "making", "new", "old"]

export const forestModel: Model = commands.reduce((model, command) => step(model, command).model, empty())

/** Does one command after another, each with the answer that the model has for it. */
const play = (world: World) =>
  Effect.gen(function*() {
    let model = empty()
    for (const command of commands) {
      const expected = step(model, command)
      const actual = yield* world.run(command)
      if (!sameResponse(actual, expected.response)) {
        return yield* Effect.die(new Error(`${render(command)}: ${JSON.stringify(actual)}`))
      }
      model = expected.model
    }
    yield* world.agreesInDepth(model)
  })

/** A store that is ready to be copied. */
export const grow = (
  machine: Machine,
  ground: Ground,
  durability: Durability
): Effect.Effect<Site, never, Scope.Scope> =>
  Effect.gen(function*() {
    const site = yield* machine.make
    if (ground === "none") return site.frozen()
    yield* Effect.scoped(Effect.gen(function*() {
      const backend = yield* site.process("gardener", Faults.make())
      yield* inWorld(backend, site.directory, durability, play)
      if (ground === "litter") yield* litter(site, Context.get(backend, StoreFileSystem))
    }))
    yield* site.kill("gardener")
    return site.frozen()
  })

/** A store, opened by a process, and the means to compare it with a model. */
export const inWorld = <A>(
  backend: Effect.Success<ReturnType<Site["process"]>>,
  directory: string,
  durability: Durability,
  use: (world: World) => Effect.Effect<A>
): Effect.Effect<A> =>
  Effect.provideContext(Effect.scoped(Effect.flatMap(makeWorld(directory, { durability }), use)), backend)

/** Ids of nobody, as a dead process might have left them. */
const [begun, trashed, lost] = ["a", "b", "c"].map((letter) => letter.repeat(13))

/** What crashes leave: something of each kind that `cleanup` takes, a failed sync's notes, and a link that was lost. */
const litter = (site: Site, fs: StoreFileSystem): Effect.Effect<void> =>
  Effect.gen(function*() {
    const root = storeIn(site)
    const ids = new Map([...namesById(site.picture())].map(([id, name]) => [name, id]))
    const id = (name: string) => ids.get(`<${name}>`) ?? ""
    for (const place of [`staging/${begun}`, `trash/${trashed}`]) {
      yield* fs.makeDirectory(`${root}/${place}`, 0o700)
      yield* fs.makeDirectory(`${root}/${place}/fs`, 0o755)
      yield* fs.writeFile(`${root}/${place}/fs/file`, "x", 0o644)
      yield* fs.writeFile(`${root}/${place}/key.json`, "{", 0o600)
    }
    yield* fs.symlink(`../active/${lost}`, `${root}/index/${sha256Hex("old")}`)
    yield* fs.writeFile(`${root}/committed/${id("child")}/children/${lost}`, "", 0o600)
    yield* fs.writeFile(`${root}/active/${id("fork")}/next.json`, "{", 0o600)
    yield* fs.writeFile(`${root}/active/${id("spare")}/name.json`, "{}", 0o600)
    yield* fs.makeDirectory(`${root}/committed/${id("base")}/work`, 0o711)
    yield* fs.writeFile(`${root}/active/${id("spare")}/suspect`, "EIO", 0o600)
    yield* fs.writeFile(`${root}/committed/${id("leaf")}/suspect`, "EIO", 0o600)
    yield* fs.removeFile(`${root}/index/${sha256Hex("view")}`)
  }).pipe(Effect.orDie)
