/**
 * What every `TreeFileSystem` promises, a case for each sentence of its contract. Cases use the port alone, so what it
 * cannot make (mounts, another umask) is left to the tests of a backend.
 *
 * Each is so on every file system of Linux that keeps owners, modes, devices and extended attributes: ext4, xfs, btrfs and
 * tmpfs were asked. Where they differ from each other (links of a directory, blocks, the longest value of an attribute, a
 * truncation to the same length) nothing is stated.
 */
import type { Suite } from "./Suite.ts"
import type { Needs } from "./trees/bench.ts"
import { changeCases } from "./trees/changes.ts"
import { holeCases } from "./trees/holes.ts"
import { lastPlaceCases } from "./trees/lastPlace.ts"
import { lookupCases } from "./trees/lookup.ts"
import { makingCases, superuserMakingCases } from "./trees/making.ts"
import { mountCases, type Needs as MountNeeds, readOnlyCases, whiteoutRefusalCases } from "./trees/mounts.ts"
import { nameCases } from "./trees/names.ts"
import { openFileCases } from "./trees/openFiles.ts"
import { openingCases } from "./trees/opening.ts"
import { modeCases, ownerCases } from "./trees/owners.ts"
import { overlayRootCases, removedRootCases } from "./trees/removedRoots.ts"
import { linkCases, removingCases } from "./trees/removing.ts"
import { renamingCases, whiteoutCases } from "./trees/renaming.ts"
import { deviceCases, statusCases } from "./trees/status.ts"
import { timeCases } from "./trees/times.ts"
import { trustedXattrCases, xattrCases, xattrLimitCases } from "./trees/xattrs.ts"

export type { Needs } from "./trees/bench.ts"
export type { Needs as MountedNeeds } from "./trees/mounts.ts"

/** What is so for everybody, in an overlay too. */
export const treeFileSystemSuite: Suite<Needs> = [
  ...lookupCases,
  ...lastPlaceCases,
  ...nameCases,
  ...statusCases,
  ...makingCases,
  ...openingCases,
  ...openFileCases,
  ...removingCases,
  ...linkCases,
  ...renamingCases,
  ...modeCases,
  ...timeCases,
  ...changeCases,
  ...xattrCases,
  ...xattrLimitCases
]

/** What is so for the superuser besides, in an overlay too. */
export const superuserTreeFileSystemSuite: Suite<Needs> = [
  ...deviceCases,
  ...superuserMakingCases,
  ...ownerCases,
  ...trustedXattrCases
]

/** What is so where overlay's deletion marks are files like any: everywhere but in an overlay. */
export const whiteoutTreeFileSystemSuite: Suite<Needs> = whiteoutCases

/** For backends whose files have holes. */
export const sparseTreeFileSystemSuite: Suite<Needs> = holeCases

/** For backends with a `Mounter`, whose user may mount. */
export const mountedTreeFileSystemSuite: Suite<MountNeeds> = [...mountCases, ...readOnlyCases, ...removedRootCases]

/** For backends whose overlays are the kernel's, or simulate them. */
export const copyUpTreeFileSystemSuite: Suite<MountNeeds> = [...overlayRootCases, ...whiteoutRefusalCases]
