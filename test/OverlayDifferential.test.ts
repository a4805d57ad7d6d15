/**
 * Overlays in memory against the kernel's: random programs over one to four layers and one on top, whose answers, trees and upper layers
 * must be the same. What is allowed to differ is listed in docs/OVERLAY.md, and nothing else is left out of the comparison.
 */
import * as fs from "node:fs"
import { assert, describe, it } from "vitest"
import { judgement } from "./Judgement.ts"
import { emptyCounts } from "./overlay/compare.ts"
import { counterexamples } from "./overlay/counterexamples.ts"
import { exemptions, unlooked } from "./overlay/exemptions.ts"
import { compareOne, prove } from "./overlay/prove.ts"

const file = "test/OverlayDifferential.test.ts"
const missing = process.getuid?.() === 0 ? undefined : "mounting needs root"

describe.runIf(judgement("overlay-kernel", missing))("overlays in memory", () => {
  it("answer as the kernel's do, and leave the same behind, in random programs", async () => {
    const { SNAPSHOTTER_PATH: path, SNAPSHOTTER_RUNS: runs, SNAPSHOTTER_SEED: seed } = process.env
    const report = await prove({
      runs: Number(runs ?? 1_000),
      // The same programs each time, so that a change is judged by them alone; `npm run prove:kernel` draws new ones.
      seed: Number(seed ?? 4),
      ...(path === undefined ? {} : { path }),
      replay: `node_modules/.bin/vitest run ${file}`
    })
    process.stdout.write(`${file}: ${report}\n`)
  }, 600_000)

  for (const { name, program } of counterexamples) it(name, () => compareOne(program, emptyCounts()))
})

it("whatever the comparison leaves out has its row in the table of differences", () => {
  const rows = fs.readFileSync(new URL("../docs/OVERLAY.md", import.meta.url), "utf8")
    .split("\n").flatMap((line) => line.startsWith("| ") ? [line.slice(2).split(" |")[0]?.trim()] : [])
  for (const row of [...Object.values(exemptions), ...unlooked]) assert.include(rows, row)
})
