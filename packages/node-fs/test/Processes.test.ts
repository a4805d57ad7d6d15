/**
 * P5 between real processes, which share one store and nothing else: who wants the same gets it once, what was acknowledged
 * is there, and nobody waits for a process that is dead. And what a process gives back of what it took of the machine.
 *
 * Nothing here depends on time: processes begin when a pipe tells them, and what is judged is what they answered.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Context, Effect, Exit, Fiber, Layer, type Scope, Stream } from "effect"
import { execFileSync } from "node:child_process"
import * as fs from "node:fs"
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { unmountAllBelow } from "./kill/unmountAll.ts"
import { freshDirectory, isRoot } from "./place.ts"
import type { Claim, Tally, Wish } from "./programs/clerk.ts"
import { type Clerk, hire } from "./programs/hire.ts"

const processes = 4

interface Bench {
  readonly directory: string
  readonly options: SnapshotterOptions
  /** The store, as this process has it. */
  readonly store: Snapshotter
  readonly mounter: Mounter
  readonly open: (changes?: Partial<SnapshotterOptions>) => Effect.Effect<Snapshotter, never, Scope.Scope>
}

const makeBench = Effect.gen(function*() {
  const directory = yield* freshDirectory
  const options = { root: path.join(directory, "store"), durability: "process" } as const
  const open: Bench["open"] = (changes = {}) =>
    Effect.orDie(
      Effect.map(
        Layer.build(Layer.fresh(NodeSnapshotter.layer({ ...options, ...changes }))),
        (all) => Context.get(all, Snapshotter)
      )
    )
  const bench: Bench = { directory, options, open, store: yield* open(), mounter: yield* Mounter }
  return bench
})

/** A case leaves no damage: that is looked at after each. */
const shared = <E>(text: string, test: (bench: Bench) => Effect.Effect<void, E, Scope.Scope | StoreFileSystem>) =>
  it(text, () =>
    Effect.runPromise(
      Effect.scoped(Effect.gen(function*() {
        const bench = yield* makeBench
        yield* Effect.scoped(test(bench))
        unmountAllBelow(bench.directory)
        yield* isWhole(yield* bench.open())
      })).pipe(Effect.provide(NodeSnapshotter.layerMachine, { local: true }))
    ))

/** `suspects`: where syncs were made to fail, contents may be suspect, and stay so. */
const isWhole = Effect.fnUntraced(function*(store: Snapshotter, { suspects = false } = {}) {
  const but = (...severities: ReadonlyArray<string>) =>
    Effect.map(
      store.check,
      (found) => found.filter(({ severity }) => !severities.includes(severity) && !(suspects && severity === "suspect"))
    )
  assert.deepStrictEqual(yield* but("reclaimable"), [])
  assert.deepStrictEqual((yield* store.cleanup).unremoved, [])
  assert.deepStrictEqual(yield* but(), [], "left after cleanup")
})

const hireAll = (bench: Bench, changes: Partial<SnapshotterOptions> = {}) =>
  Effect.all(Array.from({ length: processes }, () => hire({ ...bench.options, ...changes })), {
    concurrency: "unbounded"
  })

const sumOf = (tallies: ReadonlyArray<Tally>): Tally => {
  const sum: Record<string, number> = {}
  for (const tally of tallies) for (const [what, count] of Object.entries(tally)) sum[what] = (sum[what] ?? 0) + count
  return sum
}

/** Everybody at once, each with its own wishes. */
const atOnce = (clerks: ReadonlyArray<Clerk>, wishesOf: (at: number) => ReadonlyArray<Wish>) =>
  Effect.map(
    Effect.all(clerks.map((clerk, at) => clerk.ask({ do: "all", wishes: wishesOf(at) })), { concurrency: "unbounded" }),
    sumOf
  )

/** A snapshot and all below it. */
const chainOf = (claims: ReadonlyArray<Claim>, claim: Claim): ReadonlyArray<Claim> => {
  const parent = claims.find(({ name }) => name === claim.parent)
  return parent === undefined ? [claim] : [claim, ...chainOf(claims, parent)]
}

/** All of them say that they are done, or what hinders. */
const allDone = (tally: Tally) => assert.deepStrictEqual(Object.keys(tally), ["done"])

// ============================================================ the same, at once

describe.runIf(judgement("processes", isRoot ? undefined : "mounting needs root, or a user namespace"))(
  "processes that share a store",
  () => {
    const fibers = 25
    const rounds = 20
    const crowd = <A>(one: A): ReadonlyArray<A> => Array.from({ length: fibers }, () => one)
    const others = processes * fibers - 1

    shared(
      `F65: ${processes} processes of ${fibers} fibers want the same, ${rounds} times: one gets it, the others are told why not`,
      (bench) =>
        Effect.gen(function*() {
          const clerks = yield* hireAll(bench)
          for (let round = 0; round < rounds; round++) {
            const [key, name] = [`key ${round}`, `name ${round}`]
            const prepared = yield* atOnce(clerks, () => crowd({ op: "prepare", key }))
            assert.deepStrictEqual(prepared, { done: 1, KeyTaken: others })
            const committed = yield* atOnce(clerks, () => crowd({ op: "commit", name, key }))
            assert.deepStrictEqual(committed, { done: 1, SnapshotNotFound: others })
            const removed = yield* atOnce(clerks, () => crowd({ op: "remove", name }))
            assert.deepStrictEqual(removed, { done: 1, SnapshotNotFound: others })
          }
        })
    )

    shared(
      `F65: ${processes} processes of ${fibers} fibers commit each its own under one name, ${rounds} times`,
      (bench) =>
        Effect.gen(function*() {
          const clerks = yield* hireAll(bench)
          const keysOf = (at: number) => Array.from({ length: fibers }, (_, fiber) => `${at} ${fiber}`)
          allDone(yield* atOnce(clerks, (at) => keysOf(at).map((key) => ({ op: "prepare", key }))))
          for (let round = 0; round < rounds; round++) {
            const name = `name ${round}`
            const committed = yield* atOnce(clerks, (at) => keysOf(at).map((key) => ({ op: "commit", name, key })))
            assert.deepStrictEqual(committed, { done: 1, NameTaken: others })
            // The key of whoever won is free again, and no other is.
            const again = yield* atOnce(clerks, (at) => keysOf(at).map((key) => ({ op: "prepare", key })))
            assert.deepStrictEqual(again, { done: 1, KeyTaken: others })
          }
        })
    )

    // ============================================================ everything, at once

    for (const durability of ["process", "full"] as const) {
      shared(
        `${processes} processes do many different things at ${durability}: what was acknowledged is there`,
        (bench) =>
          Effect.gen(function*() {
            const clerks = yield* hireAll(bench, { durability })
            const answers = yield* Effect.all(
              clerks.map((clerk, at) => clerk.ask({ do: "errands", prefix: `${at}`, fibers: 4, rounds: 12 })),
              { concurrency: "unbounded" }
            )
            const outcomes = sumOf(answers.map(({ tally }) => tally))
            const known = ["ParentNotFound", "HasChildren", "Busy", "SnapshotNotFound"]
            const unknown = Object.keys(outcomes).filter((one) => !one.endsWith(" done") && !known.includes(one))
            assert.deepStrictEqual(unknown, [])
            assert.isAbove(outcomes["commit done"] ?? 0, 50)
            yield* areThere(bench, answers.flatMap(({ claims }) => claims))
          })
      )
    }

    const areThere = Effect.fnUntraced(function*(bench: Bench, claims: ReadonlyArray<Claim>) {
      const infos = yield* Stream.runCollect(bench.store.walk({ onDamaged: "fail" }))
      const found = infos.map(({ kind, labels, name, parent }) => ({ kind, labels: { ...labels }, name, parent }))
      const wanted = claims.map(({ kind, labels, name, parent }) => ({ kind, labels, name, parent }))
      const byName = (one: { readonly name: string }, other: { readonly name: string }) =>
        one.name < other.name ? -1 : 1
      assert.deepStrictEqual<ReadonlyArray<unknown>>(found.sort(byName), wanted.sort(byName))
      const target = path.join(bench.directory, "target")
      fs.mkdirSync(target)
      for (const claim of claims) {
        const mounts = claim.kind === "committed"
          ? yield* bench.store.view(Key.make("look"), { parent: Name.make(claim.name) })
          : yield* bench.store.mounts(Key.make(claim.name))
        const files = yield* Effect.scoped(
          Effect.map(bench.mounter.mount(mounts, target), () => fs.readdirSync(target))
        )
        assert.deepStrictEqual(files.sort(), chainOf(claims, claim).map(({ file }) => file).sort())
        if (claim.kind === "committed") yield* bench.store.remove(Key.make("look"))
      }
    })

    // ============================================================ who holds the lock, and who waits

    /** Until another process that waits for the lock says so, by holding the lock of the waiting room. */
    const someoneWaits = Effect.fnUntraced(function*(root: string) {
      const files = yield* StoreFileSystem
      for (;;) {
        const lock = yield* files.tryLock(`${root}/staging`)
        if (lock === undefined) return
        yield* lock.release
        yield* Effect.sleep(1)
      }
    })

    shared(
      "F10: whoever is stopped keeps the lock: others wait as long as they want to, and go on when it does",
      (bench) =>
        Effect.gen(function*() {
          const { root } = bench.options
          const holder = yield* hire(bench.options)
          assert.isTrue(yield* holder.ask({ do: "lock" }))
          yield* holder.signal("SIGSTOP")
          const hasty = yield* bench.open({ lockTimeout: "50 millis" })
          const refusal = yield* Effect.flip(hasty.prepare(Key.make("hasty")))
          assert.strictEqual(refusal._tag, "LockTimeout")
          const waiting = yield* Effect.forkChild(bench.store.prepare(Key.make("nobody")), { startImmediately: true })
          yield* someoneWaits(root)
          yield* Fiber.interrupt(waiting)
          assert.isTrue(Exit.isFailure(yield* Fiber.await(waiting)))
          const patient = yield* Effect.forkChild(bench.store.prepare(Key.make("patient")), { startImmediately: true })
          yield* someoneWaits(root)
          yield* holder.signal("SIGCONT")
          yield* holder.ask({ do: "unlock" })
          yield* Fiber.join(patient)
          const infos = yield* Stream.runCollect(bench.store.walk())
          assert.deepStrictEqual(infos.map(({ name }) => String(name)), ["patient"])
        })
    )

    shared(
      "F10: whoever is killed with the lock, stopped or not, in the middle of an operation, keeps nobody waiting",
      (bench) =>
        Effect.gen(function*() {
          for (const stopped of [true, false]) {
            const key = `stopped: ${stopped}`
            const holder = yield* hire(bench.options)
            yield* holder.ask({ do: "stall", key })
            if (stopped) yield* holder.signal("SIGSTOP")
            const waiting = yield* Effect.forkChild(bench.store.prepare(Key.make(key)), { startImmediately: true })
            yield* someoneWaits(bench.options.root)
            yield* holder.signal("SIGKILL")
            yield* Fiber.join(waiting)
            yield* isWhole(bench.store)
          }
        })
    )

    const firstOfItsKind = ["unshare", "-pf", "--kill-child"]

    shared(
      "F10: two that are both process 1, each of its own namespace, do not take one for the other",
      (bench) =>
        Effect.gen(function*() {
          const holder = yield* hire(bench.options, firstOfItsKind)
          yield* holder.ask({ do: "stall", key: "k" })
          yield* holder.signal("SIGKILL")
          const next = yield* hire({ ...bench.options, lockTimeout: "1 minute" }, firstOfItsKind)
          assert.deepStrictEqual([holder.ownPid, next.ownPid], [1, 1])
          allDone(yield* next.ask({ do: "all", wishes: [{ op: "prepare", key: "k" }] }))
          assert.strictEqual(yield* next.dismiss, 0)
        })
    )

    shared(
      "F10: a store that was copied while it was locked opens at once, the one locked still",
      (bench) =>
        Effect.gen(function*() {
          yield* bench.store.prepare(Key.make("k"))
          const holder = yield* hire(bench.options)
          yield* holder.ask({ do: "stall", key: "l" })
          const root = path.join(bench.directory, "copy")
          execFileSync("cp", ["-a", bench.options.root, root])
          const copy = yield* bench.open({ root, lockTimeout: 0 })
          yield* copy.commit(Name.make("n"), Key.make("k"))
          yield* copy.prepare(Key.make("l"))
          yield* isWhole(copy)
          const hasty = yield* bench.open({ lockTimeout: 0 }).pipe(Effect.exit)
          assert.isTrue(Exit.isFailure(hasty), "what the one who holds it stages would be swept")
        })
    )

    for (const how of ["by process.exit", "by itself, its input at an end"] as const) {
      shared(`a process that waits for the lock can end ${how}`, (bench) =>
        Effect.gen(function*() {
          const holder = yield* hire(bench.options)
          assert.isTrue(yield* holder.ask({ do: "lock" }))
          const waiter = yield* hire({ ...bench.options, lockTimeout: "1 hour" })
          yield* waiter.ask({ do: "begin", key: "k" })
          yield* someoneWaits(bench.options.root)
          if (how === "by process.exit") waiter.tell({ do: "exit" })
          assert.strictEqual(yield* how === "by process.exit" ? waiter.ended : waiter.dismiss, 0)
          yield* holder.ask({ do: "unlock" })
          assert.deepStrictEqual(yield* Stream.runCollect(bench.store.walk()), [])
        }))
    }

    // ============================================================ descriptors

    for (const durability of ["process", "full"] as const) {
      shared(
        `F67: 1,000 operations at ${durability}, failing and interrupted ones among them, leave no descriptor open`,
        (bench) =>
          Effect.gen(function*() {
            const seed = Number(process.env["SNAPSHOTTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31))
            const clerk = yield* hire({ ...bench.options, durability })
            const root = path.join(bench.directory, "mixed")
            const { closed, last, open, tally } = yield* clerk.ask({ do: "mixed", root, operations: 1_000, seed })
            const story = `seed ${seed}: ${JSON.stringify(tally)}`
            assert.strictEqual(last, "done", story)
            assert.strictEqual(open.after, open.before, `while the store is open; ${story}`)
            assert.strictEqual(closed.after, closed.before, `once it is closed; ${story}`)
            assert.isAbove(tally["interrupted"] ?? 0, 5, story)
            assert.isAbove(Object.keys(tally).length, 8, story)
            assert.deepStrictEqual(Object.keys(tally).filter((one) => /defect|not typed/.test(one)), [], story)
            yield* isWhole(yield* bench.open({ root }), { suspects: true })
          })
      )
    }

    for (const mounted of [false, true]) {
      shared(
        `F129: 200 forks at once with 64 descriptors, ${mounted ? "" : "not "}mounted: each answers, and none is lost`,
        (bench) =>
          Effect.gen(function*() {
            const few = ["sh", "-c", "ulimit -n 64; exec \"$@\"", "sh"]
            const clerk = yield* hire({ ...bench.options, durability: "full" }, few)
            // What is opened only once is open then.
            allDone(yield* clerk.ask({ do: "crowd", prefix: "first", count: 1, mounted }))
            const before = yield* clerk.ask({ do: "count" })
            const crowd = yield* clerk.ask({ do: "crowd", prefix: "crowd", count: 200, mounted })
            const unknown = Object.keys(crowd).filter((one) => one !== "done" && !/ (EMFILE|ENFILE)$/.test(one))
            assert.deepStrictEqual(unknown, [])
            assert.strictEqual(Object.values(crowd).reduce((sum, count) => sum + count, 0), 200)
            allDone(yield* clerk.ask({ do: "crowd", prefix: "after", count: 4, mounted }))
            assert.strictEqual(yield* clerk.ask({ do: "count" }), before)
            const names = (yield* Stream.runCollect(bench.store.walk({ filters: ["kind==committed"] }))).map((
              { name }
            ) => name)
            assert.isAtLeast(names.filter((name) => name.startsWith("crowd")).length, crowd["done"] ?? 0)
            process.stdout.write(`F129, ${mounted ? "" : "not "}mounted: ${JSON.stringify(crowd)}\n`)
          })
      )
    }
  }
)
