import { assert, describe, it } from "@effect/vitest"
import { judgement } from "../../test/Judgement.ts"
import { canMount, inside, missing, mounting, onBoth, run } from "./running.ts"

judgement("examples", missing)

describe.runIf(canMount)("first.ts", () => {
  it("prints what the README says, on both backends", async () => {
    assert.deepStrictEqual(await onBoth("first.ts", []), { memory: "world\n", node: "world\n" })
  })
})

describe("--backend, the option of every example", () => {
  it.runIf(canMount)("left out, is real mounts where they can be made", async () => {
    const { code, stderr, stdout } = await run("first.ts", [], { within: mounting })
    assert.deepStrictEqual([code, stdout], [0, "world\n"])
    assert.match(stderr, /^on real mounts: /)
  })

  /** A user namespace without a mapping: all privileges are gone, and files can be read as before. */
  const unprivileged = ["unshare", "-U"]

  it.runIf(inside)("left out elsewhere, is memory, and it says why and what to do", async () => {
    const { code, stderr, stdout } = await run("first.ts", [], { within: unprivileged })
    assert.deepStrictEqual([code, stdout], [0, "world\n"])
    assert.match(stderr, /^no real mounts: .*; run as root, or inside `unshare -Urm`\. In memory instead\n$/)
  })

  it.runIf(inside)("says the same and ends, when it asks for real mounts", async () => {
    const { code, stderr, stdout } = await run("first.ts", ["--backend", "node"], { within: unprivileged })
    assert.deepStrictEqual([code, stdout], [1, ""])
    assert.match(stderr, /^no real mounts: .*; run as root, or inside `unshare -Urm`\n$/)
  })
})
