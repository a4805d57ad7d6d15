/** The other end of `program.ts`: a process that carries out orders, at one of whose system calls something fails. */
import { Effect, type Scope } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { bundle, compiledBeside } from "../../../../test/bundle.ts"
import { freshDirectory } from "../place.ts"
import { type Refusal, Tracer } from "../syscalls/strace.ts"
import type { Answer, Order } from "./program.ts"

export interface Traced {
  readonly answer: Answer
  /** What strace said. */
  readonly trace: string
  /** Whether a call was refused. */
  readonly injected: boolean
}

export interface Subject {
  readonly ask: (order: Order) => Promise<Answer>
  /** How many files it has open; waits a while until they are no more than `most`. */
  readonly openFiles: (most?: number) => Promise<number>
  /** The same, seen by strace; with a refusal, that one call fails. */
  readonly askTraced: (order: Order, refusal: Refusal | undefined) => Promise<Traced>
}

/** A process of its own, until the scope closes. */
export const subject: Effect.Effect<Subject, never, Scope.Scope> = Effect.gen(function*() {
  const directory = yield* freshDirectory
  const source = fileURLToPath(new URL("program.ts", import.meta.url))
  const program = yield* Effect.promise(() => bundle(source, path.join(directory, "program")))
  const child = yield* Effect.acquireRelease(Effect.sync(() => start(program)), end)
  const next = linesOf(child)
  const tell = (order: Order) => void child.stdin?.write(`${JSON.stringify(order)}\n`)
  const ask = async (order: Order): Promise<Answer> => {
    tell(order)
    return JSON.parse(await next())
  }
  return {
    ask,
    openFiles: async (most) => {
      const answer = await ask(most === undefined ? { do: "count" } : { do: "count", most })
      if ("value" in answer && typeof answer.value === "number") return answer.value
      throw new Error(`no number: ${JSON.stringify(answer)}`)
    },
    askTraced: async (order, refusal) => {
      const tracer = await Tracer.attach(child.pid ?? 0, refusal)
      try {
        const answer = await ask(order)
        const trace = await tracer.detach()
        return { answer, trace, injected: trace.includes("(INJECTED)") }
      } finally {
        tracer.kill()
      }
    }
  }
})

const start = (program: string): ChildProcess =>
  spawn(process.execPath, [program], {
    stdio: ["pipe", "pipe", "inherit"],
    // One thread in the pool, so that counting the calls of each thread counts them all.
    env: { ...process.env, ...compiledBeside(program), UV_THREADPOOL_SIZE: "1" }
  })

const end = (child: ChildProcess): Effect.Effect<void> =>
  Effect.promise(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const exit = once(child, "exit")
    child.kill("SIGKILL")
    await exit
  })

/** One after another; rejects where it has ended instead. */
const linesOf = (child: ChildProcess): () => Promise<string> => {
  if (child.stdout === null) throw new Error("it has no output")
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return async () => {
    const line = await lines.next()
    if (line.done !== true) return line.value
    throw new Error(`it ended (${child.exitCode ?? child.signalCode}) and had not answered`)
  }
}
