/**
 * A process whose system calls fail: `node program.ts` does what each line of its input says, and answers with a line.
 *
 * What fails may be the reading of its orders and the saying of its answers, which it therefore tries again.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { idFromNumber, IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { make, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem, type SyncTarget } from "@snapshotter/core/StoreFileSystem"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Cause, Clock, Context, Effect, Exit, FileSystem, Layer, References, Scope } from "effect"
import * as fs from "node:fs"
import { setTimeout } from "node:timers/promises"
import { still } from "../../../../test/prove/clock.ts"
import { operations } from "../../../../test/prove/failing/operations.ts"
// Internal, so not among the package's exports.
import { syscalls } from "../../src/internal/syscalls.ts"

export type Order =
  /** Opens the store, unless the operation is to do that itself. */
  | { readonly do: "open"; readonly options: SnapshotterOptions }
  | {
    readonly do: "perform"
    readonly operation: string
    readonly options: SnapshotterOptions
    readonly target: string
  }
  | { readonly do: "close" }
  | { readonly do: "removeTree" | "usage"; readonly path: string }
  | { readonly do: "sync"; readonly targets: ReadonlyArray<SyncTarget> }
  /** How many files it has open; as soon as they are no more than `most`, if that comes to be. */
  | { readonly do: "count"; readonly most?: number }

export type Answer =
  | { readonly value: unknown }
  | { readonly failure: Readonly<Record<string, unknown>> & { readonly _tag: string; readonly message: string } }
  | { readonly defect: string }

const untilItWorks = <A>(act: () => A): A => {
  for (;;) {
    try {
      return act()
    } catch {
      // Only one call of a name fails.
    }
  }
}

let unread = ""

const nextOrder = (): Order | undefined => {
  const chunk = Buffer.alloc(65_536)
  while (!unread.includes("\n")) {
    const bytes = untilItWorks(() => fs.readSync(0, chunk))
    if (bytes === 0) return undefined
    unread += chunk.toString("utf8", 0, bytes)
  }
  const end = unread.indexOf("\n")
  const line = unread.slice(0, end)
  unread = unread.slice(end + 1)
  return JSON.parse(line)
}

const say = (answer: Answer): void => {
  const text = JSON.stringify(answer, (_, part: unknown) => typeof part === "bigint" ? `${part}` : part)
  for (let rest = Buffer.from(`${text}\n`); rest.length > 0;) {
    const from = rest
    rest = rest.subarray(untilItWorks(() => fs.writeSync(1, from)))
  }
}

const answerOf = (exit: Exit.Exit<unknown, unknown>): Answer => {
  if (Exit.isSuccess(exit)) return { value: exit.value ?? null }
  const failure = exit.cause.reasons.find(Cause.isFailReason)
  if (failure === undefined || Cause.hasDies(exit.cause)) return { defect: Cause.pretty(exit.cause) }
  const error = failure.error as { readonly _tag: string; readonly message: string }
  return { failure: { ...error, _tag: error._tag, message: error.message } }
}

/** Whoever has done an operation may hold the lock for a moment longer than whom it was done for. */
const patienceMillis = 20_000

const openFiles = async (most = Infinity): Promise<number> => {
  const end = performance.now() + patienceMillis
  for (;;) {
    const open = fs.readdirSync("/proc/self/fd").length
    if (open <= most || performance.now() > end) return open
    await setTimeout(5)
  }
}

const program = Effect.gen(function*() {
  const ports = Layer.mergeAll(NodeStoreFileSystem.layer, NodeMounter.layer, NodeFileSystem.layer)
  const built = yield* Layer.build(ports)
  const store = Context.get(built, StoreFileSystem)
  let ids = 0n
  const backend = Context.empty().pipe(
    Context.add(StoreFileSystem, store),
    Context.add(Mounter, Context.get(built, Mounter)),
    Context.add(FileSystem.FileSystem, Context.get(built, FileSystem.FileSystem)),
    // The same ones in every case, and none that the store has.
    Context.add(IdSource, { next: Effect.sync(() => idFromNumber((1n << 60n) + ++ids)) })
  )
  let open: { readonly scope: Scope.Closeable; readonly snapshotter: Snapshotter } | undefined

  const carryOut = (order: Order): Effect.Effect<unknown, unknown> => {
    switch (order.do) {
      case "open":
        return Effect.gen(function*() {
          ids = 0n
          const scope = yield* Scope.make()
          const snapshotter = yield* Effect.provideContext(Scope.provide(make(order.options), scope), backend)
          open = { scope, snapshotter }
        })
      case "close":
        return Effect.suspend(() => {
          const closing = open === undefined ? Effect.void : Scope.close(open.scope, Exit.void)
          open = undefined
          // The next store is another machine's, whose disk is well.
          store.syncFailures.latest.clear()
          return closing
        })
      case "perform": {
        const { operation: name, options, target } = order
        const operation = operations.find((one) => one.name === name)
        if (operation === undefined) return Effect.die(new Error(`no operation ${name}`))
        return operation.run({ backend, options, target, store: open?.snapshotter as Snapshotter })
      }
      case "removeTree":
        return store.removeTree(order.path)
      case "usage":
        return store.usage(order.path)
      case "sync":
        return store.sync(order.targets)
      case "count":
        return Effect.promise(() => openFiles(order.most))
    }
  }

  for (let order = nextOrder(); order !== undefined; order = nextOrder()) {
    say(answerOf(yield* Effect.exit(carryOut(order))))
  }
})

// Loading it is no part of what is done.
syscalls()

await program.pipe(
  Effect.scoped,
  Effect.provideService(Clock.Clock, still),
  Effect.provideService(References.MinimumLogLevel, "None"),
  Effect.runPromise
)
