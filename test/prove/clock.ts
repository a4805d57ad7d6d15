/** The clock of simulated machines and of whoever is struck. */
import { Clock, Effect } from "effect"

const real = Effect.runSync(Clock.Clock)

/** It is always the same time, so that equal histories leave equal disks; whoever sleeps, sleeps. */
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
