/** Finding what an operation is about, and refusing where the state × operation table says so. */
import { Effect, Result } from "effect"
import { Damaged, type StoreFailure } from "../SnapshotterError.ts"
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
 * The same for an operation that reads further, without the lock. If what it reads is damaged because the snapshot has
 * moved on meanwhile, it looks again; if the snapshot is still where it was, it is damaged indeed.
 */
export const reading = <Q extends AboutSomething, A>(
  store: Store,
  question: Q,
  name: string,
  use: (found: Found) => Effect.Effect<A, Damaged | StoreFailure>
): Effect.Effect<A, RefusalOf<Q> | Damaged | StoreFailure> =>
  Effect.gen(function*() {
    for (;;) {
      const found = yield* subject(store, question, question, name)
      const result = yield* Effect.result(use(found))
      if (Result.isSuccess(result)) return result.success
      if (!(result.failure instanceof Damaged)) return yield* result.failure
      const again = yield* lookUp(store, question, name)
      if (again?.id === found.id && again.kind === found.kind) return yield* result.failure
    }
  })

const allowed = <Q extends AboutSomething>(
  question: Q,
  name: string,
  found: Found | undefined
): Effect.Effect<Found, RefusalOf<Q>> => {
  const refusal = refusalOf(question, stateOf(found), name)
  // The table refuses whatever is about something where there is nothing.
  return refusal === undefined ? Effect.succeed(found as Found) : Effect.fail(refusal)
}
