/**
 * The disk and the kernel of a simulated machine: one memfs volume, what is mounted where, and who holds which lock. It
 * goes on when a simulated process dies, so several `MemoryStoreFileSystem`s, each a process, can share one.
 *
 * The tree has `/tmp` at first. Whoever looks is root: modes are kept and told, but refuse nobody.
 */
import { formatOf } from "@snapshotter/core/TreeFileSystem"
import { Context, Effect, Layer } from "effect"
import { Volume } from "memfs"
import { createInode, type Entry } from "./internal/inode.ts"
import { type DiskStep, Journal } from "./internal/journal.ts"
import { MountTable } from "./internal/mountTable.ts"
import { renderVolume } from "./internal/render.ts"

/** A lock that is held. */
export interface VolumeLock {
  readonly process: string
  /** The directory that was locked, as a link: it may have been renamed since. */
  readonly directory: Entry
}

export interface MemoryVolume {
  /**
   * The tree itself, for other programs that understand memfs. It shows what lies on the disk, so no mounts. Paths that memfs
   * keeps in its links are not written anew when a directory above is renamed: look things up by path.
   */
  readonly memfs: Volume
  /** What `lstat` tells as `dev`, through every mount but overlays, which have their own. */
  readonly device: bigint
  readonly mounts: MountTable
  /** What of all that lies on the disk for good. */
  readonly journal: Journal
  /** By the identity of the locked directory. */
  readonly locks: Map<object, VolumeLock>
  /** What ids are made from. */
  readonly seed: bigint
  /** 1, 2, 3, …: no number is given out twice. */
  readonly nextNumber: () => bigint
  /** How many of them were given out. */
  readonly numbersGiven: () => bigint
  /** A name for a process that no other has. */
  readonly newProcess: () => string
  /** Ends a process: its locks are free. What it mounted stays mounted. */
  readonly kill: (process: string) => Effect.Effect<void>
  /** The tree, the mounts and the locks as text, for messages. */
  readonly render: Effect.Effect<string>
}

export const MemoryVolume = Context.Service<MemoryVolume>("@snapshotter/memory-fs/MemoryVolume")

export interface Options {
  /** Decides which ids a store gets; `0n` unless given. */
  readonly seed?: bigint
  /** The device number; `42n` unless given. */
  readonly device?: bigint
  /**
   * Whether it is kept what is on the disk and what is not yet, for `PowerLoss`. What is changed through `memfs`, past this
   * package, is lost unless a sync of its directory follows.
   */
  readonly losesPower?: boolean
  /**
   * Told of each inner step of what the ports do, before it is done: a name, attributes, contents, a wait for the disk. The
   * moment to look at `PowerLoss.states`. With an errno's name, the step is not done, and the call that it is part of fails.
   */
  readonly onStep?: (step: DiskStep) => string | undefined
}

/** A new volume, empty but for `/tmp`. */
export const make = (options: Options = {}): MemoryVolume => {
  const volume = makeEmpty(options)
  volume.memfs._core.root.createChild("tmp", createInode(volume.memfs._core, formatOf.directory | 0o1777))
  volume.journal.adopt(volume.memfs._core.root)
  return volume
}

/** A volume without anything. The first number that it gives is the one after `firstNumber`. */
export const makeEmpty = (options: Options & { readonly firstNumber?: bigint }): MemoryVolume => {
  const memfs = Volume.fromJSON({}, "/", { process: superuser })
  const root = memfs._core.root
  root.getNode().perm = 0o755
  root.getNode().nlink = 2
  let number = options.firstNumber ?? 0n
  let processes = 0
  const locks = new Map<object, VolumeLock>()
  const volume: MemoryVolume = {
    memfs,
    device: options.device ?? 42n,
    mounts: new MountTable(root),
    journal: new Journal({ records: options.losesPower ?? false, onStep: options.onStep }),
    locks,
    seed: options.seed ?? 0n,
    nextNumber: () => ++number,
    numbersGiven: () => number,
    newProcess: () => `process ${++processes}`,
    kill: (process) =>
      Effect.sync(() => {
        for (const [identity, lock] of locks) if (lock.process === process) locks.delete(identity)
      }),
    render: Effect.sync(() => renderVolume(volume))
  }
  return volume
}

/** A new volume for each build of the layer. */
export const layer = (options?: Options): Layer.Layer<MemoryVolume> =>
  Layer.effect(MemoryVolume, Effect.sync(() => make(options)))

/** memfs asks the process who it is; ours is root, whoever runs this. */
const superuser = {
  cwd: () => "/",
  env: {},
  emitWarning: () => {},
  getgid: () => 0,
  getuid: () => 0,
  platform: "linux"
}
