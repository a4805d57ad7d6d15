/** What a store writes down about a snapshot, and about itself: versioned JSON, decoded strictly. */
import { Effect, Result, Schema } from "effect"
import { type Labels, SnapshotId } from "../Snapshot.ts"

/** The format version that this library writes, and the only one it reads. */
export const formatVersion = 1

/** `key.json` of an active snapshot or a view, `name.json` of a committed one. */
export interface Metadata {
  readonly version: typeof formatVersion
  /** The key or name: an index link counts only if what it leads to bears the name that was looked up. */
  readonly name: string
  /** Whose layers lie below; the `parent` link says the same. Two witnesses, so that a lost link is not taken for none. */
  readonly parent?: SnapshotId
  readonly labels: Labels
  readonly createdAt: bigint
  readonly updatedAt: bigint
  /**
   * Whether the snapshot is on disk: for a committed one its contents too. Without it, an operation at durability `full`
   * has to make it so before it builds on it.
   */
  readonly durable: boolean
}

/** Of a snapshot that is made now. */
export const newMetadata = (
  { now, parent, ...given }: Pick<Metadata, "name" | "labels" | "durable"> & {
    readonly parent: SnapshotId | undefined
    readonly now: bigint
  }
): Metadata => ({
  version: formatVersion,
  ...given,
  ...(parent === undefined ? {} : { parent }),
  createdAt: now,
  updatedAt: now
})

export const encodeMetadata = ({ createdAt, durable, labels, name, parent, updatedAt, version }: Metadata): string =>
  JSON.stringify({
    version,
    name,
    parent,
    labels,
    createdAt: String(createdAt),
    updatedAt: String(updatedAt),
    durable
  })

/** By hand, since every operation does it, some three times, and a walk for each snapshot: a schema takes thrice as long. */
const decodeMetadata = (text: string): Metadata | undefined => {
  const json = parsed(text)
  if (!isRecord(json)) return undefined
  const { createdAt, durable, labels, name, parent, updatedAt, version } = json
  if (version !== formatVersion || typeof name !== "string" || typeof durable !== "boolean") return undefined
  if (!isNumber(createdAt) || !isNumber(updatedAt) || !isLabels(labels)) return undefined
  if (parent !== undefined && !isId(parent)) return undefined
  return {
    version,
    name,
    ...(parent === undefined ? {} : { parent }),
    labels,
    createdAt: BigInt(createdAt),
    updatedAt: BigInt(updatedAt),
    durable
  }
}

const parsed = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isRecord = (json: unknown): json is Readonly<Record<string, unknown>> =>
  typeof json === "object" && json !== null && !Array.isArray(json)

const isLabels = (json: unknown): json is Labels =>
  isRecord(json) && Object.values(json).every((value) => typeof value === "string")

const isNumber = (json: unknown): json is string => typeof json === "string" && /^-?\d+$/.test(json)

const isId = Schema.is(SnapshotId)

/** The metadata, or what is wrong with the text, ready to be said after a path. */
export const readMetadata = (text: string): Result.Result<Metadata, string> => {
  const metadata = decodeMetadata(text)
  return metadata === undefined ? Result.fail(problemOf(text)) : Result.succeed(metadata)
}

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
  overlayXattrs: Schema.Literals(["trusted", "user"]),
  /** Whether the store itself is promised to be on disk. */
  durable: Schema.Boolean.pipe(Schema.withDecodingDefaultKey(Effect.succeed(false)))
})
export type StoreRecord = typeof StoreRecord.Type

const StoreRecordJson = Schema.fromJsonString(StoreRecord)
export const encodeStoreRecord: (record: StoreRecord) => string = Schema.encodeSync(StoreRecordJson)
export const decodeStoreRecord = Schema.decodeUnknownResult(StoreRecordJson)

/** Whether it may be what a power loss has left of a record that nobody waited for: some of it, zeros, nothing. */
export const isTornRecord = (text: string): boolean =>
  (["trusted", "user"] as const).some((overlayXattrs) =>
    encodeStoreRecord({ version: formatVersion, overlayXattrs, durable: false }).startsWith(text.replace(/\0+$/, ""))
  )
