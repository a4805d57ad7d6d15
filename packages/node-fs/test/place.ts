/** Fresh directories for tests, and nothing left of them whatever happened in them. */
import { Workplace } from "@snapshotter/core/testing/Suite"
import { Effect, Layer } from "effect"
import { execFileSync, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
// Internal, so not among the package's exports.
import { MNT_DETACH, syscalls, UMOUNT_NOFOLLOW } from "../src/internal/syscalls.ts"

/** Whether the tests may mount: root may, outside of the strictest containers. */
export const isRoot = process.getuid?.() === 0

/** A directory of its own below this one. When the scope closes its mounts are detached and it is removed. */
export const freshDirectoryIn = (parent: string) =>
  Effect.acquireRelease(
    Effect.sync(() => fs.realpathSync(fs.mkdtempSync(path.join(parent, "snapshotter-node-fs-")))),
    (directory) => Effect.sync(() => clear(directory))
  )

/** A directory of its own below the temporary one. */
export const freshDirectory = Effect.suspend(() => freshDirectoryIn(os.tmpdir()))

const nobody = 65_534

/** A {@link freshDirectory} that belongs to nobody (65534), who can reach it. */
export const freshDirectoryOfNobody = Effect.tap(freshDirectory, (directory) =>
  Effect.sync(() => {
    // A run of all tests has a temporary directory of its own, which only its owner may enter.
    const parent = path.dirname(directory)
    if ((fs.statSync(parent).mode & 0o001) === 0) fs.chmodSync(parent, 0o711)
    fs.chownSync(directory, nobody, nobody)
  }))

/** Runs an effect with an ordinary user's rights, of which groups are a part. The threads of the pool change too. */
export const asNobody = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      // Loaded by whoever may read it.
      syscalls()
      const groups = process.getgroups?.() ?? []
      process.setgroups?.([])
      process.setegid?.(nobody)
      process.seteuid?.(nobody)
      return groups
    }),
    () => effect,
    (groups) =>
      Effect.sync(() => {
        process.seteuid?.(0)
        process.setegid?.(0)
        process.setgroups?.(groups)
      })
  )

/** A {@link freshDirectory} as a suite wants it. */
export const workplace = Layer.effect(Workplace, Effect.map(freshDirectory, (directory) => ({ directory })))

const clear = (directory: string): void => {
  for (const mountPoint of mountPointsBelow(directory).reverse()) {
    syscalls().umount2(mountPoint, MNT_DETACH | UMOUNT_NOFOLLOW)
  }
  const left = mountPointsBelow(directory)
  if (left.length > 0) throw new Error(`these mounts could not be undone:\n${left.join("\n")}`)
  spawnSync("chattr", ["-R", "-f", "-i", directory])
  execFileSync("rm", ["-rf", "--one-file-system", directory])
}

/** Everything mounted on or below a directory. Read here by other means than those under test. */
export const openMounts = (directory: string): Array<string> =>
  fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) =>
    line.split(" ")[4]?.startsWith(directory)
  )

/** With a NUL at the end, oldest first. Read here by other means than those under test. */
const mountPointsBelow = (directory: string): Array<Buffer> =>
  fs.readFileSync("/proc/self/mountinfo", "latin1").split("\n")
    .map((line) =>
      (line.split(" ")[4] ?? "").replace(
        /\\([0-7]{3})/g,
        (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8))
      )
    )
    .filter((mountPoint) => mountPoint.startsWith(Buffer.from(`${directory}/`).toString("latin1")))
    .map((mountPoint) => Buffer.from(`${mountPoint}\0`, "latin1"))
