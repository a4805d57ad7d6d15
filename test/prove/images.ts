/**
 * Stores on real disks that lose power: random operations at both durabilities, and programs that write into what is mounted,
 * on ext4 with and without a journal, xfs and btrfs. The disk is copied before calls that may change it, also in the midst of
 * operations, and between syncs, when the kernel has written this or that by itself. A machine comes up with each copy, and
 * everything that was promised is there; so it is where it loses power again while it recovers.
 */
import { Effect, References } from "effect"
import { freshDirectoryIn } from "../../packages/node-fs/test/place.ts"
import { randomFrom } from "../random.ts"
import { tmpfs } from "../tmpfs.ts"
import { Blanks, type Format, formats, newDisk } from "./disk.ts"
import { judge, type Judged, Wrong } from "./images/judge.ts"
import { type Copied, type Work, work } from "./images/work.ts"
import type { Orders, Outcome, Part, Violation } from "./Part.ts"

const disksMax = 60
const copiesEach = 20

export const images: Part = {
  name: "images",
  title: "copies of real disks, in the midst of operations and between syncs, hold what was promised",
  floors: { images: 300, distinct: 150, trees: 300 },
  run: (orders) => lose(orders, { disksMax, copiesEach })
}

export interface Losses {
  readonly disksMax: number
  readonly copiesEach: number
  /** For a store that is to be caught. */
  readonly otherwise?: Work["otherwise"]
}

/** Loses power so often, or as often as there is time for. */
export const lose = (orders: Orders, { copiesEach, disksMax, otherwise }: Losses): Promise<Outcome> => {
  const tally = new Tally()
  const first = orders.replay === undefined ? orders.seed : Number(orders.replay)
  const most = orders.replay === undefined ? disksMax : 1
  const all = Effect.gen(function*() {
    const place = yield* freshDirectoryIn(tmpfs())
    const blanks = new Blanks(place)
    let disks = 0
    while (disks < most && (disks === 0 || performance.now() < orders.until)) {
      const seed = first + disks++
      yield* loseOne({ seed, place, blanks, copies: copiesEach, otherwise }, tally)
      orders.progress(`${disks} disks, ${tally.counts["images"]} images`)
    }
    return tally.outcome(disks === most)
  })
  // That something is damaged is what is expected here of what was made at `process`.
  const quietly = Effect.provideService(Effect.scoped(all), References.MinimumLogLevel, "None")
  return Effect.runPromise(quietly, { signal: orders.signal })
}

interface OneDisk {
  readonly seed: number
  readonly place: string
  readonly blanks: Blanks
  readonly copies: number
  readonly otherwise: Losses["otherwise"]
}

/** Everything that is done to a disk comes from one seed. */
const loseOne = Effect.fnUntraced(function*({ blanks, copies, otherwise, place, seed }: OneDisk, tally: Tally) {
  const random = randomFrom(seed)
  const format = formats[seed % formats.length]
  if (format === undefined) throw new Error(`the seed ${seed} is no whole number`)
  const given = otherwise === undefined ? {} : { otherwise }
  const worked = yield* Effect.result(wrongs(Effect.scoped(Effect.flatMap(
    newDisk(blanks, format, place),
    (disk) => work({ disk, place, random, copies, ...given })
  ))))
  if (worked._tag === "Failure") return tally.violate(format, seed, worked.failure.message)
  const pending = [...worked.success]
  for (let copied = pending.shift(); copied !== undefined; copied = pending.shift()) {
    const judged = yield* Effect.result(wrongs(judge({ format, copied, place, random })))
    tally.saw(format, seed, copied, judged._tag === "Success" ? judged.success : judged.failure)
    if (judged._tag === "Success" && judged.success.again !== undefined) pending.unshift(judged.success.again)
  }
})

/** What the store fails with has found something, and so has what is `Wrong`. Anything else is a fault of this program. */
const wrongs = <A>(effect: Effect.Effect<A, unknown>): Effect.Effect<A, Wrong> =>
  effect.pipe(
    Effect.mapError((failure) => new Wrong(`the store fails: ${String(failure)}`)),
    Effect.catchDefect((defect) => defect instanceof Wrong ? Effect.fail(defect) : Effect.die(defect))
  )

class Tally {
  private readonly digests = new Set<string>()
  private readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = { images: 0, again: 0, found: 0, trees: 0, damaged: 0, stuck: 0, strays: 0 }

  saw(format: Format, seed: number, { moment, ofRecovery }: Copied, judged: Judged | Wrong): void {
    this.count("images")
    this.count(format.name)
    if (ofRecovery) this.count("again")
    if (judged instanceof Wrong) return this.violate(format, seed, `${judged.message}\n${moment}`)
    this.digests.add(judged.digest)
    this.count("found", judged.found)
    this.count("trees", judged.compared)
    this.count("damaged", judged.damaged)
    this.count("stuck", judged.stuck)
    this.count("strays", judged.strays)
  }

  violate({ name }: Format, seed: number, what: string): void {
    this.violations.push({ what: `${name}, seed ${seed}: ${what}`, replay: `${seed}` })
  }

  private count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times
  }

  outcome(complete: boolean): Outcome {
    return { counts: { distinct: this.digests.size, ...this.counts }, violations: this.violations, complete }
  }
}
