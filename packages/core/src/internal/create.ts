/**
 * `prepare` and `view`. Commit point: the rename of `staging/<id>` to `active/<id>` or `view/<id>`.
 *
 * Before it, on disk: what is in `staging/<id>`, the index link, the parent's mark of the child. After it: the directory
 * it went to. Nothing is destroyed.
 */
import { Clock, Effect } from "effect"
import { type Key, type Labels, layersMaxOfKernel, type Name, type SnapshotId } from "../Snapshot.ts"
import { TooManyLayers } from "../SnapshotterError.ts"
import { barrier, type Staging } from "./change.ts"
import { mark } from "./children.ts"
import { chainIsDurable, makeChainDurable, parentMarks, untilSettled } from "./durable.ts"
import { Meant } from "./identity.ts"
import { validIdentifier, validLabels } from "./input.ts"
import { parentLinkText, type SnapshotPaths } from "./layout.ts"
import { placeLink } from "./links.ts"
import { encodeMetadata, newMetadata } from "./metadata.ts"
import { moving } from "./moving.ts"
import { chainFrom, layerIsThere } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, isFull, leaveBehind, type Store } from "./store.ts"
import { nothingInTheWay, reading, subject } from "./subject.ts"
import { mountsOfSnapshot } from "./tree.ts"
import { interruptibly } from "./turns.ts"

/** What the new snapshot is made from. */
interface Plan {
  readonly kind: "active" | "view"
  readonly key: Key
  readonly labels: Labels
  readonly parent: SnapshotId | undefined
}

export const create = (store: Store, kind: "active" | "view") => {
  const operation = kind === "active" ? "prepare" : "view"
  const full = isFull(store)

  return Effect.fnUntraced(function*(
    key: Key,
    options?: { readonly parent?: Name | undefined; readonly labels?: Labels | undefined }
  ) {
    yield* validIdentifier("key", key)
    const parent = options?.parent
    if (parent !== undefined) yield* validIdentifier("parent", parent)
    const labels = yield* validLabels(options?.labels)
    return yield* untilSettled(attempt(key, parent, labels))
  })

  function attempt(key: Key, parent: Name | undefined, labels: Labels) {
    return Effect.gen(function*() {
      if (full && parent !== undefined) {
        const durable = reading(
          store,
          operation,
          "parent",
          parent,
          ({ id }) => makeChainDurable(store, operation, parent, id)
        )
        yield* interruptibly(durable)
      }
      return yield* store.turns.take({
        operation,
        reads: parent === undefined ? [] : [sha256Hex(parent)],
        writes: [sha256Hex(key)],
        notSynced: failedIn(operation),
        stage: (staging) =>
          Effect.gen(function*() {
            const chain = parent === undefined ? [] : yield* chainOf(parent)
            yield* nothingInTheWay(store, operation, operation, key)
            if (parent !== undefined) yield* chainIsDurable(store, operation, parent, chain[0])
            return yield* stage(staging, { kind, key, labels, parent: chain[0] }, chain)
          })
      })
    })
  }

  /** The new snapshot's chain, whole, and no longer than allowed. */
  function chainOf(parent: Name) {
    return Effect.gen(function*() {
      const chain = yield* chainFrom(store, operation, parent, (yield* subject(store, operation, "parent", parent)).id)
      const limit = Math.min(store.settings.layersMax, layersMaxOfKernel)
      if (chain.length > limit) return yield* new TooManyLayers({ parent, depth: chain.length, limit })
      for (const id of chain) {
        yield* layerIsThere(store, operation, parent, store.layout.snapshot("committed", id).layer)
      }
      return chain
    })
  }

  function stage(staging: Staging, plan: Plan, chain: ReadonlyArray<SnapshotId>) {
    return Effect.gen(function*() {
      const id = yield* store.ids.next
      // Before it happens: whoever asked may have to see to what has happened without being answered.
      const meant = yield* Meant
      if (meant !== undefined) meant.id = id
      const made = store.layout.snapshot("staging", id)
      staging.undo(leaveBehind(store.fs.removeTree(made.directory)))
      yield* Effect.mapError(fill(made, plan), failedIn(operation))
      if (plan.parent !== undefined) yield* markChild(staging, plan, plan.parent, id)
      yield* placeLink(store, operation, staging, plan.key, { kind, id })
      return {
        before: barrier(
          full,
          { kind: "tree", path: made.directory },
          { kind: "directory", path: store.layout.index },
          ...parentMarks(store, plan.parent)
        ),
        ...moving(store, id, "staging", kind, full),
        settle: Effect.void,
        result: mountsOfSnapshot(store, kind, id, chain)
      }
    })
  }

  function fill(made: SnapshotPaths, plan: Plan) {
    return Effect.gen(function*() {
      const now = yield* Clock.currentTimeNanos
      const { key: name, labels, parent } = plan
      const metadata = newMetadata({ name, parent, labels, now, durable: full })
      yield* store.fs.makeDirectory(made.directory, 0o700)
      yield* store.fs.writeFile(made.key, encodeMetadata(metadata), 0o600)
      yield* store.fs.makeDirectory(made.layer, 0o755)
      if (plan.parent !== undefined) {
        yield* store.fs.copyDirectoryAttributes(store.layout.snapshot("committed", plan.parent).layer, made.layer)
        yield* store.fs.symlink(parentLinkText(plan.parent), made.parent)
      }
      if (kind === "active") yield* store.fs.makeDirectory(made.work, 0o711)
    })
  }

  /** The parent knows its child before the child appears. */
  function markChild(staging: Staging, { key }: Plan, parent: SnapshotId, id: SnapshotId) {
    staging.undo(leaveBehind(store.fs.removeFile(store.layout.snapshot("committed", parent).child(id))))
    return mark(store, operation, key, parent, id)
  }
}
