/** How often each operation waits for the disk, counted at the port: exactly as often as docs/ARCHITECTURE.md says. */
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Effect } from "effect"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import type { Row } from "../Row.ts"
import { base, type Durability, openSite, type Site } from "../Site.ts"

/** At `full`: before the rename and after it; a commit syncs the contents once more, before it takes the lock. */
const allowed = { prepare: 2, view: 2, update: 2, commit: 3, remove: 1, stat: 0, mounts: 0, usage: 0 }

export const countWaits = (disk: Disk, durability: Durability, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, durability, effort)
    const parent = Name.make((yield* base(site, 1)).name)
    const [key, view, name] = [Key.make("a"), Key.make("v"), Name.make("b")]
    const { snapshotter } = site
    const counted = counting(site)
    const rows = [
      yield* counted("prepare", snapshotter.prepare(key, { parent })),
      yield* counted("view", snapshotter.view(view, { parent })),
      yield* counted("update", snapshotter.update(key, { patch: { label: "x" } })),
      yield* counted("stat", snapshotter.stat(key)),
      yield* counted("mounts", snapshotter.mounts(key)),
      yield* counted("usage", snapshotter.usage(key)),
      yield* counted("commit", snapshotter.commit(name, key)),
      yield* counted("remove", snapshotter.remove(name))
    ]
    yield* Effect.orDie(snapshotter.remove(view))
    return rows
  }))

const counting = (site: Site) => (operation: keyof typeof allowed, effect: Effect.Effect<unknown, unknown>) =>
  Effect.gen(function*() {
    const before = site.waits()
    yield* Effect.orDie(effect)
    const value = site.waits() - before
    const limit = site.durability === "full" ? allowed[operation] : 0
    const row: Row = {
      section: "waits",
      durability: site.durability,
      operation,
      unit: "waits",
      value,
      samples: 1,
      target: { text: `${limit}`, met: value === limit }
    }
    return row
  })
