/**
 * What of the changes that are not on the disk may survive when the power goes: in each place a prefix of what was done there,
 * and of each file whose contents are not on the disk all, nothing, a part, or zeros. Pure.
 */
import type { Change, Image, Kept } from "./image.ts"
import type { Inode } from "./inode.ts"

/** What becomes of contents that are not on the disk, while the file's name is. */
const fates = ["kept", "lost", "cut", "zeroed"] as const

/** Which of the pending changes survive: one for each, in their order. */
export type Choice = ReadonlyArray<boolean>

/** All choices that keep in each place a prefix of what was done there. */
export function* choices(pending: ReadonlyArray<Change>): Generator<Choice> {
  yield* choicesFrom(pending, [], new Set())
}

function* choicesFrom(
  pending: ReadonlyArray<Change>,
  chosen: Choice,
  ended: ReadonlySet<Inode>
): Generator<Choice> {
  const change = pending[chosen.length]
  if (change === undefined) return yield chosen
  if (!isBarred(change, ended)) yield* choicesFrom(pending, [...chosen, true], ended)
  yield* choicesFrom(pending, [...chosen, false], new Set([...ended, ...change.places]))
}

/** Whether something earlier did not survive in one of its places. */
const isBarred = ({ places }: Change, ended: ReadonlySet<Inode>): boolean => places.some((place) => ended.has(place))

/** One of them, by asking for each change that could survive whether it does. */
export const choiceBy = (pending: ReadonlyArray<Change>, survives: () => boolean): Choice => {
  const ended = new Set<Inode>()
  return pending.map((change) => {
    const kept = !isBarred(change, ended) && survives()
    if (!kept) change.places.forEach((place) => ended.add(place))
    return kept
  })
}

/** The disk's image with what survives. */
export const imageAfter = (onDisk: Image, pending: ReadonlyArray<Change>, choice: Choice): Image => {
  const image = onDisk.copy()
  pending.forEach((change, at) => {
    if (choice[at] === true) image.apply(change)
  })
  return image
}

/** The same with other contents of some files. */
export const withContents = (image: Image, contents: ReadonlyArray<readonly [Inode, Uint8Array]>): Image => {
  if (contents.length === 0) return image
  const changed = image.copy()
  for (const [inode, bytes] of contents) changed.change(inode, { contents: bytes })
  return changed
}

/**
 * The contents that a fate leaves. What was on the disk and is still the beginning is never touched: files grow by blocks
 * of their own.
 */
const contentsBy = (fate: (typeof fates)[number], onDisk: Uint8Array, written: Uint8Array): Uint8Array => {
  if (fate === "kept") return written
  if (fate === "lost") return onDisk
  const base = isPrefix(onDisk, written) ? onDisk.length : 0
  if (fate === "cut") return written.slice(0, base + Math.floor((written.length - base) / 2))
  const zeroed = Uint8Array.from(written)
  return zeroed.fill(0, base)
}

const isPrefix = (short: Uint8Array, long: Uint8Array): boolean =>
  short.length <= long.length && Buffer.compare(short, long.subarray(0, short.length)) === 0

/** The different contents that a file may come up with: first what was written, then, where that is another, what is on the disk. */
export const variantsOf = (onDisk: Uint8Array, written: Uint8Array): ReadonlyArray<Uint8Array> => {
  const all = fates.map((fate) => contentsBy(fate, onDisk, written))
  return all.filter((one, at) => all.findIndex((other) => Buffer.compare(one, other) === 0) === at)
}

/** All that lies in an image, each inode once, with the path by which it was met first. */
export const reachable = (image: Image): ReadonlyMap<Inode, string> => {
  const met = new Map<Inode, string>([[image.root, ""]])
  for (const [inode, path] of met) {
    for (const [name, child] of sorted(image.keptOf(inode))) {
      if (!met.has(child)) met.set(child, `${path}/${name}`)
    }
  }
  return met
}

/** All that may lie on the disk, whichever of the changes survive. */
export const everReachable = (image: Image, pending: ReadonlyArray<Change>): ReadonlySet<Inode> => {
  const met = new Set([image.root])
  const entering = new Map<Inode, Array<Inode>>()
  for (const { directory, inode } of pending.flatMap(({ entries }) => entries)) {
    if (inode === undefined) continue
    const known = entering.get(directory)
    if (known === undefined) entering.set(directory, [inode])
    else known.push(inode)
  }
  for (const directory of met) {
    for (const child of image.keptOf(directory).entries.values()) met.add(child)
    for (const child of entering.get(directory) ?? []) met.add(child)
  }
  return met
}

/** Names in their order, so that equal trees are gone through alike. */
export const sorted = (kept: Kept): ReadonlyArray<readonly [string, Inode]> => {
  const known = inOrder.get(kept)
  if (known !== undefined) return known
  const entries = [...kept.entries].sort(([one], [other]) => one < other ? -1 : 1)
  inOrder.set(kept, entries)
  return entries
}

const inOrder = new WeakMap<Kept, ReadonlyArray<readonly [string, Inode]>>()
