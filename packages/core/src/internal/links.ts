/** Links of the index: put in place before a snapshot appears under a name, dead until then. */
import { Effect } from "effect"
import { anew } from "./anew.ts"
import type { Staging } from "./change.ts"
import { linkText, type Target } from "./layout.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, leaveBehind, type Store } from "./store.ts"

/** Puts a link where none counts: one that is there is dead, since the name was looked up before, and gives way. */
export const placeLink = (store: Store, operation: string, staging: Staging, name: string, target: Target) =>
  Effect.suspend(() => {
    const link = store.layout.link(sha256Hex(name))
    staging.undo(leaveBehind(store.fs.removeFile(link)))
    return Effect.mapError(anew(store.fs, link, store.fs.symlink(linkText(target), link)), failedIn(operation))
  })
