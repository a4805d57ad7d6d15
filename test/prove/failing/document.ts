/** `docs/FAILURES.md`, the part of it that is made by the loop: `npm run failures` writes it, a test compares it. */
import { Effect } from "effect"
import * as fs from "node:fs"
import { fileURLToPath } from "node:url"
import { benchOf, type Grounds } from "./Bench.ts"
import { settings } from "./forest.ts"
import { loop } from "./loop.ts"
import { memory } from "./memorySite.ts"
import { operations } from "./operations.ts"
import { deaths, failures, interruptions, type Strike } from "./strikes.ts"
import { isTabled, type Struck, tabled, tables } from "./table.ts"

const file = fileURLToPath(new URL("../../../docs/FAILURES.md", import.meta.url))
const begin = "<!-- from here on made by `npm run failures` -->"
const end = "<!-- up to here made by `npm run failures` -->"

/** The strikes that the tables tell of. */
const told: ReadonlyArray<Strike> = [...failures, ...deaths, ...interruptions].filter(isTabled)

/** Does what the tables tell of, at `full`, in memory. */
export const strikeForTables: Effect.Effect<ReadonlyArray<Struck>> = Effect.scoped(Effect.gen(function*() {
  const grounds: Grounds = new Map()
  const [full] = settings
  return yield* Effect.forEach(
    operations.filter(({ name }) => tabled.includes(name)),
    (operation) =>
      Effect.gen(function*() {
        const bench = yield* benchOf(memory, operation, full, grounds)
        const cases = yield* Effect.orDie(Effect.forEach(told, (strike) => loop(bench, strike)))
        return { bench, cases: cases.flat() }
      })
  )
}))

/** What stands there now, without what surrounds it. */
export const documented = (): string => parts().made.trim()

/** Writes the tables, and whether that changed anything. */
export const document = (struck: ReadonlyArray<Struck>): boolean => {
  const { after, before, made } = parts()
  const next = `\n\n${tables(struck)}\n\n`
  if (next === made) return false
  fs.writeFileSync(file, `${before}${begin}${next}${end}${after}`)
  return true
}

const parts = () => {
  const text = fs.readFileSync(file, "utf8")
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`${file} has no place for the tables: ${begin} … ${end}`)
  return { before: text.slice(0, from), made: text.slice(from + begin.length, to), after: text.slice(to + end.length) }
}
