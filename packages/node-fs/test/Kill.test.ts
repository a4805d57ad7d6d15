/**
 * P3, P4 and P5 on the real machine: two processes work on one store until one or both are killed with SIGKILL, at any
 * moment. Whoever opens the store next finds everything that was acknowledged, byte for byte through a real mount, nothing
 * that was removed, no damage, and the lock free.
 *
 * Nothing here depends on time: the moment is chosen by what the processes have said, and only what they said is judged.
 * SNAPSHOTTER_SEED repeats the choices, though not the schedule of the machine.
 */
import { Mounter } from "@snapshotter/core/Mounter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Layer, Stream } from "effect"
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import * as fs from "node:fs"
import * as path from "node:path"
import { createInterface } from "node:readline"
import { fileURLToPath } from "node:url"
import { assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { type Random, randomFrom } from "../../../test/random.ts"
import { Journal, type Line, type Tree } from "./kill/journal.ts"
import { unmountAllBelow } from "./kill/unmountAll.ts"
import type { Orders } from "./kill/worker.ts"
import { freshDirectory, isRoot } from "./place.ts"

const rounds = 30
const worker = fileURLToPath(new URL("kill/worker.ts", import.meta.url))

/** How a round ends: processes are killed by us once they have said so much, or one kills itself at some call. */
interface Ending {
  readonly afterLines: number
  readonly victims: ReadonlyArray<number>
  readonly atCall: number | undefined
}

const endingFrom = (random: Random): Ending => {
  const afterLines = 1 + random.below(60)
  if (random.chance(0.5)) return { afterLines, victims: [random.below(2)], atCall: 1 + random.below(60) }
  return { afterLines, victims: random.pick([[0], [1], [0, 1]]) ?? [0], atCall: undefined }
}

const describeEnding = ({ afterLines, atCall, victims }: Ending): string =>
  atCall === undefined
    ? `${victims.length === 2 ? "both are" : `process ${victims[0]} is`} killed after ${afterLines} lines`
    : `process ${victims[0]} ends itself at its call ${atCall} after ${afterLines} lines of its own`

// ============================================================ processes

interface Worker {
  readonly child: ChildProcess
  readonly lines: Array<Line>
  readonly heard: Promise<void>
  readonly ended: Promise<void>
  readonly errors: Array<string>
}

const start = (orders: Orders, onLine: () => void): Worker => {
  // Compiled once for all of them.
  const env = { ...process.env, NODE_COMPILE_CACHE: path.join(path.dirname(orders.root), "compiled") }
  const child = spawn(process.execPath, [worker, JSON.stringify(orders)], { stdio: ["pipe", "pipe", "pipe"], env })
  const lines: Array<Line> = []
  const errors: Array<string> = []
  child.stderr?.on("data", (chunk: Buffer) => errors.push(chunk.toString()))
  // A dead process reads nothing.
  child.stdin?.on("error", () => {})
  const heard = new Promise<void>((resolve) => {
    createInterface({ input: child.stdout ?? process.stdin }).on("line", (text) => {
      lines.push(JSON.parse(text))
      onLine()
    }).once("close", resolve)
  })
  return { child, lines, heard, errors, ended: once(child, "exit").then(() => undefined) }
}

/** Lets both work until the end, then the one that is left, if one is, until it has done some more. */
const workUntil = async (
  ending: Ending,
  begin: (onLine: () => void) => ReadonlyArray<Worker>
): Promise<ReadonlyArray<Line>> => {
  let count = 0
  let after = 0
  let killed = false
  const workers = begin(() => {
    count++
    if (ending.atCall === undefined && count >= ending.afterLines && !killed) {
      killed = true
      for (const victim of ending.victims) workers[victim]?.child.kill("SIGKILL")
    }
    if (killed && ++after === 10) finish()
  })
  const victims = ending.victims.flatMap((victim) => workers[victim] ?? [])
  const finish = () => workers.forEach(({ child }) => child.stdin?.end())
  for (const { child } of workers) child.stdin?.write("go\n")
  void Promise.race(victims.map(({ ended }) => ended)).then(() => {
    killed = true
  })
  try {
    await Promise.all(workers.flatMap(({ ended, heard }) => [ended, heard]))
  } finally {
    for (const { child } of workers) child.kill("SIGKILL")
  }
  for (const [at, { child, errors }] of workers.entries()) {
    const wanted = ending.victims.includes(at) ? child.signalCode === "SIGKILL" : child.exitCode === 0
    assert.isTrue(wanted, `process ${at} ended with ${child.exitCode ?? child.signalCode}: ${errors.join("")}`)
  }
  return workers.flatMap(({ lines }) => lines)
}

// ============================================================ judging

const treeAt = (directory: string): Tree => {
  const tree: Tree = new Map()
  for (const entry of fs.readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue
    const file = path.join(entry.parentPath, entry.name)
    tree.set(path.relative(directory, file), fs.readFileSync(file, "utf8"))
  }
  return tree
}

const differences = (actual: Tree, expected: Tree): ReadonlyArray<string> =>
  [...new Set([...actual.keys(), ...expected.keys()])].filter((file) => actual.get(file) !== expected.get(file))

const openStore = (root: string, durability: "full" | "process") =>
  Layer.build(Layer.fresh(NodeSnapshotter.layer({ root, durability })))

const judge = Effect.fnUntraced(function*(root: string, target: string, journal: Journal) {
  yield* Effect.scoped(
    Effect.gen(function*() {
      const lock = yield* StoreFileSystem.use((system) => system.tryLock(root))
      assert.isDefined(lock, "somebody who is dead holds the lock")
      if (lock !== undefined) yield* lock.release
    }).pipe(Effect.provide(NodeSnapshotter.layerMachine))
  )
  const infos = yield* Effect.scoped(
    Effect.gen(function*() {
      const snapshotter = yield* Snapshotter
      const damage = (yield* snapshotter.check).filter(({ severity }) => severity !== "reclaimable")
      assert.deepStrictEqual(damage, [])
      const infos = yield* Stream.runCollect(snapshotter.walk({ onDamaged: "fail" }))
      assert.deepStrictEqual(journal.settle(infos), [])
      yield* clear(snapshotter, infos, journal)
      assert.deepStrictEqual((yield* snapshotter.cleanup).unremoved, [])
      assert.deepStrictEqual(yield* snapshotter.check, [], "left after cleanup")
      assert.deepStrictEqual(yield* snapshotter.cleanup, { removed: [], unremoved: [] })
      return infos
    }).pipe(Effect.provide(yield* openStore(root, "full")))
  )
  yield* Effect.scoped(look(infos, target, journal).pipe(Effect.provide(yield* openStore(root, "process"))))
  return infos.filter(({ kind }) => kind === "committed").length
})

/** What was left in the hands of the dead. */
const clear = Effect.fnUntraced(function*(snapshotter: Snapshotter, infos: ReadonlyArray<Info>, journal: Journal) {
  for (const { kind, name } of infos) {
    if (kind === "committed") continue
    yield* snapshotter.remove(name)
    journal.hear([{ tries: { op: "remove", name } }, { ack: { op: "remove", name }, outcome: "done" }])
  }
})

const look = Effect.fnUntraced(function*(infos: ReadonlyArray<Info>, target: string, journal: Journal) {
  const snapshotter = yield* Snapshotter
  const mounter = yield* Mounter
  const key = Key.make("look")
  for (const { name } of infos.filter(({ kind }) => kind === "committed")) {
    const mounts = yield* snapshotter.view(key, { parent: Name.make(name) })
    yield* Effect.scoped(Effect.gen(function*() {
      yield* mounter.mount(mounts, target)
      assert.deepStrictEqual(
        differences(treeAt(target), journal.tree(name)),
        [],
        `files of ${name} that are not as they were`
      )
    }))
    yield* snapshotter.remove(key)
  }
})

// ============================================================ the test

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("kill", missing))("kill -9", () => {
  it(`${rounds} rounds: two processes share a store, and whoever is killed takes nothing with them`, async () => {
    const seed = Number(process.env["SNAPSHOTTER_SEED"] ?? Math.floor(Math.random() * 2 ** 31))
    const random = randomFrom(seed)
    const journal = new Journal()
    let survivors = 0
    await Effect.runPromise(Effect.scoped(Effect.gen(function*() {
      const directory = yield* freshDirectory
      const root = path.join(directory, "store")
      for (const name of ["0", "1", "look"]) fs.mkdirSync(path.join(directory, name))
      for (let round = 1; round <= rounds; round++) {
        const ending = endingFrom(random)
        const story = `round ${round} of seed ${seed}: ${describeEnding(ending)}`
        const seeds = [random.below(2 ** 31), random.below(2 ** 31)]
        const lines = yield* Effect.promise(() =>
          workUntil(ending, (onLine) =>
            seeds.map((seed, at) => {
              const { afterLines, atCall, victims } = ending
              const ends = atCall !== undefined && victims.includes(at) ? { ends: { afterLines, atCall } } : {}
              const target = path.join(directory, `${at}`)
              return start({ root, target, prefix: `r${round}p${at}`, seed, ...ends }, onLine)
            }))
        ).pipe(Effect.tapCause(() => Effect.sync(() => process.stdout.write(`${story}\n`))))
        unmountAllBelow(directory)
        journal.hear(lines)
        survivors = yield* judge(root, path.join(directory, "look"), journal).pipe(
          Effect.tapCause(() => Effect.sync(() => process.stdout.write(`${story}\n`)))
        )
      }
    })))
    process.stdout.write(
      `kill -9: ${rounds} rounds of seed ${seed}, ${journal.acknowledged} acknowledged operations, ${survivors} layers at the end\n`
    )
  }, 240_000)
})
