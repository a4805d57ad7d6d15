/**
 * What must be so of a store in which an operation was killed: what was answered has happened, what was not is wholly
 * there or wholly absent, nothing is damaged or locked, the operation can be done now, and cleanup leaves nothing.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Context, Effect, Result } from "effect"
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { expectCleaned, expectFree, expectUndamaged, openStore } from "../kill/judge.ts"
import { mountPointsBelow } from "../kill/unmountAll.ts"
import { type Durability, type Forest, type OperationName, operationOf } from "./operations.ts"
import { shownBy } from "./showing.ts"

/** A process that is dead by now, and what it had to do. */
export interface Dead {
  readonly operation: OperationName
  readonly durability: Durability
  readonly root: string
  /** A directory beside the store, to mount on. */
  readonly target: string
  readonly before: Forest
  readonly answered: boolean
}

/** Fails where anything is not as it must be; says whether the operation had happened. */
export const verdict = (dead: Dead) =>
  Effect.scoped(Effect.gen(function*() {
    const { durability, operation, root, target } = dead
    const { perform, refusal } = operationOf(operation)
    const after = operationOf(operation).after(dead.before)
    assert.deepEqual(mountPointsBelow(path.dirname(root)), [], "what is mounted")
    if (fs.existsSync(root)) yield* expectFree(root)
    const machine = yield* openStore(root, "process")
    const [store, mounter] = [Context.get(machine, Snapshotter), Context.get(machine, Mounter)]
    yield* expectUndamaged(store)
    const happened = stateOf(yield* shownBy(store, mounter, target), dead, after)
    if (dead.answered && operation === "cleanup") {
      assert.deepEqual(yield* store.check, [], "left by a cleanup that answered")
    }
    // The opening may have been what was killed.
    const again = Context.get(yield* openStore(root, durability), Snapshotter)
    const result = yield* Effect.result(perform?.(again) ?? Effect.void)
    const answer = Result.isSuccess(result) ? undefined : result.failure
    const expected = happened ? refusal : undefined
    assert.equal(answer?._tag, expected, `the second time, where the first had ${happened ? "" : "not "}happened`)
    assert.deepEqual(yield* shownBy(store, mounter, target), sorted(after), "what is shown after the second time")
    yield* expectCleaned(store)
    assert.deepEqual(strays(root, after), [], "what no snapshot owns")
    return happened
  }))

/** The state after or the state before; only the first if it was answered. */
const stateOf = (shown: Forest, { answered, before }: Dead, after: Forest): boolean => {
  const happened = isSame(shown, after)
  if (!happened && (answered || !isSame(shown, before))) {
    assert.deepEqual(shown, sorted(after), answered ? "what was answered, and is shown" : "neither before nor after")
  }
  return happened
}

const isSame = (one: Forest, other: Forest): boolean =>
  JSON.stringify(sortedEntries(one)) === JSON.stringify(sortedEntries(other))

const sortedEntries = (forest: Forest) =>
  [...forest].sort(([one], [other]) => one < other ? -1 : 1).map(([name, { kind, labels, parent, tree }]) =>
    [name, kind, parent, Object.entries(labels).sort(), tree] as const
  )

const sorted = (forest: Forest): Forest => new Map([...forest].sort(([one], [other]) => one < other ? -1 : 1))

// ============================================================ strays

const namesOfStore = ["active", "committed", "index", "staging", "trash", "version", "view"]
const namesOfSnapshot = {
  active: ["fs", "key.json", "parent", "work"],
  view: ["fs", "key.json", "parent"],
  committed: ["children", "fs", "key.json", "name.json", "parent"]
}

/** Everything in the store's directories that no snapshot of the forest accounts for, read by other means than its own. */
const strays = (root: string, forest: Forest): ReadonlyArray<string> => {
  const found: Array<string> = []
  const count = (what: string, actual: number, expected: number) => {
    if (actual !== expected) found.push(`${actual} ${what} instead of ${expected}`)
  }
  const list = (directory: string) => fs.readdirSync(path.join(root, directory)).sort()
  const shown = [...forest.values()]
  found.push(...list(".").filter((name) => !namesOfStore.includes(name)))
  found.push(...["staging", "trash"].flatMap((place) => list(place).map((name) => `${place}/${name}`)))
  count("links", list("index").length, forest.size)
  for (const kind of ["active", "view", "committed"] as const) {
    count(`${kind} ones`, list(kind).length, shown.filter((one) => one.kind === kind).length)
    for (const id of list(kind)) {
      const inside = list(`${kind}/${id}`)
      found.push(
        ...inside.filter((name) => !namesOfSnapshot[kind].includes(name)).map((name) => `${kind}/${id}/${name}`)
      )
    }
  }
  const marks = list("committed").reduce((sum, id) => sum + list(`committed/${id}/children`).length, 0)
  count("marks of children", marks, shown.filter(({ parent }) => parent !== undefined).length)
  return found
}
