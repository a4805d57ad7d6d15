/** What the READMEs say is so: their code runs and prints what its comments say, and their tables and links agree with the code. */
import { assert, describe, it } from "@effect/vitest"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { MemorySnapshotter } from "@snapshotter/memory-fs"
import { Capabilities } from "@snapshotter/node-fs"
import { Effect } from "effect"
import { execFile, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll } from "vitest"
import { judgement } from "./Judgement.ts"

const root = path.dirname(import.meta.dirname)
const read = (file: string): string => fs.readFileSync(path.join(root, file), "utf8")
const readmes = [
  "README.md",
  ...fs.readdirSync(path.join(root, "packages")).map((name) => `packages/${name}/README.md`)
]

const here = (await Effect.runPromise(Capabilities.probe(os.tmpdir()))).overlayMounts.works
const mounts = here ? [] : ["unshare", "-Urm"]
const canMount = here || spawnSync("unshare", ["-Urm", "true"]).status === 0
judgement("readme", canMount ? undefined : "one of the programs mounts, which needs root or a user namespace")

// ============================================================ code

interface Block {
  readonly file: string
  /** Of the opening fence, counted from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
}

const blocks = readmes.flatMap((file) =>
  Array.from(read(file).matchAll(/^```(\w+)\n(.*?)^```$/gms), (match): Block => ({
    file,
    line: read(file).slice(0, match.index).split("\n").length,
    language: match[1] ?? "",
    code: match[2] ?? ""
  }))
)

/** A project that has the workspace's packages, outside of it, as any user's is. */
let project = ""
const fileOf = ({ file, line }: Block) => `${file.replaceAll(/\W/g, "-")}-line-${line}.ts`
const programs = blocks.filter(({ code, language }) => language === "ts" && code.includes("console.log"))

beforeAll(() => {
  project = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-readme-")))
  fs.symlinkSync(path.join(root, "node_modules"), path.join(project, "node_modules"))
  fs.writeFileSync(path.join(project, "package.json"), JSON.stringify({ type: "module" }))
  const compilerOptions = {
    target: "ES2024",
    // Effect's own types want the DOM's.
    lib: ["ES2024", "ESNext.Disposable", "DOM"],
    module: "nodenext",
    types: ["node"],
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    allowImportingTsExtensions: true
  }
  fs.writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }))
  for (const block of blocks.filter(({ language }) => language === "ts")) {
    const code = block.code.replaceAll("/var/lib/snapshots", path.join(project, "store"))
    fs.writeFileSync(path.join(project, fileOf(block)), code)
  }
  // What a later one imports as the first one without its last line, or one's own.
  const first = blocks[0]?.code.replace(/^console\.log.*$/m, "")
  fs.writeFileSync(path.join(project, "program.ts"), first ?? "")
})

afterAll(() => fs.rmSync(project, { recursive: true, force: true }))

const run = async (command: string, args: ReadonlyArray<string>): Promise<string> => {
  const [name = "", ...rest] = [...mounts, command, ...args]
  try {
    return (await promisify(execFile)(name, rest, { cwd: project, env: { ...process.env, NODE_OPTIONS: "" } })).stdout
  } catch (cause) {
    const { stderr, stdout } = cause as { stderr?: string; stdout?: string }
    throw new Error(`${path.basename(command)} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause })
  }
}

/** What the comments say that is printed: behind `console.log` or on the line below; `…` stands for anything. */
const promised = ({ code }: Block): ReadonlyArray<string> =>
  Array.from(code.matchAll(/console\.log\(.*\)(?:\n?\s*\/\/ (.*))?$/gm), ([, said]) => said ?? "…")

const agrees = (line: string, said: string): boolean => {
  const [start = "", ...rest] = said.split("…")
  return rest.length === 0 ? line === said : line.startsWith(start) && line.endsWith(rest.at(-1) ?? "")
}

describe.runIf(canMount)("the code of the READMEs", () => {
  it("compiles as strictly as a user may have it", async () => {
    assert.isAbove(blocks.length, 8)
    assert.strictEqual(await run(path.join(root, "node_modules/.bin/tsc"), ["-p", "."]), "")
  })

  it.each(programs.map((block) => [`${block.file}:${block.line}`, block] as const))(
    "%s prints what it says",
    async (_, block) => {
      const lines = (await run(process.execPath, [fileOf(block)])).trimEnd().split("\n")
      const said = promised(block)
      if (!said.includes("…")) assert.lengthOf(lines, said.length)
      said.forEach((text, at) => assert.isTrue(agrees(lines[at] ?? "", text), `${lines[at]} is not ${text}`))
    }
  )

  it("runs scripts that there are", () => {
    const scripts = Object.keys(JSON.parse(read("package.json")).scripts)
    const commands = blocks.filter(({ language }) => language === "sh").flatMap(({ code }) => code.trim().split("\n"))
    assert.isNotEmpty(commands)
    for (const command of commands) assert.include(scripts, /^npm (?:run )?([\w:]+)/.exec(command)?.[1], command)
  })

  it("begins with the program of examples/src/first.ts, on the first screen", () => {
    const [first] = blocks
    const core = /^const \[key.*^\}\)$/ms.exec(first?.code ?? "")?.[0] ?? "no program"
    assert.include(read("examples/src/first.ts"), core.replace("export ", ""))
    assert.isBelow(first?.line ?? Infinity, 20)
  })
})

// ============================================================ text

interface Row {
  readonly operation: string
  readonly failures: string
}

const rows = Array.from(
  read("README.md").matchAll(/^\| `(\w+)(?:\(.*?\))?` +\|.*?\|(.*)\|$/gm),
  ([, operation = "", failures = ""]): Row => ({ operation, failures })
)

/** Every failure of an operation, by the types in the code. */
const failuresInCode = (operation: string): ReadonlyArray<string> => {
  const signature = new RegExp(`readonly ${operation}: .*?(\\w+Error)>`, "s").exec(
    read("packages/core/src/Snapshotter.ts")
  )
  return expanded(signature?.[1] ?? "no such operation")
}

const expanded = (type: string): ReadonlyArray<string> => {
  const union = new RegExp(`^export type ${type} =(.*?)(?=^export|(?![^]))`, "ms").exec(
    read("packages/core/src/SnapshotterError.ts")
  )?.[1]
  return union === undefined
    ? [type]
    : [...new Set(names(union.replaceAll(/\/\*.*?\*\//gs, ""), /\b[A-Z]\w+/g).flatMap(expanded))].toSorted()
}

const names = (text: string, pattern: RegExp): ReadonlyArray<string> =>
  Array.from(text.matchAll(pattern), ([name]) => name)

/** Every failure of an operation, by its row and the sentence below the table. */
const failuresInReadme = ({ failures, operation }: Row): ReadonlyArray<string> => {
  const same = rows.find((row) => failures.includes(`the same as \`${row.operation}\``))
  if (same !== undefined) return failuresInReadme(same)
  const own = names(failures, /(?<=`)\w+(?=`)/g)
  if (failures.includes("nothing else")) return own.toSorted()
  const [, always = "", writers = "", whenWriting = ""] = /each fails with (.*?),.*?\((.*?)\)\s+with (.*?)\./s.exec(
    read("README.md")
  ) ?? []
  const writing = writers.includes(`\`${operation}\``) ? names(whenWriting, /(?<=`)\w+(?=`)/g) : []
  return [...own, ...names(always, /(?<=`)\w+(?=`)/g), ...writing].toSorted()
}

describe("the text of the READMEs", () => {
  it.effect("has each operation of the service in its table, and no other", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(rows.map(({ operation }) => operation), Object.keys(yield* Snapshotter))
    }).pipe(Effect.provide(MemorySnapshotter.layer)))

  it("says of each operation what it fails with", () => {
    for (const row of rows) assert.deepStrictEqual(failuresInReadme(row), failuresInCode(row.operation), row.operation)
  })

  const headingsOf = (file: string): ReadonlyArray<string> =>
    Array.from(
      read(file).matchAll(/^#+ (.*)$/gm),
      ([, text = ""]) => text.toLowerCase().replaceAll(/[^\w -]/g, "").replaceAll(" ", "-")
    )

  it("links to files that there are, and to headings in them", () => {
    const documents = fs.readdirSync(path.join(root, "docs")).map((name) => `docs/${name}`)
    for (const file of [...readmes, ...documents]) {
      for (const [, link = ""] of read(file).matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
        const [target = "", heading] = link.split("#")
        const found = path.join(path.dirname(file), target)
        assert.isTrue(fs.existsSync(path.join(root, found)), `${file}: ${link}`)
        if (heading !== undefined) assert.include(headingsOf(target === "" ? file : found), heading, `${file}: ${link}`)
      }
    }
  })
})
