/**
 * Bounded exhaustive exploration: sequences of operations, crashed before and after every inner step of their last one, in every
 * state in which the disk could be then, each of which is recovered and judged; and so are the states in which a crash of that
 * recovery leaves it. Crashes of the operations before the last one are those of shorter sequences; but the one right before it
 * is also one that ended between its commit point and its wait for the disk, while the machine went on.
 */
import { Key } from "@snapshotter/core/Snapshot"
import type { Snapshotter } from "@snapshotter/core/Snapshotter"
import { render } from "@snapshotter/core/testing/Command"
import { type Model, step } from "@snapshotter/core/testing/Model"
import { canonical } from "@snapshotter/core/testing/World"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Effect, Exit, Fiber, Scope } from "effect"
import { directoryOf, target, treeOf } from "./look.ts"
import { type Durability, open, root, run } from "./machine.ts"
import { beginning, hasCommitPoint, nextOperations, type Operation } from "./operations.ts"
import {
  type Allowed,
  allowedAfter,
  type Crash,
  type History,
  judge,
  perform,
  powerLossAfter,
  type Recovery
} from "./oracle.ts"

/** How many of the states of a moment are looked at: see `PowerLoss.Options`. */
export type Bounds = PowerLoss.Options

/** Of each moment of a recovery: what it has done, nothing of it, and so many in between. */
const ofRecoveries: Bounds = { completeUpTo: 2, samples: 4 }

/** What an exploration has come to. */
export interface Explored {
  /** Different disks with which a machine came up, by hash. */
  readonly states: number
  /** Recoveries that were judged: one disk may have to stand for several histories. */
  readonly recoveries: number
  readonly sequences: number
  readonly moments: number
}

/** When to look at nothing more. */
export interface Limits {
  /** By `Date.now()`. */
  readonly until?: number
  /** After so many disks on which something is wrong. */
  readonly wrongsMax?: number
}

/** What came of one sequence. */
export interface Found {
  readonly wrongs: ReadonlyArray<string>
  /** Whether all was looked at, and not only what the limits left. */
  readonly complete: boolean
}

export interface Explorer {
  /** Explores the last operation of a sequence. */
  readonly explore: (
    sequence: ReadonlyArray<Operation>,
    bounds: Bounds,
    limits?: Limits
  ) => Promise<Found>
  /** The same where there is no store: the first operation is its opening. */
  readonly exploreMaking: Explorer["explore"]
  /** Explores what is done after a sequence side by side, at `full`, under one hold of the lock and with the same syncs. */
  readonly exploreTogether: (
    sequence: ReadonlyArray<Operation>,
    together: ReadonlyArray<Operation>,
    bounds: Bounds,
    limits?: Limits
  ) => Promise<Found>
  /** What can follow a sequence. */
  readonly next: (sequence: ReadonlyArray<Operation>) => ReadonlyArray<Operation>
  readonly explored: () => Explored
  /** Of all disks with which a machine came up. */
  readonly hashes: () => ReadonlyArray<string>
}

/** What a machine has to be after a crash. */
interface Expected {
  readonly history: History
  readonly crash: Crash
  readonly allowed: Allowed
  /** Equal for those of which equal things are allowed. */
  readonly judgedBy: string
  /** Whether it is the recovery from another crash that was crashed. */
  readonly isRecovery: boolean
}

/** A disk with which a machine comes up. */
interface Case {
  readonly state: PowerLoss.State
  readonly expected: Expected
}

const expectedAfter = (history: History, crash: Crash, isRecovery = false): Expected => {
  const allowed = allowedAfter(history, crash)
  return { history, crash, allowed, judgedBy: textOf(history, allowed), isRecovery }
}

export const makeExplorer = async (): Promise<Explorer> => {
  const base = await run(makeBase)
  const newDisk = await run(makeNewDisk)
  const judged = new Set<string>()
  const states = new Set<string>()
  const counts = { sequences: 0, moments: 0, recoveries: 0 }

  const exploreFrom = (
    beginning: Base,
    sequence: ReadonlyArray<Operation>,
    bounds: Bounds,
    limits?: Limits
  ): Promise<Found> =>
    judgeAfter(
      [sequence, ...withUnanswered(sequence)].map((played) => play(beginning, played, bounds)),
      (n) => playUntilDeath(beginning, sequence, n),
      limits
    )

  /** `plays`: what comes of losing power at any moment; `dying`: of the end of the process before its n-th call. */
  const judgeAfter = async (
    plays: ReadonlyArray<Effect.Effect<Played, unknown, Scope.Scope>>,
    dying: (n: number) => Effect.Effect<Dead | undefined, unknown, Scope.Scope>,
    { until = Infinity, wrongsMax = Infinity }: Limits = {}
  ): Promise<Found> => {
    const wrongs: Array<string> = []
    let cut = false
    /** Asked before anything more is looked at. */
    const isOver = () => cut ||= wrongs.length >= wrongsMax || Date.now() >= until
    const judgeOne = async (machine: Machine, expected: Expected, story: string, cases: Array<Case>, of: Bounds) => {
      counts.recoveries++
      const wrong = await recovered(machine, expected, cases, of)
      if (wrong !== undefined) wrongs.push(`${describe(expected, story)}\n${wrong}`)
    }
    const judgeAll = async (cases: Array<Case>) => {
      for (let one = cases.shift(); one !== undefined && !isOver(); one = cases.shift()) {
        const key = `${one.state.hash} ${one.expected.judgedBy}`
        if (judged.has(key)) continue
        judged.add(key)
        states.add(one.state.hash)
        await judgeOne(machineFrom(one.state), one.expected, one.state.story, cases, ofRecoveries)
      }
    }
    for (const play of plays) {
      if (isOver()) break
      const { cases, moments } = await run(Effect.scoped(play))
      counts.moments += moments
      await judgeAll(cases)
    }
    for (let n = 1; !isOver(); n++) {
      const dead = await run(Effect.scoped(dying(n)))
      if (dead === undefined) break
      const ruins: Array<Case> = []
      await judgeOne(dead.machine, dead.expected, `its process died before its call ${n}`, ruins, ofRecoveries)
      await judgeAll(ruins)
    }
    if (!cut) counts.sequences++
    return { wrongs, complete: !cut }
  }

  return {
    explore: (sequence, bounds, limits) => exploreFrom(base, sequence, bounds, limits),
    exploreMaking: (sequence, bounds, limits) => exploreFrom(newDisk, sequence, bounds, limits),
    exploreTogether: (sequence, together, bounds, limits) =>
      judgeAfter(
        [playTogether(base, sequence, together, bounds)],
        (n) => playTogetherUntilDeath(base, sequence, together, n),
        limits
      ),
    next: (sequence) => nextOperations(modelAfter(base.model, sequence)),
    explored: () => ({ ...counts, states: states.size }),
    hashes: () => [...states]
  }
}

/** The same, where the operation before the last one was not answered: at `full`, since at `process` it waits for nothing. */
const withUnanswered = (sequence: ReadonlyArray<Operation>): ReadonlyArray<ReadonlyArray<Operation>> => {
  const at = sequence.length - 2
  const one = sequence[at]
  return one === undefined || one.durability === "process" || !hasCommitPoint(one)
    ? []
    : [sequence.with(at, { ...one, unanswered: true })]
}

const modelAfter = (model: Model, sequence: ReadonlyArray<Operation>): Model =>
  sequence.reduce((now, { command }) => step(now, command).model, model)

/** Lets a machine recover, and adds the states in which it could come up if it lost power meanwhile. */
const recovered = async (
  { volume, watch }: Machine,
  { allowed, crash, history, isRecovery }: Expected,
  cases: Array<Case>,
  bounds: Bounds
): Promise<string | undefined> => {
  let trees = history.trees
  let lost: Expected | undefined
  const look = () => {
    const expected = lost ??= expectedAfter({ ...history, trees }, powerLossAfter[crash], true)
    for (const state of PowerLoss.states(volume, bounds)) cases.push({ state, expected })
  }
  const recovery: Recovery = {
    begunAgain: (shown) => {
      if (shown !== trees) lost = undefined
      trees = shown
    },
    over: () => watch(undefined)
  }
  if (!isRecovery) watch(look)
  const exit = await run(Effect.exit(judge(volume, { allowed, history }, recovery)))
  return Exit.isSuccess(exit) ? undefined : String(exit.cause)
}

export const describeSequence = (sequence: ReadonlyArray<Operation>): string =>
  sequence.map(({ command, durability, unanswered }) =>
    `${render(command)} at ${durability}${unanswered === true ? ", unanswered" : ""}`
  ).join(", ")

const describe = ({ history: { acknowledged, beside, inFlight }, isRecovery }: Expected, story: string): string =>
  [
    `acknowledged: ${describeSequence(acknowledged)}`,
    `in flight: ${describeSequence(inFlight === undefined ? beside : [inFlight, ...beside]) || "nothing"}`,
    `${isRecovery ? "its recovery crashed; " : ""}${story}`
  ].join("\n")

// ============================================================ playing

/** A store with its parents, from which all sequences begin. */
interface Base {
  readonly state: PowerLoss.State
  readonly model: Model
  readonly trees: ReadonlyMap<string, string>
}

const emptyModel: Model = { snapshots: new Map(), mounts: new Map(), overlays: "mounted" }

/** A disk without a store. */
const newVolume = Effect.gen(function*() {
  const volume = MemoryVolume.make({ losesPower: true })
  yield* MemoryFileSystem.make(volume).makeDirectory(target)
  return volume
})

const makeNewDisk = Effect.map(
  newVolume,
  (volume): Base => ({ state: wholeState(volume), model: emptyModel, trees: new Map() })
)

const wholeState = (volume: MemoryVolume.MemoryVolume): PowerLoss.State => {
  const state = [...PowerLoss.states(volume)].find(({ isWhole }) => isWhole)
  if (state === undefined) throw new Error("the machine cannot come up whole")
  return state
}

const makeBase = Effect.scoped(Effect.gen(function*() {
  const volume = yield* newVolume
  const store = yield* open(volume, "full")
  const trees = new Map<string, string>()
  let model = emptyModel
  for (const command of beginning) {
    yield* perform(store, { command, durability: "full" })
    model = step(model, command).model
    if (command._tag === "prepare") yield* work(volume, store, command.key)
    if (command._tag === "commit") trees.set(command.name, yield* shownBy(volume, command.name))
  }
  const base: Base = { state: wholeState(volume), model, trees }
  return base
}))

/** A machine, and whoever is told before each of its steps. */
interface Machine {
  readonly volume: MemoryVolume.MemoryVolume
  readonly watch: (look: (() => void) | undefined) => void
}

const machineFrom = (state: PowerLoss.State): Machine => {
  let look: (() => void) | undefined
  const volume = state.boot({
    onStep: () => {
      look?.()
      return undefined
    }
  })
  return {
    volume,
    watch: (one) => {
      look = one
    }
  }
}

/** Where a sequence has come to before its last operations. */
interface Before {
  readonly machine: Machine
  readonly stores: Effect.Success<ReturnType<typeof processesOn>>
  readonly history: Pick<History, "begun" | "trees">
}

const beforeThese = (
  base: Base,
  acknowledged: ReadonlyArray<Operation>,
  coming: ReadonlyArray<Operation>
): Effect.Effect<Before, unknown, Scope.Scope> =>
  Effect.gen(function*() {
    const machine = machineFrom(base.state)
    const { volume } = machine
    const stores = yield* processesOn(volume)
    const trees = new Map(base.trees)
    for (const operation of acknowledged) {
      const { command, durability } = operation
      if (command._tag === "commit") trees.set(command.name, yield* shownBy(volume, command.key))
      if (operation.unanswered === true) yield* performUnanswered(volume, operation)
      else if (command._tag === "reopen") yield* stores.open(durability)
      else {
        const store = yield* stores.of(durability)
        yield* perform(store, { command, durability })
        if (command._tag === "prepare") yield* work(volume, store, command.key)
      }
    }
    // What a commit in flight has to show, if it has happened.
    for (const { command } of coming) {
      if (command._tag === "commit") trees.set(command.name, yield* shownBy(volume, command.key))
    }
    return { machine, stores, history: { begun: base.model, trees } }
  })

const beforeLast = (base: Base, sequence: ReadonlyArray<Operation>) =>
  Effect.gen(function*() {
    const [last, acknowledged] = [sequence.at(-1), sequence.slice(0, -1)]
    if (last === undefined) return yield* Effect.die(new Error("there is no operation to explore"))
    const { history, machine, stores } = yield* beforeThese(base, acknowledged, [last])
    const inFlight: History = { ...history, acknowledged, inFlight: last, beside: [] }
    return { machine, stores, last, history: inFlight }
  })

/** In a process of its own, which dies right after the commit point. */
const performUnanswered = (volume: MemoryVolume.MemoryVolume, operation: Operation) =>
  Effect.gen(function*() {
    const faults = Faults.make(({ operation }) =>
      operation === "moveNoReplace" || operation === "exchange" ? "dieAfter" : "pass"
    )
    const opened = faults.spare(open(volume, operation.durability, faults))
    yield* Effect.exit(Effect.scoped(Effect.flatMap(opened, (store) => perform(store, operation))))
    if (!faults.isDead()) return yield* Effect.die(new Error(`${describeSequence([operation])} has no commit point`))
  })

/** The disks that come of a run, and from how many moments. */
interface Played {
  readonly cases: Array<Case>
  readonly moments: number
}

/** A machine that goes on after a process of it has died. */
interface Dead {
  readonly machine: Machine
  readonly expected: Expected
}

/** Runs a sequence on a machine of its own, and takes the states of every moment of its last operation. */
const play = (base: Base, sequence: ReadonlyArray<Operation>, bounds: Bounds) =>
  Effect.gen(function*() {
    const cases: Array<Case> = []
    let moments = 0
    const { history, last, machine: { volume, watch }, stores } = yield* beforeLast(base, sequence)
    const lookingAt = (of: History) => {
      const take = casesOf(of)
      return () => {
        moments++
        for (const state of PowerLoss.states(volume, bounds)) cases.push(...take(state))
      }
    }
    const isOpening = last.command._tag === "reopen"
    const store = isOpening ? undefined : yield* stores.of(last.durability)
    watch(lookingAt(history))
    yield* store === undefined ? stores.open(last.durability) : perform(store, last)
    watch(undefined)
    lookingAt({ ...history, acknowledged: sequence, inFlight: undefined })()
    return { cases, moments }
  })

/**
 * Runs a sequence whose last operation's process dies before its n-th call, while the machine goes on; `undefined` where it
 * makes fewer calls.
 */
const playUntilDeath = (base: Base, sequence: ReadonlyArray<Operation>, n: number) =>
  Effect.gen(function*() {
    const { history, last, machine } = yield* beforeLast(base, sequence)
    const faults = Faults.make(Faults.at(n, "dieBefore"))
    const opening = open(machine.volume, last.durability, faults)
    const doomed = last.command._tag === "reopen"
      ? opening
      : Effect.flatMap(faults.spare(opening), (store) => perform(store, last))
    yield* Effect.exit(Effect.scoped(doomed))
    return faults.isDead() ? { machine, expected: expectedAfter(history, "death") } : undefined
  })

/** The same of operations that are done side by side after a sequence. Which are answered by then is known at each moment. */
const playTogether = (
  base: Base,
  sequence: ReadonlyArray<Operation>,
  together: ReadonlyArray<Operation>,
  bounds: Bounds
) =>
  Effect.gen(function*() {
    const cases: Array<Case> = []
    let moments = 0
    const { history, machine: { volume, watch } } = yield* beforeThese(base, sequence, together)
    let marks = 0
    const counting = Faults.make(({ operation, paths }) => {
      if (operation === "setMode" && paths[0] === `${root}/staging`) marks++
      return "pass"
    })
    const store = yield* open(volume, "full", counting)
    const answered: Array<Operation> = []
    const takeNow = () =>
      casesOf({
        ...history,
        acknowledged: [...sequence, ...answered],
        inFlight: undefined,
        beside: together.filter((one) => !answered.includes(one))
      })
    let take = takeNow()
    const look = () => {
      moments++
      for (const state of PowerLoss.states(volume, bounds)) cases.push(...take(state))
    }
    watch(look)
    yield* performTogether(volume, store, together, (one) => {
      answered.push(one)
      take = takeNow()
    })
    watch(undefined)
    look()
    // Set once and taken away once.
    if (marks !== 2) return yield* Effect.die(new Error(`${describeSequence(together)} do not share one batch`))
    return { cases, moments }
  })

const playTogetherUntilDeath = (
  base: Base,
  sequence: ReadonlyArray<Operation>,
  together: ReadonlyArray<Operation>,
  n: number
) =>
  Effect.gen(function*() {
    const { history, machine } = yield* beforeThese(base, sequence, together)
    const faults = Faults.make(Faults.at(n, "dieBefore"))
    const answered: Array<Operation> = []
    const doomed = Effect.flatMap(
      faults.spare(open(machine.volume, "full", faults)),
      (store) => performTogether(machine.volume, store, together, (one) => answered.push(one))
    )
    yield* Effect.exit(Effect.scoped(doomed))
    if (!faults.isDead()) return undefined
    const beside = together.filter((one) => !answered.includes(one))
    const acknowledged = [...sequence, ...answered]
    return { machine, expected: expectedAfter({ ...history, acknowledged, inFlight: undefined, beside }, "death") }
  })

/** All of them wait for the store's lock when it gets free. */
const performTogether = (
  volume: MemoryVolume.MemoryVolume,
  store: Snapshotter,
  together: ReadonlyArray<Operation>,
  answered: (operation: Operation) => void
) =>
  Effect.gen(function*() {
    const lock = yield* MemoryStoreFileSystem.make(volume, volume.newProcess()).tryLock(root)
    if (lock === undefined) return yield* Effect.die(new Error("somebody has the lock"))
    const fibers = yield* Effect.forEach(together, (one) =>
      Effect.forkChild(
        Effect.tap(perform(store, one), () => Effect.sync(() => answered(one))),
        {
          startImmediately: true
        }
      ))
    yield* lock.release
    for (const fiber of fibers) yield* Fiber.join(fiber)
  })

/** The case that a state is, once. */
const casesOf = (history: History) => {
  const expected = { power: expectedAfter(history, "power"), shutdown: expectedAfter(history, "shutdown") }
  const seen = new Set<string>()
  return (state: PowerLoss.State): ReadonlyArray<Case> => {
    const crash = state.isWhole ? "shutdown" : "power"
    const key = `${state.hash} ${crash}`
    if (seen.has(key)) return []
    seen.add(key)
    return [{ state, expected: expected[crash] }]
  }
}

const textOf = ({ inFlight, trees }: History, { forests, forgives, whole }: Allowed): string =>
  canonical([
    inFlight,
    forgives,
    [...whole.before].sort(),
    [...whole.after].sort(),
    [...trees].sort(),
    [...forests.keys()].sort()
  ])

/** A process for each durability, which has the store open from when it is needed first. */
const processesOn = Effect.fnUntraced(function*(volume: MemoryVolume.MemoryVolume) {
  const outer = yield* Effect.scope
  const opened = new Map<Durability, { readonly store: Snapshotter; readonly scope: Scope.Closeable }>()
  const openAgain = (durability: Durability) =>
    Effect.gen(function*() {
      const before = opened.get(durability)
      if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
      const scope = yield* Scope.fork(outer)
      const store = yield* Scope.provide(open(volume, durability), scope)
      opened.set(durability, { scope, store })
      return store
    })
  return {
    open: openAgain,
    of: (durability: Durability) =>
      Effect.suspend(() => {
        const known = opened.get(durability)
        return known === undefined ? openAgain(durability) : Effect.succeed(known.store)
      })
  }
})

/** What somebody does in a fork, and does not wait for: a new file, one more line in an old one, a removal. */
const work = (volume: MemoryVolume.MemoryVolume, store: Snapshotter, key: string) =>
  Effect.scoped(Effect.gen(function*() {
    yield* MemoryMounter.make(volume).mount(yield* store.mounts(Key.make(key)), target)
    const files = MemoryFileSystem.make(volume)
    if (!(yield* files.exists(`${target}/d`))) yield* files.makeDirectory(`${target}/d`)
    yield* files.writeFileString(`${target}/d/f`, "more", { flag: "a" })
    if (yield* files.exists(`${target}/g`)) yield* files.remove(`${target}/g`)
    else yield* files.writeFileString(`${target}/g`, "new")
  }))

const shownBy = Effect.fnUntraced(function*(volume: MemoryVolume.MemoryVolume, name: string) {
  const directory = yield* directoryOf(volume, name)
  return directory === undefined ? "" : yield* treeOf(volume, directory)
})
