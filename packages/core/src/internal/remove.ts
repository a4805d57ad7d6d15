/**
 * `remove`. Commit point: the rename of the snapshot's directory to `trash/<id>`.
 *
 * Before it, on disk: nothing. After it: `trash/` and the directory that it left. Only then the link, the parent's mark of
 * the child and, without the lock, the contents go.
 */
import { Effect } from "effect"
import { called, type KeyOrName, type SnapshotId } from "../Snapshot.ts"
import {
  childrenShownMax,
  Damaged,
  HasChildren,
  type ReadOnlyStore,
  type SnapshotNotFound,
  type StoreFailure
} from "../SnapshotterError.ts"
import { notMounted } from "./busy.ts"
import { childName, childrenOf } from "./children.ts"
import { empty } from "./empty.ts"
import { isMeant } from "./identity.ts"
import { validIdentifier } from "./input.ts"
import { parseLink, parseParentLink } from "./layout.ts"
import type { Metadata } from "./metadata.ts"
import { moving } from "./moving.ts"
import { follow, type Found, unlessUnreadable } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, inBackground, isFull, leaveBehind, type Store } from "./store.ts"
import { subject } from "./subject.ts"

const operation = "remove"

/** The snapshot to remove; one that is damaged is known by its link alone. */
interface Subject extends Omit<Found, "metadata"> {
  readonly name: string
  readonly metadata: Metadata | undefined
}

export const remove = (store: Store) => {
  return Effect.fnUntraced(function*(name: KeyOrName) {
    yield* validIdentifier("key", name)
    const id = yield* store.turns.take({
      operation,
      reads: [],
      writes: [sha256Hex(name)],
      notSynced: failedIn(operation),
      stage: (staging) =>
        Effect.gen(function*() {
          const found = yield* find(name)
          yield* isMeant(name, found.id)
          if (found.kind === "committed") yield* withoutChildren(found)
          yield* notMounted(store, operation, found, staging)
          return yield* stage(found)
        })
    })
    // Who is interrupted leaves, and the deletion goes on: the snapshot is gone in any case.
    return yield* inBackground(store, empty(store, store.layout.snapshot("trash", id).directory))
  })

  function find(name: string): Effect.Effect<Subject, SnapshotNotFound | Damaged | StoreFailure | ReadOnlyStore> {
    return Effect.catchTag(
      Effect.map(subject(store, operation, "remove", name), (found) => ({ ...found, name })),
      "Damaged",
      (damage) => findDamaged(name, damage)
    )
  }

  /** Nothing in a damaged snapshot says what it is called: it is removed only where one link alone leads to it. */
  function findDamaged(name: string, damage: Damaged) {
    return Effect.gen(function*() {
      const target = yield* follow(store, operation, name)
      if (target === undefined) return yield* damage
      const links = yield* linksTo(target.id)
      if (links.length > 1) {
        const reason = `cannot be told from another one, since ${links.length} links lead to it`
        return yield* new Damaged({ snapshot: called(name), path: damage.path, reason })
      }
      const paths = store.layout.snapshot(target.kind, target.id)
      // Its owner needs the right to write it, to move it.
      yield* leaveBehind(store.fs.setMode(paths.directory, 0o700))
      return { ...target, name, paths, metadata: undefined } satisfies Subject
    })
  }

  function linksTo(id: SnapshotId) {
    return Effect.gen(function*() {
      const hashes = yield* store.fs.readDirectory(store.layout.index)
      const texts = yield* Effect.forEach(
        hashes,
        (hash) => unlessUnreadable(store.fs.readLink(store.layout.link(hash)), () => undefined)
      )
      return texts.filter((text) => text !== undefined && parseLink(text)?.id === id)
    }).pipe(Effect.mapError(failedIn(operation)))
  }

  function withoutChildren({ id, name }: Subject) {
    return Effect.gen(function*() {
      const children = yield* childrenOf(store, id)
      if (children.length === 0) return
      const shown = yield* Effect.forEach(children.slice(0, childrenShownMax), (child) => childName(store, child))
      return yield* new HasChildren({ snapshot: called(name), children: shown.map(called), count: children.length })
    }).pipe(Effect.catchTag("FileSystemError", (error) => Effect.fail(failedIn(operation)(error))))
  }

  function stage(found: Subject) {
    return Effect.gen(function*() {
      const parent = found.metadata === undefined ? yield* parentOfDamaged(found) : found.metadata.parent
      const waits = isFull(store) || found.metadata?.durable !== false
      return {
        before: [],
        ...moving(store, found.id, found.kind, "trash", waits),
        settle: settle(found, parent),
        result: found.id
      }
    })
  }

  function parentOfDamaged({ paths }: Subject) {
    return Effect.match(store.fs.readLink(paths.parent), {
      onFailure: () => undefined,
      onSuccess: (text) => text === undefined ? undefined : parseParentLink(text)
    })
  }

  function settle(found: Subject, parent: SnapshotId | undefined) {
    return Effect.gen(function*() {
      store.ancestors.delete(found.id)
      store.suspicion.of.delete(found.id)
      yield* leaveBehind(store.fs.removeFile(store.layout.link(sha256Hex(found.name))))
      if (parent !== undefined) {
        yield* leaveBehind(store.fs.removeFile(store.layout.snapshot("committed", parent).child(found.id)))
      }
    })
  }
}
