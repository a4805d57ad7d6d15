/** A small tool of one's own, built on `Fork`: edits to a workspace, all of them or none. */
import { Fork, Snapshot } from "@snapshotter/core"
import { Effect, FileSystem, Schema } from "effect"

/** In the file `path`, `from` becomes `to`, the first time it occurs. */
export interface Edit {
  readonly path: string
  readonly from: string
  readonly to: string
}

/** The edit does not fit the file; nothing was applied. */
export class EditRefused extends Schema.TaggedError<EditRefused>()("EditRefused", {
  path: Schema.String,
  reason: Schema.String
}) {
  override get message() {
    return `cannot edit ${this.path}: ${this.reason}`
  }
}

/** Commits what `base` is after the edits as `result`. If one of them does not fit, there is no `result`. */
export const applyEdits = (base: Snapshot.Name, result: Snapshot.Name, edits: ReadonlyArray<Edit>) =>
  Fork.committed(
    { key: Snapshot.Key.make(`${result}: work`), parent: base },
    result,
    (work) => Effect.forEach(edits, (edit) => applyEdit(work, edit), { discard: true })
  )

const applyEdit = Effect.fnUntraced(function*(directory: string, { from, path, to }: Edit) {
  const fs = yield* FileSystem.FileSystem
  const file = `${directory}/${path}`
  const text = yield* fs.readFileString(file).pipe(
    Effect.catchReason("PlatformError", "NotFound", () => new EditRefused({ path, reason: "there is no such file" }))
  )
  if (!text.includes(from)) {
    return yield* new EditRefused({ path, reason: `it does not contain ${JSON.stringify(from)}` })
  }
  yield* fs.writeFileString(file, text.replace(from, () => to))
})
