/** `mounts`, `stat` and `usage`: they read, take no lock, and look again when what they found has moved on. */
import { Effect } from "effect"
import type { Mounts } from "../Mount.ts"
import { called, type Info, type Key, type KeyOrName, type SnapshotId, type Usage } from "../Snapshot.ts"
import { Damaged, type MountsError, type StatError, type UsageError } from "../SnapshotterError.ts"
import { validIdentifier } from "./input.ts"
import { chainFrom, type Found, infoOf, layerIsThere, parentOf } from "./read.ts"
import { ancestorsMax, readFailedIn, type Store } from "./store.ts"
import { reading } from "./subject.ts"
import { mountsOfSnapshot } from "./tree.ts"

export const stat = (store: Store) => (name: KeyOrName): Effect.Effect<Info, StatError> =>
  Effect.andThen(
    validIdentifier("key", name),
    reading(store, "stat", "stat", name, (found) =>
      Effect.flatMap(parentOf(store, "stat", name, found), (parent) =>
        infoOf(store, "stat", found, parent)))
  )

/** Before mounts are handed out every directory in them is looked at: a missing one would show as an empty tree. */
export const mounts = (store: Store) => (key: Key): Effect.Effect<Mounts, MountsError> =>
  Effect.andThen(
    validIdentifier("key", key),
    reading(store, "mounts", "mounts", key, (found) => mountsOfFound(store, key, found))
  )

const mountsOfFound = Effect.fnUntraced(function*(store: Store, key: Key, found: Found) {
  const chain = yield* chainFrom(store, "mounts", key, yield* parentOf(store, "mounts", key, found))
  yield* layerIsThere(store, "mounts", key, found.paths.layer)
  const kind = found.kind === "active" ? "active" : "view"
  if (kind === "active") yield* layerIsThere(store, "mounts", key, found.paths.work)
  for (const id of chain) yield* layerIsThere(store, "mounts", key, store.layout.snapshot("committed", id).layer)
  return mountsOfSnapshot(store, kind, found.id, chain)
})

/** A view has no layer of its own; a committed one's never changes, so it is measured once. */
export const usage = (store: Store) => {
  const known = new Map<SnapshotId, Usage>()

  const measure = Effect.fnUntraced(function*(name: string, found: Found) {
    if (found.kind === "view") return { bytes: 0, inodes: 0 }
    const before = found.kind === "committed" ? known.get(found.id) : undefined
    if (before !== undefined) return before
    yield* layerIsThere(store, "usage", name, found.paths.layer)
    const measured: Usage = yield* Effect.mapError(
      store.fs.usage(found.paths.layer),
      (error) =>
        error.code === "ENOENT" || error.code === "ENOTDIR"
          ? new Damaged({ snapshot: called(name), path: error.path, reason: "is missing" })
          : readFailedIn("usage")(error)
    )
    if (known.size >= ancestorsMax) known.clear()
    if (found.kind === "committed") known.set(found.id, measured)
    return measured
  })

  return (name: KeyOrName): Effect.Effect<Usage, UsageError> =>
    Effect.andThen(
      validIdentifier("key", name),
      reading(store, "usage", "usage", name, (found) => measure(name, found))
    )
}
