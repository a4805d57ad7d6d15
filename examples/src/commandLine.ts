/** How an example runs: its flags read, its scope closed on Ctrl-C too, and what goes wrong told in one line. */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Cause, Console, Effect, Option } from "effect"
import { CliConfig, CliError, Command, GlobalFlag } from "effect/cli"

export const run = <Name extends string, Input, ContextInput, E extends Error>(
  command: Command.Command<Name, Input, ContextInput, E, NodeServices.NodeServices>
): void =>
  command.pipe(
    Command.run({ version: "0.1.0" }),
    Effect.provide(NodeServices.layer),
    Effect.provide(CliConfig.layer({ builtIns: [GlobalFlag.Help, GlobalFlag.Version] })),
    Effect.tapCause(report),
    NodeRuntime.runMain({ disableErrorReporting: true })
  )

/** A failure in one line; what is none, a bug, with all that is known. Bad flags have been explained already. */
const report = (cause: Cause.Cause<Error>) => {
  if (Cause.hasInterruptsOnly(cause)) return Effect.void
  const failure = Option.getOrUndefined(Cause.findErrorOption(cause))
  if (CliError.isCliError(failure)) return Effect.void
  return Console.error(failure === undefined ? Cause.pretty(cause) : failure.message.replaceAll(/\s+/g, " "))
}
