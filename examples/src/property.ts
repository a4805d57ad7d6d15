/** Properties whose body is an Effect. */
import { Effect, FiberSet } from "effect"
import * as fc from "fast-check"

/** Lets fast-check try a property. Interrupting it waits for the input that is being tried, and cleans up after it. */
export const check = <Input, E, R>(
  inputs: fc.Arbitrary<Input>,
  holds: (input: Input) => Effect.Effect<void, E, R>,
  parameters: fc.Parameters<[Input]>
): Effect.Effect<fc.RunDetails<[Input]>, never, R> =>
  Effect.gen(function*() {
    const runPromise = yield* FiberSet.makeRuntimePromise<R>()
    const property = fc.asyncProperty(inputs, (input) => runPromise(holds(input)))
    return yield* Effect.promise(() => fc.check(property, parameters))
  }).pipe(Effect.scoped)
