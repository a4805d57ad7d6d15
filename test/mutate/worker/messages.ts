/** What the driver and a process that runs tests say to each other. */

/** What such a process is given as its one argument, as JSON. */
export interface Setting {
  /** Core's package, and the directory that has the copy of it with the mutants. */
  readonly core: string
  readonly copy: string
  /** The mutant that is active from before anything is loaded. */
  readonly mutant?: string
}

/** To load a test file, by its absolute path. */
export interface Load {
  readonly _tag: "Load"
  readonly file: string
}

/** To run a test of a file that is loaded, with this mutant or with none. */
export interface Run {
  readonly _tag: "Run"
  readonly file: string
  readonly test: string
  readonly mutant?: string
  /** How often the mutant may be passed at most. */
  readonly hitsMax?: number
}

/** How often each mutant was passed, by its number. */
export type Hits = Readonly<Record<string, number>>

export type Loaded =
  | { readonly _tag: "Loaded"; readonly tests: ReadonlyArray<string>; readonly hits: Hits }
  | { readonly _tag: "NotLoaded"; readonly why: string }

export interface Ran {
  readonly _tag: "Ran"
  /** Why it failed, if it did. */
  readonly failure?: string
  readonly millis: number
  readonly hits: Hits
}
