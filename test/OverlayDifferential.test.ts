/**
 * Overlays in memory against the kernel's: random programs over one to four layers, whose answers, trees and upper layers
 * must be the same. What is allowed to differ is listed in docs/OVERLAY.md, and nothing else is left out of the comparison.
 */
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import { Effect } from "effect"
import * as fc from "fast-check"
import { describe, it } from "vitest"
import { judgement } from "./Judgement.ts"
import { type Program, program } from "./overlay/call.ts"
import { compare, type Counts } from "./overlay/compare.ts"
import { labels } from "./overlay/labels.ts"

const file = "test/OverlayDifferential.test.ts"
const floor = 20

const emptyCounts = (): Counts => ({ labels: new Map(), calls: 0, refused: 0 })

const run = (one: Program, counts: Counts) =>
  Effect.runPromise(Effect.provide(compare(one, counts), NodeMounter.layer, { local: true }))

const missing = process.getuid?.() === 0 ? undefined : "mounting needs root"

describe.runIf(judgement("overlay-kernel", missing))("overlays in memory", () => {
  it("answer as the kernel's do, and leave the same behind, in random programs", async () => {
    const counts = emptyCounts()
    const seed = process.env["SNAPSHOTTER_SEED"]
    const path = process.env["SNAPSHOTTER_PATH"]
    const numRuns = Number(process.env["SNAPSHOTTER_RUNS"] ?? 1_000)
    const result = await fc.check(fc.asyncProperty(program, (one) => run(one, counts)), {
      numRuns,
      ...(seed === undefined ? {} : { seed: Number(seed) }),
      ...(path === undefined ? {} : { path }),
      endOnFailure: path !== undefined,
      interruptAfterTimeLimit: 100_000,
      markInterruptAsFailure: false
    })
    if (result.failed) throw new Error(failureText(result))
    if (path === undefined) report(counts, result.numRuns)
  })
})

const failureText = (result: fc.RunDetails<[Program]>): string =>
  [
    result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance),
    `after ${result.numRuns} programs and ${result.numShrinks} shrinks`,
    `replay: SNAPSHOTTER_SEED=${result.seed} SNAPSHOTTER_PATH=${result.counterexamplePath} ` +
    `node_modules/.bin/vitest run ${file}`
  ].join("\n\n")

const report = ({ calls, labels: counted, refused }: Counts, runs: number): void => {
  const lines = labels.map((label) => `  ${label.padEnd(28)}${String(counted.get(label) ?? 0).padStart(6)}`)
  process.stdout.write(`${file}: ${runs} programs, ${calls} calls, ${refused} of them refused\n${lines.join("\n")}\n`)
  const rare = labels.filter((label) => (counted.get(label) ?? 0) < floor)
  if (rare.length > 0) throw new Error(`these cases came fewer than ${floor} times: ${rare.join("; ")}`)
}
