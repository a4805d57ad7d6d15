/**
 * P3, P4 and P5 on the real machine: processes work on one store until some or all are killed with SIGKILL, at any moment.
 * Whoever opens the store next finds everything that was acknowledged, byte for byte through a real mount, nothing that
 * was removed, no damage, and the lock free. Then the next round begins, on the same store.
 *
 * Nothing here depends on time: the moment is chosen by what the processes have said, and only what they said is judged.
 * A seed repeats the choices, though not the schedule of the machine.
 */
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { bundle } from "../../../../test/bundle.ts"
import { type Random, randomFrom } from "../../../../test/random.ts"
import { freshDirectory } from "../place.ts"
import { type Death, deathsFrom, describeDeaths, workUntil } from "./crew.ts"
import { Journal } from "./journal.ts"
import { judge } from "./judge.ts"
import { unmountAllBelow } from "./unmountAll.ts"
import type { Orders } from "./worker.ts"

const worker = fileURLToPath(new URL("worker.ts", import.meta.url))

export interface Rounds {
  readonly seed: number
  /** How many processes share the store. */
  readonly processes: number
  /** Whether another round is to begin, after those before. */
  readonly goOn: (tally: Tally) => boolean
  readonly signal: AbortSignal
}

export interface Tally {
  readonly rounds: number
  readonly kills: number
  /** Operations that had answered. */
  readonly acknowledged: number
  /** Committed snapshots that were looked at, again in each round. */
  readonly looked: number
}

/** What must not be, in words, with the round that showed it. */
export class RoundFailed extends Error {
  readonly seed: number
  /** What had been done before that round. */
  readonly tally: Tally
  constructor(seed: number, deaths: ReadonlyArray<Death>, tally: Tally, cause: unknown) {
    const round = `round ${tally.rounds + 1} of seed ${seed}: ${describeDeaths(deaths)}`
    super(`${round}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    this.seed = seed
    this.tally = tally
  }
}

/** Throws {@link RoundFailed} at the first round after which something is not as it must be. */
export const rounds = ({ goOn, processes, seed, signal }: Rounds): Promise<Tally> => {
  const random = randomFrom(seed)
  const journal = new Journal()
  return Effect.runPromise(Effect.scoped(Effect.gen(function*() {
    const directory = yield* freshDirectory
    for (const name of [...Array.from({ length: processes }).keys(), "look"]) {
      fs.mkdirSync(path.join(directory, `${name}`))
    }
    const program = yield* Effect.promise(() => bundle(worker, path.join(directory, "program")))
    let tally: Tally = { rounds: 0, kills: 0, acknowledged: 0, looked: 0 }
    while (goOn(tally)) {
      const deaths = deathsFrom(random, processes)
      const round = tally.rounds + 1
      const orders = ordersOf(directory, round, processes, random, deaths)
      const played = tally
      const looked = yield* Effect.tryPromise({
        try: () => play({ directory, program, orders, deaths, journal, signal }),
        catch: (cause) => new RoundFailed(seed, deaths, played, cause)
      })
      const kills = tally.kills + deaths.length
      tally = { rounds: round, kills, acknowledged: journal.acknowledged, looked: tally.looked + looked }
    }
    return tally
  })))
}

const ordersOf = (
  directory: string,
  round: number,
  processes: number,
  random: Random,
  deaths: ReadonlyArray<Death>
) =>
  Array.from({ length: processes }, (_, at) => {
    const death = deaths.find(({ process }) => process === at)
    const ends = death?.atCall === undefined ? {} : { ends: { afterLines: death.afterLines, atCall: death.atCall } }
    const [root, target] = [path.join(directory, "store"), path.join(directory, `${at}`)]
    return { root, target, prefix: `r${round}p${at}`, seed: random.below(2 ** 31), ...ends }
  })

/** One round: the work, the deaths, and what is found. */
const play = async ({ deaths, directory, journal, orders, program, signal }: {
  readonly directory: string
  readonly program: string
  readonly orders: ReadonlyArray<Orders>
  readonly deaths: ReadonlyArray<Death>
  readonly journal: Journal
  readonly signal: AbortSignal
}): Promise<number> => {
  const lines = await workUntil(program, orders, deaths, signal)
  unmountAllBelow(directory)
  journal.hear(lines)
  const committed = await Effect.runPromise(
    Effect.scoped(judge(path.join(directory, "store"), path.join(directory, "look"), journal))
  )
  return committed.length
}
