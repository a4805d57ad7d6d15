/** A small tool of one's own, which moves a directory: twice, since the first is right everywhere but in a fork. */
import { Effect, FileSystem } from "effect"
import { errnoOf } from "./errno.ts"

export interface Move {
  readonly from: string
  readonly to: string
}

/** Where there is nothing to be moved, or the new name is taken, nothing happens. */
export const carelessly = Effect.fnUntraced(function*(directory: string, move: Move) {
  const fs = yield* FileSystem.FileSystem
  const [from, to] = [`${directory}/${move.from}`, `${directory}/${move.to}`]
  if (!(yield* fs.exists(from)) || (yield* fs.exists(to))) return
  // The fault: what comes from a parent's layer cannot be renamed if it is a directory.
  yield* fs.rename(from, to)
})

/** The same; where a directory cannot be renamed, it copies, as `mv` does. */
export const carefully = (directory: string, move: Move) =>
  carelessly(directory, move).pipe(
    Effect.catch((error) => errnoOf(error) === "EXDEV" ? copied(directory, move) : Effect.fail(error))
  )

const copied = Effect.fnUntraced(function*(directory: string, { from, to }: Move) {
  const fs = yield* FileSystem.FileSystem
  yield* fs.copy(`${directory}/${from}`, `${directory}/${to}`, { preserveTimestamps: true })
  yield* fs.remove(`${directory}/${from}`, { recursive: true })
})
