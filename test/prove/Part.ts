/** A part of the campaign that `npm run prove` is: it works until it is done or its time is over, and tells what it saw. */

/** How a part is to work. */
export interface Orders {
  /** All that is drawn at random comes from this. */
  readonly seed: number
  /** `performance.now()` at which to begin nothing more; `Infinity`: do the whole. */
  readonly until: number
  /** One line of progress, at most one every few seconds. */
  readonly progress: (line: string) => void
  /** Aborted when the campaign is interrupted: end soon, and leave nothing behind. */
  readonly signal: AbortSignal
  /** What a violation's command gives as `--replay`: to do that case alone. */
  readonly replay?: string
}

/** Something that must not be: what, and the one command that shows it again. */
export interface Violation {
  readonly what: string
  readonly replay: string
}

export interface Outcome {
  /** What was done, by name: states, kills, injections, … */
  readonly counts: Readonly<Record<string, number>>
  readonly violations: ReadonlyArray<Violation>
  /** Whether all was done that the part does, or its time was over before. */
  readonly complete: boolean
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
