/**
 * A program that tests itself: a tool of one's own (`applyEdits.ts`) on a simulated machine, first with random input,
 * then with a failure at every single call that it makes to the disk and to the kernel.
 *
 *     node examples/src/self-test.ts [SEED]
 */
import { Fork, Mounter, Snapshot, Snapshotter } from "@snapshotter/core"
import { Faults, MemorySnapshotter, MemoryVolume } from "@snapshotter/memory-fs"
import { Cause, Effect, Exit, FileSystem, References, Stream } from "effect"
import * as fc from "fast-check"
import assert from "node:assert/strict"
import { applyEdits, type Edit } from "./applyEdits.ts"

type Files = Readonly<Record<string, string>>

const base = Snapshot.Name.make("base")
const result = Snapshot.Name.make("result")

// ============================================================ the simulated machine

type Machine = Snapshotter.Snapshotter | MemorySnapshotter.Machine

/** On a process of its own, on a machine whose disk is `volume`; what it asks of the machine goes through `faults`. */
const runOn = <A, E>(
  volume: MemoryVolume.MemoryVolume,
  program: Effect.Effect<A, E, Machine>,
  faults = Faults.make()
) =>
  program.pipe(
    Effect.provide(MemorySnapshotter.layerWith({ volume, faults }), { local: true }),
    // It is told what could not be cleaned up, over and over: that is the point here.
    Effect.provideService(References.MinimumLogLevel, "None")
  )

// ============================================================ what must hold

/** The tool without effects: what the files are afterwards, or `undefined` where an edit does not fit. */
const expected = (files: Files, edits: ReadonlyArray<Edit>): Files | undefined => {
  const after = new Map(Object.entries(files))
  for (const { from, path, to } of edits) {
    const text = after.get(path)
    if (text?.includes(from) !== true) return undefined
    after.set(path, text.replace(from, () => to))
  }
  return Object.fromEntries(after)
}

const commitBase = (files: Files) =>
  Fork.committed({ key: Snapshot.Key.make("new") }, base, (directory) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      for (const [name, text] of Object.entries(files)) yield* fs.writeFileString(`${directory}/${name}`, text)
    }))

const filesOf = (name: Snapshot.Name) =>
  Fork.viewed({ key: Snapshot.Key.make("look"), parent: name }, (directory) =>
    Effect.gen(function*() {
      const fs = yield* FileSystem.FileSystem
      const names = yield* fs.readDirectory(directory)
      const texts = yield* Effect.forEach(names, (name) => fs.readFileString(`${directory}/${name}`))
      return Object.fromEntries(names.map((name, at) => [name, texts[at] ?? ""]))
    }))

/** The base is what it was, the result is whole or not there, nothing else is. Answers whether the result is there. */
const allOrNothing = (files: Files, edits: ReadonlyArray<Edit>) =>
  Effect.gen(function*() {
    const fs = yield* FileSystem.FileSystem
    const mounter = yield* Mounter.Mounter
    const snapshotter = yield* Snapshotter.Snapshotter
    const names = (yield* Stream.runCollect(snapshotter.walk())).map(({ name }) => name)
    const happened = names.includes(result)
    assert.deepEqual(names.toSorted(), happened ? [base, result] : [base])
    assert.deepEqual(yield* filesOf(base), files)
    if (happened) assert.deepEqual(yield* filesOf(result), expected(files, edits))
    assert.deepEqual(yield* snapshotter.check, [])
    assert.deepEqual((yield* mounter.mounted).filter(({ target }) => target !== "/"), [])
    assert.deepEqual(yield* fs.readDirectory("/tmp"), [])
    return happened
  })

// ============================================================ random input

const text = fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 6 })
const files = fc.dictionary(fc.constantFrom("one", "two", "three"), text, { noNullPrototype: true })
const edit: fc.Arbitrary<Edit> = fc.record({
  path: fc.constantFrom("one", "two", "three"),
  from: fc.string({ unit: fc.constantFrom("a", "b", "c"), maxLength: 2 }),
  to: text
})

const tryRandomInput = async (seed: number) => {
  const seen = { applied: 0, refused: 0 }
  const property = fc.asyncProperty(files, fc.array(edit, { maxLength: 4 }), async (files, edits) => {
    const happened = await Effect.runPromise(runOn(
      MemoryVolume.make(),
      Effect.gen(function*() {
        yield* commitBase(files)
        const exit = yield* Effect.exit(applyEdits(base, result, edits))
        assert.equal(Exit.isSuccess(exit), expected(files, edits) !== undefined)
        return yield* allOrNothing(files, edits)
      })
    ))
    seen[happened ? "applied" : "refused"]++
  })
  await fc.assert(property, { numRuns: 300, seed })
  return seen
}

// ============================================================ a failure at each call

const theFiles: Files = { one: "a cat", two: "a dog" }
const theEdits: ReadonlyArray<Edit> = [{ path: "one", from: "cat", to: "cow" }, { path: "two", from: "a", to: "the" }]

/** What a failing call prevented from being cleaned up is still known, to the store or by the warning that was logged. */
const tidy = Effect.gen(function*() {
  const fs = yield* FileSystem.FileSystem
  const snapshotter = yield* Snapshotter.Snapshotter
  const left = yield* Stream.runCollect(snapshotter.walk({ filters: ["kind!=committed"] }))
  for (const { name } of left) yield* snapshotter.remove(name)
  yield* snapshotter.cleanup
  for (const name of yield* fs.readDirectory("/tmp")) yield* fs.remove(`/tmp/${name}`, { recursive: true })
})

const failCall = async (n: number) => {
  const volume = MemoryVolume.make()
  const faults = Faults.make(Faults.failNth(n, "EIO"))
  await Effect.runPromise(runOn(volume, commitBase(theFiles)))
  const exit = await Effect.runPromise(Effect.exit(runOn(volume, applyEdits(base, result, theEdits), faults)))
  const happened = await Effect.runPromise(runOn(volume, Effect.andThen(tidy, allOrNothing(theFiles, theEdits))))
  assert.ok(Exit.isSuccess(exit) || !Cause.hasDies(exit.cause), `not a typed failure:\n${faults.render()}`)
  if (Exit.isSuccess(exit)) assert.ok(happened, `reported as done, but not there:\n${faults.render()}`)
  return { injected: faults.injected() > 0, happened }
}

const tryFailures = async () => {
  const seen = { calls: 0, nothing: 0, all: 0 }
  for (let n = 1;; n++) {
    const { happened, injected } = await failCall(n)
    if (!injected) return seen
    seen.calls++
    seen[happened ? "all" : "nothing"]++
  }
}

const seed = Number(process.argv[2]) || Date.now() % 1_000_000
const random = await tryRandomInput(seed)
const failing = await tryFailures()
console.log(
  `300 random inputs: ${random.applied} applied, ${random.refused} refused; the base untouched, nothing left behind\n` +
    `a failure at each of ${failing.calls} calls: ${failing.nothing} times nothing had happened, ` +
    `${failing.all} times all of it, never a part\n` +
    `the same again: node examples/src/self-test.ts ${seed}`
)
