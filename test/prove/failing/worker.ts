/** A thread that strikes its share. */
import { Effect } from "effect"
import { asThread } from "../inThread.ts"
import { type Plan, strikeAll } from "./campaign.ts"
import { memory } from "./memorySite.ts"

await asThread((plan: Plan, progress: (injections: number) => void) =>
  Effect.runPromise(strikeAll(memory, plan, progress))
)
