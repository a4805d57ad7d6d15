/** Failures of the port as Effect's `PlatformError`s, under the tags that its Node backend gives them. */
import { Effect } from "effect"
import { badArgument, type PlatformError, systemError, type SystemErrorTag } from "effect/PlatformError"
import type { FileSystemError } from "../../StoreFileSystem.ts"

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

export const unusable = (method: string, description: string): PlatformError =>
  badArgument({ module: "FileSystem", method, description })

const refused = (method: string, path: string, code: string): PlatformError =>
  systemError({
    module: "FileSystem",
    method,
    _tag: tags[code] ?? "Unknown",
    pathOrDescriptor: path,
    cause: new SystemCallError(code, method, path)
  })

/** What is refused becomes a failure that names the method and the path that it was given. */
export const asPlatform = <A, R>(
  method: string,
  path: string,
  attempt: Effect.Effect<A, FileSystemError, R>
): Effect.Effect<A, PlatformError, R> => Effect.mapError(attempt, ({ code }) => refused(method, path, code))

/**
 * Does something with paths as the port takes them: absolute, so what does not begin with a slash begins at the root, and
 * with bytes, so what has none becomes U+FFFD, as Node passes it on.
 */
export const withPaths = <const Paths extends readonly [string, ...ReadonlyArray<string>], A, R>(
  method: string,
  paths: Paths,
  act: (...paths: { readonly [At in keyof Paths]: string }) => Effect.Effect<A, FileSystemError, R>
): Effect.Effect<A, PlatformError, R> =>
  Effect.suspend(() => {
    if (paths.some((path) => path.includes("\0"))) {
      return Effect.fail(unusable(method, "a path cannot contain NUL"))
    }
    const taken = paths.map(absolute) as { readonly [At in keyof Paths]: string }
    return asPlatform(method, paths[0], act(...taken))
  })

/** No path at all leads nowhere. */
const absolute = (path: string): string =>
  path === "" || path.startsWith("/") ? path.toWellFormed() : `/${path.toWellFormed()}`
