/** A campaign: its parts one after another, each with its share of the time. */
import { commandFor } from "./command.ts"
import type { Outcome, Part } from "./Part.ts"

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

/** Something that must not be, and the one command that shows it again. */
export interface Shown {
  readonly what: string
  readonly command: string
}

export interface PartReport extends Omit<Outcome, "violations"> {
  readonly name: string
  readonly title: string
  readonly seconds: number
  readonly violations: ReadonlyArray<Shown>
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
    for (const note of report.notes ?? []) say(`  ${note}`)
    for (const { command, what } of report.violations) say(`  VIOLATION ${what}\n  replay: ${command}`)
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

const progressMillis = 5_000

const run = async (
  part: Part,
  until: number,
  { replay, say, seed, signal }: CampaignOptions
): Promise<PartReport> => {
  const began = performance.now()
  let shown = began
  const progress = (text: string) => {
    const now = performance.now()
    if (now - shown < progressMillis) return
    shown = now
    say(`  ${clock(now - began)} ${text}`)
  }
  const { violations, ...outcome } = await part.run({
    seed,
    until,
    signal,
    progress,
    ...(replay === undefined ? {} : { replay })
  }).catch((cause: unknown) => signal.aborted ? nothing : broken(part, cause, replay))
  const short = replay === undefined && !signal.aborted
    ? Object.entries(part.floors).filter(([count, floor]) => (outcome.counts[count] ?? 0) < floor)
      .map(([count, floor]) => `${count}: ${outcome.counts[count] ?? 0} of ${floor}`)
    : []
  const { name, title } = part
  return {
    name,
    title,
    ...outcome,
    violations: violations.map(({ replay, what }) => ({ what, command: commandFor(name, seed, replay) })),
    short,
    seconds: Math.round((performance.now() - began) / 1_000)
  }
}

/** Interrupted, a part ends in the midst of what it does, and what it says of that says nothing of the library. */
const nothing: Outcome = { counts: {}, violations: [], complete: false }

/** A part that cannot be run has proved nothing. */
const broken = ({ name }: Part, cause: unknown, replay: string | undefined): Outcome => ({
  ...nothing,
  violations: [{
    what: `${name} could not be run: ${cause instanceof Error ? cause.stack ?? cause.message : String(cause)}`,
    replay
  }]
})

/** One line for a part: what it did, and how it ended. */
export const line = ({ complete, counts, name, seconds, short, violations }: PartReport): string =>
  [
    `${name}: ${violations.length} violations`,
    ...Object.entries(counts).map(([count, number]) => `${number.toLocaleString("en-US")} ${count}`),
    complete ? "all of it" : "as far as the time went",
    `${seconds} s`,
    ...short.map((one) => `TOO LITTLE ${one}`)
  ].join(", ")

/** The last line for all of them. */
export const ending = ({ short, violations }: CampaignReport): string =>
  violations === 0 && short > 0
    ? "0 violations, but too little was done: give it more --minutes"
    : `${violations} violations`

const clock = (milliseconds: number): string =>
  `${Math.floor(milliseconds / 60_000)}:${String(Math.floor(milliseconds / 1_000) % 60).padStart(2, "0")}`
