/**
 * Replacing one metadata file: the commit point of `update`, and how a layer is recorded as durable.
 *
 * The new one and the old one change places, and the old one goes once that is on disk: a rename over it would give its
 * inode away at once, and a disk without a journal may still lead there by the name when others have it.
 */
import { Effect } from "effect"
import type { SyncTarget } from "../StoreFileSystem.ts"
import { anew } from "./anew.ts"
import { barrier, type Staged, type Staging } from "./change.ts"
import type { Target } from "./layout.ts"
import { encodeMetadata, type Metadata } from "./metadata.ts"
import { failedIn, leaveBehind, type Store } from "./store.ts"

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
  const [now, text] = [paths.metadata(target.kind), encodeMetadata(metadata)]
  staging.undo(leaveBehind(store.fs.removeFile(paths.next)))
  yield* Effect.mapError(
    anew(store.fs, paths.next, store.fs.writeFile(paths.next, text, 0o600)),
    failedIn(operation)
  )
  return {
    before: barrier(waits, { kind: "file", path: paths.next }, ...wanted),
    commit: store.fs.exchange(paths.next, now),
    happened: Effect.map(store.fs.readFile(now), (found) => found === text),
    after: barrier(waits, { kind: "directory", path: paths.directory }),
    settle: leaveBehind(store.fs.removeFile(paths.next)),
    result: metadata
  } satisfies Staged<Metadata>
})
