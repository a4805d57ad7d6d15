/** The commit point of most operations: a snapshot's directory moves from one place to another. */
import { Effect } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import { barrier } from "./change.ts"
import type { Place } from "./layout.ts"
import type { Store } from "./store.ts"

/** That part of a staged change; with `waits`, the move is on disk before it is acknowledged. */
export const moving = (store: Store, id: SnapshotId, from: Place, to: Place, waits: boolean) => {
  const { layout } = store
  const [here, there] = [layout.snapshot(from, id).directory, layout.snapshot(to, id).directory]
  return {
    commit: store.fs.moveNoReplace(here, there),
    happened: hasMoved(store, here, there),
    // The place that it left too: else it may come up in both.
    after: barrier(waits, { kind: "directory", path: layout.place(to) }, {
      kind: "directory",
      path: layout.place(from)
    })
  }
}

/** Whether something is where it was to be moved, and no longer where it was: something else may be at either place. */
export const hasMoved = Effect.fnUntraced(function*({ fs }: Store, from: string, to: string) {
  return (yield* fs.lstat(from)) === undefined && (yield* fs.lstat(to)) !== undefined
})
