/** A campaign: its parts one after another, each with its share of the time. */
import type { Outcome, Part, Violation } from "./Part.ts"

/** A part, and how much of the time it gets for each that others get. What it leaves goes to those after it. */
export interface Share {
  readonly part: Part
  readonly weight: number
}

export interface CampaignOptions {
  readonly shares: ReadonlyArray<Share>
  readonly seed: number
  /** `Infinity`: each part does the whole of what it does. */
  readonly minutes: number
  readonly replay?: string
  readonly say: (line: string) => void
  readonly signal: AbortSignal
}

export interface PartReport extends Outcome {
  readonly name: string
  readonly title: string
  readonly seconds: number
  /** The counts that are below the part's floors: too little was done to prove anything. */
  readonly short: ReadonlyArray<string>
}

export interface CampaignReport {
  readonly seed: number
  readonly minutes: number | "all that it takes"
  readonly parts: ReadonlyArray<PartReport>
  readonly violations: number
  readonly short: number
}

export const campaign = async (options: CampaignOptions): Promise<CampaignReport> => {
  const { minutes, say, seed, shares, signal } = options
  const end = performance.now() + minutes * 60_000
  const parts: Array<PartReport> = []
  for (const [at, { part, weight }] of shares.entries()) {
    if (signal.aborted) break
    say(`${part.name}: ${part.title}`)
    const now = performance.now()
    const weights = shares.slice(at).reduce((sum, share) => sum + share.weight, 0)
    const until = minutes === Infinity ? Infinity : now + Math.max(0, end - now) * weight / weights
    const report = await run(part, until, options)
    for (const violation of report.violations) say(`  VIOLATION ${textOf(violation)}`)
    say(`  ${line(report)}`)
    parts.push(report)
  }
  return {
    seed,
    minutes: minutes === Infinity ? "all that it takes" : minutes,
    parts,
    violations: parts.reduce((sum, { violations }) => sum + violations.length, 0),
    short: parts.reduce((sum, { short }) => sum + short.length, 0)
  }
}

const run = async (
  part: Part,
  until: number,
  { replay, say, seed, signal }: CampaignOptions
): Promise<PartReport> => {
  const began = performance.now()
  const progress = (text: string) => say(`  ${clock(performance.now() - began)} ${text}`)
  const outcome = await part.run({ seed, until, signal, progress, ...(replay === undefined ? {} : { replay }) })
    .catch((cause: unknown): Outcome => ({ counts: {}, violations: [broken(part, cause)], complete: false }))
  const short = replay === undefined
    ? Object.entries(part.floors).filter(([count, floor]) => (outcome.counts[count] ?? 0) < floor)
      .map(([count, floor]) => `${count}: ${outcome.counts[count] ?? 0} of ${floor}`)
    : []
  const { name, title } = part
  return { name, title, ...outcome, short, seconds: Math.round((performance.now() - began) / 1_000) }
}

/** A part that cannot be run has proved nothing. */
const broken = ({ name }: Part, cause: unknown): Violation => ({
  what: `${name} could not be run: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`,
  replay: `npm run prove -- --only ${name}`
})

export const textOf = ({ replay, what }: Violation): string => `${what}\n  replay: ${replay}`

/** One line for a part: what it did, and how it ended. */
export const line = ({ complete, counts, name, seconds, short, violations }: PartReport): string =>
  [
    `${name}: ${violations.length} violations`,
    ...Object.entries(counts).map(([count, number]) => `${number.toLocaleString("en-US")} ${count}`),
    complete ? "all of it" : "as far as the time went",
    `${seconds} s`,
    ...short.map((one) => `TOO LITTLE ${one}`)
  ].join(", ")

const clock = (milliseconds: number): string =>
  `${Math.floor(milliseconds / 60_000)}:${String(Math.floor(milliseconds / 1_000) % 60).padStart(2, "0")}`
