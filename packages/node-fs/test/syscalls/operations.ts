/** Each operation that changes a store, as it is done and killed, and what the store is to show afterwards. */
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import type { Snapshotter } from "@snapshotter/core/Snapshotter"
import type { Effect } from "effect"

/** What a snapshot is to those who look at it. */
export interface Shown {
  readonly kind: Info["kind"]
  readonly parent: string | undefined
  readonly labels: Readonly<Record<string, string>>
  /** Its merged tree, an entry a line. */
  readonly tree: ReadonlyArray<string>
}

/** All snapshots by key or name. */
export type Forest = ReadonlyMap<string, Shown>

export interface Operation {
  /**
   * On what: `nothing` is where no store is yet, `littered` one with everything in it that crashes leave. Of the others
   * everything is as the operations themselves leave it.
   */
  readonly on: "nothing" | "store" | "littered"
  /** What is done, by whoever has opened the store; absent where the opening itself is it. */
  readonly perform?: (store: Snapshotter) => Effect.Effect<unknown, { readonly _tag: string; readonly message: string }>
  /** What has happened then. */
  readonly after: (before: Forest) => Forest
  /** How it fails a second time; absent where it may be done again. */
  readonly refusal?: string
}

const key = Key.make
const name = Name.make

/** What the empty layer of a new snapshot shows. */
export const emptyTree: ReadonlyArray<string> = [". directory 755 0:0"]

const adding = (what: string, shown: Partial<Shown>) => (before: Forest): Forest => {
  const tree = shown.parent === undefined ? emptyTree : before.get(shown.parent)?.tree ?? []
  return new Map(before).set(what, { kind: "active", parent: undefined, labels: {}, tree, ...shown })
}

const removing = (what: string) => (before: Forest): Forest => new Map([...before].filter(([one]) => one !== what))

const committing = (what: string, as: string) => (before: Forest): Forest => {
  const active = before.get(what)
  return active === undefined
    ? before
    : new Map(removing(what)(before)).set(as, { ...active, kind: "committed", labels: {} })
}

const labelling = (what: string) => (before: Forest): Forest => {
  const one = before.get(what)
  return one === undefined ? before : new Map(before).set(what, { ...one, labels: { ...one.labels, ...patch } })
}

const labels = { first: "1", "second/label": "two" }
const patch = { first: "changed", third: "3" }
const nothing = (before: Forest): Forest => before

/** By the name that a replay is given. The store is that of `template.ts`. */
export const operations = {
  "open-new": { on: "nothing", after: nothing },
  "open-old": { on: "littered", after: nothing },
  "prepare": {
    on: "store",
    perform: (store) => store.prepare(key("new"), { labels }),
    after: adding("new", { labels }),
    refusal: "KeyTaken"
  },
  "prepare-fork": {
    on: "store",
    perform: (store) => store.prepare(key("new"), { parent: name("mid"), labels }),
    after: adding("new", { parent: "mid", labels }),
    refusal: "KeyTaken"
  },
  "view": {
    on: "store",
    perform: (store) => store.view(key("new"), { parent: name("leaf") }),
    after: adding("new", { kind: "view", parent: "leaf" }),
    refusal: "KeyTaken"
  },
  "commit": {
    on: "store",
    perform: (store) => store.commit(name("new"), key("alone")),
    after: committing("alone", "new"),
    refusal: "SnapshotNotFound"
  },
  "commit-fork": {
    on: "store",
    perform: (store) => store.commit(name("new"), key("fork")),
    after: committing("fork", "new"),
    refusal: "SnapshotNotFound"
  },
  "remove-active": {
    on: "store",
    perform: (store) => store.remove(key("fork")),
    after: removing("fork"),
    refusal: "SnapshotNotFound"
  },
  "remove-view": {
    on: "store",
    perform: (store) => store.remove(key("view")),
    after: removing("view"),
    refusal: "SnapshotNotFound"
  },
  "remove-committed": {
    on: "store",
    perform: (store) => store.remove(name("leaf")),
    after: removing("leaf"),
    refusal: "SnapshotNotFound"
  },
  "update-key": {
    on: "store",
    perform: (store) => store.update(key("fork"), { patch }),
    after: labelling("fork")
  },
  "update-name": {
    on: "store",
    perform: (store) => store.update(name("mid"), { patch }),
    after: labelling("mid")
  },
  "cleanup": { on: "littered", perform: (store) => store.cleanup, after: nothing }
} satisfies Record<string, Operation>

export type OperationName = keyof typeof operations

export const operationOf = (name: OperationName): Operation => operations[name]

export type Durability = "full" | "process"

export const durabilities: ReadonlyArray<Durability> = ["full", "process"]
