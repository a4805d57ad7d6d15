/** What may become of a call, and the loop's names for it. */
import * as Faults from "@snapshotter/memory-fs/Faults"
import { Effect } from "effect"

/** The errnos that a disk, a process or an administrator may give at any call. */
export const codes = ["ENOSPC", "EIO", "EMFILE", "EACCES", "EROFS", "EDQUOT", "EINTR"] as const
export type Code = (typeof codes)[number]

/** One thing that may not or cannot be read is damaged, and what is not about it goes on. */
export const isOfOneThing = (code: string | undefined): boolean => code === "EACCES" || code === "EIO"

/** Kinds of strikes: what they are called in the table, and in messages. */
export type Kind =
  | "fails once"
  | "fails from then on"
  | "fails halfway"
  | "dies before"
  | "dies halfway"
  | "dies after"
  | "is interrupted"
  | "is interrupted after"
  | "its disk fails once"
  | "its disk fails from then on"
  | "dies within"
  | "finds the disk full"

/** What a strike may do to the operation itself. */
export interface Control {
  /** The call never ends, and the operation is interrupted meanwhile; where it cannot be, the call ends after all. */
  readonly hang: Effect.Effect<void>
  /** The operation is interrupted, and everybody has had time to notice. */
  readonly interrupt: Effect.Effect<void>
}

export interface Strike {
  readonly kind: Kind
  readonly code: Code | undefined
  /** Whether it strikes steps of the disk instead of calls. */
  readonly steps: boolean
  readonly calls: (n: number, control: Control) => Faults.Injector
  readonly disk: (n: number) => Faults.StepInjector
  /** What is done when the operation has ended, before anybody looks. */
  readonly afterwards: Effect.Effect<void>
}

const atCall = (
  kind: Kind,
  code: Code | undefined,
  calls: Strike["calls"]
): Strike => ({ kind, code, steps: false, calls, disk: () => () => "pass", afterwards: Effect.void })

const atStep = (kind: Kind, code: Code | undefined, disk: Strike["disk"]): Strike => ({
  kind,
  code,
  steps: true,
  calls: () => Faults.noFaults,
  disk,
  afterwards: Effect.void
})

/** Something else happens right before the call, and something when the operation has ended. */
export const around = (
  kind: Kind,
  code: Code | undefined,
  before: Effect.Effect<void>,
  afterwards: Effect.Effect<void>
): Strike => ({ ...atCall(kind, code, (n) => Faults.at(n, { before })), afterwards })

export const failures: ReadonlyArray<Strike> = codes.flatMap((code) => [
  atCall("fails once", code, (n) => Faults.at(n, { fail: code })),
  atCall("fails from then on", code, (n) => Faults.from(n, { fail: code })),
  atCall("fails halfway", code, (n) => Faults.when(Faults.canBeHalfDone, Faults.at(n, { failHalfway: code })))
])

export const deaths: ReadonlyArray<Strike> = [
  atCall("dies before", undefined, (n) => Faults.at(n, "dieBefore")),
  atCall("dies halfway", undefined, (n) => Faults.when(Faults.canBeHalfDone, Faults.at(n, "dieHalfway"))),
  atCall("dies after", undefined, (n) => Faults.at(n, "dieAfter"))
]

export const interruptions: ReadonlyArray<Strike> = [
  atCall("is interrupted", undefined, (n, { hang }) => Faults.at(n, { before: hang })),
  atCall("is interrupted after", undefined, (n, { interrupt }) => Faults.at(n, { after: interrupt }))
]

export const diskFailures: ReadonlyArray<Strike> = [
  ...codes.map((code) => atStep("its disk fails once", code, (n) => Faults.atStep(n, { fail: code }))),
  ...codes.map((code) => atStep("its disk fails from then on", code, (n) => Faults.fromStep(n, { fail: code }))),
  atStep("dies within", undefined, (n) => Faults.atStep(n, "dieBefore"))
]

export const describeStrike = ({ code, kind }: Strike): string => code === undefined ? kind : `${kind} with ${code}`

export const strikes: ReadonlyArray<Strike> = [...failures, ...deaths, ...interruptions, ...diskFailures]
