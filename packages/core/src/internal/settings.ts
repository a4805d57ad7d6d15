/** Judging the configuration, before the store is touched. */
import { Duration, Effect, Option } from "effect"
import { layersMaxOfKernel } from "../Snapshot.ts"
import type { SnapshotterOptions } from "../Snapshotter.ts"
import { InvalidOption } from "../SnapshotterError.ts"
import type { Settings } from "./store.ts"

const lockTimeoutDefault = "30 seconds"

export const settingsOf = Effect.fnUntraced(function*(options: SnapshotterOptions) {
  const lockTimeout = options.lockTimeout ?? lockTimeoutDefault
  const duration = Duration.fromInput(lockTimeout)
  if (Option.isNone(duration) || Number.isNaN(lockTimeout) || Duration.toMillis(duration.value) < 0) {
    const reason = "it is not a duration of zero or more, such as \"30 seconds\""
    return yield* new InvalidOption({ option: "lockTimeout", value: lockTimeout, reason })
  }
  const layersMax = options.layersMax ?? layersMaxOfKernel
  if (!Number.isInteger(layersMax) || layersMax < 1 || layersMax > layersMaxOfKernel) {
    const reason = `it is not a whole number from 1 to ${layersMaxOfKernel}, the most that the kernel takes`
    return yield* new InvalidOption({ option: "layersMax", value: layersMax, reason })
  }
  const mountOptions: unknown = options.mountOptions ?? []
  if (!Array.isArray(mountOptions)) {
    const reason = "it is not a list of options, such as [\"index=off\"]"
    return yield* new InvalidOption({ option: "mountOptions", value: mountOptions, reason })
  }
  for (const option of options.mountOptions ?? []) {
    const reason = mountOptionProblem(option)
    if (reason !== undefined) return yield* new InvalidOption({ option: "mountOptions", value: option, reason })
  }
  yield* oneOf("durability", options.durability, ["full", "process"])
  yield* oneOf("whileMounted", options.whileMounted, ["refuse", "allow"])
  yield* oneOf("overlayXattrs", options.overlayXattrs, ["trusted", "user"])
  const settings: Settings = {
    durability: options.durability ?? "full",
    lockTimeoutMillis: Duration.toMillis(duration.value),
    layersMax,
    whileMounted: options.whileMounted ?? "refuse",
    mountOptions: options.mountOptions ?? []
  }
  return settings
})

/** What a caller without types may have handed in. */
const oneOf = (option: string, value: string | undefined, allowed: ReadonlyArray<string>) =>
  value === undefined || allowed.includes(value)
    ? Effect.void
    : Effect.fail(new InvalidOption({ option, value, reason: `it is neither ${allowed.join(" nor ")}` }))

/** Why this cannot be an option of every mount; `undefined` when it can. */
const mountOptionProblem = (option: string): string | undefined => {
  if (typeof option !== "string") return "it is not a text"
  // Whoever mounts may join options with commas: `index=off,redirect_dir=on` would be two, the second one unseen here.
  if (option.replace(/"[^"]*"/g, "").includes(",")) {
    return "it holds a comma outside of quotes; give each option by itself"
  }
  const [name, value] = option.split(/=(.*)/s)
  switch (name) {
    case "lowerdir":
    case "upperdir":
    case "workdir":
    case "lowerdir+":
    case "datadir+":
      return "the snapshot says this itself; leave it out"
    case "redirect_dir":
      return value === "on" || value === "follow"
        ? "a moved directory would be an empty one with a mark in its layer, which other mounts of the layer do not follow; leave it out"
        : undefined
    case "metacopy":
      return value === "on" ? "a layer would hold files without their contents; leave it out" : undefined
    case "userxattr":
      return "overlayXattrs: \"user\" sets it, and the store records that; use this instead"
    default:
      return option === "" || option.includes("\0") ? "it is empty or contains NUL; leave it out" : undefined
  }
}
