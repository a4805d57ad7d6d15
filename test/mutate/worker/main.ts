/** A process that loads test files on the copy of core, and runs the tests that it is told to, with the mutant that it is told to. */
import * as fc from "fast-check"
import { finished } from "./finished.ts"
import type { Load, Loaded, Ran, Run, Setting } from "./messages.ts"
import { redirect } from "./resolve.ts"
import type { Test } from "./vitest.ts"

/** What the mutants in the copy look at, and where they count. */
interface Switches {
  activeMutant: string | undefined
  currentTestId: string | undefined
  hitCount: number | undefined
  hitLimit: number | undefined
  readonly mutantCoverage: {
    readonly static: Record<string, number>
    readonly perTest: Record<string, Record<string, number>>
  }
}

const setting: Setting = JSON.parse(process.argv[2] ?? "")

const switches: Switches = {
  activeMutant: setting.mutant,
  currentTestId: undefined,
  hitCount: undefined,
  hitLimit: undefined,
  mutantCoverage: { static: {}, perTest: {} }
}
Object.assign(globalThis, { __stryker__: switches })

redirect(setting.core, setting.copy)
const shim = await import("./vitest.ts")

// What is drawn at random is the same each time, or a mutant would survive today and not tomorrow; and nobody reads examples.
fc.configureGlobal({ seed: 1, endOnFailure: true })

/** What nobody caught while a test ran is its failure. */
let uncaught: unknown
process.on("unhandledRejection", (cause) => uncaught = cause)
process.on("uncaughtException", (cause) => uncaught = cause)

const textOf = (cause: unknown): string => cause instanceof Error ? cause.message : String(cause)

const files = new Map<string, ReadonlyMap<string, Test>>()

const load = async ({ file }: Load): Promise<Loaded> => {
  switches.activeMutant = setting.mutant
  try {
    await import(file)
  } catch (cause) {
    return { _tag: "NotLoaded", why: textOf(cause) }
  }
  const tests = shim.takeAll()
  files.set(file, new Map(tests.map((test) => [test.name, test])))
  return { _tag: "Loaded", tests: tests.map(({ name }) => name), hits: switches.mutantCoverage.static }
}

const run = async ({ file, hitsMax, mutant, test }: Run): Promise<Ran> => {
  const found = files.get(file)?.get(test)
  if (found === undefined) throw new Error(`there is no test ${JSON.stringify(test)} in ${file}`)
  Object.assign(switches, {
    activeMutant: mutant,
    currentTestId: test,
    hitCount: hitsMax === undefined ? undefined : 0,
    hitLimit: hitsMax
  })
  uncaught = undefined
  const begun = performance.now()
  const failure = await finished(found).then(() => uncaught, (cause: unknown) => cause ?? "nothing was thrown")
  const millis = performance.now() - begun
  Object.assign(switches, { activeMutant: undefined, currentTestId: undefined })
  const hits = switches.mutantCoverage.perTest[test] ?? {}
  delete switches.mutantCoverage.perTest[test]
  return { _tag: "Ran", ...(failure === undefined ? {} : { failure: textOf(failure) }), millis, hits }
}

process.on("message", (message: Load | Run) => {
  void (message._tag === "Load" ? load(message) : run(message)).then((report) => process.send?.(report))
})
process.on("disconnect", () => process.exit())
