/** Judging what callers hand in, before anything is done with it. */
import { Effect } from "effect"
import { identifierProblem, labelProblem, type Labels } from "../Snapshot.ts"
import { ImmutableField, InvalidKey, InvalidLabels } from "../SnapshotterError.ts"

/** Fails unless the text can be a key or name. */
export const validIdentifier = (role: "key" | "name" | "parent", value: string): Effect.Effect<void, InvalidKey> => {
  const reason = identifierProblem(value)
  return reason === undefined ? Effect.void : Effect.fail(new InvalidKey({ role, value, reason }))
}

/** The labels as they are kept, those without value left out; or which one cannot be kept, and why. */
export const validLabels = (labels: Labels | undefined): Effect.Effect<Labels, InvalidLabels> => {
  if (labels === undefined) return Effect.succeed({})
  if (!isRecord(labels)) return Effect.fail(noRecord())
  for (const [label, value] of Object.entries(labels)) {
    const reason = labelProblem(label, value)
    if (reason !== undefined) return Effect.fail(new InvalidLabels({ label, reason }))
  }
  return Effect.succeed(kept(Object.entries(labels)))
}

/** What a caller without types may have handed in. */
const isRecord = (value: unknown): boolean => typeof value === "object" && value !== null && !Array.isArray(value)

const noRecord = () => new InvalidLabels({ label: "", reason: "labels are an object of texts" })

/** What `update` may be told to do with the labels. */
export type LabelUpdate =
  /** Set these, remove those that are `null` or `""`, leave the others. */
  | { readonly patch: Readonly<Record<string, string | null>> }
  /** Have exactly these. */
  | { readonly replace: Labels }

/** A function from the labels as they are to the labels as they will be. */
export const validUpdate = (
  update: LabelUpdate
): Effect.Effect<(labels: Labels) => Labels, InvalidLabels | ImmutableField> => {
  // What an untyped caller may have handed in.
  const given: unknown = update
  const fields = typeof given === "object" && given !== null ? Object.keys(given) : []
  const foreign = fields.find((field) => field !== "patch" && field !== "replace")
  if (foreign !== undefined) return Effect.fail(new ImmutableField({ field: foreign }))
  if (fields.length !== 1) {
    return Effect.fail(new InvalidLabels({ label: "", reason: "an update is either { patch } or { replace }" }))
  }
  if (!isRecord("replace" in update ? update.replace : update.patch)) return Effect.fail(noRecord())
  if ("replace" in update) return Effect.map(validLabels(update.replace), (labels) => () => labels)
  const changes = Object.entries<string | null>(update.patch)
  return Effect.as(
    validLabels(Object.fromEntries(changes.map(([label, value]) => [label, value ?? ""]))),
    (labels: Labels) => kept([...Object.entries(labels), ...changes])
  )
}

/** Later entries win. `Object.fromEntries` defines properties, so that `__proto__` is a label like any other. */
const kept = (entries: ReadonlyArray<readonly [string, string | null]>): Labels =>
  Object.fromEntries([...new Map(entries)].filter((entry): entry is [string, string] => (entry[1] ?? "") !== ""))
