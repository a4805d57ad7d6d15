/** The other end of `clerk.ts`: a process of its own, which ends with the scope. */
import type { SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import type { Wrapper } from "../processes.ts"
import type { Answers, Order } from "./clerk.ts"

const program = fileURLToPath(new URL("clerk.ts", import.meta.url))

export interface Clerk {
  /** What it takes itself for: 1, where it is the first of its namespace. */
  readonly ownPid: number
  /** What it is called here. */
  readonly pid: number
  readonly ask: <O extends Order>(order: O) => Effect.Effect<Answers[O["do"]]>
  /** Without waiting for the answer. */
  readonly tell: (order: Order) => void
  /** Sends it a signal, and returns when that has had its effect. */
  readonly signal: (signal: "SIGSTOP" | "SIGCONT" | "SIGKILL") => Effect.Effect<void>
  /** Closes its input, and returns with its status when it has ended: `null` where a signal ended it. */
  readonly dismiss: Effect.Effect<number | null>
  readonly ended: Effect.Effect<number | null>
}

/** `wrapper` are words before its own: other namespaces, other limits. */
export const hire = (options: SnapshotterOptions, wrapper: Wrapper = []): Effect.Effect<Clerk, never, Scope.Scope> =>
  Effect.map(Effect.acquireRelease(Effect.promise(() => start(options, wrapper)), end), ({ clerk }) => clerk)

interface Started {
  readonly clerk: Clerk
  readonly child: ChildProcess
}

const end = ({ child, clerk }: Started) =>
  Effect.andThen(
    Effect.sync(() => {
      if (child.exitCode === null && child.signalCode === null) process.kill(clerk.pid, "SIGKILL")
    }),
    clerk.ended
  )

const start = async (options: SnapshotterOptions, wrapper: Wrapper): Promise<Started> => {
  const words = [...wrapper, process.execPath, program, JSON.stringify(options)]
  // Compiled once for all of them; temporary directories of those that are killed go with the store.
  const places = { NODE_COMPILE_CACHE: path.join(os.tmpdir(), "compiled"), TMPDIR: path.dirname(options.root) }
  const env = { ...process.env, ...places }
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["pipe", "pipe", "inherit"], env })
  // A dead process reads nothing.
  child.stdin.on("error", () => {})
  const exit = once(child, "exit").then(() => child.exitCode)
  const next = answers(child, exit)
  const ownPid = Number(await next())
  const pid = innermost(child.pid ?? 0)
  const tell = (order: Order) => void child.stdin.write(`${JSON.stringify(order)}\n`)
  const ask = <O extends Order>(order: O) =>
    Effect.promise(async () => {
      tell(order)
      const answer: Answers[O["do"]] = JSON.parse(await next())
      return answer
    })
  const ended = Effect.promise(() => exit)
  const signal: Clerk["signal"] = (signal) =>
    Effect.promise(async () => {
      process.kill(pid, signal)
      if (signal === "SIGKILL") await exit
      else {while ((stateOf(pid) === "T") !== (signal === "SIGSTOP")) {
          await new Promise((resolve) => setTimeout(resolve, 1))
        }}
    })
  const dismiss = Effect.suspend(() => {
    child.stdin.end()
    return ended
  })
  return { child, clerk: { ownPid, pid, ask, tell, signal, dismiss, ended } }
}

/** The lines that it says, one after another. */
const answers = (child: ChildProcess, exit: Promise<unknown>): () => Promise<string> => {
  if (child.stdout === null) throw new Error("it has no output")
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    const line = await lines.next()
    if (line.done !== true) return line.value
    throw new Error(`it ended with ${String(await exit)} and had not answered`)
  }
}

/** A wrapper that forks has a child, which is the one that is meant. */
const innermost = (pid: number): number => {
  const [child] = fs.readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")
  const name = fs.readFileSync(`/proc/${pid}/comm`, "utf8").trim()
  return name === "unshare" && child !== undefined && child !== "" ? innermost(Number(child)) : pid
}

/** The letter by which the kernel tells what a process is doing: `T` when it is stopped. */
const stateOf = (pid: number): string => /\) (\S)/.exec(fs.readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] ?? ""
