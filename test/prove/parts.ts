/** The parts of the campaign, in their order: the short ones first, since what they leave of their time goes to the others. */
import type { Share } from "./campaign.ts"
import { states } from "./states.ts"

export const shares: ReadonlyArray<Share> = [
  { part: states, weight: 12 }
]
