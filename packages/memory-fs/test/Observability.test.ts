import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, Fiber, Metric, Stream, Tracer } from "effect"
import { assert, describe, it } from "vitest"

const program = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  yield* snapshotter.prepare(Key.make("k"))
  yield* Effect.flip(snapshotter.prepare(Key.make("k")))
  yield* snapshotter.commit(Name.make("n"), Key.make("k"))
  yield* Stream.runDrain(snapshotter.walk())
})

/** Each operation once, with the name that its span says. */
const everything: ReadonlyArray<readonly [operation: string, name: string | undefined]> = [
  ["prepare", "k"],
  ["view", "v"],
  ["mounts", "k"],
  ["stat", "k"],
  ["usage", "k"],
  ["update", "k"],
  ["commit", "n"],
  ["remove", "v"],
  ["walk", undefined],
  ["cleanup", undefined],
  ["check", undefined],
  ["relink", undefined]
]

const doEverything = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  const [key, view, name] = [Key.make("k"), Key.make("v"), Name.make("n")]
  yield* snapshotter.prepare(key)
  yield* Effect.ignore(snapshotter.view(view, { parent: name }))
  yield* snapshotter.mounts(key)
  yield* snapshotter.stat(key)
  yield* snapshotter.usage(key)
  yield* snapshotter.update(key, { patch: {} })
  yield* snapshotter.commit(name, key)
  yield* Effect.ignore(snapshotter.remove(view))
  yield* Stream.runDrain(snapshotter.walk())
  yield* snapshotter.cleanup
  yield* snapshotter.check
  yield* snapshotter.relink
})

/** The spans that have ended, with what each says that it is about. */
const spansOf = async (effect: Effect.Effect<unknown, unknown, Snapshotter | MemorySnapshotter.Machine>) => {
  const spans: Array<Tracer.Span> = []
  const tracer = Tracer.make({
    span: (options) => {
      const span = new Tracer.NativeSpan(options)
      return Object.assign(span, { end: () => spans.push(span) })
    }
  })
  await Effect.runPromise(effect.pipe(Effect.withTracer(tracer), Effect.provide(MemorySnapshotter.layer)))
  return spans
}

const metricsOf = (effect: Effect.Effect<unknown, unknown, Snapshotter | MemorySnapshotter.Machine>) =>
  Effect.runPromise(
    Effect.andThen(effect, Metric.snapshot).pipe(
      Effect.provideService(Metric.MetricRegistry, new Map()),
      Effect.provide(MemorySnapshotter.layer)
    )
  )

describe("what operators see", () => {
  it("a span and a count for every operation, under its name", async () => {
    const spans = await spansOf(doEverything)
    assert.deepStrictEqual(
      spans.map(({ attributes, name }) => [name, Object.fromEntries(attributes)]),
      everything.map(([operation, name]) => [
        `Snapshotter.${operation}`,
        name === undefined ? {} : { "snapshotter.name": name }
      ])
    )
    const counted = (await metricsOf(doEverything)).filter(({ id }) => id === "snapshotter_operations_total")
    assert.sameMembers(counted.map(({ attributes }) => attributes?.["operation"]), everything.map(([name]) => name))
  })

  it("no stack of whoever asked, which would cost more than the answer", async () => {
    for (const { attributes } of await spansOf(doEverything)) {
      assert.deepStrictEqual([...attributes.keys()].filter((key) => key.includes("stack")), [])
    }
  })

  it("a count that only grows, and says what it counts", async () => {
    const described = (await metricsOf(program)).filter(({ id }) => id.startsWith("snapshotter_"))
    for (const { description, id, state, type } of described) {
      assert.include(description, id.endsWith("total") ? "by operation and outcome" : "waiting for the lock included")
      if (type === "Counter") assert.isTrue("incremental" in state && state.incremental)
    }
  })

  it("how what did not succeed ended: with which failure, interrupted, or by a defect", async () => {
    const endings = Effect.gen(function*() {
      const snapshotter = yield* Snapshotter
      yield* Effect.exit(Stream.runDrain(snapshotter.walk({ filters: ["="] })))
      const throwing = {
        get parent(): Name {
          throw new Error("an option that throws")
        }
      }
      yield* Effect.exit(snapshotter.prepare(Key.make("k"), throwing))
      yield* Effect.flatMap(StoreFileSystem, ({ tryLock }) => tryLock("/store"))
      const waiting = yield* Effect.forkChild(snapshotter.check, { startImmediately: true })
      yield* Fiber.interrupt(waiting)
    })
    const ended = (await metricsOf(endings)).filter(({ id }) => id === "snapshotter_operations_total")
    assert.sameDeepMembers(ended.map(({ attributes }) => [attributes?.["operation"], attributes?.["outcome"]]), [
      ["walk", "InvalidFilter"],
      ["prepare", "defect"],
      ["check", "interrupted"]
    ])
  })

  it("times that were passed, and no more", async () => {
    const begun = performance.now()
    const metrics = await metricsOf(doEverything)
    const elapsed = performance.now() - begun
    const sums = metrics.flatMap(({ id, state }) =>
      id === "snapshotter_operation_duration" && "sum" in state ? [Number(state.sum)] : []
    )
    assert.lengthOf(sums, everything.length - 1)
    assert.isAtMost(sums.reduce((so, one) => so + one, 0), elapsed)
  })

  it("a span for each operation, with the name that it is about", async () => {
    const spans: Array<readonly [string, unknown]> = []
    const tracer = Tracer.make({
      span: (options) => {
        const span = new Tracer.NativeSpan(options)
        return Object.assign(span, {
          end: () => spans.push([span.name, span.attributes.get("snapshotter.name")])
        })
      }
    })
    await Effect.runPromise(program.pipe(Effect.withTracer(tracer), Effect.provide(MemorySnapshotter.layer)))
    assert.deepStrictEqual(spans, [
      ["Snapshotter.prepare", "k"],
      ["Snapshotter.prepare", "k"],
      ["Snapshotter.commit", "n"],
      ["Snapshotter.walk", undefined]
    ])
  })

  it("how often each operation was done, how it ended, how long it took", async () => {
    const metrics = await Effect.runPromise(
      Effect.andThen(program, Metric.snapshot).pipe(
        Effect.provideService(Metric.MetricRegistry, new Map()),
        Effect.provide(MemorySnapshotter.layer)
      )
    )
    const counts = metrics.filter(({ id }) => id === "snapshotter_operations_total").map(({ attributes, state }) => [
      attributes?.["operation"],
      attributes?.["outcome"],
      "count" in state ? state.count : undefined
    ])
    assert.deepStrictEqual(counts, [
      ["prepare", "success", 1],
      ["prepare", "KeyTaken", 1],
      ["commit", "success", 1],
      ["walk", "success", 1]
    ])
    const timed = metrics.filter(({ id }) => id === "snapshotter_operation_duration").map(({ attributes, state }) => [
      attributes?.["operation"],
      "count" in state ? state.count : undefined
    ])
    assert.deepStrictEqual(timed, [["prepare", 2], ["commit", 1]])
  })
})
