/**
 * P3 and P4: sequences of operations, crashed at every step, in every state of a disk that loses power, recovered and judged.
 * All of one operation and some of two and three; `npm run prove` explores the whole.
 */
import { assert, describe, it } from "vitest"
import { judgement } from "../../Judgement.ts"
import { explorePlan } from "./campaign.ts"

describe.runIf(judgement("power-loss"))(
  "a crash at any moment, in any state of the disk, loses nothing that was promised",
  () => {
    it("of every operation, and of some sequences of two", async () => {
      const longest = 8
      const report = await explorePlan(
        { seed: 1, workers: 1, worker: 0, length: 2, longest, until: Infinity },
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
