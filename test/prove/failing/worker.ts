/** A thread that strikes its share: `workerData` is its plan. */
import { Effect } from "effect"
import { parentPort, workerData } from "node:worker_threads"
import { type Report, strikeAll } from "./campaign.ts"
import { memory } from "./memorySite.ts"

export type Message = { readonly progress: number } | { readonly report: Report }

// A thread has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const say = (message: Message): void => parentPort?.postMessage(message)

say({ report: await Effect.runPromise(strikeAll(memory, workerData, (injections) => say({ progress: injections }))) })
