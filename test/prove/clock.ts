/** The clock of whoever is struck. */
import { Clock, Effect } from "effect"

const real = Effect.runSync(Clock.Clock)

/** Time stands still, so that what is written is the same each time; whoever sleeps, sleeps. */
export const still: Clock.Clock = (() => {
  const nanos = 1_700_000_000_000_000_000n
  const millis = Number(nanos / 1_000_000n)
  return {
    currentTimeMillisUnsafe: () => millis,
    currentTimeMillis: Effect.succeed(millis),
    currentTimeNanosUnsafe: () => nanos,
    currentTimeNanos: Effect.succeed(nanos),
    monotonicTimeNanosUnsafe: () => nanos,
    monotonicTimeNanos: Effect.succeed(nanos),
    sleep: (duration) => real.sleep(duration)
  }
})()
