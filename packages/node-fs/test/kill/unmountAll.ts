/** Undoing what killed processes left mounted. */
import * as fs from "node:fs"
// Internal, so not among the package's exports.
import { MNT_DETACH, syscalls, UMOUNT_NOFOLLOW } from "../../src/internal/syscalls.ts"

/** Detaches all that is mounted below a directory, last first, and says how many mounts that were. */
export const unmountAllBelow = (directory: string): number => {
  const mountPoints = mountPointsBelow(directory).toReversed()
  for (const mountPoint of mountPoints) {
    const result = syscalls().umount2(`${mountPoint}`, MNT_DETACH | UMOUNT_NOFOLLOW)
    if (result < 0) throw new Error(`${mountPoint} cannot be unmounted (${result})`)
  }
  return mountPoints.length
}

/** Oldest first. For directories whose names have no characters that mountinfo writes as octal numbers. */
export const mountPointsBelow = (directory: string): ReadonlyArray<string> =>
  fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((mountPoint) => mountPoint.startsWith(`${directory}/`))
