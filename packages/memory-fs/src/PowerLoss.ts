/**
 * The power goes: from any moment of a simulated machine, the states of its disk with which it could come up again, each
 * as a new volume. The old one runs on, so one run of a program can be crashed at every moment and in every way.
 *
 * The disk holds what was synced, and may hold more. Of what was not synced, a set of changes survives that is in each
 * directory, and for each file's attributes, a prefix of what was done there; a rename is in both of its directories, and is
 * atomic. A file whose contents were not synced has all of them, none, the first half, or zeros, while its name survives. What
 * this assumes of real disks is written down, and compared with them, in `docs/FAILURES.md`.
 *
 * ```ts
 * import { MemoryFileSystem, MemoryVolume, PowerLoss } from "@snapshotter/memory-fs"
 * import { Effect } from "effect"
 *
 * const program = Effect.gen(function*() {
 *   const volume = MemoryVolume.make({ losesPower: true })
 *   const fs = MemoryFileSystem.make(volume)
 *   yield* fs.writeFileString("/tmp/settings.next", "new")
 *   yield* fs.rename("/tmp/settings.next", "/tmp/settings")
 *   for (const state of PowerLoss.states(volume)) {
 *     const found = yield* Effect.option(MemoryFileSystem.make(state.boot()).readFileString("/tmp/settings"))
 *     console.log(found, state.story)
 *   }
 * })
 *
 * Effect.runPromise(program) // absent, "new", and, since nothing was synced: "", "n", "\0\0\0"
 * ```
 */
import { boot, digestOf } from "./internal/boot.ts"
import { type Change, contentsOf, holds, type Image } from "./internal/image.ts"
import type { Inode } from "./internal/inode.ts"
import {
  type Choice,
  choiceBy,
  choices,
  imageAfter,
  reachable,
  variantsOf,
  withContents
} from "./internal/survivors.ts"
import { insidesOf, type Volume } from "./internal/volume.ts"
import type { MemoryVolume, Options as VolumeOptions } from "./MemoryVolume.ts"

/** A state of the disk with which the machine could come up. */
export interface State {
  /** Equal for equal trees: names, types, modes, owners, attributes and contents; without times. */
  readonly hash: string
  /** For reading: the changes that were lost, and the files whose contents are not what was written. */
  readonly story: string
  /** Whether it holds all that was done: what is there when only processes died. */
  readonly isWhole: boolean
  /** A new machine with this disk. It can lose power, too. */
  readonly boot: (options?: Pick<VolumeOptions, "onStep">) => MemoryVolume
}

export interface Options {
  /**
   * Up to so many changes that are not on the disk, the contents of each file counted as one, all states are given;
   * beyond, `samples` of them. 16 by default.
   */
  readonly completeUpTo?: number | undefined
  /** 64 by default. What loses everything and what loses nothing are always among them. */
  readonly samples?: number | undefined
  /** Decides which are sampled; 0 by default. */
  readonly seed?: number | undefined
}

/** The states with which the machine could come up now, each once. Taken from the volume as it is when each is asked for. */
export function* states(
  volume: MemoryVolume,
  { completeUpTo = 16, samples = 64, seed = 0 }: Options = {}
): Generator<State> {
  const insides = insidesOf(volume)
  const disk = diskOf(insides)
  const seen = new Set<string>()
  const unsynced = disk.pending.length + unsyncedContents(everything(disk)).length
  const all = unsynced <= completeUpTo ? completely(disk) : sampled(disk, samples, seed)
  for (const { image, isWhole, story } of all) {
    const hash = digestOf(image)
    if (seen.has(hash)) continue
    seen.add(hash)
    yield { hash, story, isWhole, boot: ({ onStep } = {}) => boot(insides, image, { onStep, losesPower: true }) }
  }
}

/** What is not on the disk now, for reading: changes in their order, then files whose contents are not there. */
export const unsynced = (volume: MemoryVolume): ReadonlyArray<string> => {
  const disk = diskOf(insidesOf(volume))
  const files = unsyncedContents(everything(disk)).map(({ path }) => `contents of ${path}`)
  return [...disk.pending.map(({ text }) => text), ...files]
}

/** The volume's disk at this moment. */
interface Disk {
  readonly image: Image
  readonly pending: ReadonlyArray<Change>
}

const diskOf = ({ journal }: Volume): Disk => {
  if (!journal.records) throw new Error("this volume cannot lose power: make it with { losesPower: true }")
  return { image: journal.image, pending: [...journal.pending] }
}

interface Surviving {
  readonly image: Image
  readonly story: string
  readonly isWhole: boolean
}

const everything = (disk: Disk): Image => imageAfter(disk.image, disk.pending, disk.pending.map(() => true))

// ============================================================ contents

interface Unsynced {
  readonly inode: Inode
  readonly path: string
  readonly variants: ReadonlyArray<Uint8Array>
}

/** The files that an image names and whose contents are not on the disk as they were written. */
const unsyncedContents = (image: Image): ReadonlyArray<Unsynced> =>
  [...reachable(image)].flatMap(([inode, path]) => {
    if (!inode.isFile()) return []
    const { contents } = image.keptOf(inode)
    return holds(inode, contents) ? [] : [{ inode, path, variants: variantsOf(contents, contentsOf(inode)) }]
  })

const withVariants = (
  { pending }: Disk,
  image: Image,
  choice: Choice,
  chosen: ReadonlyArray<readonly [Unsynced, Uint8Array]>
): Surviving => {
  const lost = pending.filter((_, at) => choice[at] !== true).map(({ text }) => text)
  const other = chosen.filter(([{ variants }, bytes]) => bytes !== variants[0])
    .map(([{ path }, bytes]) =>
      `${path} has ${bytes.length} bytes${bytes.every((byte) => byte === 0) ? ", all 0" : ""}`
    )
  const isWhole = lost.length + other.length === 0
  return {
    image: withContents(image, chosen.map(([{ inode }, bytes]) => [inode, bytes])),
    story: isWhole ? "nothing was lost" : ["lost", ...lost, ...other].join("\n  "),
    isWhole
  }
}

// ============================================================ all, or some

function* completely(disk: Disk): Generator<Surviving> {
  for (const choice of choices(disk.pending)) {
    const image = imageAfter(disk.image, disk.pending, choice)
    const files = unsyncedContents(image)
    for (const chosen of combinations(files)) yield withVariants(disk, image, choice, chosen)
  }
}

function* combinations(files: ReadonlyArray<Unsynced>): Generator<ReadonlyArray<readonly [Unsynced, Uint8Array]>> {
  const [file, ...others] = files
  if (file === undefined) return yield []
  for (const rest of combinations(others)) {
    for (const variant of file.variants) yield [[file, variant], ...rest]
  }
}

function* sampled(disk: Disk, samples: number, seed: number): Generator<Surviving> {
  const random = randomFrom(seed)
  for (let at = 0; at < samples; at++) {
    // From all through most and few to none, so that long prefixes come up as well as short ones.
    const likelihood = at === 0 ? 1 : at === 1 ? 0 : 1 - random() ** 3
    const choice = choiceBy(disk.pending, () => random() < likelihood)
    const image = imageAfter(disk.image, disk.pending, choice)
    const files = unsyncedContents(image)
    yield withVariants(disk, image, choice, files.map((file) => [file, pick(file, likelihood, random)] as const))
  }
}

const pick = ({ variants }: Unsynced, likelihood: number, random: () => number): Uint8Array => {
  const [kept = new Uint8Array(), ...others] = variants
  return random() < likelihood ? kept : others[Math.floor(random() * others.length)] ?? kept
}

/** Numbers from 0 to just below 1 that a seed repeats: mulberry32. */
const randomFrom = (seed: number) => {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
