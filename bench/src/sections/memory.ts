/** How much more memory a walk takes, the further it has come. */
import { Effect, Stream } from "effect"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import { atMost, type Row } from "../Row.ts"
import { base, openSite } from "../Site.ts"

const megabyte = 2 ** 20

/** What noise and the list of ids that were shown may take. */
const growthMax = 2

export const measureMemory = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, "process", effort)
    const parent = yield* base(site, 1)
    yield* Effect.promise(async () => {
      for (let number = 1; number < effort.walked; number++) {
        await site.bare.create(site.bare.plan("active", `many-${number}`, parent))
      }
    })
    const used: Array<number> = []
    let shown = 0
    const look = Effect.sync(() => {
      if (++shown % (effort.walked / 10) === 0) used.push(heapUsed())
    })
    yield* Effect.orDie(Stream.runForEach(site.snapshotter.walk(), () => look))
    const growth = (Math.max(...used) - (used[0] ?? Number.NaN)) / megabyte
    const row: Row = {
      section: "memory",
      disk: disk.name,
      durability: "process",
      operation: "walk, growth of the heap",
      at: `from a tenth to all of ${effort.walked.toLocaleString("en")} snapshots`,
      unit: "MB",
      value: growth,
      samples: used.length
    }
    return [atMost(row, growthMax)]
  }))

const collector = (): () => void => {
  setFlagsFromString("--expose-gc")
  return runInNewContext("gc") as () => void
}

const collect = collector()

const heapUsed = (): number => {
  collect()
  return process.memoryUsage().heapUsed
}
