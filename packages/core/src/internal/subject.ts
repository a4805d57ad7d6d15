/** Finding what an operation is about, and refusing where the state × operation table says so. */
import { Effect, Result } from "effect"
import { type Damaged, StoreFailure } from "../SnapshotterError.ts"
import { type Found, lookUp, stateOf } from "./read.ts"
import type { Store } from "./store.ts"
import { type Question, type RefusalOf, refusalOf } from "./transition.ts"

/** Questions that nothing being there answers with a failure. */
type AboutSomething = Exclude<Question, "prepare" | "view" | "commitAs">

/** The snapshot that the operation may go on with. */
export const subject = <Q extends AboutSomething>(
  store: Store,
  operation: string,
  question: Q,
  name: string
): Effect.Effect<Found, RefusalOf<Q> | Damaged | StoreFailure> =>
  Effect.flatMap(lookUp(store, operation, name), (found) => allowed(question, name, found))

/** Fails unless the name is free, or whatever else the table asks for. */
export const nothingInTheWay = <Q extends "prepare" | "view" | "commitAs">(
  store: Store,
  operation: string,
  question: Q,
  name: string
): Effect.Effect<void, RefusalOf<Q> | Damaged | StoreFailure> =>
  Effect.flatMap(lookUp(store, operation, name), (found) => {
    const refusal = refusalOf(question, stateOf(found), name)
    return refusal === undefined ? Effect.void : Effect.fail(refusal)
  })

/**
 * The same for an operation that reads further, without the lock. A failure in that may come of the snapshot having moved
 * on meanwhile, or be true of no single moment: so it looks again. If the snapshot is still where it was, it was there all
 * the time, and the failure stands.
 */
export const reading = <Q extends AboutSomething, A, E>(
  store: Store,
  operation: string,
  question: Q,
  name: string,
  use: (found: Found) => Effect.Effect<A, E>
): Effect.Effect<A, RefusalOf<Q> | Damaged | StoreFailure | E> =>
  Effect.gen(function*() {
    for (;;) {
      const found = yield* subject(store, operation, question, name)
      const result = yield* Effect.result(use(found))
      if (Result.isSuccess(result)) return result.success
      const again = isOfTheMachine(result.failure) ? found : yield* lookUp(store, operation, name)
      if (again?.id === found.id && again.kind === found.kind) return yield* Effect.fail(result.failure)
    }
  })

/** Whether it says nothing about the snapshot, wherever that is. */
const isOfTheMachine = (failure: unknown): boolean => failure instanceof StoreFailure && failure.code !== "ENOENT"

const allowed = <Q extends AboutSomething>(
  question: Q,
  name: string,
  found: Found | undefined
): Effect.Effect<Found, RefusalOf<Q>> => {
  const refusal = refusalOf(question, stateOf(found), name)
  // The table refuses whatever is about something where there is nothing.
  return refusal === undefined ? Effect.succeed(found as Found) : Effect.fail(refusal)
}
