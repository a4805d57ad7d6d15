/**
 * Runs an Effect in simulated time, in an order of things that a seed decides: fibers yield at any operation, whoever can
 * go on next is drawn, and time passes only when nobody can. The same seed does the same again, so long as the Effect
 * waits for nothing outside of it.
 *
 * Where nobody can go on and nobody sleeps, the Effect would never end: that is an error, not a wait.
 */
import { Clock, Duration, Effect } from "effect"
import type { Scheduler, SchedulerDispatcher } from "effect/Scheduler"
import { type Random, randomFrom } from "./random.ts"

export interface Options {
  /** How likely it is that time passes although somebody could go on, at each step. Otherwise what can be done takes none. */
  readonly haste?: number
}

/** Runs it under one seed. */
export const simulate = <A, E>(seed: number, effect: Effect.Effect<A, E>, { haste = 0 }: Options = {}): Promise<A> =>
  new Promise((resolve, reject) => {
    const machine = new Machine(randomFrom(seed), haste)
    const fiber = Effect.runFork(Effect.provideService(effect, Clock.Clock, machine.clock), { scheduler: machine })
    const stuck = () => reject(new Error(`seed ${seed}: nobody can go on, at ${machine.now} ms`))
    machine.onIdle = stuck
    fiber.addObserver((exit) => {
      machine.onIdle = () => {}
      Effect.runPromise(exit).then(resolve, (cause: unknown) => {
        reject(new Error(`seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`, { cause }))
      })
    })
  })

/**
 * Runs it under each of these many seeds, which begin where SNAPSHOTTER_SEED says, or anywhere; with SNAPSHOTTER_TIMES, so
 * many times as many.
 */
export const simulateAll = async <A, E>(
  seeds: number,
  effect: (random: Random) => Effect.Effect<A, E>,
  options: Options = {}
): Promise<void> => {
  const first = Number(process.env["SNAPSHOTTER_SEED"] ?? Math.floor(Math.random() * 2 ** 30))
  const last = first + seeds * Number(process.env["SNAPSHOTTER_TIMES"] ?? 1)
  for (let seed = first; seed < last; seed++) {
    await simulate(seed, Effect.suspend(() => effect(randomFrom(seed))), options)
  }
}

/** How many rounds of the event loop without anything to do mean that there never will be: promises need one or two. */
const idleRoundsMax = 5

/** Further than this, time does not pass while somebody can go on: nobody is that slow. */
const hastyMillisMax = 10

interface Sleeper {
  readonly at: number
  readonly wake: () => void
}

class Machine implements Scheduler {
  readonly executionMode = "async"
  /** Milliseconds since the beginning of this simulated time. */
  now = 1_700_000_000_000
  onIdle: () => void = () => {}
  private readonly random: Random
  private readonly eagerness: number
  private readonly haste: number
  private readonly tasks: Array<() => void> = []
  private readonly sleepers = new Set<Sleeper>()
  private running = false

  constructor(random: Random, haste: number) {
    this.random = random
    this.haste = haste
    // From yielding at every fourth operation to hardly ever. A yield is two operations itself, so with a half it never ends.
    this.eagerness = random.pick([0.25, 0.1, 0.02, 0.001]) ?? 0.1
  }

  shouldYield(): boolean {
    return this.random.chance(this.eagerness)
  }

  makeDispatcher(): SchedulerDispatcher {
    return {
      scheduleTask: (task) => {
        this.tasks.push(task)
        this.start()
      },
      flush: () => this.work()
    }
  }

  readonly clock: Clock.Clock = ((machine: Machine): Clock.Clock => {
    const nanos = () => BigInt(Math.round(machine.now * 1_000)) * 1_000n
    return {
      currentTimeMillisUnsafe: () => machine.now,
      currentTimeMillis: Effect.sync(() => machine.now),
      currentTimeNanosUnsafe: nanos,
      currentTimeNanos: Effect.sync(nanos),
      monotonicTimeNanosUnsafe: nanos,
      monotonicTimeNanos: Effect.sync(nanos),
      sleep: (duration) =>
        Effect.callback((resume) => {
          const sleeper: Sleeper = { at: machine.now + Duration.toMillis(duration), wake: () => resume(Effect.void) }
          machine.sleepers.add(sleeper)
          machine.start()
          return Effect.sync(() => machine.sleepers.delete(sleeper))
        })
    }
  })(this)

  private start(): void {
    if (this.running) return
    this.running = true
    setImmediate(() => this.round(0))
  }

  private round(idle: number): void {
    const worked = this.work()
    if (worked) return void setImmediate(() => this.round(0))
    if (idle < idleRoundsMax) return void setImmediate(() => this.round(idle + 1))
    this.running = false
    this.onIdle()
  }

  /** Whether there was anything to do. */
  private work(): boolean {
    let worked = false
    while (this.step()) worked = true
    return worked
  }

  private step(): boolean {
    if (this.tasks.length > 0 && !(this.random.chance(this.haste) && this.wakeFirst(hastyMillisMax))) {
      const at = this.random.below(this.tasks.length)
      const task = this.tasks[at]
      const last = this.tasks.pop()
      if (last !== undefined && at < this.tasks.length) this.tasks[at] = last
      task?.()
      return true
    }
    return this.tasks.length > 0 || this.wakeFirst(Infinity)
  }

  /** Whether somebody would have woken up by then anyway. */
  private wakeFirst(withinMillis: number): boolean {
    let first: Sleeper | undefined
    for (const one of this.sleepers) if (first === undefined || one.at < first.at) first = one
    if (first === undefined || first.at > this.now + withinMillis) return false
    this.sleepers.delete(first)
    this.now = Math.max(this.now, first.at)
    first.wake()
    return true
  }
}
