/**
 * Small disks in files, filled to the last block at the moment of any call: the operation meets `ENOSPC` wherever the file
 * system gives it from then on, and no sooner.
 */
import { Effect, type Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { freshDirectory } from "../../../packages/node-fs/test/place.ts"
import { type Format, format, mounted } from "../../../packages/node-fs/test/programs/disks.ts"
import { benchOf, type Grounds } from "./Bench.ts"
import type { Setting } from "./forest.ts"
import { loopAt } from "./loop.ts"
import { nodeIn } from "./nodeSite.ts"
import type { Operation } from "./operations.ts"
import type { Machine } from "./Site.ts"
import type { Case } from "./strike.ts"
import { around } from "./strikes.ts"

const plain = { copyOptions: [], repair: undefined }

/** As small as each file system can be made. */
export const smallFormats: ReadonlyArray<Format> = [
  { ...plain, name: "ext4", make: ["mkfs.ext4", "-q", "-m", "0"], megabytes: 24 },
  {
    ...plain,
    name: "ext4 without a journal",
    make: ["mkfs.ext4", "-q", "-m", "0", "-O", "^has_journal"],
    megabytes: 24
  },
  { ...plain, name: "xfs", make: ["mkfs.xfs", "-q"], megabytes: 320 },
  // In one kind of block, as otherwise what is full of data has room for names.
  { ...plain, name: "btrfs", make: ["mkfs.btrfs", "-q", "--mixed"], megabytes: 48 }
]

export interface SmallDisk {
  readonly machine: Machine
  readonly fill: Effect.Effect<void>
  readonly empty: Effect.Effect<void>
}

/** What a case may take, so that filling the rest does not take long. */
const freeBytes = 6 * 2 ** 20

/** Until the scope closes. */
export const smallDisk = (kind: Format): Effect.Effect<SmallDisk, never, Scope.Scope> =>
  Effect.gen(function*() {
    const directory = yield* freshDirectory
    const [image, disk] = [path.join(directory, "image"), path.join(directory, "disk")]
    format(kind, image)
    yield* mounted(image, disk)
    const [most, rest] = [path.join(disk, "most"), path.join(disk, "rest")]
    // Room that is given back: on a full btrfs no file can be made shorter.
    const room = path.join(disk, "room")
    fs.writeFileSync(room, Buffer.alloc(freeBytes, 1), { flush: true })
    fillUp(most)
    fs.rmSync(room)
    return {
      machine: nodeIn(disk),
      fill: Effect.sync(() => fillUp(rest)),
      empty: Effect.sync(() => fs.rmSync(rest, { force: true }))
    }
  })

/** Writes to a file until not one byte more goes in, also once all of it has its blocks. */
const fillUp = (file: string): void => {
  const fd = fs.openSync(file, "a")
  try {
    while (append(fd) > 0) settle(fd)
  } finally {
    fs.closeSync(fd)
  }
}

/** In ever smaller pieces; how many bytes went in. */
const append = (fd: number): number => {
  let all = 0
  for (const bytes of [2 ** 20, 2 ** 16, 2 ** 12, 2 ** 9, 1]) {
    const piece = Buffer.alloc(bytes, 1)
    for (let written = bytes; written === bytes; all += written) written = unlessFull(() => fs.writeSync(fd, piece), 0)
  }
  return all
}

const settle = (fd: number): void => unlessFull(() => fs.fsyncSync(fd), undefined)

const unlessFull = <A>(act: () => A, otherwise: A): A => {
  try {
    return act()
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOSPC") return otherwise
    throw cause
  }
}

// ============================================================ striking

/** What only looks finds the same on a full disk, and what it then does is what the next call that changes something does. */
const looks =
  /^(realPath|lstat|readDirectory|readFile|readLink|uses|mounted|usage|tryLock|fileSystemType|mount|unmount)\b/

/**
 * The disk is full from each of an operation's calls on that change something, until it has ended; of an operation that only
 * looks, from its first.
 */
export const fillAtEachCall = (
  { empty, fill, machine }: SmallDisk,
  operation: Operation,
  setting: Setting,
  grounds: Grounds,
  isOver: () => boolean = () => false
): Effect.Effect<ReadonlyArray<Case>, never, Scope.Scope> =>
  Effect.gen(function*() {
    const bench = yield* benchOf(machine, operation, setting, grounds)
    const strike = around("finds the disk full", "ENOSPC", fill, empty)
    const changing = bench.calls.flatMap((call, at) => looks.test(call) ? [] : [at + 1])
    const numbers = changing.length === 0 ? [1] : changing
    const cases = yield* Effect.forEach(numbers, (n) => isOver() ? Effect.succeed([]) : loopAt(bench, strike, [n]))
    return cases.flat()
  })
