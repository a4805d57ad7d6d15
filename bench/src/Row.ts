/** One line of the table: what was measured, beside what it is held to. Pure. */

export interface Row {
  readonly section: string
  /** On which disk, where that matters. */
  readonly disk?: string
  readonly durability?: "full" | "process"
  readonly operation: string
  /** What was varied: `10,000 snapshots`, `depth 100`, … */
  readonly at?: string
  readonly unit: Unit
  /** The median of what was measured. */
  readonly value: number
  /** The median of the bare calls, measured in turns with it. */
  readonly floor?: number
  /** The same two for the fastest tenth of the measurements: on a busy machine they say more than medians. */
  readonly undisturbed?: { readonly value: number; readonly floor: number }
  /** What `value` is held against where that is no floor: the rate of one fiber, a copy, a smaller store. */
  readonly reference?: { readonly called: string; readonly value: number }
  readonly samples: number
  readonly target?: Target
}

export type Unit = "µs" | "ms" | "/s" | "waits" | "MB"

export interface Target {
  /** As it is shown: `≤ 3 × floor`. */
  readonly text: string
  readonly met: boolean
}

/** How many times the floor, or the reference. */
export const ratioOf = (row: Row): number | undefined => {
  const base = row.floor ?? row.reference?.value
  return base === undefined ? undefined : row.value / base
}

/** Holds a row to a multiple of its floor. */
export const atMostFloors = (row: Row, times: number): Row => {
  const ratio = ratioOf(row)
  return ratio === undefined ? row : { ...row, target: { text: `≤ ${times} × floor`, met: ratio <= times } }
}

/** Holds a row to an absolute limit, in its own unit. */
export const atMost = (row: Row, limit: number): Row => ({
  ...row,
  target: { text: `≤ ${limit.toLocaleString("en")} ${row.unit}`, met: row.value <= limit }
})

export const atLeast = (row: Row, limit: number): Row => ({
  ...row,
  target: { text: `≥ ${limit.toLocaleString("en")} ${row.unit}`, met: row.value >= limit }
})

/** Holds a row to a multiple of its reference. */
export const againstReference = (row: Row, sign: "≤" | "≥", times: number): Row => {
  const ratio = ratioOf(row)
  if (ratio === undefined || row.reference === undefined) return row
  const text = `${sign} ${times} × ${row.reference.called}`
  return { ...row, target: { text, met: sign === "≤" ? ratio <= times : ratio >= times } }
}

/** Two targets on one row: both have to be met. */
export const bothTargets = (row: Row, ...held: ReadonlyArray<Row>): Row => {
  const targets = held.flatMap(({ target }) => target === undefined ? [] : [target])
  if (targets.length === 0) return row
  return {
    ...row,
    target: { text: targets.map(({ text }) => text).join(", "), met: targets.every(({ met }) => met) }
  }
}

/** What a tenth of them does not exceed. */
export const fastTenth = (values: ReadonlyArray<number>): number =>
  [...values].sort((a, b) => a - b)[Math.floor(values.length / 10)] ?? Number.NaN

export const median = (values: ReadonlyArray<number>): number => {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length / 2
  return sorted.length % 2 === 1
    ? sorted[Math.floor(middle)] ?? Number.NaN
    : ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2
}
