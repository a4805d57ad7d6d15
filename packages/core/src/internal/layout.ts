/**
 * Every path of a store, and nothing else.
 *
 * ```
 * ROOT/ (0700)   version
 *   index/<sha256 of key or name>  →  ../active/<id>, ../view/<id> or ../committed/<id>
 *   active/<id>/     fs/ work/ key.json  parent → ../../committed/<id>
 *   view/<id>/       fs/ key.json        parent → …
 *   committed/<id>/  fs/ name.json       parent → …   children/<id>
 *   staging/<id>/    being made          trash/<id>/  being deleted
 * ```
 */
import { Schema } from "effect"
import { type Kind, SnapshotId } from "../Snapshot.ts"

/** The directories right below the root, in the order in which a new store gets them. */
export const directories = ["index", "active", "view", "committed", "staging", "trash"] as const

/** Where the directory of a snapshot can lie. */
export type Place = Kind | "staging" | "trash"

/** What the store itself may append to its root: `/committed/<id>/children/<id>` and `/index/<64 hex digits>`. */
const suffixBytesMax = "/index/".length + 64

/** A path on Linux holds 4,095 bytes. */
export const rootBytesMax = 4_095 - suffixBytesMax

export const kinds: ReadonlyArray<Kind> = ["active", "view", "committed"]

const isId = Schema.is(SnapshotId)

/** Whether a link of the index may have this name. */
export const isHash = (name: string): boolean => /^[0-9a-f]{64}$/.test(name)

/** The paths of one store. */
export interface Layout {
  readonly root: string
  readonly version: string
  /** The record on its way to its place. */
  readonly nextVersion: string
  readonly place: (place: Place) => string
  readonly index: string
  readonly link: (hash: string) => string
  readonly snapshot: (place: Place, id: SnapshotId) => SnapshotPaths
  /** What is left of an overlay's work directory after a commit, on its way out. */
  readonly trashedWork: (id: SnapshotId) => string
  /** What is left of a commit that never came to be, on its way out. */
  readonly trashedChildren: (id: SnapshotId) => string
}

/** The paths inside a snapshot's directory. */
export interface SnapshotPaths {
  readonly directory: string
  readonly layer: string
  readonly work: string
  readonly parent: string
  readonly key: string
  readonly name: string
  /** Metadata on its way to replacing the one that counts. */
  readonly next: string
  readonly children: string
  readonly child: (id: SnapshotId) => string
  /** There once a sync failed while this layer's contents may have been on their way to disk. */
  readonly suspect: string
  readonly metadata: (kind: Kind) => string
}

export const layoutOf = (root: string): Layout => ({
  root,
  version: `${root}/version`,
  nextVersion: `${root}/staging/version`,
  place: (place) => `${root}/${place}`,
  index: `${root}/index`,
  link: (hash) => `${root}/index/${hash}`,
  snapshot: (place, id) => snapshotPaths(`${root}/${place}/${id}`),
  trashedWork: (id) => `${root}/trash/${id}-work`,
  trashedChildren: (id) => `${root}/trash/${id}-children`
})

const snapshotPaths = (directory: string): SnapshotPaths => ({
  directory,
  layer: `${directory}/fs`,
  work: `${directory}/work`,
  parent: `${directory}/parent`,
  key: `${directory}/key.json`,
  name: `${directory}/name.json`,
  next: `${directory}/next.json`,
  children: `${directory}/children`,
  child: (id) => `${directory}/children/${id}`,
  suspect: `${directory}/suspect`,
  metadata: (kind) => `${directory}/${kind === "committed" ? "name" : "key"}.json`
})

/** What an index link says: where the snapshot's directory is. */
export interface Target {
  readonly kind: Kind
  readonly id: SnapshotId
}

export const linkText = (target: Target): string => `../${target.kind}/${target.id}`

/** `undefined` for text that no store of ours wrote. */
export const parseLink = (text: string): Target | undefined => {
  const [up, kind, id, ...more] = text.split("/")
  return up === ".." && isKind(kind) && isId(id) && more.length === 0 ? { kind, id } : undefined
}

export const parentLinkText = (id: SnapshotId): string => `../../committed/${id}`

/** `undefined` for text that no store of ours wrote. */
export const parseParentLink = (text: string): SnapshotId | undefined => {
  const id = text.startsWith("../../committed/") ? text.slice("../../committed/".length) : undefined
  return isId(id) ? id : undefined
}

/** Which of these directory names are ids; others are not ours. */
export const idsAmong = (names: ReadonlyArray<string>): ReadonlyArray<SnapshotId> => names.filter(isId)

const isKind = (text: string | undefined): text is Kind => text === "active" || text === "view" || text === "committed"
