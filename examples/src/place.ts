/** A temporary directory, which goes with the scope: on failure and on Ctrl-C too. */
import { StoreFileSystem } from "@snapshotter/core"
import { NodeStoreFileSystem } from "@snapshotter/node-fs"
import { Console, Effect } from "effect"
import { mkdtempSync, realpathSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { withProgress } from "./progress.ts"

/** Removed by what the store itself removes with: unlike `rm -rf`, it never goes on through a mount point. */
export const temporaryPlace = Effect.gen(function*() {
  const fs = yield* StoreFileSystem.StoreFileSystem
  return yield* Effect.acquireRelease(
    Effect.sync(() => mkdtempSync(join(realpathSync(tmpdir()), "snapshotter-example-"))),
    (place) =>
      withProgress(`removing ${place}`, fs.removeTree(place)).pipe(
        Effect.matchEffect({
          onFailure: (error) => Console.error(`${place} is still there: ${error.message}`),
          onSuccess: (left) => left.length === 0 ? Effect.void : Console.error(`${place} is still there, partly`)
        })
      )
  )
}).pipe(Effect.provide(NodeStoreFileSystem.layer))
