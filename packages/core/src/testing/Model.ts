/**
 * The model: a forest of names, and what each snapshot shows, as plain immutable values. Simpler than any store: no ids,
 * no layers, no directories; a fork is a copy.
 */
import { identifierProblem, type Kind, labelProblem, type Labels } from "../Snapshot.ts"
import { type Change, type Command, isChange, layersMax, nowhere, type Response, type Slot } from "./Command.ts"
import * as Tree from "./Tree.ts"

export interface ModelSnapshot {
  readonly kind: Kind
  readonly parent: string | undefined
  readonly labels: Labels
  readonly contents: Tree.Tree
}

/** Something mounted; it outlives the key of a view. */
export interface ModelMount {
  readonly key: string
  readonly writable: boolean
  /** The committed snapshots whose layers it shows. */
  readonly shows: ReadonlyArray<string>
  readonly contents: Tree.Tree
  /** The one directory that it shows has been removed: that of a view without parent. Nobody is promised anything there. */
  readonly isGone: boolean
}

export interface Model {
  readonly snapshots: ReadonlyMap<string, ModelSnapshot>
  readonly mounts: ReadonlyMap<Slot, ModelMount>
  readonly overlays: Overlays
}

/**
 * How the backend shows several layers as one tree: by overlays, whose rules for what comes from below programs can see, or
 * by copies, in which everything is as if it had been made there.
 */
export type Overlays = "mounted" | "copied"

export const empty = (overlays: Overlays = "mounted"): Model => ({ snapshots: new Map(), mounts: new Map(), overlays })

/** A value that the model does not know, for a command that must succeed. */
export const anything = "anything"

/** What must come of a command. */
export interface Step {
  readonly model: Model
  readonly response: Response
}

/** Whether a command makes sense now: mounts go to free places, and a committed snapshot has none. */
export const applies = (model: Model, command: Command): boolean => {
  if (isChange(command)) return model.mounts.get(command.slot)?.isGone === false
  switch (command._tag) {
    case "mount":
      return !model.mounts.has(command.slot) && model.snapshots.get(command.key)?.kind !== "committed"
    case "unmount":
      return model.mounts.has(command.slot)
    default:
      return true
  }
}

export const step = (model: Model, command: Command): Step => {
  if (isChange(command)) return change(model, command)
  switch (command._tag) {
    case "prepare":
      return create(model, "active", command)
    case "view":
      return create(model, "view", command)
    case "commit":
      return commit(model, command)
    case "mounts":
      return mounts(model, command.name)
    case "remove":
      return remove(model, command.name)
    case "stat":
      return about(model, command.name, (snapshot) => same(model, infoOf(command.name, snapshot)))
    case "usage":
      return about(model, command.name, (snapshot) => same(model, usageOf(snapshot)))
    case "update":
      return update(model, command)
    case "walk":
      return walk(model, command.filters)
    case "cleanup":
    case "check":
    case "relink":
    case "reopen":
      return same(model, [])
    case "mount":
      return mount(model, command.slot, command.key)
    case "unmount":
      return unmount(model, command.slot)
  }
}

/** What `stat` and `walk` say, times excepted. */
export const infoOf = (name: string, { kind, labels, parent }: ModelSnapshot) => ({
  name,
  kind,
  parent,
  labels: { ...labels }
})

/** All that `walk` shows, sorted by name. */
export const infosOf = (model: Model) =>
  [...model.snapshots].map(([name, snapshot]) => infoOf(name, snapshot)).sort((one, other) =>
    one.name < other.name ? -1 : 1
  )

// ============================================================ operations

type Create = Extract<Command, { readonly _tag: "prepare" | "view" }>
type Commit = Extract<Command, { readonly _tag: "commit" }>
type Update = Extract<Command, { readonly _tag: "update" }>

const create = (model: Model, kind: "active" | "view", { key, labels, parent }: Create): Step => {
  if (identifierProblem(key) !== undefined) return refused(model, "InvalidKey", key)
  if (parent !== undefined && identifierProblem(parent) !== undefined) return refused(model, "InvalidKey", parent)
  const bad = badLabel(labels)
  if (bad !== undefined) return refused(model, "InvalidLabels", bad)
  const base = parent === undefined ? undefined : model.snapshots.get(parent)
  if (parent !== undefined && base === undefined) return refused(model, "ParentNotFound", parent)
  if (base !== undefined && base.kind !== "committed") return refused(model, "ParentNotCommitted", parent)
  if (chainOf(model, parent).length > layersMax) return refused(model, "TooManyLayers", parent)
  if (model.snapshots.has(key)) return refused(model, "KeyTaken", key)
  const made: ModelSnapshot = { kind, parent, labels: kept(labels), contents: forked(model, base) }
  return { model: put(model, key, made), response: success(shapeOf(model, made)) }
}

const commit = (model: Model, { key, labels, name }: Commit): Step => {
  for (const identifier of [name, key]) {
    if (identifierProblem(identifier) !== undefined) return refused(model, "InvalidKey", identifier)
  }
  const bad = badLabel(labels)
  if (bad !== undefined) return refused(model, "InvalidLabels", bad)
  const snapshot = model.snapshots.get(key)
  if (snapshot === undefined) return refused(model, "SnapshotNotFound", key)
  if (snapshot.kind !== "active") return refused(model, "NotActive", key)
  if (model.snapshots.has(name)) return refused(model, "NameTaken", name)
  if (mountedWritable(model, key)) return refused(model, "Busy", key)
  const committed: ModelSnapshot = { ...snapshot, kind: "committed", labels: kept(labels) }
  return { model: put(drop(model, key), name, committed), response: success(infoOf(name, committed)) }
}

const mounts = (model: Model, name: string): Step =>
  about(
    model,
    name,
    (snapshot) =>
      snapshot.kind === "committed" ? refused(model, "NotMountable", name) : same(model, shapeOf(model, snapshot))
  )

const remove = (model: Model, name: string): Step =>
  about(model, name, (snapshot) => {
    if (childrenOf(model, name).length > 0) return refused(model, "HasChildren", name)
    const shown = [...model.mounts.values()].some((one) => one.shows.includes(name))
    if (snapshot.kind === "committed" ? shown : mountedWritable(model, name)) return refused(model, "Busy", name)
    const mounts = new Map(model.mounts)
    for (const [slot, one] of mounts) {
      if (one.key === name && one.shows.length === 0) mounts.set(slot, { ...one, isGone: true })
    }
    return { model: drop({ ...model, mounts }, name), response: success(undefined) }
  })

const update = (model: Model, { change, name }: Update): Step => {
  if (identifierProblem(name) !== undefined) return refused(model, "InvalidKey", name)
  const foreign = Object.keys(change).find((field) => field !== "patch" && field !== "replace")
  if (foreign !== undefined) return refused(model, "ImmutableField", foreign)
  const given = "replace" in change ? change.replace : change.patch
  const bad = badLabel(Object.fromEntries(Object.entries(given).map(([label, value]) => [label, value ?? ""])))
  if (bad !== undefined) return refused(model, "InvalidLabels", bad)
  return about(model, name, (snapshot) => {
    const labels = kept("replace" in change ? change.replace : { ...snapshot.labels, ...change.patch })
    const updated = { ...snapshot, labels }
    return { model: put(model, name, updated), response: success(infoOf(name, updated)) }
  })
}

/** The filters that programs in the model know: by kind, or one that does not parse. */
const walk = (model: Model, filters: ReadonlyArray<string>): Step => {
  if (filters.includes("name=")) return refused(model, "InvalidFilter", "name=")
  const kinds = filters.map((filter) => filter.replace("kind==", ""))
  return same(model, infosOf(model).filter((info) => kinds.length === 0 || kinds.includes(info.kind)))
}

// ============================================================ mounts and what is done in them

const mount = (model: Model, slot: Slot, key: string): Step =>
  about(model, key, (snapshot) => {
    const writable = snapshot.kind === "active"
    if (writable && mountedWritable(model, key)) return refused(model, "AlreadyMounted", undefined)
    const shows = chainOf(model, snapshot.parent)
    const mounts = new Map(model.mounts).set(slot, { key, writable, shows, contents: snapshot.contents, isGone: false })
    return { model: { ...model, mounts }, response: success(undefined) }
  })

const unmount = (model: Model, slot: Slot): Step => {
  const mounts = new Map(model.mounts)
  mounts.delete(slot)
  return { model: { ...model, mounts }, response: success(undefined) }
}

const change = (model: Model, command: Change): Step => {
  const mounted = model.mounts.get(command.slot)
  const snapshot = mounted === undefined ? undefined : model.snapshots.get(mounted.key)
  if (mounted === undefined) return same(model, undefined)
  const contents = changed({ tree: mounted.contents, readOnly: !mounted.writable }, command)
  if (typeof contents === "string") return refused(model, contents, undefined)
  if (!mounted.writable || snapshot === undefined) return same(model, undefined)
  const mounts = new Map(model.mounts).set(command.slot, { ...mounted, contents })
  return { model: put({ ...model, mounts }, mounted.key, { ...snapshot, contents }), response: success(undefined) }
}

const changed = (place: Tree.Place, command: Change): Tree.Outcome => {
  switch (command._tag) {
    case "write":
      return Tree.write(place, command.path, command.text)
    case "append":
      return Tree.append(place, command.path, command.text)
    case "delete":
      return Tree.remove(place, command.path)
    case "makeDirectory":
      return Tree.makeDirectory(place, command.path)
    case "symlink":
      return Tree.symlink(place, command.path, nowhere)
    case "chmod":
      return Tree.setMode(place, command.path, command.mode)
    case "link":
      return Tree.link(place, command.from, command.to)
    case "rename":
      return Tree.rename(place, command.from, command.to)
  }
}

// ============================================================ pieces

/** A name's chain from itself on, nearest first; nothing for no name. */
const chainOf = (model: Model, name: string | undefined): ReadonlyArray<string> => {
  const chain: Array<string> = []
  for (let at = name; at !== undefined; at = model.snapshots.get(at)?.parent) chain.push(at)
  return chain
}

const childrenOf = (model: Model, name: string): ReadonlyArray<string> =>
  [...model.snapshots].filter(([, snapshot]) => snapshot.parent === name).map(([child]) => child)

const mountedWritable = (model: Model, key: string): boolean =>
  [...model.mounts.values()].some((mounted) => mounted.writable && mounted.key === key)

/** What a new snapshot shows: all of its parent, from below. */
const forked = ({ overlays }: Model, parent: ModelSnapshot | undefined): Tree.Tree =>
  parent === undefined ? new Map() : overlays === "copied" ? parent.contents : Tree.asLower(parent.contents)

/** The rule by which mounts are binds: one directory shows it all. */
const needsOverlay = (model: Model, { kind, parent }: ModelSnapshot): boolean =>
  chainOf(model, parent).length > (kind === "view" ? 1 : 0)

/** What mounts look like, without paths. */
const shapeOf = (model: Model, snapshot: ModelSnapshot) => {
  const lowers = chainOf(model, snapshot.parent).length
  return needsOverlay(model, snapshot)
    ? { type: "overlay", writable: snapshot.kind === "active", lowers }
    : { type: "bind", writable: snapshot.kind === "active", lowers: 0 }
}

/** Only where the layer is the whole tree does the model know how many inodes it has. */
const usageOf = ({ contents, kind, parent }: ModelSnapshot) => {
  if (kind === "view") return { inodes: 0 }
  return parent === undefined ? { inodes: Tree.inodes(contents) + 1 } : anything
}

const badLabel = (labels: Labels | undefined): string | undefined =>
  Object.entries(labels ?? {}).find(([label, value]) => labelProblem(label, value) !== undefined)?.[0]

const kept = (labels: Readonly<Record<string, string | null>> | undefined): Labels =>
  Object.fromEntries(Object.entries(labels ?? {}).filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""))

const about = (model: Model, name: string, answer: (snapshot: ModelSnapshot) => Step): Step => {
  if (identifierProblem(name) !== undefined) return refused(model, "InvalidKey", name)
  const snapshot = model.snapshots.get(name)
  return snapshot === undefined ? refused(model, "SnapshotNotFound", name) : answer(snapshot)
}

const put = (model: Model, name: string, snapshot: ModelSnapshot): Model => ({
  ...model,
  snapshots: new Map(model.snapshots).set(name, snapshot)
})

const drop = (model: Model, name: string): Model => {
  const snapshots = new Map(model.snapshots)
  snapshots.delete(name)
  return { ...model, snapshots }
}

const success = (value: unknown): Response => ({ _tag: "Success", value })
const same = (model: Model, value: unknown): Step => ({ model, response: success(value) })
const refused = (model: Model, failure: string, about: string | undefined): Step => ({
  model,
  response: { _tag: "Failure", failure, about }
})
