// `npm start`, `npm test` and the like on a machine that has node (20 or later) and npm, and nothing else: installs pnpm through
// npm, the workspace through pnpm, both once, then runs the task on the workspace's own node. No dependencies, since
// it runs before there are any.
import { spawn, spawnSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fileURLToPath } from "node:url"

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)))
const tools = path.join(root, ".tools")
const pnpmEntry = path.join(tools, "node_modules", "pnpm", "bin", "pnpm.mjs")
const stampFile = path.join(root, "node_modules", ".snapshotter-installed")
const bin = path.join(root, "node_modules", ".bin")

/** @param {string} file */
const read = (file) => fs.readFileSync(path.join(root, file), "utf8")
/** @param {string} file */
const readJson = (file) => JSON.parse(read(file))

const say = (/** @type {string} */ line) => process.stdout.write(`${line}\n`)

/** What a program prints may be read by another one, and this is none of it. */
const remark = (/** @type {string} */ line) => process.stderr.write(`${line}\n`)

/** A failure that is explained already: no stack, only its message. */
class Stop extends Error {
  /** @param {string} message @param {number} exitCode */
  constructor(message, exitCode = 1) {
    super(message)
    this.exitCode = exitCode
  }
}

// ============================================================ processes

/** What npm tells its scripts about itself, and what would make another npm or pnpm act for this one's call. */
const ofNpmItself = new RegExp(
  "^(?:npm_(?:package|lifecycle|command|execpath|node_execpath).*|INIT_CWD|NODE|COLOR|" +
    "npm_config_(?:user_agent|prefix|local_prefix|global_prefix|init_module|npm_version|node_gyp|noproxy|nodedir))$"
)

/** @type {NodeJS.ProcessEnv} */
const environment = {
  ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !ofNpmItself.test(name))),
  PATH: [bin, process.env["PATH"]].join(path.delimiter),
  SNAPSHOTTER_PNPM: pnpmEntry
}

/** @type {NodeJS.Signals | undefined} */
let interruptedBy
/** @type {import("node:child_process").ChildProcess | undefined} */
let child

for (const signal of /** @type {const} */ (["SIGINT", "SIGTERM"])) {
  process.on(signal, () => {
    interruptedBy = signal
    // A terminal sends Ctrl-C to the child as well; twice would make it skip its own cleaning up.
    if (signal === "SIGTERM" || !process.stdin.isTTY) child?.kill(signal)
  })
}

/**
 * Runs a command to its end. With `onLine`, its output goes there line by line, else straight through.
 *
 * @param {string} command
 * @param {ReadonlyArray<string>} args
 * @param {{ env?: NodeJS.ProcessEnv, cwd?: string, onLine?: (line: string) => void }} [options]
 * @returns {Promise<number>} its exit code; as a shell has it, 128 more than the signal's number if one ended it
 */
const run = async (command, args, { cwd = root, env = {}, onLine } = {}) => {
  const started = spawn(command, args, {
    cwd,
    env: { ...environment, ...env },
    stdio: onLine === undefined ? "inherit" : ["ignore", "pipe", "pipe"]
  })
  child = started
  if (onLine !== undefined) {
    for (const stream of [started.stdout, started.stderr]) if (stream !== null) forEachLine(stream, onLine)
  }
  const exitCode = await new Promise((resolve, reject) => {
    started.once("error", (cause) => reject(new Stop(`cannot run ${command}: ${cause.message}`)))
    started.once("close", (code, signal) => resolve(code ?? 128 + os.constants.signals[signal ?? "SIGKILL"]))
  })
  child = undefined
  if (interruptedBy !== undefined) throw new Stop("interrupted", 128 + os.constants.signals[interruptedBy])
  return exitCode
}

/** @param {import("node:stream").Readable} stream @param {(line: string) => void} onLine */
const forEachLine = (stream, onLine) => {
  let rest = ""
  stream.setEncoding("utf8").on("data", (chunk) => {
    const lines = (rest + chunk).split("\n")
    rest = lines.pop() ?? ""
    lines.forEach(onLine)
  }).on("end", () => rest === "" || onLine(rest))
}

// ============================================================ installing

/** "pnpm@12.21.0", which is what npm calls it as well. */
const pnpmPinned = readJson("package.json").packageManager

const installPnpm = async () => {
  const version = pnpmPinned.split("@").at(-1)
  const manifest = path.join(tools, "node_modules", "pnpm", "package.json")
  if (fs.existsSync(manifest) && JSON.parse(fs.readFileSync(manifest, "utf8")).version === version) return
  remark(`installing pnpm ${version} into .tools (once)…`)
  fs.mkdirSync(tools, { recursive: true })
  /** @type {Array<string>} */
  const output = []
  const args = [
    "install",
    "--prefix",
    tools,
    "--no-save",
    "--no-package-lock",
    "--no-audit",
    "--no-fund",
    "--loglevel=error"
  ]
  const exitCode = await run("npm", [...args, pnpmPinned], { cwd: tools, onLine: (line) => output.push(line) })
  if (exitCode === 0) return
  throw new Stop([
    ...output,
    "",
    `npm could not install ${pnpmPinned} (exit code ${exitCode}); what it said is above.`,
    "The first run downloads what the workspace needs, so it needs the network: check that npm reaches its registry",
    "(npm ping), and its proxy settings (npm config list). Later runs need none."
  ].join("\n"))
}

/** What decides about the contents of node_modules, as one digest. */
const stamp = () => {
  const within = (/** @type {string} */ directory) =>
    fs.readdirSync(path.join(root, directory)).map((name) => path.join(directory, name, "package.json"))
  const manifests = ["examples/package.json", ...within("packages")].filter((file) =>
    fs.existsSync(path.join(root, file))
  )
  const files = ["pnpm-lock.yaml", "pnpm-workspace.yaml", "package.json", ...manifests]
  const hash = createHash("sha256").update(`${process.platform} ${process.arch}\n`)
  for (const file of files.toSorted()) hash.update(`${file}\0${read(file)}\0`)
  return hash.digest("hex")
}

const installWorkspace = async () => {
  const wanted = stamp()
  const complete = [stampFile, pnpmEntry, path.join(bin, "node")].every((file) => fs.existsSync(file))
  if (complete && fs.readFileSync(stampFile, "utf8") === wanted) return
  await installPnpm()
  remark("installing the workspace's dependencies, a node of its own among them (once)…")
  const started = performance.now()
  // CI=true: never ask whether node_modules may be replaced, there may be nobody to answer.
  const exitCode = await run(process.execPath, [pnpmEntry, "install", "--frozen-lockfile", "--reporter=append-only"], {
    env: { CI: "true" },
    // The workspace brings the node that its packages want, so that this one is too old says nothing.
    onLine: (line) => line.includes("Unsupported engine") || line.trim() === "" || remark(`  ${line}`)
  })
  if (exitCode !== 0) {
    throw new Stop(
      `pnpm install failed (exit code ${exitCode}); what it said is above. If that is about the network: the first run ` +
        "downloads what the workspace needs, later runs need none."
    )
  }
  fs.writeFileSync(stampFile, wanted)
  remark(`installed in ${seconds(started)}\n`)
}

/** @param {number} started */
const seconds = (started) => `${((performance.now() - started) / 1000).toFixed(1)} s`

// ============================================================ the tasks

const node = path.join(bin, "node")

/**
 * The tasks that are one program each, with what is said on the command line.
 *
 * @type {Readonly<Record<string, string>>}
 */
const programs = {
  start: path.join("examples", "src", "main.ts"),
  bench: path.join("bench", "src", "main.ts"),
  failures: path.join("test", "failures.ts"),
  mutate: path.join("test", "mutate", "main.ts"),
  prove: path.join("test", "prove.ts"),
  "prove:kernel": path.join("test", "proveKernel.ts")
}

/** Every check there is, whatever becomes of those before. */
const test = async () => {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-run-"))
  try {
    return await testIn(scratch)
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true })
  }
}

/** @typedef {{ passed: number, failed: number, skipped: number }} Count */
/** @typedef {{ name: string, count: Count, time: string }} Outcome */

/** @param {string} scratch */
const testIn = async (scratch) => {
  const judgements = path.join(scratch, "judgements.jsonl")
  /** @type {Array<Outcome>} */
  const outcomes = []
  /** @type {ReadonlyArray<readonly [string, () => Promise<Count>]>} */
  const steps = [
    ["format", command("dprint", ["check"], "node_modules/.bin/dprint fmt puts it right")],
    ["lint", command("oxlint", [])],
    ["types", command("tsc", ["-b"])],
    ["tests", vitest("unit", scratch, judgements)],
    ["pack", vitest("pack", scratch, judgements)],
    ["judgements", async () => judge(judgements, outcomes.reduce((sum, { count }) => sum + count.skipped, 0))]
  ]
  for (const [name, step] of steps) {
    say(`── ${name} ${"─".repeat(Math.max(0, 60 - name.length))}`)
    const started = performance.now()
    const outcome = { name, count: await step(), time: seconds(started) }
    outcomes.push(outcome)
    say(`── ${name}: ${outcome.count.failed === 0 ? "ok" : "FAILED"}, ${outcome.time}\n`)
  }
  return summarise(outcomes, steps.map(([name]) => name))
}

/**
 * A step that is one command and counts as one.
 *
 * @param {string} name @param {ReadonlyArray<string>} args @param {string} [hint]
 * @returns {() => Promise<Count>}
 */
const command = (name, args, hint) => async () => {
  const exitCode = await run(path.join(bin, name), args)
  if (exitCode !== 0 && hint !== undefined) say(hint)
  return { passed: exitCode === 0 ? 1 : 0, failed: exitCode === 0 ? 0 : 1, skipped: 0 }
}

/**
 * @param {string} project @param {string} scratch @param {string} judgements
 * @returns {() => Promise<Count>}
 */
const vitest = (project, scratch, judgements) => async () => {
  const report = path.join(scratch, `${project}.json`)
  const args = ["run", "--project", project, "--reporter=default", "--reporter=json", `--outputFile.json=${report}`]
  const temporary = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-tests-")))
  const env = { SNAPSHOTTER_JUDGEMENTS: judgements, SNAPSHOTTER_TESTS: temporary }
  const exitCode = await run(path.join(bin, "vitest"), args, { env }).finally(() => {
    clear(temporary)
    // What test/tmpfs.ts gives them beside it.
    clear(path.join("/dev/shm", path.basename(temporary)))
  })
  const counted = fs.existsSync(report) ? JSON.parse(fs.readFileSync(report, "utf8")) : {}
  const failed = counted.numFailedTests ?? 0
  return {
    passed: counted.numPassedTests ?? 0,
    // Files that do not load, stray rejections and leftovers fail a run in which no test failed.
    failed: failed === 0 && exitCode !== 0 ? 1 : failed,
    skipped: (counted.numPendingTests ?? 0) + (counted.numTodoTests ?? 0)
  }
}

/**
 * Takes away what tests that were interrupted left mounted, and their directory; never through a mount point.
 *
 * @param {string} directory
 */
const clear = (directory) => {
  if (!fs.existsSync(directory)) return
  const mounted = () =>
    fs.existsSync("/proc/self/mountinfo")
      ? fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").map((line) => line.split(" ")[4] ?? "")
        .filter((target) => target.startsWith(`${directory}/`))
      : []
  for (const target of mounted().reverse()) spawnSync("umount", ["--lazy", "--no-mtab", unescaped(target)])
  if (mounted().length > 0) say(`left mounted below ${directory}: ${mounted().join(" ")}`)
  else fs.rmSync(directory, { recursive: true, force: true })
}

/** @param {string} target */
const unescaped = (target) =>
  target.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(Number.parseInt(octal, 8)))

/** @param {ReadonlyArray<Outcome>} outcomes @param {ReadonlyArray<string>} names */
const summarise = (outcomes, names) => {
  for (const name of names) {
    const outcome = outcomes.find((outcome) => outcome.name === name)
    say(`  ${name.padEnd(12)}${outcome === undefined ? "not run" : `${counts(outcome.count)}, ${outcome.time}`}`)
  }
  const total = (/** @type {keyof Count} */ key) => outcomes.reduce((sum, { count }) => sum + count[key], 0)
  say(`\n${total("passed")} passed, ${total("failed")} failed`)
  return total("failed") === 0 ? 0 : 1
}

/** @param {Count} count */
const counts = ({ failed, passed, skipped }) =>
  `${passed} passed, ${failed} failed${skipped === 0 ? "" : `, ${skipped} skipped`}`

// ============================================================ judgements

/**
 * Holds what the suites said of themselves (test/Judgement.ts) against what must have run (test/judgements.json).
 *
 * @param {string} file @param {number} testsSkipped
 * @returns {Count}
 */
const judge = (file, testsSkipped) => {
  /** @type {ReadonlyArray<{ name: string, ran?: number, missing?: string }>} */
  const lines = fs.existsSync(file)
    ? fs.readFileSync(file, "utf8").split("\n").filter((line) => line !== "").map((line) => JSON.parse(line))
    : []
  /** @type {ReadonlyArray<string>} */
  const expected = readJson("test/judgements.json")
  const allowed = new Set((process.env["SNAPSHOTTER_ALLOW_MISSING"] ?? "").split(/[\s,]+/))
  let failed = 0
  for (const name of new Set([...expected, ...lines.map((line) => line.name)])) {
    const own = lines.filter((line) => line.name === name)
    const ran = own.reduce((sum, line) => sum + (line.ran ?? 0), 0)
    const reasons = [...new Set(own.flatMap((line) => line.missing ?? []))]
    const problem = !expected.includes(name)
      ? "not in test/judgements.json"
      : ran > 0 && reasons.length === 0
      ? undefined
      : reasons.join("; ") || "no test of it ran"
    const verdict = problem === undefined
      ? ""
      : allowed.has(name)
      ? `  missing, as allowed: ${problem}`
      : `  MISSING: ${problem}`
    if (problem !== undefined && !allowed.has(name)) failed++
    say(`  ${name.padEnd(16)}${String(ran).padStart(5)} tests${verdict}`)
  }
  if (failed > 0) say("What did not run was not judged. To go without: SNAPSHOTTER_ALLOW_MISSING=name,name npm test")
  if (testsSkipped > 0 && !lines.some((line) => line.missing !== undefined)) {
    say(`${testsSkipped} tests were skipped, and no judgement says why.`)
    failed++
  }
  return { passed: failed === 0 ? 1 : 0, failed, skipped: 0 }
}

// ============================================================ the command line

const main = async () => {
  const [task = "", ...args] = process.argv.slice(2)
  const program = programs[task]
  if (program === undefined && (task !== "test" || args.length > 0)) {
    const others = Object.keys(programs).map((name) => `npm run ${name} [-- arguments]`).join(" | ")
    throw new Stop(`usage: ${others} | npm test, which takes none: it runs every check and test`, 2)
  }
  await installWorkspace()
  return program === undefined ? await test() : await run(node, [program, ...args])
}

main().then((exitCode) => {
  process.exitCode = exitCode
}, (cause) => {
  process.stderr.write(`${cause instanceof Stop ? cause.message : cause.stack}\n`)
  process.exitCode = cause instanceof Stop ? cause.exitCode : 1
})
