/**
 * The nth-failure loop over everything: each operation, each setting, each strike, each call. What is in this directory is used
 * by the campaign's parts `faults` and `full-disk`, by `npm run failures`, and by tests of both backends: memory-fs's
 * `Crash.test.ts`; node-fs's `FailingCalls.test.ts` and `FullDisk.test.ts`, with `injected/`.
 */
import * as Faults from "@snapshotter/memory-fs/Faults"
import { Clock, Effect, References } from "effect"
import { still } from "../clock.ts"
import { type Bench, newLeash } from "./Bench.ts"
import { type Case, strikeOnce } from "./strike.ts"
import type { Strike } from "./strikes.ts"

/** All cases of one strike. Fails where nothing was struck, unless there is nothing that could be. */
export const loop = (bench: Bench, strike: Strike): Effect.Effect<ReadonlyArray<Case>, Faults.NothingInjected> =>
  Effect.gen(function*() {
    const cases: Array<Case> = []
    let leash = newLeash()
    const program = (faults: Faults.Faults, n: number) =>
      Effect.map(strikeOnce(bench, strike, faults, n, leash), (one) => {
        if (one !== undefined) cases.push(one)
      })
    if (!applies(bench, strike)) return cases
    yield* strike.steps
      ? Faults.everyStep((n) => {
        leash = newLeash()
        return strike.disk(n)
      }, program)
      : Faults.everyCall((n) => {
        leash = newLeash()
        return strike.calls(n, leash.control)
      }, program)
    return cases
  }).pipe(struck)

/** The cases of one strike at these calls, by their numbers. */
export const loopAt = (
  bench: Bench,
  strike: Strike,
  numbers: ReadonlyArray<number>
): Effect.Effect<ReadonlyArray<Case>> =>
  Effect.map(
    Effect.forEach(numbers, (n) =>
      Effect.suspend(() => {
        const leash = newLeash()
        return strikeOnce(bench, strike, Faults.make(strike.calls(n, leash.control)), n, leash)
      })),
    (cases) => cases.filter((one) => one !== undefined)
  ).pipe(struck)

const struck = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  effect.pipe(
    Effect.provideService(Clock.Clock, still),
    Effect.provideService(References.MinimumLogLevel, "None")
  )

const applies = (bench: Bench, { kind, steps }: Strike): boolean => {
  if (steps) return bench.steps > 0
  return kind === "fails halfway" || kind === "dies halfway" ? bench.halves > 0 : true
}
