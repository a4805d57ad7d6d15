/** Copies as Node's `fs.copyFile` and `fs.cp` make them, for Effect's `FileSystem`. */
import type { MemoryVolume } from "../MemoryVolume.ts"
import { identityOf, inodeToChange } from "./change.ts"
import { codeOf, Errno } from "./errno.ts"
import { readAll, writeAt } from "./file.ts"
import { isDirectory, isInside, isSymlink, namesIn, setTimes, timesOf } from "./inode.ts"
import * as Linux from "./linux.ts"
import { find, locate } from "./lookup.ts"
import { makeDirectories } from "./makeDirectories.ts"
import type { Location } from "./mountTable.ts"

export interface CopyOptions {
  /** Whether files that are there already are replaced; else they stay, and that is no failure. */
  readonly overwrite: boolean
  readonly preserveTimestamps: boolean
}

const overwriting: Linux.Opening = { write: true, create: true, exclusive: false, truncate: true, noFollow: false }

/** Contents, mode and owner, over what is there. */
export const copyFile = (volume: MemoryVolume, from: string, to: string): Location => {
  const at = Linux.openFile(volume, from, Linux.forReading, 0)
  const source = at.link.getNode()
  const bytes = source.isDirectory() ? new Uint8Array() : readAll(source)
  const target = Linux.openFile(volume, to, { ...overwriting, truncate: false }, source.perm)
  const inode = target.link.getNode()
  if (identityOf(target.link) === identityOf(at.link)) return target
  inode.truncate(0)
  Linux.setOwner(inode, source.uid, source.gid)
  Linux.setMode(inode, source.perm)
  // Before the contents: so an empty file has its source's times, any other its own.
  setTimes(inode, timesOf(source))
  if (source.isDirectory()) {
    // Noticed only now, and what could not be filled is taken away, if it can be, whatever it held before.
    codeOf(() => Linux.unlink(volume, to))
    throw new Errno("EISDIR")
  }
  writeAt(inode, bytes, 0)
  return target
}

/** A file, a symlink or a whole tree; directories that the target lacks are made on the way. */
export const copy = (volume: MemoryVolume, from: string, to: string, options: CopyOptions): void => {
  const source = locate(volume, from, false)
  const slash = to.replace(/\/+$/, "").lastIndexOf("/")
  if (slash > 0) makeDirectories(volume, to.slice(0, slash), 0o755)
  const { at, parent } = find(volume, to, false)
  // Node's own codes, not errnos.
  if (at !== undefined && identityOf(at.link) === identityOf(source.link)) throw new Errno("ERR_FS_CP_EINVAL")
  if (isDirectory(source.link) && isInside(parent.link, source.link)) throw new Errno("ERR_FS_CP_EINVAL")
  copyAny(volume, from, to, options)
}

const copyAny = (volume: MemoryVolume, from: string, to: string, options: CopyOptions): void => {
  const source = locate(volume, from, false)
  const target = find(volume, to, false).at
  if (target !== undefined && isDirectory(source.link) !== isDirectory(target.link)) {
    throw new Errno(isDirectory(source.link) ? "ERR_FS_CP_DIR_TO_NON_DIR" : "ERR_FS_CP_NON_DIR_TO_DIR")
  }
  if (isDirectory(source.link)) return copyTree(volume, from, to, source, target, options)
  if (target !== undefined && isSymlink(source.link) && !isSymlink(target.link)) throw new Errno("EEXIST")
  if (target !== undefined && !isSymlink(source.link) && !options.overwrite) return
  if (target !== undefined) Linux.unlink(volume, to)
  if (isSymlink(source.link)) return void Linux.makeSymlink(volume, absoluteTarget(volume, source), to)
  const made = copyFile(volume, from, to)
  if (options.preserveTimestamps) setTimes(inodeToChange(volume, made.link), timesOf(source.link.getNode()))
}

const copyTree = (
  volume: MemoryVolume,
  from: string,
  to: string,
  source: Location,
  target: Location | undefined,
  options: CopyOptions
): void => {
  const made = target === undefined ? Linux.makeDirectory(volume, to, 0o700) : undefined
  for (const name of namesIn(source.link)) copyAny(volume, `${from}/${name}`, `${to}/${name}`, options)
  if (made !== undefined) Linux.setMode(inodeToChange(volume, made), source.link.getNode().perm)
}

/** Node makes the targets of copied symlinks absolute, by text. */
const absoluteTarget = (volume: MemoryVolume, source: Location): string => {
  const target = source.link.getNode().symlink
  if (target.startsWith("/")) return target
  const names: Array<string> = []
  const directory = volume.mounts.pathOf({ mount: source.mount, link: source.link.parent ?? source.link })
  for (const name of `${directory}/${target}`.split("/")) {
    if (name === "..") names.pop()
    else if (name !== "" && name !== ".") names.push(name)
  }
  return `/${names.join("/")}`
}
