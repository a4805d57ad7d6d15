import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import { Effect, Metric, Stream, Tracer } from "effect"
import { assert, describe, it } from "vitest"

const program = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  yield* snapshotter.prepare(Key.make("k"))
  yield* Effect.flip(snapshotter.prepare(Key.make("k")))
  yield* snapshotter.commit(Name.make("n"), Key.make("k"))
  yield* Stream.runDrain(snapshotter.walk())
})

describe("what operators see", () => {
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
