/** Commits of large layers that were just written: at `full` all their files have to reach the disk. */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Effect } from "effect"
import { alternate, figuresOf, type Trial } from "../alternate.ts"
import type { BareStore, There } from "../bare/BareStore.ts"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import type { Row } from "../Row.ts"
import { base, type Durability, fork, layerOf, openSite, remove, type Site, writeFiles } from "../Site.ts"

export const measureLayers = (disk: Disk, durability: Durability, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, durability, effort)
    const parent = yield* base(site, 1)
    const rows: Array<Row> = []
    for (const files of effort.layerFiles) {
      const few = { ...effort, samples: effort.rounds, warmUp: 1, milliseconds: Number.POSITIVE_INFINITY }
      const medians = yield* alternate(largeCommit(site, parent, files), few)
      rows.push({
        section: "layers",
        disk: disk.name,
        durability,
        operation: "commit",
        at: `${files.toLocaleString("en")} files`,
        unit: "ms",
        ...figuresOf(medians, 1e-3)
      })
    }
    return rows
  }))

/** Written past the mount: to end one writes its contents to disk. */
const largeCommit = (site: Site, parent: There, files: number): Trial<ReturnType<BareStore["planCommit"]>> => ({
  arrange: () =>
    Effect.map(fork(site, "large", parent), (key) => {
      writeFiles(layerOf(site, key), files)
      return site.bare.planCommit("large-done", key)
    }),
  ours: () => Effect.orDie(site.snapshotter.commit(Name.make("large-done"), Key.make("large"))),
  bare: (plan) => site.bare.commit(plan),
  clear: () => remove(site, "large-done")
})
