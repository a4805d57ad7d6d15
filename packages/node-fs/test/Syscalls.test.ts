/**
 * `kill -9` at system calls of each operation: `syscalls/sweep.ts`, of which this tries a sample. At length, at each of
 * them, it is a part of `npm run prove`.
 */
import { spawnSync } from "node:child_process"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { isRoot } from "./place.ts"
import { replay, sweepSome } from "./syscalls/sweep.ts"

/** How many moments are drawn, beside those that always are. */
const others = 40

const traces = spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0
const missing = !isRoot
  ? "mounting needs root, or a user namespace"
  : traces
  ? undefined
  : "strace is not installed, or may not trace"

describe.runIf(judgement("syscalls", missing))("kill -9 at a system call", () => {
  const goOn = () => true
  const { signal } = new AbortController()

  it("before the rename that decides it has not happened, after it it has", async () => {
    const happened = async (moment: string) => {
      const { kills, unanswered, wrongs } = await replay(
        { seed: 0, signal, goOn },
        `prepare/full/full/${moment}/renameat2/1`
      )
      assert.deepStrictEqual([kills, wrongs], [1, []])
      return unanswered === 1
    }
    assert.isFalse(await happened("before"))
    assert.isTrue(await happened("after"))
  })

  it("of any operation: it has happened or it has not, and nothing is left", async () => {
    const seed = Number(process.env["SNAPSHOTTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31))
    const { wrongs, ...tally } = await sweepSome({ seed, signal, goOn }, others)
    process.stdout.write(`kill -9 at a system call: seed ${seed}, ${JSON.stringify(tally)}\n`)
    const told = wrongs.map(({ replay, what }) =>
      `${what}\nreplay: npm run prove -- --only syscalls --replay ${replay}`
    )
    assert.deepStrictEqual(told, [], `seed ${seed}`)
    assert.isTrue(tally.complete)
    assert.isAtLeast(tally.kills, 100)
  }, 240_000)
})
