/** The port that gives new snapshots their directory names. */
import { Context, type Effect } from "effect"
import { SnapshotId } from "./Snapshot.ts"

export interface IdSource {
  /** An id that was never given out in this store before: system randomness, or a counter that cannot repeat. */
  readonly next: Effect.Effect<SnapshotId>
}

export const IdSource = Context.Service<IdSource>("@snapshotter/core/IdSource")

const alphabet = "abcdefghijklmnopqrstuvwxyz234567"

/** The id that 13 random bytes make, of which each gives 5 bits. */
export const idFromBytes = (bytes: Uint8Array): SnapshotId => {
  if (bytes.length !== 13) throw new RangeError(`an id takes 13 bytes, not ${bytes.length}`)
  let text = ""
  for (const byte of bytes) text += alphabet[byte & 31]
  return SnapshotId.make(text)
}

/** The id that stands for the lowest 65 bits of a number: how sources turn a counter into an id. */
export const idFromNumber = (number: bigint): SnapshotId => {
  let text = ""
  for (let rest = number, i = 0; i < 13; i++, rest >>= 5n) text = alphabet[Number(rest & 31n)] + text
  return SnapshotId.make(text)
}
