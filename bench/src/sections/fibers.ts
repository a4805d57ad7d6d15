/** Commits a second at `full`, by how many fibers commit at once: they share their waits for the disk. */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Effect } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { timed } from "../alternate.ts"
import type { There } from "../bare/BareStore.ts"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import { againstReference, median, type Row } from "../Row.ts"
import { base, fork, layerOf, openSite, remove, type Site } from "../Site.ts"

export const measureFibers = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, "full", effort)
    const parent = yield* base(site, 1)
    const rates = new Map<number, Array<number>>(effort.fibers.map((fibers) => [fibers, []]))
    yield* commitsASecond(site, parent, 4)
    // In turns, so that all meet the same disk.
    for (let round = 0; round < effort.rounds; round++) {
      for (const [fibers, found] of rates) found.push(yield* commitsASecond(site, parent, fibers))
    }
    const one = median(rates.get(1) ?? [])
    return [...rates].map(([fibers, found]) => {
      const row: Row = {
        section: "fibers",
        disk: disk.name,
        durability: "full",
        operation: "commits",
        at: fibers === 1 ? "1 fiber" : `${fibers} fibers`,
        unit: "/s",
        value: median(found),
        samples: found.length,
        ...(fibers === 1 ? {} : { reference: { called: "one fiber", value: one } })
      }
      return fibers === 16 ? againstReference(row, "≥", 5) : row
    })
  }))

const commitsASecond = Effect.fnUntraced(function*(site: Site, parent: There, fibers: number) {
  const count = Math.min(site.effort.commits, fibers * 32)
  const numbers = Array.from({ length: count }, (_, number) => number)
  // Not in turn, so that they share the waits of this too.
  yield* Effect.forEach(numbers, (number) => arrange(site, `fiber-${number}`, parent), { concurrency: 64 })
  const microseconds = yield* timed(Effect.forEach(
    numbers,
    (number) => Effect.orDie(site.snapshotter.commit(Name.make(`fibers-${number}`), Key.make(`fiber-${number}`))),
    { concurrency: fibers, discard: true }
  ))
  yield* Effect.forEach(numbers, (number) => remove(site, `fibers-${number}`), { concurrency: 64 })
  return count / (microseconds / 1_000_000)
})

const arrange = (site: Site, key: string, parent: There): Effect.Effect<void> =>
  Effect.map(fork(site, key, parent), (fork) => {
    fs.writeFileSync(path.join(layerOf(site, fork), "file"), "contents")
  })
