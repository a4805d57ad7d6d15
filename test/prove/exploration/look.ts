/** What a store's disk holds, read past the store: the trees that committed snapshots show, and every name that is not in one. */
import { mountsOf } from "@snapshotter/core/Mount"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Effect } from "effect"
import { hash } from "node:crypto"
import { root } from "./machine.ts"

export const target = "/tmp/target"

/** Where a name's directory is, by its link alone. */
export const directoryOf = (volume: MemoryVolume, name: string) =>
  Effect.map(
    MemoryStoreFileSystem.make(volume).readLink(`${root}/index/${hash("sha256", name)}`),
    (link) => link === undefined ? undefined : `${root}/${link.slice("../".length)}`
  )

/** The layers of a directory's chain, itself first, by the parent links alone. */
const layersOf = Effect.fnUntraced(function*(volume: MemoryVolume, directory: string) {
  const fs = MemoryStoreFileSystem.make(volume)
  const layers: Array<string> = []
  for (let at: string | undefined = directory; at !== undefined;) {
    layers.push(`${at}/fs`)
    const parent: string | undefined = yield* fs.readLink(`${at}/parent`)
    at = parent === undefined ? undefined : `${root}/${parent.slice("../../".length)}`
  }
  return layers
})

/** The merged tree of a snapshot as text, byte for byte: types, modes, owners, contents, targets, attributes. */
export const treeOf = Effect.fnUntraced(function*(volume: MemoryVolume, directory: string) {
  const parents = yield* layersOf(volume, directory)
  const mounts = mountsOf({ writable: false, layer: "/nowhere", work: "/nowhere", parents }, [])
  return yield* Effect.scoped(
    Effect.andThen(MemoryMounter.make(volume).mount(mounts, target), textOf(volume, target))
  )
})

const textOf = (volume: MemoryVolume, directory: string): Effect.Effect<string, unknown> =>
  Effect.gen(function*() {
    const trees = MemoryTreeFileSystem.make(volume)
    const lines: Array<string> = []
    const pending = [directory]
    for (const path of pending) {
      const { gid, mode, size, type, uid } = yield* trees.lstat(path)
      const xattrs: Array<string> = []
      for (const name of [...yield* trees.listXattrs(path)].sort()) {
        xattrs.push(`${name}=${Buffer.from(yield* trees.getXattr(path, name)).toString("hex")}`)
      }
      let contents = ""
      if (type === "directory") {
        const names = (yield* trees.readDirectory(path)).map((name) => Buffer.from(name).toString())
        pending.push(...names.sort().map((name) => `${path}/${name}`))
      } else if (type === "symlink") contents = Buffer.from(yield* trees.readLink(path)).toString()
      else {
        const bytes = Buffer.alloc(size)
        yield* Effect.scoped(Effect.flatMap(trees.open(path, { read: true }), (file) => file.read(bytes, 0)))
        contents = bytes.toString("base64")
      }
      lines.push([path.slice(directory.length), type, mode.toString(8), `${uid}:${gid}`, contents, ...xattrs].join(" "))
    }
    return lines.join("\n")
  })

/** Every path of the store that lies in no layer, in order. */
export const inventory = (volume: MemoryVolume): Effect.Effect<ReadonlyArray<string>, unknown> =>
  Effect.gen(function*() {
    const fs = MemoryStoreFileSystem.make(volume)
    const found: Array<string> = []
    const pending = [""]
    for (const path of pending) {
      const entry = yield* fs.lstat(`${root}${path}`)
      if (path !== "") found.push(path)
      if (entry?.type !== "directory" || path.endsWith("/fs")) continue
      pending.push(...(yield* fs.readDirectory(`${root}${path}`)).map((name) => `${path}/${name}`))
    }
    return found.sort()
  })
