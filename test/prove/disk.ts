/**
 * A disk of the campaign: a file system in a file, behind a loop device. It is copied at moments at which nothing is on its
 * way to it, so that a copy is what a power loss at that moment leaves; and what the kernel would write by itself at some
 * other time can be made to be written now.
 */
import { Effect, type Scope } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { copyOf, type Format, format, mounted, repair } from "../../packages/node-fs/test/programs/disks.ts"
import type { Random } from "../random.ts"

export { type Format, formats } from "../../packages/node-fs/test/programs/disks.ts"

export interface Disk {
  readonly format: Format
  readonly image: string
  readonly device: string
  /** Where it is mounted. */
  readonly directory: string
}

/** Empty disks, each made once and copied from then on: making one of xfs takes half a second. */
export class Blanks {
  private readonly place: string

  constructor(place: string) {
    this.place = place
  }

  /** A file with an empty disk, at this path. Disks from here are twins: only one of a format can be mounted at a time. */
  copyTo(kind: Format, image: string): void {
    const blank = path.join(this.place, `blank ${kind.name}`)
    if (!fs.existsSync(blank)) {
      format(kind, blank)
      execFileSync("fallocate", ["--dig-holes", blank])
    }
    copyOf(blank, image)
  }
}

/** By itself the kernel writes nothing to such a disk for minutes: what is written, and when, is decided here. */
const patient: Readonly<Record<string, ReadonlyArray<string>>> = {
  "ext4": ["-o", "commit=300,noinit_itable"],
  "ext4 without a journal": ["-o", "noinit_itable"],
  "btrfs": ["-o", "commit=300"]
}

/** An empty disk, mounted until the scope closes. */
export const newDisk = (blanks: Blanks, kind: Format, place: string): Effect.Effect<Disk, never, Scope.Scope> =>
  Effect.gen(function*() {
    const image = path.join(place, "image")
    const directory = path.join(place, "disk")
    yield* Effect.acquireRelease(
      Effect.sync(() => blanks.copyTo(kind, image)),
      () => Effect.sync(() => fs.rmSync(image, { force: true }))
    )
    return { format: kind, image, directory, device: yield* mounted(image, directory, patient[kind.name] ?? []) }
  })

/** The machine comes up with this image: it is repaired where that is done, mounted until the scope closes, then gone. */
export const comeUp = (kind: Format, image: string, directory: string): Effect.Effect<Disk, never, Scope.Scope> =>
  Effect.gen(function*() {
    yield* Effect.addFinalizer(() => Effect.sync(() => fs.rmSync(image, { force: true })))
    if (kind.repair !== undefined) repair(kind.repair, image)
    const options = [...patient[kind.name] ?? [], ...kind.copyOptions]
    return { format: kind, image, directory, device: yield* mounted(image, directory, options) }
  })

// ============================================================ copies

/** No disk of this size is written to for so long that it takes more attempts, with a pause after each. */
const attemptsMax = 10_000
const pauseMillis = 2

/** What is on the disk now. Waits for what is on its way to it: a copy during a write would be of two moments at once. */
export const copyDisk = ({ device, image }: Disk, copy: string): void => {
  for (let attempt = 0; attempt < attemptsMax; attempt++) {
    const before = writesOf(device)
    if (before.inFlight === 0) {
      copyOf(image, copy)
      const after = writesOf(device)
      if (after.inFlight === 0 && after.done === before.done) return
    }
    // Nothing else of this program may go on meanwhile.
    Atomics.wait(sleeper, 0, 0, pauseMillis)
  }
  throw new Error(`${device} was written to for all of ${attemptsMax} attempts to copy it`)
}

const sleeper = new Int32Array(new SharedArrayBuffer(4))

/** Fields of `/sys/block/…/stat`, in its order: what was read and how long it took says nothing here. */
const written = [4, 6, 11, 13, 15]
const inFlight = 8

const writesOf = (device: string): { readonly done: string; readonly inFlight: number } => {
  const fields = fs.readFileSync(`/sys/block/${path.basename(device)}/stat`, "utf8").trim().split(/\s+/)
  return { done: written.map((at) => fields[at]).join(" "), inFlight: Number(fields[inFlight]) }
}

// ============================================================ what the kernel does by itself

/** Something that reaches the disk though nobody asked for it. */
export type Disturbance =
  /** Another program syncs another file: journals go out with all that is in them. */
  | { readonly kind: "another file is synced" }
  /** The contents of one file are written back, and nothing that says where they are. */
  | { readonly kind: "contents are written"; readonly file: string }
  /** Some of the blocks that the kernel holds for the device: where there is no journal, metadata in any order. */
  | { readonly kind: "blocks are written"; readonly from: number; readonly length: number }

/** One that a seed decides; `files` are those whose contents may be written. */
export const someDisturbance = (random: Random, { format }: Disk, files: ReadonlyArray<string>): Disturbance => {
  const file = random.pick(files)
  const kinds = ["another file is synced", "blocks are written", "contents are written"] as const
  const kind = random.pick(kinds) ?? kinds[0]
  if (kind === "blocks are written") return { kind, ...someBlocks(random, format) }
  return kind === "another file is synced" || file === undefined
    ? { kind: "another file is synced" }
    : { kind, file }
}

const blockBytes = 4_096

/** Everything before some block or everything after it, with the low ones likelier: most of what is not contents lies there. */
const someBlocks = (random: Random, { megabytes }: Format) => {
  const blocks = (megabytes * 2 ** 20) / blockBytes
  const at = Math.floor(2 ** (random.below(100) / 100 * Math.log2(blocks))) * blockBytes
  return random.chance(0.5) ? { from: 0, length: at } : { from: at, length: blocks * blockBytes - at }
}

export const disturb = ({ device, directory }: Disk, disturbance: Disturbance): void => {
  switch (disturbance.kind) {
    case "another file is synced":
      return syncAnother(path.join(directory, "another"))
    case "contents are written":
      return writeBack(disturbance.file, 0, 0)
    case "blocks are written":
      return writeBack(device, disturbance.from, disturbance.length)
  }
}

const syncAnother = (file: string): void => {
  const fd = fs.openSync(file, "a")
  fs.writeSync(fd, "another\n")
  fs.fsyncSync(fd)
  fs.closeSync(fd)
}

/** `sync_file_range(2)`, which waits for what it writes; of no bytes, to the end. */
const writeBack = (file: string, from: number, length: number): void => {
  const { status, stderr } = spawnSync("xfs_io", ["-r", "-c", `sync_range -abw ${from} ${length}`, file], {
    encoding: "utf8"
  })
  if (status !== 0 && fs.existsSync(file)) throw new Error(`xfs_io sync_range of ${file}: ${stderr}`)
}
