/**
 * `relink`: the repair of an index that lost links, which one must ask for. Commit point: each link, by itself.
 *
 * The index holds nothing that the directories do not say. Only a snapshot whose name no link finds gets one, and only if
 * no other snapshot bears the same name; nothing is ever removed but a dead link in its place.
 */
import { Effect, Result } from "effect"
import type { SnapshotId } from "../Snapshot.ts"
import type { FileSystemError } from "../StoreFileSystem.ts"
import { barrier } from "./durable.ts"
import { idsAmong, kinds, linkText, parseLink, type Target } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
import { unlessUnreadable } from "./read.ts"
import { sha256Hex } from "./sha256.ts"
import { failedIn, type Store } from "./store.ts"
import { done } from "./turns.ts"

/** Gives their links back to snapshots that have none, and says which. */
export const relink = (store: Store) =>
  store.turns.take({
    operation: "relink",
    reads: [],
    writes: undefined,
    notSynced: failedIn("relink"),
    stage: () =>
      Effect.gen(function*() {
        const lost = yield* lostLinks(store)
        for (const { link, target } of lost) {
          yield* store.fs.removeFile(link)
          yield* store.fs.symlink(linkText(target), link)
        }
        const relinked = lost.map(({ name }) => name)
        const waits = relinked.length > 0 && store.settings.durability === "full"
        const after = barrier(waits, { kind: "directory", path: store.layout.index })
        return { ...done<ReadonlyArray<string>>(relinked), after }
      }).pipe(Effect.mapError(failedIn("relink")))
  })

interface LostLink {
  readonly name: string
  readonly link: string
  readonly target: Target
}

/** All of them, before any is put back: a store that cannot be read is not changed. */
const lostLinks = Effect.fnUntraced(function*(store: Store) {
  const lost: Array<LostLink> = []
  const { bearers, nameless } = yield* bearersByName(store)
  for (const [name, targets] of bearers) {
    const [target] = targets
    if (target === undefined || targets.length > 1) continue
    const link = store.layout.link(sha256Hex(name))
    // What is no link at all is replaced too.
    const isNoLink = (error: FileSystemError) => error.code === "EINVAL"
    const text = yield* Effect.catchIf(store.fs.readLink(link), isNoLink, () => Effect.succeed(undefined))
    const leadsTo = text === undefined ? undefined : parseLink(text)
    // One whose name cannot be read may be the one that is meant.
    if (leadsTo?.id === target.id && leadsTo.kind === target.kind) continue
    if (leadsTo === undefined || !nameless.has(leadsTo.id)) lost.push({ name, link, target })
  }
  return lost
})

const bearersByName = Effect.fnUntraced(function*(store: Store) {
  const bearers = new Map<string, Array<Target>>()
  const nameless = new Set<SnapshotId>()
  for (const kind of kinds) {
    for (const id of idsAmong(yield* store.fs.readDirectory(store.layout.place(kind)))) {
      const path = store.layout.snapshot(kind, id).metadata(kind)
      const metadata = readMetadata((yield* unlessUnreadable(store.fs.readFile(path), () => undefined)) ?? "")
      if (Result.isFailure(metadata)) {
        nameless.add(id)
        continue
      }
      const { name } = metadata.success
      bearers.set(name, [...bearers.get(name) ?? [], { kind, id }])
    }
  }
  return { bearers, nameless }
})
