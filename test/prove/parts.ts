/** The parts of the campaign, in their order: the short ones first, since what they leave of their time goes to the others. */
import type { Share } from "./campaign.ts"
import { faults } from "./faults.ts"
import { fullDisk } from "./fullDisk.ts"
import { images } from "./images.ts"
import { kills } from "./kills.ts"
import { planted } from "./planted.ts"
import { reality } from "./reality.ts"
import { states } from "./states.ts"
import { syscalls } from "./syscalls.ts"

export const shares: ReadonlyArray<Share> = [
  { part: faults, weight: 3 },
  { part: fullDisk, weight: 2 },
  { part: syscalls, weight: 4 },
  { part: planted, weight: 4 },
  { part: reality, weight: 1 },
  { part: images, weight: 2 },
  { part: kills, weight: 9 },
  { part: states, weight: 20 }
]
