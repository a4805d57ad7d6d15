/** The loop of failures in memory. */
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, FileSystem } from "effect"
import { boot } from "../../../packages/memory-fs/src/internal/boot.ts"
import { Image } from "../../../packages/memory-fs/src/internal/image.ts"
import {
  type Entry,
  isDirectory,
  type Link,
  namesIn,
  typeOf,
  xattrsOf
} from "../../../packages/memory-fs/src/internal/inode.ts"
import { insidesOf, type Volume } from "../../../packages/memory-fs/src/internal/volume.ts"
import { through } from "./files.ts"
import type { Lying, Picture } from "./picture.ts"
import type { Machine, Site } from "./Site.ts"

const directory = "/tmp"

export const memory: Machine = {
  name: "memory-fs",
  dies: true,
  steps: true,
  make: Effect.sync(() => siteOn(insidesOf(MemoryVolume.make())))
}

const siteOn = (volume: Volume): Site => ({
  directory,
  process: (name, faults) =>
    Effect.succeed(
      Context.empty().pipe(
        Context.add(StoreFileSystem, faults.storeFileSystem(MemoryStoreFileSystem.make(volume, name))),
        Context.add(Mounter, faults.mounter(MemoryMounter.make(volume))),
        Context.add(IdSource, MemoryIdSource.make(volume)),
        Context.add(FileSystem.FileSystem, through(faults, MemoryFileSystem.make(volume)))
      )
    ),
  kill: (name) => volume.kill(name),
  picture: () => pictureOf(volume),
  held: () => heldOn(volume),
  copy: (faults) => Effect.sync(() => siteOn(boot(volume, imageOf(volume), { onStep: faults?.onStep }))),
  frozen: () => {
    const [image, picture] = [imageOf(volume), pictureOf(volume)]
    return {
      ...siteOn(volume),
      picture: () => picture,
      copy: (faults) => Effect.sync(() => siteOn(boot(volume, image, { onStep: faults?.onStep })))
    }
  }
})

/** All that lies on the disk now. */
const imageOf = (volume: Volume): Image => {
  const { root } = volume.memfs._core
  const image = new Image(root.getNode())
  image.adopt(root)
  return image
}

// ============================================================ what lies there

const pictureOf = (volume: Volume): Picture => {
  const picture = new Map<string, Lying>()
  const store = volume.memfs._core.root.getChild("tmp")?.getChild("store")
  if (store !== undefined) describe(store, "", picture)
  return picture
}

const describe = (link: Link, path: string, picture: Map<string, Lying>): void => {
  const inode = link.getNode()
  picture.set(path === "" ? "." : path, {
    type: typeOf(inode),
    mode: inode.mode & 0o7777,
    owner: `${inode.uid}:${inode.gid}`,
    content: inode.isSymlink()
      ? inode.symlink
      : inode.isFile()
      ? inode.buf.subarray(0, inode.getSize()).toString()
      : isDirectory(link)
      ? ""
      : `${inode.rdev}`,
    xattrs: [...xattrsOf(inode)].map(([name, value]) => `${name}=${Buffer.from(value).toString("hex")}`).sort().join(
      " "
    )
  })
  if (!isDirectory(link)) return
  for (const name of namesIn(link)) {
    const child = link.getChild(name)
    if (child !== undefined) describe(child, path === "" ? name : `${path}/${name}`, picture)
  }
}

// ============================================================ what is held

const heldOn = (volume: Volume): ReadonlyArray<string> => [
  ...[...volume.locks.values()].map(({ directory }) => `lock of ${pathOf(directory)}`),
  ...volume.mounts.all.flatMap((mount) => {
    const where = volume.mounts.pathOf({ mount, link: mount.root })
    return [
      ...(mount.on === undefined ? [] : [`mount on ${where}`]),
      ...(mount.users === 0 ? [] : [`${mount.users} open files in ${where}`])
    ]
  }),
  ...volume.mounts.lingering.map(() => "a detached mount with open files"),
  ...namesIn(volume.memfs._core.root.getChild("tmp") ?? volume.memfs._core.root)
    .filter((name) => name.startsWith("snapshotter-")).map(() => "temporary directory")
]

const pathOf = (entry: Entry): string => {
  const names: Array<string> = []
  for (let at: Entry | undefined = entry; at?.parent !== undefined && at.parent !== at; at = at.parent) {
    names.push(at.name)
  }
  return names.reverse().map((name) => `/${name}`).join("")
}
