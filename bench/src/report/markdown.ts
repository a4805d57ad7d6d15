/** The table for the document, put between two marks there, so that one command brings it up to date. */
import * as fs from "node:fs"
import { type Machine, machineText } from "../machine.ts"
import type { Row } from "../Row.ts"
import { bySection, cellsOf, headings } from "./cells.ts"
import { verdict } from "./text.ts"

const begin = "<!-- measured: written by the bench, not by hand -->"
const end = "<!-- end of what was measured -->"

/** Replaces what stands between the marks. Throws where the file has none. */
export const writeMarkdown = (file: string, machine: Machine, rows: ReadonlyArray<Row>): void => {
  const text = fs.readFileSync(file, "utf8")
  const [start, stop] = [text.indexOf(begin), text.indexOf(end)]
  if (start === -1 || stop < start) throw new Error(`${file} has no place for the table: ${begin} … ${end}`)
  fs.writeFileSync(file, `${text.slice(0, start)}${begin}\n\n${markdown(machine, rows)}\n\n${text.slice(stop)}`)
}

const markdown = (machine: Machine, rows: ReadonlyArray<Row>): string =>
  [
    `${machineText(machine)}.`,
    `${verdict(rows)}.`,
    ...bySection(rows).flatMap(([section, rows]) => [`### ${titles[section] ?? section}`, table(rows)])
  ].join("\n\n")

const titles: Readonly<Record<string, string>> = {
  operations: "Every operation, in a small store",
  waits: "Waits for the disk, counted at the port",
  snapshots: "By the number of snapshots",
  depth: "By the depth of the chain",
  mounts: "By the number of live mounts",
  fibers: "Fibers that commit at once",
  layers: "Commits of large layers",
  forks: "A fork beside a copy",
  memory: "Memory of a walk",
  "memory-fs": "In memory"
}

/** As the formatter would have it: every cell as wide as its column. Columns that are empty throughout are left out. */
const table = (rows: ReadonlyArray<Row>): string => {
  const lines = [headings, ...rows.map(cellsOf)]
  const columns = headings.map((_, column) => column)
    .filter((column) => lines.slice(1).some((cells) => cells[column] !== ""))
  const widths = columns.map((column) => Math.max(3, ...lines.map((cells) => (cells[column] ?? "").length)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${columns.map((column, i) => (cells[column] ?? "").padEnd(widths[i] ?? 0)).join(" | ")} |`
  const rule = `| ${widths.map((width) => "-".repeat(width)).join(" | ")} |`
  return [line(headings), rule, ...lines.slice(1).map(line)].join("\n")
}
