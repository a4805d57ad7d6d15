/**
 * What a suite is: named Effects, free of any test runner. A backend's test file gives each case what it needs and hands
 * it to the runner of its choice; a case fails by failing or dying.
 */
import { Context, Effect, Equal, Formatter, type Scope } from "effect"

/** One statement about what is under test. */
export interface Case<R> {
  /** A sentence that is true when `test` succeeds. */
  readonly name: string
  readonly test: Effect.Effect<void, unknown, R | Scope.Scope>
}

/** Cases that may run in any order, each in a fresh place. */
export type Suite<R> = ReadonlyArray<Case<R>>

/** Where a case may work: a directory of its own, empty at first, on the file system under test. */
export interface Workplace {
  readonly directory: string
}

export const Workplace = Context.Service<Workplace>("@snapshotter/core/testing/Workplace")

/** What a case found was not what it promises. */
export class Unexpected extends Error {
  override readonly name = "Unexpected"
}

/** Dies unless both are equal, structurally. `what` names the thing compared. */
export const expectEqual = (what: string, actual: unknown, expected: unknown): Effect.Effect<void> =>
  Equal.equals(actual, expected)
    ? Effect.void
    : Effect.die(new Unexpected(`${what} is ${Formatter.format(actual)} instead of ${Formatter.format(expected)}`))

/** Dies unless it is so. `what` says what should have been so. */
export const expectThat = (what: string, holds: boolean): Effect.Effect<void> =>
  holds ? Effect.void : Effect.die(new Unexpected(`it is not so that ${what}`))

/** The failure of an effect that has to fail; dies when it succeeds. */
export const failureOf = <A, E, R>(what: string, effect: Effect.Effect<A, E, R>): Effect.Effect<E, never, R> =>
  Effect.matchEffect(effect, {
    onFailure: Effect.succeed,
    onSuccess: (value) => Effect.die(new Unexpected(`${what} succeeded with ${Formatter.format(value)}`))
  })
