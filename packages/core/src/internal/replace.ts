/** Replacing one metadata file: the commit point of `update`, and how a layer is recorded as durable. */
import { Effect } from "effect"
import type { SyncTarget } from "../StoreFileSystem.ts"
import { anew } from "./anew.ts"
import type { Target } from "./layout.ts"
import { encodeMetadata, type Metadata } from "./metadata.ts"
import { failedIn, leaveBehind, type Store } from "./store.ts"
import type { Staged, Staging } from "./turns.ts"

/**
 * Stages it. `wanted` is what else has to be on disk before; the file and its directory are synced at `full` in any case,
 * and for what is durable already.
 */
export const replaceMetadata = Effect.fnUntraced(function*(
  store: Store,
  operation: string,
  staging: Staging,
  target: Target,
  metadata: Metadata,
  wanted: ReadonlyArray<SyncTarget>
) {
  const paths = store.layout.snapshot(target.kind, target.id)
  const waits = metadata.durable
  staging.undo(leaveBehind(store.fs.removeFile(paths.next)))
  yield* Effect.mapError(
    anew(store.fs, paths.next, store.fs.writeFile(paths.next, encodeMetadata(metadata), 0o600)),
    failedIn(operation)
  )
  return {
    before: waits ? [{ kind: "file", path: paths.next }, ...wanted] : [],
    commit: store.fs.replaceFile(paths.next, paths.metadata(target.kind)),
    happened: Effect.map(store.fs.lstat(paths.next), (entry) => entry === undefined),
    after: waits ? [{ kind: "directory", path: paths.directory }] : [],
    settle: Effect.void,
    result: metadata
  } satisfies Staged<Metadata>
})
