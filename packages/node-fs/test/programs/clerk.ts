/**
 * A process that works on a shared store, one order after another: `node clerk.ts JSON` opens the store and says so, then
 * reads a line of JSON, does what it says and answers with a line, until its input ends. Then it ends by itself, whatever
 * it has begun.
 */
import { NodeFileSystem } from "@effect/platform-node"
import { Fork } from "@snapshotter/core"
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, type Kind, Name } from "@snapshotter/core/Snapshot"
import { layerNoDeps, Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as NodeIdSource from "@snapshotter/node-fs/NodeIdSource"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import { Cause, Effect, Exit, Fiber, Layer, Logger, Stream } from "effect"
import * as fs from "node:fs"
import { createInterface } from "node:readline"
import { type Random, randomFrom } from "../../../../test/random.ts"
import { openDescriptors } from "../processes.ts"

/** How often which outcome came: `done`, or a failure's tag and errno. */
export type Tally = Readonly<Record<string, number>>

/** A snapshot that was acknowledged and not removed again. */
export interface Claim {
  readonly name: string
  readonly kind: Kind
  readonly parent?: string
  readonly labels: Readonly<Record<string, string>>
  /** The one file that its layer holds has this name and text. */
  readonly file: string
}

/** One thing that many may want at once. */
export type Wish =
  | { readonly op: "prepare"; readonly key: string }
  | { readonly op: "commit"; readonly name: string; readonly key: string }
  | { readonly op: "remove"; readonly name: string }

export type Order =
  /** Each wish by a fiber of its own, all at once. */
  | { readonly do: "all"; readonly wishes: ReadonlyArray<Wish> }
  /** Many different operations, by several fibers. */
  | { readonly do: "errands"; readonly prefix: string; readonly fibers: number; readonly rounds: number }
  /** Takes the lock of the store, until it is told to let go. */
  | { readonly do: "lock" }
  | { readonly do: "unlock" }
  /** Begins to prepare, and stands still right before its commit point, with the lock. Answers from there. */
  | { readonly do: "stall"; readonly key: string }
  /** Begins to prepare, and answers at once. */
  | { readonly do: "begin"; readonly key: string }
  /** Ends the process by `process.exit`, without an answer. */
  | { readonly do: "exit" }
  /** Many operations on a store that is opened for them and closed again, failing and interrupted ones among them. */
  | { readonly do: "mixed"; readonly root: string; readonly operations: number; readonly seed: number }
  /** So many forks at once, each prepared and committed, or each mounted as well. */
  | { readonly do: "crowd"; readonly prefix: string; readonly count: number; readonly mounted: boolean }
  | { readonly do: "count" }

export interface Answers {
  readonly all: Tally
  readonly errands: { readonly claims: ReadonlyArray<Claim>; readonly tally: Tally }
  readonly lock: boolean
  readonly unlock: true
  readonly stall: true
  readonly begin: true
  readonly exit: never
  /** Open descriptors before the store was opened, and after it was closed; and while it is open, at rest. */
  readonly mixed: { readonly closed: Count; readonly open: Count; readonly tally: Tally; readonly last: string }
  readonly crowd: Tally
  readonly count: number
}

interface Count {
  readonly before: number
  readonly after: number
}

const options: SnapshotterOptions = JSON.parse(process.argv[2] ?? "")

// ============================================================ the store

const say = (answer: unknown) => fs.writeSync(1, `${JSON.stringify(answer)}\n`)

let isStalling = false
let injector: Faults.Injector = Faults.noFaults

const stallOr: Faults.Injector = (call) => {
  if (!isStalling || call.operation !== "moveNoReplace") return injector(call)
  say(true)
  return "hang"
}

const ports = () =>
  Layer.mergeAll(
    NodeFileSystem.layer,
    NodeIdSource.layer,
    Layer.fresh(NodeMounter.layer),
    Layer.effect(StoreFileSystem, Effect.map(StoreFileSystem, Faults.make(stallOr).storeFileSystem)).pipe(
      Layer.provide(Layer.fresh(NodeStoreFileSystem.layer))
    )
  )

const storeLayer = (changes: Partial<SnapshotterOptions> = {}) =>
  layerNoDeps({ ...options, ...changes }).pipe(Layer.provideMerge(ports()))

// ============================================================ outcomes

/** What a failure is called: its tag, and the errno that it has or that its cause has. */
const nameOf = (failure: unknown): string => {
  if (typeof failure !== "object" || failure === null || !("_tag" in failure)) return `not typed: ${String(failure)}`
  return [String(failure._tag), codeOf(failure)].filter((part) => part !== undefined).join(" ")
}

const codeOf = (failure: object): string | undefined => {
  if ("code" in failure && typeof failure.code === "string") return failure.code
  for (const inside of ["reason", "cause"]) {
    const further: unknown = Reflect.get(failure, inside)
    const code = typeof further === "object" && further !== null ? codeOf(further) : undefined
    if (code !== undefined) return code
  }
  return undefined
}

const outcomeOf = (exit: Exit.Exit<unknown, unknown>): string => {
  if (Exit.isSuccess(exit)) return "done"
  if (Cause.hasDies(exit.cause)) return `defect: ${Cause.pretty(exit.cause)}`
  return Cause.hasInterrupts(exit.cause) ? "interrupted" : nameOf(Cause.squash(exit.cause))
}

const outcome = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.map(Effect.exit(effect), outcomeOf)

const tallied = (outcomes: ReadonlyArray<string>): Tally => {
  const counts: Record<string, number> = {}
  for (const one of outcomes) counts[one] = (counts[one] ?? 0) + 1
  return counts
}

const atOnce = <A, E, R>(effects: ReadonlyArray<Effect.Effect<A, E, R>>) =>
  Effect.map(Effect.forEach(effects, outcome, { concurrency: "unbounded" }), tallied)

// ============================================================ many of one kind

const grant = (store: Snapshotter, wish: Wish): Effect.Effect<unknown, unknown> => {
  if (wish.op === "prepare") return store.prepare(Key.make(wish.key))
  if (wish.op === "commit") return store.commit(Name.make(wish.name), Key.make(wish.key))
  return store.remove(Name.make(wish.name))
}

const crowd = (prefix: string, count: number, mounted: boolean) =>
  Effect.gen(function*() {
    const store = yield* Snapshotter
    const fork = (at: number): Effect.Effect<unknown, unknown, Needs> => {
      const key = Key.make(`${prefix} key ${at}`)
      const name = Name.make(`${prefix} ${at}`)
      return mounted
        ? Fork.committed({ key }, name, (directory) => Effect.sync(() => writeWhatFits(`${directory}/file`)))
        : Effect.andThen(store.prepare(key), store.commit(name, key))
    }
    return yield* atOnce(Array.from({ length: count }, (_, at) => fork(at)))
  })

/** Without a descriptor left the user of a fork cannot write either, which is not what is looked at here. */
const writeWhatFits = (file: string): void => {
  try {
    fs.writeFileSync(file, "x")
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && cause.code === "EMFILE")) throw cause
  }
}

// ============================================================ many of all kinds

/** What can come of it that others work on the same names. */
const whereOthersWork = new Set(["ParentNotFound", "HasChildren", "Busy", "SnapshotNotFound"])

const errands = (prefix: string, fibers: number, rounds: number) =>
  Effect.gen(function*() {
    const claims = new Map<string, Claim>()
    const outcomes: Array<string> = []
    yield* Effect.forEach(
      Array.from({ length: fibers }, (_, at) => at),
      (at) => runErrands(`${prefix}-${at}`, rounds, claims, outcomes),
      { concurrency: "unbounded", discard: true }
    )
    return { claims: [...claims.values()], tally: tallied(outcomes) }
  })

const runErrands = Effect.fnUntraced(function*(
  prefix: string,
  rounds: number,
  claims: Map<string, Claim>,
  outcomes: Array<string>
) {
  const random = randomFrom(prefix.split("").reduce((sum, letter) => sum * 31 + letter.charCodeAt(0), 7))
  const store = yield* Snapshotter
  const mine: Array<string> = []
  const attempt = <A, E, R>(operation: string, effect: Effect.Effect<A, E, R>) =>
    Effect.map(outcome(effect), (result) => {
      outcomes.push(whereOthersWork.has(result) ? result : `${operation} ${result}`)
      return result === "done"
    })

  const make = (token: string) =>
    Effect.gen(function*() {
      const parent = random.chance(0.7) ? yield* someCommitted(store, random) : undefined
      const from = parent === undefined ? {} : { parent }
      const key = Key.make(`key ${token}`)
      if (!(yield* attempt("prepare", store.prepare(key, from)))) return
      const claim = { ...from, labels: {}, file: `file ${token}` }
      claims.set(key, { ...claim, name: key, kind: "active" })
      yield* writeIn(key, claim.file)
      if (random.chance(0.1)) return
      const name = Name.make(token)
      if (!(yield* attempt("commit", store.commit(name, key)))) return
      claims.delete(key)
      claims.set(name, { ...claim, name, kind: "committed" })
      mine.push(name)
    })

  const label = (name: string, value: string) =>
    Effect.gen(function*() {
      const claim = claims.get(name)
      const change = { patch: { [prefix]: value } }
      if (claim === undefined || !(yield* attempt("update", store.update(Name.make(name), change)))) return
      claims.set(name, { ...claim, labels: { ...claim.labels, [prefix]: value } })
    })

  const remove = (name: string) =>
    Effect.map(attempt("remove", store.remove(Name.make(name))), (gone) => {
      if (gone) claims.delete(name)
    })

  for (let round = 0; round < rounds; round++) {
    yield* make(`${prefix}-${round}`)
    const name = random.pick(mine)
    if (name === undefined) continue
    if (random.chance(0.4)) yield* label(name, `${round}`)
    if (random.chance(0.3)) yield* remove(name)
    if (random.chance(0.2)) yield* attempt("usage", store.usage(Name.make(name)))
    if (random.chance(0.1)) yield* attempt("cleanup", store.cleanup)
  }
})

const someCommitted = (store: Snapshotter, random: Random) =>
  Effect.map(
    Stream.runCollect(store.walk({ filters: ["kind==committed"] })),
    (infos) => {
      const info = random.pick(infos)
      return info === undefined ? undefined : Name.make(info.name)
    }
  )

const writeIn = Effect.fnUntraced(function*(key: Key, file: string) {
  const mounts = yield* Snapshotter.use((store) => store.mounts(key))
  const files = yield* Mounter
  const target = fs.mkdtempSync(`${options.root}-target-`)
  yield* Effect.scoped(Effect.gen(function*() {
    yield* files.mount(mounts, target)
    fs.writeFileSync(`${target}/${file}`, file)
  }))
  fs.rmdirSync(target)
})

// ============================================================ what must leave no descriptor open

const tooMuch = { l: "x".repeat(5_000) }
const keys = ["a", "b", "c"].map((text) => Key.make(text))
const names = ["x", "y", "z"].map((text) => Name.make(text))

const someOperation = (store: Snapshotter, random: Random) => {
  const key = random.pick(keys) ?? Key.make("a")
  const name = random.pick(names) ?? Name.make("x")
  const from = random.chance(0.7) ? { parent: name } : {}
  const either = random.chance(0.5) ? key : name
  return random.pick<Effect.Effect<unknown, unknown, Needs>>([
    store.prepare(key, from),
    store.prepare(key, from),
    store.prepare(key, { labels: tooMuch }),
    store.view(key, from),
    store.commit(name, key),
    store.commit(name, key),
    store.commit(name, key, { labels: tooMuch }),
    store.remove(either),
    store.remove(Key.make("nobody")),
    store.stat(either),
    store.usage(either),
    store.mounts(key),
    store.update(either, { patch: { l: String(random.below(9)) } }),
    Stream.runCollect(store.walk()),
    Stream.runCollect(Stream.take(store.walk(), 1)),
    Stream.runCollect(store.walk({ filters: ["name="] })),
    store.cleanup,
    store.check,
    store.relink,
    Fork.discarded({ key, ...from }, (directory) => Effect.sync(() => fs.writeFileSync(`${directory}/f`, "x"))),
    Fork.committed({ key, ...from }, name, (directory) => Effect.sync(() => fs.writeFileSync(`${directory}/g`, "x"))),
    Fork.discarded({ key, target: "/nowhere/at/all" }, () => Effect.void),
    Fork.viewed({ key, parent: name }, () => Effect.fail({ _tag: "OfTheUser" }))
  ]) ?? Effect.void
}

type Needs = Layer.Success<ReturnType<typeof storeLayer>>

/** Interrupted at some point of its way, or at none. */
const perhapsInterrupted = (random: Random, effect: Effect.Effect<unknown, unknown, Needs>) =>
  Effect.gen(function*() {
    if (random.chance(0.5)) return yield* outcome(effect)
    const fiber = yield* Effect.forkChild(effect, { startImmediately: true })
    if (random.chance(0.6)) { for (let left = random.below(6); left > 0; left--) yield* Effect.yieldNow }
    else if (random.chance(0.5)) yield* Effect.sleep(random.below(4))
    yield* Fiber.interrupt(fiber)
    return outcomeOf(yield* Fiber.await(fiber))
  })

const failSometimes = (random: Random): Faults.Injector => ({ operation }) =>
  random.chance(operation === "sync" ? 0.01 : 0.004)
    ? { fail: random.pick(["EIO", "EMFILE"]) ?? "EIO" }
    : "pass"

const doMixed = (store: Snapshotter, random: Random, operations: number) =>
  Effect.gen(function*() {
    const outcomes: Array<string> = []
    injector = failSometimes(random)
    for (let left = operations; left > 0; left -= 2) {
      const pair = [someOperation(store, random), someOperation(store, random)]
      outcomes.push(
        ...(yield* Effect.forEach(pair, (one) => perhapsInterrupted(random, one), { concurrency: "unbounded" }))
      )
    }
    injector = Faults.noFaults
    return tallied(outcomes)
  })

/** One of each, at the end of which all that was begun is done with: deletions go on after an interruption. */
const rest = Effect.gen(function*() {
  const store = yield* Snapshotter
  const work = Fork.discarded({ key: Key.make("last") }, () => Effect.void)
  const last = yield* outcome(Effect.andThen(work, store.cleanup))
  yield* Effect.sleep(20)
  return { last, count: openDescriptors() }
})

const mixed = (root: string, operations: number, seed: number) =>
  Effect.gen(function*() {
    const random = randomFrom(seed)
    // Once before: what is loaded or opened only once belongs to no operation.
    const session = (operations: number) =>
      Effect.gen(function*() {
        const store = yield* Snapshotter
        const before = (yield* rest).count
        const tally = yield* doMixed(store, random, operations)
        for (let tries = 1;; tries++) {
          const { count, last } = yield* rest
          if (count === before || tries === 100) return { open: { before, after: count }, tally, last }
        }
      }).pipe(Effect.provide(Layer.fresh(storeLayer({ root })), { local: true }))
    yield* session(20)
    const before = openDescriptors()
    const result = yield* session(operations)
    return { ...result, closed: { before, after: openDescriptors() } }
  })

// ============================================================ orders

let held: Effect.Effect<void> = Effect.void

const carryOut = (order: Order): Effect.Effect<unknown, unknown, Needs> => {
  switch (order.do) {
    case "all":
      return Snapshotter.use((store) => atOnce(order.wishes.map((wish) => grant(store, wish))))
    case "errands":
      return errands(order.prefix, order.fibers, order.rounds)
    case "lock":
      return Effect.map(StoreFileSystem.use((files) => files.tryLock(options.root)), (lock) => {
        held = lock?.release ?? Effect.void
        return lock !== undefined
      })
    case "unlock":
      return Effect.as(held, true)
    case "stall":
      isStalling = true
      return Snapshotter.use((store) => store.prepare(Key.make(order.key)))
    case "begin":
      return Effect.as(
        Snapshotter.use((store) => Effect.forkDetach(store.prepare(Key.make(order.key)), { startImmediately: true })),
        true
      )
    case "exit":
      return Effect.sync(() => process.exit(0))
    case "mixed":
      return mixed(order.root, order.operations, order.seed)
    case "crowd":
      return crowd(order.prefix, order.count, order.mounted)
    case "count":
      return Effect.sync(openDescriptors)
  }
}

const program = Effect.gen(function*() {
  const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
  yield* Effect.sync(() => say(process.pid))
  for (;;) {
    const line = yield* Effect.promise(() => lines.next())
    if (line.done === true) return
    const order: Order = JSON.parse(line.value)
    say(yield* carryOut(order))
  }
})

// Its output is for answers alone.
await Effect.runPromise(Effect.provide(program, Layer.merge(storeLayer(), Logger.layer([]))))
