/** What goes on being written after its mount has ended. */
import { Effect, Exit, Scope } from "effect"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import { inScope, makeLayer, makeTarget, type Needs, overlay, statement } from "./bench.ts"

export const lingeringCases: Suite<Needs> = [
  statement(
    "an overlay that is in use when its scope closes goes on being told as a use, until that ends",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          const mounting = yield* Scope.make()
          yield* Scope.provide(place.mounter.mount(overlay(upper, [lower]), target), mounting)
          const file = yield* place.files.open(`${target}/own`, { flag: "r+" })
          yield* Scope.close(mounting, Exit.void)
          const uses = (yield* place.mounter.uses(upper)).map(({ as, writable }) => ({ as, writable }))
          yield* expectEqual("the uses", uses, [{ as: "upper", writable: true }])
          const again = yield* failureOf("mounting", inScope(place.mounter.mount(overlay(upper, [lower]), target)))
          yield* expectEqual("the failure", again._tag, "AlreadyMounted")
          yield* file.writeAll(new TextEncoder().encode("late"))
        }))
        yield* place.mounter.mount(overlay(upper, [lower]), target)
        yield* expectEqual("what was written late", yield* place.files.readFileString(`${target}/own`), "late")
      })
  )
]
