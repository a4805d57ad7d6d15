/**
 * Every call of every operation, in memory: it fails, once and from then on and halfway, with each of seven errnos; the
 * process dies before, within and after it; it never ends, and is interrupted; and each step of the disk within it fails.
 * On real mounts: it fails or is interrupted, and each system call within it is refused. `failing/`.
 */
import { Effect } from "effect"
import { foundMax, type Report, strikeAgain } from "./failing/campaign.ts"
import { memory } from "./failing/memorySite.ts"
import { canStrikeReal, isReal, type RealReport, strikeReal } from "./failing/real.ts"
import { inThread } from "./inThread.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const workers = 2

const run = async (orders: Orders): Promise<Outcome> => {
  const { progress, replay, signal, until } = orders
  const isOver = () => signal.aborted || performance.now() >= until
  const latest = new Map<string, string>()
  const show = (who: string) => (text: string) => {
    latest.set(who, text)
    progress([...latest.values()].join(", "))
  }
  const real = (only?: string) => Effect.runPromise(strikeReal(isOver, show("real"), only))
  if (replay !== undefined) {
    return isReal(replay)
      ? outcomeOf([], await real(replay))
      : outcomeOf([await Effect.runPromise(strikeAgain(memory, replay))], nothing)
  }
  const left = until - performance.now()
  const plan = { workers, until: left === Infinity ? Infinity : Date.now() + left }
  const inMemory = Array.from({ length: workers }, (_, worker) => {
    const tell = show(`${worker}`)
    return inThread<number, Report>(
      program,
      { ...plan, worker },
      signal,
      (injections) => tell(`${injections} injections in memory`)
    )
  })
  const onMounts = canStrikeReal ? real() : Promise.resolve({ ...nothing, complete: false })
  // Whatever becomes of the threads: what is mounted has to be taken away before anything ends.
  await Promise.allSettled([...inMemory, onMounts])
  return outcomeOf(await Promise.all(inMemory), await onMounts)
}

const program = new URL("failing/worker.ts", import.meta.url)

const nothing: RealReport = { injections: 0, refusals: 0, found: [], complete: true }

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
    violations: found,
    complete: total("unreached") === 0 && real.complete
  }
}

export const faults: Part = {
  name: "faults",
  title: "every call of every operation fails, ends its process, or is interrupted; system calls are refused",
  floors: { injections: 20_000, "on real mounts": 200, "refused system calls": 200 },
  run
}
