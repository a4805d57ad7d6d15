/** Paths to locations, component by component, as `namei.c` does it: symlinks followed, mounts crossed, `..` right. */
import { Errno } from "./errno.ts"
import { isDirectory, isRemoved, isSymlink, namesIn } from "./inode.ts"
import type { Location } from "./mountTable.ts"
import { byteLength } from "./names.ts"
import type { Volume } from "./volume.ts"

/** Where a path leads; its last component may be missing. */
export interface Found {
  /** The directory that the last component is looked up in. */
  readonly parent: Location
  readonly name: string
  /** Only a `name` can be made, moved or removed. */
  readonly last: "name" | "." | ".." | "/"
  /** Whether the path ends in a slash, so that it can only mean a directory. */
  readonly slash: boolean
  readonly at: Location | undefined
}

const symlinksMax = 40
/** The kernel takes no longer path, and gives none. */
export const pathBytesMax = 4095
const nameBytesMax = 255

/** What to do with a symlink in the last place. */
type Follow = boolean | "unless a slash follows"

/** Everything but the last component must be there. A symlink in the last place is followed only when `follow` says so. */
export const find = (volume: Volume, path: string, follow: Follow): Found => {
  const root = volume.mounts.root
  const pending = componentsOf(path)
  let slash = path.endsWith("/")
  let symlinks = 0
  let at = root
  let found: Found = { parent: at, name: "/", last: "/", slash, at }
  for (let name = pending.pop(); name !== undefined; name = pending.pop()) {
    if (!isDirectory(at.link)) throw new Errno("ENOTDIR")
    const isLast = pending.length === 0
    if (name === "." || name === "..") {
      const parent = at
      if (name === "..") at = volume.mounts.above(at)
      found = { parent, name, last: name, slash, at }
      continue
    }
    // Whatever layers have still, nothing is looked up in what has been removed.
    if (isRemoved(at.link)) {
      if (isLast) return { parent: at, name, last: "name", slash, at: undefined }
      throw new Errno("ENOENT")
    }
    if (exceeds(name, nameBytesMax)) throw new Errno("ENAMETOOLONG")
    const link = at.link.children.get(name)
    if (link === undefined) {
      if (isLast) return { parent: at, name, last: "name", slash, at: undefined }
      throw new Errno("ENOENT")
    }
    const next = volume.mounts.cross({ mount: at.mount, link })
    if (isSymlink(next.link) && (!isLast || follow === true || (follow !== false && !slash))) {
      if (++symlinks > symlinksMax) throw new Errno("ELOOP")
      const target = next.link.getNode().symlink
      if (isLast && target.endsWith("/")) slash = true
      if (target.startsWith("/")) {
        at = root
        found = { parent: at, name: "/", last: "/", slash, at }
      }
      pending.push(...componentsOf(target))
      continue
    }
    found = { parent: at, name, last: "name", slash, at: next }
    at = next
  }
  return found
}

/** The location at a path. */
export const locate = (volume: Volume, path: string, follow: boolean): Location => {
  const found = find(volume, path, follow || path.endsWith("/"))
  if (found.at === undefined) throw new Errno("ENOENT")
  if (found.slash && !isDirectory(found.at.link)) throw new Errno("ENOTDIR")
  return found.at
}

/** The directory at a path. */
export const locateDirectory = (volume: Volume, path: string): Location => {
  const location = locate(volume, path, true)
  if (!isDirectory(location.link)) throw new Errno("ENOTDIR")
  return location
}

/** The path without symlinks; one too long to be given to the kernel, it does not give either. */
export const realPathOf = (volume: Volume, path: string): string => {
  const real = volume.mounts.pathOf(locate(volume, path, true))
  if (exceeds(real, pathBytesMax)) throw new Errno("ENAMETOOLONG")
  return real
}

/** What a directory lists: nothing at all once it is removed. */
export const listedAt = (volume: Volume, path: string): Array<string> => {
  const { link } = locateDirectory(volume, path)
  if (isRemoved(link)) throw new Errno("ENOENT")
  return namesIn(link)
}

/** Fails where the location is on a read-only mount. */
export const requireWritable = ({ mount }: Location): void => {
  if (!mount.writable) throw new Errno("EROFS")
}

/** The components, last one first. */
const componentsOf = (path: string): Array<string> => {
  if (path === "") throw new Errno("ENOENT")
  if (exceeds(path, pathBytesMax)) throw new Errno("ENAMETOOLONG")
  return path.split("/").filter((name) => name !== "").reverse()
}

/** UTF-16 units have one to three bytes each, so most texts need no counting. */
const exceeds = (text: string, bytesMax: number): boolean =>
  text.length > bytesMax || (text.length * 3 > bytesMax && byteLength(text) > bytesMax)
