/**
 * Running changes side by side under one hold of the lock, with one sync before their commit points and one after them:
 *
 * 1. `stage` each: decide, and put everything in place that does not count yet;
 * 2. one sync for all that must be on disk before;
 * 3. `commit` each: the one call that makes it happen;
 * 4. one sync for all that must be on disk after; then `settle` each: what only permits what is on disk.
 *
 * Whatever goes wrong before a change's own commit point is undone, and nothing has happened. Whatever goes wrong after it
 * does not undo it.
 */
import { Cause, type Context, Deferred, Effect, Exit } from "effect"
import { NotDurable, type ReadOnlyStore, type StoreFailure } from "../SnapshotterError.ts"
import type { FileSystemError, StoreFileSystem, SyncTarget } from "../StoreFileSystem.ts"
import type { Change, Staged } from "./change.ts"
import { isMarked, mark, unmark } from "./mark.ts"

/** A change that somebody waits for. */
export interface Entry {
  readonly change: Change<unknown, unknown>
  readonly done: Deferred.Deferred<unknown, unknown>
  /** Of the fiber that asked: whoever leads, clock, spans and log levels are its. */
  readonly context: Context.Context<never>
  /** By the clock that never jumps, in milliseconds. */
  readonly deadline: number
  readonly undos: Array<Effect.Effect<void>>
  readonly ends: Array<Effect.Effect<void>>
  state: "waiting" | "running" | "abandoned"
}

interface Running {
  readonly entry: Entry
  readonly staged: Staged<unknown>
}

export interface BatchOptions {
  readonly fs: StoreFileSystem
  readonly root: string
  /** The directory that bears the store's mark. */
  readonly staging: string
  readonly failure: (operation: string) => (error: FileSystemError) => StoreFailure | ReadOnlyStore
  /** Called once for every failed sync, before anyone is told. */
  readonly syncFailed: (error: FileSystemError) => Effect.Effect<void>
  /** The failed sync that was told last, whoever asked for it. */
  readonly latestFailure: () => FileSystemError | undefined
}

/** Makes what may be interrupted so, where nothing else may. */
export type Restore = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<A, E>
type Attempt = <A, E>(effect: Effect.Effect<A, E>) => Effect.Effect<Exit.Exit<A, E>>

export const wasInterrupted = (exit: Exit.Exit<unknown, unknown>): boolean =>
  Exit.isFailure(exit) && Cause.hasInterrupts(exit.cause)

/**
 * Runs batches. It answers `false` when it was interrupted meanwhile; the batch is then taken back as far as it has not
 * happened.
 */
export const batchRunner = (options: BatchOptions) => {
  const { fs, staging } = options

  return (restore: Restore, entries: ReadonlyArray<Entry>) =>
    Effect.gen(function*() {
      let interrupted = false
      const attempt = <A, E>(effect: Effect.Effect<A, E>) =>
        Effect.map(Effect.exit(restore(effect)), (exit) => {
          interrupted ||= wasInterrupted(exit)
          return exit
        })
      const caughtUp = entries.every(({ change }) => change.changesNothing) ? Exit.void : yield* catchUp(attempt)
      if (Exit.isFailure(caughtUp)) {
        for (const entry of entries) yield* takeBack(entry, refusal(entry, caughtUp.cause))
        yield* attempt(Effect.void)
        return !interrupted
      }
      const failureBefore = options.latestFailure()
      const begun: Array<Running> = []
      for (const entry of entries) {
        const exit = yield* attempt(stageOf(entry))
        if (Exit.isSuccess(exit)) begun.push({ entry, staged: exit.value })
        else yield* takeBack(entry, exit.cause)
      }
      const ready = yield* unlessFailed(failureBefore, yield* marked(attempt, yield* syncBefore(attempt, begun)))
      const failureMeanwhile = options.latestFailure()
      const happened: Array<Running> = []
      let isKnown = true
      for (const one of ready) {
        const has = yield* commit(attempt, one)
        if (has === true) happened.push(one)
        isKnown &&= has !== "unknown"
      }
      yield* syncAfter(attempt, happened, isKnown && ready.some(isWaitedFor), failureMeanwhile)
      // Whoever was interrupted while nothing could be is noticed here, and not in the next batch, which is others'.
      yield* attempt(Effect.void)
      return !interrupted
    })

  /** What others have left unsynced comes first. */
  function catchUp(attempt: Attempt) {
    return Effect.gen(function*() {
      const found = yield* attempt(isMarked(fs, staging))
      if (Exit.isFailure(found)) return found
      if (!found.value) return Exit.void
      const exit = yield* syncAll(attempt, [{ kind: "tree", path: options.root }])
      if (Exit.isSuccess(exit)) yield* attempt(unmark(fs, staging))
      return exit
    })
  }

  /** Those that may happen now. */
  function syncBefore(attempt: Attempt, staged: ReadonlyArray<Running>) {
    return Effect.gen(function*() {
      const exit = yield* syncAll(attempt, staged.flatMap((one) => one.staged.before))
      const ready: Array<Running> = []
      for (const one of staged) {
        if (one.entry.state === "abandoned") yield* takeBack(one.entry, Cause.interrupt())
        else if (Exit.isFailure(exit) && (hasWaited(one) || Cause.hasInterrupts(exit.cause))) {
          yield* takeBack(one.entry, Cause.map(exit.cause, one.entry.change.notSynced))
        } else ready.push(one)
      }
      return ready
    })
  }

  /** Marks the store where one of them is to be waited for. Those that may happen still. */
  function marked(attempt: Attempt, ready: ReadonlyArray<Running>) {
    return Effect.gen(function*() {
      if (!ready.some(isWaitedFor)) return ready
      const exit = yield* attempt(mark(fs, staging))
      if (Exit.isSuccess(exit)) return ready
      for (const { entry } of ready.filter(isWaitedFor)) yield* takeBack(entry, refusal(entry, exit.cause))
      return ready.filter((one) => !isWaitedFor(one))
    })
  }

  /** A sync that has failed for somebody else meanwhile may have been of what these have waited for as well. */
  function unlessFailed(before: FileSystemError | undefined, ready: ReadonlyArray<Running>) {
    return Effect.gen(function*() {
      const failure = options.latestFailure()
      if (failure === undefined || failure === before) return ready
      for (const { entry } of ready.filter(hasWaited)) {
        yield* takeBack(entry, Cause.fail(entry.change.notSynced(failure)))
      }
      return ready.filter((one) => !hasWaited(one))
    })
  }

  /** Passes its commit point. Whether it happened is looked up when the call does not say. */
  function commit(attempt: Attempt, one: Running) {
    return Effect.gen(function*(): Effect.fn.Return<boolean | "unknown"> {
      const exit = yield* attempt(askedBy(one.entry, one.staged.commit))
      if (Exit.isSuccess(exit)) return true
      const happened = yield* Effect.exit(one.staged.happened)
      if (Exit.isSuccess(happened) && happened.value === true) return true
      const cause = refusal(one.entry, exit.cause)
      // Where it cannot be told, nothing is undone: what is left over is reclaimable, a live snapshot without its link is not.
      const hasNot = Exit.isSuccess(happened) && happened.value === false
      yield* hasNot ? takeBack(one.entry, cause) : finish(one.entry, Exit.failCause(cause))
      return hasNot ? false : "unknown"
    })
  }

  /**
   * `isAll`: nothing of what the mark is for is left when these are on disk. Where another's sync has failed since `before`, it
   * may have been what was done here that was lost.
   */
  function syncAfter(
    attempt: Attempt,
    happened: ReadonlyArray<Running>,
    isAll: boolean,
    before: FileSystemError | undefined
  ) {
    return Effect.gen(function*() {
      const synced = yield* syncAll(attempt, happened.flatMap((one) => one.staged.after))
      const failure = options.latestFailure()
      const exit = Exit.isSuccess(synced) && failure !== undefined && failure !== before ? Exit.fail(failure) : synced
      if (Exit.isSuccess(exit) && isAll) yield* attempt(unmark(fs, staging))
      for (const one of happened) {
        const { entry, staged } = one
        const failed = Exit.isFailure(exit) && isWaitedFor(one)
        if (!failed) yield* attempt(askedBy(entry, staged.settle))
        yield* finish(
          entry,
          failed
            ? Exit.failCause(Cause.map(exit.cause, notDurable(entry.change.operation)))
            : Exit.succeed(staged.result)
        )
      }
    })
  }

  function refusal(entry: Entry, cause: Cause.Cause<FileSystemError>) {
    return Cause.map(cause, options.failure(entry.change.operation))
  }

  function syncAll(attempt: Attempt, targets: ReadonlyArray<SyncTarget>) {
    if (targets.length === 0) return Effect.succeed(Exit.void)
    return Effect.tap(attempt(fs.sync(targets)), (exit) =>
      Exit.isSuccess(exit)
        ? Effect.void
        : Effect.forEach(exit.cause.reasons.filter(Cause.isFailReason), (reason) => options.syncFailed(reason.error)))
  }
}

const hasWaited = ({ staged }: Running): boolean => staged.before.length > 0

const isWaitedFor = ({ staged }: Running): boolean => staged.after.length > 0

const stageOf = (entry: Entry) => {
  const staged = entry.change.stage({
    undo: (effect) => entry.undos.push(effect),
    end: (effect) => entry.ends.push(effect)
  })
  return askedBy(entry, staged)
}

/** As the fiber that asked would do it; mostly it is the one that made the leader, and has the same context. */
const askedBy = <A, E>(entry: Entry, effect: Effect.Effect<A, E>): Effect.Effect<A, E> =>
  Effect.updateContext(effect, () => entry.context)

const notDurable = (operation: string) => (error: FileSystemError) =>
  new NotDurable({ operation, path: error.path, code: error.code })

const takeBack = (entry: Entry, cause: Cause.Cause<unknown>) =>
  Effect.andThen(
    Effect.forEach(entry.undos.splice(0).reverse(), quietly, { discard: true }),
    finish(entry, Exit.failCause(cause))
  )

/** Answers whoever asked. */
export const finish = (entry: Entry, exit: Exit.Exit<unknown, unknown>) =>
  Effect.andThen(
    Effect.forEach(entry.ends.splice(0).reverse(), quietly, { discard: true }),
    Deferred.done(entry.done, exit)
  )

const quietly = (effect: Effect.Effect<void>) => Effect.asVoid(Effect.exit(effect))
