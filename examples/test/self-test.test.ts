import { assert, describe, it } from "@effect/vitest"
import { judgement } from "../../test/Judgement.ts"
import { canMount, interrupted, missing, onBoth, run } from "./running.ts"

judgement("examples", missing)

describe("self-test.ts", () => {
  it.runIf(canMount)("finds its tool all-or-nothing on both backends, by the same inputs", async () => {
    const { memory, node } = await onBoth("self-test.ts", ["--runs", "20", "--seed", "7"])
    for (const [backend, stdout] of Object.entries({ memory, node })) {
      const [random, failing, again, ...more] = stdout.split("\n")
      assert.match(random ?? "", /^20 random inputs: [1-9]\d* applied, [1-9]\d* refused;/)
      assert.match(
        failing ?? "",
        /^a failure at each of [1-9]\d* calls: [1-9]\d* times nothing .* [1-9]\d* times all of it/
      )
      const replay = `node examples/src/self-test.ts --backend ${backend} --runs 20 --seed 7`
      assert.deepStrictEqual([again, ...more], [`the same again: ${replay}`, ""])
    }
    assert.strictEqual(memory.split("\n")[0], node.split("\n")[0])
    assert.strictEqual(timesAllOfIt(memory), timesAllOfIt(node))
  }, 300_000)

  it.runIf(canMount)("leaves nothing when it is interrupted", async () => {
    await interrupted("self-test.ts", ["--backend", "node"], /^on real mounts/, "SIGINT", 2_000)
  })

  it("explains its flags", async () => {
    const { code, stdout } = await run("self-test.ts", ["--help"])
    assert.strictEqual(code, 0)
    for (const word of ["--backend", "--runs", "--seed"]) assert.include(stdout, word)
  })
})

/** How many calls may fail once it has happened. The others depend on how deep the store lies. */
const timesAllOfIt = (stdout: string) => /(\d+) times all of it/.exec(stdout)?.[1]
