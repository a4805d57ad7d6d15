/**
 * The disk and the kernel of a simulated machine: one memfs volume, what is mounted where, and who holds which lock. It
 * goes on when a simulated process dies, so several `MemoryStoreFileSystem`s, each a process, can share one.
 *
 * The tree has `/tmp` at first. Whoever looks is root: modes are kept and told, but refuse nobody.
 */
import { formatOf } from "@snapshotter/core/TreeFileSystem"
import { Context, Effect, Layer } from "effect"
import type { Volume as Memfs } from "memfs"
import { createInode } from "./internal/inode.ts"
import { Volume } from "./internal/volume.ts"

/** Made by {@link make}: what of it is not told here, only this package knows. */
export interface MemoryVolume {
  /**
   * The tree itself, for other programs that understand memfs. It shows what lies on the disk, so no mounts. Paths that memfs
   * keeps in its links are not written anew when a directory above is renamed: look things up by path.
   */
  readonly memfs: Memfs
  /** What `lstat` tells as `dev`, through every mount but overlays, which have their own. */
  readonly device: bigint
  /** What ids are made from. */
  readonly seed: number
  /** A name for a process that no other has. */
  readonly newProcess: () => string
  /** Ends a process: its locks are free. What it mounted stays mounted. */
  readonly kill: (process: string) => Effect.Effect<void>
  /** The tree, the mounts and the locks as text, for messages. */
  readonly render: Effect.Effect<string>
}

/** The volume on which the ports of this package work when they are built as layers. */
export const MemoryVolume = Context.Service<MemoryVolume>("@snapshotter/memory-fs/MemoryVolume")

/** One inner step of what a program asks of the disk: the next thing to be done, or waited for. */
export interface DiskStep {
  readonly kind: "names" | "attributes" | "contents" | "sync"
  /** For reading. */
  readonly text: string
}

export interface Options {
  /** An integer that decides which ids a store gets; 0 unless given. */
  readonly seed?: number | undefined
  /** The device number; `42n` unless given. */
  readonly device?: bigint | undefined
  /**
   * Whether it is kept what is on the disk and what is not yet, for `PowerLoss`; not unless given. It costs memory: what was
   * synced is there a second time, and every change since the last sync of its directory. What is changed through `memfs`, past
   * this package, is lost unless a sync of its directory follows.
   */
  readonly losesPower?: boolean | undefined
  /**
   * Told of each inner step of what the ports do, before it is done: a name, attributes, contents, a wait for the disk. The
   * moment to look at `PowerLoss.states`. With an errno's name, the step is not done, and the call that it is part of fails. If
   * it throws, the step is not done either, and the call ends with that as a defect, as in a process that dies there.
   */
  readonly onStep?: ((step: DiskStep) => string | undefined) | undefined
}

/** A new volume, empty but for `/tmp`. */
export const make = (options: Options = {}): MemoryVolume => {
  const volume = new Volume(options)
  const { root } = volume.memfs._core
  root.createChild("tmp", createInode(volume.memfs._core, formatOf.directory | 0o1777))
  volume.journal.adopt(root)
  return volume
}

/** A new volume for each build of the layer. */
export const layer = (options?: Options): Layer.Layer<MemoryVolume> =>
  Layer.effect(MemoryVolume, Effect.sync(() => make(options)))
