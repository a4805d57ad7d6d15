/**
 * P3, in memory: whichever call of whichever operation is the last one of its process, or fails, the next process finds
 * the state before the operation or the state after it; what was acknowledged has happened; nothing is left that cleanup
 * does not reclaim; and doing it again works.
 */
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import type { SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { type Command, render, type Response } from "@snapshotter/core/testing/Command"
import { empty, type Model, step } from "@snapshotter/core/testing/Model"
import { type Backend, makeWorld, sameResponse, type World } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, Exit, FileSystem, References } from "effect"
import { afterAll, assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"

/** A forest with something of everything: a base with contents, a child of it, a fork, a view, a spare active one. */
const before: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "a" },
  { _tag: "mount", slot: 0, key: "a" },
  { _tag: "write", slot: 0, path: "d/f", text: "x" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "base", key: "a" },
  { _tag: "prepare", key: "c", parent: "base", labels: { l: "1" } },
  { _tag: "commit", name: "child", key: "c", labels: { m: "2" } },
  { _tag: "prepare", key: "fork", parent: "child" },
  { _tag: "view", key: "view", parent: "base" },
  { _tag: "prepare", key: "spare" },
  { _tag: "mount", slot: 0, key: "spare" },
  { _tag: "write", slot: 0, path: "g", text: "yy" },
  { _tag: "unmount", slot: 0 },
  { _tag: "prepare", key: "leaf", parent: "base" },
  { _tag: "commit", name: "leaf", key: "a" },
  { _tag: "commit", name: "committed leaf", key: "leaf" }
]

const operations: ReadonlyArray<Command> = [
  { _tag: "reopen" },
  { _tag: "prepare", key: "new", labels: { l: "1" } },
  { _tag: "prepare", key: "new", parent: "base" },
  { _tag: "view", key: "new" },
  { _tag: "view", key: "new", parent: "child" },
  { _tag: "commit", name: "new", key: "spare", labels: { l: "1" } },
  { _tag: "commit", name: "new", key: "fork" },
  { _tag: "remove", name: "fork" },
  { _tag: "remove", name: "spare" },
  { _tag: "remove", name: "view" },
  { _tag: "remove", name: "committed leaf" },
  { _tag: "update", name: "fork", change: { patch: { l: "1" } } },
  { _tag: "update", name: "base", change: { replace: { l: "1" } } },
  { _tag: "cleanup" },
  { _tag: "relink" }
]

const durabilities = ["full", "process"] as const
type Options = Pick<SnapshotterOptions, "durability">

/** A process on a volume; what it does goes through `faults`. */
const processOn = (volume: MemoryVolume.MemoryVolume, name: string, faults = Faults.make()): Context.Context<Backend> =>
  Context.empty().pipe(
    Context.add(StoreFileSystem, faults.storeFileSystem(MemoryStoreFileSystem.make(volume, name))),
    Context.add(Mounter, faults.mounter(MemoryMounter.make(volume))),
    Context.add(IdSource, MemoryIdSource.make(volume)),
    Context.add(FileSystem.FileSystem, MemoryFileSystem.make(volume))
  )

const inProcess = <A>(
  context: Context.Context<Backend>,
  options: Options,
  program: (world: World) => Effect.Effect<A>
): Effect.Effect<A> =>
  Effect.provideContext(Effect.scoped(Effect.flatMap(makeWorld("/tmp", options), program)), context)

const play = (world: World, model: Model, commands: ReadonlyArray<Command>) =>
  Effect.gen(function*() {
    let now = model
    for (const command of commands) {
      const expected = step(now, command)
      const actual = yield* world.run(command)
      assert.isTrue(sameResponse(actual, expected.response), `${render(command)}: ${JSON.stringify(actual)}`)
      now = expected.model
    }
    return now
  })

const isSo = (effect: Effect.Effect<unknown>) => Effect.map(Effect.exit(effect), Exit.isSuccess)

/** One case: the n-th call of a process that opens the store and does the operation meets its fate. */
const strike = Effect.fnUntraced(function*(options: Options, command: Command, injector: Faults.Injector) {
  const volume = MemoryVolume.make()
  const healthy = processOn(volume, "healthy")
  const model = yield* inProcess(healthy, options, (world) => play(world, empty(), before))
  const faults = Faults.make(injector)
  const struck = processOn(volume, "struck", faults)
  const exit: Exit.Exit<Response> = yield* Effect.exit(inProcess(struck, options, (world) => world.run(command)))
  yield* volume.kill("struck")
  const met = faults.injected() > 0
  yield* inProcess(healthy, options, (world) => judge(world, model, command, exit, faults))
  return met
})

const judge = Effect.fnUntraced(function*(
  world: World,
  model: Model,
  command: Command,
  exit: Exit.Exit<Response>,
  faults: Faults.Faults
) {
  const after = step(model, command)
  const response = Exit.isSuccess(exit) ? exit.value : undefined
  const acknowledged = response?._tag === "Success"
  const refused = response?._tag === "Failure" && response.failure !== "NotDurable"
  const isAfter = yield* isSo(world.agreesInDepth(after.model))
  const isBefore = yield* isSo(world.agreesInDepth(model))
  const story = `${render(command)} answered ${JSON.stringify(response) ?? "nothing"}\n${faults.render()}`
  assert.isTrue(isAfter || isBefore, `neither the state before nor the one after: ${story}`)
  if (acknowledged || response?._tag === "Failure" && response.failure === "NotDurable") {
    assert.isTrue(isAfter, `answered, and it has not happened: ${story}`)
  }
  if (refused) assert.isTrue(isBefore, `refused, and something has happened: ${story}`)
  assert.strictEqual((yield* world.run({ _tag: "cleanup" }))._tag, "Success", story)
  const left = (yield* world.violations).filter(({ severity }) => severity !== "suspect")
  assert.deepStrictEqual(left, [], `left after cleanup: ${story}`)
  if (isAfter) return
  const again = yield* world.run(command)
  const suspect = again._tag === "Failure" && again.failure === "ContentsSuspect"
  assert.isTrue(sameResponse(again, after.response) || suspect, `again: ${JSON.stringify(again)}; ${story}`)
  if (!suspect) yield* world.agreesInDepth(after.model)
})

/** What had to stay behind is logged, and here it always is. */
const quiet = Effect.provideService(References.MinimumLogLevel, "None")

const fates = {
  "the process dies before": Faults.dieBefore,
  "the process dies halfway through": Faults.dieHalfway,
  "the process dies after": Faults.dieAfter,
  "a full disk fails": (n: number) => Faults.failNth(n, "ENOSPC"),
  "a broken disk fails": (n: number) => Faults.failNth(n, "EIO"),
  "a full disk fails halfway through": (n: number) => Faults.failHalfway(n, "ENOSPC"),
  "a broken disk fails everything from": (n: number) => Faults.failFrom(n, "EIO")
} satisfies Record<string, (n: number) => Faults.Injector>

describe.runIf(judgement("crash-memory"))("any call may be the last one", () => {
  let cases = 0
  afterAll(() => {
    process.stdout.write(`crashes and failing calls in memory: ${cases} cases\n`)
  })
  for (const durability of durabilities) {
    for (const command of operations) {
      for (const [fate, injector] of Object.entries(fates)) {
        it(`${fate} any call of ${render(command)} at ${durability}`, async () => {
          let n = 1
          while (await Effect.runPromise(quiet(strike({ durability }, command, injector(n))))) n++
          assert.isAbove(n, 5, "the operation makes hardly any calls: nothing was tested")
          cases += n - 1
        })
      }
    }
  }
})
