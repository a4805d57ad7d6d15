/**
 * How to fuzz code of one's own that works on files in forks: a property, and what breaks it, made small. In memory that
 * is a matter of moments; what was found there is tried again on real mounts, by the same option.
 *
 *     node examples/src/fuzz-your-code.ts [--backend node|memory] [--runs RUNS] [--seed SEED] [--path PATH]
 */
import { Fork, Snapshot } from "@snapshotter/core"
import { Console, Effect, Option, PlatformError, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as fc from "fast-check"
import assert from "node:assert/strict"
import { tmpdir } from "node:os"
import { type Backend, backendFlag, choose, machineOf } from "./backend.ts"
import { run } from "./commandLine.ts"
import { errnoOf } from "./errno.ts"
import { type Files, readFiles, writeFiles } from "./files.ts"
import { carefully, carelessly, type Move } from "./moveDirectory.ts"
import { check } from "./property.ts"

interface Input {
  readonly files: Files
  readonly moves: ReadonlyArray<Move>
}

// ============================================================ what must hold

/** The tool without effects: what the files are afterwards. */
const expected = ({ files, moves }: Input): Files =>
  moves.reduce((files, { from, to }) => {
    const paths = Object.keys(files)
    if (!paths.some(isIn(from)) || paths.some(isIn(to))) return files
    const moved = (path: string) => isIn(from)(path) ? to + path.slice(from.length) : path
    return Object.fromEntries(Object.entries(files).map(([path, text]) => [moved(path), text]))
  }, files)

const isIn = (directory: string) => (path: string) => path.startsWith(`${directory}/`)

const base = Snapshot.Name.make("base")

/** In a fork of these files, on a machine of its own, the tool does what it should. */
const doesAsExpected = (backend: Backend, tool: typeof carefully) => (input: Input) =>
  Effect.gen(function*() {
    const work = Fork.discarded({ key: Snapshot.Key.make("work"), parent: base }, (directory) =>
      Effect.gen(function*() {
        for (const move of input.moves) yield* tool(directory, move)
        assert.deepEqual(yield* readFiles(directory), expected(input))
      }))
    const { process } = yield* machineOf(backend)
    yield* Fork.committed({ key: Snapshot.Key.make("new") }, base, (directory) => writeFiles(directory, input.files))
      .pipe(
        Effect.andThen(work),
        Effect.provide(process())
      )
  }).pipe(Effect.scoped)

// ============================================================ random input

const name = fc.constantFrom("a", "b", "c")
const path = fc.tuple(name, fc.constantFrom("x", "y")).map(([directory, file]) => `${directory}/${file}`)
const inputs: fc.Arbitrary<Input> = fc.record({
  files: fc.dictionary(path, fc.string({ unit: name, maxLength: 3 }), { maxKeys: 4, noNullPrototype: true }),
  moves: fc.array(fc.record({ from: name, to: name }), { maxLength: 4 })
})

const rendered = ({ files, moves }: Input): string =>
  `files ${JSON.stringify(files)}, moves ${moves.map(({ from, to }) => `${from} → ${to}`).join(", ")}`

/** Without the path, which is another one each time. */
const whyOf = (error: unknown): string =>
  error instanceof PlatformError.PlatformError ? `${error.reason.method}: ${errnoOf(error)}` : String(error)

// ============================================================ the command line

/** Fuzzing did not find what it should, or found what it should not. */
class NotAsPlanted extends Schema.TaggedError<NotAsPlanted>()("NotAsPlanted", { how: Schema.String }) {
  override get message() {
    return this.how
  }
}

const flags = {
  backend: backendFlag,
  runs: Flag.Int("runs").pipe(Flag.withDefault(100), Flag.withDescription("how many random inputs")),
  seed: Flag.Int("seed").pipe(
    Flag.withDefault(Date.now() % 1_000_000),
    Flag.withDescription("what they are made from")
  ),
  path: Flag.String("path").pipe(
    Flag.withDescription("that of a fault, to try it again and nothing else"),
    Flag.optional
  )
}

run(Command.make("fuzz-your-code.ts", flags, ({ backend: wanted, path, runs, seed }) =>
  Effect.gen(function*() {
    const { backend } = yield* choose(wanted, tmpdir())
    const again = Option.match(path, { onNone: () => ({}), onSome: (path) => ({ path, endOnFailure: true }) })
    const found = yield* check(inputs, doesAsExpected(backend, carelessly), { numRuns: runs, seed, ...again })
    if (!found.failed || found.counterexample === null) return yield* new NotAsPlanted({ how: "no fault was found" })
    yield* Console.log(
      `carelessly: breaks at input ${found.numRuns}, made small in ${found.numShrinks} steps:\n` +
        `  ${rendered(found.counterexample[0])}\n  ${whyOf(found.errorInstance)}\n` +
        `  the same again: node examples/src/fuzz-your-code.ts --backend ${backend} --seed ${seed} --path ${found.counterexamplePath}`
    )
    if (Option.isSome(path)) return
    const careful = yield* check(inputs, doesAsExpected(backend, carefully), { numRuns: runs, seed })
    if (careful.failed) return yield* new NotAsPlanted({ how: fc.defaultReportMessage(careful) ?? "" })
    yield* Console.log(`carefully: as expected for all of ${careful.numRuns} inputs`)
  })))
