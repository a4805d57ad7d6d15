/**
 * One class for each way an operation can fail, each with a message that says what is so, why, and what to do; and for
 * each operation the union of those it can fail with.
 */
import { Schema } from "effect"
import { Key, KeyOrName, Kind, Name } from "./Snapshot.ts"

const text = (value: unknown): string => {
  const quoted = JSON.stringify(value) ?? String(value)
  return quoted.length <= 200 ? quoted : `${quoted.slice(0, 200)}… (${quoted.length} characters)`
}

// ============================================================ bad input

/** This text can be no key or name. */
export class InvalidKey extends Schema.TaggedError<InvalidKey>()("InvalidKey", {
  role: Schema.Literals(["key", "name", "parent"]),
  value: Schema.Unknown,
  reason: Schema.String
}) {
  override get message() {
    return `${text(this.value)} cannot be a ${this.role}: ${this.reason}; any other non-empty text without NUL can`
  }
}

/** One of the labels cannot be kept; none was. */
export class InvalidLabels extends Schema.TaggedError<InvalidLabels>()("InvalidLabels", {
  /** The whole key of the label in question. */
  label: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `the label ${JSON.stringify(this.label)} cannot be kept: ${this.reason}; no label was changed`
  }
}

/** The text is no filter. */
export class InvalidFilter extends Schema.TaggedError<InvalidFilter>()("InvalidFilter", {
  filter: Schema.String,
  /** Where in `filter` it stops making sense, counted in characters from 0. */
  position: Schema.Number,
  expected: Schema.String
}) {
  override get message() {
    return `${text(this.filter)} is no filter: at character ${this.position}, ${this.expected} is expected, as in ` +
      "kind==active,labels.\"a/b\"!=x"
  }
}

/** `update` changes labels alone. */
export class ImmutableField extends Schema.TaggedError<ImmutableField>()(
  "ImmutableField",
  { field: Schema.String }
) {
  override get message() {
    return `${text(this.field)} of a snapshot cannot be updated: only its labels can, by { patch } or { replace }`
  }
}

// ============================================================ the state of the forest

/** No snapshot has this key or name. */
export class SnapshotNotFound extends Schema.TaggedError<SnapshotNotFound>()(
  "SnapshotNotFound",
  { snapshot: KeyOrName }
) {
  override get message() {
    return `no snapshot is called ${text(this.snapshot)}; walk shows those that there are`
  }
}

/** No snapshot has the parent's name. */
export class ParentNotFound extends Schema.TaggedError<ParentNotFound>()(
  "ParentNotFound",
  { parent: Name }
) {
  override get message() {
    return `no snapshot is called ${text(this.parent)}, so it cannot be a parent; commit one under this name first`
  }
}

/** Only what is committed can be a parent. */
export class ParentNotCommitted extends Schema.TaggedError<ParentNotCommitted>()(
  "ParentNotCommitted",
  { parent: Name, kind: Kind }
) {
  override get message() {
    const remedy = this.kind === "active" ? "commit it first" : "give the committed snapshot that the view shows"
    return `${text(this.parent)} is ${
      this.kind === "active" ? "active" : "a view"
    }, and only what is committed can be ` +
      `a parent; ${remedy}`
  }
}

/** Something has this key already. */
export class KeyTaken extends Schema.TaggedError<KeyTaken>()("KeyTaken", {
  key: Key,
  kind: Kind
}) {
  override get message() {
    return `${
      text(this.key)
    } is taken by a snapshot (${this.kind}); use another key, or remove it with Snapshotter.remove`
  }
}

/** Something has this name already. */
export class NameTaken extends Schema.TaggedError<NameTaken>()("NameTaken", {
  snapshot: KeyOrName,
  kind: Kind
}) {
  override get message() {
    return `${
      text(this.snapshot)
    } is taken by a snapshot (${this.kind}); commit under another name, or remove it with Snapshotter.remove`
  }
}

/** Only an active snapshot can be committed. */
export class NotActive extends Schema.TaggedError<NotActive>()("NotActive", {
  key: Key,
  kind: Kind
}) {
  override get message() {
    const what = this.kind === "view" ? "a view, which is read-only" : "committed already"
    return `${text(this.key)} is ${what}; only an active snapshot, made by prepare, can be committed`
  }
}

/** A committed snapshot has no mounts of its own. */
export class NotMountable extends Schema.TaggedError<NotMountable>()("NotMountable", {
  snapshot: KeyOrName
}) {
  override get message() {
    return `${text(this.snapshot)} is committed and is not mounted itself; make a view or a fork of it, and mount that`
  }
}

/** Others were forked from it. */
export class HasChildren extends Schema.TaggedError<HasChildren>()("HasChildren", {
  snapshot: KeyOrName,
  /** Keys and names of its children, {@link childrenShownMax} at most. */
  children: Schema.Array(KeyOrName),
  count: Schema.Number
}) {
  override get message() {
    const more = this.count > this.children.length ? ` and ${this.count - this.children.length} more` : ""
    return `cannot remove ${text(this.snapshot)}: it has children, ${this.children.map(text).join(", ")}${more}; ` +
      "remove them first"
  }
}

/** Most children that {@link HasChildren} names. */
export const childrenShownMax = 10

/** The chain would be longer than the kernel, or the configuration, allows. */
export class TooManyLayers extends Schema.TaggedError<TooManyLayers>()("TooManyLayers", {
  parent: Name,
  depth: Schema.Number,
  limit: Schema.Number
}) {
  override get message() {
    return `a snapshot of ${
      text(this.parent)
    } would have ${this.depth} layers below it, and at most ${this.limit} are ` +
      "allowed; commit the merged tree as a new base without parent"
  }
}

// ============================================================ mounts and contents

/** It is mounted, so this cannot be done to it now. */
export class Busy extends Schema.TaggedError<Busy>()("Busy", {
  operation: Schema.Literals(["commit", "remove"]),
  snapshot: KeyOrName,
  /** Where; empty when only the kernel's mark or the mounter's lock tells. */
  mountPoints: Schema.Array(Schema.String)
}) {
  override get message() {
    const where = this.mountPoints.length === 0
      ? "in another mount namespace (who made one while it was mounted keeps a copy), or it is being mounted, or was " +
        "detached while somebody used it; wait for that, or end it"
      : `at ${this.mountPoints.map(text).join(", ")}; unmount it first`
    return `cannot ${this.operation} ${text(this.snapshot)}: it is mounted ${where}`
  }
}

/** The disk failed while this layer's contents were being written: what is in it is not known. */
export class ContentsSuspect extends Schema.TaggedError<ContentsSuspect>()(
  "ContentsSuspect",
  { snapshot: KeyOrName, code: Schema.String }
) {
  override get message() {
    return `a sync failed (${this.code}) while the contents of ${
      text(this.snapshot)
    } may have been on their way to disk, and ` +
      "Linux reports that only once; copy out what is still needed, then remove it"
  }
}

// ============================================================ the store

/** The store is on a read-only file system: it can be read, not changed. */
export class ReadOnlyStore extends Schema.TaggedError<ReadOnlyStore>()("ReadOnlyStore", {
  operation: Schema.String,
  path: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: the file system of ${text(this.path)} is read-only; remount it writable`
  }
}

/** A system call failed before anything had happened: the state is as it was, and the operation may be tried again. */
export class StoreFailure extends Schema.TaggedError<StoreFailure>()("StoreFailure", {
  /** The operation that was being done. */
  operation: Schema.String,
  path: Schema.String,
  /** The errno's name. */
  code: Schema.String,
  /** The system call, or the port's operation. */
  call: Schema.String
}) {
  override get message() {
    return `cannot ${this.operation}: ${this.call} ${text(this.path)} failed with ${this.code}` +
      (remedies[this.code] ?? "")
  }
}

const remedies: Record<string, string> = {
  EACCES: "; check who owns the store",
  EPERM: "; check who owns the store",
  EDQUOT: "; make room, then try again",
  EMFILE: "; close files or raise the limit (ulimit -n), then try again",
  ENOSPC: "; make room, then try again"
}

/** It has happened and others see it, but the disk did not confirm it: after a power loss it may not have. */
export class NotDurable extends Schema.TaggedError<NotDurable>()("NotDurable", {
  operation: Schema.String,
  path: Schema.String,
  code: Schema.String
}) {
  override get message() {
    return `${this.operation} has happened, but syncing ${
      text(this.path)
    } failed with ${this.code}: a power loss may ` +
      "undo it; check the disk"
  }
}

/** Others held the store's lock all that time; nothing was changed. */
export class LockTimeout extends Schema.TaggedError<LockTimeout>()("LockTimeout", {
  root: Schema.String,
  milliseconds: Schema.Number
}) {
  override get message() {
    return `others held the lock of ${
      text(this.root)
    } for ${this.milliseconds} ms, another process or a long operation of ` +
      "this one; see who with lslocks, or raise lockTimeout"
  }
}

/** What the store holds of this snapshot is not whole. The others are not affected, and `remove` of it works. */
export class Damaged extends Schema.TaggedError<Damaged>()("Damaged", {
  snapshot: KeyOrName,
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${text(this.snapshot)} is damaged: ${text(this.path)} ${this.reason}; copy out what is left, then remove it`
  }
}

// ============================================================ opening

/** The root holds something else. It was not touched. */
export class NotAStore extends Schema.TaggedError<NotAStore>()("NotAStore", {
  root: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `${text(this.root)} is not a store: ${this.reason}; give an empty directory, or one that does not exist yet`
  }
}

/** The store was made by another version of this library. It was not touched. */
export class UnsupportedVersion extends Schema.TaggedError<UnsupportedVersion>()(
  "UnsupportedVersion",
  { root: Schema.String, version: Schema.Unknown, supported: Schema.Number }
) {
  override get message() {
    return `${text(this.root)} has the format version ${
      text(this.version)
    }, and this library knows ${this.supported}; ` +
      "use the version of the library that made it"
  }
}

/** Overlay's marks were written under the other attribute prefix: opened this way, removed names would come back. */
export class XattrsMismatch extends Schema.TaggedError<XattrsMismatch>()(
  "XattrsMismatch",
  {
    root: Schema.String,
    recorded: Schema.Literals(["trusted", "user"]),
    available: Schema.Literals(["trusted", "user"])
  }
) {
  override get message() {
    const remedy = this.recorded === "trusted" ? "open it as root" : "leave overlayXattrs out, or set it to user"
    return `${text(this.root)} keeps overlay's marks in ${this.recorded}.* attributes, and it was to be opened with ` +
      `${this.available}.*, where removed names would come back; ${remedy}`
  }
}

/** No store can be on this file system, or under a path as long as this. */
export class UnsuitableRoot extends Schema.TaggedError<UnsuitableRoot>()(
  "UnsuitableRoot",
  { root: Schema.String, reason: Schema.String, remedy: Schema.String }
) {
  override get message() {
    return `no store can be at ${text(this.root)}: ${this.reason}; ${this.remedy}`
  }
}

/** An option of the configuration that cannot be. */
export class InvalidOption extends Schema.TaggedError<InvalidOption>()("InvalidOption", {
  option: Schema.String,
  value: Schema.Unknown,
  reason: Schema.String
}) {
  override get message() {
    return `${this.option} cannot be ${text(this.value)}: ${this.reason}`
  }
}

// ============================================================ unions, one for each operation

/** What any operation may fail with. */
export type ReadError = StoreFailure | Damaged

/** What any operation that writes may fail with. */
export type WriteError = ReadError | LockTimeout | NotDurable | ReadOnlyStore

export type PrepareError =
  | WriteError
  | InvalidKey
  | InvalidLabels
  | KeyTaken
  | ParentNotFound
  | ParentNotCommitted
  | TooManyLayers
  | ContentsSuspect

export type ViewError = PrepareError
export type MountsError = ReadError | InvalidKey | SnapshotNotFound | NotMountable
export type StatError = ReadError | InvalidKey | SnapshotNotFound
export type UsageError = StatError
export type WalkError = ReadError | InvalidFilter

export type CommitError =
  | WriteError
  | InvalidKey
  | InvalidLabels
  | SnapshotNotFound
  | NotActive
  | NameTaken
  | Busy
  | ContentsSuspect

export type RemoveError = WriteError | InvalidKey | SnapshotNotFound | HasChildren | Busy
export type UpdateError = WriteError | InvalidKey | InvalidLabels | SnapshotNotFound | ImmutableField | ContentsSuspect
export type CleanupError = StoreFailure | LockTimeout | NotDurable | ReadOnlyStore
export type CheckError = StoreFailure | LockTimeout

export type OpenError =
  | NotAStore
  | UnsupportedVersion
  | XattrsMismatch
  | UnsuitableRoot
  | InvalidOption
  | StoreFailure
  | ReadOnlyStore
  | LockTimeout
  | NotDurable
