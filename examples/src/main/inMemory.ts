/** The main job where nothing can be mounted: the same operations on a simulated machine, on a few hundred files. */
import { Fork, Snapshot, Snapshotter } from "@snapshotter/core"
import { MemorySnapshotter } from "@snapshotter/memory-fs"
import { Console, Effect, FileSystem, Predicate } from "effect"
import { dirname } from "node:path/posix"
import { base } from "./base.ts"
import { nodes, NotAsPromised } from "./readBack.ts"
import { type Sample, sampleOf } from "./sample.ts"
import * as Show from "./show.ts"
import { stopwatch } from "./stopwatch.ts"

export const inMemory = (directory: string) =>
  Effect.gen(function*() {
    const sample = yield* sampleOf(directory)
    const total = [...sample.values()].reduce((sum, { length }) => sum + length, 0)
    yield* Console.log(`${directory}: ${sample.size} of its files, ${Show.bytes(total)}, as a sample`)
    yield* makeBase(sample)
    const mounts = yield* forkBase
    const proofs = yield* readBack(sample)
    yield* Console.log([
      "",
      "The forest, and what each layer holds:",
      ...Show.forest(yield* nodes),
      "",
      "Mounts are data; those of work:",
      ...Show.mountLines(mounts),
      "",
      "Read back, every byte:",
      ...proofs
    ].join("\n"))
  }).pipe(Effect.provide(MemorySnapshotter.layer))

/** Without parent, so that it is a bind mount. */
const makeBase = (sample: Sample) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const lap = stopwatch()
    const [writing] = yield* Fork.committed({ key: Snapshot.Key.make("import") }, base, (into) =>
      Effect.gen(function*() {
        lap()
        for (const [name, contents] of sample) {
          yield* fs.makeDirectory(dirname(`${into}/${name}`), { recursive: true })
          yield* fs.writeFile(`${into}/${name}`, contents)
        }
        return lap()
      }))
    yield* Console.log([
      "",
      "The base, made once:",
      Show.step("  all that, written into an empty fork", Show.duration(writing)),
      Show.step("  commit", Show.duration(lap()))
    ].join("\n"))
  })

/** Answers the mounts of the fork that stays. */
const forkBase = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter.Snapshotter
  const lap = stopwatch()
  const fork = (key: string) => snapshotter.prepare(Snapshot.Key.make(key), { parent: base })
  const mounts = yield* fork("work")
  yield* fork("kept")
  yield* fork("thrown away")
  const forking = lap()
  yield* snapshotter.commit(Snapshot.Name.make("child"), Snapshot.Key.make("kept"))
  const committing = lap()
  yield* snapshotter.remove(Snapshot.Key.make("thrown away"))
  yield* Console.log([
    "",
    "Three forks of it:",
    Show.step("  prepared, all three", Show.duration(forking)),
    Show.step("  one committed as child", Show.duration(committing)),
    Show.step("  one removed", Show.duration(lap()))
  ].join("\n"))
  return mounts
})

const readBack = (sample: Sample) =>
  Fork.viewed({ key: Snapshot.Key.make("review"), parent: base }, (view) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      for (const [name, contents] of sample) {
        const same = Buffer.compare(yield* fs.readFile(`${view}/${name}`), contents) === 0
        if (!same) return yield* new NotAsPromised({ what: `${JSON.stringify(name)} in base is not as in the input` })
      }
      const refusal = yield* fs.writeFileString(`${view}/new`, "").pipe(
        Effect.matchEffect({
          onFailure: ({ reason }) => Effect.succeed(errnoOf(reason.cause)),
          onSuccess: () => Effect.fail(new NotAsPromised({ what: "a view could be written to" }))
        })
      )
      return [
        `  base is the sample: ${sample.size} files`,
        `  a write into a view of it was refused: ${refusal}`
      ]
    }))

/** Effect's `FileSystem` has one tag for many an errno; the errno itself is in the cause. */
const errnoOf = (cause: unknown): string => Predicate.hasProperty(cause, "code") ? String(cause.code) : String(cause)
