/** Walking a tree by bare calls: removing it, measuring it. Of trees that nothing is mounted in and nobody else changes. */
import { nextEntries } from "../../../packages/node-fs/src/internal/directory.ts"
import { succeeded } from "../../../packages/node-fs/src/internal/errno.ts"
import { AT_FDCWD, AT_REMOVEDIR, AT_SYMLINK_NOFOLLOW } from "../../../packages/node-fs/src/internal/syscalls.ts"
import { O_CLOEXEC, sys } from "./calls.ts"

const answer = Buffer.alloc(256)
const directoryFlags = 0o200000 | O_CLOEXEC

export const removeTree = (path: string): void => removeAt(AT_FDCWD, Buffer.from(`${path}\0`))

const removeAt = (above: number, name: Uint8Array): void => {
  const fd = succeeded(sys.openat(above, name, directoryFlags, 0))
  for (let entries = nextEntries(sys, fd); Array.isArray(entries); entries = nextEntries(sys, fd)) {
    for (const entry of entries) {
      if (entry.type === "directory") removeAt(fd, entry.name)
      else succeeded(sys.unlinkat(fd, entry.name, 0))
    }
  }
  sys.close(fd)
  succeeded(sys.unlinkat(above, name, AT_REMOVEDIR))
}

/** Inodes of a tree. */
export const measureTree = (path: string): number => measureAt(AT_FDCWD, Buffer.from(`${path}\0`))

const measureAt = (above: number, name: Uint8Array): number => {
  let inodes = 1
  const fd = succeeded(sys.openat(above, name, directoryFlags, 0))
  for (let entries = nextEntries(sys, fd); Array.isArray(entries); entries = nextEntries(sys, fd)) {
    for (const entry of entries) {
      if (entry.type === "directory") inodes += measureAt(fd, entry.name)
      else {
        succeeded(sys.statx(fd, entry.name, AT_SYMLINK_NOFOLLOW, 0x7ff, answer))
        inodes += 1
      }
    }
  }
  sys.close(fd)
  return inodes
}
