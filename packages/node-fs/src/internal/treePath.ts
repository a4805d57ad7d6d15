/** Paths and names of a tree as system calls take them: bytes, and NUL at the end. */
import type { TreePath } from "@snapshotter/core/TreeFileSystem"
import { EINVAL, ENAMETOOLONG, Errno } from "./errno.ts"

/** The kernel takes no path of more bytes. */
const pathBytesMax = 4_095

const slash = 0x2f

/** An absolute path. The empty one is left to the kernel, which has nothing there: `ENOENT`. */
export const absolute = (path: TreePath): Buffer => {
  const bytes = terminated(path)
  if (bytes.length > 1 && bytes[0] !== slash) throw new Errno(EINVAL)
  return bytes
}

/** Any text or bytes, even what is no path, such as a symlink's target. */
export const terminated = (text: TreePath): Buffer => {
  // No character is shorter than a byte: it is too long, and not worth copying.
  if (text.length > pathBytesMax) throw new Errno(ENAMETOOLONG)
  return typeof text === "string" ? ofText(text) : ofBytes(text)
}

/** The kernel would take NUL for the end, and lone surrogates have no bytes. */
const ofText = (text: string): Buffer => {
  if (text.includes("\0") || !text.isWellFormed()) throw new Errno(EINVAL)
  return Buffer.from(`${text}\0`)
}

const ofBytes = (text: Uint8Array): Buffer => {
  if (text.includes(0)) throw new Errno(EINVAL)
  const bytes = Buffer.alloc(text.length + 1)
  bytes.set(text)
  return bytes
}
