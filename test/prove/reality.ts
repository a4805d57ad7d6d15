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
  const first = orders.replay === undefined ? orders.seed : Number(orders.replay)
  const most = orders.replay === undefined ? programsMax : 1
  const tally = new Tally()
  const all = Effect.gen(function*() {
    const place = yield* freshDirectoryIn(tmpfs())
    const blanks = new Blanks(place)
    let programs = 0
    while (programs < most && (programs === 0 || performance.now() < orders.until)) {
      // Everything a program does comes from one seed, its disk too.
      const seed = first + programs++
      const format = formatOf(seed)
      tally.saw(seed, format, yield* runProgram({ seed, format, place, blanks, copies: copiesEach }))
      if (most === 1 || programs % formats.length === 0) tally.agreed(seed, yield* agreementOf(seed))
      orders.progress(`${programs} programs, ${tally.counts.copies} copies`)
    }
    const { counts, notes, violations } = tally
    return { counts: { programs, ...counts }, violations, complete: programs === most, notes }
  })
  return Effect.runPromise(Effect.scoped(all), { signal: orders.signal })
}

const formatOf = (seed: number): Format => {
  const format = formats[seed % formats.length]
  if (format === undefined) throw new Error(`the seed ${seed} is no whole number`)
  return format
}

class Tally {
  readonly violations: Array<Violation> = []
  readonly counts = { copies: 0, distinct: 0, enumerated: 0, departed: 0, states: 0, crossed: 0 }
  private readonly digests = new Set<string>()
  /** What each format has shown, and how often. */
  private readonly shown = new Map<string, Map<string, number>>()

  saw(seed: number, format: Format, seen: ReadonlyArray<Seen>): void {
    for (const one of seen) {
      this.counts.copies++
      this.counts.distinct = this.digests.add(one.digest).size
      if (one.simulated !== undefined) this.counts.enumerated++
      if (one.departures?.length !== 0) this.counts.departed++
      this.note(format, namesOf(one))
      if (one.departures?.length === 0 && !one.inOneOrder) this.note(format, "directories not in order with each other")
      for (const fate of one.fates) this.note(format, `contents ${fate}`)
      const wrong = wrongIn(format, one)
      if (wrong !== undefined) this.violate(seed, `${format.name}, seed ${seed}: ${wrong}\n${one.report}`)
    }
  }

  agreed(seed: number, { crossed, disagreements, states }: Effect.Success<ReturnType<typeof agreementOf>>): void {
    this.counts.states += states
    this.counts.crossed += crossed
    for (const one of disagreements) this.violate(seed, one)
  }

  private note({ name }: Format, what: string): void {
    const shown = this.shown.get(name) ?? new Map<string, number>()
    this.shown.set(name, shown.set(what, (shown.get(what) ?? 0) + 1))
  }

  private violate(seed: number, what: string): void {
    this.violations.push({ what, replay: `${seed}` })
  }

  /** For reading: what `docs/FAILURES.md` says of each. */
  get notes(): ReadonlyArray<string> {
    return [...this.shown].map(([format, shown]) => {
      const each = [...shown].sort(([, one], [, other]) => other - one)
      return `${format}: ${each.map(([what, times]) => `${what} ${times}`).join("; ")}`
    })
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
