/** What crashes leave, and what somebody puts into a store by hand: what is reclaimed, by what, and what never is. */
import { Effect } from "effect"
import { sha256Hex } from "../../internal/sha256.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  type Bench,
  committed,
  expectRefusal,
  expectSamePicture,
  forest,
  key,
  layerOf,
  name,
  namesOf,
  type Needs
} from "./bench.ts"
import { picture, statement, whereabouts } from "./bench.ts"

const orphan = "orphan2222222"

/** Puts one of everything that a crash can leave into the store, and says where each lies. */
const litter = Effect.fnUntraced(function*(bench: Bench) {
  const { fs, layout, root } = bench
  const { id, ...paths } = yield* whereabouts(bench, "A")
  const active = yield* whereabouts(bench, "a")
  const swept = [`${root}/staging/begun222222222`, `${root}/trash/removed222222`]
  for (const directory of swept) {
    yield* fs.makeDirectory(directory, 0o700)
    yield* fs.makeDirectory(`${directory}/fs`, 0o755)
    yield* fs.writeFile(`${directory}/fs/junk`, "junk", 0o600)
  }
  const links = {
    [layout.link(sha256Hex("never was"))]: `../active/${orphan}`,
    [layout.link(sha256Hex("was, and was committed"))]: `../committed/${id}`
  }
  for (const [path, text] of Object.entries(links)) yield* fs.symlink(text, path)
  const left = [`${paths.children}/${orphan}`, paths.next, active.next, active.name]
  for (const path of left) yield* fs.writeFile(path, "", 0o600)
  yield* fs.makeDirectory(paths.work, 0o700)
  yield* fs.makeDirectory(`${paths.work}/work`, 0o000)
  return { swept, rest: [...Object.keys(links), ...left, paths.work] }
})

const withBoth = Effect.fnUntraced(function*(bench: Bench) {
  yield* committed(bench, "A", { adds: { file: "text" } })
  yield* bench.store.prepare(key("a"), { parent: name("A") })
})

const sorted = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...texts].sort()

const reclaiming: Suite<Needs> = [
  statement(
    "check reports all that is left over as reclaimable, and cleanup takes exactly that, once",
    (bench) =>
      Effect.gen(function*() {
        const { fs, root, store } = bench
        yield* withBoth(bench)
        const clean = yield* picture(fs, root)
        const { rest, swept } = yield* litter(bench)
        const reported = yield* store.check
        yield* expectEqual("severities", new Set(reported.map(({ severity }) => severity)), new Set(["reclaimable"]))
        yield* expectEqual("what check reports", sorted(reported.map(({ path }) => path)), sorted([...swept, ...rest]))
        const { removed, unremoved } = yield* store.cleanup
        yield* expectEqual("what could not be taken", unremoved, [])
        yield* expectEqual("how many things were taken", removed.length, swept.length + rest.length)
        yield* expectSamePicture("the store's directory", yield* picture(fs, root), clean)
        yield* expectEqual("a second cleanup", yield* store.cleanup, { removed: [], unremoved: [] })
      })
  ),
  statement(
    "opening sweeps what was being made and what was being deleted, and leaves the rest to cleanup",
    (bench) =>
      Effect.gen(function*() {
        const { fs, open, store } = bench
        yield* withBoth(bench)
        const { rest, swept } = yield* litter(bench)
        yield* open()
        for (const path of swept) yield* expectEqual(path, yield* fs.lstat(path), undefined)
        yield* expectEqual("what is left", sorted((yield* store.check).map(({ path }) => path)), sorted(rest))
      })
  ),
  statement("leftovers stand in nobody's way, and are never seen", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      yield* withBoth(bench)
      yield* litter(bench)
      yield* expectEqual("the forest", namesOf(yield* forest(store)), ["A", "a"])
      yield* expectRefusal("stat", store.stat(key("never was")), { tag: "SnapshotNotFound" })
      yield* expectRefusal("stat", store.stat(key("was, and was committed")), { tag: "SnapshotNotFound" })
      const layer = layerOf(yield* store.prepare(key("never was")))
      yield* expectEqual("what is in it", yield* files.readDirectory(layer), [])
      yield* store.view(key("was, and was committed"), { parent: name("A") })
      yield* store.update(name("A"), { patch: { a: "1" } })
      const info = yield* store.commit(name("B"), key("a"), { labels: { b: "1" } })
      yield* expectEqual("what stat says of B", yield* store.stat(name("B")), info)
      for (const each of ["was, and was committed", "B", "A"]) yield* store.remove(key(each))
    })),
  statement(
    "a dead link does not come alive when the snapshot that it leads to is committed under another name",
    (bench) =>
      Effect.gen(function*() {
        const { fs, layout, store } = bench
        yield* store.prepare(key("a"))
        const { id } = yield* whereabouts(bench, "a")
        // As a crash just before the rename of a commit leaves it.
        yield* fs.symlink(`../committed/${id}`, layout.link(sha256Hex("wrong")))
        yield* store.commit(name("right"), key("a"))
        yield* expectRefusal("stat", store.stat(name("wrong")), { tag: "SnapshotNotFound" })
        yield* expectRefusal("prepare", store.prepare(key("b"), { parent: name("wrong") }), { tag: "ParentNotFound" })
        yield* committed(bench, "wrong")
        yield* expectEqual("the forest", namesOf(yield* forest(store)), ["right", "wrong"])
      })
  )
]

const orphans: Suite<Needs> = [
  statement(
    "a directory without link is reported and never deleted, and no new snapshot shows what is in it",
    (bench) =>
      Effect.gen(function*() {
        const { files, fs, root, store } = bench
        yield* withBoth(bench)
        const directories = ["active", "view", "committed"].map((place, n) =>
          `${root}/${place}/orphan222222${"abc"[n]}`
        )
        for (const directory of directories) {
          yield* fs.makeDirectory(directory, 0o700)
          yield* fs.makeDirectory(`${directory}/fs`, 0o755)
          yield* fs.writeFile(`${directory}/fs/junk`, "junk", 0o600)
        }
        const before = yield* Effect.forEach(directories, (directory) => picture(fs, directory))
        const reported = new Set((yield* store.check).filter((one) => one.severity === "damage").map((one) => one.path))
        for (const directory of directories) yield* expectThat(`check reports ${directory}`, reported.has(directory))
        const layer = layerOf(yield* store.prepare(key("orphan"), { parent: name("A") }))
        yield* expectEqual("what is in a new one", yield* files.readDirectory(layer), [])
        yield* store.commit(name("B"), key("orphan"))
        yield* store.cleanup
        yield* store.relink
        yield* expectSamePicture("the orphans", yield* Effect.forEach(directories, (one) => picture(fs, one)), before)
        for (const directory of directories) yield* fs.removeTree(directory)
      })
  ),
  statement("what does not belong into a store is reported and left alone", (bench) =>
    Effect.gen(function*() {
      const { fs, root, store } = bench
      yield* withBoth(bench)
      const foreign = ["active/not an id", "committed/.DS_Store", "view/lost+found"].map((path) => `${root}/${path}`)
      for (const path of foreign) yield* fs.writeFile(path, "foreign", 0o600)
      const found = (yield* store.check).map(({ path }) => path)
      yield* expectEqual("what check reports", sorted(found), sorted(foreign))
      yield* store.cleanup
      yield* expectEqual("the forest", namesOf(yield* forest(store)), ["A", "a"])
      for (const path of foreign) {
        yield* expectEqual(path, yield* fs.readFile(path), "foreign")
        yield* fs.removeFile(path)
      }
    })),
  statement("relink gives lost links back, once, and changes nothing else", (bench) =>
    Effect.gen(function*() {
      const { fs, layout, root, store } = bench
      yield* withBoth(bench)
      yield* store.view(key("v"), { parent: name("A") })
      const whole = yield* forest(store)
      const before = new Map<string, string | undefined>()
      for (const link of yield* fs.readDirectory(layout.index)) {
        before.set(link, yield* fs.readLink(layout.link(link)))
        yield* fs.removeFile(layout.link(link))
      }
      yield* expectRefusal("stat", store.stat(name("A")), { tag: "SnapshotNotFound" })
      const reported = yield* store.check
      yield* expectEqual("how much damage", reported.filter(({ severity }) => severity === "damage").length, 3)
      yield* expectThat("check names the remedy", reported.every(({ message }) => message.includes("relink")))
      yield* store.cleanup
      yield* expectEqual("what is relinked", sorted(yield* store.relink), ["A", "a", "v"])
      yield* expectEqual("what is relinked then", yield* store.relink, [])
      for (const [link, text] of before) yield* expectEqual(link, yield* fs.readLink(layout.link(link)), text)
      yield* expectEqual("the forest", yield* forest(store), whole)
      yield* expectEqual("links", (yield* fs.readDirectory(`${root}/index`)).length, 3)
    })),
  statement("of two that bear one name relink decides for neither", (bench) =>
    Effect.gen(function*() {
      const { fs, store } = bench
      yield* store.prepare(key("a"))
      const first = yield* whereabouts(bench, "a")
      yield* fs.removeFile(first.link)
      // Nothing but check can tell that the key is not free.
      yield* store.prepare(key("a"))
      const second = yield* whereabouts(bench, "a")
      yield* expectEqual("what is relinked", yield* store.relink, [])
      yield* expectThat("check reports it", (yield* store.check).some(({ message }) => message.includes("another")))
      yield* store.remove(key("a"))
      yield* expectEqual("the second", yield* fs.lstat(second.directory), undefined)
      yield* expectEqual("what is relinked then", yield* store.relink, ["a"])
      yield* expectEqual("where a lies", (yield* whereabouts(bench, "a")).directory, first.directory)
    }))
]

export const leftoverCases: Suite<Needs> = [...reclaiming, ...orphans]
