/**
 * What every `StoreFileSystem` promises, a case for each sentence of its contract. Cases use the port alone, so what
 * the port cannot make (hard links, devices, mount points, names that are not UTF-8) is left to the tests of a
 * backend.
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
import type { Suite } from "./Suite.ts"

/** The whole contract of a `StoreFileSystem`. */
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
