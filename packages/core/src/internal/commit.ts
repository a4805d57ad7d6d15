/**
 * `commit`. Commit point: the rename of `active/<id>` to `committed/<id>`.
 *
 * Before it, on disk: the layer's contents (mostly without the lock; what remains, under it), the name's metadata beside
 * the key's, the index link, the parent's mark of the child. After it: `committed/`. Only then the key's old link and
 * `work/` go, the latter only when nothing is mounted.
 */
import { Clock, Effect } from "effect"
import { called, type Key, type Labels, type Name, type SnapshotId } from "../Snapshot.ts"
import { ContentsSuspect } from "../SnapshotterError.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { anew } from "./anew.ts"
import { maybeMounted, notMounted } from "./busy.ts"
import { barrier, type Staging } from "./change.ts"
import { markAgain } from "./children.ts"
import { chainIsDurable, makeChainDurable, parentMarks, untilSettled } from "./durable.ts"
import { isMeant } from "./identity.ts"
import { validIdentifier, validLabels } from "./input.ts"
import { placeLink } from "./links.ts"
import { encodeMetadata, newMetadata } from "./metadata.ts"
import { moving } from "./moving.ts"
import { committedInfo, type Found, layerIsThere, nameOfParent, parentOf } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, inBackground, isFull, leaveBehind, type Store } from "./store.ts"
import { nothingInTheWay, reading, subject } from "./subject.ts"
import { mayHaveLost, notSuspect, syncContents } from "./suspicion.ts"

const operation = "commit"

export const commit = (store: Store) => {
  const full = isFull(store)
  const refusesMounted = store.settings.whileMounted === "refuse"

  return Effect.fnUntraced(function*(name: Name, key: Key, options?: { readonly labels?: Labels | undefined }) {
    yield* validIdentifier("name", name)
    yield* validIdentifier("key", key)
    const labels = yield* validLabels(options?.labels)
    const { id, info } = yield* untilSettled(attempt(name, key, labels))
    yield* inBackground(store, leaveBehind(store.fs.removeTree(store.layout.trashedWork(id))))
    return info
  })

  function attempt(name: Name, key: Key, labels: Labels) {
    return Effect.gen(function*() {
      if (full) yield* reading(store, operation, "commit", key, (found) => prepareFor(name, found))
      return yield* store.turns.take({
        operation,
        reads: [],
        writes: [sha256Hex(key), sha256Hex(name)],
        notSynced: (error) => contentsLost(key, error),
        stage: (staging) =>
          Effect.gen(function*() {
            const found = yield* subject(store, operation, "commit", key)
            yield* isMeant(key, found.id)
            yield* committable(name, found)
            if (refusesMounted) yield* notMounted(store, operation, { ...found, name: key }, staging)
            const parent = yield* parentOf(store, operation, key, found)
            if (full) {
              yield* notSuspect(store, operation, key, "active", found.id)
              yield* chainIsDurable(store, operation, key, parent)
            }
            return yield* stage(staging, found, parent, name, labels)
          })
      })
    })
  }

  /** Fails unless the active snapshot can be committed under this name. */
  function committable(name: Name, found: Found) {
    return Effect.gen(function*() {
      yield* nothingInTheWay(store, operation, "commitAs", name)
      yield* layerIsThere(store, operation, found.metadata.name, found.paths.layer)
    })
  }

  /** At `full`, without the lock: the long part, and before it the refusals. What is written by now is on disk after it. */
  function prepareFor(name: Name, found: Found) {
    return Effect.gen(function*() {
      const key = found.metadata.name
      yield* committable(name, found)
      if (refusesMounted) yield* notMounted(store, operation, { ...found, name: key })
      yield* notSuspect(store, operation, key, "active", found.id)
      yield* makeChainDurable(store, operation, key, yield* parentOf(store, operation, key, found))
      yield* syncContents(store, [{ kind: "tree", path: found.paths.directory }]).pipe(
        Effect.mapError((error) => contentsLost(key, error))
      )
    })
  }

  function contentsLost(key: string, error: FileSystemError) {
    return full && mayHaveLost(error)
      ? new ContentsSuspect({ snapshot: called(key), code: error.code })
      : failedIn(operation)(error)
  }

  function stage(staging: Staging, found: Found, parent: SnapshotId | undefined, name: Name, labels: Labels) {
    return Effect.gen(function*() {
      const parentName = yield* nameOfParent(store, operation, found.metadata.name, parent)
      if (parent !== undefined) {
        // A missing place for marks would fail the sync of the whole batch.
        yield* found.metadata.durable
          ? layerIsThere(store, operation, found.metadata.name, store.layout.snapshot("committed", parent).children)
          : markAgain(store, operation, found.metadata.name, parent, found.id)
      }
      const metadata = yield* writeName(staging, found, name, labels)
      yield* placeLink(store, operation, staging, name, { kind: "committed", id: found.id })
      // What was promised to be on disk must not be destroyed by something that is not.
      const waits = full || found.metadata.durable
      return {
        before: barrier(
          waits,
          { kind: "tree", path: found.paths.directory },
          { kind: "directory", path: store.layout.index },
          ...parentMarks(store, parent)
        ),
        ...moving(store, found.id, "active", "committed", waits),
        settle: settle(found),
        result: { id: found.id, info: committedInfo(metadata, parentName) }
      }
    })
  }

  /** The name's metadata, and the place for marks of children, beside what makes the snapshot active. */
  function writeName(staging: Staging, found: Found, name: Name, labels: Labels) {
    return Effect.gen(function*() {
      const now = yield* Clock.currentTimeNanos
      const metadata = newMetadata({ name, parent: found.metadata.parent, labels, now, durable: full })
      staging.undo(leaveBehind(store.fs.removeFile(found.paths.name)))
      yield* Effect.mapError(
        Effect.gen(function*() {
          yield* anew(
            store.fs,
            found.paths.name,
            store.fs.writeFile(found.paths.name, encodeMetadata(metadata), 0o600)
          )
          // A crash may have left it.
          if ((yield* store.fs.lstat(found.paths.children)) === undefined) {
            staging.undo(leaveBehind(store.fs.removeTree(found.paths.children)))
            yield* store.fs.makeDirectory(found.paths.children, 0o700)
          }
        }),
        failedIn(operation)
      )
      return metadata
    })
  }

  function settle(found: Found) {
    return Effect.gen(function*() {
      yield* leaveBehind(store.fs.removeFile(store.layout.link(sha256Hex(found.metadata.name))))
      if (!refusesMounted && (yield* maybeMounted(store, found.id))) return
      const { work } = store.layout.snapshot("committed", found.id)
      yield* leaveBehind(store.fs.moveNoReplace(work, store.layout.trashedWork(found.id)))
    })
  }
}
