/**
 * Ids for snapshots from the volume's seed and counter: the same again for the same seed, scattered as random ones are,
 * and never one twice in a volume, because each step of the mixing can be undone.
 */
import { idFromNumber, IdSource } from "@snapshotter/core/IdSource"
import type { SnapshotId } from "@snapshotter/core/Snapshot"
import { Effect, Layer } from "effect"
import { insidesOf } from "./internal/volume.ts"
import { MemoryVolume } from "./MemoryVolume.ts"

const bits = 65
const wrap = (number: bigint): bigint => BigInt.asUintN(bits, number)

/** Multiplying by an odd number modulo a power of two can be undone, and so can adding the number's own upper bits. */
const scatter = (number: bigint): bigint => {
  const once = wrap(number * 0x1_9e37_79b9_7f4a_7c15n)
  const twice = wrap((once ^ (once >> 32n)) * 0xbf58_476d_1ce4_e5b9n)
  return twice ^ (twice >> 29n)
}

const idOf = (seed: bigint, number: bigint): SnapshotId => idFromNumber(scatter(wrap(number + scatter(wrap(seed)))))

export const make = (volume: MemoryVolume): IdSource => {
  const [insides, seed] = [insidesOf(volume), BigInt(volume.seed)]
  return { next: Effect.sync(() => idOf(seed, insides.nextNumber())) }
}

export const layer: Layer.Layer<IdSource, never, MemoryVolume> = Layer.effect(
  IdSource,
  Effect.map(MemoryVolume, make)
)
