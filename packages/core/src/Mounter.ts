/**
 * The port that mounts. `Snapshotter` never mounts anything: it says what to mount, and asks this port only who is using
 * a layer. The suite that holds a backend to this contract is `testing/MounterSuite`.
 */
import { Context, type Effect, Schema, type Scope } from "effect"
import type { Mounts } from "./Mount.ts"

/** Something is mounted there. */
export interface MountPoint {
  /** The path exactly as it is, whatever characters it has. */
  readonly target: string
  /** The file system's type as the kernel says it: `overlay`, `ext4`, … Binds and copies have that of what they show. */
  readonly type: string
  readonly writable: boolean
}

/** Who is using a layer, and how. */
export interface LayerUse {
  /** Where it is mounted; `undefined` where only the kernel's mark tells, as for a mount in another mount namespace. */
  readonly target: string | undefined
  readonly as: "upper" | "lower" | "bind"
  /** Whether the layer could be changed through this mount. */
  readonly writable: boolean
}

/** The kernel, or this port, refused. `code` is the errno's name, `reason` says what is so and what to do about it. */
export class MountFailed extends Schema.TaggedError<MountFailed>()("MountFailed", {
  operation: Schema.Literals(["mount", "unmount", "read mounts"]),
  target: Schema.String,
  code: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation} ${JSON.stringify(this.target)}: ${this.reason} (${this.code})`
  }
}

/** This machine, or this user on it, cannot mount at all. */
export class MountUnavailable extends Schema.TaggedError<MountUnavailable>()(
  "MountUnavailable",
  { target: Schema.String, reason: Schema.String, remedy: Schema.String }
) {
  override get message() {
    return `cannot mount ${JSON.stringify(this.target)}: ${this.reason}; ${this.remedy}`
  }
}

/** The layer is mounted writable already: the kernel would let a second mount through and corrupt both. */
export class AlreadyMounted extends Schema.TaggedError<AlreadyMounted>()(
  "AlreadyMounted",
  { layer: Schema.String, target: Schema.UndefinedOr(Schema.String) }
) {
  override get message() {
    const where = this.target === undefined
      ? "in another mount namespace, or detached while somebody used it; end that first"
      : `at ${JSON.stringify(this.target)}; unmount it there first`
    return `${JSON.stringify(this.layer)} is mounted writable already, ${where}`
  }
}

/** Something still uses the mount: an open file, a process whose working directory is in it, or a mount below it. */
export class StillInUse extends Schema.TaggedError<StillInUse>()("StillInUse", {
  target: Schema.String
}) {
  override get message() {
    return `${
      JSON.stringify(this.target)
    } is still in use: a process has its working directory or an open file in it; ` +
      "end it and unmount again"
  }
}

export type MountError = MountFailed | MountUnavailable | AlreadyMounted

export interface Mounter {
  /**
   * Mounts on an existing directory, until the scope closes. A read-only mount refuses writes from its first moment on,
   * and no mount is shared with other mount namespaces. Where it fails nothing stays mounted. What is
   * written through a writable mount is in its layer once it has been unmounted, if not before.
   *
   * When the scope closes the target is unmounted; if a process still uses it, it is detached instead (gone from the tree
   * at once, from the kernel when the last user ends) and a warning is logged. As long as somebody may write through a
   * bind mount that has so ended, `uses` tells it; where the kernel could not tell, it stays mounted until then. To have
   * that as a failure, call `unmount` before: what is unmounted already, the scope leaves alone.
   */
  readonly mount: (mounts: Mounts, target: string) => Effect.Effect<void, MountError, Scope.Scope>

  /**
   * Unmounts what is mounted last on exactly this target; where this port has mounted something there, only that. Nothing
   * is detached while it is in use, and nothing is unmounted that holds the layers of an overlay.
   */
  readonly unmount: (target: string) => Effect.Effect<void, MountFailed | StillInUse>

  /** All that is mounted in this mount namespace, oldest first. */
  readonly mounted: Effect.Effect<ReadonlyArray<MountPoint>, MountFailed>

  /**
   * Who is using the layer in this directory (its `fs/`), by device, inode and id, never by path alone: a mount goes on
   * showing the path that it was made with. Sees overlay uppers in every mount namespace where the kernel tells, bind
   * mounts and lowers in this one only. A layer that is not there is judged by its id.
   */
  readonly uses: (layer: string) => Effect.Effect<ReadonlyArray<LayerUse>, MountFailed>
}

export const Mounter = Context.Service<Mounter>("@snapshotter/core/Mounter")
