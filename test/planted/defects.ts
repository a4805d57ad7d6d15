/** All defects that are planted: each has to be caught by a test that was there before it. */
import type { Defect } from "./defect.ts"
import { barriers } from "./defects/barriers.ts"
import { ofForks } from "./defects/forks.ts"
import { ofOverlays } from "./defects/overlay.ts"
import { ofTheSeed } from "./defects/seed.ts"
import { steps } from "./defects/steps.ts"
import { together } from "./defects/together.ts"

export const defects: ReadonlyArray<Defect> = [
  ...ofTheSeed,
  ...steps,
  ...barriers,
  ...together,
  ...ofForks,
  ...ofOverlays
]
