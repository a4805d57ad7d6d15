/** `kill -9` at each system call of each operation: `packages/node-fs/test/syscalls/`, of which `npm test` tries a sample. */
import { replay, sweepAll, type Tally } from "../../packages/node-fs/test/syscalls/sweep.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const progressMillis = 5_000

const run = async (orders: Orders): Promise<Outcome> => {
  const { seed, signal } = orders
  const show = showing(orders)
  const goOn = (tally: Tally) => {
    show(tally)
    return performance.now() < orders.until
  }
  const sweep = { seed, signal, goOn }
  const tally = await (orders.replay === undefined ? sweepAll(sweep) : replay(sweep, orders.replay))
  const { answered, complete, finished, kills, operations, unanswered, wrongs } = tally
  return {
    counts: {
      kills,
      operations,
      "answered before the kill": answered,
      "happened without an answer": unanswered,
      "calls tried to the last": finished
    },
    violations: wrongs.map(({ replay, what }) => ({
      what,
      replay: `npm run prove -- --only syscalls --replay ${replay}`
    })),
    complete
  }
}

const showing = ({ progress }: Orders) => {
  let shown = performance.now()
  return ({ kills, operations }: Tally) => {
    if (performance.now() - shown < progressMillis) return
    shown = performance.now()
    progress(`${kills} kills in ${operations} operations`)
  }
}

export const syscalls: Part = {
  name: "syscalls",
  title: "kill -9 at each system call of each operation on real disks, before it and after it, at both durabilities",
  floors: { kills: 500, operations: 50 },
  run
}
