/**
 * `relink`: the repair of an index that lost links, which one must ask for. Commit point: each link, by itself.
 *
 * The index holds nothing that the directories do not say. Only a snapshot whose name no link finds gets one, and only if
 * no other snapshot bears the same name. Nothing is ever removed but a dead link in its place, and what stands under a name
 * of the index and is no link: where there is no journal, one that was taken away can come up as somebody else's file.
 */
import { Effect, Result } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { barrier, done } from "./change.ts"
import { idsAmong, isHash, kinds, linkText, parseLink, type Target } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
import { unlessUnreadable } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, isFull, type Store } from "./store.ts"

/** Gives their links back to snapshots that have none, takes away what is none, and says which: the names, or else paths. */
export const relink = (store: Store) =>
  store.turns.take({
    operation: "relink",
    reads: [],
    writes: undefined,
    notSynced: failedIn("relink"),
    stage: () =>
      Effect.gen(function*() {
        const seen = yield* bearersByName(store)
        const lost = yield* lostLinks(store, seen)
        const strays = yield* strayFiles(store, seen)
        const relinked: ReadonlyArray<string> = [...lost.map(({ name }) => name), ...strays]
        // What others promise of something durable they promise under its name.
        const waits = relinked.length > 0 && (isFull(store) || strays.length > 0 || lost.some(({ durable }) => durable))
        return {
          ...done(relinked),
          commit: putBack(store, lost, strays),
          happened: Effect.succeed(undefined),
          // Not the directory alone: where there is no journal, that keeps no symlinks.
          after: barrier(waits, { kind: "tree", path: store.layout.index })
        }
      }).pipe(Effect.mapError(failedIn("relink")))
  })

interface LostLink {
  readonly name: string
  readonly link: string
  readonly target: Target
  readonly durable: boolean
}

const putBack = Effect.fnUntraced(function*(
  { fs }: Store,
  lost: ReadonlyArray<LostLink>,
  strays: ReadonlyArray<string>
) {
  for (const stray of strays) yield* fs.removeFile(stray)
  for (const { link, target } of lost) {
    yield* fs.removeFile(link)
    yield* fs.symlink(linkText(target), link)
  }
})

/** All of them, before any is put back: a store that cannot be read is not changed. */
const lostLinks = Effect.fnUntraced(function*(store: Store, { bearers, nameless }: Seen) {
  const lost: Array<LostLink> = []
  for (const [name, targets] of bearers) {
    const [target] = targets
    if (target === undefined || targets.length > 1) continue
    const link = store.layout.link(sha256Hex(name))
    // What is no link at all is replaced too.
    const text = yield* textOf(store, link)
    const leadsTo = text === undefined ? undefined : parseLink(text)
    // One whose name cannot be read may be the one that is meant.
    if (leadsTo?.id === target.id && leadsTo.kind === target.kind) continue
    if (leadsTo === undefined || !nameless.has(leadsTo.id)) lost.push({ name, link, target, durable: target.durable })
  }
  return lost
})

/**
 * What is no link, under names that nobody bears. None where somebody's name cannot be read, who may be meant. Directories
 * are left for whoever put them there.
 */
const strayFiles = Effect.fnUntraced(function*(store: Store, { bearers, nameless }: Seen) {
  const strays: Array<string> = []
  if (nameless.size > 0) return strays
  const borne = new Set([...bearers.keys()].map(sha256Hex))
  for (const hash of yield* store.fs.readDirectory(store.layout.index)) {
    const path = store.layout.link(hash)
    if (borne.has(hash) || !isHash(hash) || (yield* textOf(store, path)) !== undefined) continue
    const entry = yield* store.fs.lstat(path)
    if (entry !== undefined && entry.type !== "directory") strays.push(path)
  }
  return strays
})

/** A link's; `undefined` where there is none. */
const textOf = (store: Store, link: string) => {
  const isNoLink = (error: FileSystemError) => error.code === "EINVAL"
  return Effect.catchIf(store.fs.readLink(link), isNoLink, () => Effect.succeed(undefined))
}

interface Bearer extends Target {
  readonly durable: boolean
}

interface Seen {
  readonly bearers: ReadonlyMap<string, ReadonlyArray<Bearer>>
  /** Whose name cannot be read. */
  readonly nameless: ReadonlySet<SnapshotId>
}

const bearersByName = Effect.fnUntraced(function*(store: Store) {
  const bearers = new Map<string, Array<Bearer>>()
  const nameless = new Set<SnapshotId>()
  for (const kind of kinds) {
    for (const id of idsAmong(yield* store.fs.readDirectory(store.layout.place(kind)))) {
      const path = store.layout.snapshot(kind, id).metadata(kind)
      const metadata = readMetadata((yield* unlessUnreadable(store.fs.readFile(path), () => undefined)) ?? "")
      if (Result.isFailure(metadata)) {
        nameless.add(id)
        continue
      }
      const { durable, name } = metadata.success
      bearers.set(name, [...bearers.get(name) ?? [], { kind, id, durable }])
    }
  }
  return { bearers, nameless }
})
