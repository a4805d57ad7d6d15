/** What becomes of snapshots as they are prepared, committed and removed, and what is left of them. */
import { Effect, Fiber, Result } from "effect"
import { childrenShownMax } from "../../SnapshotterError.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  chainOf,
  committed,
  expectRefusal,
  expectSamePicture,
  expectUnchangedBy,
  forest,
  key,
  layerOf
} from "./bench.ts"
import { mountedOn, name, namesOf, type Needs, picture, statement, whereabouts } from "./bench.ts"
import { timed } from "./timed.ts"

const commits: Suite<Needs> = [
  timed("commit starts both times anew, to the nanosecond", ({ store }, set) =>
    Effect.gen(function*() {
      yield* set(1_000_000_001n)
      yield* store.prepare(key("a"))
      yield* set(2_000_000_002n)
      yield* store.update(key("a"), { patch: { moved: "yes" } })
      const before = yield* store.stat(key("a"))
      yield* expectEqual("the times of a", [before.createdAt, before.updatedAt], [1_000_000_001n, 2_000_000_002n])
      yield* set(3_000_000_003n)
      const info = yield* store.commit(name("A"), key("a"))
      yield* expectEqual("the times of A", [info.createdAt, info.updatedAt], [3_000_000_003n, 3_000_000_003n])
      yield* expectEqual("what stat says of A", yield* store.stat(name("A")), info)
    })),
  statement(
    "a committed snapshot has the labels given to commit and none of the key's",
    ({ store }) =>
      Effect.gen(function*() {
        yield* store.prepare(key("a"), { labels: { a: "1", both: "of the key" } })
        const info = yield* store.commit(name("A"), key("a"), { labels: { b: "2", both: "of the name" } })
        yield* expectEqual("its labels", info.labels, { b: "2", both: "of the name" })
        yield* store.prepare(key("a"), { labels: { a: "1" } })
        yield* expectEqual("labels when none are given", (yield* store.commit(name("B"), key("a"))).labels, {})
      })
  ),
  statement(
    "a key is free as soon as it is committed or removed, for any other kind",
    ({ store }) =>
      Effect.gen(function*() {
        yield* store.prepare(key("a"))
        yield* store.commit(name("A"), key("a"))
        yield* store.view(key("a"), { parent: name("A") })
        yield* store.remove(key("a"))
        yield* store.prepare(key("other"))
        yield* store.commit(name("a"), key("other"))
        yield* store.remove(name("a"))
        yield* store.prepare(key("a"), { parent: name("A") })
        yield* expectEqual("the forest", namesOf(yield* forest(store)), ["A", "a"])
      })
  ),
  statement("a name that was removed can be built again, with other contents", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      yield* committed(bench, "A", { adds: { file: "first" } })
      yield* store.remove(name("A"))
      yield* committed(bench, "A", { adds: { file: "second" } })
      const target = yield* mountedOn(bench, yield* store.view(key("v"), { parent: name("A") }), "look")
      yield* expectEqual("what it shows", yield* files.readFileString(`${target}/file`), "second")
    })),
  statement(
    "committing a key that is not there under a name that is: the key is what is missed",
    (bench) =>
      Effect.gen(function*() {
        yield* committed(bench, "A")
        const attempt = bench.store.commit(name("A"), key("nothing"))
        yield* expectUnchangedBy(bench, "commit", attempt, { tag: "SnapshotNotFound", fields: { snapshot: "nothing" } })
      })
  ),
  statement(
    "a commit that was refused leaves its key as it was, to be committed under another name",
    (bench) =>
      Effect.gen(function*() {
        const { files, store } = bench
        yield* committed(bench, "A", { adds: { file: "of A" } })
        const mounts = yield* store.prepare(key("a"), { labels: { kept: "yes" } })
        yield* files.writeFileString(`${layerOf(mounts)}/file`, "of a")
        yield* expectUnchangedBy(bench, "commit", store.commit(name("A"), key("a")), { tag: "NameTaken" })
        yield* expectEqual("the mounts of a", yield* store.mounts(key("a")), mounts)
        yield* store.commit(name("B"), key("a"))
        const { layer } = yield* whereabouts(bench, "B")
        yield* expectEqual("what B holds", yield* files.readFileString(`${layer}/file`), "of a")
      })
  ),
  statement(
    "of a crowd that wants one key, one name, or one removal, exactly one gets it",
    ({ store }) =>
      Effect.gen(function*() {
        const crowd = <A, E extends { readonly _tag: string }>(
          what: string,
          refusal: string,
          one: Effect.Effect<A, E>
        ) =>
          Effect.gen(function*() {
            const results = yield* Effect.all(Array.from({ length: 20 }, () => Effect.result(one)), { concurrency: 20 })
            const failures = results.filter(Result.isFailure)
            yield* expectEqual(`how many failed to ${what}`, failures.length, 19)
            for (const { failure } of failures) yield* expectEqual("the failure", failure._tag, refusal)
          })
        yield* crowd("prepare", "KeyTaken", store.prepare(key("a")))
        yield* crowd("commit", "SnapshotNotFound", store.commit(name("A"), key("a")))
        yield* crowd("view", "KeyTaken", store.view(key("v"), { parent: name("A") }))
        yield* crowd("remove", "SnapshotNotFound", store.remove(key("v")))
        const keys = Array.from({ length: 20 }, (_, n) => key(`a ${n}`))
        yield* Effect.forEach(keys, (one) => store.prepare(one), { concurrency: 20 })
        const named = yield* Effect.forEach(keys, (one) => Effect.result(store.commit(name("B"), one)), {
          concurrency: 20
        })
        yield* expectEqual("how many became B", named.filter(Result.isSuccess).length, 1)
        yield* expectEqual("how many are left", (yield* forest(store)).length, 21)
      })
  )
]

const parents: Suite<Needs> = [
  statement("the parent is looked at before the key", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* store.prepare(key("taken"))
      yield* store.prepare(key("active"))
      for (const create of [store.prepare, store.view]) {
        const attempt = (parent: string) => create(key("taken"), { parent: name(parent) })
        yield* expectUnchangedBy(bench, "a missing parent", attempt("nothing"), { tag: "ParentNotFound" })
        yield* expectUnchangedBy(bench, "an active parent", attempt("active"), { tag: "ParentNotCommitted" })
      }
    })),
  statement("nothing can be its own parent, so no cycle is possible", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      const attempt = store.prepare(key("a"), { parent: name("a") })
      yield* expectUnchangedBy(bench, "its own parent", attempt, { tag: "ParentNotFound", fields: { parent: "a" } })
      yield* store.prepare(key("a"))
      yield* expectUnchangedBy(bench, "its own parent, taken", attempt, { tag: "ParentNotCommitted" })
    })),
  statement(
    "a parent committed meanwhile through another opening of the store is a parent",
    ({ open, store }) =>
      Effect.gen(function*() {
        const other = yield* open()
        yield* store.prepare(key("a"))
        yield* Effect.flip(other.prepare(key("b"), { parent: name("A") }))
        yield* store.commit(name("A"), key("a"))
        yield* other.prepare(key("b"), { parent: name("A") })
        yield* expectEqual("the parent of b", (yield* store.stat(key("b"))).parent, "A")
      })
  ),
  statement(
    "what has children is not removed, and the refusal names them; once they are gone, it is",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* committed(bench, "base")
        yield* store.prepare(key("an active one"), { parent: name("base") })
        yield* store.view(key("a view"), { parent: name("base") })
        yield* committed(bench, "a committed one", { parent: "base" })
        const children = ["a committed one", "a view", "an active one"]
        const error = yield* expectUnchangedBy(bench, "remove", store.remove(name("base")), {
          tag: "HasChildren",
          fields: { snapshot: "base", count: 3 },
          mentions: ["base", ...children]
        })
        const named = error._tag === "HasChildren" ? error.children.toSorted() : []
        yield* expectEqual("the children named", named, children)
        yield* Effect.forEach(children, (child) => store.remove(key(child)))
        yield* store.remove(name("base"))
        yield* expectEqual("the forest", yield* forest(store), [])
      })
  ),
  statement("of many children a refusal names a few and counts them all", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* committed(bench, "base")
      const count = childrenShownMax + 2
      for (let n = 0; n < count; n++) yield* store.view(key(`view ${n}`), { parent: name("base") })
      const error = yield* expectRefusal("remove", store.remove(name("base")), {
        tag: "HasChildren",
        fields: { count },
        mentions: ["2 more"]
      })
      yield* expectEqual("how many are named", error._tag === "HasChildren" && error.children.length, childrenShownMax)
    })),
  statement("a grandparent is held by its grandchildren alone through their parent", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* chainOf(bench, "link", 3)
      yield* expectRefusal("removing the first", store.remove(name("link 1")), {
        tag: "HasChildren",
        fields: { count: 1 }
      })
      for (const n of [3, 2, 1]) yield* store.remove(name(`link ${n}`))
    }))
]

const leaving: Suite<Needs> = [
  statement(
    "what was removed leaves nothing on disk, in the index or at its parent",
    (bench) =>
      Effect.gen(function*() {
        const { fs, root, store } = bench
        yield* committed(bench, "base", { adds: { file: "text" } })
        const before = yield* picture(fs, root)
        yield* store.prepare(key("a"), { parent: name("base") })
        yield* store.remove(key("a"))
        yield* store.view(key("a"), { parent: name("base") })
        yield* store.remove(key("a"))
        yield* committed(bench, "A", { parent: "base", adds: { other: "text" } })
        yield* store.remove(name("A"))
        yield* expectSamePicture("the store's directory", yield* picture(fs, root), before)
      })
  ),
  statement(
    "what is committed has no key, no scratch directory and no link of the key's left",
    (bench) =>
      Effect.gen(function*() {
        const { fs, layout, root, store } = bench
        yield* store.prepare(key("a"))
        yield* store.commit(name("A"), key("a"))
        const { directory, work } = yield* whereabouts(bench, "A")
        yield* expectEqual("its scratch directory", yield* fs.lstat(work), undefined)
        yield* expectEqual("links", (yield* fs.readDirectory(layout.index)).length, 1)
        yield* expectThat("it lies where committed ones do", directory.startsWith(`${root}/committed/`))
        yield* expectEqual("what is left to reclaim", yield* store.check, [])
      })
  ),
  statement(
    "an interrupted operation has happened or has not, and the next one goes on",
    ({ store }) =>
      Effect.gen(function*() {
        for (let n = 0; n < 20; n++) {
          const attempt = yield* Effect.forkChild(store.prepare(key("a")), { startImmediately: true })
          yield* yields(n)
          yield* Fiber.interrupt(attempt)
          const there = Result.isSuccess(yield* Effect.result(store.stat(key("a"))))
          if (there) yield* store.remove(key("a"))
          yield* store.prepare(key("a"))
          yield* store.remove(key("a"))
        }
      })
  )
]

/** Lets others run this many times. */
const yields = (times: number): Effect.Effect<void> =>
  times === 0 ? Effect.void : Effect.andThen(Effect.yieldNow, Effect.suspend(() => yields(times - 1)))

export const lifecycleCases: Suite<Needs> = [...commits, ...parents, ...leaving]
