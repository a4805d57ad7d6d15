/**
 * What every snapshotter promises, whatever it stands on: named Effects, free of any test runner, for a backend to run.
 *
 * Each case has a store of its own in the workplace, and leaves it without damage and with nothing mounted: that is
 * looked at after every one.
 */
import { badInputCases } from "./snapshotter/badInput.ts"
import { rootCases } from "./snapshotter/badRoots.ts"
import type { Needs } from "./snapshotter/bench.ts"
import { copyUpCases } from "./snapshotter/copyUp.ts"
import { damageCases } from "./snapshotter/damage.ts"
import { forkEndingCases } from "./snapshotter/forkEndings.ts"
import { forkCases } from "./snapshotter/forking.ts"
import { keyCases } from "./snapshotter/keys.ts"
import { labelCases } from "./snapshotter/labels.ts"
import { leftoverCases } from "./snapshotter/leftovers.ts"
import { lifecycleCases } from "./snapshotter/lifecycle.ts"
import { limitCases } from "./snapshotter/limits.ts"
import { mountingCases } from "./snapshotter/mounting.ts"
import { orphanCases } from "./snapshotter/orphans.ts"
import { overlayCases } from "./snapshotter/overlay.ts"
import { tableCases } from "./snapshotter/table.ts"
import { type Needs as TreeNeeds, superuserCases, treeCases } from "./snapshotter/trees.ts"
import { sparseUsageCases, usageCases } from "./snapshotter/usage.ts"
import { walkCases } from "./snapshotter/walking.ts"
import type { Suite } from "./Suite.ts"

export { type Needs, OpenStore } from "./snapshotter/bench.ts"

export const snapshotterSuite: Suite<Needs> = [
  ...tableCases,
  ...lifecycleCases,
  ...labelCases,
  ...walkCases,
  ...keyCases,
  ...usageCases,
  ...mountingCases,
  ...limitCases,
  ...leftoverCases,
  ...damageCases,
  ...orphanCases,
  ...forkCases,
  ...forkEndingCases
]

/** Bad input of every kind that needs no machine to make it. */
export const badInputSuite: Suite<Needs> = [...badInputCases, ...rootCases]

/** For backends whose files have holes. */
export const sparseSnapshotterSuite: Suite<Needs> = sparseUsageCases

/** For backends that mount chains of layers: all that can be mounted here. */
export const overlaySnapshotterSuite: Suite<Needs> = overlayCases

/** What their snapshots keep of all that a tree can hold, made through `TreeFileSystem`. */
export const treeSnapshotterSuite: Suite<TreeNeeds> = treeCases

/** The same for what only the superuser can make. */
export const superuserSnapshotterSuite: Suite<TreeNeeds> = superuserCases

/** For backends that do so by overlays as the kernel's, which copy what is changed when it is changed. */
export const copyUpSnapshotterSuite: Suite<Needs> = copyUpCases
