/**
 * Every sequence of up to three operations that change a store, crashed before and after every inner step of it, in every
 * state with which the simulated disk could come up, recovered and judged; and operations that share a batch: `exploration/`.
 */
import { exploreOne, type Report } from "./exploration/campaign.ts"
import type { Explored } from "./exploration/explore.ts"
import { inThread } from "./inThread.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const workers = 2

const run = async (orders: Orders): Promise<Outcome> => {
  const { seed, signal } = orders
  if (orders.replay !== undefined) return replay(orders.replay, seed)
  const left = orders.until - performance.now()
  const plan = { seed, workers, length: 3, together: true, until: left === Infinity ? Infinity : Date.now() + left }
  const progress = showing(orders)
  const reports = await Promise.all(
    Array.from(
      { length: workers },
      (_, worker) =>
        inThread<Explored, Report>(program, { ...plan, worker }, signal, (explored) => progress(worker, explored))
    )
  )
  return outcomeOf(reports)
}

const program = new URL("exploration/worker.ts", import.meta.url)

const replay = async (words: string, seed: number): Promise<Outcome> => {
  const wrongs = await exploreOne(words, seed)
  return { counts: { sequences: 1 }, violations: wrongs.map((what) => ({ what, replay: words })), complete: true }
}

const showing = ({ progress }: Orders) => {
  const latest = new Map<number, Explored>()
  return (worker: number, explored: Explored) => {
    latest.set(worker, explored)
    const total = (key: keyof Explored) => [...latest.values()].reduce((sum, one) => sum + one[key], 0)
    progress(`${total("sequences")} sequences, ${total("recoveries")} recoveries, some ${total("states")} states`)
  }
}

const outcomeOf = (reports: ReadonlyArray<Report>): Outcome => {
  const total = (key: keyof Explored) => reports.reduce((sum, one) => sum + one[key], 0)
  const unreached = reports.flatMap((one) => one.unreached).reduce((sum, one) => sum + one, 0)
  return {
    counts: {
      // Both may have met the same disk.
      states: new Set(reports.flatMap(({ hashes }) => hashes)).size,
      recoveries: total("recoveries"),
      sequences: total("sequences"),
      "sequences not reached": unreached,
      moments: total("moments")
    },
    violations: reports.flatMap(({ wrongs }) => wrongs),
    complete: unreached === 0
  }
}

export const states: Part = {
  name: "states",
  title: "every sequence of three operations, crashed at every step, in every state of the disk",
  floors: { states: 100_001 },
  run
}
