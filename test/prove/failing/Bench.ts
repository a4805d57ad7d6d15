/** One operation in one setting, ready to be struck: the store to begin with, and what comes of it when nothing fails. */
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import type { Model } from "@snapshotter/core/testing/Model"
import type { Backend } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import { type Context, Deferred, Effect, type Exit, Fiber, Scope } from "effect"
import { type Answer, answerOf } from "./answer.ts"
import { forestModel, grow, inWorld, names, type Setting } from "./forest.ts"
import type { Hands, Operation } from "./operations.ts"
import { namesByHash, namesById, type Picture, readable } from "./picture.ts"
import { settle, type Settled } from "./settle.ts"
import { type Machine, type Site, storeIn } from "./Site.ts"
import type { Control } from "./strikes.ts"

/** What came of doing it once more. */
export interface Retried {
  readonly answer: Answer
  readonly second: Settled
}

export interface Bench {
  readonly machine: Machine
  readonly operation: Operation
  readonly setting: Setting
  readonly ground: Site
  readonly before: Settled
  readonly after: Settled
  /** Without faults: its answer, and that of doing it once more in the same process. */
  readonly usual: Answer
  readonly usualAgain: Answer
  /** The calls that it makes then, as the table shows them. */
  readonly calls: ReadonlyArray<string>
  /** Which of them can be left half done. */
  readonly halves: number
  /** How many steps the disk makes. */
  readonly steps: number
  /** The number of the call that is its commit point; `undefined` where there is none. */
  readonly commitsAt: number | undefined
  /** What later processes make of stores that were left; the same store is looked at once. */
  readonly settled: Map<string, Settled>
  /** What came of retries, by all that they can depend on. */
  readonly retried: Map<string, Retried>
}

/** Whether what it does can be seen afterwards. */
export const changes = ({ after, before, operation }: Bench): boolean =>
  operation.ground === "none" || after.state !== before.state

/** Grounds are grown once, whoever asks. */
export type Grounds = Map<string, Site>

export const benchOf = (
  machine: Machine,
  operation: Operation,
  setting: Setting,
  grounds: Grounds
): Effect.Effect<Bench, never, Scope.Scope> =>
  Effect.gen(function*() {
    const ground = yield* groundFor(machine, operation, setting, grounds)
    const settled = new Map<string, Settled>()
    const before = yield* settleOpened(ground, operation, setting)
    const faults = Faults.make()
    const scope = yield* Effect.scope
    const { again, answer, kept } = yield* Effect.scoped(Effect.gen(function*() {
      const site = yield* ground.copy(faults)
      const { exit, hands } = yield* act(site, operation, setting, faults)
      const kept = yield* Scope.provide(site.copy(), scope)
      const answer = answerOf(exit, false, namer(site, ground))
      const second = yield* faults.spare(Effect.exit(operation.run(hands)))
      return { answer, again: answerOf(second, false, namer(site, ground)), kept }
    }))
    const after = yield* settle(kept, setting.made)
    if (operation.after !== undefined) {
      yield* agree(ground, setting, forestModel)
      yield* agree(kept, setting, operation.after)
    }
    const calls = faults.trace().map(({ call }) => describeCall(call, storeIn(ground), namer(kept, ground)))
    const at = calls.findLastIndex((call) => operation.commits?.test(call))
    return {
      machine,
      operation,
      setting,
      ground,
      before,
      after,
      usual: answer,
      usualAgain: again,
      calls,
      halves: faults.trace().filter(({ call }) => Faults.canBeHalfDone(call)).length,
      steps: faults.steps(),
      commitsAt: at < 0 ? undefined : at + 1,
      settled,
      retried: new Map()
    }
  })

/** Before the operation begins. An opening changes a store too: at `full`, one that was made at `process`. */
const settleOpened = (ground: Site, { opens }: Operation, { made, opened }: Setting) =>
  Effect.scoped(Effect.gen(function*() {
    const site = yield* ground.copy()
    if (!opens) {
      yield* Effect.scoped(Effect.gen(function*() {
        const backend = yield* site.process("before", Faults.make())
        yield* openIn(yield* Effect.scope, backend, { root: storeIn(site), durability: opened })
      }))
    }
    return yield* settle(site, made)
  }))

const groundFor = (machine: Machine, { ground }: Operation, { made }: Setting, grounds: Grounds) =>
  Effect.gen(function*() {
    const name = `${machine.name} ${ground} ${made}`
    const known = grounds.get(name)
    if (known !== undefined) return known
    const grown = yield* grow(machine, ground, made)
    grounds.set(name, grown)
    return grown
  })

/** What the store shows, merged and mounted, is what the model says. */
const agree = (site: Site, { made }: Setting, model: Model) =>
  Effect.scoped(Effect.gen(function*() {
    const copy = yield* site.copy()
    const backend = yield* copy.process("judge", Faults.make())
    yield* inWorld(backend, copy.directory, made, (world) => world.agreesInDepth(model))
  }))

// ============================================================ doing it

/** What is at hand in the process that is struck, until the scope closes. */
export interface Acted {
  readonly exit: Exit.Exit<unknown, unknown>
  readonly hands: Hands
  /** Whether it was interrupted and ended only when the call did. */
  readonly waited: boolean
}

/** Does the operation in a process of its own, and lets the strike get at the fiber that does. */
export const act = (
  site: Site,
  operation: Operation,
  { opened }: Setting,
  faults: Faults.Faults,
  leash: Leash = newLeash()
): Effect.Effect<Acted, never, Scope.Scope> =>
  Effect.gen(function*() {
    const scope = yield* Effect.acquireRelease(Scope.make(), (scope, exit) => Effect.exit(Scope.close(scope, exit)))
    const backend = yield* Scope.provide(site.process("struck", faults), scope)
    const options = { root: storeIn(site), durability: opened }
    const store = operation.opens ? unopened : yield* faults.spare(openIn(scope, backend, options))
    const hands = { options, backend, store, target: `${site.directory}/target-0` }
    const fiber = yield* Effect.forkChild(operation.run(hands))
    const { exit, waited } = yield* leash.hold(fiber)
    return { exit, hands, waited }
  })

const openIn = (
  scope: Scope.Scope,
  backend: Context.Context<Backend>,
  options: Parameters<typeof make>[0]
): Effect.Effect<Snapshotter> => Effect.orDie(Effect.provideContext(Scope.provide(make(options), scope), backend))

const unopened = new Proxy({} as Snapshotter, {
  get: () => {
    throw new Error("the operation opens the store itself")
  }
})

// ============================================================ interrupting it

/** By which a strike gets hold of the fiber that does the operation. */
export interface Leash {
  readonly control: Control
  readonly hold: (fiber: Fiber.Fiber<unknown, unknown>) => Effect.Effect<{
    readonly exit: Exit.Exit<unknown, unknown>
    readonly waited: boolean
  }>
}

/** In so many turns of the event loop everybody notices that somebody was interrupted: nothing here waits for more. */
const turns = 20

const pass = (count: number): Effect.Effect<void> =>
  count === 0 ? Effect.void : Effect.andThen(Effect.yieldNow, Effect.suspend(() => pass(count - 1)))

export const newLeash = (): Leash => {
  const reached = Deferred.makeUnsafe<void>()
  const released = Deferred.makeUnsafe<void>()
  let held: Fiber.Fiber<unknown, unknown> | undefined
  return {
    control: {
      hang: Effect.andThen(Deferred.succeed(reached, undefined), Deferred.await(released)),
      interrupt: Effect.andThen(Effect.sync(() => held?.interruptUnsafe()), pass(turns))
    },
    hold: (fiber) =>
      Effect.gen(function*() {
        held = fiber
        yield* Effect.raceFirst(Fiber.await(fiber), Deferred.await(reached))
        if (fiber.pollUnsafe() !== undefined) return { exit: yield* Fiber.await(fiber), waited: false }
        fiber.interruptUnsafe()
        yield* pass(turns)
        const waited = fiber.pollUnsafe() === undefined
        // What somebody else does on, such as whoever takes the lock for all, could not end otherwise.
        yield* Deferred.succeed(released, undefined)
        const exit = yield* Fiber.await(fiber)
        yield* pass(turns)
        return { exit, waited }
      })
  }
}

// ============================================================ as text

const hashes = namesByHash(names)

/** Ids, hashes and the place of the store, as what they stand for, in what is told of a site with this in it. */
export const namer = (site: Site, ground: Site, picture: Picture = site.picture()) => {
  let known: ReadonlyMap<string, string> | undefined
  // What was there before goes by the name that it had.
  const ids = () => known ??= new Map([...namesById(picture), ...namesById(ground.picture())])
  const placeless = (text: string) =>
    text.replaceAll(site.directory, "").replaceAll(ground.directory, "").replace(/\/snapshotter-\w+/g, "/<temporary>")
  return (text: string): string => readable(placeless(text), ids(), hashes)
}

/** `moveNoReplace staging/<id> → active/<id>`: paths are relative to the store. */
const describeCall = (call: Faults.Call, root: string, name: (text: string) => string): string => {
  const paths = call.paths.map((path) => {
    if (path === root) return "."
    if (path.startsWith(`${root}/`)) return name(path.slice(root.length + 1))
    const isAbove = path === "/" || root.startsWith(`${path}/`)
    return isAbove
      ? root.slice(path.length).split("/").filter((part) => part !== "").map(() => "..").join("/")
      : name(path)
  })
  return `${call.operation} ${paths.join(call.operation === "sync" ? ", " : " → ")}`.trimEnd()
}
