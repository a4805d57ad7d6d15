/** Deletion marks made by hand, in a layer that is not mounted, on both machines. */
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import * as Fs from "node:fs"
import { type Inode, isDirectory, xattrsOf } from "../../packages/memory-fs/src/internal/inode.ts"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { OverlayEntry } from "../../packages/memory-fs/src/internal/overlayEntry.ts"
import { O_CLOEXEC } from "../../packages/node-fs/src/internal/directory.ts"
import { AT_FDCWD, syscalls } from "../../packages/node-fs/src/internal/syscalls.ts"
import type { Mark } from "./call.ts"

const RENAME_WHITEOUT = 4
const characterDevice = 0o020000

/** Whether there was a place for it: a whiteout where nothing is, any other mark on a directory. */
export const makeMark = (volume: MemoryVolume, layer: string, { kind, path }: Mark, userxattr: boolean): boolean => {
  const at = placeOf(volume, `${layer}/${path}`)
  if (at === undefined) return false
  if (kind === "whiteout") {
    if (at.inode !== undefined) return false
    at.add(volume.memfs._core.createNode(characterDevice))
    // Without a right to make devices, and without a program to run.
    Fs.writeFileSync(`${layer}/${path}`, "")
    const moved = syscalls().renameat2(AT_FDCWD, `${layer}/${path}`, AT_FDCWD, `${layer}.moved`, RENAME_WHITEOUT)
    if (moved < 0) throw new Error(`no whiteout could be made: ${moved}`)
    Fs.unlinkSync(`${layer}.moved`)
    return true
  }
  if (at.inode?.isDirectory() !== true) return false
  const [own, other] = userxattr ? ["user", "trusted"] : ["trusted", "user"]
  const name = `${kind === "foreign" ? other : own}.overlay.opaque`
  const value = Buffer.from(kind === "not quite opaque" ? "n" : "y")
  xattrsOf(at.inode).set(name, value)
  setRealXattr(`${layer}/${path}`, name, value)
  return true
}

const placeOf = (volume: MemoryVolume, path: string) => {
  try {
    const { at, name, parent } = find(volume, path, false)
    const { link } = parent
    if (link instanceof OverlayEntry || !isDirectory(link)) return undefined
    // Through a symlink it would not be in this layer.
    if (Fs.realpathSync(path.slice(0, path.lastIndexOf("/"))) !== path.slice(0, path.lastIndexOf("/"))) return undefined
    return { inode: at?.link.getNode(), add: (inode: Inode) => link.createChild(name, inode) }
  } catch {
    return undefined
  }
}

const setRealXattr = (path: string, name: string, value: Buffer): void => {
  const sys = syscalls()
  const fd = sys.openat(AT_FDCWD, path, O_CLOEXEC, 0)
  if (fd < 0) throw new Error(`${path} cannot be opened`)
  const result = sys.fsetxattr(fd, name, value, value.length, 0)
  sys.close(fd)
  if (result < 0) throw new Error(`${name} cannot be set: ${result}`)
}
