/** A defect to plant in a copy of the packages: texts, each to be found exactly once, and what to put in their place. */

export const packages = ["core", "memory-fs", "node-fs"] as const
export type Package = (typeof packages)[number]

/** One replacement in a file of a package's `src`. However lines are broken there, the text is found. */
export interface Edit {
  /** `core` without it. */
  readonly package?: Package
  readonly file: string
  readonly find: string
  readonly put: string
}

/** Tests that are there: a file, or those in it whose names hold this text. */
export interface Tests {
  readonly file: string
  readonly named?: string
}

export interface Defect {
  /** What is wrong with it, in a sentence. Each has another one. */
  readonly name: string
  readonly edits: ReadonlyArray<Edit>
  /** One of these has to catch it. */
  readonly tests: Tests
}
