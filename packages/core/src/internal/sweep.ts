/**
 * What open and `cleanup` reclaim. Open looks only into `staging/` and `trash/`; `cleanup` also takes dead links, child
 * marks without a child, what a commit or an update wrote and never came to count, and `work/` of committed snapshots.
 *
 * Never more than that: a directory in `active/`, `view/` or `committed/` without its link is damage, for `check` to
 * report, not rubbish. Everything is looked for without the lock and looked at again under it.
 */
import { Effect, Result } from "effect"
import type { CleanupError } from "../SnapshotterError.ts"
import type { FileSystemError, Unremoved } from "../StoreFileSystem.ts"
import { isMounted } from "./busy.ts"
import { done } from "./change.ts"
import { childMarks, whereIs } from "./children.ts"
import { empty, type Reclaimed } from "./empty.ts"
import { idsAmong, parseLink, type Place } from "./layout.ts"
import { isMarked } from "./mark.ts"
import { readMetadata } from "./metadata.ts"
import { unlessUnreadable } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, type Store } from "./store.ts"

/** Something that may be rubbish. */
interface Rubbish {
  readonly path: string
  /** Where it is moved to, to be emptied without the lock; without it, it is a file or link to unlink. */
  readonly moveTo?: string
  /** Whether it is rubbish indeed: asked when it is found, and under the lock. */
  readonly still: Effect.Effect<boolean, FileSystemError>
}

type Finder = (store: Store) => Effect.Effect<ReadonlyArray<Rubbish>, FileSystemError>

/** Sweeps `staging/` and `trash/`: what is done whenever a store is opened. */
export const sweep = (store: Store) => reclaim(store, "open", [findStaged, findTrashed])

/** Sweeps everything, the store's mark included: whoever takes a turn sees to that. */
export const cleanup = (store: Store) =>
  reclaim(
    store,
    "cleanup",
    [findStaged, findTrashed, findDeadLinks, findDeadMarks, findLeftFiles, findLeftWork],
    isMarked(store.fs, store.layout.place("staging"))
  )

const reclaim = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  finders: ReadonlyArray<Finder>,
  isLeft: Effect.Effect<boolean, FileSystemError> = Effect.succeed(false)
): Effect.fn.Return<Reclaimed, CleanupError> {
  const failed = failedIn(operation)
  const all = (yield* Effect.mapError(Effect.forEach(finders, (find) => find(store)), failed)).flat()
  const found = yield* Effect.filter(all, ({ still }) => Effect.orElseSucceed(still, () => true))
  const removed: Array<string> = []
  const unremoved: Array<Unremoved> = []
  if (found.length === 0 && !(yield* Effect.mapError(isLeft, failed))) return { removed, unremoved }
  const trashed = yield* store.turns.take({
    operation,
    reads: [],
    writes: undefined,
    notSynced: failed,
    stage: () =>
      Effect.gen(function*() {
        const rubbish = yield* Effect.filter(found, ({ path, still }) =>
          Effect.catch(still, ({ code }) => {
            unremoved.push({ path, code })
            return Effect.succeed(false)
          }))
        const trashed: Array<string> = []
        return {
          ...done(trashed),
          settle: Effect.forEach(rubbish, (one) =>
            Effect.match(discard(store, one), {
              onFailure: (error) => unremoved.push({ path: one.path, code: error.code }),
              onSuccess: () => one.moveTo === undefined ? removed.push(one.path) : trashed.push(one.moveTo)
            }), { discard: true })
        }
      }).pipe(Effect.mapError(failed))
  })
  for (const directory of trashed) {
    const reclaimed = yield* empty(store, directory)
    removed.push(...reclaimed.removed)
    unremoved.push(...reclaimed.unremoved)
  }
  return { removed, unremoved }
})

const discard = (store: Store, { path, moveTo }: Rubbish): Effect.Effect<unknown, FileSystemError> => {
  if (moveTo === undefined) return store.fs.removeFile(path)
  return path === moveTo ? Effect.void : store.fs.moveNoReplace(path, moveTo)
}

/** `staging/` is filled under the lock: what is there when we hold it, was begun by somebody who is dead. */
const findStaged: Finder = Effect.fnUntraced(function*(store) {
  const names = yield* store.fs.readDirectory(store.layout.place("staging"))
  return names.map((name) => {
    const path = `${store.layout.place("staging")}/${name}`
    return { path, moveTo: `${store.layout.place("trash")}/${name}`, still: exists(store, path) }
  })
})

const findTrashed: Finder = Effect.fnUntraced(function*(store) {
  const names = yield* store.fs.readDirectory(store.layout.place("trash"))
  return names.map((name) => {
    const path = `${store.layout.place("trash")}/${name}`
    return { path, moveTo: path, still: exists(store, path) }
  })
})

const findDeadLinks: Finder = Effect.fnUntraced(function*(store) {
  const hashes = yield* store.fs.readDirectory(store.layout.index)
  return hashes.map((hash) => ({ path: store.layout.link(hash), still: isDeadLink(store, hash) }))
})

/** A link is dead if nothing is where it leads, or something that is called otherwise. */
const isDeadLink = Effect.fnUntraced(function*(store: Store, hash: string) {
  const target = yield* targetOf(store, hash)
  if (target === undefined) return false
  const paths = store.layout.snapshot(target.kind, target.id)
  if (!(yield* exists(store, paths.directory))) return true
  const metadata = readMetadata((yield* readOrNothing(store, paths.metadata(target.kind))) ?? "")
  return Result.isSuccess(metadata) && sha256Hex(metadata.success.name) !== hash
})

/** Where a link of the index leads; `undefined` for what is none of ours. */
const targetOf = (store: Store, hash: string) =>
  Effect.map(
    unlessUnreadable(store.fs.readLink(store.layout.link(hash)), () => undefined),
    (text) => text === undefined ? undefined : parseLink(text)
  )

const findDeadMarks: Finder = Effect.fnUntraced(function*(store) {
  const rubbish: Array<Rubbish> = []
  for (const id of yield* idsIn(store, "committed")) {
    for (const child of yield* unlessUnreadable(childMarks(store, id), () => [])) {
      const still = Effect.map(whereIs(store, child), (now) => now === undefined)
      const path = store.layout.snapshot("committed", id).child(child)
      rubbish.push({ path, still })
    }
  }
  return rubbish
})

/** Metadata, and places for marks of children, that were made and never came to count. */
const findLeftFiles: Finder = Effect.fnUntraced(function*(store) {
  const rubbish: Array<Rubbish> = []
  const left = (path: string, more: { readonly moveTo?: string } = {}) =>
    rubbish.push({ path, still: exists(store, path), ...more })
  for (const place of ["active", "view", "committed"] as const) {
    for (const id of yield* idsIn(store, place)) {
      const paths = store.layout.snapshot(place, id)
      left(paths.next)
      if (place !== "active") continue
      left(paths.name)
      left(paths.children, { moveTo: store.layout.trashedChildren(id) })
    }
  }
  return rubbish
})

const findLeftWork: Finder = Effect.fnUntraced(function*(store) {
  const ids = yield* idsIn(store, "committed")
  return ids.map((id) => {
    const { work } = store.layout.snapshot("committed", id)
    return {
      path: work,
      moveTo: store.layout.trashedWork(id),
      still: Effect.flatMap(
        exists(store, work),
        (there) => there ? Effect.map(isMounted(store, id), (mounted) => !mounted) : Effect.succeed(false)
      )
    }
  })
})

const idsIn = (store: Store, place: Place) => Effect.map(store.fs.readDirectory(store.layout.place(place)), idsAmong)

const exists = (store: Store, path: string) => Effect.map(store.fs.lstat(path), (entry) => entry !== undefined)

const readOrNothing = (store: Store, path: string) => unlessUnreadable(store.fs.readFile(path), () => undefined)
