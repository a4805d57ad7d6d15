/** Which sequences are explored, and in which order: all of one operation, all of two, then those of three. */
import { randomFrom } from "../../random.ts"
import { type Bounds, describeSequence, type Explored, makeExplorer } from "./explore.ts"
import { durabilities } from "./machine.ts"
import type { Operation } from "./operations.ts"

/** A sequence, as which of the operations that could follow each one was; -1 and -2: the making of a store. */
export type Choices = ReadonlyArray<number>

export interface Plan {
  readonly seed: number
  /** Of so many workers this is that one: each takes every so-manieth sequence. */
  readonly workers: number
  readonly worker: number
  /** The longest sequences. */
  readonly length: number
  /** How many of the longest ones, drawn by the seed; all of them without it. */
  readonly longest?: number
  /** `Date.now()` at which to begin no other one. */
  readonly until: number
}

export interface Wrong {
  readonly choices: Choices
  readonly what: string
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

/** After so many of one kind they say no more than the first ones. */
const wrongsMax = 20

export const explorePlan = async (plan: Plan, progress: (explored: Explored) => void): Promise<Report> => {
  const explorer = await makeExplorer()
  const random = randomFrom(plan.seed)
  const wrongs: Array<Wrong> = []
  const unreached: Array<number> = []
  const complete: Bounds = { completeUpTo, samples: samplesByLength[1] ?? 64, seed: plan.seed }
  if (plan.worker === 0) {
    for (const [at, durability] of durabilities.entries()) {
      const found = await explorer.exploreMaking([{ command: { _tag: "reopen" }, durability }], complete)
      for (const what of found ?? []) wrongs.push({ choices: [-1 - at], what })
    }
  }
  let sequences: ReadonlyArray<Chosen> = [{ choices: [], operations: [] }]
  for (let length = 1; length <= plan.length; length++) {
    sequences = sequences.flatMap((one) => longer(one, explorer.next(one.operations)))
    const drawn = length === plan.length ? shuffled(sequences, random.below).slice(0, plan.longest) : sequences
    const mine = drawn.filter((_, at) => at % plan.workers === plan.worker)
    const bounds: Bounds = { completeUpTo, samples: samplesByLength[length] ?? 8, seed: plan.seed }
    let done = 0
    for (const { choices, operations } of mine) {
      if (Date.now() >= plan.until || wrongs.length >= wrongsMax) break
      const found = await explorer.explore(operations, bounds, { until: plan.until })
      if (found === undefined) break
      for (const what of found) wrongs.push({ choices, what })
      done++
      progress(explorer.explored())
    }
    unreached.push(mine.length - done)
  }
  return { ...explorer.explored(), hashes: explorer.hashes(), wrongs, unreached }
}

/** One sequence alone, completely. */
export const exploreOne = async (choices: Choices): Promise<ReadonlyArray<string>> => {
  const explorer = await makeExplorer()
  const bounds = { completeUpTo, samples: samplesByLength[1] ?? 64 }
  const durability = durabilities[-1 - (choices[0] ?? 0)]
  if (durability !== undefined) {
    return await explorer.exploreMaking([{ command: { _tag: "reopen" }, durability }], bounds) ?? []
  }
  const operations: Array<Operation> = []
  for (const choice of choices) {
    const operation = explorer.next(operations)[choice]
    if (operation === undefined) throw new Error(`no operation ${choice} follows ${describeSequence(operations)}`)
    operations.push(operation)
  }
  return await explorer.explore(operations, bounds) ?? []
}

interface Chosen {
  readonly choices: Choices
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
