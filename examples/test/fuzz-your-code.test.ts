import { assert, describe, it } from "@effect/vitest"
import { judgement } from "../../test/Judgement.ts"
import { canMount, interrupted, missing, mounting, onBoth, run } from "./running.ts"

judgement("examples", missing)

describe.runIf(canMount)("fuzz-your-code.ts", () => {
  it("finds the same fault on both backends, made as small, and it is tried again on the other", async () => {
    const { memory, node } = await onBoth("fuzz-your-code.ts", ["--runs", "30", "--seed", "7"])
    const [broken, input, why, again = "", careful, ...more] = memory.split("\n")
    assert.match(broken ?? "", /^carelessly: breaks at input [1-9]\d*, made small in \d+ steps:$/)
    assert.deepStrictEqual([input, why], [`  files {"a/x":""}, moves a → b`, "  rename: EXDEV"])
    assert.deepStrictEqual([careful, ...more], ["carefully: as expected for all of 30 inputs", ""])
    assert.strictEqual(node, memory.replace("--backend memory", "--backend node"))

    const [, args = ""] = /fuzz-your-code\.ts --backend memory (.*)$/.exec(again) ?? []
    const replayed = await run("fuzz-your-code.ts", ["--backend", "node", ...args.split(" ")], { within: mounting })
    assert.strictEqual(replayed.code, 0, replayed.stderr)
    assert.deepStrictEqual(replayed.stdout.split("\n").slice(1, 3), [input, why])
  })

  it("leaves nothing when it is interrupted", async () => {
    await interrupted("fuzz-your-code.ts", ["--backend", "node"], /^on real mounts/, "SIGINT", 2_000)
  })
})
