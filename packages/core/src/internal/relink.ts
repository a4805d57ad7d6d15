/**
 * `relink`: the repair of an index that lost links, which one must ask for. Commit point: each link, by itself.
 *
 * The index holds nothing that the directories do not say. Only a snapshot whose name no link finds gets one, and only if
 * no other snapshot bears the same name; nothing is ever removed but a dead link in its place.
 */
import { Effect, Result } from "effect"
import { barrier } from "./durable.ts"
import { idsAmong, kinds, linkText, type Target } from "./layout.ts"
import { readMetadata } from "./metadata.ts"
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
        const relinked: Array<string> = []
        for (const [name, bearers] of yield* bearersByName(store)) {
          const [target] = bearers
          if (target === undefined || bearers.length > 1) continue
          const link = store.layout.link(sha256Hex(name))
          // What is no link at all is replaced too.
          const text = yield* Effect.orElseSucceed(store.fs.readLink(link), () => undefined)
          if (text === linkText(target)) continue
          yield* store.fs.removeFile(link)
          yield* store.fs.symlink(linkText(target), link)
          relinked.push(name)
        }
        const waits = relinked.length > 0 && store.settings.durability === "full"
        const after = barrier(waits, { kind: "directory", path: store.layout.index })
        return { ...done<ReadonlyArray<string>>(relinked), after }
      }).pipe(Effect.mapError(failedIn("relink")))
  })

const bearersByName = Effect.fnUntraced(function*(store: Store) {
  const bearers = new Map<string, Array<Target>>()
  for (const kind of kinds) {
    for (const id of idsAmong(yield* store.fs.readDirectory(store.layout.place(kind)))) {
      const path = store.layout.snapshot(kind, id).metadata(kind)
      const metadata = readMetadata((yield* Effect.orElseSucceed(store.fs.readFile(path), () => undefined)) ?? "")
      if (Result.isFailure(metadata)) continue
      const { name } = metadata.success
      bearers.set(name, [...bearers.get(name) ?? [], { kind, id }])
    }
  }
  return bearers
})
