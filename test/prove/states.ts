/**
 * Every sequence of up to three operations that change a store, crashed before and after every inner step of it, in every
 * state with which the simulated disk could come up, recovered and judged: `exploration/`.
 */
import { Worker } from "node:worker_threads"
import { exploreOne, type Plan, type Report } from "./exploration/campaign.ts"
import type { Explored } from "./exploration/explore.ts"
import type { Message } from "./exploration/worker.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const workers = 2
const progressMillis = 5_000

const run = async (orders: Orders): Promise<Outcome> => {
  if (orders.replay !== undefined) return replay(orders.replay)
  const left = orders.until - performance.now()
  const until = left === Infinity ? Infinity : Date.now() + left
  const progress = showing(orders)
  const reports = await Promise.all(
    Array.from(
      { length: workers },
      (_, worker) =>
        work(
          { seed: orders.seed, workers, worker, length: 3, until },
          orders.signal,
          (explored) => progress(worker, explored)
        )
    )
  )
  return outcomeOf(reports)
}

const replay = async (text: string): Promise<Outcome> => {
  const wrongs = await exploreOne(text.split(".").map(Number))
  return {
    counts: { sequences: 1 },
    violations: wrongs.map((what) => ({ what, replay: command(text) })),
    complete: true
  }
}

const command = (choices: string): string => `npm run prove -- --only states --replay ${choices}`

/** Explores a share in a thread of its own. */
const work = (plan: Plan, signal: AbortSignal, progress: (explored: Explored) => void): Promise<Report> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("exploration/worker.ts", import.meta.url), { workerData: plan })
    const stop = () => void worker.terminate()
    signal.addEventListener("abort", stop)
    worker.on("message", (message: Message) => {
      if ("report" in message) resolve(message.report)
      else progress(message.progress)
    })
    worker.once("error", reject)
    worker.once("exit", () => {
      signal.removeEventListener("abort", stop)
      reject(new Error("a worker ended before it was done"))
    })
  })

const showing = ({ progress }: Orders) => {
  const latest = new Map<number, Explored>()
  let shown = performance.now()
  return (worker: number, explored: Explored) => {
    latest.set(worker, explored)
    if (performance.now() - shown < progressMillis) return
    shown = performance.now()
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
    violations: reports.flatMap(({ wrongs }) =>
      wrongs.map(({ choices, what }) => ({ what, replay: command(choices.join(".")) }))
    ),
    complete: unreached === 0
  }
}

export const states: Part = {
  name: "states",
  title: "every sequence of three operations, crashed at every step, in every state of the disk",
  floors: { states: 100_001 },
  run
}
