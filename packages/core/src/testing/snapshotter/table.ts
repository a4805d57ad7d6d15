/**
 * What every operation answers in every state of the key or name that it is given, one case for each cell.
 *
 * The table is written down here once more, by its words and not by the library's own: who changes one has to change the
 * other.
 */
import { Effect, Result } from "effect"
import type { Mounts } from "../../Mount.ts"
import type { Info, Usage } from "../../Snapshot.ts"
import type { Snapshotter } from "../../Snapshotter.ts"
import { type Case, expectEqual, type Suite, Unexpected } from "../Suite.ts"
import { type Bench, committed, expectRefusal, forest, key, name, type Needs, statement, type Tagged } from "./bench.ts"

type State = "absent" | "active" | "view" | "committed"

/** What has become of a snapshot: it is gone, or there like this, with times of its own. */
type Fate = "gone" | { readonly kind: Info["kind"]; readonly parent?: string; readonly labels: Record<string, string> }

/** A failure with these fields, and nothing changed; or success, and nothing else changed than this. */
type Outcome =
  | { readonly refused: string; readonly with: Readonly<Record<string, string>> }
  | { readonly changed: Readonly<Record<string, Fate>> }

const refused = (tag: string, fields: Readonly<Record<string, string>>): Outcome => ({ refused: tag, with: fields })
const changed = (fates: Readonly<Record<string, Fate>>): Outcome => ({ changed: fates })
const nothingChanged = changed({})

const notFound = refused("SnapshotNotFound", { snapshot: "it" })
const given = { given: "1" }
const own = { own: "1" }

/** Beside the subject, `it`, stand a committed `base` and an active `neighbour`. */
const table = {
  prepare: {
    absent: changed({ it: { kind: "active", parent: "base", labels: given } }),
    active: refused("KeyTaken", { key: "it", kind: "active" }),
    view: refused("KeyTaken", { key: "it", kind: "view" }),
    committed: refused("KeyTaken", { key: "it", kind: "committed" })
  },
  view: {
    absent: changed({ it: { kind: "view", parent: "base", labels: given } }),
    active: refused("KeyTaken", { key: "it", kind: "active" }),
    view: refused("KeyTaken", { key: "it", kind: "view" }),
    committed: refused("KeyTaken", { key: "it", kind: "committed" })
  },
  "prepare from": {
    absent: refused("ParentNotFound", { parent: "it" }),
    active: refused("ParentNotCommitted", { parent: "it", kind: "active" }),
    view: refused("ParentNotCommitted", { parent: "it", kind: "view" }),
    committed: changed({ new: { kind: "active", parent: "it", labels: {} } })
  },
  "view of": {
    absent: refused("ParentNotFound", { parent: "it" }),
    active: refused("ParentNotCommitted", { parent: "it", kind: "active" }),
    view: refused("ParentNotCommitted", { parent: "it", kind: "view" }),
    committed: changed({ new: { kind: "view", parent: "it", labels: {} } })
  },
  mounts: {
    absent: notFound,
    active: nothingChanged,
    view: nothingChanged,
    committed: refused("NotMountable", { snapshot: "it" })
  },
  commit: {
    absent: notFound,
    active: changed({ it: "gone", result: { kind: "committed", parent: "base", labels: given } }),
    view: refused("NotActive", { key: "it", kind: "view" }),
    committed: refused("NotActive", { key: "it", kind: "committed" })
  },
  "commit as": {
    absent: changed({ neighbour: "gone", it: { kind: "committed", labels: {} } }),
    active: refused("NameTaken", { snapshot: "it", kind: "active" }),
    view: refused("NameTaken", { snapshot: "it", kind: "view" }),
    committed: refused("NameTaken", { snapshot: "it", kind: "committed" })
  },
  "commit, as itself,": {
    absent: notFound,
    active: refused("NameTaken", { snapshot: "it", kind: "active" }),
    view: refused("NotActive", { key: "it", kind: "view" }),
    committed: refused("NotActive", { key: "it", kind: "committed" })
  },
  remove: {
    absent: notFound,
    active: changed({ it: "gone" }),
    view: changed({ it: "gone" }),
    committed: changed({ it: "gone" })
  },
  stat: { absent: notFound, active: nothingChanged, view: nothingChanged, committed: nothingChanged },
  update: {
    absent: notFound,
    active: changed({ it: { kind: "active", parent: "base", labels: { ...own, ...given } } }),
    view: changed({ it: { kind: "view", parent: "base", labels: { ...own, ...given } } }),
    committed: changed({ it: { kind: "committed", parent: "base", labels: { ...own, ...given } } })
  },
  usage: { absent: notFound, active: nothingChanged, view: nothingChanged, committed: nothingChanged },
  walk: { absent: nothingChanged, active: nothingChanged, view: nothingChanged, committed: nothingChanged },
  cleanup: { absent: nothingChanged, active: nothingChanged, view: nothingChanged, committed: nothingChanged },
  check: { absent: nothingChanged, active: nothingChanged, view: nothingChanged, committed: nothingChanged },
  relink: { absent: nothingChanged, active: nothingChanged, view: nothingChanged, committed: nothingChanged }
} satisfies Record<string, Record<State, Outcome>>

type Operation = keyof typeof table

// ============================================================ the operations

/** The store around an operation. */
interface Seen {
  readonly bench: Bench
  readonly state: State
  /** What making the subject returned, where it returns mounts. */
  readonly made: Mounts | undefined
  readonly before: ReadonlyArray<Info>
  readonly after: ReadonlyArray<Info>
}

interface Performed {
  readonly failure: Tagged | undefined
  /** Dies unless a success returned what it should have. */
  readonly answersRight: (seen: Seen) => Effect.Effect<void, unknown>
}

const performing = <A, E extends Tagged>(
  run: (store: Snapshotter) => Effect.Effect<A, E>,
  expected: (seen: Seen, value: A) => Effect.Effect<unknown, unknown>
) =>
(store: Snapshotter): Effect.Effect<Performed> =>
  Effect.map(
    Effect.result(run(store)),
    Result.match({
      onFailure: (failure) => ({ failure, answersRight: () => Effect.die(new Unexpected(failure.message)) }),
      onSuccess: (value) => ({
        failure: undefined,
        answersRight: (seen) =>
          Effect.flatMap(expected(seen, value), (right) => expectEqual("the answer", value, right))
      })
    })
  )

const infoAfter = (called: string) => ({ after }: Seen) => Effect.succeed(after.find((info) => info.name === called))

const perform: Record<Operation, (store: Snapshotter) => Effect.Effect<Performed>> = {
  prepare: performing(
    (store) => store.prepare(key("it"), { parent: name("base"), labels: given }),
    ({ bench }) => bench.store.mounts(key("it"))
  ),
  view: performing(
    (store) => store.view(key("it"), { parent: name("base"), labels: given }),
    ({ bench }) => bench.store.mounts(key("it"))
  ),
  "prepare from": performing(
    (store) => store.prepare(key("new"), { parent: name("it") }),
    ({ bench }) => bench.store.mounts(key("new"))
  ),
  "view of": performing(
    (store) => store.view(key("new"), { parent: name("it") }),
    ({ bench }) => bench.store.mounts(key("new"))
  ),
  mounts: performing((store) => store.mounts(key("it")), ({ made }) => Effect.succeed(made)),
  commit: performing((store) => store.commit(name("result"), key("it"), { labels: given }), infoAfter("result")),
  "commit as": performing((store) => store.commit(name("it"), key("neighbour")), infoAfter("it")),
  "commit, as itself,": performing((store) => store.commit(name("it"), key("it")), infoAfter("it")),
  remove: performing(
    (store) => store.remove(key("it")),
    (_, { removed }) => Effect.succeed({ removed, unremoved: [] })
  ),
  stat: performing((store) => store.stat(key("it")), infoAfter("it")),
  update: performing((store) => store.update(key("it"), { patch: given }), infoAfter("it")),
  usage: performing((store) => store.usage(key("it")), ({ state }, { bytes }) => {
    const ofAnEmptyLayer: Usage = { bytes, inodes: 1 }
    return Effect.succeed(state === "view" ? { bytes: 0, inodes: 0 } : ofAnEmptyLayer)
  }),
  walk: performing(forest, ({ before }) => Effect.succeed(before)),
  cleanup: performing((store) => store.cleanup, () => Effect.succeed({ removed: [], unremoved: [] })),
  check: performing((store) => store.check, () => Effect.succeed([])),
  relink: performing((store) => store.relink, () => Effect.succeed([]))
}

/** Puts the subject in a state; returns its mounts where that returns mounts. */
const put = Effect.fnUntraced(function*(bench: Bench, state: State) {
  const { store } = bench
  const options = { parent: name("base"), labels: own }
  switch (state) {
    case "absent":
      return undefined
    case "active":
      return yield* store.prepare(key("it"), options)
    case "view":
      return yield* store.view(key("it"), options)
    case "committed":
      yield* store.prepare(key("making it"), { parent: name("base") })
      yield* store.commit(name("it"), key("making it"), { labels: own })
      return undefined
  }
})

// ============================================================ the cells

const cell = (operation: Operation, state: State, outcome: Outcome): Case<Needs> => {
  const answer = "refused" in outcome ? `fails with ${outcome.refused}` : "succeeds"
  return statement(
    `${operation} ${state === "view" ? "what is a view" : `what is ${state}`}: ${answer}`,
    (bench) =>
      Effect.gen(function*() {
        yield* committed(bench, "base")
        yield* bench.store.prepare(key("neighbour"))
        const made = yield* put(bench, state)
        const before = yield* forest(bench.store)
        const { answersRight, failure } = yield* perform[operation](bench.store)
        const after = yield* forest(bench.store)
        if ("refused" in outcome) {
          const attempt = failure === undefined ? Effect.void : Effect.fail(failure)
          yield* expectRefusal(operation, attempt, { tag: outcome.refused, fields: outcome.with, mentions: ["\"it\""] })
          return yield* expectEqual("the forest", after, before)
        }
        yield* answersRight({ bench, state, made, before, after })
        yield* changedNothingBut(outcome.changed, before, after)
      })
  )
}

const changedNothingBut = Effect.fnUntraced(function*(
  fates: Readonly<Record<string, Fate>>,
  before: ReadonlyArray<Info>,
  after: ReadonlyArray<Info>
) {
  const untouched = (infos: ReadonlyArray<Info>) => infos.filter((info) => fates[info.name] === undefined)
  yield* expectEqual("what the operation was not about", untouched(after), untouched(before))
  for (const [called, fate] of Object.entries(fates)) {
    const info = after.find((one) => one.name === called)
    if (fate === "gone") yield* expectEqual(called, info, undefined)
    else if (info === undefined) yield* Effect.die(new Unexpected(`there is no ${called}`))
    else {
      const { createdAt, updatedAt } = info
      const { kind, labels, parent } = fate
      const shape = {
        kind,
        name: called,
        readonly: kind !== "active",
        ...(parent === undefined ? {} : { parent }),
        labels
      }
      yield* expectEqual(called, info, { ...shape, createdAt, updatedAt })
    }
  }
})

const states: ReadonlyArray<State> = ["absent", "active", "view", "committed"]

const isOperation = (text: string): text is Operation => Object.hasOwn(table, text)

export const tableCases: Suite<Needs> = Object.keys(table).filter(isOperation).flatMap((operation) =>
  states.map((state) => cell(operation, state, table[operation][state]))
)
