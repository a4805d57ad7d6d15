/** Small trees of text files, for properties. */
import { Effect, FileSystem } from "effect"
import { dirname } from "node:path/posix"

/** Contents by path. */
export type Files = Readonly<Record<string, string>>

export const writeFiles = Effect.fnUntraced(function*(directory: string, files: Files) {
  const fs = yield* FileSystem.FileSystem
  for (const [path, text] of Object.entries(files)) {
    yield* fs.makeDirectory(dirname(`${directory}/${path}`), { recursive: true })
    yield* fs.writeFileString(`${directory}/${path}`, text)
  }
})

export const readFiles = Effect.fnUntraced(function*(directory: string) {
  const fs = yield* FileSystem.FileSystem
  const files: Record<string, string> = {}
  for (const path of yield* fs.readDirectory(directory, { recursive: true })) {
    const { type } = yield* fs.stat(`${directory}/${path}`)
    if (type === "File") files[path] = yield* fs.readFileString(`${directory}/${path}`)
  }
  return files
})
