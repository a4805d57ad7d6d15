/** The command lines of the programs in here: `--help` in full, and what is wrong with one in one line, with exit code 2. */
import { parseArgs, type ParseArgsOptionsConfig } from "node:util"

/** What whoever gave the command can put right. */
export class BadArguments extends Error {
  override readonly name = "BadArguments"
}

/** What was given, as text; `help` is one option more. */
export const optionsIn = <const Options extends ParseArgsOptionsConfig>(
  args: ReadonlyArray<string>,
  options: Options
) => {
  try {
    return parseArgs({
      args: [...args],
      options: { ...options, help: { type: "boolean", short: "h", default: false } }
    })
      .values
  } catch (cause) {
    // The first sentence says what is wrong, the others how arguments can be quoted.
    const [what = "bad arguments"] = (cause instanceof Error ? cause.message : String(cause)).split(/\.\s|\n/)
    throw new BadArguments(what)
  }
}

export const wholeNumber = (option: string, given: string, least = Number.MIN_SAFE_INTEGER): number => {
  const number = Number(given)
  if (given.trim() !== "" && Number.isSafeInteger(number) && number >= least) return number
  const which = least === Number.MIN_SAFE_INTEGER ? "a whole number" : `a whole number from ${least} on`
  throw new BadArguments(`${option} takes ${which}, not ${given}`)
}

/** What a program is to do by its command line; where that says nothing to be done, the process ends here. */
export const orExplain = <A extends { readonly help: boolean }>(usage: string, read: () => A): A => {
  try {
    const values = read()
    if (!values.help) return values
    process.stdout.write(`${usage}\n`)
    process.exit(0)
  } catch (cause) {
    if (!(cause instanceof BadArguments)) throw cause
    process.stderr.write(`${cause.message}; --help tells what there is\n`)
    process.exit(2)
  }
}
