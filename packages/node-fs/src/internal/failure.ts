/** From what a system call, or Node's own function for one, has thrown to the ports' typed failure. */
import { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import { Effect } from "effect"
import { Errno, errnoName } from "./errno.ts"
import { Unsupported } from "./syscalls.ts"

/** What carries no errno is no answer of the machine's: a defect. */
export const failure = (operation: string, path: string, thrown: unknown): Effect.Effect<never, FileSystemError> => {
  const code = codeOf(thrown)
  return code === undefined ? Effect.die(thrown) : Effect.fail(new FileSystemError({ operation, path, code }))
}

const codeOf = (thrown: unknown): string | undefined => {
  if (thrown instanceof Unsupported || thrown instanceof Errno) return thrown.code
  if (!(thrown instanceof Error) || !("errno" in thrown) || typeof thrown.errno !== "number") return undefined
  return errnoName(-thrown.errno)
}
