/** Everything is read back and held against what it should be. */
import { Fork, Mount, Snapshot, Snapshotter } from "@snapshotter/core"
import { Effect, Schema, Stream } from "effect"
import { base } from "./base.ts"
import { accountsFor, type Change, changesOf } from "./changes.ts"
import { edited } from "./forks.ts"
import * as Inventory from "./inventory.ts"
import * as Show from "./show.ts"
import { inventoryOf, type Source, sourceOf } from "./source.ts"
import { type TaskFailed, Tasks } from "./tasks.ts"

/** What was read back is not what it should be. */
export class NotAsPromised extends Schema.TaggedError<NotAsPromised>()("NotAsPromised", { what: Schema.String }) {
  override get message() {
    return `not as promised: ${this.what}`
  }
}

const viewOf = (key: string, parent: Snapshot.Name) => ({ key: Snapshot.Key.make(key), parent })

/** With views of the base and of what was made of it side by side. */
export const readBack = (source: Source) =>
  Fork.viewed(
    viewOf("original", base),
    (original) => Fork.viewed(viewOf("review", edited), (review) => compare(source, original, review))
  )

const compare = Effect.fnUntraced(function*(source: Source, original: string, review: string) {
  const { owners } = source
  const snapshotter = yield* Snapshotter.Snapshotter
  const layer = nearestLayer(yield* snapshotter.mounts(Snapshot.Key.make("review")))
  const changes = yield* changesOf({ layer, parent: original, merged: review })
  const before = yield* inventoryOf({ directory: original, owners }, "reading the base")
  const after = yield* inventoryOf({ directory: review, owners }, "reading what was made of it")
  const proofs = [
    yield* sameAs(source, before),
    yield* onlyThose(changes, before, after),
    `  a write into the view of it was refused: ${(yield* refusal(review)).said}`
  ]
  return { changes, forest: Show.forest(yield* nodes), proofs }
})

/** Where a snapshot's own layer, or that of its nearest parent, lies: the mounts say it. */
const nearestLayer = ([mount]: Mount.Mounts): string =>
  mount?.type === "overlay" ? Mount.overlayOptions(mount).lower[0] ?? "" : mount?.source ?? ""

export const nodes = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter.Snapshotter
  const infos = yield* Stream.runCollect(snapshotter.walk())
  return yield* Effect.forEach(infos, (info) => Effect.map(snapshotter.usage(info.name), (usage) => ({ info, usage })))
})

// ============================================================ what must hold

/** What differs from the input must have changed there, while it was being copied. */
const sameAs = (source: Source, base: Inventory.Inventory) =>
  Effect.gen(function*() {
    const different = Inventory.differences(source.inventory, base)
    const now = different.length === 0 ? source.inventory : (yield* sourceOf(source, "reading again")).inventory
    const changed = new Set(Inventory.differences(source.inventory, now))
    const wrong = different.find((name) => !changed.has(name))
    if (wrong !== undefined) return yield* new NotAsPromised({ what: `${shown(wrong)} in base is not as in the input` })
    const but = different.length === 0 ? "" : `, but for ${different.length} that changed there meanwhile`
    return `  base is the input${but}, after a fork of it was emptied: ${Show.number(base.names.size)} names, ` +
      `sha256 ${Inventory.digest(base).slice(0, 12)}`
  })

const onlyThose = (changes: ReadonlyArray<Change>, base: Inventory.Inventory, made: Inventory.Inventory) =>
  Effect.gen(function*() {
    const different = Inventory.differences(base, made)
    const unexplained = different.find((name) => !accountsFor(changes, name))
    if (unexplained !== undefined) {
      return yield* new NotAsPromised({ what: `${shown(unexplained)} differs, and the layer does not say so` })
    }
    const missing = changes.find((change) => !different.some((name) => accountsFor([change], name)))
    if (missing !== undefined) {
      return yield* new NotAsPromised({ what: `${shown(missing.name)} is in the layer, and does not differ` })
    }
    return `  edited is the base and what its layer changes, nothing else: ${Show.number(made.names.size)} names`
  })

/** The task must fail. */
const refusal = (view: string) =>
  Effect.matchEffect(Tasks.use(({ write }) => write.perform(view)), {
    onFailure: (failure: TaskFailed) => Effect.succeed(failure),
    onSuccess: () => Effect.fail(new NotAsPromised({ what: "a view could be written to" }))
  })

const shown = (name: string) => JSON.stringify(Inventory.shown(name))
