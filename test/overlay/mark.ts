/** Marks of overlay's made by hand, in a layer that is not mounted: by the same calls on both machines. */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import type { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect } from "effect"
import type { Mark } from "./call.ts"
import { bytes } from "./machine.ts"

/** `"made"`, the errno, or that it is for a directory: a whiteout goes where nothing is, any other mark on one of those. */
export const makeMark = (
  tree: TreeFileSystem,
  layer: string,
  { kind, path }: Mark,
  userxattr: boolean
): Effect.Effect<string> => {
  const at = bytes(`${layer}/${path}`)
  const [own, other] = userxattr ? ["user", "trusted"] : ["trusted", "user"]
  switch (kind) {
    case "whiteout":
      return done(tree.makeNode(at, { type: "characterDevice", mode: 0 }))
    case "opaque":
      return onDirectory(tree, at, `${own}.overlay.opaque`, "y")
    case "not quite opaque":
      return onDirectory(tree, at, `${own}.overlay.opaque`, "n")
    case "foreign":
      return onDirectory(tree, at, `${other}.overlay.opaque`, "y")
    case "escaped":
      return onDirectory(tree, at, `${own}.overlay.overlay.opaque`, "y")
  }
}

const onDirectory = (tree: TreeFileSystem, path: Uint8Array, name: string, value: string): Effect.Effect<string> =>
  Effect.flatMap(
    Effect.orElseSucceed(tree.lstat(path), () => undefined),
    (entry) =>
      entry?.type === "directory" ? done(tree.setXattr(path, name, bytes(value))) : Effect.succeed("no directory")
  )

const done = (attempt: Effect.Effect<void, FileSystemError>): Effect.Effect<string> =>
  Effect.match(attempt, { onFailure: ({ code }) => code, onSuccess: () => "made" })
