/**
 * The power goes: from any moment of a simulated machine, the states of its disk with which it could come up again, all or,
 * where there are too many, some of them, each as a new volume. The old one runs on, so one run of a program can be crashed at every moment and in every way.
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
  everReachable,
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
   * Up to so many changes that are not on the disk, all states are given; beyond, `samples` of them. 16 by default. A file
   * whose contents are not on the disk counts as two, since it comes up in up to four ways: so of n there are at most 2ⁿ states.
   */
  readonly completeUpTo?: number | undefined
  /** How many are drawn, the two that are always given among them; 64 by default. Those that turn out equal are given once. */
  readonly samples?: number | undefined
  /** An integer that decides which are drawn; 0 by default. */
  readonly seed?: number | undefined
}

/**
 * The states with which the machine could come up, each once, as it was when `states` was called: what is done to it afterwards
 * is in none of them. The first one has lost nothing, the second one, if it is another, all that was not on the disk; these two
 * are given whatever the options say. Each is made when it is asked for. They are all that there are, or samples of them:
 * {@link isComplete} says which.
 *
 * Throws an `Error` if the volume was not made with `losesPower`.
 */
export const states = (volume: MemoryVolume, options: Options = {}): Generator<State> => {
  const insides = insidesOf(volume)
  return statesOf(insides, diskOf(insides), options)
}

/**
 * Whether `states` gives every state of now. Else it gives samples, and none of them may be the one that shows a fault: look
 * with several seeds, with more `samples`, at each step of a run, and sync first what is not under test.
 *
 * Throws an `Error` if the volume was not made with `losesPower`.
 */
export const isComplete = (volume: MemoryVolume, { completeUpTo }: Options = {}): boolean =>
  isFew(diskOf(insidesOf(volume)), completeUpTo)

/**
 * What is not on the disk now, for reading: changes in their order, then files whose contents are not there.
 *
 * Throws an `Error` if the volume was not made with `losesPower`.
 */
export const unsynced = (volume: MemoryVolume): ReadonlyArray<string> => {
  const disk = diskOf(insidesOf(volume))
  const files = filesIn(disk, imageAfter(disk.image, disk.pending, disk.pending.map(() => true)))
  return [...disk.pending.map(({ text }) => text), ...files.map(({ path }) => `contents of ${path}`)]
}

function* statesOf(volume: Volume, disk: Disk, options: Options): Generator<State> {
  const seen = new Set<string>()
  for (const one of survivingOf(disk, options)) {
    const hash = digestOf(one.image)
    if (seen.has(hash)) continue
    seen.add(hash)
    yield {
      hash,
      story: storyOf(disk, one),
      isWhole: one.isWhole,
      boot: ({ onStep } = {}) => boot(volume, one.image, { onStep, losesPower: true })
    }
  }
}

// ============================================================ what may survive

/** A volume's disk as it was at a moment, with nothing in it that changes later. */
interface Disk {
  readonly image: Image
  readonly pending: ReadonlyArray<Change>
  /** The files whose contents are not on the disk as they were written, and those with which they may come up. */
  readonly contents: ReadonlyMap<Inode, ReadonlyArray<Uint8Array>>
}

const diskOf = ({ journal }: Volume): Disk => {
  if (!journal.records) throw new Error("this volume cannot lose power: make it with { losesPower: true }")
  const [image, pending] = [journal.image.copy(), [...journal.pending]]
  const contents = new Map<Inode, ReadonlyArray<Uint8Array>>()
  for (const inode of everReachable(image, pending)) {
    const onDisk = image.keptOf(inode).contents
    if (inode.isFile() && !holds(inode, onDisk)) contents.set(inode, variantsOf(onDisk, contentsOf(inode)))
  }
  return { image, pending, contents }
}

/** A file whose contents are not on the disk, where a name leads to it. */
interface File {
  readonly inode: Inode
  readonly path: string
  /** What was written, what is on the disk, and what may else be there. */
  readonly variants: ReadonlyArray<Uint8Array>
}

const filesIn = ({ contents }: Disk, image: Image): ReadonlyArray<File> =>
  contents.size === 0 ? [] : [...reachable(image)].flatMap(([inode, path]) => {
    const variants = contents.get(inode)
    return variants === undefined ? [] : [{ inode, path, variants }]
  })

/** Which of its variants each file comes up with. */
type Chosen = ReadonlyArray<readonly [File, number]>

interface Surviving {
  readonly choice: Choice
  readonly chosen: Chosen
  readonly image: Image
  readonly isWhole: boolean
}

const surviving = (choice: Choice, image: Image, chosen: Chosen): Surviving => ({
  choice,
  chosen,
  image: withContents(image, chosen.map(([{ inode, variants }, at]) => [inode, variants[at] ?? new Uint8Array()])),
  isWhole: isAll(choice, chosen, true)
})

const isAll = (choice: Choice, chosen: Chosen, survives: boolean): boolean =>
  choice.every((one) => one === survives) && chosen.every(([, at]) => at === (survives ? 0 : 1))

const storyOf = ({ pending }: Disk, { choice, chosen, isWhole }: Surviving): string => {
  if (isWhole) return "nothing was lost"
  const lost = pending.filter((_, at) => choice[at] !== true).map(({ text }) => text)
  const other = chosen.flatMap(([{ path, variants }, at]) => {
    const bytes = variants[at]
    if (at === 0 || bytes === undefined) return []
    return [`${path} has ${bytes.length} bytes${bytes.every((byte) => byte === 0) ? ", all 0" : ""}`]
  })
  return ["lost", ...lost, ...other].join("\n  ")
}

// ============================================================ all, or some

/** What is not on the disk. */
const countOf = ({ contents, pending }: Disk): number => pending.length + 2 * contents.size

const isFew = (disk: Disk, completeUpTo = 16): boolean => countOf(disk) <= completeUpTo

function* survivingOf(disk: Disk, { completeUpTo, samples = 64, seed = 0 }: Options): Generator<Surviving> {
  yield extreme(disk, true)
  if (countOf(disk) === 0) return
  yield extreme(disk, false)
  for (const one of isFew(disk, completeUpTo) ? completely(disk) : sampled(disk, samples - 2, seed)) {
    if (!one.isWhole && !isAll(one.choice, one.chosen, false)) yield one
  }
}

/** What all survives, or nothing. */
const extreme = (disk: Disk, survives: boolean): Surviving => {
  const choice = disk.pending.map(() => survives)
  const image = imageAfter(disk.image, disk.pending, choice)
  return surviving(choice, image, filesIn(disk, image).map((file) => [file, survives ? 0 : 1]))
}

function* completely(disk: Disk): Generator<Surviving> {
  for (const choice of choices(disk.pending)) {
    const image = imageAfter(disk.image, disk.pending, choice)
    for (const chosen of combinations(filesIn(disk, image))) yield surviving(choice, image, chosen)
  }
}

function* combinations(files: ReadonlyArray<File>): Generator<Chosen> {
  const [file, ...others] = files
  if (file === undefined) return yield []
  for (const rest of combinations(others)) {
    for (const at of file.variants.keys()) yield [[file, at], ...rest]
  }
}

function* sampled(disk: Disk, samples: number, seed: number): Generator<Surviving> {
  // Other numbers for other disks: who looks at each step of a run would else see the same few states each time.
  const random = randomFrom(disk.pending.reduce((mixed, { text }) => Math.imul(mixed ^ text.length, 0x9e3779b1), seed))
  for (let at = 0; at < samples; at++) {
    // From most to few, so that long prefixes come up as well as short ones.
    const likelihood = 1 - random() ** 3
    const choice = choiceBy(disk.pending, () => random() < likelihood)
    const image = imageAfter(disk.image, disk.pending, choice)
    yield surviving(
      choice,
      image,
      filesIn(disk, image).map((file) => [file, random() < likelihood ? 0 : otherOf(file, random)])
    )
  }
}

const otherOf = ({ variants }: File, random: () => number): number => 1 + Math.floor(random() * (variants.length - 1))

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
