/** Times as `utimensat` takes them. */
import type { TimesToSet } from "@snapshotter/core/TreeFileSystem"
import { EINVAL, Errno } from "./errno.ts"

/** In place of the nanoseconds: this time stays as it is. */
const UTIME_OMIT = 0x3ffffffen

const perSecond = 1_000_000_000n

export const timesToSet = ({ atimeNanoseconds, mtimeNanoseconds }: TimesToSet): Uint8Array => {
  const times = Buffer.alloc(32)
  put(times, 0, atimeNanoseconds)
  put(times, 16, mtimeNanoseconds)
  return times
}

/** The kernel wants 0 to 999,999,999 nanoseconds after a second that may lie before 1970. */
const put = (times: Buffer, offset: number, time: bigint | undefined): void => {
  if (time === undefined) {
    times.writeBigInt64LE(UTIME_OMIT, offset + 8)
    return
  }
  const nanoseconds = ((time % perSecond) + perSecond) % perSecond
  const seconds = (time - nanoseconds) / perSecond
  if (BigInt.asIntN(64, seconds) !== seconds) throw new Errno(EINVAL)
  times.writeBigInt64LE(seconds, offset)
  times.writeBigInt64LE(nanoseconds, offset + 8)
}
