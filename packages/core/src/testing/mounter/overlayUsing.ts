/** Overlays and the uses of their layers. */
import { Effect } from "effect"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import { bind, expectUses, inScope, makeLayer, makeTarget, type Needs, overlay, statement } from "./bench.ts"

export const overlayUsingCases: Suite<Needs> = [
  statement(
    "a second writable overlay of one layer is AlreadyMounted, read-only ones are not",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(overlay(upper, [lower]), first)
          const error = yield* failureOf("mounting", place.mounter.mount(overlay(upper, [lower]), second))
          yield* expectEqual("the failure", error._tag, "AlreadyMounted")
          yield* expectEqual("its target", error._tag === "AlreadyMounted" && error.target, first)
          const bound = yield* failureOf("binding", place.mounter.mount(bind(upper, true), second))
          yield* expectEqual("the failure", bound._tag, "AlreadyMounted")
        }))
        yield* place.mounter.mount(overlay(upper, [lower]), second)
      })
  ),
  statement("one layer may be below many overlays", (place) =>
    Effect.gen(function*() {
      const lower = yield* makeLayer(place, 0, "lower")
      const targets = yield* Effect.forEach([1, 2, 3], (i) =>
        Effect.gen(function*() {
          const upper = yield* makeLayer(place, i, "", "own")
          const target = yield* makeTarget(place, `target${i}`)
          yield* place.mounter.mount(overlay(upper, [lower]), target)
          yield* place.files.writeFileString(`${target}/file`, `${i}`)
          return target
        }))
      for (const [i, target] of targets.entries()) {
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), `${i + 1}`)
      }
      yield* expectUses(place, lower, targets.map((target) => ({ target, as: "lower", writable: false })))
    })),
  statement("uses tell an overlay's layers though they have been moved since", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* place.store.makeDirectory(place.at("committed"), 0o755)
      yield* place.mounter.mount(overlay(upper, [lower]), target)
      for (const id of [place.idOf(0), place.idOf(1)]) {
        yield* place.store.moveNoReplace(place.at(id), place.at(`committed/${id}`))
      }
      yield* expectUses(place, place.at(`committed/${place.idOf(0)}/fs`), [{ target, as: "lower", writable: false }])
      yield* expectUses(place, place.at(`committed/${place.idOf(1)}/fs`), [{ target, as: "upper", writable: true }])
    })),
  statement(
    "an upper layer is told once, and no longer after its end",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(overlay(upper, [lower]), target)
          const uses = yield* place.mounter.uses(upper)
          yield* expectEqual("the uses", uses, [{ target, as: "upper", writable: true }])
          yield* expectEqual("the lower's uses", yield* place.mounter.uses(lower), [
            { target, as: "lower", writable: false }
          ])
        }))
        yield* expectEqual("the uses", yield* place.mounter.uses(upper), [])
      })
  ),
  statement("a layer that is bound writable is AlreadyMounted for an overlay", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
      yield* place.mounter.mount(bind(upper, true), first)
      const error = yield* failureOf("mounting", place.mounter.mount(overlay(upper, [lower]), second))
      yield* expectEqual("the failure", error._tag, "AlreadyMounted")
      yield* expectEqual("its target", error._tag === "AlreadyMounted" && error.target, first)
    })),
  statement("an overlay that is in use is StillInUse", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(overlay(upper, [lower]), target)
      yield* inScope(Effect.gen(function*() {
        yield* place.files.open(`${target}/file`)
        const error = yield* failureOf("unmounting", place.mounter.unmount(target))
        yield* expectEqual("the failure", error._tag, "StillInUse")
      }))
      yield* place.mounter.unmount(target)
    })),
  statement(
    "a mount that holds the layers of an overlay is StillInUse, until the overlay has ended",
    (place) =>
      Effect.gen(function*() {
        const target = yield* makeTarget(place)
        yield* place.store.makeDirectory(place.at("disk"), 0o755)
        const { at, ...rest } = place
        const disk = { ...rest, at: (name?: string) => at(name === undefined ? "disk" : `disk/${name}`) }
        const [lower, upper] = [yield* makeLayer(disk, 0, "lower"), yield* makeLayer(disk, 1, "", "own")]
        const bound = yield* makeTarget(place, "bound")
        yield* place.mounter.mount(bind(at("disk"), true), bound)
        const through = (path: string) => path.replace(at("disk"), bound)
        yield* place.mounter.mount(overlay(through(upper), [through(lower)]), target)
        const error = yield* failureOf("unmounting", place.mounter.unmount(bound))
        yield* expectEqual("the failure", error._tag, "StillInUse")
        yield* place.mounter.unmount(target)
        yield* place.mounter.unmount(bound)
      })
  )
]
