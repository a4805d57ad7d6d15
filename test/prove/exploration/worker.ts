/** A thread that explores its share of the sequences. */
import { parentPort, workerData } from "node:worker_threads"
import { explorePlan, type Plan, type Report } from "./campaign.ts"
import type { Explored } from "./explore.ts"

export type Message = { readonly progress: Explored } | { readonly report: Report }

const plan: Plan = workerData
// A thread has no origin.
// oxlint-disable-next-line unicorn/require-post-message-target-origin
const say = (message: Message) => parentPort?.postMessage(message)
say({ report: await explorePlan(plan, (progress) => say({ progress })) })
