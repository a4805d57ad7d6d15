/** What a store writes down about a snapshot, and about itself: versioned JSON, decoded strictly. */
import { Result, Schema } from "effect"
import { Labels, SnapshotId } from "../Snapshot.ts"

/** The format version that this library writes, and the only one it reads. */
export const formatVersion = 1

/** `key.json` of an active snapshot or a view, `name.json` of a committed one. */
export const Metadata = Schema.Struct({
  version: Schema.Literal(formatVersion),
  /** The key or name: an index link counts only if what it leads to bears the name that was looked up. */
  name: Schema.String,
  /** Whose layers lie below; the `parent` link says the same. Two witnesses, so that a lost link is not taken for none. */
  parent: Schema.optionalKey(SnapshotId),
  labels: Labels,
  createdAt: Schema.BigIntFromString,
  updatedAt: Schema.BigIntFromString,
  /**
   * Whether the snapshot is on disk: for a committed one its contents too. Without it, an operation at durability `full`
   * has to make it so before it builds on it.
   */
  durable: Schema.Boolean
})
export type Metadata = typeof Metadata.Type

const MetadataJson = Schema.fromJsonString(Metadata)
const decodeMetadata = Schema.decodeUnknownResult(MetadataJson)

export const encodeMetadata: (metadata: Metadata) => string = Schema.encodeSync(MetadataJson)

/** The metadata, or what is wrong with the text, ready to be said after a path. */
export const readMetadata = (text: string): Result.Result<Metadata, string> =>
  Result.mapError(decodeMetadata(text), () => problemOf(text))

const problemOf = (text: string): string => {
  if (text === "") return "is empty"
  if (/^\0+$/.test(text)) return "holds nothing but NUL bytes"
  const version = versionOf(text)
  if (version === undefined) return "is not the JSON that this library writes"
  return version === formatVersion
    ? "is JSON of the wrong shape"
    : `has the format version ${JSON.stringify(version)}, and this library knows ${formatVersion}`
}

const Versioned = Schema.fromJsonString(Schema.Struct({ version: Schema.Unknown }))

/** The version that a JSON text claims, whatever else it holds; `undefined` where it is none of ours. */
export const versionOf = (text: string): unknown =>
  Result.getOrUndefined(Result.map(Schema.decodeUnknownResult(Versioned)(text), (json) => json.version))

/** The `version` file of a store. */
export const StoreRecord = Schema.Struct({
  version: Schema.Literal(formatVersion),
  /** Under which prefix overlay keeps its marks in this store's layers. */
  overlayXattrs: Schema.Literals(["trusted", "user"])
})
export type StoreRecord = typeof StoreRecord.Type

const StoreRecordJson = Schema.fromJsonString(StoreRecord)
export const encodeStoreRecord: (record: StoreRecord) => string = Schema.encodeSync(StoreRecordJson)
export const decodeStoreRecord = Schema.decodeUnknownResult(StoreRecordJson)
