/**
 * `npm run failures`: strikes every call of every operation in memory, and writes what comes of it into the tables of
 * `docs/FAILURES.md`. A test compares them, so this is to be run when a change of the library changes them.
 */
import { Effect } from "effect"
import { document, strikeForTables } from "./prove/failing/document.ts"

const struck = await Effect.runPromise(strikeForTables)
const cases = struck.flatMap(({ cases }) => cases)
const problems = cases.flatMap(({ problems }) => problems)
if (problems.length > 0) {
  process.stdout.write(`${problems.join("\n\n")}\n`)
  process.exitCode = 1
} else {
  const changed = document(struck)
  process.stdout.write(`${cases.length} cases; docs/FAILURES.md ${changed ? "is written anew" : "says so already"}\n`)
}
