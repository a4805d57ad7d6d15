/** `walk`: each snapshot once, parents before children, whatever others do meanwhile. */
import { Effect, Stream } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { type Bench, chainOf, committed, expectRefusal, key, name, namesOf, type Needs, statement } from "./bench.ts"

const filtered = ({ store }: Bench, ...filters: ReadonlyArray<string>) =>
  Effect.map(Stream.runCollect(store.walk({ filters })), namesOf)

/** Two bases, each with a child, and two forks of one child. */
const someForest = Effect.fnUntraced(function*(bench: Bench) {
  const { store } = bench
  yield* committed(bench, "z base")
  yield* committed(bench, "a child", { parent: "z base" })
  yield* committed(bench, "y base")
  yield* committed(bench, "b child", { parent: "y base" })
  yield* store.prepare(key("0 active"), { parent: name("a child"), labels: { "a.b/c": "1", team: "x" } })
  yield* store.view(key("1 view"), { parent: name("a child"), labels: { team: "y" } })
  yield* store.prepare(key("2 alone"), { labels: { team: "x" } })
  return ["0 active", "1 view", "2 alone", "a child", "b child", "y base", "z base"]
})

export const walkCases: Suite<Needs> = [
  statement(
    "an empty store has nothing to walk",
    ({ store }) => Effect.flatMap(Stream.runCollect(store.walk()), (infos) => expectEqual("the forest", infos, []))
  ),
  statement(
    "walk shows every snapshot once, as stat does, parents before their children",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        const names = yield* someForest(bench)
        yield* chainOf(bench, "link", 5)
        const infos = yield* Stream.runCollect(store.walk())
        const links = [1, 2, 3, 4, 5].map((n) => `link ${n}`)
        yield* expectEqual("what is shown", namesOf(infos), [...names, ...links].toSorted())
        const shown = new Set<string>()
        for (const info of infos) {
          yield* expectEqual("what stat says", yield* store.stat(info.name), info)
          yield* expectThat(
            `${info.parent} comes before ${info.name}`,
            info.parent === undefined || shown.has(info.parent)
          )
          shown.add(info.name)
        }
      })
  ),
  statement(
    "filters select: each alone, one or another, and both of two conditions",
    (bench) =>
      Effect.gen(function*() {
        const names = yield* someForest(bench)
        yield* expectEqual("no filters", yield* filtered(bench), names)
        yield* expectEqual("the empty filter", yield* filtered(bench, ""), names)
        yield* expectEqual("by kind", yield* filtered(bench, "kind==active"), ["0 active", "2 alone"])
        yield* expectEqual("either", yield* filtered(bench, "kind==view", "labels.\"a.b/c\"==1"), [
          "0 active",
          "1 view"
        ])
        yield* expectEqual("both", yield* filtered(bench, "kind==active,labels.team==x,parent==\"a child\""), [
          "0 active"
        ])
        yield* expectEqual("by absence", yield* filtered(bench, "labels.team!=x,kind!=committed"), ["1 view"])
        yield* expectEqual("by expression", yield* filtered(bench, "name~=^[ab]"), ["a child", "b child"])
        yield* expectEqual("a bad expression", yield* filtered(bench, "name~=\"(\""), [])
        yield* expectEqual("nothing", yield* filtered(bench, "name==nothing"), [])
      })
  ),
  statement("a child is shown whether or not the filters show its parent", (bench) =>
    Effect.gen(function*() {
      yield* chainOf(bench, "link", 3)
      yield* expectEqual("the last", yield* filtered(bench, "name==\"link 3\""), ["link 3"])
    })),
  statement("what is no filter is refused, with the place where it stops being one", (bench) =>
    Effect.gen(function*() {
      yield* someForest(bench)
      for (const filter of ["name=c1", "name==", "name==c1,", "labels.\"open==x", "kind==active,,"]) {
        yield* expectRefusal("walk", Stream.runCollect(bench.store.walk({ filters: ["kind==view", filter] })), {
          tag: "InvalidFilter",
          fields: { filter },
          mentions: [JSON.stringify(filter), "at character", "expected", "as in"]
        })
      }
    })),
  statement("taking a few and stopping looks at a few", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* someForest(bench)
      const few = yield* Stream.runCollect(Stream.take(store.walk(), 2))
      yield* expectEqual("how many", few.length, 2)
      // That they are looked at one at a time shows in what becomes of those that are gone when their turn comes.
      const seen: Array<string> = []
      yield* Stream.runForEach(store.walk({ filters: ["kind!=committed"] }), (info) =>
        Effect.gen(function*() {
          seen.push(info.name)
          if (seen.length > 1) return
          for (const other of ["0 active", "1 view", "2 alone"]) {
            if (other !== info.name) yield* store.remove(key(other))
          }
        }))
      yield* expectEqual("how many were left to see", seen.length, 1)
    })),
  statement(
    "snapshots that are there throughout are shown once, while others come, move on and go",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* chainOf(bench, "steady", 4)
        yield* store.prepare(key("steady active"), { parent: name("steady 4") })
        for (let n = 0; n < 6; n++) yield* store.prepare(key(`moving ${n}`), { parent: name("steady 2") })
        let step = 0
        const shown: Array<string> = []
        yield* Stream.runForEach(store.walk(), (info) =>
          Effect.gen(function*() {
            shown.push(info.name)
            const n = step++
            if (n < 6) yield* store.commit(name(`moved ${n}`), key(`moving ${n}`))
            yield* store.prepare(key(`new ${n}`))
            if (n % 2 === 1) yield* store.remove(key(`new ${n - 1}`))
          }))
        const steady = shown.filter((one) => one.startsWith("steady")).toSorted()
        yield* expectEqual("the steady ones", steady, ["steady 1", "steady 2", "steady 3", "steady 4", "steady active"])
        for (let n = 0; n < 6; n++) {
          const either = shown.filter((one) => one === `moving ${n}` || one === `moved ${n}`)
          yield* expectEqual(`how often the one that became moved ${n} is shown`, either.length, 1)
        }
        yield* expectEqual("what is shown twice", shown.filter((one, at) => shown.indexOf(one) !== at), [])
      })
  ),
  statement("stat works while a walk is under way, and so does another walk", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      const names = yield* someForest(bench)
      const inner = yield* Stream.runCollect(
        Stream.mapEffect(store.walk(), (info) => Effect.andThen(store.stat(info.name), Stream.runCollect(store.walk())))
      )
      yield* expectEqual("walks within", inner.map(namesOf), names.map(() => names))
    }))
]
