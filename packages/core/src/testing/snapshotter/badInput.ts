/**
 * Bad input: each is a typed failure that names the thing, the reason and the remedy, and changes nothing. Here what every
 * backend can be given; what it takes a machine for, a backend's own tests add.
 */
import { Effect, Stream } from "effect"
import { identifierBytesMax, type Key, type Labels, type Name } from "../../Snapshot.ts"
import type { LabelUpdate, Snapshotter, SnapshotterOptions } from "../../Snapshotter.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import { type Bench, committed, expectRefusal, expectUnchangedBy, key, name, type Needs } from "./bench.ts"
import { statement, type Tagged } from "./bench.ts"

/** A committed `A` and its active child `a`. */
export const withBoth = Effect.fnUntraced(function*(bench: Bench) {
  yield* committed(bench, "A", { adds: { file: "text" } })
  yield* bench.store.prepare(key("a"), { parent: name("A"), labels: { old: "label" } })
})

/** What a caller without types may hand in. The types say that it cannot be; the library says what is wrong with it. */
export const untyped = <A>(value: unknown): A => value as A

// ============================================================ keys and names

const badKeys: ReadonlyArray<{ readonly what: string; readonly text: string; readonly reason: string }> = [
  { what: "an empty text", text: "", reason: "it is empty" },
  { what: "a text with NUL", text: "a\0b", reason: "it contains NUL" },
  { what: "a lone surrogate", text: "a\ud800b", reason: "a lone surrogate" },
  { what: "a text too long by one byte", text: "k".repeat(identifierBytesMax + 1), reason: String(identifierBytesMax) },
  {
    what: "a text too long in two-byte characters",
    text: "é".repeat(identifierBytesMax / 2 + 1),
    reason: `${identifierBytesMax + 2} bytes`
  },
  { what: "undefined", text: untyped(undefined), reason: "it is not a string" },
  { what: "null", text: untyped(null), reason: "it is not a string" },
  { what: "a number", text: untyped(5), reason: "it is not a string" },
  { what: "an object", text: untyped({ toString: () => "a" }), reason: "it is not a string" }
]

/** Each place where a key or name is given, by what it is called there. */
const takingKeys = (
  store: Snapshotter,
  text: string
): ReadonlyArray<readonly [string, string, Effect.Effect<unknown, Tagged>]> => {
  const [given, as] = [untyped<Key>(text), untyped<Name>(text)]
  return [
    ["prepare", "key", store.prepare(given)],
    ["view", "key", store.view(given)],
    ["prepare from", "parent", store.prepare(key("new"), { parent: as })],
    ["view of", "parent", store.view(key("new"), { parent: as })],
    ["mounts", "key", store.mounts(given)],
    ["commit", "key", store.commit(name("new"), given)],
    ["commit as", "name", store.commit(as, key("a"))],
    ["remove", "key", store.remove(given)],
    ["stat", "key", store.stat(given)],
    ["update", "key", store.update(given, { patch: { a: "1" } })],
    ["usage", "key", store.usage(given)]
  ]
}

const keys: Suite<Needs> = badKeys.map(({ reason, text, what }) =>
  statement(`${what} is refused as key, name and parent by every operation`, (bench) =>
    Effect.gen(function*() {
      yield* withBoth(bench)
      const shown = (JSON.stringify(text) ?? String(text)).slice(0, 50)
      for (const [operation, role, attempt] of takingKeys(bench.store, text)) {
        // No parent is no bad one.
        if (role === "parent" && text === undefined) continue
        yield* expectUnchangedBy(bench, operation, attempt, {
          tag: "InvalidKey",
          fields: { role, value: text },
          mentions: [shown, role, reason, "any other"]
        })
      }
    }))
)

// ============================================================ labels, updates, filters

const badLabels: ReadonlyArray<readonly [string, unknown, string, string]> = [
  ["an empty key", { "": "value" }, "", "its key is empty"],
  ["a lone surrogate in a key", { "a\udc00": "value" }, "a\udc00", "a lone surrogate"],
  ["a lone surrogate in a value", { fine: "yes", label: "\ud800" }, "label", "a lone surrogate"],
  ["a value that is no text", { label: 5 }, "label", "not a string"],
  ["a value that is null", { label: null }, "label", "not a string"],
  ["no object at all", "labels", "", "an object of texts"],
  ["null instead of labels", null, "", "an object of texts"],
  ["a list instead of labels", ["a"], "", "an object of texts"]
]

const labels: Suite<Needs> = badLabels.map(([what, bad, label, reason]) =>
  statement(`${what} is refused wherever labels are given`, (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* withBoth(bench)
      const given = untyped<Labels>(bad)
      const attempts: ReadonlyArray<readonly [string, Effect.Effect<unknown, Tagged>]> = [
        ["prepare", store.prepare(key("new"), { labels: given })],
        ["view", store.view(key("new"), { labels: given })],
        ["commit", store.commit(name("new"), key("a"), { labels: given })],
        ["replace", store.update(key("a"), { replace: given })]
      ]
      for (const [operation, attempt] of attempts) {
        yield* expectUnchangedBy(bench, operation, attempt, {
          tag: "InvalidLabels",
          fields: { label },
          mentions: [label === "a\udc00" ? "a\\udc00" : label, reason, "no label was changed"]
        })
      }
    }))
)

const badUpdates: ReadonlyArray<readonly [string, unknown, string]> = [
  ["nothing", undefined, "InvalidLabels"],
  ["null", null, "InvalidLabels"],
  ["a text", "labels", "InvalidLabels"],
  ["an empty object", {}, "InvalidLabels"],
  ["no patch", { patch: undefined }, "InvalidLabels"],
  ["null as patch", { patch: null }, "InvalidLabels"],
  ["a text as patch", { patch: "a" }, "InvalidLabels"],
  ["nothing to replace with", { replace: undefined }, "InvalidLabels"],
  ["both a patch and a replacement", { patch: { a: "1" }, replace: { b: "2" } }, "InvalidLabels"],
  ["a bad label in a patch", { patch: { fine: "yes", "": "value" } }, "InvalidLabels"],
  ["an immutable field", { kind: "committed" }, "ImmutableField"],
  ["an immutable field beside a patch", { patch: { a: "1" }, parent: "A" }, "ImmutableField"]
]

const updates: Suite<Needs> = badUpdates.map(([what, bad, tag]) =>
  statement(`an update with ${what} is refused`, (bench) =>
    Effect.gen(function*() {
      yield* withBoth(bench)
      const attempt = Effect.suspend(() => bench.store.update(key("a"), untyped<LabelUpdate>(bad)))
      yield* expectUnchangedBy(bench, "update", attempt, { tag: untyped(tag) })
    }))
)

const filters: Suite<Needs> = ["name=c1", "==x", "labels.\"open", "kind==active,", ")"].map((filter) =>
  statement(`the filter ${filter} is refused`, (bench) =>
    Effect.gen(function*() {
      yield* withBoth(bench)
      yield* expectUnchangedBy(bench, "walk", Stream.runCollect(bench.store.walk({ filters: [filter] })), {
        tag: "InvalidFilter",
        fields: { filter },
        mentions: [JSON.stringify(filter), "at character", "as in"]
      })
    }))
)

// ============================================================ options

const badOptions: ReadonlyArray<readonly [keyof SnapshotterOptions, unknown, string]> = [
  ["mountOptions", "redirect_dir=on", "moved directory"],
  ["mountOptions", "redirect_dir=follow", "moved directory"],
  ["mountOptions", "metacopy=on", "without their contents"],
  ["mountOptions", "index=off,redirect_dir=on", "comma"],
  ["mountOptions", "lowerdir=/etc", "the snapshot says this itself"],
  ["mountOptions", "upperdir=/etc", "the snapshot says this itself"],
  ["mountOptions", "workdir=/etc", "the snapshot says this itself"],
  ["mountOptions", "userxattr", "overlayXattrs"],
  ["mountOptions", "", "empty"],
  ["mountOptions", "index=\0", "NUL"],
  ["mountOptions", 5, "not a text"],
  ["layersMax", 0, "from 1 to 500"],
  ["layersMax", 501, "from 1 to 500"],
  ["layersMax", 1.5, "from 1 to 500"],
  ["layersMax", Number.NaN, "from 1 to 500"],
  ["layersMax", "5", "from 1 to 500"],
  ["lockTimeout", "soon", "duration"],
  ["lockTimeout", Number.NaN, "duration"],
  ["lockTimeout", "-1 second", "duration"],
  ["durability", "some", "full"],
  ["whileMounted", "maybe", "refuse"],
  ["overlayXattrs", "security", "trusted"]
]

const options: Suite<Needs> = badOptions.map(([option, bad, reason]) =>
  statement(
    `the option ${option} cannot be ${JSON.stringify(bad)}, and a store that is opened so is not made`,
    ({ at, fs, open }) =>
      Effect.gen(function*() {
        const given = { [option]: option === "mountOptions" ? [bad] : bad }
        const attempt = Effect.scoped(open({ root: at("new"), ...untyped<Partial<SnapshotterOptions>>(given) }))
        yield* expectRefusal("open", attempt, {
          tag: "InvalidOption",
          fields: { option, value: bad },
          mentions: [option, JSON.stringify(bad), reason]
        })
        yield* expectEqual("what is there", yield* fs.lstat(at("new")), undefined)
      })
  )
)

const optionShapes: Suite<Needs> = [
  statement(
    "mountOptions that are one text instead of a list are refused",
    ({ at, fs, open }) =>
      Effect.gen(function*() {
        const attempt = Effect.scoped(open({ root: at("new"), mountOptions: untyped("index=off") }))
        yield* expectRefusal("open", attempt, { tag: "InvalidOption", fields: { option: "mountOptions" } })
        yield* expectEqual("what is there", yield* fs.lstat(at("new")), undefined)
      })
  )
]

export const badInputCases: Suite<Needs> = [
  ...keys,
  ...labels,
  ...updates,
  ...filters,
  ...options,
  ...optionShapes
]
