/** The loop of failures at length: every operation, in every setting, with every strike. */
import { Effect } from "effect"
import { benchOf, type Grounds } from "./Bench.ts"
import { describeSetting, settings } from "./forest.ts"
import { loop } from "./loop.ts"
import { operations } from "./operations.ts"
import type { Machine } from "./Site.ts"
import type { Case } from "./strike.ts"
import { describeStrike, type Strike, strikes } from "./strikes.ts"

/** A share of it, for one worker. */
export interface Plan {
  readonly worker: number
  readonly workers: number
  /** `Date.now()` at which to begin nothing more. */
  readonly until: number
}

export interface Found {
  readonly what: string
  /** For `--replay`. */
  readonly replay: string
}

export interface Report {
  /** Calls and steps that were struck. */
  readonly injections: number
  /** Operations in their settings that were struck in every way, and those that were not reached. */
  readonly benches: number
  readonly unreached: number
  readonly found: ReadonlyArray<Found>
}

/** Those that took part: an operation in a setting. */
const pairs = settings.flatMap((setting) => operations.map((operation) => ({ setting, operation })))

/** No more than so many are told: one fault shows in many cases. */
export const foundMax = 20

export const strikeAll = (
  machine: Machine,
  { until, worker, workers }: Plan,
  progress: (injections: number) => void
): Effect.Effect<Report> =>
  Effect.scoped(Effect.gen(function*() {
    const grounds: Grounds = new Map()
    const found: Array<Found> = []
    let [injections, benches, unreached] = [0, 0, 0]
    for (const { operation, setting } of pairs.filter((_, at) => at % workers === worker)) {
      if (Date.now() >= until) {
        unreached++
        continue
      }
      const bench = yield* benchOf(machine, operation, setting, grounds)
      for (const strike of strikes.filter((strike) => machineAllows(machine, strike))) {
        const cases = yield* Effect.orDie(loop(bench, strike))
        injections += cases.length
        found.push(...cases.flatMap(foundIn))
        progress(injections)
      }
      benches++
    }
    return { injections, benches, unreached, found: found.slice(0, foundMax) }
  }))

const machineAllows = (machine: Machine, { kind, steps }: Strike): boolean =>
  (machine.dies || !kind.startsWith("dies")) && (machine.steps || !steps)

const foundIn = (one: Case): ReadonlyArray<Found> =>
  one.problems.map((what) => ({
    what,
    replay: [one.operation, describeSetting(one.setting), describeStrike(one.strike)].join(" | ")
  }))

/** All cases of one strike again, by the words with which it was told. */
export const strikeAgain = (machine: Machine, replay: string): Effect.Effect<Report> =>
  Effect.scoped(Effect.gen(function*() {
    const [name, where, how] = replay.split(" | ")
    const pair = pairs.find(({ operation, setting }) => operation.name === name && describeSetting(setting) === where)
    const strike = strikes.find((one) => describeStrike(one) === how)
    if (pair === undefined || strike === undefined) return yield* Effect.die(new Error(`nothing is called ${replay}`))
    const bench = yield* benchOf(machine, pair.operation, pair.setting, new Map())
    const cases = yield* Effect.orDie(loop(bench, strike))
    return { injections: cases.length, benches: 0, unreached: 0, found: cases.flatMap(foundIn).slice(0, foundMax) }
  }))
