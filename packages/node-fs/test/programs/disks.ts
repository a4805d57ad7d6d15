/** Disks in files: what is on one is what lies in the file, whatever the kernel still holds in memory. */
import { Effect, type Scope } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"

export interface Format {
  readonly name: string
  readonly make: ReadonlyArray<string>
  readonly megabytes: number
  /** Needed to mount a copy while the kernel may remember the original. */
  readonly copyOptions: ReadonlyArray<string>
  /** Repairs an image, where that is what is done before mounting it. */
  readonly repair: ReadonlyArray<string> | undefined
}

const ext4 = { make: ["mkfs.ext4", "-q"], megabytes: 64, copyOptions: [], repair: undefined }

export const formats: ReadonlyArray<Format> = [
  { ...ext4, name: "ext4" },
  {
    ...ext4,
    name: "ext4 without a journal",
    make: [...ext4.make, "-O", "^has_journal"],
    repair: ["e2fsck", "-fy"]
  },
  { name: "xfs", make: ["mkfs.xfs", "-q"], megabytes: 320, copyOptions: ["-o", "nouuid"], repair: undefined },
  { name: "btrfs", make: ["mkfs.btrfs", "-q"], megabytes: 128, copyOptions: [], repair: undefined }
]

const output = (command: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()

/** An empty disk in this file. */
export const format = ({ make, megabytes }: Format, image: string): void => {
  fs.writeFileSync(image, "")
  fs.truncateSync(image, megabytes * 2 ** 20)
  output(make[0] ?? "", ...make.slice(1), image)
}

/**
 * The disk of this file, mounted on a new directory until the scope closes. Past the page cache, as on a real one. Gives
 * its device.
 */
export const mounted = (
  image: string,
  directory: string,
  options: ReadonlyArray<string> = []
): Effect.Effect<string, never, Scope.Scope> =>
  Effect.gen(function*() {
    const device = yield* Effect.acquireRelease(
      Effect.sync(() => output("losetup", "--direct-io=on", "-f", "--show", image)),
      (device) => Effect.sync(() => spawnSync("losetup", ["-d", device]))
    )
    fs.mkdirSync(directory, { recursive: true })
    yield* Effect.acquireRelease(
      Effect.sync(() => output("mount", ...options, device, directory)),
      () =>
        Effect.sync(() => {
          if (spawnSync("umount", [directory]).status !== 0) spawnSync("umount", ["-l", directory])
        })
    )
    return device
  })

/** What is on the disk now. */
export const copyOf = (image: string, copy: string): void => {
  output("cp", "--sparse=always", image, copy)
}

/** Repairs it, as a machine does when it comes up again. That something had to be is no failure. */
export const repair = ([command = "", ...args]: ReadonlyArray<string>, image: string): void => {
  const { status, stdout } = spawnSync(command, [...args, image], { encoding: "utf8" })
  if (status === null || status >= 4) throw new Error(`${command} ended with ${status}: ${stdout}`)
}
