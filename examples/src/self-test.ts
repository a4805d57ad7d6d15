/**
 * A program that tests itself: a tool of one's own (`applyEdits.ts`), first with random input, then with a failure at
 * every single call that it makes to the disk and to the kernel; on simulated machines or on real mounts.
 *
 *     node examples/src/self-test.ts [--backend node|memory] [--runs RUNS] [--seed SEED]
 */
import { Fork, Mounter, Snapshot, Snapshotter, StoreFileSystem } from "@snapshotter/core"
import { Faults } from "@snapshotter/memory-fs"
import { Cause, Console, Effect, Exit, FileSystem, References, Schema, Stream } from "effect"
import { Command, Flag } from "effect/cli"
import * as fc from "fast-check"
import assert from "node:assert/strict"
import { tmpdir } from "node:os"
import { applyEdits, type Edit } from "./applyEdits.ts"
import { type Backend, backendFlag, choose, machineOf } from "./backend.ts"
import { run } from "./commandLine.ts"
import { type Files, readFiles, writeFiles } from "./files.ts"
import type { Machine, Services } from "./machine.ts"
import { check } from "./property.ts"

interface Input {
  readonly files: Files
  readonly edits: ReadonlyArray<Edit>
}

/** The tool does not keep its promise. */
class NotAllOrNothing extends Schema.TaggedError<NotAllOrNothing>()("NotAllOrNothing", { how: Schema.String }) {
  override get message() {
    return this.how
  }
}

const base = Snapshot.Name.make("base")
const result = Snapshot.Name.make("result")

/** In a process of its own on this machine; what it asks of the machine goes through `faults`. */
const runOn = <A, E>(machine: Machine, program: Effect.Effect<A, E, Services>, faults?: Faults.Faults) =>
  program.pipe(
    Effect.provide(machine.process(faults), { local: true }),
    // It is told what could not be cleaned up, over and over: that is the point here.
    Effect.provideService(References.MinimumLogLevel, "None")
  )

// ============================================================ what must hold

/** The tool without effects: what the files are afterwards, or `undefined` where an edit does not fit. */
const expected = ({ edits, files }: Input): Files | undefined => {
  const after = new Map(Object.entries(files))
  for (const { from, path, to } of edits) {
    const text = after.get(path)
    if (text?.includes(from) !== true) return undefined
    after.set(path, text.replace(from, () => to))
  }
  return Object.fromEntries(after)
}

const commitBase = (files: Files) =>
  Fork.committed({ key: Snapshot.Key.make("new") }, base, (directory) => writeFiles(directory, files))

const filesOf = (name: Snapshot.Name) => Fork.viewed({ key: Snapshot.Key.make("look"), parent: name }, readFiles)

/** The base is what it was, the result is whole or not there, nothing else is. Answers whether the result is there. */
const allOrNothing = (machine: Machine, { edits, files }: Input) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const mounter = yield* Mounter.Mounter
    const snapshotter = yield* Snapshotter.Snapshotter
    const names = (yield* Stream.runCollect(snapshotter.walk())).map(({ name }) => name)
    const happened = names.includes(result)
    assert.deepEqual(names.toSorted(), happened ? [base, result] : [base])
    assert.deepEqual(yield* filesOf(base), files)
    if (happened) assert.deepEqual(yield* filesOf(result), expected({ files, edits }))
    assert.deepEqual(yield* snapshotter.check, [])
    assert.deepEqual((yield* mounter.mounted).filter(({ target }) => isBelow(machine, target)), [])
    assert.deepEqual(yield* fs.readDirectory(machine.temporary), [])
    return happened
  })

const isBelow = ({ store, temporary }: Machine, path: string) =>
  [store, temporary].some((directory) => path.startsWith(`${directory}/`))

// ============================================================ random input

const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 })
const edit: fc.Arbitrary<Edit> = fc.record({
  path: fc.constantFrom("one", "two", "three"),
  from: fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 2 }),
  to: text
})
const input: fc.Arbitrary<Input> = fc.record({
  files: fc.dictionary(fc.constantFrom("one", "two", "three"), text, { noNullPrototype: true }),
  edits: fc.array(edit, { maxLength: 4 })
})

const tryRandomInput = (backend: Backend, runs: number, seed: number) =>
  Effect.gen(function*() {
    const seen = { applied: 0, refused: 0 }
    const isAllOrNothing = (input: Input) =>
      Effect.gen(function*() {
        const machine = yield* machineOf(backend)
        yield* runOn(machine, commitBase(input.files))
        const exit = yield* Effect.exit(runOn(machine, applyEdits(base, result, input.edits)))
        assert.equal(Exit.isSuccess(exit), expected(input) !== undefined)
        const happened = yield* runOn(machine, allOrNothing(machine, input))
        seen[happened ? "applied" : "refused"]++
      }).pipe(Effect.scoped)
    const details = yield* check(input, isAllOrNothing, { numRuns: runs, seed })
    return details.failed ? yield* new NotAllOrNothing({ how: fc.defaultReportMessage(details) ?? "" }) : seen
  })

// ============================================================ a failure at each call

const example: Input = {
  files: { one: "a cat", two: "a dog" },
  edits: [{ path: "one", from: "cat", to: "cow" }, { path: "two", from: "a", to: "the" }]
}

/** What a failing call prevented from being cleaned up is still known, to the store or by the warning that was logged. */
const tidy = (machine: Machine) =>
  Effect.gen(function*() {
    const fs = yield* StoreFileSystem.StoreFileSystem
    const snapshotter = yield* Snapshotter.Snapshotter
    const left = yield* Stream.runCollect(snapshotter.walk({ filters: ["kind!=committed"] }))
    for (const { name } of left) yield* snapshotter.remove(name)
    yield* snapshotter.cleanup
    for (const name of yield* fs.readDirectory(machine.temporary)) yield* fs.removeTree(`${machine.temporary}/${name}`)
  })

const failCall = (backend: Backend, n: number) =>
  Effect.gen(function*() {
    const machine = yield* machineOf(backend)
    const faults = Faults.make(Faults.at(n, { fail: "EIO" }))
    yield* runOn(machine, commitBase(example.files))
    const exit = yield* Effect.exit(runOn(machine, applyEdits(base, result, example.edits), faults))
    const happened = yield* runOn(machine, Effect.andThen(tidy(machine), allOrNothing(machine, example)))
    const how = (what: string) => new NotAllOrNothing({ how: `${what}:\n${faults.render()}` })
    if (Exit.isFailure(exit) && Cause.hasDies(exit.cause)) return yield* how("not a typed failure")
    if (Exit.isSuccess(exit) && !happened) return yield* how("reported as done, but not there")
    return { injected: faults.injected() > 0, happened }
  }).pipe(Effect.scoped)

const tryFailures = (backend: Backend) =>
  Effect.gen(function*() {
    const seen = { calls: 0, nothing: 0, all: 0 }
    for (let n = 1;; n++) {
      const { happened, injected } = yield* failCall(backend, n)
      if (!injected) return seen
      seen.calls++
      seen[happened ? "all" : "nothing"]++
    }
  })

// ============================================================ the command line

const flags = {
  backend: backendFlag,
  runs: Flag.Int("runs").pipe(Flag.withDefault(100), Flag.withDescription("how many random inputs")),
  seed: Flag.Int("seed").pipe(Flag.withDefault(Date.now() % 1_000_000), Flag.withDescription("what they are made from"))
}

run(Command.make("self-test.ts", flags, ({ backend, runs, seed }) =>
  Effect.gen(function*() {
    const { backend: chosen } = yield* choose(backend, tmpdir())
    const random = yield* tryRandomInput(chosen, runs, seed)
    yield* Console.log(
      `${runs} random inputs: ${random.applied} applied, ${random.refused} refused; the base untouched, nothing left behind`
    )
    const { all, calls, nothing } = yield* tryFailures(chosen)
    yield* Console.log(
      `a failure at each of ${calls} calls: ${nothing} times nothing had happened, ${all} times all of it, never a part\n` +
        `the same again: node examples/src/self-test.ts --backend ${chosen} --runs ${runs} --seed ${seed}`
    )
  })))
