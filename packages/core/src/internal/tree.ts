/** From a snapshot's place and chain to what to mount. */
import { type Mounts, mountsOf } from "../Mount.ts"
import type { SnapshotId } from "../Snapshot.ts"
import type { Store } from "./store.ts"

export const mountsOfSnapshot = (
  store: Store,
  kind: "active" | "view",
  id: SnapshotId,
  chain: ReadonlyArray<SnapshotId>
): Mounts => {
  const { layer, work } = store.layout.snapshot(kind, id)
  const parents = chain.map((parent) => store.layout.snapshot("committed", parent).layer)
  return mountsOf({ writable: kind === "active", layer, work, parents }, store.settings.mountOptions)
}
