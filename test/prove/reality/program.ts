/**
 * A random program on a real file system and on the simulated disk at once: the real one is copied between its operations,
 * and each copy, once a machine has come up with it, has to show a tree that the model allows.
 */
import * as NodeStoreFileSystem from "@snapshotter/node-fs/NodeStoreFileSystem"
import * as NodeTreeFileSystem from "@snapshotter/node-fs/NodeTreeFileSystem"
import { Effect, Layer } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import { randomFrom } from "../../random.ts"
import { type Blanks, comeUp, copyDisk, type Disk, disturb, type Format, newDisk, someDisturbance } from "../disk.ts"
import { type Departure, departuresOf, explain, isInOneOrder } from "./allowed.ts"
import { choose } from "./choose.ts"
import type { Fate } from "./contents.ts"
import { digestOf, type Found, treeAt } from "./found.ts"
import { type History, historyOf, pathsOf } from "./history.ts"
import type { Operation } from "./operation.ts"
import { perform } from "./perform.ts"
import { report } from "./report.ts"
import { type Simulated, simulated } from "./simulated.ts"

export interface Program {
  readonly seed: number
  readonly format: Format
  /** A directory of its own. */
  readonly place: string
  readonly blanks: Blanks
  readonly copies: number
}

/** What a copy showed. */
export interface Seen {
  /** Equal for equal trees. */
  readonly digest: string
  /** What explains it: nothing but the model, some ways in which real disks depart from it, or nothing at all. */
  readonly departures: ReadonlyArray<Departure> | undefined
  /** What became of contents that were not synced, in what the model explains. */
  readonly fates: ReadonlySet<Fate>
  /** Whether all names and attributes are as they were after some step: less than the model allows. */
  readonly inOneOrder: boolean
  /** Whether the simulated disk gives the same tree; `undefined` where there were too many to enumerate. */
  readonly simulated: boolean | undefined
  /** The tree, and the program up to there. */
  readonly report: string
}

interface Copied {
  readonly copy: string
  readonly operations: ReadonlyArray<Operation>
  readonly states: ReadonlyMap<string, Found> | undefined
}

const mode = 0o755

/** At most so many operations between two copies. */
const stepMax = 8
/** How likely it is that the disk is disturbed before it is copied: where it is not, most of it is as it was last synced. */
const disturbed = 0.75
/** More would be too many states to enumerate. */
const unsyncedMax = 6

const machine = Layer.merge(NodeStoreFileSystem.layer, NodeTreeFileSystem.layer)

export const runProgram = (program: Program): Effect.Effect<ReadonlyArray<Seen>, unknown> =>
  Effect.gen(function*() {
    const copied = yield* Effect.scoped(Effect.flatMap(
      newDisk(program.blanks, program.format, program.place),
      (disk) => Effect.provide(work(program, disk), machine, { local: true })
    ))
    const seen: Array<Seen> = []
    for (const one of copied) seen.push(yield* look(program, one))
    return seen
  })

const work = Effect.fnUntraced(function*({ copies, place, seed }: Program, disk: Disk) {
  const random = randomFrom(seed)
  const memory = yield* simulated
  const tree = path.join(disk.directory, "tree")
  fs.mkdirSync(tree)
  fs.chmodSync(tree, mode)
  yield* perform(tree, { do: "syncfs" })
  const operations: Array<Operation> = []
  const copied: Array<Copied> = []
  while (copied.length < copies) {
    for (let left = 1 + random.below(stepMax); left > 0; left--) {
      const operation = choose(random, historyOf(operations))
      yield* perform(tree, operation)
      yield* memory.do(operation)
      operations.push(operation)
    }
    if (random.chance(disturbed)) disturb(disk, someDisturbance(random, disk, filesIn(tree, historyOf(operations))))
    const copy = path.join(place, `copy ${copied.length}`)
    copyDisk(disk, copy)
    copied.push({ copy, operations: [...operations], states: yield* statesOf(memory) })
  }
  return copied
})

const filesIn = (tree: string, history: History): ReadonlyArray<string> =>
  pathsOf(history).filter(([, { made }]) => made.type === "file").map(([file]) => path.join(tree, file))

const statesOf = (memory: Simulated) => memory.unsynced() > unsyncedMax ? Effect.succeed(undefined) : memory.states

const look = ({ format, place }: Program, { copy, operations, states }: Copied): Effect.Effect<Seen, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const { directory } = yield* comeUp(format, copy, path.join(place, "found"))
    const tree = yield* Effect.provide(treeAt(path.join(directory, "tree")), machine, { local: true })
    const history = historyOf(operations)
    const explanation = explain(history, tree)
    return {
      digest: digestOf(tree),
      departures: explanation === undefined ? departuresOf(history, tree) : [],
      fates: explanation?.fates ?? new Set(),
      inOneOrder: isInOneOrder(history, tree),
      simulated: states?.has(digestOf(explanation?.representative ?? tree)),
      report: report(operations, tree)
    }
  }))
