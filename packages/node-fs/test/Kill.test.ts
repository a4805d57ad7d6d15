/** `kill -9` of processes that share a store: `kill/rounds.ts`, briefly. At length it is a part of `npm run prove`. */
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { rounds } from "./kill/rounds.ts"
import { isRoot } from "./place.ts"

const kills = 40
const processes = 4

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("kill", missing))("kill -9", () => {
  it(
    `${kills} kills: ${processes} processes share a store, and whoever is killed takes nothing with them`,
    async () => {
      const seed = Number(process.env["SNAPSHOTTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31))
      const { signal } = new AbortController()
      const tally = await rounds({ seed, processes, signal, goOn: (tally) => tally.kills < kills })
      assert.isAtLeast(tally.acknowledged, kills)
      process.stdout.write(`kill -9: seed ${seed}, ${JSON.stringify(tally)}\n`)
    },
    240_000
  )
})
