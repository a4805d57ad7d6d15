/** The same tasks without a process, for where nothing is really mounted: by calls to the file system that shows the forks. */
import { type StoreFileSystem, TreeFileSystem } from "@snapshotter/core"
import { NodeTreeFileSystem } from "@snapshotter/node-fs"
import { Effect, FileSystem, Layer, type PlatformError } from "effect"
import { createHash } from "node:crypto"
import { errnoOf } from "../errno.ts"
import type { Choice } from "./choice.ts"
import { copyTree } from "./copyTree.ts"
import * as Show from "./show.ts"
import { type Task, TaskFailed, Tasks } from "./tasks.ts"

export const layer = Layer.effect(
  Tasks,
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const to = yield* TreeFileSystem.TreeFileSystem
    const from = yield* TreeFileSystem.TreeFileSystem.pipe(Effect.provide(NodeTreeFileSystem.layer, { local: true }))
    return {
      copy: (source, onNames) =>
        task("copy", "a copy, name by name,", (into) => copyTree({ from, to }, source, into, () => onNames(1))),
      edit: (choice) =>
        task(
          "edit",
          [`${choice.edited.length} files edited`, "a new one", ...(choice.removed === "" ? [] : ["rm -r"])].join(", "),
          (directory) => edit(fs, directory, choice)
        ),
      record: ({ recorded }) =>
        task("record", `a copy of ${recorded.length} files, by digest`, (directory) => record(fs, directory, recorded)),
      wreck: task("wreck", "everything removed", (directory) => removeBelow(to, directory)),
      build: task("build", "mkdir built, copyFile no-such-file", (directory) =>
        Effect.gen(function*() {
          yield* fs.makeDirectory(`${directory}/built`)
          yield* fs.copyFile(`${directory}/no-such-file`, `${directory}/built/no-such-file`)
        })),
      write: task("write", "writeFile new", (directory) => fs.writeFileString(`${directory}/new`, ""))
    }
  })
)

type Failure = PlatformError.PlatformError | StoreFileSystem.FileSystemError

const task = (
  name: string,
  title: string,
  act: (directory: string) => Effect.Effect<string | void, Failure>
): Task => ({
  title,
  perform: (directory) =>
    act(directory).pipe(
      Effect.map((said) => said ?? ""),
      Effect.mapError((failure) =>
        new TaskFailed({ task: name, how: "failed", said: reasonOf(failure).replaceAll(`${directory}/`, "") })
      )
    )
})

const reasonOf = (failure: Failure): string =>
  failure._tag === "FileSystemError"
    ? failure.message
    : `${failure.reason.method} ${pathOf(failure)}: ${errnoOf(failure)}`

const pathOf = ({ reason }: PlatformError.PlatformError) => "pathOrDescriptor" in reason ? reason.pathOrDescriptor : ""

const edit = (fs: FileSystem.FileSystem, directory: string, { edited, removed }: Choice) =>
  Effect.gen(function*() {
    for (const file of edited) {
      const text = yield* fs.readFileString(`${directory}/${file}`)
      yield* fs.writeFileString(`${directory}/${file}`, `edited in a fork\n${text}`)
    }
    yield* fs.writeFileString(`${directory}/EDITED.md`, "what was done and why\n")
    if (removed !== "") yield* fs.remove(`${directory}/${removed}`, { recursive: true })
  })

/** As git keeps contents: each once, under what it digests to. */
const record = (fs: FileSystem.FileSystem, directory: string, files: ReadonlyArray<string>) =>
  Effect.gen(function*() {
    yield* fs.makeDirectory(`${directory}/.recorded`)
    let bytes = 0
    for (const file of files) {
      const contents = yield* fs.readFile(`${directory}/${file}`)
      const digest = createHash("sha256").update(contents).digest("hex")
      yield* fs.writeFile(`${directory}/.recorded/${digest}`, contents)
      bytes += contents.length
    }
    return `${Show.bytes(bytes)} recorded`
  })

/** By a file system that takes any name. */
const removeBelow = (
  tree: TreeFileSystem.TreeFileSystem,
  directory: TreeFileSystem.TreePath
): Effect.Effect<void, StoreFileSystem.FileSystemError> =>
  Effect.gen(function*() {
    for (const name of yield* tree.readDirectory(directory)) {
      const path = TreeFileSystem.below(directory, name)
      if ((yield* tree.lstat(path)).type !== "directory") yield* tree.removeFile(path)
      else {
        yield* removeBelow(tree, path)
        yield* tree.removeDirectory(path)
      }
    }
  })
