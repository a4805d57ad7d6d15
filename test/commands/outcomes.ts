/** What programs of the model must meet, and how often they did. */
import type { Setting } from "../commands.ts"

/** Outcomes that a program of some operation must meet in at least one of a hundred. */
const floors: Readonly<Record<string, ReadonlyArray<string>>> = {
  prepare: [
    "success",
    "KeyTaken",
    "ParentNotFound",
    "ParentNotCommitted",
    "TooManyLayers",
    "InvalidKey",
    "InvalidLabels"
  ],
  view: ["success", "KeyTaken", "ParentNotFound", "ParentNotCommitted", "TooManyLayers", "InvalidKey", "InvalidLabels"],
  mounts: ["success", "SnapshotNotFound", "NotMountable", "InvalidKey"],
  commit: ["success", "SnapshotNotFound", "NotActive", "NameTaken", "Busy", "InvalidKey", "InvalidLabels"],
  remove: ["success", "SnapshotNotFound", "HasChildren", "Busy", "InvalidKey"],
  stat: ["success", "SnapshotNotFound", "InvalidKey"],
  update: ["success", "SnapshotNotFound", "InvalidKey", "InvalidLabels", "ImmutableField"],
  usage: ["success", "SnapshotNotFound", "InvalidKey"],
  walk: ["success", "InvalidFilter"],
  cleanup: ["success"],
  check: ["success"],
  relink: ["success"],
  reopen: ["success"],
  mount: ["success", "SnapshotNotFound", "AlreadyMounted"],
  unmount: ["success"],
  write: ["success", "EROFS", "EISDIR", "ENOTDIR"],
  append: ["success", "EROFS", "EISDIR", "ENOENT"],
  makeDirectory: ["success", "EROFS", "EEXIST", "ENOENT", "ENOTDIR"],
  symlink: ["success", "EROFS", "EEXIST", "ENOENT"],
  link: ["success", "EROFS", "EEXIST", "ENOENT", "EPERM"],
  rename: ["success", "EROFS", "ENOENT", "EXDEV", "EISDIR", "ENOTDIR", "ENOTEMPTY", "EINVAL"],
  chmod: ["success", "EROFS", "ENOENT"],
  delete: ["success", "EROFS"]
}

/** Prints how often each outcome was met, and fails where one that has to be met hardly was. */
export const report = (setting: Setting, counts: ReadonlyMap<string, number>, runs: number): void => {
  const lines: Array<string> = []
  const missed: Array<string> = []
  let total = 0
  for (const [operation, outcomes] of Object.entries(floors)) {
    const all = [...counts].filter(([name]) => name.startsWith(`${operation}: `))
    const sum = all.reduce((so, [, count]) => so + count, 0)
    total += sum
    const seen = new Map(all)
    for (const outcome of outcomes) {
      // What overlays alone refuse.
      if (outcome === "EXDEV" && setting.overlays === "copied") continue
      const share = (seen.get(`${operation}: ${outcome}`) ?? 0) / Math.max(sum, 1)
      if (share < 0.01) missed.push(`${operation}: ${outcome} (${(share * 100).toFixed(2)} %)`)
    }
    const shares = all.sort(([, one], [, other]) => other - one).map(([name, count]) =>
      `${name.slice(operation.length + 2)} ${((count / sum) * 100).toFixed(1)} %`
    )
    lines.push(`  ${operation.padEnd(14)}${String(sum).padStart(7)}   ${shares.join(", ")}`)
  }
  process.stdout.write(`${setting.file}: ${runs} programs, ${total} commands\n${lines.join("\n")}\n`)
  if (missed.length > 0) throw new Error(`these outcomes are below 1 % of their operation: ${missed.join("; ")}`)
}
