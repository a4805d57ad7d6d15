/** Long synchronous work in short slices, so that the thread stays free for others. */
import { Effect } from "effect"
import { Errno } from "./errno.ts"

/** What a piece of long work says at each step: go on, or wait for this first. */
export type Pause = Effect.Effect<void> | undefined

const sliceMilliseconds = 2

/**
 * Runs work to its end, with a turn of the event loop after every {@link sliceMilliseconds}; there it can be
 * interrupted, and where it waits, unless that says otherwise. `finally` in the work runs in any case.
 */
export const inSlices = <A>(start: () => Generator<Pause, A>): Effect.Effect<A, Errno> =>
  Effect.acquireUseRelease(Effect.sync(start), goOn, (work) =>
    Effect.sync(() => {
      work.return(undefined as never)
    }))

const goOn = <A>(work: Generator<Pause, A>): Effect.Effect<A, Errno> =>
  Effect.suspend(() => {
    const step = slice(work)
    if (step instanceof Errno) return Effect.fail(step)
    if (step.done === true) return Effect.succeed(step.value)
    return Effect.flatMap(step.value ?? turn, () => goOn(work))
  })

const slice = <A>(work: Generator<Pause, A>): IteratorResult<Pause, A> | Errno => {
  try {
    for (const end = performance.now() + sliceMilliseconds;;) {
      const step = work.next()
      if (step.done === true || step.value !== undefined || performance.now() >= end) return step
    }
  } catch (thrown) {
    if (thrown instanceof Errno) return thrown
    throw thrown
  }
}

/** One turn of the event loop: input and timers of others come first. */
const turn = Effect.callback<void>((resume) => {
  const immediate = setImmediate(() => resume(Effect.void))
  return Effect.sync(() => clearImmediate(immediate))
})
