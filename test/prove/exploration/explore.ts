/**
 * Bounded exhaustive exploration: sequences of operations, crashed before and after every inner step of their last one, in every
 * state in which the disk could be then, each of which is recovered and judged; and so are the states in which a crash of that
 * recovery leaves it. Crashes of the operations before the last one are those of shorter sequences.
 */
import { Key } from "@snapshotter/core/Snapshot"
import type { Snapshotter } from "@snapshotter/core/Snapshotter"
import { render } from "@snapshotter/core/testing/Command"
import { type Model, step } from "@snapshotter/core/testing/Model"
import { canonical } from "@snapshotter/core/testing/World"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Effect, Exit, Scope } from "effect"
import { directoryOf, target, treeOf } from "./look.ts"
import { type Durability, open, run } from "./machine.ts"
import { beginning, nextOperations, type Operation } from "./operations.ts"
import { type Allowed, allowedAfter, type Crash, type History, judge, perform, type Recovery } from "./oracle.ts"

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

export interface Explorer {
  /**
   * Explores the last operation of a sequence. What is wrong, if anything is; `undefined` where the time was over before all
   * was looked at.
   */
  readonly explore: (
    sequence: ReadonlyArray<Operation>,
    bounds: Bounds,
    until?: number
  ) => Promise<ReadonlyArray<string> | undefined>
  /** Explores the opening of a store where there is none. */
  readonly exploreMaking: (durability: Durability, bounds: Bounds) => Promise<ReadonlyArray<string>>
  /** What can follow a sequence. */
  readonly next: (sequence: ReadonlyArray<Operation>) => ReadonlyArray<Operation>
  readonly explored: () => Explored
  /** Of all disks with which a machine came up. */
  readonly hashes: () => ReadonlyArray<string>
}

/** A disk, and what it has to be. */
interface Case {
  readonly state: PowerLoss.State
  readonly history: History
  readonly allowed: Allowed
  /** Equal for those of which equal things are allowed. */
  readonly judgedBy: string
  /** Whether it is the recovery from another one that was crashed. */
  readonly isRecovery: boolean
}

export const makeExplorer = async (): Promise<Explorer> => {
  const base = await run(makeBase)
  const newDisk = await run(makeNewDisk)
  const judged = new Set<string>()
  const states = new Set<string>()
  const counts = { sequences: 0, moments: 0 }

  const exploreFrom = async (
    beginning: Base,
    sequence: ReadonlyArray<Operation>,
    bounds: Bounds,
    until = Infinity
  ): Promise<ReadonlyArray<string> | undefined> => {
    const wrongs: Array<string> = []
    const { cases, moments } = await run(Effect.scoped(play(beginning, sequence, bounds)))
    counts.moments += moments
    for (let one = cases.shift(); one !== undefined; one = cases.shift()) {
      const key = `${one.state.hash} ${one.judgedBy}`
      if (judged.has(key)) continue
      if (Date.now() >= until && wrongs.length === 0) return undefined
      judged.add(key)
      states.add(one.state.hash)
      const wrong = await recovered(one, cases)
      if (wrong !== undefined) wrongs.push(`${describe(one)}\n${wrong}`)
    }
    counts.sequences++
    return wrongs
  }

  return {
    explore: (sequence, bounds, until) => exploreFrom(base, sequence, bounds, until),
    exploreMaking: async (durability, bounds) =>
      await exploreFrom(newDisk, [{ command: { _tag: "reopen" }, durability }], bounds) ?? [],
    next: (sequence) => nextOperations(modelAfter(base.model, sequence)),
    explored: () => ({ ...counts, states: states.size, recoveries: judged.size }),
    hashes: () => [...states]
  }
}

const modelAfter = (model: Model, sequence: ReadonlyArray<Operation>): Model =>
  sequence.reduce((now, { command }) => step(now, command).model, model)

/** Lets the machine come up and recover, and adds the states in which that could be crashed. */
const recovered = async (one: Case, cases: Array<Case>): Promise<string | undefined> => {
  const machine: { volume?: MemoryVolume.MemoryVolume } = {}
  let isOver = one.isRecovery
  let trees = one.history.trees
  let again: Case | undefined
  const look = () => {
    if (machine.volume === undefined || isOver) return undefined
    again ??= recoveryOf(one, trees)
    for (const state of PowerLoss.states(machine.volume, ofRecoveries)) cases.push({ ...again, state })
    return undefined
  }
  const volume = one.state.boot({ onStep: look })
  machine.volume = volume
  const recovery: Recovery = {
    begunAgain: (shown) => {
      if (shown !== trees) again = undefined
      trees = shown
    },
    over: () => {
      isOver = true
    }
  }
  const exit = await run(Effect.exit(judge(volume, one, recovery)))
  return Exit.isSuccess(exit) ? undefined : String(exit.cause)
}

/** What a disk has to be that a crash of this one's recovery leaves. */
const recoveryOf = (one: Case, trees: History["trees"]): Case => {
  const history = { ...one.history, trees }
  const allowed = one.state.isWhole ? allowedAfter(history, "recovery") : one.allowed
  return { ...one, history, allowed, judgedBy: textOf(history, allowed), isRecovery: true }
}

export const describeSequence = (sequence: ReadonlyArray<Operation>): string =>
  sequence.map(({ command, durability }) => `${render(command)} at ${durability}`).join(", ")

const describe = ({ history: { acknowledged, inFlight }, isRecovery, state: { story } }: Case): string =>
  [
    `acknowledged: ${describeSequence(acknowledged)}`,
    `in flight: ${inFlight === undefined ? "nothing" : describeSequence([inFlight])}`,
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

/** Runs a sequence on a machine of its own, and takes the states of every moment of its last operation. */
const play = (base: Base, sequence: ReadonlyArray<Operation>, bounds: Bounds) =>
  Effect.gen(function*() {
    const cases: Array<Case> = []
    let look: (() => void) | undefined
    let moments = 0
    const volume = base.state.boot({
      onStep: () => {
        look?.()
        return undefined
      }
    })
    const stores = yield* processesOn(volume)
    const trees = new Map(base.trees)
    const lookingAt = (acknowledged: ReadonlyArray<Operation>, inFlight: Operation | undefined) => {
      const history: History = { begun: base.model, acknowledged, inFlight, trees }
      const take = casesOf(history)
      return () => {
        moments++
        for (const state of PowerLoss.states(volume, bounds)) cases.push(...take(state))
      }
    }
    for (const [at, operation] of sequence.entries()) {
      const isLast = at === sequence.length - 1
      const { command, durability } = operation
      // What a commit in flight has to show, if it has happened.
      if (command._tag === "commit") trees.set(command.name, yield* shownBy(volume, command.key))
      const store = command._tag === "reopen" ? undefined : yield* stores.of(durability)
      if (isLast) look = lookingAt(sequence.slice(0, at), operation)
      yield* store === undefined ? stores.open(durability) : perform(store, operation)
      look = undefined
      if (store !== undefined && !isLast && command._tag === "prepare") yield* work(volume, store, command.key)
    }
    lookingAt(sequence, undefined)()
    return { cases, moments }
  })

/**
 * The case that a state is, once. Where nothing was lost the processes alone may have died, of which more is promised than
 * of the power.
 */
const casesOf = (history: History) => {
  const allowed = { power: allowedAfter(history, "power"), process: allowedAfter(history, "process") }
  const judgedBy = { power: textOf(history, allowed.power), process: textOf(history, allowed.process) }
  const seen = new Set<string>()
  return (state: PowerLoss.State): ReadonlyArray<Case> => {
    const crash: Crash = state.isWhole ? "process" : "power"
    const key = `${state.hash} ${crash}`
    if (seen.has(key)) return []
    seen.add(key)
    return [{ state, history, allowed: allowed[crash], judgedBy: judgedBy[crash], isRecovery: false }]
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
