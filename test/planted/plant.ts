/** Plants a defect in a copy of the packages, and runs tests of the workspace on it. */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { type Defect, type Edit, packages, type Tests } from "./defect.ts"

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

/** Plants it and runs its tests; `undefined` where none noticed. Throws where the defect or the tests have no place any more. */
export const catchOf = async (defect: Defect, signal?: AbortSignal): Promise<Catch | undefined> => {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-planted-")))
  try {
    plant(directory, defect)
    return caughtIn(await runTests(directory, defect.tests, signal))
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

// ============================================================ planting

const plant = (directory: string, { edits }: Defect): void => {
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
    readonly assertionResults: ReadonlyArray<{
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: ReadonlyArray<string>
    }>
    readonly message: string
  }>
}

/** A defect may let a program go round for ever, and the machine has other work. */
const bounded = "--max-old-space-size=1024"

const runTests = async (directory: string, { file, named }: Tests, signal?: AbortSignal): Promise<Report> => {
  const output = path.join(directory, "report.json")
  // Vitest takes a pattern, and these names are meant as they are.
  const only = named === undefined ? [] : ["--testNamePattern", named.replace(/[^\w ]/g, ".")]
  const reporter = ["--bail", "1", "--reporter", "json", "--outputFile", output]
  const { SNAPSHOTTER_JUDGEMENTS: _, ...environment } = process.env
  const child = spawn(process.execPath, [vitest, "run", "--config", config, ...reporter, file, ...only], {
    cwd: workspace,
    env: { ...environment, SNAPSHOTTER_PLANTED: directory, TMPDIR: directory, NODE_OPTIONS: bounded },
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

// ============================================================ judging

const caughtIn = ({ success, testResults }: Report): Catch | undefined => {
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { message } of testResults) if (message !== "") throw new Error(`a test file could not be run: ${message}`)
  if (!results.some(({ status }) => status === "passed" || status === "failed")) {
    throw new Error("no test bears the name")
  }
  const failed = results.find(({ status }) => status === "failed")
  if (failed === undefined && !success) throw new Error("the tests did not come to their end")
  if (failed === undefined) return undefined
  const text = failed.failureMessages?.[0] ?? ""
  const tried = /after \d+ (?:programs|recoveries|cases)/.exec(text)?.[0]
  const passed = results.filter(({ status }) => status === "passed").length
  return {
    test: failed.fullName,
    after: tried ?? `after ${passed} other tests`,
    saw: text.replace(/\s+/g, " ").slice(0, 200)
  }
}
