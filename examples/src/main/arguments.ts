/** What the command line says, judged before anything is done. */
import { Effect, Schema } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"

export class BadArgument extends Schema.TaggedError<BadArgument>()("BadArgument", { reason: Schema.String }) {
  override get message() {
    return this.reason
  }
}

const bad = (reason: string) => Effect.fail(new BadArgument({ reason }))

/** The directory, absolute and without symlinks. */
export const inputDirectory = (given: string): Effect.Effect<string, BadArgument> =>
  Effect.suspend(() => {
    const stat = fs.statSync(given, { throwIfNoEntry: false })
    if (stat === undefined) return bad(`${path.resolve(given)} does not exist; give a directory`)
    if (!stat.isDirectory()) return bad(`${path.resolve(given)} is not a directory; give one`)
    return Effect.succeed(fs.realpathSync(given))
  })

export interface Root {
  /** An absolute path. */
  readonly path: string
  /** A directory that is there, on the same file system. */
  readonly near: string
}

/** A root for a store that is to be kept: a directory that is empty, or that can be made, and not inside the input. */
export const keptRoot = (given: string, input: string): Effect.Effect<Root, BadArgument> =>
  Effect.suspend(() => {
    const root = path.resolve(given)
    const there = fs.statSync(root, { throwIfNoEntry: false })
    if (there !== undefined && !there.isDirectory()) {
      return bad(`${root} is not a directory; give an empty one to --root`)
    }
    const near = there === undefined ? path.dirname(root) : root
    if (!fs.existsSync(near)) return bad(`${near} does not exist, so no store can be made in it; make it first`)
    if (there !== undefined && fs.readdirSync(root).length > 0) {
      return bad(`${root} is not empty; give an empty directory to --root, or one that does not exist`)
    }
    return Effect.as(outside(input, near), { path: root, near })
  })

/** Copied into itself, a directory would have no end: `near` must not be in it. */
export const outside = (input: string, near: string): Effect.Effect<void, BadArgument> => {
  const real = path.join(fs.realpathSync(near), "x")
  const inside = real.startsWith(input === "/" ? "/" : `${input}/`)
  return inside
    ? bad(`the store would be inside ${input}, and be copied into itself; give a directory outside of it to --root`)
    : Effect.void
}
