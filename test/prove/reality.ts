/**
 * The simulated disk against the kernel's file systems: random programs of plain file operations run on ext4 with and
 * without a journal, xfs and btrfs, whose disks are copied in between. What a machine shows that comes up with such a copy is
 * among the states that the model allows, and those that memory-fs enumerates, or departs from them as is known.
 */
import { Effect } from "effect"
import { freshDirectoryIn } from "../../packages/node-fs/test/place.ts"
import { tmpfs } from "../tmpfs.ts"
import { Blanks, type Format, formats } from "./disk.ts"
import type { Orders, Outcome, Part, Violation } from "./Part.ts"
import { agreementOf } from "./reality/agreement.ts"
import { known } from "./reality/known.ts"
import { runProgram, type Seen } from "./reality/program.ts"

const programsMax = 400
const copiesEach = 6

export const reality: Part = {
  name: "reality",
  title: "what the simulated disk may come up with is what real disks come up with",
  floors: { programs: 16, copies: 90, enumerated: 30, states: 500 },
  run: (orders) => compare(orders, programsMax)
}

/** So many programs, or as many as there is time for. */
export const compare = (orders: Orders, programsMax: number): Promise<Outcome> => {
  const tally = new Tally(orders.seed)
  const all = Effect.gen(function*() {
    const place = yield* freshDirectoryIn(tmpfs())
    const blanks = new Blanks(place)
    while (tally.programs < programsMax && performance.now() < orders.until) {
      const { format, seed } = tally.next()
      tally.saw(seed, format, yield* runProgram({ seed, format, place, blanks, copies: copiesEach }))
      if (tally.programs % formats.length === 0) tally.agreed(seed, yield* agreementOf(seed))
      orders.progress(`${tally.programs} programs, ${tally.counts["copies"]} copies`)
    }
    return tally.outcome(tally.programs === programsMax)
  })
  return Effect.runPromise(Effect.scoped(all), { signal: orders.signal })
}

/** Everything a program does comes from one seed, its disk too: the seeds are those from the campaign's on. */
class Tally {
  private readonly seed: number
  private readonly digests = new Set<string>()
  private readonly violations: Array<Violation> = []
  readonly counts: Record<string, number> = {}
  programs = 0

  constructor(seed: number) {
    this.seed = seed
  }

  next(): { readonly seed: number; readonly format: Format } {
    const seed = this.seed + this.programs++
    const format = formats[seed % formats.length]
    if (format === undefined) throw new Error(`the seed ${seed} is no whole number`)
    return { seed, format }
  }

  saw(seed: number, format: Format, seen: ReadonlyArray<Seen>): void {
    for (const one of seen) {
      this.digests.add(one.digest)
      this.count("copies")
      this.count(`${format.name}: ${namesOf(one)}`)
      if (!one.inOneOrder) this.count(`${format.name}: not in one order`)
      for (const fate of one.fates) this.count(`${format.name}: contents ${fate}`)
      if (one.simulated !== undefined) this.count("enumerated")
      const wrong = wrongIn(format, one)
      if (wrong !== undefined) this.violate(seed, `${format.name}, seed ${seed}: ${wrong}\n${one.report}`)
    }
  }

  agreed(seed: number, { crossed, disagreements, states }: Effect.Success<ReturnType<typeof agreementOf>>): void {
    this.count("states", states)
    this.count("crossed", crossed)
    for (const one of disagreements) this.violate(seed, one)
  }

  private count(what: string, times = 1): void {
    this.counts[what] = (this.counts[what] ?? 0) + times
  }

  private violate(seed: number, what: string): void {
    this.violations.push({ what, replay: `npm run prove -- --only reality --seed ${seed}` })
  }

  outcome(complete: boolean): Outcome {
    const counts = { programs: this.programs, distinct: this.digests.size, ...this.counts }
    return { counts, violations: this.violations, complete }
  }
}

const namesOf = ({ departures }: Seen): string =>
  departures === undefined
    ? "unexplained"
    : departures.length === 0
    ? "the model"
    : `departs in ${departures.join(", ")}`

const wrongIn = ({ name }: Format, { departures, simulated }: Seen): string | undefined => {
  if (departures === undefined) return "nothing explains this tree"
  const news = departures.filter((departure) => !(known[name] ?? []).includes(departure))
  if (news.length > 0) return `it departs from the model in ${news.join(", ")}, which is not known of it`
  return departures.length === 0 && simulated === false ? "the simulated disk never gives this tree" : undefined
}
