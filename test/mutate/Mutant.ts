/** A defect of one place, and what it is called so that it is known again when the lines around it have changed. */

export interface Mutant {
  /** Eight hexadecimal digits of its name. */
  readonly id: string
  /**
   * Where it is and what it does: file, declaration, kind, the text that is there and what stands there instead; and which one
   * of several that are alike in all of that.
   */
  readonly name: string
  /** By which the instrumented copy knows it; means nothing elsewhere. */
  readonly number: string
  /** Below `packages/core/src`. */
  readonly file: string
  readonly line: number
}

/** What became of it: which test failed or ran for ever, or that none did, or that none comes by. */
export type Fate =
  | { readonly _tag: "Killed" | "TimedOut"; readonly by: string }
  | { readonly _tag: "Survived"; readonly tests: number }
  | { readonly _tag: "Uncovered" }

export interface Judged {
  readonly mutant: Mutant
  readonly fate: Fate
  readonly millis: number
}

export const isDetected = ({ fate }: Judged): boolean => fate._tag === "Killed" || fate._tag === "TimedOut"
