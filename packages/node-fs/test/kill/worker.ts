/**
 * A process that works on a shared store until it is killed: `node worker.ts JSON`. Says what it is about to do and what
 * it has done, a line each, before it goes on. Begins at the first byte of its input, and stops at the end of it, when
 * what it has begun is done.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { layerNoDeps, Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as NodeIdSource from "@snapshotter/node-fs/NodeIdSource"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Effect, Layer, Result, Stream } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { randomFrom } from "../../../../test/random.ts"
import { type Act, type Change, type Line, textOf } from "./journal.ts"

export interface Orders {
  readonly root: string
  /** Where it mounts: a directory of its own, which is there. */
  readonly target: string
  /** In all that it makes, so that no two processes ever use one name. */
  readonly prefix: string
  readonly seed: number
  /** At which call of its file system port it kills itself, once it has said this many lines; not at all without it. */
  readonly ends?: { readonly afterLines: number; readonly atCall: number }
}

const { ends, prefix, root, seed, target }: Orders = JSON.parse(process.argv[2] ?? "")
const random = randomFrom(seed)

// ============================================================ saying, beginning, stopping

let said = 0
let callsSince = 0
const stop = new AbortController()

/** Written before anything else happens: what has been said is read even if the next thing is the end. */
const say = (line: Line) => {
  fs.writeSync(1, `${JSON.stringify(line)}\n`)
  said++
}

const dieAtCall: Faults.Injector = () => {
  if (ends !== undefined && said >= ends.afterLines && ++callsSince === ends.atCall) {
    process.kill(process.pid, "SIGKILL")
  }
  return "pass"
}

const firstInput = Effect.callback<void>((resume) => {
  process.stdin.once("data", () => resume(Effect.void)).once("end", () => {
    stop.abort()
  })
})

/** Failures that are nobody's fault where two work on the same names. */
const expected = new Set(["SnapshotNotFound", "ParentNotFound", "HasChildren", "Busy"])

/** Says it, does it, says what came of it: whether it was done. */
const attempt = <A, E extends { readonly _tag: string; readonly message: string }>(
  act: Act,
  effect: Effect.Effect<A, E>
) =>
  Effect.gen(function*() {
    say({ tries: act })
    const result = yield* Effect.result(effect)
    say({ ack: act, outcome: Result.isSuccess(result) ? "done" : result.failure._tag })
    if (Result.isFailure(result) && !expected.has(result.failure._tag)) return yield* Effect.die(result.failure)
    return Result.isSuccess(result)
  })

// ============================================================ working

const workIn = (directory: string, token: string): ReadonlyArray<Change> => {
  const changes: Array<Change> = []
  const write = (file: string, bytes: number) => {
    const change = { write: file, token: `${token} ${changes.length}`, bytes }
    fs.mkdirSync(path.dirname(path.join(directory, file)), { recursive: true })
    fs.writeFileSync(path.join(directory, file), textOf(change.token, bytes))
    changes.push(change)
  }
  const present = fs.readdirSync(directory)
  const gone = random.chance(0.4) ? random.pick(present) : undefined
  if (gone !== undefined) {
    fs.rmSync(path.join(directory, gone), { recursive: true })
    changes.push({ delete: gone })
  }
  for (let left = 1 + random.below(4); left > 0; left--) {
    write(`d${random.below(3)}/f${random.below(4)}`, random.pick([1, 100, 5_000, 200_000]) ?? 1)
  }
  write("last", 10)
  return changes
}

const program = Effect.gen(function*() {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  let made = 0

  const committed = Effect.map(
    Stream.runCollect(snapshotter.walk()),
    (infos) => infos.filter((info) => info.kind === "committed")
  )
  const someCommitted = Effect.map(committed, (infos) => random.pick(infos)?.name)

  const fork = Effect.gen(function*() {
    const parent = random.chance(0.15) ? undefined : yield* someCommitted
    const token = `${prefix}-${++made}`
    const key = Key.make(`key-${token}`)
    const from = parent === undefined ? {} : { parent }
    if (!(yield* attempt({ op: "prepare", key, ...from }, snapshotter.prepare(key, from)))) return
    const changes = yield* Effect.scoped(Effect.gen(function*() {
      yield* mounter.mount(yield* snapshotter.mounts(key), target)
      return workIn(target, token)
    }))
    const name = Name.make(token)
    yield* attempt({ op: "commit", name, key, ...from, changes }, snapshotter.commit(name, key))
  })

  const look = Effect.gen(function*() {
    const parent = yield* someCommitted
    if (parent === undefined) return
    const key = Key.make(`view-${prefix}-${++made}`)
    if (!(yield* attempt({ op: "view", key, parent }, snapshotter.view(key, { parent })))) return
    yield* Effect.scoped(Effect.gen(function*() {
      yield* mounter.mount(yield* snapshotter.mounts(key), target)
      fs.readdirSync(target)
    }))
    yield* attempt({ op: "remove", name: key }, snapshotter.remove(key))
  })

  /** Mostly one that can be. */
  const remove = Effect.gen(function*() {
    const infos = yield* committed
    const parents = new Set(infos.map(({ parent }) => parent))
    const name = random.pick(infos.filter(({ name }) => random.chance(0.2) || !parents.has(name)))?.name
    if (name !== undefined) yield* attempt({ op: "remove", name }, snapshotter.remove(name))
  })

  const update = Effect.gen(function*() {
    const name = yield* someCommitted
    if (name === undefined) return
    const value = ++made
    const change = { patch: { [prefix]: String(value) } }
    yield* attempt({ op: "update", name, label: prefix, value }, snapshotter.update(name, change))
  })

  while (!stop.signal.aborted) {
    yield* fork
    if (random.chance(0.3)) yield* look
    if (random.chance(0.3)) yield* update
    // As many as there are made, in the long run.
    const { length } = yield* committed
    for (let left = length > 12 ? 3 : 1; left > 0; left--) if (random.chance(0.6)) yield* remove
    // Lets the end of the input be noticed.
    yield* Effect.promise(() => new Promise<void>((resolve) => setImmediate(resolve)))
  }
})

const faults = Faults.make(dieAtCall)
const ports = Layer.mergeAll(
  NodeIdSource.layer,
  NodeMounter.layer,
  Layer.effect(StoreFileSystem, Effect.map(StoreFileSystem, faults.storeFileSystem)).pipe(
    Layer.provide(NodeStoreFileSystem.layer)
  )
)

Effect.runPromise(
  Effect.andThen(
    firstInput,
    Effect.suspend(() =>
      Effect.provide(program, layerNoDeps({ root, durability: "full" }).pipe(Layer.provideMerge(ports)))
    )
  )
).then(
  () => process.exit(0),
  (cause: unknown) => {
    console.error(cause)
    process.exit(1)
  }
)
