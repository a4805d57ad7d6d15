/** One layer, several mounts: who may write, and for how long. */
import { Effect, Exit, Scope } from "effect"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import {
  bind,
  expectNothingMounted,
  expectRefusedWrite,
  expectUses,
  inScope,
  makeLayer,
  makeTarget,
  type Needs,
  statement
} from "./bench.ts"

export const sharingCases: Suite<Needs> = [
  statement(
    "what may still be written through a bind mount whose scope has closed is told as a use, until that ends",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          const mounting = yield* Scope.make()
          yield* Scope.provide(place.mounter.mount(bind(layer, true), target), mounting)
          yield* place.files.open(`${target}/file`, { flag: "r+" })
          yield* Scope.close(mounting, Exit.void)
          const uses = yield* place.mounter.uses(layer)
          yield* expectEqual("the uses", uses.map(({ as, writable }) => ({ as, writable })), [{
            as: "bind",
            writable: true
          }])
        }))
        yield* expectUses(place, layer, [])
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "what was mounted on a target before is not unmounted in place of what has ended there",
    (place) =>
      Effect.gen(function*() {
        const [one, other] = [yield* makeLayer(place, 0, "one"), yield* makeLayer(place, 1, "other")]
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(one, false), target)
        const ended = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(other, false), target), ended)
        yield* place.mounter.unmount(target)
        yield* Scope.close(ended, Exit.void)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "one")
      })
  ),
  statement(
    "a second writable mount of one layer is AlreadyMounted, until the first has ended",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(layer, true), first)
          const error = yield* failureOf("mounting", place.mounter.mount(bind(layer, true), second))
          yield* expectEqual("the failure", error._tag, "AlreadyMounted")
          yield* expectEqual("its target", error._tag === "AlreadyMounted" && error.target, first)
          yield* expectEqual("the second target's names", yield* place.files.readDirectory(second), [])
        }))
        yield* place.mounter.mount(bind(layer, true), second)
      })
  ),
  statement("of many who mount one layer writable at once, one does", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const outcomes = yield* Effect.forEach(Array.from({ length: 8 }), (_, i) =>
        Effect.gen(function*() {
          const target = yield* makeTarget(place, `target${i}`)
          return yield* Effect.match(place.mounter.mount(bind(layer, true), target), {
            onFailure: (error) => error._tag as string,
            onSuccess: () => "mounted"
          })
        }), { concurrency: "unbounded" })
      yield* expectEqual("the outcomes", outcomes.sort(), [
        ...Array.from({ length: 7 }, () => "AlreadyMounted"),
        "mounted"
      ])
    })),
  statement("read-only mounts of one layer may be many, beside a writable one", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.mounter.mount(bind(layer, false), yield* makeTarget(place, "first"))
      yield* place.mounter.mount(bind(layer, true), yield* makeTarget(place, "second"))
      yield* place.mounter.mount(bind(layer, false), yield* makeTarget(place, "third"))
      yield* expectRefusedWrite(place, place.at("first/file"))
      yield* place.files.writeFileString(place.at("second/file"), "new")
      yield* expectEqual("the text", yield* place.files.readFileString(place.at("third/file")), "new")
    }))
]
