/** Each operation beside its bare calls, on a given site. */
import * as Fork from "@snapshotter/core/Fork"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, Snapshotter } from "@snapshotter/core/Snapshotter"
import { Effect, Stream } from "effect"
import type { Trial } from "./alternate.ts"
import type { There } from "./bare/BareStore.ts"
import { mountOverlay, unmount } from "./bare/mounts.ts"
import { fork, remove, type Site, writeFiles, written } from "./Site.ts"

/** The files of a small layer. */
const smallLayerFiles = 10

export const operations = [
  "prepare",
  "view",
  "mounts",
  "stat",
  "usage",
  "update",
  "commit",
  "remove",
  "mount + unmount",
  "fork, mount, unmount, discard"
] as const
export type Operation = (typeof operations)[number]

/** Something that can be measured; what it arranges is its own affair. */
export type AnyTrial = <B>(use: <A>(trial: Trial<A>) => B) => B

const trial = <A>(trial: Trial<A>): AnyTrial => (use) => use(trial)

/** An operation, on forks of this base. */
export const trialOf = (operation: Operation, site: Site, base: There): Effect.Effect<AnyTrial> => {
  switch (operation) {
    case "prepare":
    case "view":
      return Effect.succeed(trial(creation(site, base, operation)))
    case "commit":
      return Effect.succeed(trial(commit(site, base)))
    case "remove":
      return Effect.succeed(trial(removal(site, base)))
    case "mount + unmount":
      return Effect.map(lasting(site, base), (key) => trial(mounting(site, key)))
    case "fork, mount, unmount, discard":
      return Effect.succeed(trial(cycle(site, base)))
    default:
      return Effect.map(lasting(site, base), (key) => trial(about(operation, site, key)))
  }
}

let lastingForks = 0

/** A fork with a small layer, for what asks about one again and again. */
const lasting = (site: Site, base: There): Effect.Effect<There> =>
  Effect.tap(
    fork(site, `lasting-${lastingForks++}`, base),
    (key) => written(site, key, (directory) => writeFiles(directory, smallLayerFiles))
  )

const freshWritten = (site: Site, base: There, key: string): Effect.Effect<There> =>
  Effect.tap(fork(site, key, base), (key) => written(site, key, (directory) => writeFiles(directory, smallLayerFiles)))

const creation = (site: Site, base: There, how: "prepare" | "view"): Trial<ReturnType<Site["bare"]["plan"]>> => ({
  arrange: () => Effect.sync(() => site.bare.plan(how === "prepare" ? "active" : "view", "new", base)),
  ours: () => Effect.orDie(site.snapshotter[how](Key.make("new"), { parent: Name.make(base.name) })),
  bare: (plan) => site.bare.create(plan),
  clear: () => remove(site, "new")
})

const commit = (site: Site, base: There): Trial<ReturnType<Site["bare"]["planCommit"]>> => ({
  arrange: () => Effect.map(freshWritten(site, base, "work"), (key) => site.bare.planCommit("done", key)),
  ours: () => Effect.orDie(site.snapshotter.commit(Name.make("done"), Key.make("work"))),
  bare: (plan) => site.bare.commit(plan),
  clear: () => remove(site, "done")
})

const removal = (site: Site, base: There): Trial<There> => ({
  arrange: () => freshWritten(site, base, "rubbish"),
  ours: () => remove(site, "rubbish"),
  bare: (key) => site.bare.remove(key),
  clear: () => Effect.void
})

const mounting = (site: Site, key: There): Trial<() => void> => ({
  arrange: () => Effect.succeed(bareMounting(site, key)),
  ours: () =>
    Effect.flatMap(
      site.snapshotter.mounts(Key.make(key.name)),
      (mounts) => Effect.scoped(site.mounter.mount(mounts, site.target))
    ).pipe(Effect.orDie),
  bare: (mountAndUnmount) => {
    site.bare.mounts(key)
    mountAndUnmount()
  },
  clear: () => Effect.void
})

const bareMounting = (site: Site, key: There): () => void => {
  const { layer, work } = site.bare.layout.snapshot("active", key.id)
  const lower = key.parents.map((id) => site.bare.layout.snapshot("committed", id).layer)
  const overlay = { lower, upper: layer, work, target: site.target }
  return () => {
    mountOverlay(overlay, site.bare.table, site.bare.probe)
    unmount(site.target)
  }
}

/** A whole fork that comes to nothing: how the library is used most. */
const cycle = (site: Site, base: There): Trial<ReturnType<Site["bare"]["plan"]>> => ({
  arrange: () => Effect.sync(() => site.bare.plan("active", "passing", base)),
  ours: () =>
    Fork.discarded(
      { key: Key.make("passing"), parent: Name.make(base.name), target: site.target },
      () => Effect.void
    ).pipe(
      Effect.provideContext(site.machine),
      Effect.provideService(Snapshotter, site.snapshotter),
      Effect.orDie
    ),
  bare: async (plan) => {
    await site.bare.create(plan)
    const key = site.bare.there("passing", plan.id, [base.id, ...base.parents])
    bareMounting(site, key)()
    await site.bare.remove(key)
  },
  clear: () => Effect.void
})

/** What is asked of one snapshot, or changes nothing but its labels. */
const about = (
  operation: "mounts" | "stat" | "usage" | "update",
  site: Site,
  key: There
): Trial<ReturnType<Site["bare"]["planUpdate"]>> => ({
  arrange: (number) => Effect.sync(() => site.bare.planUpdate(key, { number: String(number) })),
  ours: (plan) =>
    Effect.orDie<unknown, unknown, never>(
      operation === "update"
        ? site.snapshotter.update(Key.make(key.name), { replace: plan.labels })
        : site.snapshotter[operation](Key.make(key.name))
    ),
  bare: (plan) => operation === "update" ? site.bare.update(plan) : site.bare[operation](key),
  clear: () => Effect.void
})

/** The whole store, one snapshot after another. */
export const walking = (site: Site): Trial<void> => ({
  arrange: () => Effect.void,
  ours: () => Effect.orDie(Stream.runDrain(site.snapshotter.walk())),
  bare: () => void site.bare.walk(),
  clear: () => Effect.void
})

/** The store is there already, and open. */
export const opening = (site: Site): Trial<void> => ({
  arrange: () => Effect.void,
  ours: () =>
    make({ root: site.root, durability: site.durability }).pipe(
      Effect.scoped,
      Effect.provideContext(site.machine),
      Effect.orDie
    ),
  bare: () => site.bare.open(),
  clear: () => Effect.void
})
