/**
 * `check`: what a store on disk must look like, read off it, each finding with the promise that it breaks.
 *
 * What it looks at: the root and its directories, every link of the index, every snapshot's directory, metadata, layer and
 * parent, every mark of a child, everything left to reclaim. What it does not: the contents of layers.
 */
import { Effect, Result } from "effect"
import type { Kind, SnapshotId } from "../Snapshot.ts"
import { StoreFailure } from "../SnapshotterError.ts"
import { done } from "./change.ts"
import { childMarks, whereIs } from "./children.ts"
import { idsAmong, isHash, kinds, parseLink, parseParentLink, type Target } from "./layout.ts"
import { type Metadata, readMetadata } from "./metadata.ts"
import { unlessUnreadable } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { readFailedIn, type Store } from "./store.ts"

/** Something that is not as promised. */
export interface Violation {
  /** The promise it concerns: `P1` forest, `P2` immutability, `P3` crash, `P4` power loss, `P6` bad input. */
  readonly promise: "P1" | "P2" | "P3" | "P4" | "P6"
  /**
   * `damage` has lost something, or would mislead. `suspect` may have lost contents in a sync that failed. `reclaimable`
   * takes up space until `cleanup`.
   */
  readonly severity: "damage" | "suspect" | "reclaimable"
  readonly path: string
  /** The key or name, where it can be told. */
  readonly snapshot: string | undefined
  readonly message: string
}

/** Every snapshot's directory, with what could be read of it. */
interface Seen extends Target {
  readonly metadata: Metadata | undefined
}

/** Looks at everything, under the lock, so that nothing moves meanwhile; on a read-only store too. */
export const check = (store: Store) =>
  store.turns.take({
    operation: "check",
    reads: [],
    writes: undefined,
    changesNothing: true,
    notSynced: readFailedIn("check"),
    stage: () =>
      Effect.gen(function*() {
        const violations: Array<Violation> = []
        const seen = yield* lookAtSnapshots(store, violations)
        yield* lookAtIndex(store, seen, violations)
        yield* lookAtParents(store, seen, violations)
        yield* lookAtLeftovers(store, seen, violations)
        return done<ReadonlyArray<Violation>>(violations)
      }).pipe(Effect.mapError(readFailedIn("check")))
  }).pipe(
    Effect.catchTags({
      // It asks for no sync.
      NotDurable: Effect.die,
      ReadOnlyStore: ({ path }) =>
        Effect.fail(new StoreFailure({ operation: "check", path, code: "EROFS", call: "tryLock" }))
    })
  )

const damage = (promise: Violation["promise"], path: string, message: string, snapshot?: string): Violation => ({
  promise,
  severity: "damage",
  path,
  snapshot,
  message
})

const reclaimable = (path: string, message: string, snapshot?: string): Violation => ({
  promise: "P3",
  severity: "reclaimable",
  path,
  snapshot,
  message
})

const lookAtSnapshots = Effect.fnUntraced(function*(store: Store, violations: Array<Violation>) {
  const seen = new Map<SnapshotId, Seen>()
  for (const kind of kinds) {
    const names = yield* store.fs.readDirectory(store.layout.place(kind))
    const ids = idsAmong(names)
    for (const name of names.filter((one) => !(ids as ReadonlyArray<string>).includes(one))) {
      violations.push(damage("P6", `${store.layout.place(kind)}/${name}`, "is not a snapshot's directory"))
    }
    for (const id of ids) {
      if (seen.has(id)) {
        violations.push(damage("P1", store.layout.snapshot(kind, id).directory, "has an id that is used twice"))
      }
      seen.set(id, { kind, id, metadata: yield* lookAtSnapshot(store, kind, id, violations) })
    }
  }
  return seen
})

const lookAtSnapshot = Effect.fnUntraced(
  function*(store: Store, kind: Kind, id: SnapshotId, violations: Array<Violation>) {
    const paths = store.layout.snapshot(kind, id)
    const path = paths.metadata(kind)
    const text = yield* unlessUnreadable(store.fs.readFile(path), ({ code }) => ({ code }))
    const read = typeof text === "string"
      ? readMetadata(text)
      : Result.fail(text === undefined ? "is missing" : `cannot be read (${text.code})`)
    const metadata = Result.getOrUndefined(read)
    if (Result.isFailure(read)) violations.push(damage("P6", path, read.failure))
    for (const directory of kind === "active" ? [paths.layer, paths.work] : [paths.layer]) {
      const entry = yield* unlessUnreadable(store.fs.lstat(directory), ({ code }) => code)
      if (typeof entry === "string") {
        violations.push(damage("P2", directory, `cannot be read (${entry})`, metadata?.name))
      } else if (entry?.type !== "directory") {
        violations.push(damage("P2", directory, "is missing, or no directory", metadata?.name))
      }
    }
    const suspect = yield* unlessUnreadable(
      store.fs.readFile(paths.suspect),
      ({ code }) => `its note cannot be read: ${code}`
    )
    if (suspect !== undefined) {
      const message = `a sync failed (${suspect}) while its contents may have been on their way to disk`
      violations.push({ promise: "P4", severity: "suspect", path: paths.layer, snapshot: metadata?.name, message })
    }
    return metadata
  }
)

/** What to do about something in the index that is no link. */
const remedyOf = (store: Store, hash: string) =>
  Effect.map(store.fs.lstat(store.layout.link(hash)), (entry) => {
    if (!isHash(hash)) return ""
    return entry?.type === "directory" ? "; it is a directory: move it elsewhere" : "; relink puts it right"
  })

/** Neither remove nor relink can be told whom they are to see to. */
const nameless =
  " and no metadata that can be read, so nobody knows its name any more; once it has been looked into, it can be deleted by hand"

/** Every snapshot has the one link that its name asks for; every other link is dead. */
const lookAtIndex = Effect.fnUntraced(function*(
  store: Store,
  seen: ReadonlyMap<SnapshotId, Seen>,
  violations: Array<Violation>
) {
  const linked = new Set<SnapshotId>()
  for (const hash of yield* store.fs.readDirectory(store.layout.index)) {
    const path = store.layout.link(hash)
    const text = yield* unlessUnreadable(store.fs.readLink(path), () => undefined)
    const target = text === undefined ? undefined : parseLink(text)
    if (target === undefined) {
      violations.push(damage("P6", path, `is not a link to a snapshot${yield* remedyOf(store, hash)}`))
      continue
    }
    const there = seen.get(target.id)
    if (there?.kind !== target.kind) violations.push(reclaimable(path, "leads nowhere"))
    else if (there.metadata === undefined) linked.add(target.id)
    else if (sha256Hex(there.metadata.name) !== hash) {
      violations.push(reclaimable(path, "leads to a snapshot that is called otherwise", there.metadata.name))
    } else linked.add(target.id)
  }
  // Of several that bear a name it is the one's that the link leads to.
  const all = [...seen.values()]
  const names = new Set(all.filter(({ id }) => linked.has(id)).map(({ metadata }) => metadata?.name))
  for (const { id, kind, metadata } of all.filter(({ id }) => !linked.has(id))) {
    const path = store.layout.snapshot(kind, id).directory
    if (metadata !== undefined && names.has(metadata.name)) {
      violations.push(damage("P1", path, "bears a name that another one bears too", metadata.name))
    } else {
      const remedy = metadata === undefined ? nameless : "; relink puts it back"
      violations.push(damage("P1", path, `has no link in the index${remedy}`, metadata?.name))
    }
    names.add(metadata?.name)
  }
})

/** Every parent exists, is committed, knows its child, and nobody is its own ancestor. */
const lookAtParents = Effect.fnUntraced(function*(
  store: Store,
  seen: ReadonlyMap<SnapshotId, Seen>,
  violations: Array<Violation>
) {
  const parents = new Map<SnapshotId, SnapshotId>()
  for (const { id, kind, metadata } of seen.values()) {
    const paths = store.layout.snapshot(kind, id)
    const text = yield* unlessUnreadable(store.fs.readLink(paths.parent), () => "unreadable")
    const parent = text === undefined ? undefined : parseParentLink(text)
    if (metadata !== undefined && (parent !== metadata.parent || (text !== undefined && parent === undefined))) {
      violations.push(damage("P1", paths.parent, "does not lead to the parent that the metadata names", metadata.name))
    }
    if (parent === undefined) continue
    parents.set(id, parent)
    if (seen.get(parent)?.kind !== "committed") {
      violations.push(damage("P1", paths.parent, "leads to a parent that is not there", metadata?.name))
      continue
    }
    const mark = store.layout.snapshot("committed", parent).child(id)
    if ((yield* store.fs.lstat(mark)) === undefined) {
      violations.push(damage("P1", mark, "is missing: the parent does not know its child", metadata?.name))
    }
  }
  for (const id of seen.keys()) {
    if (isItsOwnAncestor(id, parents)) {
      violations.push(damage("P1", store.layout.snapshot("committed", id).directory, "is its own ancestor"))
    }
  }
})

const isItsOwnAncestor = (id: SnapshotId, parents: ReadonlyMap<SnapshotId, SnapshotId>): boolean => {
  const passed = new Set<SnapshotId>()
  for (let at = parents.get(id); at !== undefined && !passed.has(at); at = parents.get(at)) {
    if (at === id) return true
    passed.add(at)
  }
  return false
}

const lookAtLeftovers = Effect.fnUntraced(function*(
  store: Store,
  seen: ReadonlyMap<SnapshotId, Seen>,
  violations: Array<Violation>
) {
  for (const place of ["staging", "trash"] as const) {
    for (const name of yield* store.fs.readDirectory(store.layout.place(place))) {
      const message = place === "staging" ? "was begun and never came to be" : "is on its way out"
      violations.push(reclaimable(`${store.layout.place(place)}/${name}`, message))
    }
  }
  for (const { id, kind, metadata } of seen.values()) {
    const paths = store.layout.snapshot(kind, id)
    const leftovers = {
      active: [paths.next, paths.name, paths.children],
      view: [paths.next],
      committed: [paths.next, paths.work]
    }[kind]
    for (const path of leftovers) {
      if ((yield* store.fs.lstat(path)) !== undefined) {
        violations.push(reclaimable(path, "is left over", metadata?.name))
      }
    }
    if (kind !== "committed") continue
    const marks = yield* unlessUnreadable(childMarks(store, id), ({ code }) => {
      violations.push(damage("P6", paths.children, `cannot be read (${code})`, metadata?.name))
      return []
    })
    for (const child of marks) {
      if ((yield* whereIs(store, child)) !== undefined) continue
      violations.push(reclaimable(paths.child(child), "marks a child that is not there", metadata?.name))
    }
  }
})
