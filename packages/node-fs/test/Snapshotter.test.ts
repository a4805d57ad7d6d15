import { it } from "@effect/vitest"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import {
  copyUpSnapshotterSuite,
  OpenStore,
  overlaySnapshotterSuite,
  snapshotterSuite,
  sparseSnapshotterSuite,
  superuserSnapshotterSuite,
  treeSnapshotterSuite
} from "@snapshotter/core/testing/SnapshotterSuite"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Context, Effect, Layer } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { isRoot, workplace } from "./place.ts"

/** Each opening has a machine of its own, as another process would. */
const openStore = Layer.succeed(
  OpenStore,
  (options) =>
    Effect.map(Layer.build(Layer.fresh(NodeSnapshotter.layer(options))), (context) => Context.get(context, Snapshotter))
)

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("snapshotter-node", missing))("Snapshotter", () => {
  const suites = [
    ...snapshotterSuite,
    ...sparseSnapshotterSuite,
    ...overlaySnapshotterSuite,
    ...copyUpSnapshotterSuite,
    ...treeSnapshotterSuite,
    ...superuserSnapshotterSuite
  ]
  for (const { name, test } of suites) {
    it.live(
      name,
      () => Effect.provide(test, Layer.mergeAll(NodeSnapshotter.layerMachine, Layer.fresh(workplace), openStore))
    )
  }
})
