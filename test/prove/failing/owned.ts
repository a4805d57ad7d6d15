/** Which paths of a store belong to no snapshot, read off its picture alone: by other means than the store's own `check`. */
import { sha256Hex } from "../../../packages/core/src/internal/sha256.ts"
import { describedBy, type Picture } from "./picture.ts"

interface Snapshot {
  readonly kind: string
  readonly id: string
  readonly name: string
  readonly parent: string | undefined
}

/** In order. A damaged snapshot's paths belong to it all the same: they are not rubbish. */
export const unownedIn = (picture: Picture): ReadonlyArray<string> => {
  const owned = ownedIn(picture)
  return [...picture.keys()].filter((path) => !owned.some((pattern) => pattern.test(path))).sort()
}

const ownedIn = (picture: Picture): ReadonlyArray<RegExp> => {
  // Without its record it is no store yet, and nobody's.
  if (!picture.has("version")) return []
  const snapshots = snapshotsIn(picture)
  return [
    /^(\.|version|index|active|view|committed|staging|trash)$/,
    ...snapshots.flatMap((one) => ofSnapshot(one, snapshots))
  ]
}

const ofSnapshot = ({ id, kind, name, parent }: Snapshot, all: ReadonlyArray<Snapshot>): ReadonlyArray<RegExp> => {
  const directory = `${kind}/${id}`
  const children = all.filter((one) => one.parent === id).map((one) => one.id)
  const inside = {
    active: "fs|fs/.*|work|work/.*|key\\.json",
    view: "fs|key\\.json",
    committed: `fs|fs/.*|key\\.json|name\\.json|children${children.map((child) => `|children/${child}`).join("")}`
  }[kind]
  return [
    new RegExp(`^${directory}(/(suspect|${parent === undefined ? "" : "parent|"}${inside}))?$`, "s"),
    new RegExp(`^index/${sha256Hex(name)}$`)
  ]
}

const snapshotsIn = (picture: Picture): ReadonlyArray<Snapshot> => {
  const snapshots: Array<Snapshot> = []
  for (const [path, { content }] of picture) {
    const snapshot = describedBy(path)
    if (snapshot === undefined) continue
    try {
      const { name, parent } = JSON.parse(content)
      snapshots.push({ ...snapshot, name: String(name), parent: typeof parent === "string" ? parent : undefined })
    } catch {
      // Not whole: `check` says so.
    }
  }
  return snapshots
}

/** What kind of leftover a path is, for the table. */
export const kindOfLeftover = (path: string): string => {
  const [place = "", , file, ...below] = path.split("/")
  if (path.includes("/") && (place === "staging" || place === "trash")) return place
  if (path.includes("/") && place === "index") return "link"
  if (file === "children" && below.length > 0) return "mark"
  return file ?? "directories"
}
