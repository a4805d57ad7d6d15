/** A temporary place for a store, which goes with the scope: on failure and on Ctrl-C too. */
import { StoreFileSystem } from "@snapshotter/core"
import { Console, Effect } from "effect"
import { mkdtempSync } from "node:fs"
import { withProgress } from "./progress.ts"

/** Removed by what the store itself removes with: unlike `rm -rf`, it never goes on through a mount point. */
export const temporaryPlace = (prefix: string) =>
  Effect.gen(function*() {
    const fs = yield* StoreFileSystem.StoreFileSystem
    return yield* Effect.acquireRelease(
      Effect.sync(() => mkdtempSync(prefix)),
      (place) =>
        withProgress("removing the store", fs.removeTree(place)).pipe(
          Effect.matchEffect({
            onFailure: (error) => Console.error(`${place} is still there: ${error.message}`),
            onSuccess: (left) => left.length === 0 ? Effect.void : Console.error(`${place} is still there, partly`)
          })
        )
    )
  })
