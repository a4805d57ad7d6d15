/** Plants a defect in a copy of the packages, and runs tests of the workspace on it. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { type Defect, type Edit, packages, type Tests } from "./defect.ts"
import { defects } from "./defects.ts"

const workspace = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const vitest = path.join(workspace, "node_modules/vitest/vitest.mjs")
const config = path.join(workspace, "test/planted/vitest.config.ts")

/** How a defect was caught. */
export interface Catch {
  readonly test: string
  /** How much that test, or those before it, had tried until then. */
  readonly after: string
  /** What it saw, in a line. */
  readonly saw: string
}

/**
 * Plants it and runs its tests; `undefined` where none noticed. Throws where the defect or the tests have no place any more, or
 * where the tests fail without it.
 */
export const catchOf = async ({ edits, tests }: Defect, signal?: AbortSignal): Promise<Catch | undefined> => {
  const ofTests = named([tests])
  const failing = (await failingAnyway(tests.file, signal)).find(({ fullName }) => ofTests.test(fullName))
  if (failing !== undefined) {
    throw new Error(`these tests fail without any defect: ${failing.fullName}: ${saidBy(failing)}`)
  }
  const results = await resultsOf(edits, { file: tests.file, pattern: ofTests, options: ["--bail", "1"] }, signal)
  const failed = results.find(({ status }) => status === "failed")
  if (failed === undefined) return undefined
  const tried = /after \d+ (?:programs|recoveries|cases)/.exec(failed.failureMessages?.[0] ?? "")?.[0]
  const passed = results.filter(({ status }) => status === "passed").length
  return { test: failed.fullName, after: tried ?? `after ${passed} other tests`, saw: saidBy(failed) }
}

const saidBy = ({ failureMessages }: Result): string => (failureMessages?.[0] ?? "").replace(/\s+/g, " ").slice(0, 200)

// ============================================================ without a defect

/** Of each file: all of its tests that some defect names take less time in one process than in one for each defect. */
const baselines = new Map<string, Promise<ReadonlyArray<Result>>>()

/** Those tests of a file that fail without any defect, and so catch none. */
const failingAnyway = (file: string, signal: AbortSignal | undefined): Promise<ReadonlyArray<Result>> => {
  const known = baselines.get(file)
  if (known !== undefined) return known
  const pattern = named(defects.map(({ tests }) => tests).filter((tests) => tests.file === file))
  // They come to their end here, which takes longer than failing does.
  const results = resultsOf([], { file, pattern, options: ["--testTimeout", "300000"] }, signal)
  const failed = results.then((all) => all.filter(({ status }) => status === "failed"))
  baselines.set(file, failed)
  return failed
}

/** What the full names of these tests hold; a name is meant as it is, and Vitest takes a pattern. */
const named = (all: ReadonlyArray<Tests>): RegExp =>
  new RegExp(all.map(({ named = "" }) => named.replace(/[^\w ]/g, ".")).join("|"))

// ============================================================ planting

const plant = (directory: string, edits: ReadonlyArray<Edit>): void => {
  for (const name of packages) {
    const [from, to] = [path.join(workspace, "packages", name), path.join(directory, "packages", name)]
    fs.cpSync(path.join(from, "src"), path.join(to, "src"), { recursive: true })
    fs.copyFileSync(path.join(from, "package.json"), path.join(to, "package.json"))
    fs.symlinkSync(path.join(from, "node_modules"), path.join(to, "node_modules"))
  }
  for (const edit of edits) replace(directory, edit)
}

const replace = (directory: string, { file, find, package: name = "core", put }: Edit): void => {
  const at = path.join(directory, "packages", name, "src", file)
  const parts = fs.readFileSync(at, "utf8").split(asPattern(find))
  if (parts.length !== 2) {
    throw new Error(
      `${JSON.stringify(find)} is in ${name}/src/${file} ${parts.length - 1} times: nothing can be planted`
    )
  }
  fs.writeFileSync(at, parts.join(put))
}

/** The same text, however its lines are broken. */
const asPattern = (text: string): RegExp =>
  new RegExp([...text.replace(/\s+/g, "")].map((char) => char.replace(/[.*+?^${}()|[\]\\]/, "\\$&")).join("\\s*"))

// ============================================================ running

/** What vitest's JSON reporter tells, as far as it is of use here. */
interface Report {
  readonly success: boolean
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<Result>
    readonly message: string
  }>
}

interface Result {
  readonly status: string
  readonly fullName: string
  readonly failureMessages?: ReadonlyArray<string>
}

interface Run {
  readonly file: string
  readonly pattern: RegExp
  readonly options: ReadonlyArray<string>
}

/** Runs tests on a copy of the packages with these edits. */
const resultsOf = async (
  edits: ReadonlyArray<Edit>,
  run: Run,
  signal: AbortSignal | undefined
): Promise<ReadonlyArray<Result>> => {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-planted-")))
  try {
    plant(directory, edits)
    return resultsIn(await runTests(directory, run, signal))
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

/** A defect may let a program go round for ever, and the machine has other work. */
const bounded = "--max-old-space-size=1024"

const runTests = async (directory: string, { file, options, pattern }: Run, signal?: AbortSignal): Promise<Report> => {
  const output = path.join(directory, "report.json")
  const args = [...options, "--reporter", "json", "--outputFile", output, "--testNamePattern", pattern.source]
  const { SNAPSHOTTER_JUDGEMENTS: _, ...environment } = process.env
  const child = spawn(process.execPath, [vitest, "run", "--config", config, file, ...args], {
    cwd: workspace,
    // What is drawn at random is the same each time: a defect that is caught is caught tomorrow too.
    env: {
      ...environment,
      SNAPSHOTTER_PLANTED: directory,
      SNAPSHOTTER_SEED: "1",
      TMPDIR: directory,
      NODE_OPTIONS: bounded
    },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const stop = () => void child.kill()
  signal?.addEventListener("abort", stop)
  const said: Array<string> = []
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  await once(child, "close")
  signal?.removeEventListener("abort", stop)
  if (!fs.existsSync(output)) throw new Error(`the tests did not run: ${said.join("")}`)
  return JSON.parse(fs.readFileSync(output, "utf8"))
}

/** What became of each test that was to run. Throws unless all did, up to the first failure where that is the last. */
const resultsIn = ({ success, testResults }: Report): ReadonlyArray<Result> => {
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { message } of testResults) if (message !== "") throw new Error(`a test file could not be run: ${message}`)
  if (!results.some(({ status }) => status === "passed" || status === "failed")) {
    throw new Error("no test bears the name")
  }
  if (!success && !results.some(({ status }) => status === "failed")) {
    throw new Error("the tests did not come to their end")
  }
  return results
}
