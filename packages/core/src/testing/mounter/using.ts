/** `uses`: who is using a layer, wherever it has gone since. */
import { Effect } from "effect"
import { expectEqual, type Suite } from "../Suite.ts"
import { bind, expectUses, inScope, makeLayer, makeTarget, type Needs, statement } from "./bench.ts"

export const usingCases: Suite<Needs> = [
  statement("a layer that is mounted nowhere has no uses", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const other = yield* makeLayer(place, 1, "text")
      yield* place.mounter.mount(bind(other, true), yield* makeTarget(place))
      yield* expectUses(place, layer, [])
    })),
  statement(
    "uses tell each bind mount of the layer, where it is and whether it is writable",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(layer, false), first)
          yield* expectUses(place, layer, [{ target: first, as: "bind", writable: false }])
          yield* place.mounter.mount(bind(layer, true), second)
          yield* expectUses(place, layer, [
            { target: first, as: "bind", writable: false },
            { target: second, as: "bind", writable: true }
          ])
        }))
        yield* expectUses(place, layer, [])
      })
  ),
  statement("a bind mount of a directory within the layer is a use of it", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(`${layer}/inner`, 0o755)
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(`${layer}/inner`, true), target)
      yield* expectUses(place, layer, [{ target, as: "bind", writable: true }])
    })),
  statement("uses are told of a layer that has been moved since it was mounted", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.store.makeDirectory(place.at("committed"), 0o755)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.store.moveNoReplace(place.at(place.idOf(0)), place.at(`committed/${place.idOf(0)}`))
      yield* expectUses(place, place.at(`committed/${place.idOf(0)}/fs`), [{ target, as: "bind", writable: true }])
    })),
  statement("a layer that is missing has no uses", (place) => expectUses(place, place.at(`${place.idOf(0)}/fs`), [])),
  statement(
    "asking again is no different, and leaves no trace",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const before = yield* place.store.lstat(layer)
        for (let i = 0; i < 3; i++) {
          yield* expectEqual("the uses", yield* place.mounter.uses(layer), [])
        }
        yield* expectEqual("the layer", yield* place.store.lstat(layer), before)
        yield* expectEqual("its names", yield* place.store.readDirectory(layer), ["file"])
      })
  ),
  statement("what was put where a mounted layer had been is not that layer", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.mounter.mount(bind(layer, true), yield* makeTarget(place))
      yield* place.store.moveNoReplace(place.at(place.idOf(0)), place.at("moved"))
      yield* makeLayer(place, 0, "another")
      yield* expectUses(place, layer, [])
    }))
]
