/**
 * Taking turns: fibers of one process go through the store's lock together and share its syncs (group commit), processes
 * one after another.
 *
 * Changes that touch the same names never share a batch, so each one sees what those before it did.
 */
import { Cause, Clock, Context, Deferred, Effect, Exit, Fiber, type Scope } from "effect"
import { LockTimeout, type NotDurable, type ReadOnlyStore, type StoreFailure } from "../SnapshotterError.ts"
import type { FileSystemError, HeldLock } from "../StoreFileSystem.ts"
import { type BatchOptions, batchRunner, type Entry, finish, type Restore, wasInterrupted } from "./batch.ts"
import type { Change } from "./change.ts"

export interface Turns {
  /** Makes the change when it is its turn. An interrupted one is taken back, unless it has happened. */
  readonly take: <A, E>(
    change: Change<A, E>
  ) => Effect.Effect<A, E | LockTimeout | NotDurable | StoreFailure | ReadOnlyStore>
  /** Interrupts whoever still waits, and whoever comes later: for when the store is closed. */
  readonly close: Effect.Effect<void>
}

/**
 * Whether waiting may be interrupted even where the caller may not be, as while a resource is acquired: what then has
 * happened all the same succeeds, so that it can be released.
 */
export const WaitsInterruptibly = Context.Reference<boolean>("@snapshotter/core/internal/WaitsInterruptibly", {
  defaultValue: () => false
})

/** For what is long and leaves nothing to be released. */
export const interruptibly = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.flatMap(WaitsInterruptibly, (asked) => asked ? Effect.interruptible(effect) : effect)

/** Most changes that share one hold of the lock and its syncs. */
const batchMax = 64
/** Longest pause between two tries for the lock: 1.6 s at worst with 64 ms, 0.1 s with this. */
const pauseMillisMax = 2
/** Who has held the lock this long steps back if another process waits: alone, back-off starves. */
const holdMillisMax = 5
const stepBackMillis = 3

/**
 * The lock is that of `root`; whoever waits for it holds the one of `staging` if it can, so that the holder sees that somebody
 * waits.
 */
export interface TurnsOptions extends BatchOptions {
  readonly lockTimeoutMillis: number
  /** Whether batches wait for the disk, so that one that is larger is worth a moment. */
  readonly waitsForDisk: boolean
  readonly scope: Scope.Scope
}

export const makeTurns = (options: TurnsOptions): Turns => {
  const { fs } = options
  const runBatch = batchRunner(options)
  const queue: Array<Entry> = []
  let batch: ReadonlyArray<Entry> = []
  let leadership: Leadership | undefined
  /** How many went through last: where one was alone, nobody is waited for. */
  let together = 1
  let closed = false

  const take = <A, E>(change: Change<A, E>) =>
    Effect.uninterruptibleMask((restore) =>
      Effect.gen(function*() {
        const context = yield* Effect.context<never>()
        // In one step with the queueing: after the closing nobody looks into the queue any more.
        if (closed) return yield* Effect.die(new Error(`the store at ${options.root} is closed: its scope has ended`))
        const entry: Entry = {
          change,
          context,
          done: Deferred.makeUnsafe(),
          deadline: millisBy(Context.get(context, Clock.Clock)) + options.lockTimeoutMillis,
          undos: [],
          ends: [],
          state: "waiting"
        }
        queue.push(entry)
        const busy = leadership !== undefined
        yield* lead
        const answer = busy ? withDeadline(entry) : Deferred.await(entry.done)
        const wait = Context.get(context, WaitsInterruptibly) ? Effect.interruptible : restore
        const exit = yield* Effect.exit(wait(answer))
        // What has happened all the same is answered: whoever asked may have to see to it.
        return yield* wasInterrupted(exit) && (yield* abandon(entry)) ? Deferred.await(entry.done) : exit
      })
    ) as Effect.Effect<A, E | LockTimeout | NotDurable | StoreFailure | ReadOnlyStore>

  /** Somebody of this process holds the lock, perhaps for ever: wait no longer than the time limit to begin. */
  const withDeadline = (entry: Entry) =>
    Effect.raceFirst(
      Deferred.await(entry.done),
      Effect.andThen(
        Effect.sleep(options.lockTimeoutMillis),
        Effect.suspend(() => withdraw(entry) ? Effect.fail(timedOut()) : Effect.never)
      )
    )

  const timedOut = () => new LockTimeout({ root: options.root, milliseconds: options.lockTimeoutMillis })

  const withdraw = (entry: Entry): boolean => {
    const at = queue.indexOf(entry)
    if (at >= 0) queue.splice(at, 1)
    return at >= 0
  }

  /**
   * An interrupted fiber leaves: at once while it waits, else when what it began is undone or has happened. `true` when it
   * was begun, and is done with.
   */
  const abandon = (entry: Entry): Effect.Effect<boolean> =>
    Effect.suspend(() => {
      if (withdraw(entry)) return Effect.succeed(false)
      if (entry.state === "running") entry.state = "abandoned"
      const alone = batch.includes(entry) && batch.every((one) => one.state === "abandoned")
      const fiber = alone ? leadership?.fiber : undefined
      // In one step with the look at the batch: the next one is not meant.
      fiber?.interruptUnsafe()
      const settled = fiber === undefined
        ? Effect.exit(Deferred.await(entry.done))
        : Effect.andThen(Fiber.await(fiber), lead)
      return Effect.as(settled, true)
    })

  /** One fiber at a time does the work for all; it belongs to the store, not to whoever came first. */
  const lead: Effect.Effect<void> = Effect.suspend(() => {
    if (leadership !== undefined || queue.length === 0) return Effect.void
    const mine: Leadership = { fiber: undefined }
    leadership = mine
    const work = Effect.uninterruptibleMask(serve(mine)).pipe(
      // A defect of a port ends this fiber: nobody may go on waiting for it. Who is interrupted has been seen to.
      Effect.onError((cause) =>
        Cause.hasDies(cause)
          ? Effect.forEach([...batch, ...queue.splice(0)], (entry) => finish(entry, Exit.failCause(cause)), {
            discard: true
          })
          : Effect.void
      ),
      Effect.ensuring(Effect.sync(() => resign(mine)))
    )
    return Effect.map(Effect.forkIn(work, options.scope, { startImmediately: true }), (fiber) => {
      mine.fiber = fiber
    })
  })

  const resign = (mine: Leadership): void => {
    if (leadership === mine) leadership = undefined
  }

  /**
   * Whether to go on. Seeing that nobody waits and resigning is one step: who came in between, while this fiber paused,
   * would think that it is led, and wait for ever.
   */
  const isWanted = (mine: Leadership): boolean => {
    if (queue.length === 0) resign(mine)
    return queue.length > 0
  }

  /** Until nobody waits, or until this fiber is interrupted: whoever interrupted it finds another leader. */
  const serve = (mine: Leadership) => (restore: Restore) =>
    Effect.gen(function*() {
      while (isWanted(mine)) {
        const lock = yield* Effect.exit(acquire(restore))
        if (wasInterrupted(lock)) return
        if (Exit.isFailure(lock)) {
          yield* refuseAll(lock.cause)
          continue
        }
        if (lock.value === undefined) continue
        const goOn = yield* Effect.ensuring(hold(restore), lock.value.release)
        if (!goOn) return
        if (queue.length > 0 && (yield* someoneWaits)) {
          if (wasInterrupted(yield* Effect.exit(restore(Effect.sleep(stepBackMillis))))) return
        }
      }
    })

  /** `false` when it was interrupted. */
  const hold = (restore: Restore) =>
    Effect.gen(function*() {
      const clock = yield* Clock.Clock
      const since = millisBy(clock)
      while (queue.length > 0) {
        // Those who waited for one sync go on in the same turn of the event loop: let them come before the next one.
        if (options.waitsForDisk && together > 1) yield* Effect.yieldNow
        batch = nextBatch(queue)
        together = batch.length
        for (const entry of batch) entry.state = "running"
        const goOn = yield* runBatch(restore, batch)
        batch = []
        if (!goOn) return false
        if (millisBy(clock) - since >= holdMillisMax) return true
      }
      return true
    })

  /**
   * The store's lock, or `undefined` once nobody wants it any more. Interruptible only while it pauses: a lock that was
   * just taken must not be lost.
   */
  const acquire = (restore: Restore): Effect.Effect<HeldLock | undefined, FileSystemError> =>
    Effect.gen(function*() {
      let waiting: HeldLock | undefined
      const leave = Effect.suspend(() => waiting?.release ?? Effect.void)
      return yield* Effect.ensuring(
        Effect.gen(function*() {
          for (let pause = 0.5;; pause = Math.min(pause * 2, pauseMillisMax)) {
            const lock = yield* fs.tryLock(options.root)
            if (lock !== undefined) return lock
            waiting ??= yield* Effect.orElseSucceed(fs.tryLock(options.staging), () => undefined)
            yield* refuseExpired
            if (queue.length === 0) return undefined
            yield* restore(Effect.sleep(pause))
          }
        }),
        leave
      )
    })

  const refuseExpired = Effect.gen(function*() {
    const now = millisBy(yield* Clock.Clock)
    for (const entry of queue.filter((one) => one.deadline <= now)) {
      withdraw(entry)
      yield* Deferred.fail(entry.done, timedOut())
    }
  })

  const someoneWaits = Effect.matchEffect(Effect.suspend(() => fs.tryLock(options.staging)), {
    onFailure: () => Effect.succeed(false),
    onSuccess: (lock) => lock === undefined ? Effect.succeed(true) : Effect.as(lock.release, false)
  })

  const refuseAll = (cause: Cause.Cause<FileSystemError>) =>
    Effect.forEach(
      queue.splice(0),
      (entry) => Deferred.failCause(entry.done, Cause.map(cause, options.failure(entry.change.operation))),
      { discard: true }
    )

  const close = Effect.suspend(() => {
    closed = true
    return Effect.forEach(queue.splice(0), (entry) => Deferred.interrupt(entry.done), { discard: true })
  })

  return { take, close }
}

/** By the clock that never jumps. */
const millisBy = (clock: Clock.Clock): number => Number(clock.monotonicTimeNanosUnsafe() / 1_000_000n)

/** Who does the work for all; at most one at a time. */
interface Leadership {
  /** Not known before it has begun. */
  fiber: Fiber.Fiber<void> | undefined
}

/** Takes from the queue, in order, what can share one batch: none decides on a name that another one changes. */
const nextBatch = (queue: Array<Entry>): ReadonlyArray<Entry> => {
  const chosen: Array<Entry> = []
  const read = new Set<string>()
  const written = new Set<string>()
  for (const entry of queue) {
    const { reads, writes } = entry.change
    const alone = writes === undefined
    const collides = !alone &&
      (reads.some((hash) => written.has(hash)) || writes.some((hash) => written.has(hash) || read.has(hash)))
    if (alone && chosen.length > 0) break
    if (!collides) chosen.push(entry)
    for (const hash of reads) read.add(hash)
    for (const hash of writes ?? []) written.add(hash)
    if (alone || chosen.length === batchMax) break
  }
  queue.splice(0, queue.length, ...queue.filter((entry) => !chosen.includes(entry)))
  return chosen
}
