/** What a later process makes of a store: opens it, looks at it, reclaims what was left. What it finds is the state. */
import { Key } from "@snapshotter/core/Snapshot"
import { make, type Violation } from "@snapshotter/core/Snapshotter"
import * as Faults from "@snapshotter/memory-fs/Faults"
import { Cause, Context, Effect, Exit } from "effect"
import type { Durability } from "./forest.ts"
import { forkKey } from "./operations.ts"
import { unownedIn } from "./owned.ts"
import { canonicalText, namesById, type Picture } from "./picture.ts"
import { type Site, storeIn } from "./Site.ts"

/** A state, with all that is wrong about how it was left. */
export interface Settled {
  /** Equal for stores that hold the same, once everything was reclaimed. */
  readonly state: string
  /** Paths that belonged to no snapshot. */
  readonly left: ReadonlyArray<string>
  /** Whether a fork was still there under its key; it has been removed by hand. */
  readonly keyLeft: boolean
  /** Whether there are notes of a failed sync. */
  readonly suspect: boolean
  /** Whether there is a store at all. */
  readonly exists: boolean
  /** What must never be. */
  readonly problems: ReadonlyArray<string>
}

/** Works on a copy: the site stays as it is. */
export const settle = (site: Site, durability: Durability): Effect.Effect<Settled> =>
  Effect.scoped(Effect.gen(function*() {
    const before = site.picture()
    const copy = yield* site.copy()
    const exit = yield* Effect.exit(Effect.scoped(reclaim(copy, durability)))
    const keyLeft = [...namesById(before).values()].includes(`<${forkKey}>`)
    const problems = Exit.isFailure(exit)
      ? [`the next process cannot use the store: ${Cause.pretty(exit.cause)}`]
      : exit.value
    return {
      state: canonicalText(copy.picture()),
      left: unownedIn(before),
      keyLeft,
      suspect: [...before.keys()].some((path) => path.endsWith("/suspect")),
      exists: before.has("version"),
      problems: [...problems, ...unownedIn(copy.picture()).map((path) => `left after cleanup: ${path}`)]
    }
  }))

/** What is wrong with the store although all was reclaimed. */
const reclaim = (copy: Site, durability: Durability) =>
  Effect.gen(function*() {
    const backend = yield* copy.process("next", Faults.make())
    const store = yield* Effect.provideContext(
      make({ root: storeIn(copy), durability, lockTimeout: "1 second" }),
      Context.merge(yield* Effect.context<never>(), backend)
    )
    const found = yield* store.check
    if (isThere(copy.picture())) yield* store.remove(Key.make(forkKey))
    const { unremoved } = yield* store.cleanup
    const again = yield* store.cleanup
    return [
      ...found.filter(isDamage).map(describe),
      ...unremoved.map(({ code, path }) => `cannot be removed: ${path} (${code})`),
      ...(yield* store.check).filter(({ severity }) => severity === "reclaimable").map(describe),
      ...[...again.removed, ...again.unremoved].map((one) => `a second cleanup found ${JSON.stringify(one)}`)
    ]
  })

const isThere = (picture: Picture): boolean => [...namesById(picture).values()].includes(`<${forkKey}>`)

/** One link is lost in the littered store, which no cleanup puts right. */
const isDamage = ({ message, severity }: Violation): boolean =>
  severity === "damage" && !message.startsWith("has no link in the index")

const describe = ({ message, path, promise }: Violation): string => `${promise}: ${path} ${message}`
