/** Real commands: their output captured, and whatever goes wrong with them a typed failure that one can read. */
import { Effect, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"
import { TaskFailed } from "./tasks.ts"

export interface Running {
  readonly cwd?: string
  /** Added to this process's own environment; `undefined` takes a variable out. */
  readonly env?: Record<string, string | undefined>
  /** Told of every piece of output as it comes. */
  readonly onOutput?: (text: string) => void
}

/** Runs a command to its end and answers what it printed. Interrupting it ends it, and what it has started. */
export const run = (
  name: string,
  args: ReadonlyArray<string>,
  { cwd, env = {}, onOutput }: Running = {}
): Effect.Effect<string, TaskFailed, ChildProcessSpawner.ChildProcessSpawner> =>
  Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const handle = yield* spawner.spawn(
      ChildProcess.make(name, args, { cwd, env, extendEnv: true, stdin: "ignore", forceKillAfter: "2 seconds" })
    )
    const [stdout, stderr] = yield* Effect.all([collect(handle.stdout, onOutput), collect(handle.stderr)], {
      concurrency: "unbounded"
    })
    return { exitCode: Number(yield* handle.exitCode), stdout, stderr }
  }).pipe(
    Effect.scoped,
    Effect.mapError(({ reason }) =>
      new TaskFailed({
        task: name,
        how: "did not run",
        said: reason._tag === "NotFound" ? "there is no such command" : reason.message
      })
    ),
    Effect.flatMap(({ exitCode, stderr, stdout }) =>
      exitCode === 0 ? Effect.succeed(stdout) : Effect.fail(
        new TaskFailed({
          task: name,
          how: `ended with exit code ${exitCode}`,
          said: lastLine(stderr) ?? lastLine(stdout) ?? "it said nothing"
        })
      )
    )
  )

/** Enough to show; a command may print without end. */
const keptCharacters = 65_536

const collect = <E>(stream: Stream.Stream<Uint8Array, E>, onOutput?: (text: string) => void) =>
  Stream.runFold(Stream.decodeText(stream), () => "", (kept, text) => {
    onOutput?.(text)
    return (kept + text).slice(-keptCharacters)
  })

const lastLine = (text: string): string | undefined => text.trim().split("\n").at(-1) || undefined
