/** Every operation beside its bare calls, in a small store. */
import { Effect } from "effect"
import { alternate, figuresOf } from "../alternate.ts"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import { atMost, atMostFloors, bothTargets, type Row } from "../Row.ts"
import { base, openSite } from "../Site.ts"
import type { Durability, Site } from "../Site.ts"
import { type Operation, operations, trialOf } from "../trials.ts"

export const measureOperations = (disk: Disk, durability: Durability, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, durability, effort)
    const parent = yield* base(site, 1)
    const rows: Array<Row> = []
    for (const operation of operations) {
      const trial = yield* trialOf(operation, site, parent)
      const medians = yield* trial((trial) => alternate(trial, effort))
      rows.push(held(
        {
          section: "operations",
          disk: disk.name,
          durability,
          operation,
          unit: "µs",
          ...figuresOf(medians)
        },
        site,
        operation
      ))
    }
    return rows
  }))

/** At `full` the operations are held to their waits, which are counted: the disk takes the rest of the time. */
const held = (row: Row, { durability }: Site, operation: Operation): Row => {
  switch (operation) {
    case "prepare":
    case "commit":
    case "remove":
    case "update":
      return durability === "process" ? atMostFloors(row, 3) : row
    case "stat":
    case "mounts":
      return atMost(row, 100)
    case "fork, mount, unmount, discard":
      return durability === "process" ? bothTargets(row, atMostFloors(row, 2), atMost(row, 2_000)) : row
    default:
      return row
  }
}
