/**
 * A mutator that the instrumenter lacks and an Effect program needs: a step that is left out. `yield* sync(…)` as a statement of
 * its own does something and gives nothing, so without it the program still compiles, and mostly works.
 *
 * Each such statement is put under a condition, `if (globalThis)`, before the file is instrumented. The instrumenter then
 * makes two mutants of that condition: that it is false is what is wanted, that it is true is nothing.
 */

const condition = "globalThis"
const guard = `if (${condition}) `

/** After one of these, a line goes on with what the line before began. */
const unfinished = /(?:[=(,?:[]|=>|&&|\|\||\?\?|\breturn)$/

/** A source with its steps under conditions. Statements stand on lines of their own: the formatter sees to that. */
export const guardSteps = (source: string): string => {
  let before = ""
  return source.split("\n").map((line) => {
    const code = line.replace(/\s*\/\/.*$/, "").trimEnd()
    const isStep = /^\s+yield\* /.test(line) && !unfinished.test(before)
    if (code !== "") before = code
    return isStep ? line.replace("yield* ", `${guard}yield* `) : line
  }).join("\n")
}

/** What was there before. */
export const unguarded = (text: string): string => text.replaceAll(guard, "")

/** Of a mutant of a guarded source: the step that it leaves out, `nothing` if it changes nothing; else `undefined`. */
export const stepLeftOut = (original: string, replacement: string, line: string): string | "nothing" | undefined => {
  if (original !== condition) return undefined
  return replacement === "false" ? unguarded(line).trim() : "nothing"
}
