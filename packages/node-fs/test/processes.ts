/** Other processes for tests: `programs/run.ts`, as another user, in other namespaces, held and killed. */
import { Effect } from "effect"
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import * as fs from "node:fs"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { fromPristine } from "../../../test/pristine.ts"

const program = fileURLToPath(new URL("programs/run.ts", import.meta.url))

/** Words before the program's own: nothing, or another user, or other namespaces. */
export type Wrapper = ReadonlyArray<string>

export const asIs: Wrapper = []
export const asNobody: Wrapper = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
export const inUserNamespace: Wrapper = [...fromPristine(), ...asNobody, "unshare", "-Urm"]
export const inMountNamespace: Wrapper = [...fromPristine(), "unshare", "-m"]
export const withUmask = (umask: string): Wrapper => ["sh", "-c", `umask ${umask}; exec "$@"`, "sh"]

const words = (wrapper: Wrapper, command: string, given: object): [string, Array<string>] => {
  const all = [...wrapper, process.execPath, program, command, JSON.stringify(given)]
  return [all[0] ?? "", all.slice(1)]
}

/** Lets a process do it and gives what it says last. */
export const run = (wrapper: Wrapper, command: string, given: object): unknown => {
  const [file, rest] = words(wrapper, command, given)
  const { stdout, stderr, status } = spawnSync(file, rest, { encoding: "utf8", input: "", timeout: 100_000 })
  const line = stdout.trim().split("\n").at(-1)
  if (status !== 0 || line === undefined || line === "") throw new Error(`${command} ended with ${status}: ${stderr}`)
  return JSON.parse(line)
}

/** A process that holds something. Its scope ends it, if that has not been done before. */
export interface Holding {
  /** What it said when it had begun. */
  readonly said: unknown
  /** Lets it end by itself. */
  readonly end: Effect.Effect<void>
  readonly kill: Effect.Effect<void>
}

export const hold = (wrapper: Wrapper, command: string, given: object) =>
  Effect.acquireRelease(
    Effect.promise(async () => {
      const [file, rest] = words(wrapper, command, given)
      const child = spawn(file, rest, { stdio: ["pipe", "pipe", "inherit"] })
      const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()))
      const line = await firstLine(child)
      const holding: Holding = {
        said: JSON.parse(line),
        end: Effect.promise(() => {
          child.stdin?.end()
          return ended
        }),
        kill: Effect.promise(() => {
          child.kill("SIGKILL")
          return ended
        })
      }
      return holding
    }),
    (holding) => holding.kill
  )

const firstLine = (child: ChildProcess): Promise<string> =>
  new Promise((resolve, reject) => {
    child.once("exit", (status) => reject(new Error(`it ended with ${status} and said nothing`)))
    if (child.stdout !== null) createInterface({ input: child.stdout }).once("line", resolve)
  })

/** How many descriptors this process has open. */
export const openDescriptors = (): number => fs.readdirSync("/proc/self/fd").length
