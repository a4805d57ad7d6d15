/** Field cases of crashes: what others left half-made, orphaned or unreadable, and what became of those beside it. */
import { Effect } from "effect"
import { SnapshotId } from "../../Snapshot.ts"
import { type Case, expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  type Bench,
  committed,
  forest,
  key,
  layerOf,
  name,
  namesOf,
  type Needs,
  statement,
  whereabouts
} from "./bench.ts"

/** An id that no source gives: it has been given out a moment ago, and its snapshot is gone. */
const spentId = Effect.fnUntraced(function*(bench: Bench) {
  yield* bench.store.prepare(key("spent"))
  const { id } = yield* whereabouts(bench, "spent")
  yield* bench.store.remove(key("spent"))
  return SnapshotId.make(id)
})

const orphanCase = (place: "active" | "committed", contents: "empty" | "full"): Case<Needs> =>
  statement(
    `F06: an orphan in ${place}/ that is ${contents} is told, never deleted, and in nobody's way`,
    (bench) =>
      Effect.gen(function*() {
        const { files, fs, layout, store } = bench
        const orphan = layout.snapshot(place, yield* spentId(bench))
        yield* fs.makeDirectory(orphan.directory, 0o700)
        if (contents === "full") {
          yield* fs.makeDirectory(orphan.layer, 0o755)
          yield* fs.writeFile(`${orphan.layer}/junk`, "junk", 0o600)
        }
        const told = (yield* store.check).filter(({ path }) => path.startsWith(orphan.directory))
        yield* expectThat("check tells of it beforehand", told.some(({ severity }) => severity === "damage"))
        const layer = layerOf(yield* store.prepare(key("k")))
        yield* expectEqual("what is in a new snapshot", yield* files.readDirectory(layer), [])
        yield* store.commit(name("L"), key("k"))
        yield* store.cleanup
        yield* expectEqual("the forest", namesOf(yield* forest(store)), ["L"])
        yield* expectThat("it is there still", (yield* fs.lstat(orphan.directory)) !== undefined)
        yield* fs.removeTree(orphan.directory)
      })
  )

const unreadable: ReadonlyArray<readonly [string, (bench: Bench, of: string) => Effect.Effect<void, unknown>]> = [
  [
    "has lost its metadata",
    (bench, of) => Effect.flatMap(whereabouts(bench, of), (paths) => bench.fs.removeFile(paths.metadata("committed")))
  ],
  [
    "cannot be entered",
    (bench, of) => Effect.flatMap(whereabouts(bench, of), (paths) => bench.fs.setMode(paths.directory, 0o000))
  ]
]

export const orphanCases: Suite<Needs> = [
  orphanCase("active", "empty"),
  orphanCase("active", "full"),
  orphanCase("committed", "empty"),
  orphanCase("committed", "full"),
  ...unreadable.map(([what, damage]) =>
    statement(
      `F12: one of ten ${what}: the store opens, the nine are used, the tenth can be removed`,
      (bench) =>
        Effect.gen(function*() {
          const all = Array.from({ length: 10 }, (_, at) => `layer ${at}`)
          for (const one of all) yield* committed(bench, one, { adds: { file: one } })
          yield* Effect.orDie(damage(bench, "layer 4"))
          const store = yield* bench.open()
          for (const one of all.filter((each) => each !== "layer 4")) {
            yield* store.view(key(`view of ${one}`), { parent: name(one) })
            yield* store.remove(key(`view of ${one}`))
          }
          yield* store.remove(name("layer 4"))
          yield* expectEqual("those that are left", (yield* forest(store)).length, 9)
        })
    )
  )
]
