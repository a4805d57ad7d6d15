/**
 * Measuring two ways of doing the same, in turns: whatever else the machine is busy with meets both, so that their ratio
 * says more than either of them.
 */
import { Effect } from "effect"
import { setImmediate } from "node:timers/promises"
import type { Effort } from "./Effort.ts"
import { fastTenth, median } from "./Row.ts"

/** What is measured, `ours`, and the bare calls of the same step. Only these two are timed. */
export interface Trial<A> {
  /** Makes what one measurement needs; the same for both. */
  readonly arrange: (number: number) => Effect.Effect<A>
  readonly ours: (arranged: A) => Effect.Effect<unknown>
  readonly bare: (arranged: A) => void | Promise<void>
  /** Takes away what is left of it, whoever of the two has been at work. */
  readonly clear: (arranged: A) => Effect.Effect<unknown>
}

/** Medians, in microseconds. */
export interface Medians {
  readonly ours: number
  readonly bare: number
  /** The fastest tenth of each is not slower than this: what it takes when nobody interferes. */
  readonly undisturbed: { readonly ours: number; readonly bare: number }
  readonly samples: number
}

export const alternate = Effect.fnUntraced(function*<A>(trial: Trial<A>, effort: Effort) {
  const ours: Array<number> = []
  const bare: Array<number> = []
  let number = 0
  const measured = (run: (arranged: A) => Effect.Effect<number>) =>
    Effect.gen(function*() {
      const arranged = yield* trial.arrange(number++)
      // What arranging leaves to the store's own fiber, above all giving back the lock, is over then.
      yield* Effect.promise(() => setImmediate())
      const time = yield* run(arranged)
      yield* trial.clear(arranged)
      return time
    })
  const one = measured((arranged) => timed(trial.ours(arranged)))
  const other = measured((arranged) => Effect.promise(() => timedCalls(() => trial.bare(arranged))))
  const warm = performance.now() + effort.milliseconds
  for (let pair = 0; pair < effort.warmUp && performance.now() < warm; pair++) yield* Effect.andThen(one, other)
  const end = performance.now() + effort.milliseconds
  for (let pair = 0; pair < effort.samples && (pair < 3 || performance.now() < end); pair++) {
    // Neither always comes after the other.
    const first = pair % 2 === 0
    if (!first) bare.push(yield* other)
    ours.push(yield* one)
    if (first) bare.push(yield* other)
  }
  const undisturbed = { ours: fastTenth(ours), bare: fastTenth(bare) }
  return { ours: median(ours), bare: median(bare), undisturbed, samples: ours.length } satisfies Medians as Medians
})

/** The figures of a row, `scale` to a microsecond. */
export const figuresOf = ({ bare, ours, samples, undisturbed }: Medians, scale = 1) => ({
  value: ours * scale,
  floor: bare * scale,
  undisturbed: { value: undisturbed.ours * scale, floor: undisturbed.bare * scale },
  samples
})

/** How long an effect takes, in microseconds. */
export const timed = <E, R>(effect: Effect.Effect<unknown, E, R>): Effect.Effect<number, E, R> =>
  Effect.suspend(() => {
    const start = performance.now()
    return Effect.map(effect, () => (performance.now() - start) * 1_000)
  })

const timedCalls = async (calls: () => void | Promise<void>): Promise<number> => {
  const start = performance.now()
  const answer = calls()
  if (answer !== undefined) await answer
  return (performance.now() - start) * 1_000
}
