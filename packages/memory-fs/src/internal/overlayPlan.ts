/** From an overlay mount as data to what is mounted; refusals of what the kernel refuses, in its words where it has any. */
import { type OverlayMount, overlayOptions } from "@snapshotter/core/Mount"
import { layersMaxOfKernel } from "@snapshotter/core/Snapshot"
import type { Settings } from "./overlayEntry.ts"
import { Refused } from "./refusal.ts"

export interface OverlayPlan {
  /** Nearest first. */
  readonly lower: ReadonlyArray<string>
  readonly upper: string | undefined
  readonly work: string | undefined
  readonly writable: boolean
  readonly settings: Settings
  readonly volatile: boolean
}

/** The values that go with what memory-fs, like node-fs, always mounts: others change what a layer holds. */
const required: ReadonlyMap<string, string> = new Map([
  ["index", "off"],
  ["redirect_dir", "nofollow"],
  ["metacopy", "off"],
  ["nfs_export", "off"],
  ["verity", "off"]
])

/** Options of any mount that change nothing that could be seen here. */
export const isWithoutEffect = (option: string): boolean =>
  /^(rw|suid|nosuid|dev|exec|noexec|relatime|noatime|strictatime|nodiratime)$/.test(option)

/** Those of overlays: about numbers beyond one file system, permissions. */
const withoutEffect = /^(default_permissions|xino=(on|off|auto)|uuid=(on|off|auto|null))$/

export const planOverlay = (mount: OverlayMount): OverlayPlan => {
  const { lower, others, upper, work } = overlayOptions(mount)
  if (lower.length === 0) throw invalid("an overlay needs at least one lowerdir")
  if (lower.length > layersMaxOfKernel) {
    throw invalid(
      `it has ${lower.length} lower layers and the kernel takes ${layersMaxOfKernel} at most; merge some of them`
    )
  }
  if ((upper === undefined) !== (work === undefined)) {
    throw invalid("upperdir and workdir are given together or not at all")
  }
  for (const option of others) requireKnown(option)
  if (lower.length === 1 && upper === undefined) {
    throw invalid("an overlay without upperdir needs at least two lowerdir")
  }
  return {
    lower,
    upper,
    work,
    writable: upper !== undefined && !others.includes("ro"),
    settings: { namespace: others.includes("userxattr") ? "user" : "trusted", xino: others.includes("xino=on") },
    volatile: others.includes("volatile")
  }
}

const requireKnown = (option: string): void => {
  const [name = "", value] = option.split(/=(.*)/s)
  const allowed = required.get(name)
  if (allowed !== undefined && value !== allowed) {
    throw invalid(`the option ${option} changes what a layer holds; say ${name}=${allowed}, or leave it out`)
  }
  const isKnown = allowed !== undefined || ["ro", "userxattr", "volatile"].includes(option) ||
    isWithoutEffect(option) || withoutEffect.test(option)
  if (!isKnown) throw invalid(`${JSON.stringify(option)} is no option of an overlay in memory-fs; leave it out`)
}

const invalid = (reason: string) => new Refused("EINVAL", reason)
