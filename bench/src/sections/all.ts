/** What there is to measure, by name, and on which disks. */
import type { Effect } from "effect"
import type { Disk } from "../disks.ts"
import type { Effort } from "../Effort.ts"
import type { Row } from "../Row.ts"
import type { Durability } from "../Site.ts"
import { measureDifferential } from "./differential.ts"
import { measureFibers } from "./fibers.ts"
import { measureForks } from "./forks.ts"
import { measureInMemory } from "./inMemory.ts"
import { measureLayers } from "./layers.ts"
import { measureMemory } from "./memory.ts"
import { measureOperations } from "./operations.ts"
import { measureDepths, measureLiveMounts, measureSnapshots } from "./sizes.ts"
import { countWaits } from "./waits.ts"

export const sectionNames = [
  "operations",
  "waits",
  "snapshots",
  "depth",
  "mounts",
  "fibers",
  "layers",
  "forks",
  "memory",
  "memory-fs"
] as const
export type SectionName = (typeof sectionNames)[number]

/** One piece of work: a section, on one disk, at one durability. */
export interface Piece {
  readonly section: SectionName
  readonly disk?: string
  readonly called: string
  readonly measure: Effect.Effect<ReadonlyArray<Row>>
}

const durabilities: ReadonlyArray<Durability> = ["process", "full"]

export const piecesOf = (
  disks: ReadonlyArray<Disk>,
  effort: Effort,
  wanted: (section: SectionName) => boolean,
  durability: (durability: Durability) => boolean
): ReadonlyArray<Piece> => {
  const both = durabilities.filter(durability)
  const [first] = disks
  const on = (
    section: SectionName,
    disks: ReadonlyArray<Disk>,
    durabilities: ReadonlyArray<Durability>,
    measure: (disk: Disk, durability: Durability) => Effect.Effect<ReadonlyArray<Row>>
  ): ReadonlyArray<Piece> =>
    disks.flatMap((disk) =>
      durabilities.map((durability) => ({
        section,
        disk: disk.name,
        called: `${section} on ${disk.name}, ${durability}`,
        measure: measure(disk, durability)
      }))
    )
  const process = both.filter((durability) => durability === "process")
  const full = both.filter((durability) => durability === "full")
  const one = first === undefined ? [] : [first]
  const pieces: ReadonlyArray<Piece> = [
    ...on("operations", disks, both, (disk, durability) => measureOperations(disk, durability, effort)),
    ...on("waits", one, both, (disk, durability) => countWaits(disk, durability, effort)),
    ...on("snapshots", effort.sizesEverywhere ? disks : one, process, (disk) => measureSnapshots(disk, effort)),
    ...on("depth", effort.sizesEverywhere ? disks : one, process, (disk) => measureDepths(disk, effort)),
    ...on("mounts", one, process, (disk) => measureLiveMounts(disk, effort)),
    ...on("fibers", disks, full, (disk) => measureFibers(disk, effort)),
    ...on("layers", disks, both, (disk, durability) => measureLayers(disk, durability, effort)),
    ...on("forks", one, process, (disk) => measureForks(disk, effort)),
    ...on("memory", one, process, (disk) => measureMemory(disk, effort)),
    { section: "memory-fs", called: "operations in memory", measure: measureInMemory(effort) },
    { section: "memory-fs", called: "differential cases", measure: measureDifferential(effort) }
  ]
  // Something of everything first, in case that time is short.
  const onFirst = (piece: Piece) => piece.disk === undefined || piece.disk === first?.name
  const ordered = [...pieces.filter(onFirst), ...pieces.filter((piece) => !onFirst(piece))]
  return ordered.filter(({ section }) => wanted(section))
}
