/** A volume with its insides: what this package knows of one, and whoever uses it does not see. */
import { Effect } from "effect"
import { Volume as Memfs } from "memfs"
import type { MemoryVolume, Options } from "../MemoryVolume.ts"
import type { Entry } from "./inode.ts"
import { Journal } from "./journal.ts"
import { MountTable } from "./mountTable.ts"
import { renderVolume } from "./render.ts"

/** A lock that is held. */
interface Lock {
  readonly process: string
  /** The directory that was locked, as a link: it may have been renamed since. */
  readonly directory: Entry
}

interface VolumeOptions extends Options {
  /** The first number that it gives is the one after this. */
  readonly firstNumber?: bigint | undefined
}

/** At first without anything in it. */
export class Volume implements MemoryVolume {
  readonly memfs = Memfs.fromJSON({}, "/", { process: superuser })
  readonly device: bigint
  readonly seed: number
  readonly mounts: MountTable
  /** What of all that lies on the disk for good. */
  readonly journal: Journal
  /** By the identity of the locked directory. */
  readonly locks = new Map<object, Lock>()
  private number: bigint
  private processes = 0

  constructor({ device = 42n, firstNumber = 0n, losesPower = false, onStep, seed = 0 }: VolumeOptions) {
    const root = this.memfs._core.root
    root.getNode().perm = 0o755
    root.getNode().nlink = 2
    this.device = device
    this.seed = seed
    this.number = firstNumber
    this.mounts = new MountTable(root)
    this.journal = new Journal({ root: root.getNode(), records: losesPower, onStep })
  }

  /** 1, 2, 3, …: no number is given out twice. */
  nextNumber(): bigint {
    return ++this.number
  }

  /** How many of them were given out. */
  numbersGiven(): bigint {
    return this.number
  }

  readonly newProcess = (): string => `process ${++this.processes}`

  readonly kill = (process: string): Effect.Effect<void> =>
    Effect.sync(() => {
      for (const [identity, lock] of this.locks) if (lock.process === process) this.locks.delete(identity)
    })

  readonly render: Effect.Effect<string> = Effect.sync(() => renderVolume(this))
}

export const insidesOf = (volume: MemoryVolume): Volume => {
  if (volume instanceof Volume) return volume
  throw new Error("this volume was not made by MemoryVolume.make")
}

/** memfs asks the process who it is; ours is root, whoever runs this. */
const superuser = {
  cwd: () => "/",
  env: {},
  emitWarning: () => {},
  getgid: () => 0,
  getuid: () => 0,
  platform: "linux"
}
