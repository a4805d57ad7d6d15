/**
 * Taking turns, on a file system that has nothing but locks and syncs: what a batch shares, whom a failure or an
 * interruption concerns, and that nobody is forgotten, in whatever order things happen.
 */
import { StoreFailure } from "@snapshotter/core/SnapshotterError"
import {
  type Entry,
  FileSystemError,
  type HeldLock,
  noSyncFailures,
  type StoreFileSystem,
  type SyncTarget
} from "@snapshotter/core/StoreFileSystem"
import { Clock, Effect, Exit, Fiber, Scope } from "effect"
import { assert, describe, it } from "vitest"
import { simulateAll } from "../../../test/simulation.ts"
import { type Change, done, type Staged } from "../src/internal/change.ts"
import { makeTurns, type Turns, WaitsInterruptibly } from "../src/internal/turns.ts"

const seeds = 60
const lockTimeoutMillis = 1_000

interface Bench {
  readonly turns: Turns
  /** What happened, in order: `sync`, and what changes say of themselves. */
  readonly log: Array<string>
  readonly scope: Scope.Closeable
  /** The lock of some other process. */
  readonly other: Effect.Effect<HeldLock | undefined>
  readonly staging: Effect.Effect<HeldLock | undefined>
  readonly isLocked: () => boolean
  /** Decides what becomes of the next sync: its errno, or nothing. */
  syncFails: (nth: number) => string | undefined
  /** Whether the store bears the mark of what the disk may not have. */
  isMarked: boolean
  /** With which errno the mark cannot be seen, or be made. */
  lookFails: string | undefined
  markFails: string | undefined
  /** What becomes of a look at a lock first, by its path. */
  beforeLock: (path: string) => Effect.Effect<void, FileSystemError>
  /** What else a lock that is given back does, and a sync that fails. */
  releases: Effect.Effect<void>
  tells: Effect.Effect<void>
  /** Somebody else's sync fails. */
  readonly hear: (code: string) => void
}

const directory: Omit<Entry, "mode"> = {
  type: "directory",
  uid: 0,
  gid: 0,
  dev: 1n,
  ino: 1n,
  nlink: 2,
  blocks: 0,
  size: 0,
  rdev: 0n
}

const failed = (operation: string) => ({ code, path }: FileSystemError) =>
  new StoreFailure({ operation, path, code, call: "call" })

/** The failure with this errno, where there is one. */
const failing = (operation: string, code: string | undefined) =>
  code === undefined ? undefined : Effect.fail(new FileSystemError({ operation, path: "/", code }))

/** Another process's look at a lock is a call like ours. */
const locks = () => {
  const held = new Set<string>()
  const tryLock = (path: string) =>
    Effect.sync((): HeldLock | undefined => {
      if (held.has(path)) return undefined
      held.add(path)
      return { release: Effect.sync(() => held.delete(path)) }
    })
  return { held, tryLock }
}

const makeBench = Effect.gen(function*() {
  const log: Array<string> = []
  const { held, tryLock } = locks()
  const scope = yield* Scope.make()
  let syncs = 0
  let latest: FileSystemError | undefined
  const unused = (): Effect.Effect<never> => Effect.die(new Error("turns have no use for this"))
  const sync = (targets: ReadonlyArray<SyncTarget>) =>
    Effect.suspend(() => {
      const code = bench.syncFails(++syncs)
      log.push(`sync ${targets.map(({ path }) => path).join(" ")}${code === undefined ? "" : ` ${code}`}`)
      return failing("sync", code) ?? Effect.void
    })
  const fs: StoreFileSystem = {
    tryLock: (path) =>
      Effect.andThen(
        Effect.suspend(() => bench.beforeLock(path)),
        Effect.map(tryLock(path), (lock) =>
          lock && path === "root"
            ? {
              release: Effect.ensuring(
                lock.release,
                Effect.suspend(() => bench.releases)
              )
            }
            : lock)
      ),
    sync,
    realPath: unused,
    lstat: () =>
      Effect.suspend(() =>
        failing("lstat", bench.lookFails) ?? Effect.succeed({ ...directory, mode: bench.isMarked ? 0o1700 : 0o700 })
      ),
    readDirectory: unused,
    readFile: unused,
    readLink: unused,
    makeDirectory: unused,
    writeFile: unused,
    symlink: unused,
    setMode: (_, bits) =>
      Effect.suspend(() =>
        failing("setMode", bench.markFails) ?? Effect.sync(() => void (bench.isMarked = bits === 0o1700))
      ),
    exchange: unused,
    moveNoReplace: unused,
    removeFile: unused,
    removeTree: unused,
    copyDirectoryAttributes: unused,
    usage: unused,
    overlayXattrs: unused,
    fileSystemType: unused,
    syncFailures: noSyncFailures()
  }
  const turns = makeTurns({
    waitsForDisk: true,
    fs,
    root: "root",
    staging: "waiting room",
    lockTimeoutMillis,
    scope,
    failure: failed,
    syncFailed: (error) =>
      Effect.suspend(() => {
        latest = error
        log.push(`told of ${error.code}`)
        return bench.tells
      }),
    latestFailure: () => latest
  })
  const bench: Bench = {
    turns,
    log,
    scope,
    other: tryLock("root"),
    staging: tryLock("waiting room"),
    isLocked: () => held.has("root"),
    syncFails: () => undefined,
    isMarked: false,
    lookFails: undefined,
    markFails: undefined,
    beforeLock: () => Effect.void,
    releases: Effect.void,
    tells: Effect.void,
    hear: (code) => latest = new FileSystemError({ operation: "sync", path: "/", code })
  }
  return bench
})

/** Runs it with a bench of its own under many seeds; the lock must be free when it is done. */
const whatever = (name: string, test: (bench: Bench) => Effect.Effect<void, unknown, Scope.Scope>) =>
  it(name, () =>
    simulateAll(seeds, () =>
      Effect.scoped(Effect.gen(function*() {
        const bench = yield* makeBench
        yield* test(bench)
        // Whoever leads may have something to finish yet.
        yield* Effect.sleep(100)
        assert.isFalse(bench.isLocked(), "the lock is held although nobody does anything")
        yield* Scope.close(bench.scope, Exit.void)
      }))))

/** A change of one name that says what becomes of it. */
const change = (
  { log }: Bench,
  name: string,
  more: Partial<Staged<string>> & Partial<Pick<Change<string, StoreFailure>, "writes" | "reads">> = {}
): Change<string, StoreFailure> => ({
  operation: name,
  reads: more.reads ?? [],
  writes: "writes" in more ? more.writes : [name],
  notSynced: failed(`${name} not synced`),
  stage: (staging) =>
    Effect.sync(() => {
      log.push(`stage ${name}`)
      staging.undo(Effect.sync(() => log.push(`undo ${name}`)))
      staging.end(Effect.sync(() => log.push(`end ${name}`)))
      return {
        before: [{ kind: "file", path: `${name}-before` }],
        commit: Effect.sync(() => log.push(`commit ${name}`)),
        happened: Effect.succeed(false),
        after: [{ kind: "file", path: `${name}-after` }],
        settle: Effect.sync(() => log.push(`settle ${name}`)),
        result: name,
        ...more
      }
    })
})

/** The result, or the failure. */
const answerTo = <A, E>({ turns }: Bench, change: Change<A, E>) =>
  Effect.match(turns.take(change), { onFailure: (error) => error, onSuccess: (result) => result })

/** What becomes of each when they go through the lock as one batch: its result, or the operation that failed and its errno. */
const together = <E>(bench: Bench, changes: ReadonlyArray<Change<string, E>>) =>
  Effect.gen(function*() {
    const lock = yield* bench.other
    const fiber = yield* Effect.forkChild(all(changes.map((one) => answerTo(bench, one))))
    yield* Effect.sleep(10)
    yield* lock?.release ?? Effect.void
    const answers = yield* Fiber.join(fiber)
    return answers.map((answer) => answer instanceof StoreFailure ? `${answer.operation}: ${answer.code}` : answer)
  })

const all = <A, E>(effects: ReadonlyArray<Effect.Effect<A, E>>) => Effect.all(effects, { concurrency: "unbounded" })

const numbers = (count: number) => Array.from({ length: count }, (_, at) => at)

describe("nobody is forgotten", () => {
  it("each of many changes is made once and answered, and none is lost, in whatever order things happen", () =>
    simulateAll(300, (random) =>
      Effect.scoped(Effect.gen(function*() {
        const { scope, turns } = yield* makeBench
        const counters = new Map<string, number>()
        const increment = (name: string): Change<number, never> => ({
          operation: "increment",
          reads: [],
          writes: [name],
          notSynced: () => assert.fail("no sync fails here"),
          stage: () =>
            Effect.sync(() => {
              const next = (counters.get(name) ?? 0) + 1
              return {
                before: [],
                commit: Effect.sync(() => counters.set(name, next)),
                happened: Effect.succeed(false),
                after: [],
                settle: Effect.void,
                result: next
              }
            })
        })
        const fibers = 1 + random.below(8)
        const rounds = 1 + random.below(12)
        const names = 1 + random.below(3)
        const answers = yield* all(
          numbers(fibers).map((fiber) =>
            Effect.forEach(numbers(rounds), (round) => turns.take(increment(`name ${(fiber + round) % names}`)))
          )
        )
        const sum = [...counters.values()].reduce((so, count) => so + count, 0)
        assert.strictEqual(sum, fibers * rounds, "some changes were lost, so they shared a batch")
        assert.strictEqual(answers.flat().length, fibers * rounds)
        yield* Scope.close(scope, Exit.void)
      }))))

  it("whoever is interrupted, at any moment, has changed something or nothing, and the others go on", () =>
    simulateAll(300, (random) =>
      Effect.scoped(Effect.gen(function*() {
        const bench = yield* makeBench
        const pause = () => random.chance(0.3) ? Effect.sleep(random.below(4)) : Effect.void
        const otherProcess = Effect.forEach(numbers(random.below(4)), () =>
          Effect.gen(function*() {
            const lock = yield* bench.other
            yield* Effect.sleep(random.below(5))
            yield* lock?.release ?? Effect.void
            yield* Effect.sleep(random.below(5))
          }))
        yield* Effect.forkChild(otherProcess)
        const slow = (caller: number): Change<string, StoreFailure> => {
          const quick = change(bench, `${caller}`, { writes: [`name ${random.below(4)}`] })
          return {
            ...quick,
            stage: (staging) =>
              Effect.gen(function*() {
                const staged = yield* quick.stage(staging)
                yield* pause()
                let happened = false
                const commit = Effect.sync(() => {
                  happened = true
                  bench.log.push(`commit ${caller}`)
                })
                return {
                  ...staged,
                  commit: Effect.andThen(pause(), commit),
                  happened: Effect.sync(() => happened),
                  settle: Effect.andThen(pause(), staged.settle)
                }
              })
          }
        }
        const exits = yield* all(
          numbers(2 + random.below(8)).map((caller) =>
            Effect.gen(function*() {
              const doomed = random.chance(0.5)
              const fiber = yield* Effect.forkChild(bench.turns.take(slow(caller)))
              yield* Effect.sleep(random.below(12))
              if (doomed) yield* Fiber.interrupt(fiber)
              return { caller, doomed, exit: yield* Fiber.await(fiber) }
            })
          )
        )
        for (const { caller, doomed, exit } of exits) {
          const says = (what: string) => bench.log.filter((line) => line === `${what} ${caller}`).length
          if (!doomed) assert.isTrue(Exit.isSuccess(exit), `caller ${caller} was not interrupted`)
          assert.strictEqual(says("stage"), says("commit") + says("undo"), `caller ${caller}: ${bench.log.join(", ")}`)
          assert.strictEqual(says("end"), says("stage"))
          if (Exit.isSuccess(exit)) assert.strictEqual(says("commit"), 1)
        }
        yield* Effect.sleep(100)
        assert.isFalse(bench.isLocked(), "the lock is held although nobody does anything")
        assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
        yield* Scope.close(bench.scope, Exit.void)
      }))))

  it("whenever the store is closed, every caller has an answer then, and the lock is free", () =>
    simulateAll(3_000, (random) =>
      Effect.gen(function*() {
        const bench = yield* makeBench
        const lock = random.chance(0.5) ? yield* bench.other : undefined
        const callers = yield* Effect.forEach(
          numbers(4),
          (caller) => Effect.forkChild(bench.turns.take(change(bench, `${caller}`, { settle: Effect.sleep(1) })))
        )
        const pause = () => Effect.forEach(numbers(random.below(random.pick([5, 20, 100]) ?? 5)), () => Effect.yieldNow)
        yield* pause()
        yield* lock?.release ?? Effect.void
        yield* pause()
        yield* Scope.close(bench.scope, Exit.void)
        yield* bench.turns.close
        for (const caller of callers) yield* Fiber.await(caller)
        assert.isFalse(bench.isLocked(), `the lock is held although the store is closed: ${bench.log.join(", ")}`)
      })))

  whatever("when the store is closed, whoever still waits is interrupted", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const fibers = yield* Effect.forEach(numbers(3), (at) =>
        Effect.forkChild(Effect.exit(bench.turns.take(change(bench, `${at}`)))))
      yield* Effect.sleep(10)
      yield* bench.turns.close
      for (const exit of yield* Fiber.joinAll(fibers)) {
        assert.isTrue(Exit.hasInterrupts(exit))
      }
      yield* lock?.release ?? Effect.void
      assert.deepStrictEqual(bench.log, [])
    }))
})

describe("what a port fails with concerns everyone who waits, and nobody after that", () => {
  const changes = (bench: Bench) =>
    ["one", "other", "third"].map((name) => change(bench, name, { writes: [name === "third" ? "one" : name] }))

  whatever("a lock that cannot be taken", (bench) =>
    Effect.gen(function*() {
      bench.beforeLock = () => failing("tryLock", "EIO") ?? Effect.void
      assert.deepStrictEqual(yield* together(bench, changes(bench)), ["one: EIO", "other: EIO", "third: EIO"])
      bench.beforeLock = () => Effect.void
      assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
    }))

  const defects: Readonly<Record<string, (bench: Bench, defect: Effect.Effect<never>) => void>> = {
    "a lock that throws when it is taken": (bench, defect) => bench.beforeLock = () => defect,
    "a lock that throws when it is given back": (bench, defect) => bench.releases = defect,
    "a sync that throws": (bench, defect) => bench.syncFails = () => Effect.runSync(defect),
    "a sync of which nobody can be told": (bench, defect) => {
      bench.syncFails = () => "EIO"
      bench.tells = defect
    }
  }
  for (const [what, breaks] of Object.entries(defects)) {
    whatever(what, (bench) =>
      Effect.gen(function*() {
        const lock = yield* bench.other
        // So slow that the lock is given back before the last one has its turn.
        const slow = changes(bench).map((one) => ({ ...one, stage: withPause(one.stage) }))
        const fibers = yield* Effect.forEach(
          slow,
          (one) => Effect.tap(Effect.forkChild(Effect.exit(bench.turns.take(one))), Effect.sleep(1))
        )
        yield* Effect.sleep(10)
        breaks(bench, Effect.die(new Error("a defect")))
        yield* lock?.release ?? Effect.void
        const exits = yield* Fiber.joinAll(fibers)
        assert.isTrue(exits.every((exit) => Exit.isSuccess(exit) || Exit.hasDies(exit)))
        assert.isTrue(exits[2] !== undefined && Exit.hasDies(exits[2]), "the last one")
        breaks(bench, Effect.void as Effect.Effect<never>)
        Object.assign(bench, { syncFails: () => undefined, releases: Effect.void })
        bench.isMarked = false
        yield* Effect.sleep(lockTimeoutMillis)
        assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
      }))
  }

  const withPause = (stage: Change<string, StoreFailure>["stage"]): typeof stage => (staging) =>
    Effect.andThen(Effect.sleep(6), stage(staging))
})

describe("a batch", () => {
  whatever("shares two syncs, the first before all renames, the second after them", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const fiber = yield* Effect.forkChild(all(numbers(16).map((at) => bench.turns.take(change(bench, `${at}`)))))
      yield* Effect.sleep(10)
      yield* lock?.release ?? Effect.void
      yield* Fiber.join(fiber)
      const steps = bench.log.map((line) => line.split(" ")[0]).filter((step, at, steps) => step !== steps[at - 1])
      assert.deepStrictEqual(steps.slice(0, 4), ["stage", "sync", "commit", "sync"])
      assert.strictEqual(bench.log.filter((line) => line.startsWith("sync")).length, 2)
      assert.strictEqual(bench.log.filter((line) => line.startsWith("settle")).length, 16)
    }))

  whatever(
    "never holds two changes of one name, nor one that decides on what another changes, nor one of everything",
    (bench) =>
      Effect.gen(function*() {
        const lock = yield* bench.other
        const names: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string> | undefined]> = [
          ["writes a", [], ["a"]],
          ["writes a too", [], ["a"]],
          ["reads a", ["a"], ["b"]],
          ["reads a too", ["a"], ["c"]],
          ["everything", [], undefined],
          ["writes a and d", [], ["d", "a"]],
          ["reads b", ["b"], ["e"]],
          ["writes b", [], ["b", "f"]],
          ["writes f, after that", [], ["f"]]
        ]
        const fibers = yield* Effect.forEach(names, ([name, reads, writes]) =>
          Effect.andThen(
            Effect.forkChild(bench.turns.take(change(bench, name, { reads, writes })), { startImmediately: true }),
            (fiber) => Effect.as(Effect.sleep(1), fiber)
          ))
        yield* lock?.release ?? Effect.void
        yield* Fiber.joinAll(fibers)
        const batches = bench.log.join("\n").split(/(?<=sync .*-after\n)/).map((batch) =>
          [...batch.matchAll(/^commit (.*)$/gm)].map(([, name]) => name)
        ).filter((batch) => batch.length > 0)
        assert.deepStrictEqual(batches, [
          ["writes a"],
          ["writes a too"],
          ["reads a", "reads a too"],
          ["everything"],
          ["writes a and d", "reads b"],
          ["writes b"],
          ["writes f, after that"]
        ])
      })
  )

  whatever("holds one of several names only where none of them is another's", (bench) =>
    Effect.gen(function*() {
      const changes = [change(bench, "one", { writes: ["a"] }), change(bench, "other", { writes: ["b", "a"] })]
      yield* together(bench, changes)
      assert.strictEqual(bench.log.filter((line) => line.startsWith("sync")).length, 4)
    }))

  whatever("holds 64 changes at most", (bench) =>
    Effect.gen(function*() {
      yield* together(bench, numbers(65).map((at) => change(bench, `${at}`)))
      const sizes = bench.log.filter((line) => /^sync .*-before/.test(line)).map((line) => line.split(" ").length - 1)
      assert.deepStrictEqual(sizes, [64, 1])
    }))

  whatever("of which one cannot be staged goes on with the others", (bench) =>
    Effect.gen(function*() {
      const bad: Change<string, string> = {
        ...change(bench, "bad"),
        notSynced: () => "not synced",
        stage: (staging) =>
          Effect.suspend(() => {
            for (const step of ["first", "second"]) staging.undo(Effect.sync(() => bench.log.push(`undo ${step}`)))
            return Effect.fail("refused")
          })
      }
      const lock = yield* bench.other
      const fiber = yield* Effect.forkChild(all([
        Effect.exit(bench.turns.take(bad)),
        Effect.exit(bench.turns.take(change(bench, "good")))
      ]))
      yield* Effect.sleep(10)
      yield* lock?.release ?? Effect.void
      const exits = yield* Fiber.join(fiber)
      assert.deepStrictEqual(exits, [Exit.fail("refused"), Exit.succeed("good")])
      assert.deepStrictEqual(bench.log.filter((line) => line.startsWith("undo")), ["undo second", "undo first"])
    }))

  whatever("whose first sync fails is taken back, but for what asked for no sync", (bench) =>
    Effect.gen(function*() {
      bench.syncFails = (nth) => nth === 1 ? "EIO" : undefined
      const lock = yield* bench.other
      const changes = [change(bench, "one"), change(bench, "other"), change(bench, "unsynced", { before: [] })]
      const fiber = yield* Effect.forkChild(all(changes.map((one) => answerTo(bench, one))))
      yield* Effect.sleep(10)
      yield* lock?.release ?? Effect.void
      const answers = yield* Fiber.join(fiber)
      const operations = answers.map((answer) => answer instanceof StoreFailure ? answer.operation : answer)
      assert.deepStrictEqual(operations, ["one not synced", "other not synced", "unsynced"])
      for (const name of ["one", "other"]) {
        assert.include(bench.log, `undo ${name}`)
        assert.include(bench.log, `end ${name}`)
        assert.notInclude(bench.log, `commit ${name}`)
      }
      assert.notInclude(bench.log, "undo unsynced")
      assert.strictEqual(bench.log.filter((line) => line === "told of EIO").length, 1)
    }))

  whatever(
    "whose last sync fails has happened: it is NotDurable, not taken back, and nothing is destroyed",
    (bench) =>
      Effect.gen(function*() {
        bench.syncFails = (nth) => nth === 2 ? "EIO" : undefined
        const error = yield* Effect.flip(bench.turns.take(change(bench, "one")))
        assert.strictEqual(error._tag, "NotDurable")
        assert.deepStrictEqual(bench.log, [
          "stage one",
          "sync one-before",
          "commit one",
          "sync one-after EIO",
          "told of EIO",
          "end one"
        ])
      })
  )

  whatever("whose rename fails is taken back, unless it has happened all the same", (bench) =>
    Effect.gen(function*() {
      const commit = Effect.fail(new FileSystemError({ operation: "moveNoReplace", path: "/", code: "EIO" }))
      const error = yield* Effect.flip(bench.turns.take(change(bench, "not", { commit })))
      assert.strictEqual(error._tag, "StoreFailure")
      assert.include(bench.log, "undo not")
      const result = yield* bench.turns.take(change(bench, "yes", { commit, happened: Effect.succeed(true) }))
      assert.strictEqual(result, "yes")
      assert.notInclude(bench.log, "undo yes")
      assert.include(bench.log, "settle yes")
      assert.notInclude(bench.log, "settle not")
    }))

  whatever("whose last sync fails has no less of what asked for none", (bench) =>
    Effect.gen(function*() {
      bench.syncFails = (nth) => nth === 2 ? "EIO" : undefined
      const changes = [change(bench, "one"), change(bench, "unsynced", { before: [], after: [] })]
      const [one, unsynced] = yield* together(bench, changes)
      assert.deepInclude(one, { _tag: "NotDurable", operation: "one", code: "EIO" })
      assert.strictEqual(unsynced, "unsynced")
      assert.include(bench.log, "settle unsynced")
      assert.notInclude(bench.log, "settle one")
    }))

  whatever(
    "during which somebody else's sync fails is taken back, but for what asked for no sync",
    (bench) =>
      Effect.gen(function*() {
        bench.syncFails = (nth) => {
          if (nth === 1) bench.hear("EIO")
          return undefined
        }
        const answers = yield* together(bench, [change(bench, "one"), change(bench, "unsynced", { before: [] })])
        assert.deepStrictEqual(answers, ["one not synced: EIO", "unsynced"])
        assert.notInclude(bench.log, "commit one")
        assert.include(bench.log, "undo one")
        assert.notInclude(bench.log, "undo unsynced")
        // What failed before it began is nothing to it.
        assert.deepStrictEqual(yield* together(bench, [change(bench, "next")]), ["next"])
      })
  )

  whatever("that asks for no sync gets none", (bench) =>
    Effect.gen(function*() {
      yield* bench.turns.take(change(bench, "one", { before: [], after: [] }))
      assert.deepStrictEqual(bench.log, ["stage one", "commit one", "settle one", "end one"])
    }))
})

describe("the mark of what the disk may not have", () => {
  const unsynced = { before: [], after: [] }

  whatever(
    "is there from before the renames until they are on disk, of who waits for that",
    (bench) =>
      Effect.gen(function*() {
        const seen: Array<string> = []
        const see = (when: string) => Effect.sync(() => void seen.push(`${when}: ${bench.isMarked}`))
        bench.syncFails = (nth) => void seen.push(`sync ${nth}: ${bench.isMarked}`)
        yield* together(bench, [
          change(bench, "one", { commit: see("commit"), settle: see("settle") }),
          change(bench, "other", unsynced)
        ])
        assert.deepStrictEqual(seen, ["sync 1: false", "commit: true", "sync 2: true", "settle: false"])
        yield* bench.turns.take(change(bench, "next", { ...unsynced, commit: see("unsynced") }))
        assert.strictEqual(seen.at(-1), "unsynced: false")
      })
  )

  whatever(
    "stays where it cannot be told whether a rename happened, and that is not taken back",
    (bench) =>
      Effect.gen(function*() {
        const unknown = new FileSystemError({ operation: "moveNoReplace", path: "/", code: "EIO" })
        const answers = yield* together(bench, [
          change(bench, "unknown", { commit: Effect.fail(unknown), happened: Effect.fail(unknown) }),
          change(bench, "known")
        ])
        assert.deepStrictEqual(answers, ["unknown: EIO", "known"])
        assert.isTrue(bench.isMarked)
        assert.include(bench.log, "end unknown")
        assert.notInclude(bench.log, "undo unknown")
        assert.notInclude(bench.log, "settle unknown")
      })
  )

  whatever(
    "has the disk waited for before anything else, and nothing is done until that succeeds",
    (bench) =>
      Effect.gen(function*() {
        bench.isMarked = true
        bench.syncFails = () => "EIO"
        // Of one name, so that they go one after another.
        const changes = ["one", "other"].map((name) => change(bench, name, { writes: ["name"] }))
        assert.deepStrictEqual(yield* together(bench, changes), ["one: EIO", "other: EIO"])
        assert.deepStrictEqual(bench.log, ["sync root EIO", "told of EIO", "sync root EIO", "told of EIO"])
        bench.log.length = 0
        bench.syncFails = () => undefined
        assert.deepStrictEqual(yield* together(bench, [change(bench, "next", unsynced)]), ["next"])
        assert.deepStrictEqual(bench.log, ["sync root", "stage next", "commit next", "settle next", "end next"])
        assert.isFalse(bench.isMarked)
      })
  )

  whatever("where it cannot be looked for, nothing is done", (bench) =>
    Effect.gen(function*() {
      bench.lookFails = "EIO"
      assert.deepStrictEqual(yield* together(bench, [change(bench, "one")]), ["one: EIO"])
      assert.deepStrictEqual(bench.log, [])
    }))

  whatever("where it cannot be made, nothing is done that is waited for", (bench) =>
    Effect.gen(function*() {
      bench.markFails = "EROFS"
      const changes = [change(bench, "one"), change(bench, "unsynced", { after: [] })]
      assert.deepStrictEqual(yield* together(bench, changes), ["one: EROFS", "unsynced"])
      assert.include(bench.log, "undo one")
      assert.notInclude(bench.log, "commit one")
      assert.notInclude(bench.log, "undo unsynced")
    }))
})

describe("interruption", () => {
  whatever("of whoever waits for the lock is over at once, and nothing has begun", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const fibers = yield* Effect.forEach(
        numbers(3),
        (at) => Effect.forkChild(bench.turns.take(change(bench, `${at}`)))
      )
      yield* Effect.sleep(10)
      const before = yield* Effect.clockWith((clock) => clock.currentTimeMillis)
      yield* Fiber.interruptAll(fibers)
      assert.strictEqual(yield* Effect.clockWith((clock) => clock.currentTimeMillis), before, "it took time")
      // Nobody wants the lock any more, so nobody waits for it.
      yield* Effect.sleep(10)
      const waiting = yield* bench.staging
      assert.isDefined(waiting)
      yield* waiting?.release ?? Effect.void
      yield* lock?.release ?? Effect.void
      assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
      assert.deepStrictEqual(bench.log.filter((line) => line.startsWith("stage")), ["stage next"])
    }))

  whatever("of one of several in a batch takes back that one alone", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const latch = { release: () => {} }
      const wait = Effect.callback<void>((resume) => {
        latch.release = () => resume(Effect.void)
      })
      const slow = {
        ...change(bench, "slow"),
        stage: () => Effect.andThen(wait, Effect.sync(() => done("slow")))
      }
      const one = yield* Effect.forkChild(bench.turns.take(change(bench, "one")), { startImmediately: true })
      yield* Effect.sleep(1)
      const two = yield* Effect.forkChild(bench.turns.take(slow), { startImmediately: true })
      yield* lock?.release ?? Effect.void
      yield* Effect.sleep(10)
      assert.deepStrictEqual(bench.log, ["stage one"])
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(one))
      yield* Effect.sleep(10)
      latch.release()
      yield* Fiber.join(interrupting)
      assert.strictEqual(yield* Fiber.join(two), "slow")
      assert.include(bench.log, "undo one")
      assert.notInclude(bench.log, "commit one")
    }))

  whatever("of all of a batch takes it back at once, whatever it hangs in", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const hanging = { ...change(bench, "two"), stage: () => Effect.never }
      const fibers = yield* Effect.forEach([change(bench, "one"), hanging], (one) =>
        Effect.andThen(
          Effect.forkChild(bench.turns.take(one), { startImmediately: true }),
          (fiber) => Effect.as(Effect.sleep(1), fiber)
        ))
      yield* lock?.release ?? Effect.void
      yield* Effect.sleep(10)
      assert.deepStrictEqual(bench.log, ["stage one"])
      yield* Fiber.interruptAll(fibers)
      assert.deepStrictEqual(bench.log, ["stage one", "undo one", "end one"])
      assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
    }))

  whatever("of all of a batch is none of those who come after it", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const hanging = { ...change(bench, "hangs"), stage: () => Effect.never }
      const first = yield* Effect.forkChild(bench.turns.take(hanging), { startImmediately: true })
      yield* Effect.sleep(1)
      const after = yield* Effect.forkChild(bench.turns.take(change(bench, "after", { writes: ["hangs"] })))
      yield* lock?.release ?? Effect.void
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Fiber.join(after), "after")
    }))

  whatever("of one that is being taken back is none of those who come after it", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const failing: Change<string, string> = {
        ...change(bench, "fails"),
        notSynced: () => "not synced",
        stage: (staging) =>
          Effect.suspend(() => {
            staging.undo(Effect.sleep(20))
            return Effect.fail("refused")
          })
      }
      const first = yield* Effect.forkChild(bench.turns.take(failing), { startImmediately: true })
      yield* Effect.sleep(1)
      const after = yield* Effect.forkChild(bench.turns.take(change(bench, "after", { writes: ["fails"] })))
      yield* lock?.release ?? Effect.void
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(first)
      assert.strictEqual(yield* Fiber.join(after), "after")
    }))

  whatever(
    "of who waits interruptibly where he may not be interrupted answers with what has happened all the same",
    (bench) =>
      Effect.gen(function*() {
        const staged = { before: [], after: [], commit: Effect.never, happened: Effect.succeed(true) }
        let answer: Exit.Exit<string, unknown> | undefined
        const taking = Effect.map(Effect.exit(bench.turns.take(change(bench, "one", staged))), (exit) => answer = exit)
        const fiber = yield* Effect.forkChild(
          Effect.provideService(Effect.uninterruptible(taking), WaitsInterruptibly, true)
        )
        yield* Effect.sleep(10)
        yield* Fiber.interrupt(fiber)
        assert.deepStrictEqual(answer, Exit.succeed("one"))
      })
  )

  whatever("of who may not be interrupted comes after it", (bench) =>
    Effect.gen(function*() {
      const lock = yield* bench.other
      const fiber = yield* Effect.forkChild(Effect.uninterruptible(bench.turns.take(change(bench, "one"))))
      yield* Effect.sleep(10)
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(fiber))
      yield* Effect.sleep(10)
      yield* lock?.release ?? Effect.void
      yield* Fiber.join(interrupting)
      assert.include(bench.log, "commit one")
    }))

  whatever("after the rename undoes nothing", (bench) =>
    Effect.gen(function*() {
      const hanging = change(bench, "one", { settle: Effect.never })
      const fiber = yield* Effect.forkChild(bench.turns.take(hanging), { startImmediately: true })
      yield* Effect.sleep(10)
      yield* Fiber.interrupt(fiber)
      assert.include(bench.log, "commit one")
      assert.notInclude(bench.log, "undo one")
      assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
    }))
})

describe("between processes", () => {
  whatever(
    "whoever waits longer than the time limit gets LockTimeout, and nothing has begun",
    (bench) =>
      Effect.gen(function*() {
        const lock = yield* bench.other
        const clock = yield* Effect.clockWith((clock) => Effect.succeed(clock))
        const before = clock.currentTimeMillisUnsafe()
        const errors = yield* all(numbers(3).map((at) => Effect.flip(bench.turns.take(change(bench, `${at}`)))))
        const waited = clock.currentTimeMillisUnsafe() - before
        for (const error of errors) assert.strictEqual(error._tag, "LockTimeout")
        assert.isAtLeast(waited, lockTimeoutMillis)
        assert.isAtMost(waited, lockTimeoutMillis + 10)
        yield* lock?.release ?? Effect.void
        assert.strictEqual(yield* bench.turns.take(change(bench, "next")), "next")
        assert.deepStrictEqual(bench.log.filter((line) => line.startsWith("stage")), ["stage next"])
      })
  )

  whatever(
    "whoever waits for the lock holds the waiting room's meanwhile, so that the holder sees it",
    (bench) =>
      Effect.gen(function*() {
        const lock = yield* bench.other
        const fiber = yield* Effect.forkChild(bench.turns.take(change(bench, "one")))
        yield* Effect.sleep(10)
        assert.isUndefined(yield* bench.staging)
        yield* lock?.release ?? Effect.void
        yield* Fiber.join(fiber)
        yield* Effect.sleep(10)
        const waiting = yield* bench.staging
        assert.isDefined(waiting)
        yield* waiting?.release ?? Effect.void
      })
  )

  whatever(
    "whoever holds the lock keeps it for quick changes, and loses no time where nobody waits",
    (bench) =>
      Effect.gen(function*() {
        let taken = 0
        bench.beforeLock = (path) => Effect.sync(() => void (path === "root" && !bench.isLocked() && taken++))
        const ofOneName = (count: number, commit: Effect.Effect<void>) =>
          numbers(count).map((at) => change(bench, `${at}`, { writes: ["name"], before: [], after: [], commit }))
        yield* together(bench, ofOneName(10, Effect.void))
        assert.strictEqual(taken, 1)
        const before = yield* Clock.currentTimeMillis
        yield* all(ofOneName(6, Effect.sleep(4)).map((one) => bench.turns.take(one)))
        assert.strictEqual((yield* Clock.currentTimeMillis) - before, 24)
      })
  )

  whatever("that another process waits may be unknown: nobody steps back for it", (bench) =>
    Effect.gen(function*() {
      bench.beforeLock = (path) => path === "root" ? Effect.void : failing("tryLock", "EIO") ?? Effect.void
      const before = yield* Clock.currentTimeMillis
      const slow = numbers(6).map((at) =>
        change(bench, `${at}`, { writes: ["name"], before: [], after: [], commit: Effect.sleep(4) })
      )
      yield* all(slow.map((one) => bench.turns.take(one)))
      assert.strictEqual((yield* Clock.currentTimeMillis) - before, 24)
    }))

  whatever(
    "a change of this process that never ends makes others wait no longer than the time limit",
    (bench) =>
      Effect.gen(function*() {
        const hanging = { ...change(bench, "hangs"), stage: () => Effect.never }
        const fiber = yield* Effect.forkChild(bench.turns.take(hanging), { startImmediately: true })
        yield* Effect.sleep(10)
        const error = yield* Effect.flip(bench.turns.take(change(bench, "waits")))
        assert.strictEqual(error._tag, "LockTimeout")
        yield* Fiber.interrupt(fiber)
      })
  )

  whatever("whoever holds the lock for long steps back, if another process waits", (bench) =>
    Effect.gen(function*() {
      const waiting = yield* bench.staging
      let others = 0
      const slow = (name: string) => change(bench, name, { commit: Effect.sleep(4), before: [], after: [] })
      const working = yield* Effect.forkChild(all(numbers(12).map((at) => bench.turns.take(slow(`${at % 4}`)))))
      // Another process, which looks every millisecond.
      for (let looks = 0; looks < 200 && others === 0; looks++) {
        yield* Effect.sleep(1)
        const lock = yield* bench.other
        if (lock === undefined || working.pollUnsafe() !== undefined) continue
        others++
        yield* lock.release
      }
      yield* waiting?.release ?? Effect.void
      yield* Fiber.join(working)
      assert.isAbove(others, 0, "the other process had no turn before all was done")
    }))
})
