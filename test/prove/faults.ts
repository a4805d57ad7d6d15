/**
 * Every call of every operation, in memory: it fails, once and from then on and halfway, with each of seven errnos; the
 * process dies before, within and after it; it never ends, and is interrupted; and each step of the disk within it fails.
 * On real mounts: it fails or is interrupted, and each system call within it is refused. `failing/`.
 */
import { Effect } from "effect"
import { Worker } from "node:worker_threads"
import { foundMax, type Report, strikeAgain } from "./failing/campaign.ts"
import { memory } from "./failing/memorySite.ts"
import { canStrikeReal, isReal, type RealReport, strikeReal } from "./failing/real.ts"
import type { Message } from "./failing/worker.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const workers = 2
const progressMillis = 5_000

const run = async (orders: Orders): Promise<Outcome> => {
  const { replay, signal, until } = orders
  const isOver = () => signal.aborted || performance.now() >= until
  const progress = showing(orders)
  const real = (only?: string) => Effect.runPromise(strikeReal(isOver, (text) => progress("real", text), only))
  if (replay !== undefined) {
    return isReal(replay)
      ? outcomeOf([], await real(replay))
      : outcomeOf([await Effect.runPromise(strikeAgain(memory, replay))], nothing)
  }
  const left = until - performance.now()
  const plan = { workers, until: left === Infinity ? Infinity : Date.now() + left }
  const inMemory = Array.from(
    { length: workers },
    (_, worker) =>
      work({ ...plan, worker }, signal, (injections) => progress(`${worker}`, `${injections} injections in memory`))
  )
  const [reports, onMounts] = await Promise.all([
    Promise.all(inMemory),
    canStrikeReal ? real() : { ...nothing, complete: false }
  ])
  return outcomeOf(reports, onMounts)
}

const nothing: RealReport = { injections: 0, refusals: 0, found: [], complete: true }

/** Strikes a share in a thread of its own. */
const work = (
  workerData: unknown,
  signal: AbortSignal,
  progress: (injections: number) => void
): Promise<Report> =>
  new Promise((resolve, reject) => {
    const worker = new Worker(new URL("failing/worker.ts", import.meta.url), { workerData })
    const stop = () => {
      // What it has seen so far is not known; real mounts have to be taken away before anything ends.
      resolve({ injections: 0, benches: 0, unreached: 1, found: [] })
      void worker.terminate()
    }
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
  const latest = new Map<string, string>()
  let shown = performance.now()
  return (who: string, text: string) => {
    latest.set(who, text)
    if (performance.now() - shown < progressMillis) return
    shown = performance.now()
    progress([...latest.values()].join(", "))
  }
}

const outcomeOf = (reports: ReadonlyArray<Report>, real: RealReport): Outcome => {
  const total = (key: "injections" | "benches" | "unreached") => reports.reduce((sum, one) => sum + one[key], 0)
  const found = [...reports.flatMap((report) => report.found), ...real.found.slice(0, foundMax)]
  return {
    counts: {
      injections: total("injections") + real.injections,
      "on real mounts": real.injections,
      "refused system calls": real.refusals,
      "operations struck in a setting": total("benches"),
      "operations not reached": total("unreached")
    },
    violations: found.map(({ replay, what }) => ({
      what,
      replay: `npm run prove -- --only faults --replay '${replay}'`
    })),
    complete: total("unreached") === 0 && real.complete
  }
}

export const faults: Part = {
  name: "faults",
  title: "every call of every operation fails, ends its process, or is interrupted; system calls are refused",
  floors: { injections: 20_000, "on real mounts": 200, "refused system calls": 200 },
  run
}
