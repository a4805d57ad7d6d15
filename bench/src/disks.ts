/** The disks that are measured on: the workspace's own, and journaled ext4, xfs and btrfs in files on it. */
import { Effect, Result } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"

export interface Disk {
  readonly name: DiskName
  /** An empty directory on it. */
  readonly directory: string
}

export const diskNames = ["workspace", "ext4", "xfs", "btrfs"] as const
export type DiskName = (typeof diskNames)[number]

/** Sparse files: what is not written takes no room. */
const gibibytes = 4

const formats: Record<Exclude<DiskName, "workspace">, ReadonlyArray<string>> = {
  // What is put off would be written while others are measured.
  ext4: ["mkfs.ext4", "-q", "-i", "8192", "-E", "lazy_itable_init=0,lazy_journal_init=0"],
  xfs: ["mkfs.xfs", "-q"],
  btrfs: ["mkfs.btrfs", "-q"]
}

/** Makes a disk in the bench's scratch directory, which undoes it; or says why it cannot be had. */
export const makeDisk = (name: DiskName, scratch: string): Effect.Effect<Result.Result<Disk, string>> =>
  Effect.sync(() => {
    const directory = path.join(scratch, name)
    fs.mkdirSync(directory)
    if (name === "workspace") return Result.succeed({ name, directory })
    try {
      mountImage(formats[name], path.join(scratch, `${name}.image`), directory)
      const empty = path.join(directory, "bench")
      fs.mkdirSync(empty)
      return Result.succeed({ name, directory: empty })
    } catch (thrown) {
      return Result.fail(`${name}: ${thrown instanceof Error ? thrown.message.trim().split("\n")[0] : String(thrown)}`)
    }
  })

const mountImage = ([command = "", ...args]: ReadonlyArray<string>, image: string, directory: string): void => {
  fs.writeFileSync(image, "")
  fs.truncateSync(image, gibibytes * 2 ** 30)
  output(command, ...args, image)
  // Past the page cache, as on a real one.
  const device = output("losetup", "--direct-io=on", "--find", "--show", image)
  output("mount", device, directory)
}

const output = (command: string, ...args: ReadonlyArray<string>): string =>
  execFileSync(command, args, { encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] }).trim()

/** `ext4`, and whether it has a journal: without one, waiting for the disk costs more. */
export const describeDisk = ({ directory, name }: Disk): string => {
  const [type = "", device = ""] = output("findmnt", "-no", "FSTYPE,MAJ:MIN", "--target", directory).split(/\s+/)
  const journal = type === "ext4" && !hasJournal(device) ? " without a journal" : ""
  return name === "workspace" ? `workspace: ${type}${journal}` : `${name}: a loop image on it, direct I/O`
}

const hasJournal = (device: string): boolean => {
  const block = path.basename(fs.realpathSync(`/sys/dev/block/${device}`))
  const task = `/sys/fs/ext4/${block}/journal_task`
  return fs.existsSync(task) && !fs.readFileSync(task, "utf8").includes("none")
}
