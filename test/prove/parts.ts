/** The parts of the campaign, in their order: the short ones first, since what they leave of their time goes to the others. */
import type { Share } from "./campaign.ts"
import { kills } from "./kills.ts"
import { states } from "./states.ts"
import { syscalls } from "./syscalls.ts"

export const shares: ReadonlyArray<Share> = [
  { part: kills, weight: 5 },
  { part: syscalls, weight: 5 },
  { part: states, weight: 12 }
]
