/** Cases about times: their clock shows what they set. */
import { Clock, Effect, type Scope } from "effect"
import type { Case } from "../Suite.ts"
import { type Bench, type Needs, statement } from "./bench.ts"

/** A case with a clock that stands still at what `set` was last given, in nanoseconds; until then it is the machine's. */
export const timed = <E>(
  name: string,
  test: (bench: Bench, set: (nanoseconds: bigint) => Effect.Effect<void>) => Effect.Effect<void, E, Needs | Scope.Scope>
): Case<Needs> => ({
  name,
  // Around all of the case, opening included: a store may look at the clock of whichever of its fibers does the work.
  test: Effect.suspend(() => {
    let moment: bigint | undefined
    const set = (nanoseconds: bigint) =>
      Effect.sync(() => {
        moment = nanoseconds
      })
    return Effect.updateService(
      statement(name, (bench) => test(bench, set)).test,
      Clock.Clock,
      (clock): Clock.Clock => ({
        currentTimeMillisUnsafe: () => clock.currentTimeMillisUnsafe(),
        currentTimeMillis: clock.currentTimeMillis,
        currentTimeNanosUnsafe: () => moment ?? clock.currentTimeNanosUnsafe(),
        currentTimeNanos: Effect.suspend(() => moment === undefined ? clock.currentTimeNanos : Effect.succeed(moment)),
        monotonicTimeNanosUnsafe: () => clock.monotonicTimeNanosUnsafe(),
        monotonicTimeNanos: clock.monotonicTimeNanos,
        sleep: (duration) => clock.sleep(duration)
      })
    )
  })
})
