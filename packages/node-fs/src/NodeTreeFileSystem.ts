/** `TreeFileSystem` on Linux, by system calls. On any other system each operation fails with `ENOSYS`. */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import {
  type AccessAsked,
  formatOf,
  type Links,
  type NodeToMake,
  type Opening,
  type OwnerToSet,
  type Renaming,
  textOf,
  type TimesToSet,
  TreeFileSystem,
  type TreePath
} from "@snapshotter/core/TreeFileSystem"
import { Effect, Layer } from "effect"
import { constants, realpathSync } from "node:fs"
import { Descriptor } from "./internal/descriptor.ts"
import { nextEntries, openDirectory } from "./internal/directory.ts"
import { EINVAL, Errno, succeeded } from "./internal/errno.ts"
import { failure } from "./internal/failure.ts"
import { changeMode, modeBits, settleMode } from "./internal/nameMode.ts"
import { openFile } from "./internal/opening.ts"
import { inSlices, type Pause } from "./internal/slices.ts"
import { look, lookThrough, seen } from "./internal/stat.ts"
import {
  AT_EACCESS,
  AT_FDCWD,
  AT_REMOVEDIR,
  AT_SYMLINK_NOFOLLOW,
  RENAME_EXCHANGE,
  RENAME_NOREPLACE,
  RENAME_WHITEOUT,
  type Syscalls,
  syscalls
} from "./internal/syscalls.ts"
import { attempt, attemptLong, shortCutBytesMax } from "./internal/treeCalls.ts"
import { entryOfName, entryOfPath } from "./internal/treeEntry.ts"
import { checkOffset, treeFile } from "./internal/treeFile.ts"
import { absolute, terminated } from "./internal/treePath.ts"
import { timesToSet } from "./internal/treeTimes.ts"
import { attributeName, namesOf, valueOf } from "./internal/xattrs.ts"

const { R_OK, W_OK, X_OK } = constants

// === lstat
const lstat = (path: TreePath) => attempt("lstat", path, entryOfName)

// === stat
const stat = (path: TreePath) => attempt("stat", path, entryOfPath)

// === access
const access = (path: TreePath, { execute, read, write }: AccessAsked = {}) =>
  attempt("access", path, (sys, name) => {
    const asked = (read === true ? R_OK : 0) | (write === true ? W_OK : 0) | (execute === true ? X_OK : 0)
    succeeded(sys.faccessat(AT_FDCWD, name, asked, AT_EACCESS))
  })

// === realPath
const realPath = (path: TreePath) =>
  attempt("realPath", path, (_, name) => new Uint8Array(realpathSync.native(name.subarray(0, -1), "buffer")))

// === readDirectory
const readDirectory = (path: TreePath): Effect.Effect<ReadonlyArray<Uint8Array>, FileSystemError> =>
  Effect.flatMap(
    attempt("readDirectory", path, (sys, name) => ({ sys, name })),
    ({ name, sys }) =>
      Effect.catch(inSlices(() => listing(sys, name)), (error) => failure("readDirectory", textOf(path), error))
  )

// === readLink
const readLink = (path: TreePath) =>
  attempt("readLink", path, (sys, name) => {
    const bytes = succeeded(sys.readlinkat(AT_FDCWD, name, target, target.length))
    return new Uint8Array(target.subarray(0, bytes))
  })

// === open
const open = (path: TreePath, opening: Opening) =>
  Effect.map(
    Effect.acquireRelease(
      attempt("open", path, (sys, name) => new Descriptor(sys, openFile(sys, name, opening))),
      (descriptor) => descriptor.close
    ),
    (descriptor) => treeFile(syscalls(), descriptor, textOf(path))
  )

// === truncate
const truncate = (path: TreePath, length: number) =>
  attemptLong(
    "truncate",
    path,
    (sys, name) => {
      checkOffset(length)
      return lookThrough(sys, name) === 0 && seen.size() - length > shortCutBytesMax
    },
    (sys, name) => sys.truncate(name, length),
    (sys, name, done) => sys.truncateLater(name, length, done)
  )

// === makeDirectory
const makeDirectory = (path: TreePath, mode: number) =>
  attempt("makeDirectory", path, (sys, name) => {
    succeeded(sys.mkdirat(AT_FDCWD, name, modeBits(mode) & 0o1777))
    settleMode(sys, name, mode, 0o1777, () => sys.unlinkat(AT_FDCWD, name, AT_REMOVEDIR))
  })

// === makeNode
const makeNode = (path: TreePath, { mode, rdev = 0n, type }: NodeToMake) =>
  attempt("makeNode", path, (sys, name) => {
    if (BigInt.asUintN(32, rdev) !== rdev) throw new Errno(EINVAL)
    succeeded(sys.mknodat(AT_FDCWD, name, formatOf[type] | modeBits(mode), Number(rdev)))
    settleMode(sys, name, mode, 0o7777, () => sys.unlinkat(AT_FDCWD, name, 0))
  })

// === symlink
const symlink = (target: TreePath, path: TreePath) =>
  attempt("symlink", path, (sys, name) => {
    succeeded(sys.symlinkat(terminated(target), AT_FDCWD, name))
  })

// === link
const link = (existing: TreePath, path: TreePath) =>
  attempt("link", existing, (sys, name) => {
    succeeded(sys.linkat(AT_FDCWD, name, AT_FDCWD, absolute(path), 0))
  })

// === rename
const rename = (from: TreePath, to: TreePath, renaming: Renaming = "replace") =>
  attempt("rename", from, (sys, name) => {
    succeeded(sys.renameat2(AT_FDCWD, name, AT_FDCWD, absolute(to), renameFlags[renaming]))
  })

// === removeFile
const removeFile = (path: TreePath) =>
  attemptLong(
    "removeFile",
    path,
    (sys, name) => look(sys, AT_FDCWD, name) === 0 && seen.size() > shortCutBytesMax,
    (sys, name) => sys.unlinkat(AT_FDCWD, name, 0),
    (sys, name, done) => sys.unlinkatLater(AT_FDCWD, name, 0, done)
  )

// === removeDirectory
const removeDirectory = (path: TreePath) =>
  attempt("removeDirectory", path, (sys, name) => {
    succeeded(sys.unlinkat(AT_FDCWD, name, AT_REMOVEDIR))
  })

// === setMode
const setMode = (path: TreePath, mode: number, links: Links = "noFollow") =>
  attempt("setMode", path, (sys, name) => {
    const bits = modeBits(mode)
    succeeded(links === "follow" ? sys.chmod(name, bits) : changeMode(sys, name, bits))
  })

// === setOwner
const setOwner = (path: TreePath, owner: OwnerToSet, links: Links = "noFollow") =>
  attempt("setOwner", path, (sys, name) => {
    succeeded(sys.fchownat(AT_FDCWD, name, identity(owner.uid), identity(owner.gid), flagOf(links)))
  })

// === setTimes
const setTimes = (path: TreePath, times: TimesToSet, links: Links = "noFollow") =>
  attempt("setTimes", path, (sys, name) => {
    succeeded(sys.utimensat(AT_FDCWD, name, timesToSet(times), flagOf(links)))
  })

// === listXattrs
const listXattrs = (path: TreePath, links: Links = "noFollow") =>
  attempt("listXattrs", path, (sys, name) => namesOf(sys, name, links === "follow"))

// === getXattr
const getXattr = (path: TreePath, attribute: string, links: Links = "noFollow") =>
  attempt("getXattr", path, (sys, name) => valueOf(sys, name, attributeName(attribute), links === "follow"))

// === setXattr
const setXattr: TreeFileSystem["setXattr"] = (path, attribute, value, { links, only } = {}) =>
  attempt("setXattr", path, (sys, name) => {
    const call = links === "follow" ? sys.setxattr : sys.lsetxattr
    const flags = only === undefined ? 0 : only === "create" ? XATTR_CREATE : XATTR_REPLACE
    succeeded(call(name, attributeName(attribute), value, value.length, flags))
  })

// === removeXattr
const removeXattr = (path: TreePath, attribute: string, links: Links = "noFollow") =>
  attempt("removeXattr", path, (sys, name) => {
    const call = links === "follow" ? sys.removexattr : sys.lremovexattr
    succeeded(call(name, attributeName(attribute)))
  })

/** The trees are this machine's, seen with the rights of this process. */
export const layer: Layer.Layer<TreeFileSystem> = Layer.succeed(TreeFileSystem, {
  lstat,
  stat,
  access,
  realPath,
  readDirectory,
  readLink,
  open,
  truncate,
  makeDirectory,
  makeNode,
  symlink,
  link,
  rename,
  removeFile,
  removeDirectory,
  setMode,
  setOwner,
  setTimes,
  listXattrs,
  getXattr,
  setXattr,
  removeXattr
})

// ============================================================ numbers

const renameFlags: Readonly<Record<Renaming, number>> = {
  replace: 0,
  noReplace: RENAME_NOREPLACE,
  exchange: RENAME_EXCHANGE,
  whiteout: RENAME_WHITEOUT
}

const XATTR_CREATE = 1
const XATTR_REPLACE = 2

const flagOf = (links: Links): number => links === "follow" ? 0 : AT_SYMLINK_NOFOLLOW

/** To `chown` the largest number says that this one is to stay. */
const unchanged = 0xffff_ffff

const identity = (id: number | undefined): number => {
  if (id === undefined) return unchanged
  if (!Number.isInteger(id) || id < 0 || id >= unchanged) throw new Errno(EINVAL)
  return id
}

// ============================================================ reading

/** Filled and read without a pause between. */
const target = Buffer.allocUnsafe(4_096)

function* listing(sys: Syscalls, path: Buffer): Generator<Pause, Array<Uint8Array>> {
  const fd = succeeded(openDirectory(sys, path))
  try {
    const names: Array<Uint8Array> = []
    for (let entries = nextEntries(sys, fd); entries !== undefined; entries = nextEntries(sys, fd)) {
      if (typeof entries === "number") throw new Errno(-entries)
      for (const { name } of entries) names.push(new Uint8Array(name.subarray(0, -1)))
      yield undefined
    }
    return names
  } finally {
    sys.close(fd)
  }
}
