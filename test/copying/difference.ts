/** What an upper layer has to hold so that over its lower ones a tree is seen as it is now: a decision about paths alone. */
import { type Contents, parentOf } from "./contents.ts"

export interface Difference {
  /** What is copied into the layer, and the directories that lead there. */
  readonly kept: ReadonlySet<string>
  /** Names that are gone. */
  readonly whiteouts: ReadonlyArray<string>
  /** Directories that hide all that lower layers have in them. */
  readonly opaque: ReadonlySet<string>
}

/** `unchanged` are the paths at which the lower layers show the very same. */
export const differenceBetween = (lower: Contents, now: Contents, unchanged: ReadonlySet<string>): Difference => {
  const [kept, opaque, fresh] = [new Set([""]), new Set<string>(), new Set<string>()]
  const keep = (path: string): void => {
    for (let one = path; !kept.has(one); one = parentOf(one)) kept.add(one)
  }
  for (const [path, { type }] of now) {
    if (path === "") continue
    const isInFresh = fresh.has(parentOf(path))
    if (isInFresh || !unchanged.has(path)) keep(path)
    if (type !== "directory" || !(isInFresh || isNew(lower, now, path))) continue
    fresh.add(path)
    keep(path)
    if (!isInFresh && lower.has(path)) opaque.add(path)
  }
  const isShown = (directory: string) => now.get(directory)?.type === "directory" && !fresh.has(directory)
  const whiteouts = [...lower.keys()].filter((path) => path !== "" && !now.has(path) && isShown(parentOf(path)))
  for (const path of whiteouts) keep(parentOf(path))
  return { kept, whiteouts, opaque }
}

/** A directory where none was, or in which nothing is left of the one that was there: as if removed and made again. */
const isNew = (lower: Contents, now: Contents, path: string): boolean => {
  if (lower.get(path)?.type !== "directory") return true
  const inside = [...lower.keys()].filter((one) => one !== "" && parentOf(one) === path)
  return inside.length > 0 && !inside.some((one) => now.has(one))
}
