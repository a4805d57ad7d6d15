/**
 * What is explored: every sequence of operations that change a store, on two keys, two names and two parents, each at either
 * durability. Those which would be refused are left out: they change nothing. The keys are alike, and so are the names: what
 * only exchanges them is not tried again.
 */
import type { Command } from "@snapshotter/core/testing/Command"
import { type Model, step } from "@snapshotter/core/testing/Model"
import { durabilities, type Durability } from "./machine.ts"

export interface Operation {
  readonly command: Command
  readonly durability: Durability
  /** Its process died right after its commit point: it has happened, the disk may not have it, and nobody was told. */
  readonly unanswered?: true
}

/** Whether it has one commit point; the others change no snapshot. */
export const hasCommitPoint = ({ command }: Operation): boolean =>
  command._tag !== "cleanup" && command._tag !== "reopen"

const keys = ["a", "b"]
const names = ["A", "B"]

/** Committed before anything is explored, each at `full`: `upper` stands on `lower`. */
export const parents = ["lower", "upper"] as const

/** What makes the store from which sequences begin. `work` is done in each fork before it is committed. */
export const beginning: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "a" },
  { _tag: "commit", name: "lower", key: "a" },
  { _tag: "prepare", key: "a", parent: "lower" },
  { _tag: "commit", name: "upper", key: "a" }
]

const atFull = (...commands: ReadonlyArray<Command>): ReadonlyArray<Operation> =>
  commands.map((command) => ({ command, durability: "full" }))

const prepareB: Command = { _tag: "prepare", key: "b", parent: "lower" }

/** What is done side by side at `full`, after what is done one by one, by name: what can share a batch. */
export const alongside: Readonly<
  Record<string, {
    readonly before: ReadonlyArray<Operation>
    readonly together: ReadonlyArray<Operation>
  }>
> = {
  "prepare and prepare": { before: [], together: atFull({ _tag: "prepare", key: "a", parent: "upper" }, prepareB) },
  "commit and commit": {
    before: atFull({ _tag: "prepare", key: "a", parent: "upper" }, prepareB),
    together: atFull({ _tag: "commit", name: "A", key: "a" }, { _tag: "commit", name: "B", key: "b" })
  },
  "commit and prepare": {
    before: atFull({ _tag: "prepare", key: "a", parent: "upper" }),
    together: atFull({ _tag: "commit", name: "A", key: "a" }, prepareB)
  },
  "remove and view": {
    before: atFull({ _tag: "view", key: "a", parent: "upper" }),
    together: atFull({ _tag: "remove", name: "a" }, { _tag: "view", key: "b", parent: "upper" })
  },
  "update and remove": {
    before: atFull({ _tag: "prepare", key: "a" }),
    together: atFull({ _tag: "update", name: "lower", change: { patch: { label: "value" } } }, {
      _tag: "remove",
      name: "a"
    })
  },
  "commit, update and remove": {
    before: atFull({ _tag: "prepare", key: "a" }, prepareB),
    together: atFull({ _tag: "commit", name: "A", key: "a" }, {
      _tag: "update",
      name: "b",
      change: { patch: { label: "value" } }
    }, { _tag: "remove", name: "upper" })
  }
}

/** All that can be done next and is not refused. */
export const nextOperations = (model: Model): ReadonlyArray<Operation> => {
  const commands = candidates(model).filter((command) => step(model, command).response._tag === "Success")
  return commands.flatMap((command) => durabilities.map((durability) => ({ command, durability })))
}

const candidates = (model: Model): ReadonlyArray<Command> => {
  const taken = [...model.snapshots.keys()]
  const bases: ReadonlyArray<string | undefined> = [
    undefined,
    ...[...parents, ...names].filter((one) => model.snapshots.get(one)?.kind === "committed")
  ]
  const key = keys.find((one) => !model.snapshots.has(one))
  const name = names.find((one) => !model.snapshots.has(one))
  const made = key === undefined ? [] : bases.flatMap((parent): ReadonlyArray<Command> => {
    const from = parent === undefined ? {} : { parent }
    return [{ _tag: "prepare", key, ...from }, { _tag: "view", key, ...from }]
  })
  return [
    ...made,
    ...(name === undefined ? [] : keys.map((key): Command => ({ _tag: "commit", name, key }))),
    ...taken.map((name): Command => ({ _tag: "remove", name })),
    ...taken.map((name): Command => ({ _tag: "update", name, change: { patch: { label: "value" } } })),
    { _tag: "cleanup" },
    { _tag: "reopen" }
  ]
}
