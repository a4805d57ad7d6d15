/** What every `IdSource` promises, as far as it can be seen without waiting for ever. */
import { Effect } from "effect"
import { IdSource } from "../IdSource.ts"
import { expectEqual, expectThat, type Suite } from "./Suite.ts"

export const idSourceSuite: Suite<IdSource> = [
  {
    name: "ids are 13 lower-case letters and digits of base32",
    test: Effect.gen(function*() {
      const { next } = yield* IdSource
      for (let i = 0; i < 100; i++) {
        const id = yield* next
        yield* expectThat(`${id} is one`, /^[a-z2-7]{13}$/.test(id))
      }
    })
  },
  {
    name: "no id comes twice, however many ask at once",
    test: Effect.gen(function*() {
      const { next } = yield* IdSource
      const ids = yield* Effect.forEach(Array.from({ length: 10_000 }), () => next, { concurrency: 100 })
      yield* expectEqual("how many different ones there are", new Set(ids).size, ids.length)
    })
  }
]
