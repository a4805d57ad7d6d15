/** Every operation while something grows that it should not depend on, or not much: snapshots, depth, live mounts. */
import { Key } from "@snapshotter/core/Snapshot"
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { alternate, figuresOf } from "../alternate.ts"
import type { There } from "../bare/BareStore.ts"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import type { Row } from "../Row.ts"
import { base, fork, openSite, type Site } from "../Site.ts"
import { type AnyTrial, opening, type Operation, operations, trialOf, walking } from "../trials.ts"

/** How much slower something may be in the largest store and still be called flat: what repeated measurements differ by. */
const flatTimes = 1.5

// ============================================================ snapshots

/** A store for each size, measured one after another for each operation, so that all meet the machine in one mood. */
export const measureSnapshots = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const stores = yield* Effect.forEach(effort.snapshots, (snapshots) => populated(disk, effort, snapshots))
    const rows: Array<Row> = []
    for (const operation of [...operations, "open", "walk, each"] as const) {
      const sizes: Array<Row> = []
      for (const store of stores) sizes.push(yield* measuredIn(store, operation))
      rows.push(...sizes.map((row) => flat(row, sizes[0])))
    }
    return rows
  }))

interface Populated {
  readonly site: Site
  readonly parent: There
  readonly snapshots: number
}

const populated = Effect.fnUntraced(function*(disk: Disk, effort: Effort, snapshots: number) {
  const site = yield* openSite(disk, "process", effort)
  const parent = yield* base(site, 1)
  for (let there = 1; there < snapshots; there++) yield* oneMore(site, parent, there)
  return { site, parent, snapshots } satisfies Populated
})

/** By the bare calls, which are faster; every other one is committed. */
const oneMore = (site: Site, parent: There, number: number): Effect.Effect<void> =>
  Effect.promise(async () => {
    const plan = site.bare.plan("active", `many-${number}`, parent)
    await site.bare.create(plan)
    if (number % 2 === 0) return
    const key = site.bare.there(`many-${number}`, plan.id, [parent.id, ...parent.parents])
    await site.bare.commit(site.bare.planCommit(`many-${number}-done`, key))
  })

const measuredIn = Effect.fnUntraced(function*(
  { parent, site, snapshots }: Populated,
  operation: Operation | "open" | "walk, each"
) {
  const at = `${snapshots.toLocaleString("en")} snapshots`
  if (operation === "open") return yield* measured((use) => use(opening(site)), site, "snapshots", operation, at)
  if (operation !== "walk, each") {
    return yield* measured(yield* trialOf(operation, site, parent), site, "snapshots", operation, at)
  }
  const few = { ...site, effort: { ...site.effort, samples: site.effort.rounds, warmUp: 1 } }
  const row = yield* measured((use) => use(walking(site)), few, "snapshots", operation, at)
  return scaled(row, 1 / snapshots)
})

const scaled = ({ floor = 0, undisturbed, value, ...row }: Row, by: number): Row => ({
  ...row,
  value: value * by,
  floor: floor * by,
  ...(undisturbed && { undisturbed: { value: undisturbed.value * by, floor: undisturbed.floor * by } })
})

/** Held to the same operation in the smallest store. */
const flat = (row: Row, smallest: Row | undefined): Row =>
  smallest === undefined || smallest === row ? row : {
    ...row,
    target: { text: `≤ ${flatTimes} × at ${smallest.at}`, met: row.value <= flatTimes * smallest.value }
  }

// ============================================================ depth

export const measureDepths = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, "process", effort)
    const rows: Array<Row> = []
    for (const depth of effort.depths) {
      const parent = yield* base(site, depth)
      for (const operation of operations) {
        rows.push(yield* measured(yield* trialOf(operation, site, parent), site, "depth", operation, `depth ${depth}`))
      }
    }
    return rows
  }))

// ============================================================ live mounts

export const measureLiveMounts = (disk: Disk, effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* openSite(disk, "process", effort)
    const parent = yield* base(site, 10)
    const rows: Array<Row> = []
    let live = 0
    yield* Effect.scoped(Effect.gen(function*() {
      for (const mounts of effort.liveMounts) {
        for (; live < mounts; live++) yield* keepMounted(site, parent, live)
        for (const operation of operations) {
          const at = `${mounts} live mounts, depth 10`
          rows.push(yield* measured(yield* trialOf(operation, site, parent), site, "mounts", operation, at))
        }
      }
    }))
    return rows
  }))

const keepMounted = (site: Site, parent: There, number: number): Effect.Effect<void, never, Scope.Scope> =>
  Effect.gen(function*() {
    const key = yield* fork(site, `live-${number}`, parent)
    const target = path.join(path.dirname(site.target), `live-${number}`)
    fs.mkdirSync(target)
    yield* site.mounter.mount(yield* site.snapshotter.mounts(Key.make(key.name)), target)
  }).pipe(Effect.orDie)

// ============================================================

const measured = (trial: AnyTrial, site: Site, section: string, operation: string, at: string): Effect.Effect<Row> =>
  Effect.map(
    trial((trial) => alternate(trial, site.effort)),
    (medians) => ({
      section,
      disk: site.disk.name,
      durability: site.durability,
      operation,
      at,
      unit: "µs",
      ...figuresOf(medians)
    })
  )
