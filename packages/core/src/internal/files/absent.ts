/** What is not there, as a value. */
import { Effect } from "effect"
import type { FileSystemError } from "../../StoreFileSystem.ts"

/** What was looked for, `undefined` where nothing has the name. */
export const orAbsent = <A>(
  looking: Effect.Effect<A, FileSystemError>
): Effect.Effect<A | undefined, FileSystemError> =>
  Effect.catch(
    looking,
    (error): Effect.Effect<undefined, FileSystemError> =>
      error.code === "ENOENT" ? Effect.succeed(undefined) : Effect.fail(error)
  )
