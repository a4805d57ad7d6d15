/** Extended attributes by path: values and lists of any length. */
import { isUtf8 } from "node:buffer"
import { EILSEQ, EINVAL, ERANGE, Errno, succeeded } from "./errno.ts"
import type { Path, Syscalls } from "./syscalls.ts"

/** The kernel takes no longer values and makes no longer lists. */
const bytesMax = 65_536

/** The bytes of a name. Its length is left to the kernel: `ERANGE`. */
export const attributeName = (name: string): Buffer => {
  if (name.includes("\0") || !name.isWellFormed()) throw new Errno(EINVAL)
  return Buffer.from(`${name}\0`)
}

export const namesOf = (sys: Syscalls, path: Path, follow: boolean): ReadonlyArray<string> => {
  const list = grown((into) =>
    follow ? sys.listxattr(path, into, into.length) : sys.llistxattr(path, into, into.length)
  )
  if (!isUtf8(list)) throw new Errno(EILSEQ)
  return list.toString("utf8").split("\0").slice(0, -1)
}

export const valueOf = (sys: Syscalls, path: Path, name: Buffer, follow: boolean): Uint8Array =>
  new Uint8Array(
    grown((into) => follow ? sys.getxattr(path, name, into, into.length) : sys.lgetxattr(path, name, into, into.length))
  )

/** One for all calls: it is filled and read without a pause between. */
const small = Buffer.allocUnsafe(1_024)

/** What the call fills, with as large a buffer as it needs. A name that is too long is `ERANGE` whatever the buffer. */
const grown = (fill: (into: Buffer) => number): Buffer => {
  const bytes = fill(small)
  if (bytes !== -ERANGE) return small.subarray(0, succeeded(bytes))
  const large = Buffer.allocUnsafe(bytesMax)
  return large.subarray(0, succeeded(fill(large)))
}
