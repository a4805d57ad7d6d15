/**
 * Damage: what an unclean disk, or somebody with an editor, makes of one snapshot. It alone answers with `Damaged`, the
 * others go on, nothing is rewritten or deleted by looking, `check` tells what it is, and `remove` gets rid of it.
 */
import { Effect, Stream } from "effect"
import type { SnapshotPaths } from "../../internal/layout.ts"
import type { StatError } from "../../SnapshotterError.ts"
import type { FileSystemError } from "../../StoreFileSystem.ts"
import { type Case, expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  type Bench,
  committed,
  expectRefusal,
  expectSamePicture,
  forest,
  key,
  layerOf,
  name,
  namesOf
} from "./bench.ts"
import { type Needs, picture, statement, whereabouts } from "./bench.ts"

type Victim = "active" | "view" | "committed"

interface Damage {
  readonly what: string
  /** Which operations can do without what is damaged. */
  readonly spares: ReadonlyArray<"stat" | "usage">
  /** Damages the snapshot; returns the path that is at fault. */
  readonly do: (bench: Bench, paths: SnapshotPaths, kind: Victim) => Effect.Effect<string, FileSystemError>
}

const rewritten = (field: string, what: string, text: (before: string) => string): Damage => ({
  what: `${field}: its metadata ${what}`,
  spares: [],
  do: ({ fs }, paths, kind) =>
    Effect.gen(function*() {
      const path = paths.metadata(kind)
      const before = (yield* fs.readFile(path)) ?? ""
      yield* fs.removeFile(path)
      yield* fs.writeFile(path, text(before), 0o600)
      return path
    })
})

const instead = (
  what: string,
  of: (paths: SnapshotPaths, kind: Victim) => string,
  put: (bench: Bench, path: string) => Effect.Effect<unknown, FileSystemError>,
  spares: Damage["spares"] = []
): Damage => ({
  what,
  spares,
  do: (bench, paths, kind) =>
    Effect.gen(function*() {
      const path = of(paths, kind)
      yield* bench.fs.removeTree(path)
      yield* put(bench, path)
      return path
    })
})

const nothing = () => Effect.void

const damages: ReadonlyArray<Damage> = [
  rewritten("F03", "is empty", () => ""),
  rewritten("F03", "is NUL bytes", () => "\0".repeat(4096)),
  rewritten("F03", "is cut in half", (before) => before.slice(0, before.length / 2)),
  rewritten("F03", "is JSON of the wrong shape", () => "{\"version\":1,\"key\":[]}"),
  rewritten("F03", "is of a newer version", (before) => before.replace("\"version\":1", "\"version\":999")),
  instead("its metadata is missing", (paths, kind) => paths.metadata(kind), nothing),
  instead(
    "its metadata is a directory",
    (paths, kind) => paths.metadata(kind),
    ({ fs }, path) => fs.makeDirectory(path, 0o700)
  ),
  instead(
    "its metadata is not UTF-8",
    (paths, kind) => paths.metadata(kind),
    ({ files }, path) => Effect.orDie(files.writeFile(path, Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d)))
  ),
  instead("F08: its layer is missing", (paths) => paths.layer, nothing, ["stat"]),
  instead("its layer is a file", (paths) => paths.layer, ({ fs }, path) => fs.writeFile(path, "", 0o600), ["stat"]),
  instead("its layer is a symlink", (paths) => paths.layer, ({ fs }, path) => fs.symlink("/", path), ["stat"]),
  instead("its parent link is missing", (paths) => paths.parent, nothing, ["usage"]),
  instead(
    "its parent link leads to another than its metadata says",
    (paths) => paths.parent,
    ({ fs }, path) => fs.symlink("../../committed/aaaaaaaaaaaaa", path),
    ["usage"]
  ),
  instead("its parent link is a file", (paths) => paths.parent, ({ fs }, path) => fs.writeFile(path, "", 0o600), [
    "usage"
  ])
]

/** `victim` of one kind on `base`, and beside it others that have nothing to do with it. */
const scene = Effect.fnUntraced(function*(bench: Bench, kind: Victim) {
  const { store } = bench
  yield* committed(bench, "base", { adds: { file: "text" } })
  if (kind === "committed") yield* committed(bench, "victim", { parent: "base", adds: { own: "text" } })
  else if (kind === "view") yield* store.view(key("victim"), { parent: name("base") })
  else yield* store.prepare(key("victim"), { parent: name("base") })
  yield* store.prepare(key("an active one"), { parent: name("base") })
  yield* store.view(key("a view"), { parent: name("base") })
  yield* committed(bench, "a committed one", { parent: "base" })
  return ["a committed one", "a view", "an active one", "base"]
})

const damagedAnswers = (bench: Bench, kind: Victim, damage: Damage, path: string) =>
  Effect.gen(function*() {
    const { open } = bench
    // One that was open before may remember what it saw.
    const store = yield* open()
    const expected = { tag: "Damaged", mentions: ["\"victim\"", "damaged", "remove it"] } as const
    const asked: ReadonlyArray<readonly [string, Effect.Effect<unknown, StatError>]> = [
      ["stat", store.stat(key("victim"))],
      // A view has no layer that would have to be measured.
      ["usage", store.usage(key("victim"))]
    ]
    for (const [operation, attempt] of asked) {
      const spared = damage.spares.some((one) => one === operation) ||
        (operation === "usage" && kind === "view" && damage.spares.length > 0)
      if (spared) yield* attempt
      else yield* expectRefusal(operation, attempt, { ...expected, fields: { snapshot: "victim", path } })
    }
    if (kind === "committed") {
      for (const create of [store.prepare, store.view]) {
        yield* expectRefusal("a child", create(key("child"), { parent: name("victim") }), expected)
      }
    } else {
      yield* expectRefusal("mounts", store.mounts(key("victim")), expected)
      if (kind === "active") yield* expectRefusal("commit", store.commit(name("new"), key("victim")), expected)
    }
  })

const damageCase = (kind: Victim, damage: Damage): Case<Needs> =>
  statement(
    `${damage.what} (${kind}): one that is so damaged says so, the others go on, and it can be removed`,
    (bench) =>
      Effect.gen(function*() {
        const { fs, open, root, store } = bench
        const others = yield* scene(bench, kind)
        const paths = yield* whereabouts(bench, "victim")
        const path = yield* damage.do(bench, paths, kind)
        const before = yield* picture(fs, root)

        yield* damagedAnswers(bench, kind, damage, path)
        const opened = yield* open()
        const shown = namesOf(yield* forest(opened))
        yield* expectEqual("what walk shows of the others", shown.filter((one) => one !== "victim"), others)
        for (const other of others) yield* opened.stat(key(other))
        for (const other of ["a view", "an active one"]) yield* opened.mounts(key(other))
        const found = (yield* opened.check).filter(({ severity }) => severity === "damage")
        yield* expectThat(
          `check reports ${path}, and not only ${found.map((one) => one.path)}`,
          found.some((one) => one.path === path)
        )
        yield* expectSamePicture("the store's directory", yield* picture(fs, root), before)

        yield* opened.prepare(key("a new one"), { parent: name("a committed one") })
        yield* opened.cleanup
        yield* expectThat("cleanup left the damaged one", (yield* fs.lstat(paths.directory)) !== undefined)
        yield* store.remove(key("victim"))
        yield* expectEqual("the forest", namesOf(yield* forest(store)), [...others, "a new one"].toSorted())
        yield* store.prepare(key("victim"), { parent: name("base") })
      })
  )

const kindsOf = (damage: Damage): ReadonlyArray<Victim> =>
  // What lies in a view's layer is never shown when it has a parent.
  damage.what.startsWith("its layer") ? ["active", "committed"] : ["active", "view", "committed"]

const each: Suite<Needs> = damages.flatMap((damage) => kindsOf(damage).map((kind) => damageCase(kind, damage)))

const more: Suite<Needs> = [
  statement(
    "a damaged snapshot's key and name count as taken, so that nothing is made over it",
    (bench) =>
      Effect.gen(function*() {
        const { fs, open, store } = bench
        yield* committed(bench, "A")
        yield* store.prepare(key("a"))
        yield* fs.removeFile((yield* whereabouts(bench, "A")).name)
        const other = yield* open()
        yield* expectRefusal("prepare", other.prepare(key("A")), { tag: "Damaged" })
        yield* expectRefusal("commit", other.commit(name("A"), key("a")), { tag: "Damaged" })
        yield* other.remove(name("A"))
        yield* other.commit(name("A"), key("a"))
      })
  ),
  statement("walk can be told to fail at what is damaged instead of leaving it out", (bench) =>
    Effect.gen(function*() {
      const { fs, open, store } = bench
      yield* store.prepare(key("a"))
      yield* store.prepare(key("b"))
      yield* fs.removeFile((yield* whereabouts(bench, "a")).key)
      const other = yield* open()
      yield* expectRefusal("walk", Stream.runDrain(other.walk({ onDamaged: "fail" })), { tag: "Damaged" })
      yield* expectEqual("what is shown otherwise", namesOf(yield* forest(other)), ["b"])
      yield* store.remove(key("a"))
    })),
  statement(
    "an ancestor that is gone damages those above it alone, and they can be removed",
    (bench) =>
      Effect.gen(function*() {
        const { fs, open, store } = bench
        yield* committed(bench, "base")
        yield* committed(bench, "middle", { parent: "base" })
        yield* store.prepare(key("top"), { parent: name("middle") })
        yield* committed(bench, "other")
        const { directory, link } = yield* whereabouts(bench, "base")
        yield* fs.removeTree(directory)
        yield* fs.removeFile(link)
        const opened = yield* open()
        yield* expectRefusal("mounts", opened.mounts(key("top")), { tag: "Damaged", mentions: [directory] })
        yield* expectRefusal("prepare", opened.prepare(key("new"), { parent: name("middle") }), { tag: "Damaged" })
        yield* expectRefusal("stat", opened.stat(name("middle")), { tag: "Damaged" })
        yield* expectEqual("what walk shows", namesOf(yield* forest(opened)).includes("other"), true)
        yield* opened.prepare(key("new"), { parent: name("other") })
        yield* opened.remove(key("top"))
        yield* opened.remove(name("middle"))
      })
  ),
  statement(
    "a missing layer of an ancestor is found before any mounts are handed out, and building it again repairs",
    (bench) =>
      Effect.gen(function*() {
        const { fs, store } = bench
        yield* committed(bench, "base", { adds: { file: "text" } })
        yield* committed(bench, "middle", { parent: "base" })
        yield* store.prepare(key("top"), { parent: name("middle") })
        const { layer } = yield* whereabouts(bench, "base")
        yield* fs.removeTree(layer)
        const expected = { tag: "Damaged", fields: { path: layer } } as const
        yield* expectRefusal("mounts", store.mounts(key("top")), expected)
        yield* expectRefusal("prepare", store.prepare(key("new"), { parent: name("middle") }), expected)
        yield* expectRefusal("view", store.view(key("new"), { parent: name("base") }), expected)
        for (const each of ["top", "middle", "base"]) yield* store.remove(key(each))
        yield* committed(bench, "base", { adds: { file: "text" } })
        yield* store.prepare(key("new"), { parent: name("base") })
      })
  ),
  statement(
    "an index link that is none is told of, and relink puts the right one back",
    (bench) =>
      Effect.gen(function*() {
        const { fs, open, store } = bench
        yield* store.prepare(key("b"))
        const spoil: ReadonlyArray<(link: string) => Effect.Effect<void, FileSystemError>> = [
          (link) => fs.symlink("../elsewhere/aaaaaaaaaaaaa", link),
          (link) => fs.symlink("/etc/passwd", link),
          (link) => fs.writeFile(link, "", 0o600)
        ]
        for (const [n, put] of spoil.entries()) {
          const called = `a ${n}`
          const mounts = yield* store.prepare(key(called))
          const { link } = yield* whereabouts(bench, called)
          yield* fs.removeFile(link)
          yield* put(link)
          const other = yield* open()
          yield* expectRefusal("stat", other.stat(key(called)), { tag: "Damaged", fields: { path: link } })
          yield* expectRefusal("prepare", other.prepare(key(called)), { tag: "Damaged" })
          yield* other.stat(key("b"))
          yield* expectThat("check reports it", (yield* other.check).some(({ path }) => path === link))
          yield* expectEqual("what is relinked", yield* other.relink, [called])
          yield* expectEqual("its mounts", yield* other.mounts(key(called)), mounts)
          yield* expectThat("it has its layer", (yield* fs.lstat(layerOf(mounts))) !== undefined)
        }
      })
  ),
  statement(
    "a name that was taken away and came up as somebody else's file is free again after relink",
    (bench) =>
      Effect.gen(function*() {
        const { fs, layout, store } = bench
        yield* store.prepare(key("a"))
        const { link } = yield* whereabouts(bench, "a")
        yield* store.remove(key("a"))
        yield* fs.writeFile(link, "another's", 0o644)
        const foreign = `${layout.index}/foreign`
        yield* fs.writeFile(foreign, "foreign", 0o644)
        yield* expectRefusal("prepare", store.prepare(key("a")), { tag: "Damaged", fields: { path: link } })
        const told = (yield* store.check).filter(({ severity }) => severity === "damage").map(({ path }) => path)
        yield* expectEqual("what check reports", told.toSorted(), [link, foreign].toSorted())
        yield* store.cleanup
        yield* expectEqual("what cleanup leaves", yield* fs.readFile(link), "another's")
        yield* expectEqual("what is relinked", yield* store.relink, [link])
        yield* expectEqual("what is relinked then", yield* store.relink, [])
        yield* store.prepare(key("a"))
        yield* expectEqual("what is left alone", yield* fs.readFile(foreign), "foreign")
        yield* fs.removeFile(foreign)
        const directory = `${layout.index}/${"0".repeat(64)}`
        yield* fs.makeDirectory(directory, 0o755)
        const [found] = yield* store.check
        yield* expectThat("check says what to do about it", found?.message.includes("move it elsewhere") === true)
        yield* expectEqual("what is relinked of it", yield* store.relink, [])
        yield* fs.removeTree(directory)
      })
  )
]

export const damageCases: Suite<Needs> = [...each, ...more]
