/** What a file may hold whose contents were not synced: the model's way, and what real disks do beside it. Pure. */

/**
 * How contents that were found came to be:
 *
 * - `kept`: all that was written is there.
 * - `lost`: as they were synced.
 * - `cut`: the beginning of what was written, at least as much as was synced of it.
 * - `zeroed`: the same with zeros in it, behind what was synced of it.
 * - `mixed`: no state of the model. Each byte is one that the file once had there since it was synced, or zero.
 */
export type Fate = "kept" | "lost" | "cut" | "zeroed" | "mixed"

/** `versions` are all contents since the sync, the synced ones first; `undefined` for what nobody ever wrote. */
export const fateOf = (versions: ReadonlyArray<string>, found: string): Fate | undefined => {
  const [synced = "", written = ""] = [versions[0], versions.at(-1)]
  if (found === written) return "kept"
  if (found === synced) return "lost"
  const base = written.startsWith(synced) ? synced.length : 0
  if (found.length >= base && found.length <= written.length && found.startsWith(written.slice(0, base))) {
    if (written.startsWith(found)) return "cut"
    if (isMixOf([written], found)) return "zeroed"
  }
  return isMixOf(versions, found) ? "mixed" : undefined
}

const isMixOf = (versions: ReadonlyArray<string>, found: string): boolean => {
  if (!versions.some(({ length }) => found.length <= length)) return false
  for (let at = 0; at < found.length; at++) {
    if (found[at] !== "\0" && !versions.some((version) => version[at] === found[at])) return false
  }
  return true
}

/** What the simulated disk gives for that fate: it cuts in the middle, and zeroes all. */
export const representative = (versions: ReadonlyArray<string>, found: string): string => {
  const [synced = "", written = ""] = [versions[0], versions.at(-1)]
  const base = written.startsWith(synced) ? synced.length : 0
  switch (fateOf(versions, found)) {
    case "cut":
      return written.slice(0, base + Math.floor((written.length - base) / 2))
    case "zeroed":
      return written.slice(0, base).padEnd(written.length, "\0")
    case "kept":
    case "lost":
    case "mixed":
    case undefined:
      return found
  }
}
