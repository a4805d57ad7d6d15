/** Attributes of directories: copying all that a directory has, and what kind of extended ones may be set. */
import { openDirectory } from "./directory.ts"
import { EDQUOT, EINVAL, ENODATA, ENOSPC, EOPNOTSUPP, EPERM, ERANGE, Errno, succeeded } from "./errno.ts"
import { lookAt, seen } from "./stat.ts"
import type { Syscalls } from "./syscalls.ts"

/** Runs with a directory open, and closes it whatever happens. */
export const withDirectory = <A>(sys: Syscalls, path: string, use: (fd: number) => A): A => {
  const fd = succeeded(openDirectory(sys, path))
  try {
    return use(fd)
  } finally {
    sys.close(fd)
  }
}

// ============================================================ copying

/** Overlay's own marks say something about the layer they are in, and would be wrong in another. */
const isOverlays = (name: string): boolean => /^(trusted|user)\.overlay\./.test(name)

export const copyAttributes = (sys: Syscalls, from: number, to: number): void => {
  succeeded(lookAt(sys, to))
  const owner = { uid: seen.uid(), gid: seen.gid() }
  succeeded(lookAt(sys, from))
  const [mode, times, uid, gid] = [seen.mode(), seen.times(), seen.uid(), seen.gid()]
  if (owner.uid !== uid || owner.gid !== gid) succeeded(sys.fchown(to, uid, gid))
  copyXattrs(sys, from, to)
  // After the attributes, for an access control list changes the mode, and a narrow mode forbids setting attributes.
  succeeded(sys.fchmod(to, mode))
  succeeded(sys.futimens(to, times))
}

const copyXattrs = (sys: Syscalls, from: number, to: number): void => {
  const wanted = xattrs(sys, from)
  const present = xattrs(sys, to)
  for (const name of present.keys()) if (!wanted.has(name)) tolerate(name, sys.fremovexattr(to, nameBytes(name)))
  for (const [name, value] of wanted) {
    if (present.get(name)?.equals(value) !== true) {
      tolerate(name, sys.fsetxattr(to, nameBytes(name), value, value.length, 0))
    }
  }
}

/** A security module decides alone what `security.*` is; all else must be as it was. */
const tolerate = (name: string, result: number): void => {
  const refused = result === -EPERM || result === -EOPNOTSUPP || result === -EINVAL
  if (result !== -ENODATA && !(refused && name.startsWith("security."))) succeeded(result)
}

const xattrs = (sys: Syscalls, fd: number): Map<string, Buffer> => {
  const list = grown((into) => sys.flistxattr(fd, into, into.length))
  const found = new Map<string, Buffer>()
  for (const name of list.toString("latin1").split("\0")) {
    if (name === "" || isOverlays(name)) continue
    const value = valueOf(sys, fd, name)
    if (value !== undefined) found.set(name, value)
  }
  return found
}

const valueOf = (sys: Syscalls, fd: number, name: string): Buffer | undefined => {
  try {
    return grown((into) => sys.fgetxattr(fd, nameBytes(name), into, into.length))
  } catch (thrown) {
    // It has gone since it was listed.
    if (thrown instanceof Errno && thrown.errno === ENODATA) return undefined
    throw thrown
  }
}

/** Lists and values have at most 64 KiB. */
const grown = (fill: (into: Buffer) => number): Buffer => {
  for (const bytes of [256, 65_536]) {
    const into = Buffer.alloc(bytes)
    const result = fill(into)
    if (result === -EOPNOTSUPP) return Buffer.alloc(0)
    if (result !== -ERANGE) return into.subarray(0, succeeded(result))
  }
  throw new Errno(ERANGE)
}

/** Names are bytes, kept here one to a character. */
const nameBytes = (name: string): Buffer => Buffer.from(`${name}\0`, "latin1")

// ============================================================ probing

const refusals = new Set([-EPERM, -EOPNOTSUPP])

/** Tries an attribute of each kind that overlay may use, and takes it away again. */
export const probeXattrs = (sys: Syscalls, fd: number): "trusted" | "user" | undefined =>
  (["trusted", "user"] as const).find((kind) => {
    const name = `${kind}.snapshotter-probe`
    const result = sys.fsetxattr(fd, name, Buffer.from("y"), 1, 0)
    if (refusals.has(result)) return false
    // Who may not is told so before there is any question of room: a store on a full disk can be opened.
    if (result === -ENOSPC || result === -EDQUOT) return true
    succeeded(result)
    const removed = sys.fremovexattr(fd, name)
    // Another process that probes at the same time may have taken it away.
    if (removed !== -ENODATA) succeeded(removed)
    return true
  })
