/**
 * `update`. Commit point: the exchange of the new metadata file with the old one.
 *
 * Before it, on disk: the new file. After it: the snapshot's directory. Only then the old file goes.
 */
import { Clock, Effect } from "effect"
import type { KeyOrName, Labels, SnapshotId } from "../Snapshot.ts"
import { markAgain } from "./children.ts"
import { chainIsDurable, makeChainDurable, untilSettled, wholeSnapshot } from "./durable.ts"
import { type LabelUpdate, validIdentifier, validUpdate } from "./input.ts"
import { type Found, layerIsThere, nameOfParent, parentOf, toInfo } from "./read.ts"
import { replaceMetadata } from "./replace.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, isFull, type Store } from "./store.ts"
import { reading, subject } from "./subject.ts"
import { notSuspect } from "./suspicion.ts"

const operation = "update"

export const update = (store: Store) => {
  const full = isFull(store)

  return Effect.fnUntraced(function*(name: KeyOrName, change: LabelUpdate) {
    yield* validIdentifier("key", name)
    const relabel = yield* validUpdate(change)
    return yield* untilSettled(attempt(name, relabel))
  })

  function attempt(name: KeyOrName, relabel: (labels: Labels) => Labels) {
    return Effect.gen(function*() {
      if (full) yield* reading(store, operation, "update", name, makeFoundationDurable)
      return yield* store.turns.take({
        operation,
        reads: [],
        writes: [sha256Hex(name)],
        notSynced: failedIn(operation),
        stage: (staging) =>
          Effect.gen(function*() {
            const found = yield* subject(store, operation, "update", name)
            const parent = yield* parentOf(store, operation, name, found)
            const parentName = yield* nameOfParent(store, operation, name, parent)
            yield* chainIsDurable(store, operation, name, found.kind === "committed" ? found.id : parent)
            const now = yield* Clock.currentTimeNanos
            const { metadata } = found
            const next = {
              ...metadata,
              labels: relabel(metadata.labels),
              updatedAt: now > metadata.updatedAt ? now : metadata.updatedAt + 1n,
              durable: full || metadata.durable
            }
            // One that was made without syncs has to be on disk itself before its labels are said to be.
            const wanted = next.durable && !metadata.durable ? wholeSnapshot(store, found.kind, found.id, parent) : []
            if (wanted.length > 0) yield* canBePromised(name, found, parent)
            const staged = yield* replaceMetadata(store, operation, staging, found, next, wanted)
            return { ...staged, result: toInfo(found.kind, next, parentName) }
          })
      })
    })
  }

  /** Of what was made without syncs a power loss may have taken anything. */
  function canBePromised(name: KeyOrName, { id, kind, paths }: Found, parent: SnapshotId | undefined) {
    return Effect.gen(function*() {
      yield* layerIsThere(store, operation, name, paths.layer)
      if (kind === "active") {
        yield* layerIsThere(store, operation, name, paths.work)
        yield* notSuspect(store, operation, name, "active", id)
      }
      if (parent !== undefined) yield* markAgain(store, operation, name, parent, id)
    })
  }

  function makeFoundationDurable(found: Found) {
    return Effect.gen(function*() {
      // A committed one is its own foundation.
      const foundation = found.kind === "committed"
        ? found.id
        : yield* parentOf(store, operation, found.metadata.name, found)
      yield* makeChainDurable(store, operation, found.metadata.name, foundation)
    })
  }
}
