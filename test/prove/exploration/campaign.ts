/**
 * Which sequences are explored, and in which order: the making of a store, what is done side by side, then all sequences of one
 * operation, all of two, and those of three.
 */
import { randomFrom } from "../../random.ts"
import { type Bounds, describeSequence, type Explored, type Found, type Limits, makeExplorer } from "./explore.ts"
import { durabilities } from "./machine.ts"
import { alongside, type Operation } from "./operations.ts"

export interface Plan {
  readonly seed: number
  /** Of so many workers this is that one: each takes every so-manieth sequence. */
  readonly workers: number
  readonly worker: number
  /** The longest sequences. */
  readonly length: number
  /** How many of the longest ones, drawn by the seed; all of them without it. */
  readonly longest?: number
  /** Whether what is done side by side is explored too. */
  readonly together: boolean
  /** `Date.now()` at which to begin no other one. */
  readonly until: number
}

export interface Wrong {
  readonly what: string
  /** With the same seed, what {@link exploreOne} finds it by: which of the operations that could follow each one was. */
  readonly replay: string
}

export interface Report extends Explored {
  readonly hashes: ReadonlyArray<string>
  readonly wrongs: ReadonlyArray<Wrong>
  /** How many of the sequences of each length were not reached. */
  readonly unreached: ReadonlyArray<number>
}

/** How many of the states of a moment are looked at where more changes are not on the disk than are enumerated. */
const samplesByLength: ReadonlyArray<number> = [64, 64, 24, 8]
const completeUpTo = 16

const boundsOf = (length: number, seed: number): Bounds => ({
  completeUpTo,
  samples: samplesByLength[length] ?? 8,
  seed
})

/** The making of a store: how it is told, and what is done. */
const makings: ReadonlyArray<{ readonly replay: string; readonly operations: ReadonlyArray<Operation> }> = durabilities
  .map((durability) => ({ replay: `open-${durability}`, operations: [{ command: { _tag: "reopen" }, durability }] }))

/** What is done side by side: how it is told, and what it is. */
const batches = Object.values(alongside).map((batch, at) => ({ ...batch, replay: `batch-${at}` }))

/** After so many of one kind they say no more than the first ones. */
const wrongsMax = 20

export const explorePlan = async (plan: Plan, progress: (explored: Explored) => void): Promise<Report> => {
  const explorer = await makeExplorer()
  const random = randomFrom(plan.seed)
  const wrongs: Array<Wrong> = []
  const unreached: Array<number> = []
  const note = (replay: string, found: Found): Found => {
    for (const what of found.wrongs) wrongs.push({ what, replay })
    return found
  }
  const limits = (): Limits => ({ until: plan.until, wrongsMax: wrongsMax - wrongs.length })
  for (const { operations, replay } of plan.worker === 0 ? makings : []) {
    note(replay, await explorer.exploreMaking(operations, boundsOf(1, plan.seed), limits()))
  }
  for (const { before, replay, together } of plan.worker === 0 && plan.together ? batches : []) {
    note(replay, await explorer.exploreTogether(before, together, boundsOf(3, plan.seed), limits()))
  }
  let sequences: ReadonlyArray<Chosen> = [{ choices: [], operations: [] }]
  for (let length = 1; length <= plan.length; length++) {
    sequences = sequences.flatMap((one) => longer(one, explorer.next(one.operations)))
    const drawn = length === plan.length ? shuffled(sequences, random.below).slice(0, plan.longest) : sequences
    const mine = drawn.filter((_, at) => at % plan.workers === plan.worker)
    let done = 0
    for (const { choices, operations } of mine) {
      if (Date.now() >= plan.until || wrongs.length >= wrongsMax) break
      const found = await explorer.explore(operations, boundsOf(length, plan.seed), limits())
      if (!note(choices.join("."), found).complete) break
      done++
      progress(explorer.explored())
    }
    unreached.push(mine.length - done)
  }
  return { ...explorer.explored(), hashes: explorer.hashes(), wrongs, unreached }
}

/** One sequence alone, in the states in which a plan with this seed explores it: what is wrong. */
export const exploreOne = async (replay: string, seed: number): Promise<ReadonlyArray<string>> => {
  const explorer = await makeExplorer()
  const making = makings.find((one) => one.replay === replay)
  if (making !== undefined) return (await explorer.exploreMaking(making.operations, boundsOf(1, seed))).wrongs
  const batch = batches.find((one) => one.replay === replay)
  if (batch !== undefined) {
    return (await explorer.exploreTogether(batch.before, batch.together, boundsOf(3, seed))).wrongs
  }
  const operations: Array<Operation> = []
  for (const choice of replay.split(".")) {
    const operation = explorer.next(operations)[Number(choice)]
    if (operation === undefined) throw new Error(`no operation ${choice} follows ${describeSequence(operations)}`)
    operations.push(operation)
  }
  return (await explorer.explore(operations, boundsOf(operations.length, seed))).wrongs
}

interface Chosen {
  readonly choices: ReadonlyArray<number>
  readonly operations: ReadonlyArray<Operation>
}

const longer = ({ choices, operations }: Chosen, next: ReadonlyArray<Operation>): ReadonlyArray<Chosen> =>
  next.map((operation, at) => ({ choices: [...choices, at], operations: [...operations, operation] }))

const shuffled = <A>(items: ReadonlyArray<A>, below: (limit: number) => number): ReadonlyArray<A> => {
  const all = [...items]
  for (let left = all.length - 1; left > 0; left--) {
    const at = below(left + 1)
    const [one, other] = [all[left], all[at]]
    if (one === undefined || other === undefined) continue
    all[left] = other
    all[at] = one
  }
  return all
}
