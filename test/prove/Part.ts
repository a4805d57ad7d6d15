/** A part of the campaign that `npm run prove` is: it works until it is done or its time is over, and tells what it saw. */

/** How a part is to work. */
export interface Orders {
  /** All that is drawn at random comes from this. */
  readonly seed: number
  /** `performance.now()` at which to begin nothing more; `Infinity`: do the whole. */
  readonly until: number
  /** How far it is, in a line, told as often as one likes: the campaign shows one every few seconds. */
  readonly progress: (line: string) => void
  /** Aborted when the campaign is interrupted: end soon, and leave nothing behind. Whoever rejects then has found nothing. */
  readonly signal: AbortSignal
  /** What a violation gave, to do that case alone. */
  readonly replay?: string
}

/** Something that must not be. */
export interface Violation {
  readonly what: string
  /** What shows it again as `--replay`, with the campaign's seed; `undefined`: only the whole part does. */
  readonly replay: string | undefined
}

export interface Outcome {
  /** What was done, by name: states, kills, injections, … */
  readonly counts: Readonly<Record<string, number>>
  readonly violations: ReadonlyArray<Violation>
  /** Whether all was done that the part does, or its time was over before. */
  readonly complete: boolean
  /** What else there is to read. */
  readonly notes?: ReadonlyArray<string>
}

export interface Part {
  /** A word for `--only`. */
  readonly name: string
  /** What it proves, in a line. */
  readonly title: string
  /** What its counts must reach for the campaign to mean anything; a part that did too little has proved nothing. */
  readonly floors: Readonly<Record<string, number>>
  readonly run: (orders: Orders) => Promise<Outcome>
}
