/**
 * Opening a store, and making one. Commit point of the making: the rename that puts `version` in place, last of all.
 *
 * Before it, on disk: the root, its empty directories, the version file. After it: the root and `staging/`. A store that was
 * made at `process` comes on disk when it is first opened at `full`: its record is then exchanged for one that says so.
 */
import { Effect, Result } from "effect"
import {
  type CleanupError,
  NotAStore,
  type OpenError,
  UnsuitableRoot,
  UnsupportedVersion,
  XattrsMismatch
} from "../SnapshotterError.ts"
import type { FileSystemError, StoreFileSystem, SyncTarget } from "../StoreFileSystem.ts"
import { anew } from "./anew.ts"
import { barrier, done, type Staging } from "./change.ts"
import { directories, type Layout, layoutOf, rootBytesMax } from "./layout.ts"
import {
  decodeStoreRecord,
  encodeStoreRecord,
  formatVersion,
  isTornRecord,
  type StoreRecord,
  versionOf
} from "./metadata.ts"
import { hasMoved } from "./moving.ts"
import { failedIn, isFull, leaveBehind, type Store } from "./store.ts"
import { sweep } from "./sweep.ts"

const operation = "open"
const failed = failedIn(operation)

/** Makes the root if there is none, and says where it is without symlinks. */
export const locate = Effect.fnUntraced(function*(fs: StoreFileSystem, given: string) {
  yield* makeRoot(fs, given)
  const root = yield* Effect.mapError(fs.realPath(given), (error) =>
    error.code === "EILSEQ"
      ? new UnsuitableRoot({ root: given, reason: "its path holds bytes that are not UTF-8", remedy: "rename it" })
      : pathFailed(given)(error))
  yield* shortEnough(root)
  const entry = yield* Effect.mapError(fs.lstat(root), failed)
  if (entry?.type !== "directory") return yield* new NotAStore({ root, reason: "it is not a directory" })
  return { layout: layoutOf(root), mode: entry.mode, device: entry.dev }
})

/** Reads the store's record, or makes the store; sweeps what a crash left. Says which overlay attributes it uses. */
export const openStore = Effect.fnUntraced(
  function*(store: Store, mode: number, wanted: "trusted" | "user" | undefined) {
    const { fs, layout } = store
    const record = yield* readRecord(fs, layout)
    const overlayXattrs = yield* agreeOnXattrs(fs, layout, record, wanted)
    yield* tighten(fs, layout, mode)
    // In a new one there is nothing to sweep.
    if (record === undefined) {
      const made = yield* makeOnce(store, { version: formatVersion, overlayXattrs, durable: isFull(store) })
      if (made !== undefined) yield* makeDurable(store, made)
    } else {
      // What cannot be written on a read-only file system does no harm there.
      yield* Effect.catchTag(makeDurable(store, record), "ReadOnlyStore", () => Effect.void)
      yield* Effect.catchIf(
        sweep(store),
        (error) => error._tag === "ReadOnlyStore" || isOfASync(error),
        () => Effect.void
      )
    }
    return overlayXattrs
  }
)

/** A disk that confirms nothing keeps nobody from looking at what is there: what would be swept stays. */
const isOfASync = (error: CleanupError): boolean =>
  error._tag === "StoreFailure" && ["sync", "openForSync"].includes(error.call)

/** Under the lock: another process may be making the same store, and then it is that one's record. */
const makeOnce = (store: Store, record: StoreRecord) =>
  store.turns.take({
    operation,
    reads: [],
    writes: undefined,
    notSynced: failed,
    stage: Effect.fnUntraced(function*(staging) {
      const { fs, layout } = store
      const made = yield* readRecord(fs, layout)
      if (made === undefined) return yield* stageStore(store, record, staging)
      if (made.overlayXattrs !== record.overlayXattrs) {
        const { root } = layout
        return yield* new XattrsMismatch({ root, recorded: made.overlayXattrs, available: record.overlayXattrs })
      }
      return done(made)
    })
  })

/** At `full`: puts a store on disk that was made at `process`, before anything is promised in it. */
const makeDurable = (store: Store, record: StoreRecord): Effect.Effect<void, OpenError> => {
  if (record.durable || !isFull(store)) return Effect.void
  return store.turns.take({
    operation,
    reads: [],
    writes: undefined,
    notSynced: failed,
    stage: Effect.fnUntraced(function*(staging) {
      const { fs, layout } = store
      const text = encodeStoreRecord({ ...record, durable: true })
      const next = yield* writeRecord(fs, layout, text, staging)
      return {
        before: [{ kind: "file", path: next }, ...wholeRoot(layout)],
        commit: fs.exchange(next, layout.version),
        happened: Effect.map(fs.readFile(layout.version), (found) => found === text),
        after: isInPlace(layout),
        settle: leaveBehind(fs.removeFile(next)),
        result: undefined
      }
    })
  })
}

/** The record on its way to its place. */
const writeRecord = Effect.fnUntraced(function*(fs: StoreFileSystem, layout: Layout, text: string, staging: Staging) {
  const next = layout.nextVersion
  staging.undo(leaveBehind(fs.removeFile(next)))
  yield* Effect.mapError(anew(fs, next, fs.writeFile(next, text, 0o600)), failed)
  return next
})

/** The root and its directories, with those above, and nothing of what is in them. */
const wholeRoot = ({ root }: Layout): ReadonlyArray<SyncTarget> =>
  [...directories.map((name) => `${root}/${name}`), root, ...above(root)].map((path) => ({ kind: "directory", path }))

/** Both ends of the record's move. */
const isInPlace = ({ place, root }: Layout): ReadonlyArray<SyncTarget> =>
  [root, place("staging")].map((path) => ({ kind: "directory", path }))

/** The record of a store that is there; `undefined` where a new one may be made. */
const readRecord = Effect.fnUntraced(
  function*(fs: StoreFileSystem, layout: Layout): Effect.fn.Return<StoreRecord | undefined, OpenError> {
    const { root } = layout
    const text = yield* Effect.mapError(
      fs.readFile(layout.version),
      (error) =>
        error.code === "EISDIR" || error.code === "EILSEQ"
          ? new NotAStore({ root, reason: `its version file cannot be read (${error.code})` })
          : failed(error)
    )
    if (text === undefined) return yield* noRecordYet(fs, layout)
    const record = decodeStoreRecord(text)
    if (Result.isSuccess(record)) return record.success
    if (isTornRecord(text) && (yield* isEmptyStore(fs, layout))) return undefined
    const version = versionOf(text)
    if (version !== undefined && version !== formatVersion) {
      return yield* new UnsupportedVersion({ root, version, supported: formatVersion })
    }
    return yield* new NotAStore({ root, reason: "its version file is not one of a store" })
  }
)

/** Fails if the root holds something else than a store in the making, unless one has been made meanwhile. */
const noRecordYet = (fs: StoreFileSystem, layout: Layout): Effect.Effect<StoreRecord | undefined, OpenError> =>
  Effect.catchTag(
    Effect.as(onlyOurs(fs, layout), undefined),
    "NotAStore",
    (refusal) =>
      Effect.flatMap(
        Effect.mapError(fs.lstat(layout.version), failed),
        (made) => made === undefined ? Effect.fail(refusal) : readRecord(fs, layout)
      )
  )

/**
 * Which overlay attributes are used: those that were recorded. A store with `trusted.*` marks is refused to whoever may
 * not use them; one with `user.*` marks serves everyone.
 */
const agreeOnXattrs = Effect.fnUntraced(function*(
  fs: StoreFileSystem,
  layout: Layout,
  record: StoreRecord | undefined,
  wanted: "trusted" | "user" | undefined
) {
  const { root } = layout
  if (record !== undefined && wanted !== undefined && record.overlayXattrs !== wanted) {
    return yield* new XattrsMismatch({ root, recorded: record.overlayXattrs, available: wanted })
  }
  if (record?.overlayXattrs === "user") return record.overlayXattrs
  const available = yield* Effect.matchEffect(fs.overlayXattrs(root), {
    // Nothing can be tried on a read-only file system; nothing will be written there either, and no store made.
    onFailure: (error) =>
      error.code === "EROFS" && record !== undefined
        ? Effect.succeed(record.overlayXattrs)
        : Effect.fail(failed(error)),
    onSuccess: Effect.succeed
  })
  if (available === undefined) {
    const type = yield* Effect.orElseSucceed(fs.fileSystemType(root), () => "unknown")
    return yield* new UnsuitableRoot({
      root,
      reason: `its file system (${type}) keeps no extended attributes, which overlay needs`,
      remedy: "put the store on ext4, xfs, btrfs or tmpfs"
    })
  }
  if (record !== undefined && record.overlayXattrs !== available) {
    return yield* new XattrsMismatch({ root, recorded: record.overlayXattrs, available })
  }
  return record?.overlayXattrs ?? (wanted === "user" ? "user" : available)
})

/** Makes the store, but for its record's place; the caller holds the root's lock and has found none. */
const stageStore = Effect.fnUntraced(function*(store: Store, record: StoreRecord, staging: Staging) {
  const { fs, layout } = store
  const { root } = layout
  const full = isFull(store)
  for (const path of directories.map((name) => `${root}/${name}`)) {
    if ((yield* Effect.mapError(fs.lstat(path), failed)) !== undefined) continue
    staging.undo(leaveBehind(fs.removeTree(path)))
    yield* Effect.mapError(fs.makeDirectory(path, 0o700), failed)
  }
  yield* canHoldAStore(fs, layout)
  const next = yield* writeRecord(fs, layout, encodeStoreRecord(record), staging)
  // One that a power loss has torn gives way.
  const torn = yield* Effect.mapError(fs.lstat(layout.version), failed)
  if (torn !== undefined) yield* Effect.mapError(fs.removeFile(layout.version), failed)
  return {
    before: barrier(
      full,
      { kind: "tree", path: root },
      ...above(root).map((path) => ({ kind: "directory", path }) as const)
    ),
    commit: fs.moveNoReplace(next, layout.version),
    happened: hasMoved(store, next, layout.version),
    after: barrier(full, ...isInPlace(layout)),
    settle: Effect.void,
    result: undefined
  }
})

/** Only its owner may look into a store: layers hold files of others, setuid ones too. A wider root is tightened. */
const tighten = (fs: StoreFileSystem, layout: Layout, mode: number): Effect.Effect<void, OpenError> =>
  mode === 0o700 ? Effect.void : Effect.mapError(
    Effect.catchIf(fs.setMode(layout.root, 0o700), (error) => error.code === "EROFS", () => Effect.void),
    failed
  )

const makeRoot = Effect.fnUntraced(function*(fs: StoreFileSystem, root: string) {
  if (typeof root !== "string" || !root.startsWith("/") || root.includes("\0") || !root.isWellFormed()) {
    return yield* new UnsuitableRoot({
      root: String(root),
      reason: "it is not an absolute path without NUL and lone surrogates",
      remedy: "give one"
    })
  }
  yield* shortEnough(root)
  for (const path of [...above(root)].reverse().concat(root)) {
    const there = yield* Effect.mapError(fs.lstat(path), pathFailed(root))
    if (there !== undefined) continue
    const mode = path === root ? 0o700 : 0o755
    yield* fs.makeDirectory(path, mode).pipe(
      Effect.catchIf((error) => error.code === "EEXIST", () => Effect.void),
      Effect.mapError(pathFailed(root))
    )
  }
})

/** The directories above a path, nearest first. */
const above = (path: string): ReadonlyArray<string> => {
  const parts = path.split("/").filter((part) => part !== "")
  return parts.map((_, depth) => `/${parts.slice(0, depth).join("/")}`).reverse()
}

const encoder = new TextEncoder()

const shortEnough = (root: string) => {
  const bytes = encoder.encode(root).length
  return bytes <= rootBytesMax ? Effect.void : Effect.fail(tooLong(root, `its path has ${bytes} bytes`))
}

const tooLong = (root: string, reason: string) =>
  new UnsuitableRoot({
    root,
    reason: `${reason} (ENAMETOOLONG)`,
    remedy: `give a path of at most ${rootBytesMax} bytes, each name in it of at most 255, or reach it by a bind mount`
  })

/** What a failure on the way to the root says about its path. */
const pathFailed = (root: string) => (error: FileSystemError): OpenError => {
  if (error.code === "ENAMETOOLONG") return tooLong(root, "a name in its path is too long")
  const reason = pathProblems[error.code]
  return reason === undefined ? failed(error) : new NotAStore({ root, reason })
}

const pathProblems: Record<string, string> = {
  ENOTDIR: "a part of its path is not a directory",
  // What is missing was made, one directory after another.
  ENOENT: "a part of its path is a symlink that leads nowhere, or nothing can be made there",
  ELOOP: "its path leads through a loop of symlinks"
}

/** Whether there is all of a store, and nothing in it. */
const isEmptyStore = Effect.fnUntraced(function*(fs: StoreFileSystem, layout: Layout) {
  const names = yield* Effect.mapError(fs.readDirectory(layout.root), failed)
  if (!directories.every((name) => names.includes(name))) return false
  return yield* Effect.as(onlyOurs(fs, layout, "version"), true).pipe(
    Effect.catchTag("NotAStore", () => Effect.succeed(false))
  )
})

/** A root without `version` may hold what an interrupted making left, and nothing else, `besides` excepted. */
const onlyOurs = Effect.fnUntraced(function*(fs: StoreFileSystem, layout: Layout, besides?: string) {
  const { root } = layout
  const ours: ReadonlyArray<string> = directories
  for (const name of yield* Effect.mapError(fs.readDirectory(root), failed)) {
    if (name === besides) continue
    const reason = `it holds ${JSON.stringify(name)} and no version file`
    if (!ours.includes(name)) return yield* new NotAStore({ root, reason })
    const entry = yield* Effect.mapError(fs.lstat(`${root}/${name}`), failed)
    if (entry?.type !== "directory") return yield* new NotAStore({ root, reason })
    const inside = yield* Effect.mapError(fs.readDirectory(`${root}/${name}`), failed)
    if (!inside.every((leftover) => ofTheMaking(layout).includes(`${root}/${name}/${leftover}`))) {
      return yield* new NotAStore({ root, reason })
    }
  }
})

/** What the making of a store puts into its directories for a while. */
const ofTheMaking = (layout: Layout): ReadonlyArray<string> => [layout.nextVersion, ...probesIn(layout)]

const probesIn = (layout: Layout) => [`${layout.place("staging")}/try`, `${layout.place("staging")}/tried`] as const

/** Tries what every operation needs, so that it fails here, with a reason, and not half-way through one. */
const canHoldAStore = Effect.fnUntraced(function*(fs: StoreFileSystem, layout: Layout) {
  const [one, other] = probesIn(layout)
  const clear = Effect.andThen(fs.removeFile(one), fs.removeFile(other))
  yield* clear.pipe(
    Effect.andThen(fs.symlink("nowhere", one)),
    Effect.andThen(fs.moveNoReplace(one, other)),
    Effect.andThen(fs.symlink("elsewhere", one)),
    Effect.andThen(fs.exchange(one, other)),
    Effect.andThen(clear),
    Effect.catch((error) => Effect.flatMap(unsuitedBy(fs, layout.root, error), Effect.fail))
  )
})

const unsuitedBy = (fs: StoreFileSystem, root: string, error: FileSystemError): Effect.Effect<OpenError> =>
  Effect.map(Effect.orElseSucceed(fs.fileSystemType(root), () => "unknown"), (type) =>
    unsuited.has(error.code)
      ? new UnsuitableRoot({
        root,
        reason: `its file system (${type}) refuses ${error.operation} (${error.code})`,
        remedy: "put the store on ext4, xfs, btrfs or tmpfs"
      })
      : failed(error))

const unsuited = new Set(["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL", "ENOTTY"])
