/**
 * Every call of every operation, in memory: it fails, once and from then on and halfway, with each of seven errnos; the
 * process dies before, within and after it; it never ends, and is interrupted; and each step of the disk within it fails:
 * `failing/`.
 */
import { Effect } from "effect"
import { Worker } from "node:worker_threads"
import { type Report, strikeAgain } from "./failing/campaign.ts"
import { memory } from "./failing/memorySite.ts"
import type { Message } from "./failing/worker.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const workers = 2
const progressMillis = 5_000

const run = async (orders: Orders): Promise<Outcome> => {
  if (orders.replay !== undefined) return outcomeOf([await Effect.runPromise(strikeAgain(memory, orders.replay))])
  const left = orders.until - performance.now()
  const until = left === Infinity ? Infinity : Date.now() + left
  const progress = showing(orders)
  const reports = Array.from(
    { length: workers },
    (_, worker) => work({ worker, workers, until }, orders.signal, (injections) => progress(worker, injections))
  )
  return outcomeOf(await Promise.all(reports))
}

/** Strikes a share in a thread of its own. */
const work = (
  workerData: unknown,
  signal: AbortSignal,
  progress: (injections: number) => void
): Promise<Report> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("failing/worker.ts", import.meta.url), { workerData })
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
  const latest = new Map<number, number>()
  let shown = performance.now()
  return (worker: number, injections: number) => {
    latest.set(worker, injections)
    if (performance.now() - shown < progressMillis) return
    shown = performance.now()
    progress(`${[...latest.values()].reduce((sum, one) => sum + one, 0)} injections`)
  }
}

const outcomeOf = (reports: ReadonlyArray<Report>): Outcome => {
  const total = (key: "injections" | "benches" | "unreached") => reports.reduce((sum, one) => sum + one[key], 0)
  return {
    counts: {
      injections: total("injections"),
      "operations struck in a setting": total("benches"),
      "operations not reached": total("unreached")
    },
    violations: reports.flatMap(({ found }) =>
      found.map(({ replay, what }) => ({ what, replay: `npm run prove -- --only faults --replay '${replay}'` }))
    ),
    complete: total("unreached") === 0
  }
}

export const faults: Part = {
  name: "faults",
  title: "every call of every operation fails, ends its process, or is interrupted",
  floors: { injections: 20_000 },
  run
}
