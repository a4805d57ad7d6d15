/** What operators see of each operation: how often it was done, how it ended, how long it took. */
import { Cause, Clock, Duration, Effect, Exit, Metric, Option, Predicate, Stream } from "effect"

/** Operations done, by `operation` and by `outcome`: `success`, the failure's tag, `interrupted` or `defect`. */
const operations = Metric.counter("snapshotter_operations_total", {
  incremental: true,
  description: "operations of a snapshotter, by operation and outcome"
})
/** How long each took, waiting for the lock included, by `operation`. */
const durations = Metric.timer("snapshotter_operation_duration", {
  description: "how long operations of a snapshotter took, waiting for the lock included, by operation"
})

/** Wraps one operation; the metrics are made once. */
export const observer = (operation: string) => {
  const duration = Metric.withAttributes(durations, { operation })
  const counters = new Map<string, typeof operations>()
  const counter = (outcome: string) => {
    const known = counters.get(outcome)
    if (known !== undefined) return known
    const made = Metric.withAttributes(operations, { operation, outcome })
    counters.set(outcome, made)
    return made
  }
  const count = (exit: Exit.Exit<unknown, unknown>) => Metric.update(counter(outcomeOf(exit)), 1)
  return {
    effect: <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
      Effect.flatMap(
        Clock.monotonicTimeNanos,
        (start) =>
          Effect.onExit(effect, (exit) =>
            Effect.flatMap(Clock.monotonicTimeNanos, (end) =>
              Effect.andThen(Metric.update(duration, Duration.nanos(end - start)), count(exit))))
      ),
    /** Counted, not timed: how long a stream takes is up to whoever reads it. */
    stream: <A, E, R>(stream: Stream.Stream<A, E, R>): Stream.Stream<A, E, R> =>
      Stream.onExit(stream, (exit) => count(exit))
  }
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "success"
  const failure = Option.getOrUndefined(Cause.findErrorOption(exit.cause))
  if (Predicate.hasProperty(failure, "_tag")) return String(failure._tag)
  return Cause.hasInterrupts(exit.cause) ? "interrupted" : "defect"
}
