/**
 * P3 and P4, one operation after another: each by itself, crashed at every step, in states of the disk that are fewer than
 * those of the whole exploration, so that it takes a second or two, and tells which operation it is that loses something.
 */
import type { Command } from "@snapshotter/core/testing/Command"
import { assert, describe, it } from "vitest"
import { type Explorer, type Found, makeExplorer } from "./explore.ts"
import { type Durability } from "./machine.ts"
import { alongside, type Operation } from "./operations.ts"

const prepare: Command = { _tag: "prepare", key: "a", parent: "upper" }
const open: Command = { _tag: "reopen" }
const prepareLower: Command = { _tag: "prepare", key: "a", parent: "lower" }
const updateCommitted: Command = { _tag: "update", name: "A", change: { patch: { label: "value" } } }
const prepareFirst: Command = { _tag: "prepare", key: "a" }
const view: Command = { _tag: "view", key: "a", parent: "upper" }
const commit: Command = { _tag: "commit", name: "A", key: "a" }
const prepareAbove: Command = { _tag: "prepare", key: "b", parent: "A" }
const removeName: Command = { _tag: "remove", name: "upper" }
const removeKey: Command = { _tag: "remove", name: "a" }
const updateName: Command = { _tag: "update", name: "upper", change: { patch: { label: "value" } } }
const updateKey: Command = { _tag: "update", name: "a", change: { patch: { label: "value" } } }

const at = (durability: Durability, ...commands: ReadonlyArray<Command>): ReadonlyArray<Operation> =>
  commands.map((command) => ({ command, durability }))

/** What is explored is the last one. First of all a store is made. */
const ofNewStores: Readonly<Record<string, ReadonlyArray<Operation>>> = {
  "the making of a store at full": at("full", open),
  "the making of a store at process": at("process", open),
  "the opening at full of a store that was made at process": [...at("process", open), ...at("full", open)],
  "the first prepare at full in a store that was made at full": at("full", open, prepareFirst),
  "the first prepare at full in a store that was made at process": [
    ...at("process", open),
    ...at("full", open, prepareFirst)
  ]
}

/** The same in a store that is there, with `upper` on `lower`. */
const sequences: Readonly<Record<string, ReadonlyArray<Operation>>> = {
  "prepare at full on what was made at full": at("full", prepare),
  "view at full": at("full", view),
  "commit at full of what was prepared at full": at("full", prepare, commit),
  "remove of a name at full": at("full", removeName),
  "remove of a key at full": at("full", view, removeKey),
  "update of a name at full": at("full", updateName),
  "update of a key at full": at("full", view, updateKey),
  "commit at full of what was prepared at process": [...at("process", prepare), ...at("full", commit)],
  "update at full of what was made at process": [...at("process", view), ...at("full", updateKey)],
  "update at full of what was committed at process": [
    ...at("process", prepareLower, commit),
    ...at("full", updateCommitted)
  ],
  "prepare at full on what was made at process": [...at("process", prepareLower, commit), ...at("full", prepareAbove)],
  "commit at process of what was prepared at full": [...at("full", prepareFirst), ...at("process", commit)],
  "remove at process of what was made at full": at("process", removeName),
  "update at process of what was made at full": at("process", updateName),
  "commit at process of what was prepared at process": at("process", prepareFirst, commit),
  "remove at process of what was prepared at process": at("process", prepareFirst, removeKey)
}

const bounds = { completeUpTo: 8, samples: 24 }
/** More is not on the disk at a time. */
const boundsOfBatches = { completeUpTo: 4, samples: 4 }
const limits = { wrongsMax: 1 }

/** Fails at the first disk on which something is wrong, and says after how many. */
const explored = async (explore: (explorer: Explorer) => Promise<Found>): Promise<void> => {
  const explorer = await makeExplorer()
  const { wrongs: [wrong] } = await explore(explorer)
  const { recoveries } = explorer.explored()
  assert.isUndefined(wrong, `after ${recoveries} recoveries: ${wrong}`)
}

describe("crashed at every step, in states of the disk", () => {
  for (const [name, sequence] of Object.entries(ofNewStores)) {
    it(name, () => explored((explorer) => explorer.exploreMaking(sequence, bounds, limits)))
  }
  for (const [name, sequence] of Object.entries(sequences)) {
    it(name, () => explored((explorer) => explorer.explore(sequence, bounds, limits)))
  }
  for (const [name, { before, together }] of Object.entries(alongside)) {
    it(`${name} in one batch`, () =>
      explored((explorer) => explorer.exploreTogether(before, together, boundsOfBatches, limits)))
  }
})
