/** Processes that work on one store until some or all of them are killed, each at its own moment. */
import * as assert from "node:assert/strict"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { createInterface } from "node:readline"
import { compiledBeside } from "../../../../test/bundle.ts"
import type { Random } from "../../../../test/random.ts"
import type { Line } from "./journal.ts"
import type { Orders } from "./worker.ts"

/** How one process ends: killed by us once all have said so much, or by itself, at a call after lines of its own. */
export interface Death {
  readonly process: number
  readonly afterLines: number
  readonly atCall: number | undefined
}

/** Several die, often all, and no two at the same moment, but by chance. */
export const deathsFrom = (random: Random, processes: number): ReadonlyArray<Death> => {
  const all = Array.from({ length: processes }, (_, process) => process)
  const dies = random.chance(0.5) ? 1 : (1 + random.below(processes)) / processes
  const victims = all.filter(() => random.chance(dies))
  return (victims.length === 0 ? [random.below(processes)] : victims).map((process) =>
    random.chance(0.5)
      ? { process, afterLines: 1 + random.below(25), atCall: 1 + random.below(60) }
      : { process, afterLines: 1 + random.below(20 * processes), atCall: undefined }
  )
}

export const describeDeaths = (deaths: ReadonlyArray<Death>): string =>
  deaths.map(({ afterLines, atCall, process }) =>
    atCall === undefined
      ? `process ${process} is killed after ${afterLines} lines of all`
      : `process ${process} ends itself at its call ${atCall} after ${afterLines} lines of its own`
  ).join("; ")

interface Worker {
  readonly child: ChildProcess
  readonly lines: Array<Line>
  readonly heard: Promise<void>
  readonly ended: Promise<void>
  readonly errors: Array<string>
}

const start = (program: string, orders: Orders, onLine: () => void): Worker => {
  const env = { ...process.env, ...compiledBeside(program) }
  const child = spawn(process.execPath, [program, JSON.stringify(orders)], { stdio: ["pipe", "pipe", "pipe"], env })
  const lines: Array<Line> = []
  const errors: Array<string> = []
  child.stderr.on("data", (chunk: Buffer) => errors.push(chunk.toString()))
  // A dead process reads nothing.
  child.stdin.on("error", () => {})
  const heard = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout }).on("line", (text) => {
      lines.push(JSON.parse(text))
      onLine()
    }).once("close", resolve)
  })
  return { child, lines, heard, errors, ended: once(child, "exit").then(() => undefined) }
}

/** How much those that are left do after the last death. */
const linesAfter = 10

/** Begins a process for each of the orders, and lets them work until the end. Gives all that they have said. */
export const workUntil = async (
  program: string,
  orders: ReadonlyArray<Orders>,
  deaths: ReadonlyArray<Death>,
  signal: AbortSignal
): Promise<ReadonlyArray<Line>> => {
  let count = 0
  let dead = 0
  let after = 0
  const due = deaths.filter(({ atCall }) => atCall === undefined)
  const workers: ReadonlyArray<Worker> = orders.map((one) => start(program, one, () => heard()))
  const finish = () => workers.forEach(({ child }) => child.stdin?.end())
  const heard = () => {
    count++
    for (const { afterLines, process } of due) if (count === afterLines) workers[process]?.child.kill("SIGKILL")
    if (dead === deaths.length && ++after === linesAfter) finish()
  }
  const killAll = () => workers.forEach(({ child }) => child.kill("SIGKILL"))
  signal.addEventListener("abort", killAll)
  for (const { child } of workers) child.stdin?.write("go\n")
  for (const { process } of deaths) void workers[process]?.ended.then(() => dead++)
  try {
    await Promise.all(workers.flatMap(({ ended, heard }) => [ended, heard]))
  } finally {
    signal.removeEventListener("abort", killAll)
    killAll()
  }
  signal.throwIfAborted()
  for (const [at, { child, errors }] of workers.entries()) {
    const wanted = deaths.some(({ process }) => process === at) ? child.signalCode === "SIGKILL" : child.exitCode === 0
    assert.ok(wanted, `process ${at} ended with ${child.exitCode ?? child.signalCode}: ${errors.join("")}`)
  }
  return workers.flatMap(({ lines }) => lines)
}
