/** Forking and mounting a base, however large, beside a copy of it that is read from memory. */
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Effect } from "effect"
import { spawnSync } from "node:child_process"
import * as path from "node:path"
import { timed } from "../alternate.ts"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import { median, type Row } from "../Row.ts"
import { committed, fork, layerOf, openSite, type Site, writeFiles } from "../Site.ts"

export const measureForks = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, "process", effort)
    const rows: Array<Row> = []
    for (const files of effort.baseFiles) {
      const key = yield* fork(site, `large-${files}`, undefined)
      writeFiles(layerOf(site, key), files)
      const base = yield* committed(site, `large-${files}-done`, key)
      const source = site.bare.layout.snapshot("committed", base.id).layer
      const forks: Array<number> = []
      const copies: Array<number> = []
      for (let round = 0; round < effort.rounds; round++) {
        const copy = copying(source, path.join(path.dirname(site.target), "copy"))
        // The first reads what was written a moment ago, and is not counted.
        if (round > 0 || effort.rounds === 1) copies.push(yield* copy)
        for (let one = 0; one < 10; one++) forks.push(yield* forking(site, base.name))
      }
      rows.push({
        section: "forks",
        disk: disk.name,
        durability: "process",
        operation: "fork and mount",
        at: `${files.toLocaleString("en")} files`,
        unit: "µs",
        value: median(forks),
        reference: { called: "cp -a", value: median(copies) },
        samples: forks.length
      })
    }
    return rows
  }))

/** From the wish to the mounted directory; its end is not counted. */
const forking = (site: Site, base: string): Effect.Effect<number> =>
  Effect.gen(function*() {
    const options = { key: Key.make("compared"), parent: Name.make(base), target: site.target }
    return yield* timed(Fork.scoped(options))
  }).pipe(
    Effect.scoped,
    Effect.provideContext(site.machine),
    Effect.provideService(Snapshotter, site.snapshotter),
    Effect.orDie
  )

const copying = (source: string, target: string): Effect.Effect<number> =>
  Effect.gen(function*() {
    const time = yield* timed(Effect.sync(() => run("cp", "-a", source, target)))
    run("rm", "-rf", target)
    return time
  })

const run = (command: string, ...args: ReadonlyArray<string>): void => {
  const { status } = spawnSync(command, args, { stdio: ["ignore", "ignore", "inherit"] })
  if (status !== 0) throw new Error(`${command} ended with ${status}`)
}
