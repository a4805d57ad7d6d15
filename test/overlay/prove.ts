/** Random programs on the kernel's overlay and on memory-fs's, shrunk when they differ, counted by what they met. */
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { ManagedRuntime } from "effect"
import * as fc from "fast-check"
import { type Program, program } from "./call.ts"
import { compare, type Counts, emptyCounts } from "./compare.ts"
import { exemptions } from "./exemptions.ts"
import { labels } from "./labels.ts"

/** How often each case of overlay's has to come at least. */
const floor = 20

export interface Proving {
  readonly runs: number
  readonly seed?: number
  /** Where in the run of this seed a failure was: that program alone. */
  readonly path?: string
  /** The command that repeats a failure, up to its seed and path. */
  readonly replay: string
  /** Told after each program. */
  readonly onProgress?: (programs: number) => void
}

const machine = ManagedRuntime.make(NodeSnapshotter.layerMachine)

const stopping = new AbortController()
let running: Promise<unknown> = Promise.resolve()

export const compareOne = (one: Program, counts: Counts): Promise<void> => {
  // Neither passed nor failed: a failure would be shrunk.
  if (stopping.signal.aborted) return new Promise(() => {})
  const run = machine.runPromise(compare(one, counts), { signal: stopping.signal })
  running = run.catch(() => {})
  return run
}

/** Ends the program that runs, with what it has mounted, and begins no other. */
export const stop = async (): Promise<void> => {
  stopping.abort()
  await running
}

/** What was met, as text. Throws where the two differ, or where some case was met too seldom. */
export const prove = async ({ onProgress, path, replay, runs, seed }: Proving): Promise<string> => {
  const counts = emptyCounts()
  let programs = 0
  const property = fc.asyncProperty(program, async (one) => {
    await compareOne(one, counts)
    onProgress?.(++programs)
  })
  const result = await fc.check(property, {
    numRuns: runs,
    ...(seed === undefined ? {} : { seed }),
    ...(path === undefined ? {} : { path }),
    endOnFailure: path !== undefined
  })
  if (result.failed) throw new Error(failureText(result, replay))
  const report = reportOf(counts, result.numRuns)
  const rare = labels.filter((label) => (counts.labels.get(label) ?? 0) < floor)
  if (path === undefined && rare.length > 0) {
    throw new Error(`${report}\nthese cases came fewer than ${floor} times: ${rare.join("; ")}`)
  }
  return report
}

const failureText = (result: fc.RunDetails<[Program]>, replay: string): string =>
  [
    result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance),
    `after ${result.numRuns} programs and ${result.numShrinks} shrinks; as a named test: ${literal(result)}`,
    `replay: SNAPSHOTTER_SEED=${result.seed} SNAPSHOTTER_PATH=${result.counterexamplePath} ${replay}`
  ].join("\n\n")

const literal = ({ counterexample }: fc.RunDetails<[Program]>): string => fc.stringify(counterexample?.[0])

const reportOf = ({ calls, exempted, labels: counted, refused }: Counts, runs: number): string => {
  const line = (what: string, times: number | undefined) => `  ${what.padEnd(58)}${String(times ?? 0).padStart(7)}`
  return [
    `${runs} programs, ${calls} calls, ${refused} of them refused, 0 unexplained differences`,
    ...labels.map((label) => line(label, counted.get(label))),
    "left out, as docs/OVERLAY.md explains:",
    ...Object.entries(exemptions).map(([one, row]) => line(row, exempted.get(one as keyof typeof exemptions)))
  ].join("\n")
}
