/** The table for a terminal. Pure. */
import type { Row } from "../Row.ts"
import { bySection, cellsOf, headings } from "./cells.ts"

export const textTable = (rows: ReadonlyArray<Row>): string =>
  bySection(rows).map(([section, rows]) => `== ${section}\n${aligned([headings, ...rows.map(cellsOf)])}`).join("\n\n")

const aligned = (lines: ReadonlyArray<ReadonlyArray<string>>): string => {
  const widths = headings.map((_, column) => Math.max(...lines.map((cells) => (cells[column] ?? "").length)))
  return lines.map((cells) =>
    cells.map((cell, column) =>
      isFigure(column) ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)
    ).join("  ").trimEnd()
  ).join("\n")
}

const isFigure = (column: number): boolean => column >= 4 && column <= 7

/** How many targets were met, and which were not. */
export const verdict = (rows: ReadonlyArray<Row>): string => {
  const held = rows.filter(({ target }) => target !== undefined)
  const met = held.filter(({ target }) => target?.met === true)
  return `${met.length} of ${held.length} targets met`
}
