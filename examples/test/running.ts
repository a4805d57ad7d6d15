/** Runs examples as users run them, and sees to it that they leave nothing behind. */
import { assert } from "@effect/vitest"
import { Capabilities } from "@snapshotter/node-fs"
import { Effect } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { fromPristine } from "../../test/pristine.ts"

const examples = path.join(import.meta.dirname, "..", "src")

// ============================================================ what can be mounted here

export const inNamespace = [...fromPristine(), "unshare", "-Urm"]
/** Whether this process may mount, and whether a program in a user namespace of its own may. */
const here = (await Effect.runPromise(Capabilities.probe(os.tmpdir()))).overlayMounts.works
const [word = "", ...words] = inNamespace
const first = [process.execPath, path.join(examples, "first.ts"), "--backend", "node"]
export const inside = spawnSync(word, [...words, ...first]).status === 0
export const canMount = here || inside
/** What lets a program mount. */
export const mounting = here ? [] : inNamespace

/** For the judgement of the examples. */
export const missing = inside ? undefined : "mounting in a user namespace (unshare -Urm) is not possible here"

// ============================================================ running

export interface Ran {
  readonly stdout: string
  readonly stderr: string
  readonly code: number | null
}

export interface How {
  /** A command that runs the command that follows it. */
  readonly within?: ReadonlyArray<string>
  /** Programs that are found before all others, by name: shell scripts. */
  readonly instead?: Readonly<Record<string, string>>
  /** Told of all that was printed so far. */
  readonly watch?: (child: ChildProcess, printed: string) => void
}

/** In a temporary directory of its own, of which nothing may be left, mounted or not. */
export const run = async (example: string, args: ReadonlyArray<string>, how: How = {}): Promise<Ran> => {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-ran-")))
  try {
    const ran = await ranIn(directory, example, args, how)
    const mounts = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n").filter((line) =>
      line.includes(directory)
    )
    assert.deepStrictEqual(mounts, [], ran.stderr)
    assert.deepStrictEqual(fs.readdirSync(directory), [], ran.stderr)
    return ran
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

const ranIn = (directory: string, example: string, args: ReadonlyArray<string>, how: How): Promise<Ran> => {
  const programs = fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-programs-"))
  for (const [name, script] of Object.entries(how.instead ?? {})) {
    fs.writeFileSync(path.join(programs, name), `#!/bin/sh\n${script}\n`, { mode: 0o755 })
  }
  const env = { ...process.env, TMPDIR: directory, NODE_OPTIONS: "", PATH: `${programs}:${process.env["PATH"]}` }
  const [command = "", ...rest] = [...(how.within ?? []), process.execPath, path.join(examples, example), ...args]
  const child = spawn(command, rest, { env, stdio: ["ignore", "pipe", "pipe"] })
  let [stdout, stderr] = ["", ""]
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
    how.watch?.(child, stdout + stderr)
  })
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr += text
    how.watch?.(child, stdout + stderr)
  })
  return new Promise((resolve, reject) => {
    child.once("error", reject)
    child.once("close", (code) => {
      fs.rmSync(programs, { recursive: true, force: true })
      resolve({ stdout, stderr, code })
    })
  })
}

/** A tree with something of everything, given to what `use` does, and gone afterwards. */
export const withTree = async <A>(use: (directory: string) => Promise<A>, files = 0): Promise<A> => {
  const directory = fs.realpathSync(fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-tree-")))
  try {
    const write = (name: string | Buffer, text: string) =>
      fs.writeFileSync(Buffer.concat([Buffer.from(`${directory}/`), Buffer.from(name)]), text)
    for (const name of ["a", "a/deep", "gone", "empty", "with space"]) fs.mkdirSync(path.join(directory, name))
    for (const name of ["README.md", "a/one.ts", "a/deep/two.json", "gone/x", "gone/y", "with space/new\nline"]) {
      write(name, `${name}\n`)
    }
    write(Buffer.from([0x66, 0xff, 0xfe]), "no UTF-8\n")
    fs.symlinkSync("a/one.ts", path.join(directory, "link"))
    fs.symlinkSync("nowhere", path.join(directory, "dangling"))
    fs.linkSync(path.join(directory, "README.md"), path.join(directory, "hard link"))
    fs.chmodSync(path.join(directory, "README.md"), 0o640)
    assert.strictEqual(spawnSync("mkfifo", [path.join(directory, "fifo")]).status, 0)
    for (let at = 0; at < files; at++) write(`a/file ${at}`, `${at}\n`.repeat(1_000))
    return await use(directory)
  } finally {
    fs.rmSync(directory, { recursive: true, force: true })
  }
}

// ============================================================ both backends

const backends = { memory: /^in memory$/, node: /^on real mounts: overlay on \w+, Linux / }

/** What an example prints on each backend; that it is on this one, and nothing else, it says on stderr. */
export const onBoth = async (example: string, args: ReadonlyArray<string>) => {
  const on = async (backend: "memory" | "node") => {
    const { code, stderr, stdout } = await run(example, ["--backend", backend, ...args], { within: mounting })
    const [first = "", ...more] = stderr.split("\n")
    assert.strictEqual(code, 0, stdout + stderr)
    assert.match(first, backends[backend])
    assert.deepStrictEqual(withoutProgress(more.join("\n")), "")
    return stdout
  }
  const [memory, node] = await Promise.all([on("memory"), on("node")])
  return { memory, node }
}

/** What went wrong, without the backend and what tells how far it is. */
export const complaint = ({ stderr }: Ran): string =>
  withoutProgress(stderr).replace(/^(in memory|on real mounts: .*)\n/, "")

const withoutProgress = (stderr: string): string => stderr.replaceAll(/^.*… .*\(\d+ s\)\n/gm, "")

/** Interrupts it some time after it has printed something; of all it made nothing may be left. */
export const interrupted = async (
  example: string,
  args: ReadonlyArray<string>,
  moment: RegExp,
  signal: "SIGINT" | "SIGTERM",
  milliseconds: number
): Promise<void> => {
  let sent = false
  const watch = (child: ChildProcess, printed: string) => {
    if (sent || !moment.test(printed)) return
    sent = true
    setTimeout(() => child.kill(signal), Math.random() * milliseconds)
  }
  const { code, stderr, stdout } = await run(example, args, { watch, within: mounting })
  assert.strictEqual(code, 130, `${signal} at ${moment}: ${stdout}${stderr}`)
}
