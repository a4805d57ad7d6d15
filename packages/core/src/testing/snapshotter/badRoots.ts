/** Roots that no store can be at, and some that one can although they look odd. */
import { Effect } from "effect"
import type { SnapshotterOptions } from "../../Snapshotter.ts"
import { type Case, expectEqual, type Suite } from "../Suite.ts"
import { untyped, withBoth } from "./badInput.ts"
import { type Bench, expectRefusal, expectSamePicture, forest, key, type Needs, picture, statement } from "./bench.ts"

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
  {
    what: "a path with a lone surrogate",
    root: ({ at }) => Effect.succeed(at("\ud800")),
    tag: "UnsuitableRoot",
    mentions: ["surrogate"]
  },
  {
    what: "a file",
    root: inPlace(({ fs }, path) => fs.writeFile(path, "text", 0o600)),
    tag: "NotAStore",
    mentions: ["place", "not a directory", "give an"]
  },
  {
    what: "a path through a file",
    root: inPlace(({ fs }, path) => fs.writeFile(path, "text", 0o600), "/below"),
    tag: "NotAStore",
    mentions: ["place/below", "not a directory"]
  },
  {
    what: "a symlink to a file",
    root: inPlace(({ files, fs }, path) =>
      Effect.andThen(fs.writeFile(`${path} itself`, "", 0o600), files.symlink(`${path} itself`, path))
    ),
    tag: "NotAStore",
    mentions: ["not a directory"]
  },
  {
    what: "a dangling symlink",
    root: inPlace(({ fs }, path) => fs.symlink("nowhere", path)),
    tag: "NotAStore",
    mentions: ["place", "symlink", "give an"]
  },
  {
    what: "a path through a dangling symlink",
    root: inPlace(({ fs }, path) => fs.symlink("nowhere", path), "/below"),
    tag: "NotAStore",
    mentions: ["place", "symlink"]
  },
  {
    what: "a symlink to itself",
    root: inPlace(({ fs }, path) => fs.symlink("place", path)),
    tag: "NotAStore",
    mentions: ["place", "symlink"]
  },
  {
    what: "a directory with something else in it",
    root: inPlace(({ fs }, path) =>
      Effect.andThen(fs.makeDirectory(path, 0o755), fs.writeFile(`${path}/precious`, "text", 0o644))
    ),
    tag: "NotAStore",
    mentions: ["precious", "empty directory"]
  },
  {
    what: "a directory with something in what looks like ours",
    root: inPlace(({ files }, path) =>
      Effect.andThen(
        files.makeDirectory(`${path}/active`, { recursive: true }),
        files.writeFileString(`${path}/active/x`, "text")
      )
    ),
    tag: "NotAStore",
    mentions: ["active"]
  },
  {
    what: "a directory with a version that is a directory",
    root: inPlace(({ files }, path) => files.makeDirectory(`${path}/version`, { recursive: true })),
    tag: "NotAStore",
    mentions: ["version"]
  },
  {
    what: "a path that is too long",
    root: ({ at }) => Effect.succeed(at("long/".repeat(900))),
    tag: "UnsuitableRoot",
    mentions: ["bytes", "ENAMETOOLONG", "give a path of at most"]
  },
  {
    what: "a path with a name that is too long",
    root: ({ at }) => Effect.succeed(at("n".repeat(256))),
    tag: "UnsuitableRoot",
    mentions: ["ENAMETOOLONG", "255"]
  },
  withVersion(
    "a store of a newer version",
    "{\"version\":2,\"overlayXattrs\":\"trusted\",\"more\":[]}",
    "UnsupportedVersion",
    ["2", "knows 1", "use the version"]
  ),
  withVersion("a store of a version that is a text", "{\"version\":\"1.0\"}", "UnsupportedVersion", ["\"1.0\""]),
  withVersion("a store whose version file is empty", "", "NotAStore", ["version file", "empty directory"]),
  withVersion("a store whose version file is something else", "1.2.3\n", "NotAStore", ["version file"]),
  withVersion("a store whose version file says nothing about attributes", "{\"version\":1}", "NotAStore", [
    "version file"
  ]),
  {
    what: "a store made with trusted attributes, with user ones",
    root: ({ root }) => Effect.succeed(root),
    options: { overlayXattrs: "user" },
    tag: "XattrsMismatch",
    mentions: ["trusted", "user", "come back"]
  }
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
      yield* expectSamePicture("what is there", yield* picture(fs, place), before)
      yield* fs.removeFile(`${root}/version`)
      yield* fs.writeFile(`${root}/version`, version, 0o600)
    }))
)

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
  statement(
    "a root is made where nothing is, also below directories that are not there, for its owner alone",
    ({ at, fs, open }) =>
      Effect.gen(function*() {
        for (const root of [at("deep/er/and/deeper"), `${at("with")}//slashes///`]) {
          const store = yield* open({ root })
          yield* store.prepare(key("a"))
          yield* expectEqual("its mode", (yield* fs.lstat(yield* fs.realPath(root)))?.mode, 0o700)
          yield* expectEqual("what check finds", yield* store.check, [])
        }
        yield* expectEqual("the mode of one above", (yield* fs.lstat(at("deep")))?.mode, 0o755)
      })
  ),
  statement(
    "an empty directory becomes a store, closed to others; so does one that an interrupted creation left",
    ({ at, fs, open }) =>
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
      })
  )
]

export const rootCases: Suite<Needs> = [...roots, ...goodRoots]
