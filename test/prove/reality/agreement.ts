/**
 * The simulated disk and the reference, against each other, without any real disk: what the one enumerates the other
 * explains, and what the one does not enumerate the other does not explain. Trees that may be wrong are crossed from two
 * that are right: what one shows, with a part that another shows.
 */
import { Effect } from "effect"
import { type Random, randomFrom } from "../../random.ts"
import { explain } from "./allowed.ts"
import { choose } from "./choose.ts"
import { digestOf, type Found } from "./found.ts"
import { historyOf } from "./history.ts"
import type { Operation } from "./operation.ts"
import { report } from "./report.ts"
import { simulated } from "./simulated.ts"

export interface Agreement {
  /** States that the simulated disk gave, and crossed trees that it did not give. */
  readonly states: number
  readonly crossed: number
  readonly disagreements: ReadonlyArray<string>
}

/** More would be too many states to enumerate. */
const unsyncedMax = 7

const operationsMax = 24
/** Where no disk has blocks. */
const lengths = [1, 100, 3_000]
const crossingsEach = 20

/** One program, compared after each of its operations. */
export const agreementOf = (seed: number): Effect.Effect<Agreement> =>
  Effect.gen(function*() {
    const random = randomFrom(seed)
    const disk = yield* simulated
    const operations: Array<Operation> = []
    const disagreements: Array<string> = []
    let [states, crossed] = [0, 0]
    let before: ReadonlyArray<Found> = []
    while (operations.length < operationsMax) {
      const operation = choose(random, historyOf(operations), lengths)
      operations.push(operation)
      yield* disk.do(operation)
      if (disk.unsynced() > unsyncedMax) continue
      const allowed = yield* disk.states
      const others = crossings(random, [...allowed.values()], before)
      states += allowed.size
      for (const tree of [...allowed.values(), ...others]) {
        const explanation = explain(historyOf(operations), tree)
        const enumerated = allowed.has(digestOf(explanation?.representative ?? tree))
        if (!allowed.has(digestOf(tree))) crossed++
        if (enumerated === (explanation !== undefined)) continue
        const who = enumerated ? "the simulated disk" : "the reference"
        disagreements.push(`seed ${seed}: ${who} alone allows\n${report(operations, tree)}`)
      }
      before = [...allowed.values()].slice(0, crossingsEach)
    }
    return { states, crossed, disagreements }
  })

// ============================================================ crossing

const crossings = (random: Random, now: ReadonlyArray<Found>, before: ReadonlyArray<Found>): ReadonlyArray<Found> => {
  const from = [...now, ...before]
  return Array.from({ length: crossingsEach }, () => crossed(random, random.pick(now), random.pick(from))).flatMap((
    one
  ) => one ?? [])
}

/** One tree with a directory's name as the other one has it, or with its attributes, or its contents. */
const crossed = (random: Random, tree: Found | undefined, other: Found | undefined): Found | undefined => {
  if (tree === undefined || other === undefined) return undefined
  const name = random.pick([...new Set([...tree.entries.keys(), ...other.entries.keys()])])
  if (name === undefined || random.chance(0.2)) {
    if (tree.type !== other.type || tree.type === "symlink") return other
    return random.chance(0.5) ? { ...tree, text: other.text } : { ...tree, mode: other.mode, xattrs: other.xattrs }
  }
  const [here, there] = [tree.entries.get(name), other.entries.get(name)]
  const entries = new Map(tree.entries)
  const child = here !== undefined && there !== undefined && random.chance(0.7) ? crossed(random, here, there) : there
  if (child === undefined) entries.delete(name)
  else entries.set(name, child)
  return { ...tree, entries }
}
