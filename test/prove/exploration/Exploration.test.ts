/**
 * P3 and P4: sequences of operations, crashed at every step, in every state of a disk that loses power, recovered and judged.
 * All of one operation and some of two and three; `npm run prove` explores the whole.
 */
import { assert, describe, it } from "vitest"
import { judgement } from "../../Judgement.ts"
import { exploreOne, explorePlan } from "./campaign.ts"
import { makeExplorer } from "./explore.ts"

describe.runIf(judgement("power-loss"))(
  "a crash at any moment, in any state of the disk, loses nothing that was promised",
  () => {
    it("of every operation, and of some sequences of two", async () => {
      const longest = 8
      const report = await explorePlan(
        { seed: 1, workers: 1, worker: 0, length: 2, longest, together: false, until: Infinity },
        () => {}
      )
      const { recoveries, sequences, states, wrongs } = report
      process.stdout.write(`power loss: ${sequences} sequences, ${states} states, ${recoveries} recoveries\n`)
      assert.deepStrictEqual(wrongs, [])
      // The making of a store, one operation, two.
      assert.strictEqual(sequences, 2 + 22 + longest)
      assert.isAbove(states, 2_000)
    }, 600_000)
  }
)

describe("an exploration", () => {
  it("that has no time says that it has not looked at everything", async () => {
    const explorer = await makeExplorer()
    const sequence = explorer.next([]).slice(0, 1)
    const found = await explorer.explore(sequence, { completeUpTo: 2, samples: 4 }, { until: 0 })
    assert.deepStrictEqual(found, { wrongs: [], complete: false })
    assert.deepInclude(explorer.explored(), { sequences: 0, recoveries: 0 })
  })

  it("of one sequence alone goes by what a plan tells of it", async () => {
    for (const replay of ["open-full", "open-process", "0"]) assert.deepStrictEqual(await exploreOne(replay, 1), [])
    const cause = await exploreOne("-1", 1).then(() => undefined, (cause: unknown) => cause)
    assert.match(String(cause), /no operation -1/)
  })
})
