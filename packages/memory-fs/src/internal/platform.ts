/** Refused system calls as Effect's `PlatformError`s, under the tags that its Node backend gives them. */
import { Effect } from "effect"
import { badArgument, type PlatformError, systemError, type SystemErrorTag } from "effect/PlatformError"
import { Errno } from "./errno.ts"

const tags: Readonly<Record<string, SystemErrorTag>> = {
  ENOENT: "NotFound",
  EACCES: "PermissionDenied",
  EPERM: "PermissionDenied",
  EEXIST: "AlreadyExists",
  EISDIR: "BadResource",
  ENOTDIR: "BadResource",
  ELOOP: "BadResource",
  EBUSY: "Busy"
}

/** Like Node's errors: whoever needs more than the tag reads `code` of the cause. */
class SystemCallError extends Error {
  readonly code: string
  readonly path: string
  constructor(code: string, method: string, path: string) {
    super(`${code}: ${method} ${JSON.stringify(path)}`)
    this.code = code
    this.path = path
  }
}

export const refused = (method: string, path: string, code: string): PlatformError =>
  systemError({
    module: "FileSystem",
    method,
    _tag: tags[code] ?? "Unknown",
    pathOrDescriptor: path,
    cause: new SystemCallError(code, method, path)
  })

export const unusable = (method: string, description: string): PlatformError =>
  badArgument({ module: "FileSystem", method, description })

/** Does something with paths, and turns what is refused into a failure that names the first of them. */
export const attempt = <A>(
  method: string,
  paths: readonly [string, ...ReadonlyArray<string>],
  act: () => A
): Effect.Effect<A, PlatformError> =>
  Effect.suspend(() => {
    if (paths.some((path) => path.includes("\0"))) {
      return Effect.fail(unusable(method, "a path cannot contain NUL"))
    }
    try {
      return Effect.succeed(act())
    } catch (error) {
      if (error instanceof Errno) return Effect.fail(refused(method, paths[0], error.code))
      throw error
    }
  })
