/**
 * Fails the run when tests leave a mount or a temporary directory behind.
 *
 * Each run has a temporary directory of its own, in which `os.tmpdir()` then is for all tests and what they spawn, so
 * that two runs at a time do not take each other's for leftovers; and one of the same name on tmpfs.
 */
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { holdPristine } from "./pristine.ts"
import { tmpfsOf } from "./tmpfs.ts"

const prefix = "snapshotter-tests-"

/** Mounts at, or of, something in that directory: a bind's root and an overlay's options name it too. */
const mountsOf = (directory: string): Array<string> =>
  fs.existsSync("/proc/self/mountinfo")
    ? fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) => line.includes(directory))
    : []

export default async (): Promise<() => Promise<void>> => {
  // Vitest calls this once for each project, and a test may run vitest itself: the outermost looks after all of them.
  const before = process.env["TMPDIR"]
  if (before !== undefined && path.basename(before).startsWith(prefix)) return async () => {}
  // The run's script gives one, to clear it itself where this is not reached any more.
  const directory = process.env["SNAPSHOTTER_TESTS"] ?? fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), prefix)))
  process.env["TMPDIR"] = directory
  const onTmpfs = tmpfsOf(directory)
  if (onTmpfs !== undefined) fs.mkdirSync(onTmpfs, { mode: 0o700, recursive: true })
  const release = await holdPristine()

  return async () => {
    await release()
    if (before === undefined) delete process.env["TMPDIR"]
    else process.env["TMPDIR"] = before
    const mounts = mountsOf(path.basename(directory))
    const places = (onTmpfs === undefined ? [directory] : [directory, onTmpfs]).filter((place) => fs.existsSync(place))
    const entries = places.flatMap((place) =>
      fs.readdirSync(place).filter((name) => name.startsWith("snapshotter-")).map((name) => path.join(place, name))
    )
    // Never remove through a mount point: what is mounted there stays for whoever looks into it.
    if (mounts.length === 0) { for (const place of places) fs.rmSync(place, { recursive: true, force: true }) }
    const left = [
      ...mounts.map((line) => `mount: ${line}`),
      ...entries.map((entry) => `directory: ${entry}`)
    ]
    if (left.length === 0) return
    process.exitCode = 1
    throw new Error(`the tests left behind:\n${left.map((line) => `  ${line}`).join("\n")}`)
  }
}
