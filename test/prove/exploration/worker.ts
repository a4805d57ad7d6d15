/** A thread that explores its share of the sequences. */
import { asThread } from "../inThread.ts"
import { explorePlan } from "./campaign.ts"

await asThread(explorePlan)
