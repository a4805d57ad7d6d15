/**
 * What test files get where they import `vitest`: their tests are put down instead of run, so that the process that has
 * loaded them can run any one of them, alone and again. `@effect/vitest` stands on this as it stands on vitest.
 *
 * It has what these test files use. What a file calls that is not here is no function, and then it does not load.
 */
// Its assertions are vitest's own: `resolve.ts` lets nobody else through to it.
export { assert } from "vitest"

/** What a test is given; nothing aborts it from inside. */
export interface Context {
  readonly signal: AbortSignal
  readonly onTestFinished: (finalizer: () => unknown) => void
}

export interface Test {
  readonly name: string
  readonly run: (context: Context) => unknown
}

type Register = (name: string, ...rest: ReadonlyArray<unknown>) => void

const titles: Array<string> = []

const tests: Array<Test> = []

/** What was put down since the last time. */
export const takeAll = (): ReadonlyArray<Test> => tests.splice(0)

const isRun = (value: unknown): value is Test["run"] => typeof value === "function"

const putDown: Register = (name, ...rest) => {
  const run = rest.find(isRun)
  if (run !== undefined) tests.push({ name: [...titles, name].join(" > "), run })
}

const within: Register = (name, ...rest) => {
  titles.push(name)
  for (const body of rest) if (typeof body === "function") body()
  titles.pop()
}

const nothing: Register = () => {}

/** With the variants that may leave something out. */
const variantsOf = (register: Register) =>
  Object.assign((...args: Parameters<Register>) => register(...args), {
    skip: nothing,
    skipIf: (condition: unknown) => condition ? nothing : register,
    runIf: (condition: unknown) => condition ? register : nothing
  })

export const it = variantsOf(putDown)
export const describe = variantsOf(within)

/** Those of the files here count and print, for whoever reads what a run prints. */
export const afterEach = (): void => {}
export const afterAll = afterEach

/** `@effect/vitest` looks for something in it when it is loaded, for layers that tests share: none do here. */
export const TestRunner = {}
