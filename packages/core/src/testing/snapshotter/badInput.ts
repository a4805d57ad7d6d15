/**
 * Bad input: each is a typed failure that names the thing, the reason and the remedy, and changes nothing. Here what every
 * backend can be given; what it takes a machine for, a backend's own tests add.
 */
import { Effect, Stream } from "effect"
import { identifierBytesMax } from "../../Snapshot.ts"
import type { Labels } from "../../Snapshot.ts"
import type { LabelUpdate, Snapshotter, SnapshotterOptions } from "../../Snapshotter.ts"
import { type Case, expectEqual, type Suite } from "../Suite.ts"
import { type Bench, committed, expectRefusal, expectUnchangedBy, forest, key, name, type Needs } from "./bench.ts"
import { picture, statement, type Tagged } from "./bench.ts"

const withBoth = Effect.fnUntraced(function*(bench: Bench) {
  yield* committed(bench, "A", { adds: { file: "text" } })
  yield* bench.store.prepare(key("a"), { parent: name("A"), labels: { old: "label" } })
})

/** What a caller without types may hand in. The types say that it cannot be; the library says what is wrong with it. */
const untyped = <A>(value: unknown): A => value as A

// ============================================================ keys and names

const badKeys: ReadonlyArray<{ readonly what: string; readonly text: string; readonly reason: string }> = [
  { what: "an empty text", text: "", reason: "it is empty" },
  { what: "a text with NUL", text: "a\0b", reason: "it contains NUL" },
  { what: "a lone surrogate", text: "a\ud800b", reason: "a lone surrogate" },
  { what: "a text too long by one byte", text: "k".repeat(identifierBytesMax + 1), reason: String(identifierBytesMax) },
  { what: "a text too long in two-byte characters", text: "é".repeat(identifierBytesMax / 2 + 1), reason: `${identifierBytesMax + 2} bytes` },
  { what: "undefined", text: untyped(undefined), reason: "it is not a string" },
  { what: "null", text: untyped(null), reason: "it is not a string" },
  { what: "a number", text: untyped(5), reason: "it is not a string" },
  { what: "an object", text: untyped({ toString: () => "a" }), reason: "it is not a string" }
]

/** Each place where a key or name is given, by what it is called there. */
const takingKeys = (store: Snapshotter, text: string): ReadonlyArray<readonly [string, string, Effect.Effect<unknown, Tagged>]> => [
  ["prepare", "key", store.prepare(key(text))],
  ["view", "key", store.view(key(text))],
  ["prepare from", "parent", store.prepare(key("new"), { parent: name(text) })],
  ["view of", "parent", store.view(key("new"), { parent: name(text) })],
  ["mounts", "key", store.mounts(key(text))],
  ["commit", "key", store.commit(name("new"), key(text))],
  ["commit as", "name", store.commit(name(text), key("a"))],
  ["remove", "key", store.remove(key(text))],
  ["stat", "key", store.stat(key(text))],
  ["update", "key", store.update(key(text), { patch: { a: "1" } })],
  ["usage", "key", store.usage(key(text))]
]

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
    })))

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
    })))

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
    })))

const filters: Suite<Needs> = ["name=c1", "==x", "labels.\"open", "kind==active,", ")"].map((filter) =>
  statement(`the filter ${filter} is refused`, (bench) =>
    Effect.gen(function*() {
      yield* withBoth(bench)
      yield* expectUnchangedBy(bench, "walk", Stream.runCollect(bench.store.walk({ filters: [filter] })), {
        tag: "InvalidFilter",
        fields: { filter },
        mentions: [JSON.stringify(filter), "at character", "as in"]
      })
    })))

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
  statement(`the option ${option} cannot be ${JSON.stringify(bad)}, and a store that is opened so is not made`, ({ at, fs, open }) =>
    Effect.gen(function*() {
      const given = { [option]: option === "mountOptions" ? [bad] : bad }
      const attempt = Effect.scoped(open({ root: at("new"), ...untyped<Partial<SnapshotterOptions>>(given) }))
      yield* expectRefusal("open", attempt, {
        tag: "InvalidOption",
        fields: { option, value: bad },
        mentions: [option, JSON.stringify(bad), reason]
      })
      yield* expectEqual("what is there", yield* fs.lstat(at("new")), undefined)
    })))

const optionShapes: Suite<Needs> = [
  statement("mountOptions that are one text instead of a list are refused", ({ at, fs, open }) =>
    Effect.gen(function*() {
      const attempt = Effect.scoped(open({ root: at("new"), mountOptions: untyped("index=off") }))
      yield* expectRefusal("open", attempt, { tag: "InvalidOption", fields: { option: "mountOptions" } })
      yield* expectEqual("what is there", yield* fs.lstat(at("new")), undefined)
    }))
]

// ============================================================ roots

interface BadRoot {
  readonly what: string
  /** Prepares the place; returns the root to give, and the directory in which nothing may change. */
  readonly root: (bench: Bench) => Effect.Effect<string, unknown>
  readonly options?: Partial<SnapshotterOptions>
  readonly tag: string
  readonly mentions: ReadonlyArray<string>
}

const withVersion = (what: string, text: string, tag: string, mentions: ReadonlyArray<string>): BadRoot => ({
  what,
  root: ({ fs, root }) =>
    Effect.as(Effect.andThen(fs.removeFile(`${root}/version`), fs.writeFile(`${root}/version`, text, 0o600)), root),
  tag,
  mentions
})

const inPlace = (make: (bench: Bench, path: string) => Effect.Effect<unknown, unknown>, below = "") => (bench: Bench) =>
  Effect.as(make(bench, bench.at("place")), `${bench.at("place")}${below}`)

const badRoots: ReadonlyArray<BadRoot> = [
  { what: "a relative path", root: () => Effect.succeed("some/place"), tag: "UnsuitableRoot", mentions: ["absolute"] },
  { what: "no path", root: () => Effect.succeed(""), tag: "UnsuitableRoot", mentions: ["absolute"] },
  { what: "undefined", root: () => Effect.succeed(untyped(undefined)), tag: "UnsuitableRoot", mentions: ["absolute"] },
  { what: "a path with NUL", root: ({ at }) => Effect.succeed(at("a\0b")), tag: "UnsuitableRoot", mentions: ["NUL"] },
  { what: "a path with a lone surrogate", root: ({ at }) => Effect.succeed(at("\ud800")), tag: "UnsuitableRoot", mentions: ["surrogate"] },
  { what: "a file", root: inPlace(({ fs }, path) => fs.writeFile(path, "text", 0o600)), tag: "NotAStore", mentions: ["place", "not a directory", "give an"] },
  { what: "a path through a file", root: inPlace(({ fs }, path) => fs.writeFile(path, "text", 0o600), "/below"), tag: "NotAStore", mentions: ["place/below", "not a directory"] },
  { what: "a symlink to a file", root: inPlace(({ files, fs }, path) =>
    Effect.andThen(fs.writeFile(`${path} itself`, "", 0o600), files.symlink(`${path} itself`, path))), tag: "NotAStore", mentions: ["not a directory"] },
  { what: "a dangling symlink", root: inPlace(({ fs }, path) => fs.symlink("nowhere", path)), tag: "NotAStore", mentions: ["place", "symlink", "give an"] },
  { what: "a path through a dangling symlink", root: inPlace(({ fs }, path) => fs.symlink("nowhere", path), "/below"), tag: "NotAStore", mentions: ["place", "symlink"] },
  { what: "a symlink to itself", root: inPlace(({ fs }, path) => fs.symlink("place", path)), tag: "NotAStore", mentions: ["place", "symlink"] },
  { what: "a directory with something else in it", root: inPlace(({ fs }, path) =>
    Effect.andThen(fs.makeDirectory(path, 0o755), fs.writeFile(`${path}/precious`, "text", 0o644))), tag: "NotAStore", mentions: ["precious", "empty directory"] },
  { what: "a directory with something in what looks like ours", root: inPlace(({ files }, path) =>
    Effect.andThen(files.makeDirectory(`${path}/active`, { recursive: true }), files.writeFileString(`${path}/active/x`, "text"))), tag: "NotAStore", mentions: ["active"] },
  { what: "a directory with a version that is a directory", root: inPlace(({ files }, path) =>
    files.makeDirectory(`${path}/version`, { recursive: true })), tag: "NotAStore", mentions: ["version"] },
  { what: "a path that is too long", root: ({ at }) => Effect.succeed(at("long/".repeat(900))), tag: "UnsuitableRoot", mentions: ["bytes", "ENAMETOOLONG", "give a path of at most"] },
  { what: "a path with a name that is too long", root: ({ at }) => Effect.succeed(at("n".repeat(256))), tag: "UnsuitableRoot", mentions: ["ENAMETOOLONG", "255"] },
  withVersion("a store of a newer version", "{\"version\":2,\"overlayXattrs\":\"trusted\",\"more\":[]}", "UnsupportedVersion", ["2", "knows 1", "use the version"]),
  withVersion("a store of a version that is a text", "{\"version\":\"1.0\"}", "UnsupportedVersion", ["\"1.0\""]),
  withVersion("a store whose version file is empty", "", "NotAStore", ["version file", "empty directory"]),
  withVersion("a store whose version file is something else", "1.2.3\n", "NotAStore", ["version file"]),
  withVersion("a store whose version file says nothing about attributes", "{\"version\":1}", "NotAStore", ["version file"]),
  { what: "a store made with trusted attributes, with user ones", root: ({ root }) => Effect.succeed(root), options: { overlayXattrs: "user" }, tag: "XattrsMismatch", mentions: ["trusted", "user", "come back"] }
]

const roots: Suite<Needs> = badRoots.map((bad): Case<Needs> =>
  statement(`${bad.what} is refused as root, and left as it is`, (bench) =>
    Effect.gen(function*() {
      const { at, fs, open, root } = bench
      yield* withBoth(bench)
      const version = (yield* fs.readFile(`${root}/version`)) ?? ""
      const given = yield* Effect.orDie(bad.root(bench))
      const place = at("").slice(0, -1)
      const before = yield* picture(fs, place)
      const attempt = Effect.scoped(Effect.suspend(() => open({ ...bad.options, root: given })))
      yield* expectRefusal("open", attempt, { tag: untyped(bad.tag), mentions: bad.mentions })
      yield* expectEqual("what is there", yield* picture(fs, place), before)
      yield* fs.removeFile(`${root}/version`)
      yield* fs.writeFile(`${root}/version`, version, 0o600)
    })))

const goodRoots: Suite<Needs> = [
  statement("a root reached through a symlink is the directory that it leads to", (bench) =>
    Effect.gen(function*() {
      const { at, fs, open, store } = bench
      yield* withBoth(bench)
      yield* fs.symlink("store", at("link"))
      const other = yield* open({ root: at("link") })
      yield* expectEqual("mounts", yield* other.mounts(key("a")), yield* store.mounts(key("a")))
      yield* other.prepare(key("b"))
      yield* expectEqual("the forest", yield* forest(store), yield* forest(other))
    })),
  statement("a root is made where nothing is, also below directories that are not there, for its owner alone", ({ at, fs, open }) =>
    Effect.gen(function*() {
      for (const root of [at("deep/er/and/deeper"), `${at("with")}//slashes///`]) {
        const store = yield* open({ root })
        yield* store.prepare(key("a"))
        yield* expectEqual("its mode", (yield* fs.lstat(yield* fs.realPath(root)))?.mode, 0o700)
        yield* expectEqual("what check finds", yield* store.check, [])
      }
      yield* expectEqual("the mode of one above", (yield* fs.lstat(at("deep")))?.mode, 0o755)
    })),
  statement("an empty directory becomes a store, closed to others; so does one that an interrupted creation left", ({ at, fs, open }) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("empty"), 0o777)
      yield* open({ root: at("empty") })
      yield* expectEqual("its mode", (yield* fs.lstat(at("empty")))?.mode, 0o700)
      yield* fs.makeDirectory(at("begun"), 0o700)
      for (const name of ["index", "active", "staging"]) yield* fs.makeDirectory(`${at("begun")}/${name}`, 0o700)
      yield* fs.writeFile(`${at("begun")}/staging/version`, "{", 0o600)
      const store = yield* open({ root: at("begun") })
      yield* store.prepare(key("a"))
      yield* expectEqual("what check finds", yield* store.check, [])
    }))
]

export const badInputCases: Suite<Needs> = [
  ...keys,
  ...labels,
  ...updates,
  ...filters,
  ...options,
  ...optionShapes,
  ...roots,
  ...goodRoots
]
