/**
 * Reading the store. Nothing here takes the lock: what was found and has moved on meanwhile is looked for again.
 */
import { Effect, Result } from "effect"
import { called, type CommittedInfo, type Info, Key, type Kind, Name, type SnapshotId } from "../Snapshot.ts"
import { Damaged, type StoreFailure } from "../SnapshotterError.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { parseLink, parseParentLink, type SnapshotPaths, type Target } from "./layout.ts"
import { type Metadata, readMetadata } from "./metadata.ts"
import { sha256Hex } from "./sha256.ts"
import { type Ancestor, ancestorsMax, isFull, readFailedIn, type Store } from "./store.ts"
import type { State } from "./transition.ts"

/** A snapshot as it was found under its name. */
export interface Found extends Target {
  readonly paths: SnapshotPaths
  readonly metadata: Metadata
}

export const stateOf = (found: Found | undefined): State => found?.kind ?? "absent"

/** Failures that say something about the process, and nothing about what was to be read. */
const ofTheProcess = ["EMFILE", "ENFILE", "ENOMEM", "ENOSPC", "EDQUOT", "EROFS", "EINTR", "EAGAIN"]

/** Failures that say something about the disk or the process, not about what was read. */
const passing = new Set([...ofTheProcess, "EIO", "ESTALE", "ETIMEDOUT"])

/** For whoever looks at everything: what a read gives, or `otherwise` where that one thing cannot be read. */
export const unlessUnreadable = <A, B>(
  read: Effect.Effect<A, FileSystemError>,
  otherwise: (error: FileSystemError) => B
): Effect.Effect<A | B, FileSystemError> =>
  Effect.catchIf(read, ({ code }) => !ofTheProcess.includes(code), (error) => Effect.succeed(otherwise(error)))

/** A failed read of something that belongs to a snapshot: the snapshot is damaged, unless the machine is at fault. */
const damagedBy = (operation: string, name: string) => (error: FileSystemError): Damaged | StoreFailure =>
  passing.has(error.code)
    ? readFailedIn(operation)(error)
    : new Damaged({ snapshot: called(name), path: error.path, reason: `cannot be read (${error.code})` })

/** Where an index link leads, whether or not anything is there. */
export const follow = Effect.fnUntraced(function*(store: Store, operation: string, name: string) {
  const link = store.layout.link(sha256Hex(name))
  const text = yield* Effect.mapError(store.fs.readLink(link), damagedBy(operation, name))
  if (text === undefined) return undefined
  const target = parseLink(text)
  if (target === undefined) {
    return yield* new Damaged({ snapshot: called(name), path: link, reason: "does not lead to a snapshot" })
  }
  return target
})

/** The snapshot that bears this name, or `undefined`. A link counts only if what it leads to bears the name. */
export const lookUp = Effect.fnUntraced(function*(store: Store, operation: string, name: string) {
  const target = yield* follow(store, operation, name)
  if (target === undefined) return undefined
  const metadata = yield* metadataAt(store, operation, name, target)
  if (metadata === undefined || metadata.name !== name) return undefined
  return { ...target, paths: store.layout.snapshot(target.kind, target.id), metadata } satisfies Found
})

/**
 * What the snapshot's own file says; `undefined` where the snapshot is not. A directory that is there both before and after
 * a read was there meanwhile: no id ever comes back to a place.
 */
export const metadataAt = Effect.fnUntraced(function*(store: Store, operation: string, name: string, target: Target) {
  const paths = store.layout.snapshot(target.kind, target.id)
  const path = paths.metadata(target.kind)
  for (let wasThere = false;; wasThere = true) {
    const text = yield* Effect.mapError(store.fs.readFile(path), damagedBy(operation, name))
    if (text !== undefined) {
      const read = readMetadata(text)
      if (Result.isSuccess(read)) return read.success
      return yield* new Damaged({ snapshot: called(name), path, reason: read.failure })
    }
    const directory = yield* Effect.mapError(store.fs.lstat(paths.directory), damagedBy(operation, name))
    if (directory === undefined) return undefined
    if (wasThere) return yield* new Damaged({ snapshot: called(name), path, reason: "is missing" })
  }
})

/** The id of the parent, as the link says and the metadata confirms. */
export const parentOf = Effect.fnUntraced(function*(store: Store, operation: string, name: string, found: Found) {
  const text = yield* Effect.mapError(store.fs.readLink(found.paths.parent), damagedBy(operation, name))
  const parent = text === undefined ? undefined : parseParentLink(text)
  if (parent === found.metadata.parent && (text === undefined) === (parent === undefined)) return parent
  return yield* new Damaged({
    snapshot: called(name),
    path: found.paths.parent,
    reason: text === undefined ? "is missing" : "does not lead to the parent that the metadata names"
  })
})

/** What is known for good about a committed snapshot, by its id. `name` is whom to call damaged if it is not there. */
export const ancestor = Effect.fnUntraced(function*(store: Store, operation: string, name: string, id: SnapshotId) {
  const known = store.ancestors.get(id)
  // Another process may have made it durable since; where nothing waits for the disk, nobody asks.
  if (known !== undefined && (known.durable || !isFull(store))) return known
  const target = { kind: "committed", id } as const
  const paths = store.layout.snapshot("committed", id)
  const metadata = yield* metadataAt(store, operation, name, target)
  if (metadata === undefined) {
    return yield* new Damaged({
      snapshot: called(name),
      path: paths.directory,
      reason: "is missing, and it is one of its parents"
    })
  }
  const parent = yield* parentOf(store, operation, name, { ...target, paths, metadata })
  const found: Ancestor = { name: Name.make(metadata.name), parent, durable: metadata.durable }
  if (store.ancestors.size >= ancestorsMax) store.ancestors.clear()
  store.ancestors.set(id, found)
  return found
})

/** The chain from this ancestor on, nearest first, itself included. */
export const chainFrom = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  nearest: SnapshotId | undefined
) {
  const chain = new Set<SnapshotId>()
  for (let id = nearest; id !== undefined;) {
    if (chain.has(id)) {
      const path = store.layout.snapshot("committed", id).directory
      return yield* new Damaged({ snapshot: called(name), path, reason: "is its own ancestor" })
    }
    chain.add(id)
    id = (yield* ancestor(store, operation, name, id)).parent
  }
  return [...chain]
})

/** Fails unless the layer's directory is there: a missing one would show as an empty tree, or as its parents' alone. */
export const layerIsThere = Effect.fnUntraced(function*(store: Store, operation: string, name: string, path: string) {
  const entry = yield* Effect.mapError(store.fs.lstat(path), damagedBy(operation, name))
  if (entry?.type !== "directory") {
    return yield* new Damaged({
      snapshot: called(name),
      path,
      reason: entry === undefined ? "is missing" : "is not a directory"
    })
  }
})

/** The parent's name; `name` is whose parent it is. */
export const nameOfParent = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  name: string,
  parent: SnapshotId | undefined
) {
  return parent === undefined ? undefined : (yield* ancestor(store, operation, name, parent)).name
})

/** What `stat` and `walk` tell of a snapshot, whose parent is known. */
export const infoOf = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  found: Found,
  parent: SnapshotId | undefined
) {
  const name = yield* nameOfParent(store, operation, found.metadata.name, parent)
  return toInfo(found.kind, found.metadata, name)
})

/** The public shape of what the metadata says. */
export const toInfo = (kind: Kind, metadata: Metadata, parent: Name | undefined): Info => {
  switch (kind) {
    case "active":
      return { kind, name: Key.make(metadata.name), readonly: false, ...commonInfo(metadata, parent) }
    case "view":
      return { kind, name: Key.make(metadata.name), readonly: true, ...commonInfo(metadata, parent) }
    case "committed":
      return committedInfo(metadata, parent)
  }
}

export const committedInfo = (metadata: Metadata, parent: Name | undefined): CommittedInfo => ({
  kind: "committed",
  name: Name.make(metadata.name),
  readonly: true,
  ...commonInfo(metadata, parent)
})

const commonInfo = ({ createdAt, labels, updatedAt }: Metadata, parent: Name | undefined) => ({
  ...(parent === undefined ? {} : { parent }),
  labels,
  createdAt,
  updatedAt
})
