/**
 * Tests of the tests: a defect is planted in a copy of core, and one of the tests that are there has to fail. If none does,
 * it is the tests that have a defect.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"
import { afterAll, assert, describe, it } from "vitest"
import { judgement } from "../Judgement.ts"
import { type Defect, defects, type Tests } from "./defects.ts"

const workspace = path.dirname(path.dirname(path.dirname(fileURLToPath(import.meta.url))))
const vitest = path.join(workspace, "node_modules/vitest/vitest.mjs")
const config = path.join(workspace, "test/planted/vitest.config.ts")

/** What vitest's JSON reporter tells, as far as it is of use here. */
interface Report {
  readonly testResults: ReadonlyArray<{
    readonly assertionResults: ReadonlyArray<{
      readonly status: string
      readonly fullName: string
      readonly failureMessages?: ReadonlyArray<string>
    }>
    readonly message: string
  }>
}

/** The same text, however its lines are broken. */
const asPattern = (text: string): RegExp =>
  new RegExp([...text.replace(/\s+/g, "")].map((char) => char.replace(/[.*+?^${}()|[\]\\]/, "\\$&")).join("\\s*"))

/** A copy of core with the defect in it. */
const plant = (directory: string, { edits }: Defect): void => {
  fs.cpSync(path.join(workspace, "packages/core/src"), path.join(directory, "src"), { recursive: true })
  fs.copyFileSync(path.join(workspace, "packages/core/package.json"), path.join(directory, "package.json"))
  fs.symlinkSync(path.join(workspace, "packages/core/node_modules"), path.join(directory, "node_modules"))
  for (const { file, find, put } of edits) {
    const text = fs.readFileSync(path.join(directory, "src", file), "utf8")
    const parts = text.split(asPattern(find))
    const problem = `${JSON.stringify(find)} is in ${file} ${parts.length - 1} times, so the defect cannot be planted`
    assert.strictEqual(parts.length, 2, problem)
    fs.writeFileSync(path.join(directory, "src", file), parts.join(put))
  }
}

const runTests = async (directory: string, { file, named }: Tests): Promise<Report> => {
  const output = path.join(directory, "report.json")
  // Vitest takes a pattern, and these names are meant as they are.
  const only = named === undefined ? [] : ["--testNamePattern", named.replace(/[^\w ]/g, ".")]
  const args = [
    vitest,
    "run",
    "--config",
    config,
    "--bail",
    "1",
    "--reporter",
    "json",
    "--outputFile",
    output,
    file,
    ...only
  ]
  const { SNAPSHOTTER_JUDGEMENTS: _, ...environment } = process.env
  const child = spawn(process.execPath, args, {
    cwd: workspace,
    env: { ...environment, SNAPSHOTTER_PLANTED_CORE: directory, TMPDIR: directory },
    stdio: ["ignore", "pipe", "pipe"]
  })
  const said: Array<string> = []
  child.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  child.stderr.on("data", (chunk: Buffer) => said.push(chunk.toString()))
  await once(child, "close")
  assert.isTrue(fs.existsSync(output), `the tests did not run: ${said.join("")}`)
  return JSON.parse(fs.readFileSync(output, "utf8"))
}

/** By which test, after how much, and what it saw; `undefined` where the defect went unnoticed. */
const caughtBy = ({ testResults }: Report): string | undefined => {
  const results = testResults.flatMap(({ assertionResults }) => assertionResults)
  for (const { message } of testResults) assert.strictEqual(message, "", "a test file could not be run")
  const failed = results.find(({ status }) => status === "failed")
  if (failed === undefined) return undefined
  const [why = ""] = (failed.failureMessages?.[0] ?? "").split("\n")
  const programs = /after (\d+) programs/.exec(why)?.[1]
  const passed = results.filter(({ status }) => status === "passed").length
  return `${failed.fullName} (after ${programs === undefined ? `${passed} other tests` : `${programs} programs`}): ${
    why.slice(0, 200)
  }`
}

describe.runIf(judgement("planted"))("a planted defect is caught", () => {
  const caught: Array<string> = []
  afterAll(() => {
    process.stdout.write(`planted defects: ${caught.length} of ${defects.length} caught\n${caught.join("\n")}\n`)
  })
  for (const defect of defects) {
    it(defect.name, async () => {
      const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-planted-")))
      try {
        plant(directory, defect)
        const how = caughtBy(await runTests(directory, defect.tests))
        assert.isDefined(how, `no test of ${defect.tests.file} noticed it`)
        caught.push(`  ${defect.name}\n    by ${how}`)
      } finally {
        fs.rmSync(directory, { recursive: true, force: true })
      }
    })
  }
})
