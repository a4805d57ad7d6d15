/**
 * The vocabulary: what a snapshot is called, what kinds there are, what is known about one.
 *
 * A `Key` names an active snapshot or a view, a `Name` a committed one; they share one namespace but not one type, so
 * that `commit(name, key)` cannot be called the wrong way round. `Key.make` and `Name.make` only say which is meant:
 * whether the text is allowed is judged by the operation, as a typed failure, so that nothing throws on bad input.
 */
import { Schema } from "effect"

/** The key of an active snapshot or a view: any non-empty text without NUL, up to {@link identifierBytesMax}. */
export const Key = Schema.String.pipe(Schema.brand("@snapshotter/Key"))
export type Key = typeof Key.Type

/** The name of a committed snapshot, under the same rules as a {@link Key}. */
export const Name = Schema.String.pipe(Schema.brand("@snapshotter/Name"))
export type Name = typeof Name.Type

/** Either of the two: what `stat`, `usage`, `update` and `remove` look up. */
export const KeyOrName = Schema.Union([Key, Name])
export type KeyOrName = typeof KeyOrName.Type

/** A text as what something is called, when it is not known which of the two it is. */
export const called = (text: string): KeyOrName => Key.make(text)

/** Most bytes, in UTF-8, that a key or name may have. */
export const identifierBytesMax = 65_536

/** Most bytes, in UTF-8, that one label's key and value may have together (containerd's limit). */
export const labelBytesMax = 4_096

/** Most lower layers that the kernel's overlay takes (measured on Linux 6.18: 501 are refused with EINVAL). */
export const layersMaxOfKernel = 500

/** What a snapshot's directory is called: 13 characters of lower-case base32, 65 bits, never used twice in a store. */
export const SnapshotId = Schema.String.check(Schema.isPattern(/^[a-z2-7]{13}$/)).pipe(
  Schema.brand("@snapshotter/SnapshotId")
)
export type SnapshotId = typeof SnapshotId.Type

/** `active` is writable, `view` read-only and never committed, `committed` immutable and able to be a parent. */
export const Kind = Schema.Literals(["active", "view", "committed"])
export type Kind = typeof Kind.Type

/** `full`: what has returned survives a power loss. `process`: it survives the end of any process, and nothing waits. */
export type Durability = "full" | "process"

/** Metadata of the caller's own. A label with the value `""` is no label: it is not kept. */
export const Labels = Schema.Record(Schema.String, Schema.String)
export type Labels = typeof Labels.Type

/** A moment, in nanoseconds since 1970-01-01T00:00:00Z. */
export const Timestamp = Schema.BigInt
export type Timestamp = typeof Timestamp.Type

const common = {
  /** The committed snapshot that this one was forked from; absent for one without parent. */
  parent: Schema.optionalKey(Name),
  labels: Labels,
  createdAt: Timestamp,
  /** Moves with each `update`, never backwards. */
  updatedAt: Timestamp
}

export const ActiveInfo = Schema.Struct({
  kind: Schema.Literal("active"),
  name: Key,
  readonly: Schema.Literal(false),
  ...common
})
export type ActiveInfo = typeof ActiveInfo.Type

export const ViewInfo = Schema.Struct({
  kind: Schema.Literal("view"),
  name: Key,
  readonly: Schema.Literal(true),
  ...common
})
export type ViewInfo = typeof ViewInfo.Type

export const CommittedInfo = Schema.Struct({
  kind: Schema.Literal("committed"),
  name: Name,
  readonly: Schema.Literal(true),
  ...common
})
export type CommittedInfo = typeof CommittedInfo.Type

/** What is known about a snapshot; its `kind` tells the three shapes apart. */
export const Info = Schema.Union([ActiveInfo, ViewInfo, CommittedInfo]).pipe(Schema.toTaggedUnion("kind"))
export type Info = typeof Info.Type

/** What removing a snapshot would give back: its own layer alone, hard links once, sparse files by their blocks. */
export const Usage = Schema.Struct({ bytes: Schema.Number, inodes: Schema.Number })
export type Usage = typeof Usage.Type

/** Why `text` cannot be a key or name; `undefined` when it can. */
export const identifierProblem = (text: unknown): string | undefined => {
  if (typeof text !== "string") return "it is not a string"
  if (text === "") return "it is empty"
  if (text.includes("\0")) return "it contains NUL"
  if (!text.isWellFormed()) return "it contains a lone surrogate, so it has no bytes"
  const bytes = utf8Bytes(text)
  return bytes > identifierBytesMax ? `it has ${bytes} bytes, and at most ${identifierBytesMax} are allowed` : undefined
}

/** Why this cannot be a label; `undefined` when it can. */
export const labelProblem = (key: string, value: unknown): string | undefined => {
  if (typeof value !== "string") return "its value is not a string"
  if (key === "") return "its key is empty"
  if (!key.isWellFormed() || !value.isWellFormed()) return "it contains a lone surrogate, so it has no bytes"
  const bytes = utf8Bytes(key) + utf8Bytes(value)
  return bytes > labelBytesMax
    ? `its key and value have ${bytes} bytes together, and at most ${labelBytesMax} are allowed`
    : undefined
}

const encoder = new TextEncoder()
const utf8Bytes = (text: string): number => encoder.encode(text).length
