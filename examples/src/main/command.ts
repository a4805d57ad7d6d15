/** Real commands: their output captured, and whatever goes wrong with them a typed failure that one can read. */
import { Effect, Schema, Stream } from "effect"
import { ChildProcess, ChildProcessSpawner } from "effect/process"

/** The command could not be started, or did not end well. */
export class CommandFailed extends Schema.TaggedError<CommandFailed>()("CommandFailed", {
  command: Schema.String,
  /** `undefined` where it did not come to an exit code. */
  exitCode: Schema.UndefinedOr(Schema.Number),
  /** The last line that it said, or why it could not be started. */
  said: Schema.String
}) {
  override get message() {
    const how = this.exitCode === undefined ? "did not run" : `ended with exit code ${this.exitCode}`
    return `${this.command} ${how}: ${this.said}`
  }
}

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
): Effect.Effect<string, CommandFailed, ChildProcessSpawner.ChildProcessSpawner> =>
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
      new CommandFailed({
        command: name,
        exitCode: undefined,
        said: reason._tag === "NotFound" ? "there is no such command" : reason.message
      })
    ),
    Effect.flatMap(({ exitCode, stderr, stdout }) =>
      exitCode === 0 ? Effect.succeed(stdout) : Effect.fail(
        new CommandFailed({ command: name, exitCode, said: lastLine(stderr) ?? lastLine(stdout) ?? "it said nothing" })
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
