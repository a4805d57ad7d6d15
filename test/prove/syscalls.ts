/** `kill -9` at each system call of each operation: `packages/node-fs/test/syscalls/`, of which `npm test` tries a sample. */
import { replay, sweepAll, type Tally } from "../../packages/node-fs/test/syscalls/sweep.ts"
import type { Orders, Outcome, Part } from "./Part.ts"

const run = async (orders: Orders): Promise<Outcome> => {
  const { progress, seed, signal } = orders
  const goOn = (tally: Tally) => {
    progress(`${tally.kills} kills in ${tally.operations} operations`)
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
    violations: wrongs,
    complete
  }
}

export const syscalls: Part = {
  name: "syscalls",
  title: "kill -9 at each system call of each operation on real disks, before it and after it, at both durabilities",
  floors: { kills: 500, operations: 50 },
  run
}
