/** Makes the mutants of core's sources, all of them switched in one copy. */
import { Instrumenter } from "@stryker-mutator/instrumenter"
import { createHash } from "node:crypto"
import { guardSteps, stepLeftOut, unguarded } from "./effectStatements.ts"
import type { Mutant } from "./Mutant.ts"

type Logger = ConstructorParameters<typeof Instrumenter>[0]
type Made = Awaited<ReturnType<Instrumenter["instrument"]>>["mutants"][number]

export interface Instrumented {
  /** The files with the mutants in them, by path below `src`. */
  readonly files: ReadonlyMap<string, string>
  readonly mutants: ReadonlyArray<Mutant>
}

const quiet: Logger = {
  isTraceEnabled: () => false,
  isDebugEnabled: () => false,
  isInfoEnabled: () => false,
  isWarnEnabled: () => false,
  isErrorEnabled: () => false,
  isFatalEnabled: () => false,
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
  fatal: () => {}
}

/** `sources`: by path below `src`. */
export const instrument = async (sources: ReadonlyMap<string, string>): Promise<Instrumented> => {
  const guarded = new Map([...sources].map(([file, text]) => [file, guardSteps(text)]))
  const files = [...guarded].map(([name, content]) => ({ name, content, mutate: true }))
  const made = await new Instrumenter(quiet).instrument(files, { ignorers: [], excludedMutations: [], plugins: null })
  return {
    files: new Map(made.files.map(({ content, name }) => [name, content])),
    mutants: named(made.mutants, guarded)
  }
}

const named = (made: ReadonlyArray<Made>, guarded: ReadonlyMap<string, string>): ReadonlyArray<Mutant> => {
  const seen = new Map<string, number>()
  return made.flatMap((one) => {
    const what = descriptionOf(one, guarded.get(one.fileName) ?? "")
    if (what === undefined) return []
    const nth = (seen.get(what) ?? 0) + 1
    seen.set(what, nth)
    const name = nth === 1 ? what : `${what} (${nth})`
    const id = createHash("sha256").update(name).digest("hex").slice(0, 8)
    return [{ id, name, number: one.id, file: one.fileName, line: one.location.start.line + 1 }]
  })
}

/** `undefined` if it changes nothing. */
const descriptionOf = ({ fileName, location, mutatorName, replacement }: Made, text: string): string | undefined => {
  const lines = text.split("\n")
  const original = between(lines, location)
  const step = stepLeftOut(original, replacement, lines[location.start.line] ?? "")
  if (step === "nothing") return undefined
  const where = `${fileName} › ${declarationAt(lines, location.start.line)}`
  return step === undefined
    ? `${where} › ${mutatorName} › ${brief(unguarded(original))} → ${brief(unguarded(replacement))}`
    : `${where} › StepLeftOut › ${brief(step)}`
}

const between = (lines: ReadonlyArray<string>, { end, start }: Made["location"]): string => {
  if (start.line === end.line) return lines[start.line]?.slice(start.column, end.column) ?? ""
  const inside = lines.slice(start.line + 1, end.line)
  return [lines[start.line]?.slice(start.column), ...inside, lines[end.line]?.slice(0, end.column)].join("\n")
}

const declaration = /^(?:export )?(?:abstract |async )?(?:const|let|class|function\*?) ([\w$]+)/

/** The declaration at the file's top that a line is in. */
const declarationAt = (lines: ReadonlyArray<string>, line: number): string => {
  for (let at = line; at >= 0; at--) {
    const name = declaration.exec(lines[at] ?? "")?.[1]
    if (name !== undefined) return name
  }
  return "the top"
}

const briefMax = 100

/** In one line, and a long text by its two ends. */
const brief = (text: string): string => {
  const line = text.replace(/\s+/g, " ").trim()
  return line.length <= briefMax ? line : `${line.slice(0, briefMax - 30)} … ${line.slice(-25)}`
}
