/**
 * What every `StoreFileSystem` promises, a case for each sentence of its contract. What the port itself cannot make (links,
 * devices, names that are not UTF-8) is made through `TreeFileSystem`; what has to do with mounts is in `MounterSuite`.
 */
import type { Needs } from "./storeFileSystem/bench.ts"
import { directoriesCases } from "./storeFileSystem/directories.ts"
import { failuresCases } from "./storeFileSystem/failures.ts"
import { filesCases } from "./storeFileSystem/files.ts"
import { lockingCases } from "./storeFileSystem/locking.ts"
import { lookingCases } from "./storeFileSystem/looking.ts"
import { measuringCases } from "./storeFileSystem/measuring.ts"
import { movingCases } from "./storeFileSystem/moving.ts"
import { probingCases } from "./storeFileSystem/probing.ts"
import { removingCases } from "./storeFileSystem/removing.ts"
import { syncingCases } from "./storeFileSystem/syncing.ts"
import { type Needs as TreeNeeds, superuserCases, treeCases } from "./storeFileSystem/trees.ts"
import type { Suite } from "./Suite.ts"

/** What the port alone can show. */
export const storeFileSystemSuite: Suite<Needs> = [
  ...failuresCases,
  ...lookingCases,
  ...filesCases,
  ...directoriesCases,
  ...movingCases,
  ...removingCases,
  ...measuringCases,
  ...syncingCases,
  ...lockingCases,
  ...probingCases
]

/** What can lie in its trees besides, made through `TreeFileSystem`. */
export const storeFileSystemTreeSuite: Suite<TreeNeeds> = treeCases

/** The same for what only the superuser can make. */
export const superuserStoreFileSystemSuite: Suite<TreeNeeds> = superuserCases
