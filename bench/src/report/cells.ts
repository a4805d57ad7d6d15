/** A row as the texts of its cells; the same for every form of the table. Pure. */
import { ratioOf, type Row } from "../Row.ts"

export const headings = [
  "disk",
  "durability",
  "operation",
  "at",
  "median",
  "floor",
  "ratio",
  "undisturbed",
  "target",
  ""
] as const

export const cellsOf = (row: Row): ReadonlyArray<string> => [
  row.disk ?? "",
  row.durability ?? "",
  row.operation,
  row.at ?? "",
  amount(row.value, row),
  row.floor === undefined
    ? row.reference === undefined ? "" : `${amount(row.reference.value, row)} (${row.reference.called})`
    : amount(row.floor, row),
  ratioText(ratioOf(row)),
  row.undisturbed === undefined ? "" : ratioText(row.undisturbed.value / row.undisturbed.floor),
  row.target?.text ?? "",
  row.target === undefined ? "" : row.target.met ? "met" : "NOT MET"
]

const amount = (value: number, { unit }: Row): string => unit === "waits" ? String(value) : `${rounded(value)} ${unit}`

const rounded = (value: number): string =>
  value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(value >= 10 ? 1 : 2)

const ratioText = (ratio: number | undefined): string => {
  if (ratio === undefined) return ""
  return ratio < 0.095 ? `1/${Math.round(1 / ratio).toLocaleString("en")}` : `${ratio.toFixed(2)} ×`
}

/** The sections in the order in which they were measured, each with its rows. */
export const bySection = (rows: ReadonlyArray<Row>): ReadonlyArray<readonly [string, ReadonlyArray<Row>]> => {
  const sections = new Map<string, Array<Row>>()
  for (const row of rows) sections.set(row.section, [...sections.get(row.section) ?? [], row])
  return [...sections]
}
