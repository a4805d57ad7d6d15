/** What came of the loop, as the tables of `docs/FAILURES.md`: for each operation, step by fault, the outcome. */
import { type Bench, changes } from "./Bench.ts"
import { kindOfLeftover } from "./owned.ts"
import type { Case } from "./strike.ts"
import { isOfOneThing, type Kind, type Strike } from "./strikes.ts"

/** The operations that have a table of their own, and its title; the others take the same ways. */
const titles: Readonly<Record<string, string>> = {
  "open of a new store": "open of a new store",
  "open after a crash": "open after a crash",
  "prepare \"new\" {\"parent\":\"child\"}": "prepare",
  "view \"new\" {\"parent\":\"base\"}": "view",
  "commit \"new\" \"fork\"": "commit",
  "remove \"fork\"": "remove",
  "update \"fork\" {\"change\":{\"patch\":{\"l\":\"1\"}}}": "update",
  "mounts \"fork\"": "mounts",
  "stat \"child\"": "stat",
  "usage \"spare\"": "usage",
  "walk {\"filters\":[]}": "walk",
  "cleanup": "cleanup",
  "check": "check",
  "relink": "relink",
  "Fork.committed": "Fork.committed",
  "Fork.discarded in a temporary directory": "Fork.discarded, in a temporary directory"
}

export const tabled: ReadonlyArray<string> = Object.keys(titles)

const columns: ReadonlyArray<Kind> = [
  "fails once",
  "fails from then on",
  "dies before",
  "dies after",
  "is interrupted"
]

/** Whether the tables tell of what comes of such a strike. */
export const isTabled = ({ kind }: Strike): boolean => columns.includes(kind)

/** One operation with all that came of it. */
export interface Struck {
  readonly bench: Bench
  readonly cases: ReadonlyArray<Case>
}

/** All tables, in the order of {@link tabled}. */
export const tables = (struck: ReadonlyArray<Struck>): string =>
  tabled.map((name) => {
    const one = struck.find(({ bench }) => bench.operation.name === name)
    if (one === undefined) throw new Error(`nothing came of ${name}: it was not struck`)
    return tableOf(one)
  }).join("\n\n")

const tableOf = ({ bench, cases }: Struck): string => {
  const rows = bench.calls.map((call, at): Row => ({
    from: at + 1,
    to: at + 1,
    calls: [call],
    commits: bench.commitsAt === at + 1,
    cells: columns.map((kind) => cellOf(bench, cases.filter(({ n, strike }) => n === at + 1 && strike.kind === kind)))
  }))
  const body = merged(rows).map((row) => [numbersOf(row), stepOf(row), ...row.cells])
  return [`### ${titles[bench.operation.name]}`, "", ...aligned([["", "step", ...columns], ...body])].join("\n")
}

/** As the formatter of this repository would write it. */
const aligned = (rows: ReadonlyArray<ReadonlyArray<string>>): ReadonlyArray<string> => {
  const [head = [], ...body] = rows
  const widths = head.map((_, at) => Math.max(3, ...rows.map((row) => row[at]?.length ?? 0)))
  const line = (cells: ReadonlyArray<string>) =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0)).join(" | ")} |`
  return [line(head), line(widths.map((width) => "-".repeat(width))), ...body.map(line)]
}

// ============================================================ rows

interface Row {
  readonly from: number
  readonly to: number
  readonly calls: ReadonlyArray<string>
  readonly commits: boolean
  readonly cells: ReadonlyArray<string>
}

/** Neighbours of which the same comes are one row; the commit point has its own. */
const merged = (rows: ReadonlyArray<Row>): ReadonlyArray<Row> => {
  const all: Array<Row> = []
  for (const row of rows) {
    const last = all.at(-1)
    const joins = last !== undefined && !last.commits && !row.commits && last.cells.join() === row.cells.join()
    if (joins) all.splice(-1, 1, { ...last, to: row.to, calls: [...last.calls, ...row.calls] })
    else all.push(row)
  }
  return all
}

const numbersOf = ({ from, to }: Row): string => from === to ? `${from}` : `${from}–${to}`

const shownMax = 3

const stepOf = ({ calls, commits }: Row): string => {
  const shown = calls.length <= shownMax ? calls : [calls[0] ?? "", calls.at(-1) ?? ""]
  const text = shown.map((call) => `\`${call}\``).join(calls.length <= shownMax ? ", " : " … ")
  return commits ? `**${text}**` : text
}

// ============================================================ cells

/** What came of one step, whatever the errno; where that differs, with the errno. */
const cellOf = (bench: Bench, cases: ReadonlyArray<Case>): string => {
  const outcomes = new Map<string, Array<string>>()
  for (const one of cases) {
    const outcome = outcomeOf(bench, one)
    outcomes.set(outcome, [...outcomes.get(outcome) ?? [], one.strike.code ?? ""])
  }
  const [most, ...others] = [...outcomes].sort(([, one], [, other]) => other.length - one.length)
    // What becomes of one unreadable thing is said once for all tables.
    .filter(([outcome, codes], at) => at === 0 || outcome !== "success" || !codes.every(isOfOneThing))
  if (most === undefined) return ""
  return [most[0], ...others.map(([outcome, codes]) => `${outcome} (${codes.join(", ")})`)].join("; ")
}

/** `success + link, work`: what it answered, or for whoever died what has become of it; and what nobody owns then. */
const outcomeOf = (bench: Bench, one: Case): string => {
  const left = [
    ...new Set(one.left.map(kindOfLeftover)),
    ...(one.keyLeft ? ["key"] : []),
    ...new Set(one.held.map((what) => what.startsWith("mount") ? "mount" : what)),
    ...(one.suspect ? ["notes"] : [])
  ]
  return [answerOf(bench, one), ...(left.length === 0 ? [] : [left.join(", ")])].join(" + ")
}

/** `EROFS` is a failure of its own, and what may not be read is damaged: the same step, by another name. */
const answerOf = (bench: Bench, { answer, happened, strike }: Case): string => {
  if (answer === "died" || answer === "interrupted") return happened ? "**done**" : changes(bench) ? "nothing" : "–"
  if (answer === "success") return "success"
  if (strike.code === "EROFS" && answer === "ReadOnlyStore") return "`StoreFailure`"
  if (strike.code === "EACCES" && answer === "Damaged") return "`StoreFailure`"
  return `\`${answer}\``
}
