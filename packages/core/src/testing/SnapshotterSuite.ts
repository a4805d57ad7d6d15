/**
 * What every snapshotter promises, whatever it stands on: named Effects, free of any test runner, for a backend to run.
 *
 * Each case has a store of its own in the workplace, and leaves it without damage and with nothing mounted: that is
 * looked at after every one.
 */
import type { Needs } from "./snapshotter/bench.ts"
import { labelCases } from "./snapshotter/labels.ts"
import { lifecycleCases } from "./snapshotter/lifecycle.ts"
import { keyCases } from "./snapshotter/keys.ts"
import { limitCases } from "./snapshotter/limits.ts"
import { mountingCases } from "./snapshotter/mounting.ts"
import { usageCases } from "./snapshotter/usage.ts"
import { walkCases } from "./snapshotter/walking.ts"
import { tableCases } from "./snapshotter/table.ts"
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
  ...limitCases
]
