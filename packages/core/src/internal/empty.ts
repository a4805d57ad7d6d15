/** Deleting what has been moved out of the way: always without the lock, and never a failure of what moved it there. */
import { Effect } from "effect"
import type { Unremoved } from "../StoreFileSystem.ts"
import type { Store } from "./store.ts"

/** What was given back, and what could not be. */
export interface Reclaimed {
  /** Paths that are gone. */
  readonly removed: ReadonlyArray<string>
  /** What had to stay, and why: a mount point (`EXDEV`), an immutable file (`EPERM`), … `cleanup` will try again. */
  readonly unremoved: ReadonlyArray<Unremoved>
}

export const empty = (store: Store, directory: string): Effect.Effect<Reclaimed> =>
  store.fs.removeTree(directory).pipe(
    Effect.catch((error) => Effect.succeed([{ path: error.path, code: error.code }])),
    Effect.tap((unremoved) =>
      unremoved.length === 0
        ? Effect.void
        : Effect.logWarning(`${unremoved.length} things could not be deleted; cleanup will try again`, unremoved)
    ),
    Effect.map((unremoved) => ({ removed: unremoved.length === 0 ? [directory] : [], unremoved }))
  )
