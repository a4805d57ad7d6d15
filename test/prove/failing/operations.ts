/** The operations that are struck: what each does, what the model says of it, and where it happens. */
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { type Command, render } from "@snapshotter/core/testing/Command"
import { type Model, step } from "@snapshotter/core/testing/Model"
import type { Backend } from "@snapshotter/core/testing/World"
import { type Context, Effect, FileSystem, Layer, Stream } from "effect"
import { forestModel, type Ground } from "./forest.ts"
import { type Code, isOfOneThing } from "./strikes.ts"

/** What an operation works with. */
export interface Hands {
  readonly options: SnapshotterOptions
  readonly backend: Context.Context<Backend>
  /** The open store, unless opening it is the operation. */
  readonly store: Snapshotter
  /** A directory to mount on. */
  readonly target: string
}

export interface Operation {
  /** For tests and the table. */
  readonly name: string
  readonly ground: Ground
  /** Whether it opens the store itself. */
  readonly opens: boolean
  readonly run: (hands: Hands) => Effect.Effect<unknown, unknown>
  /** The call that is its commit point, as the table shows it; without one each of its changes happens by itself. */
  readonly commits: RegExp | undefined
  /** Whether it consists of many changes, each of which happens or not: what is left to do is less then. */
  readonly gradual: boolean
  /** What the store holds afterwards; `undefined`: what no model says. */
  readonly after: Model | undefined
  /** Whether it works in a fork, which may be left under its key where it can be neither committed nor removed. */
  readonly forks: boolean
  /** The tags of all its failures. */
  readonly failures: ReadonlyArray<string>
  /** Whether a value is right that is not the one without faults, where a call failed with this errno. */
  readonly allows: (value: unknown, usual: unknown, code: Code | undefined) => boolean
}

const reads = ["StoreFailure", "Damaged"]
const writes = [...reads, "LockTimeout", "NotDurable", "ReadOnlyStore"]
const sweeps = ["StoreFailure", "LockTimeout", "NotDurable", "ReadOnlyStore"]
const mounting = ["MountFailed", "MountUnavailable", "StillInUse", "PlatformError"]

const exactly = () => false

const operation = (
  given: Partial<Operation> & Pick<Operation, "name" | "run" | "failures">
): Operation => ({
  ground: "forest",
  opens: false,
  gradual: false,
  forks: false,
  commits: undefined,
  after: forestModel,
  allows: exactly,
  ...given
})

// ============================================================ those that the model knows

type Known = Exclude<Command, { readonly slot: unknown } | { readonly _tag: "cleanup" | "check" | "relink" | "reopen" }>

const commitPoints: Readonly<Record<Known["_tag"], RegExp | undefined>> = {
  prepare: /^moveNoReplace staging\/\S+ → active\//,
  view: /^moveNoReplace staging\/\S+ → view\//,
  commit: /^moveNoReplace active\/\S+ → committed\//,
  remove: /^moveNoReplace \S+ → trash\//,
  // Of the snapshot itself: ancestors that become durable are not what is asked for.
  update: /^exchange \S+next\.json → /,
  mounts: undefined,
  stat: undefined,
  usage: undefined,
  walk: undefined
}

const failuresOf: Readonly<Record<Known["_tag"], ReadonlyArray<string>>> = {
  prepare: [...writes, "ContentsSuspect"],
  view: [...writes, "ContentsSuspect"],
  commit: [...writes, "ContentsSuspect"],
  remove: writes,
  update: [...writes, "ContentsSuspect"],
  mounts: reads,
  stat: reads,
  usage: reads,
  walk: reads
}

/** What could not be deleted is told; what cannot be read is not known to be rubbish, and `check` says so. */
const orReported: Operation["allows"] = (value, usual, code) =>
  (isRecord(value) && Array.isArray(value["unremoved"]) && value["unremoved"].length > 0) ||
  (isOfOneThing(code) && isPartOf(value, usual))

/** A snapshot that may not be read is damaged, and left out. */
const orFewer: Operation["allows"] = (value, usual, code) => code === "EACCES" && isPartOf(value, usual)

/** `check` may find more, as what cannot be read is damage, but never less. */
const orMore: Operation["allows"] = (value, usual, code) =>
  isOfOneThing(code) && pathsIn(usual).every((path) => pathsIn(value).some((one) => `${path}/`.startsWith(`${one}/`)))

const pathsIn = (violations: unknown): ReadonlyArray<string> =>
  Array.isArray(violations) ? violations.map((one) => isRecord(one) ? String(one["path"]) : "") : []

/** Whether all that is in a list is in another one, and the same for the lists in two objects. */
export const isPartOf = (part: unknown, whole: unknown): boolean => {
  if (isRecord(part) && isRecord(whole)) return Object.keys(part).every((key) => isPartOf(part[key], whole[key]))
  if (!Array.isArray(part) || !Array.isArray(whole)) return false
  const all = new Set(whole.map((one) => JSON.stringify(one)))
  return part.every((one) => all.has(JSON.stringify(one)))
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value)

const runOf = (command: Known) => ({ store }: Hands): Effect.Effect<unknown, unknown> => {
  switch (command._tag) {
    case "prepare":
    case "view": {
      const { key, labels, parent } = command
      return store[command._tag](Key.make(key), {
        labels,
        parent: parent === undefined ? undefined : Name.make(parent)
      })
    }
    case "commit":
      return store.commit(Name.make(command.name), Key.make(command.key), command)
    case "update":
      return store.update(Key.make(command.name), command.change)
    case "walk":
      return Stream.runCollect(store.walk())
    case "mounts":
    case "remove":
    case "stat":
    case "usage":
      return store[command._tag](Key.make(command.name))
  }
}

const known = (command: Known): Operation =>
  operation({
    name: render(command),
    run: runOf(command),
    commits: step(forestModel, command).response._tag === "Success" ? commitPoints[command._tag] : undefined,
    after: step(forestModel, command).model,
    failures: failuresOf[command._tag],
    allows: command._tag === "remove" ? orReported : command._tag === "walk" ? orFewer : exactly
  })

const commands: ReadonlyArray<Known> = [
  { _tag: "prepare", key: "new", labels: { l: "1" } },
  { _tag: "prepare", key: "new", parent: "child" },
  { _tag: "view", key: "new" },
  { _tag: "view", key: "new", parent: "base" },
  { _tag: "commit", name: "new", key: "spare", labels: { l: "1" } },
  { _tag: "commit", name: "new", key: "fork" },
  { _tag: "remove", name: "fork" },
  { _tag: "remove", name: "spare" },
  { _tag: "remove", name: "view" },
  { _tag: "remove", name: "leaf" },
  { _tag: "update", name: "fork", change: { patch: { l: "1" } } },
  { _tag: "update", name: "base", change: { replace: { l: "1" } } },
  { _tag: "mounts", name: "fork" },
  { _tag: "mounts", name: "view" },
  { _tag: "stat", name: "child" },
  { _tag: "usage", name: "spare" },
  { _tag: "walk", filters: [] }
]

/** What is refused must be refused for the same reason, or for want of an answer: a failing call never lets it through. */
const refused: ReadonlyArray<Known> = [
  { _tag: "prepare", key: "fork" },
  { _tag: "prepare", key: "new", parent: "spare" },
  { _tag: "commit", name: "leaf", key: "spare" },
  { _tag: "commit", name: "new", key: "view" },
  { _tag: "remove", name: "base" },
  { _tag: "stat", name: "old" }
]

// ============================================================ the whole store

const opening = (given: Pick<Operation, "name" | "ground" | "commits" | "after">): Operation =>
  operation({
    ...given,
    opens: true,
    // One that was made at `process` is put on disk first, and then swept.
    gradual: given.ground !== "none",
    failures: ["StoreFailure", "LockTimeout", "NotDurable", "ReadOnlyStore"],
    run: ({ backend, options }) => Effect.as(Effect.provideContext(Effect.scoped(make(options)), backend), "opened")
  })

const whole: ReadonlyArray<Operation> = [
  opening({
    name: "open of a new store",
    ground: "none",
    commits: /^moveNoReplace staging\/version → version/,
    after: undefined
  }),
  opening({ name: "open", ground: "forest", commits: undefined, after: forestModel }),
  opening({ name: "open after a crash", ground: "litter", commits: undefined, after: undefined }),
  operation({
    name: "cleanup",
    ground: "litter",
    gradual: true,
    failures: sweeps,
    after: undefined,
    allows: orReported,
    run: ({ store }) => store.cleanup
  }),
  operation({
    name: "check",
    ground: "litter",
    failures: ["StoreFailure", "LockTimeout"],
    after: undefined,
    allows: orMore,
    run: ({ store }) => store.check
  }),
  operation({
    name: "relink",
    ground: "litter",
    gradual: true,
    failures: sweeps,
    after: undefined,
    // A snapshot that cannot be read has no name to be found by.
    allows: (value, usual, code) => isOfOneThing(code) && isPartOf(value, usual),
    run: ({ store }) => store.relink
  })
]

// ============================================================ forks

/** With the ports of the process that is struck, and its store. */
const forking = <A, E>(
  { backend, store }: Hands,
  fork: Effect.Effect<A, E, Snapshotter | Backend>
): Effect.Effect<A, E> => Effect.provideContext(Effect.provide(fork, Layer.succeed(Snapshotter, store)), backend)

const write = (directory: string) =>
  FileSystem.FileSystem.use((files) => Effect.as(files.writeFileString(`${directory}/h`, "new"), "written"))

const written = (parent: string): Model =>
  ([
    { _tag: "prepare", key: "making", parent },
    { _tag: "mount", slot: 0, key: "making" },
    { _tag: "write", slot: 0, path: "h", text: "new" },
    { _tag: "unmount", slot: 0 },
    { _tag: "commit", name: "new", key: "making" }
  ] as const).reduce((model: Model, command) => step(model, command).model, forestModel)

const [key, base] = [Key.make("making"), Name.make("base")]

const forks: ReadonlyArray<Operation> = [
  operation({
    name: "Fork.committed",
    forks: true,
    failures: [...writes, ...mounting, "ContentsSuspect", "Busy"],
    commits: commitPoints.commit,
    after: written("base"),
    run: (hands) => forking(hands, Fork.committed({ key, parent: base, target: hands.target }, Name.make("new"), write))
  }),
  operation({
    name: "Fork.discarded in a temporary directory",
    forks: true,
    failures: [...writes, ...mounting, "ContentsSuspect"],
    run: (hands) => forking(hands, Fork.discarded({ key, parent: base }, write))
  }),
  operation({
    name: "Fork.viewed",
    forks: true,
    failures: [...writes, ...mounting, "ContentsSuspect"],
    run: (hands) =>
      forking(
        hands,
        Fork.viewed({ key, parent: Name.make("child"), target: hands.target }, (directory) =>
          FileSystem.FileSystem.use((files) => files.readFileString(`${directory}/d/f`)))
      )
  })
]

/** Whether the operation leaves a snapshot of its own behind under this key, to be removed by hand, where it could not. */
export const forkKey = "making"

export const operations: ReadonlyArray<Operation> = [
  ...whole,
  ...[...commands, ...refused].map(known),
  ...forks
]
