/** Labels: what is kept, what is refused, and what `update` does to them. */
import { Effect } from "effect"
import { labelBytesMax, type Labels } from "../../Snapshot.ts"
import type { LabelUpdate } from "../../Snapshotter.ts"
import type { CommitError, PrepareError, UpdateError } from "../../SnapshotterError.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { type Bench, committed, expectUnchangedBy, key, name, type Needs, statement } from "./bench.ts"
import { timed } from "./timed.ts"

/** A label that has this many bytes in all, most of them in characters of two. */
const labelOf = (bytes: number, character: "x" | "é"): Labels => {
  const text = "the key é"
  const left = bytes - new TextEncoder().encode(text).length
  return { [text]: character === "x" ? "x".repeat(left) : "é".repeat(left >> 1) + "x".repeat(left & 1) }
}

/** A key as `JSON.parse` makes it: a property like any other, not the prototype. */
const proto: Labels = Object.fromEntries([["__proto__", "data"], ["constructor", "too"]])

/** Every way to give labels, on a store with an active `a` and a committed `A`. */
const givingLabels = (
  { store }: Bench,
  labels: Labels
): Record<Way, Effect.Effect<unknown, PrepareError | CommitError | UpdateError>> => ({
  prepare: store.prepare(key("new"), { labels }),
  view: store.view(key("new"), { parent: name("A"), labels }),
  commit: store.commit(name("new"), key("a"), { labels }),
  patch: store.update(key("a"), { patch: labels }),
  replace: store.update(name("A"), { replace: labels })
})

const ways = ["prepare", "view", "commit", "patch", "replace"] as const
type Way = (typeof ways)[number]

const withBoth = Effect.fnUntraced(function*(bench: Bench) {
  yield* committed(bench, "A")
  yield* bench.store.prepare(key("a"), { labels: { old: "label" } })
})

const limits: Suite<Needs> = ways.flatMap((way) => [
  statement(
    `${way}: key and value of a label have at most ${labelBytesMax} bytes together, counted in UTF-8`,
    (bench) =>
      Effect.gen(function*() {
        yield* withBoth(bench)
        for (const character of ["x", "é"] as const) {
          const tooLong = givingLabels(bench, labelOf(labelBytesMax + 1, character))[way]
          yield* expectUnchangedBy(bench, `${way} with a label too long`, tooLong, {
            tag: "InvalidLabels",
            fields: { label: "the key é" },
            mentions: ["the key é", String(labelBytesMax + 1), String(labelBytesMax), "no label was changed"]
          })
        }
        yield* givingLabels(bench, { ...labelOf(labelBytesMax, "é"), ...labelOf(labelBytesMax - 1, "x") })[way]
      })
  ),
  statement(
    `${way}: one bad label among fifty good ones is named whole, and none is kept`,
    (bench) =>
      Effect.gen(function*() {
        yield* withBoth(bench)
        const good = Array.from({ length: 50 }, (_, n) => [`label ${n}`, "fine"] as const)
        const badKey = `bad ${"k".repeat(5_000)}`
        const labels = Object.fromEntries([...good.slice(0, 25), [badKey, "value"], ...good.slice(25)])
        yield* expectUnchangedBy(bench, way, givingLabels(bench, labels)[way], {
          tag: "InvalidLabels",
          fields: { label: badKey },
          mentions: [badKey]
        })
      })
  )
])

const values: Suite<Needs> = [
  ...ways.map((way) =>
    statement(`${way}: __proto__ is a label like any other`, (bench) =>
      Effect.gen(function*() {
        const { open, store } = bench
        yield* withBoth(bench)
        yield* givingLabels(bench, proto)[way]
        const called = way === "patch" ? "a" : way === "replace" ? "A" : "new"
        const reopened = yield* open()
        for (const opened of [store, reopened]) {
          const { labels } = yield* opened.stat(key(called))
          yield* expectEqual("the label", Object.getOwnPropertyDescriptor(labels, "__proto__")?.value, "data")
          yield* expectThat("it is no prototype", Object.keys(labels).includes("__proto__") && !("data" in labels))
        }
      }))
  ),
  statement("a label without value is not kept", ({ store }) =>
    Effect.gen(function*() {
      yield* store.prepare(key("a"), { labels: { empty: "", full: "1" } })
      yield* expectEqual("the labels of a", (yield* store.stat(key("a"))).labels, { full: "1" })
      const info = yield* store.commit(name("A"), key("a"), { labels: { empty: "" } })
      yield* expectEqual("the labels of A", info.labels, {})
      const updated = yield* store.update(name("A"), { replace: { empty: "", full: "2" } })
      yield* expectEqual("the labels replaced", updated.labels, { full: "2" })
    })),
  statement("any text comes back as it was", ({ open, store }) =>
    Effect.gen(function*() {
      const texts = [
        "\0",
        "\n",
        "\\\"'",
        "{\"a\":1}",
        "é",
        "e\u0301",
        "日本",
        "🙂",
        "\u2028",
        "\ufeff",
        " ",
        "k8s.io/a.b"
      ]
      const labels = Object.fromEntries(texts.map((text) => [text, `value ${text}`]))
      yield* store.prepare(key("a"), { labels })
      yield* expectEqual("the labels", (yield* (yield* open()).stat(key("a"))).labels, labels)
    }))
]

const updates: Suite<Needs> = [
  statement(
    "a patch sets some labels, removes those that are null or empty, and leaves the others",
    ({ store }) =>
      Effect.gen(function*() {
        const labels = { changed: "1", nulled: "1", emptied: "1", left: "1" }
        yield* store.prepare(key("a"), { labels })
        const patch = { changed: "2", nulled: null, emptied: "", added: "2", absent: null }
        const info = yield* store.update(key("a"), { patch })
        yield* expectEqual("the labels", info.labels, { changed: "2", left: "1", added: "2" })
        yield* expectEqual("what stat says", yield* store.stat(key("a")), info)
      })
  ),
  statement("replace leaves exactly the labels given", ({ store }) =>
    Effect.gen(function*() {
      yield* store.prepare(key("a"), { labels: { old: "1" } })
      yield* expectEqual("labels", (yield* store.update(key("a"), { replace: { b: "2" } })).labels, { b: "2" })
      yield* expectEqual("no labels", (yield* store.update(key("a"), { replace: {} })).labels, {})
    })),
  timed(
    "updatedAt moves with each update, also when the clock stands still or goes back; createdAt never",
    ({ store }, set) =>
      Effect.gen(function*() {
        yield* set(1_000n)
        yield* store.prepare(key("a"))
        const seen: Array<bigint> = []
        for (const moment of [2_000n, 2_000n, 1_000n, 0n, 2_500n]) {
          yield* set(moment)
          const { createdAt, updatedAt } = yield* store.update(key("a"), { patch: { moment: String(moment) } })
          yield* expectEqual("createdAt", createdAt, 1_000n)
          seen.push(updatedAt)
        }
        yield* expectEqual("updatedAt", seen, [2_000n, 2_001n, 2_002n, 2_003n, 2_500n])
      })
  ),
  statement("an update changes nothing but labels and updatedAt, whatever the kind", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* committed(bench, "base")
      yield* store.prepare(key("an active one"), { parent: name("base") })
      yield* store.view(key("a view"), { parent: name("base") })
      yield* committed(bench, "a committed one", { parent: "base" })
      for (const called of ["an active one", "a view", "a committed one"]) {
        const before = yield* store.stat(key(called))
        const after = yield* store.update(key(called), { patch: { a: "1" } })
        yield* expectEqual(called, after, { ...before, labels: { a: "1" }, updatedAt: after.updatedAt })
        yield* expectThat("updatedAt moved", after.updatedAt > before.updatedAt)
      }
    })),
  statement(
    "patches of different labels made at once, through two openings of a store, all survive",
    ({ open, store }) =>
      Effect.gen(function*() {
        const other = yield* open()
        yield* store.prepare(key("a"))
        const labels = Array.from({ length: 20 }, (_, n) => `label ${n}`)
        const stores = [store, other]
        yield* Effect.forEach(
          labels,
          (label, n) => (stores[n % 2] ?? store).update(key("a"), { patch: { [label]: "1" } }),
          {
            concurrency: "unbounded",
            discard: true
          }
        )
        yield* expectEqual("labels", Object.keys((yield* store.stat(key("a"))).labels).toSorted(), labels.toSorted())
      })
  ),
  statement("nothing but labels can be updated", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* withBoth(bench)
      for (const field of ["kind", "name", "parent", "createdAt", "updatedAt", "readonly", "nonsense"]) {
        // As a caller without types could: what else is in the object does not make it right.
        const change: LabelUpdate = Object.assign({ patch: { sneaked: "in" } }, { [field]: "committed" })
        yield* expectUnchangedBy(bench, `an update of ${field}`, store.update(key("a"), change), {
          tag: "ImmutableField",
          fields: { field },
          mentions: [field, "only its labels"]
        })
      }
    }))
]

export const labelCases: Suite<Needs> = [...limits, ...values, ...updates]
