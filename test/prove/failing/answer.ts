/** What came of an operation, as values that can be compared. */
import { Cause, Exit } from "effect"

export type Answer =
  | { readonly kind: "success"; readonly value: unknown }
  | { readonly kind: "failure"; readonly tag: string; readonly message: string }
  | { readonly kind: "interrupted" }
  /** The process died. */
  | { readonly kind: "died" }
  /** What nobody may ever see. */
  | { readonly kind: "defect"; readonly text: string }

/** `name` turns what differs from run to run (ids, the place of the store) into what it stands for. */
export const answerOf = (
  exit: Exit.Exit<unknown, unknown>,
  died: boolean,
  name: (text: string) => string
): Answer => {
  if (died) return { kind: "died" }
  if (Exit.isSuccess(exit)) return { kind: "success", value: comparable(exit.value, name) }
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (Cause.hasDies(exit.cause)) return { kind: "defect", text: Cause.pretty(exit.cause) }
  if (failure === undefined) return { kind: "interrupted" }
  const error = failure.error as { readonly _tag?: unknown; readonly message?: unknown }
  return { kind: "failure", tag: String(error._tag), message: name(String(error.message)) }
}

/** Without times, the order of what has none, and differing names. */
const comparable = (value: unknown, name: (text: string) => string): unknown => {
  if (typeof value === "string") return name(value)
  if (typeof value === "bigint") return `${value}`
  if (Array.isArray(value)) {
    return value.map((one) => comparable(one, name)).sort((one, other) =>
      JSON.stringify(one) < JSON.stringify(other) ? -1 : 1
    )
  }
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, one]) => key !== "createdAt" && key !== "updatedAt" && one !== undefined)
      .map(([key, one]) => [key, comparable(one, name)])
  )
}

export const sameValue = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)

/** For messages, and for the table. */
export const describeAnswer = (answer: Answer): string => {
  switch (answer.kind) {
    case "success":
      return "success"
    case "failure":
      return answer.tag
    default:
      return answer.kind
  }
}
