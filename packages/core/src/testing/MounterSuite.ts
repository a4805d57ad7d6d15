/**
 * What every `Mounter` promises, a case for each sentence of its contract. What lies inside a mount is read and written
 * through Effect's `FileSystem`, as users do; everything else through the store's port.
 */
import type { Needs } from "./mounter/bench.ts"
import { bindingCases } from "./mounter/binding.ts"
import { copyUpCases } from "./mounter/copyUp.ts"
import { lingeringCases } from "./mounter/lingering.ts"
import { mergingCases } from "./mounter/merging.ts"
import { overlayUsingCases } from "./mounter/overlayUsing.ts"
import { sharingCases } from "./mounter/sharing.ts"
import { storingCases } from "./mounter/storing.ts"
import { unmountingCases } from "./mounter/unmounting.ts"
import { usingCases } from "./mounter/using.ts"
import type { Suite } from "./Suite.ts"

/** What a `Mounter` promises of bind mounts, and of mounting as such. */
export const bindMounterSuite: Suite<Needs> = [
  ...bindingCases,
  ...unmountingCases,
  ...sharingCases,
  ...usingCases,
  ...storingCases
]

/** What a `Mounter` promises of overlays. */
export const overlayMounterSuite: Suite<Needs> = [...mergingCases, ...overlayUsingCases, ...lingeringCases]

/** For backends whose overlays are as the kernel's, which copy what is changed when it is changed. */
export const copyUpMounterSuite: Suite<Needs> = copyUpCases
