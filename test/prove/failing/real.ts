/** The loop on real mounts at length: calls of the ports, in this process; then system calls, in another one that strace refuses them. */
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import { subject } from "../../../packages/node-fs/test/injected/process.ts"
import { strikeStore } from "../../../packages/node-fs/test/injected/stores.ts"
import { strikeTrees } from "../../../packages/node-fs/test/injected/trees.ts"
import { isRoot } from "../../../packages/node-fs/test/place.ts"
import { tmpfs } from "../../tmpfs.ts"
import { benchOf, type Grounds } from "./Bench.ts"
import type { Found } from "./campaign.ts"
import { describeSetting, settings } from "./forest.ts"
import { loop } from "./loop.ts"
import { nodeIn } from "./nodeSite.ts"
import { operations } from "./operations.ts"
import { describeStrike, strikes } from "./strikes.ts"

export interface RealReport {
  readonly injections: number
  readonly refusals: number
  readonly found: ReadonlyArray<Found>
  /** Whether all was done. */
  readonly complete: boolean
}

/** What else a real machine could make of another errno, the refused system calls show. */
const chosen = strikes.filter(({ code, kind, steps }) =>
  !steps && !kind.startsWith("dies") && (code === undefined || code === "EIO")
)

/** `only` is what a violation gives to be done again. */
export const strikeReal = (
  isOver: () => boolean,
  progress: (text: string) => void,
  only?: string
): Effect.Effect<RealReport> =>
  Effect.scoped(Effect.gen(function*() {
    const found: Array<Found> = []
    let [injections, refusals, complete] = [0, 0, true]
    const wants = (replay: string) => only === undefined || only === replay
    const isDone = () => {
      if (isOver()) complete = false
      return !complete
    }
    const refusing = canRefuse() ? yield* subject : undefined
    const trees = `${refusedWord} | trees`
    if (refusing !== undefined && wants(trees) && !isDone()) {
      const { met, wrongs } = yield* Effect.promise(() => strikeTrees(refusing, tmpfs(), "several", isOver))
      refusals += [...met.values()].reduce((sum, count) => sum + count, 0)
      found.push(...wrongs.map((what) => ({ what, replay: trees })))
    }
    const grounds: Grounds = new Map()
    for (const setting of settings) {
      for (const operation of operations) {
        const words = [operation.name, describeSetting(setting)]
        const refused = [refusedWord, ...words].join(" | ")
        if (refusing !== undefined && !operation.forks && wants(refused) && !isDone()) {
          const { met, wrongs } = yield* strikeStore(refusing, tmpfs(), operation, setting, "several", isOver)
          refusals += met
          found.push(...wrongs.map((what) => ({ what, replay: refused })))
        }
        for (const strike of chosen) {
          const replay = [realWord, ...words, describeStrike(strike)].join(" | ")
          if (!wants(replay) || isDone()) continue
          const bench = yield* benchOf(nodeIn(tmpfs()), operation, setting, grounds)
          const cases = yield* Effect.orDie(loop(bench, strike))
          injections += cases.length
          found.push(...cases.flatMap(({ problems }) => problems.map((what) => ({ what, replay }))))
        }
        progress(`${injections} injections and ${refusals} refused system calls on real mounts`)
      }
    }
    return { injections, refusals, found, complete: refusing !== undefined && !isDone() }
  }))

const realWord = "real"
const refusedWord = "refused"

/** Whether a replay is one of this. */
export const isReal = (replay: string): boolean => [realWord, refusedWord].includes(replay.split(" | ")[0] ?? "")

/** Whether anything of this can be done here. */
export const canStrikeReal = isRoot

const canRefuse = (): boolean => spawnSync("strace", ["-qq", "-o", "/dev/null", "true"]).status === 0
