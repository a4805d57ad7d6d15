/**
 * Random operations on a store on a real disk, at both durabilities, and programs that write into what is mounted; in between,
 * and in the midst of them, the disk is copied, as a power loss at that moment would leave it.
 */
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import type { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Effect, Exit, Scope } from "effect"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Random } from "../../random.ts"
import { copyDisk, type Disk, disturb, someDisturbance } from "../disk.ts"
import { type Act, describe, type Durability, Ledger, type State } from "./ledger.ts"
import { namesBelow, pictureOf } from "./picture.ts"
import { type Opened, type Opening, openStore } from "./store.ts"
import { writeSome } from "./write.ts"

export interface Copied {
  readonly image: string
  /** Whether it is of a machine that recovers, and not of one at work: of such a one no more copies are made. */
  readonly ofRecovery: boolean
  /** When it was made, for reading. */
  readonly moment: string
  /** What was promised by then. */
  readonly state: State
}

export interface Work {
  readonly disk: Disk
  /** A directory of its own, for mounts and copies. */
  readonly place: string
  readonly random: Random
  readonly copies: number
  /** What becomes of the store's file system, for a store that is to be caught. */
  readonly otherwise?: Opening["otherwise"]
}

/** How likely the disk is copied before a call that may change it, and how likely it is disturbed before. */
const copied = 0.08
const disturbed = 0.6

export const work = (orders: Work): Effect.Effect<ReadonlyArray<Copied>, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const worker = new Worker(orders, yield* Effect.scope)
    yield* worker.open("full")
    yield* worker.open("process")
    while (!worker.isDone) yield* worker.something
    return worker.copied
  }))

export const rootOn = (disk: Disk): string => path.join(disk.directory, "store")

interface Handle extends Opened {
  readonly scope: Scope.Closeable
}

class Worker {
  readonly copied: Array<Copied> = []
  private readonly ledger = new Ledger()
  private readonly handles = new Map<Durability, Handle>()
  private readonly done: Array<string> = []
  private readonly orders: Work
  private readonly outer: Scope.Scope
  private names = 0

  constructor(orders: Work, outer: Scope.Scope) {
    this.orders = orders
    this.outer = outer
  }

  get isDone(): boolean {
    return this.copied.length >= this.orders.copies
  }

  // ============================================================ moments

  private maybeCopy(moment: string): void {
    const { disk, place, random } = this.orders
    if (this.isDone || !random.chance(copied)) return
    if (random.chance(disturbed)) {
      const disturbance = someDisturbance(random, disk, filesBelow(disk.directory))
      disturb(disk, disturbance)
      this.done.push(`  ${JSON.stringify(disturbance)}`)
    }
    const image = path.join(place, `copy ${this.copied.length}`)
    copyDisk(disk, image)
    this.copied.push({
      image,
      ofRecovery: false,
      moment: [...this.done, `copied ${moment}`].join("\n"),
      state: this.ledger.state()
    })
  }

  // ============================================================ opening

  open(durability: Durability): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const before = this.handles.get(durability)
      if (before !== undefined) yield* Scope.close(before.scope, Exit.void)
      const scope = yield* Scope.fork(this.outer)
      const { disk, otherwise, random } = this.orders
      const opened = yield* openStore({
        ...(otherwise === undefined ? {} : { otherwise }),
        root: rootOn(disk),
        durability,
        random,
        onId: (id) => this.ledger.drew(id),
        onCall: ({ operation, paths }) =>
          this.maybeCopy(`before ${operation} ${paths.map((one) => path.relative(rootOn(disk), one)).join(" ")}`)
      }).pipe(Scope.provide(scope))
      this.handles.set(durability, { ...opened, scope })
    })
  }

  private at(durability: Durability): Handle {
    const handle = this.handles.get(durability)
    if (handle === undefined) throw new Error(`no store is open at ${durability}`)
    return handle
  }

  // ============================================================ operations

  /** Does it, and notes what came of it; nobody else works on the store, so that nothing may fail. */
  private act(act: Act): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      this.done.push(describe(act))
      this.ledger.begin(act)
      const info = act.op === "reopen"
        ? yield* this.open(act.durability)
        : yield* perform(this.at(act.durability).store, act)
      this.ledger.acknowledge(info ?? undefined)
      this.maybeCopy("once that was acknowledged")
    })
  }

  /** One thing that makes sense now. */
  get something(): Effect.Effect<void, unknown> {
    return Effect.suspend(() => {
      const { random } = this.orders
      const present = this.ledger.present()
      const durability = random.chance(0.5) ? "full" : "process"
      const some = random.pick(present)
      const childless = random.pick(present.filter(({ isParent }) => !isParent))
      const parent = random.chance(0.8)
        ? random.pick(present.filter(({ kind }) => kind === "committed"))?.name
        : undefined
      const choice = random.below(20)
      if (choice < 9 || some === undefined || childless === undefined) return this.fork(durability, parent)
      if (choice < 11) return this.act({ op: "view", key: this.fresh("view"), parent, durability })
      if (choice < 14) return this.act({ op: "update", name: some.name, label: this.fresh("label"), durability })
      if (choice < 18) return this.act({ op: "remove", name: childless.name, durability })
      return this.act({ op: choice === 18 ? "cleanup" : "reopen", durability })
    })
  }

  /** Names come back: what a name was before must not come alive again. */
  private fresh(kind: "key" | "name" | "view" | "label"): string {
    const taken = new Set(this.ledger.present().map(({ name }) => name))
    const again = [1, 2, 3].map((one) => `${kind} ${one}`).filter((one) => !taken.has(one))
    return this.orders.random.pick(again) ?? `${kind} ${++this.names + 3}`
  }

  /** Prepares a snapshot; mostly somebody writes into it then, and mostly it is committed. */
  private fork(durability: Durability, parent: string | undefined): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const { random } = this.orders
      const key = this.fresh("key")
      yield* this.act({ op: "prepare", key, parent, durability })
      if (this.isDone || random.chance(0.1)) return
      const commit: Act | undefined = random.chance(0.9)
        ? {
          op: "commit",
          key,
          name: this.fresh("name"),
          labels: { by: key },
          durability: random.chance(0.6) ? "full" : "process"
        }
        : undefined
      const committed = commit === undefined ? Effect.void : this.act(commit)
      if (random.chance(0.1)) return yield* committed
      const isMounted = random.chance(0.5)
      yield* Effect.scoped(Effect.andThen(this.write(key), isMounted ? committed : Effect.void))
      if (!isMounted) yield* committed
    })
  }

  /** What is in a snapshot until it is committed, somebody has written there. */
  private write(key: string): Effect.Effect<void, unknown, Scope.Scope> {
    return Effect.gen({ self: this }, function*() {
      const { place, random } = this.orders
      const { mounter, store } = this.at("process")
      const target = path.join(place, "target")
      fs.mkdirSync(target, { recursive: true })
      yield* mounter.mount(yield* store.mounts(Key.make(key)), target)
      this.ledger.wrote(key, undefined)
      writeSome(target, random, (what) => {
        this.done.push(`  ${what}`)
        this.maybeCopy("before that")
      })
      this.ledger.wrote(key, pictureOf(target))
    })
  }
}

/** One operation, and what the store says about the snapshot then. */
export const perform = (
  store: Snapshotter,
  act: Act
): Effect.Effect<Info | undefined, unknown> => {
  switch (act.op) {
    case "prepare":
    case "view": {
      const options = act.parent === undefined ? {} : { parent: Name.make(act.parent) }
      return Effect.andThen(store[act.op](Key.make(act.key), options), store.stat(Key.make(act.key)))
    }
    case "commit":
      return store.commit(Name.make(act.name), Key.make(act.key), { labels: act.labels })
    case "update":
      return store.update(Name.make(act.name), { patch: { [act.label]: act.label } })
    case "remove":
      return Effect.as(store.remove(Name.make(act.name)), undefined)
    case "cleanup":
      return Effect.as(store.cleanup, undefined)
    case "reopen":
      return Effect.die("opened by whoever has it open")
  }
}

const filesBelow = (directory: string): ReadonlyArray<string> =>
  namesBelow(directory).map((name) => path.join(directory, name)).filter((file) => fs.lstatSync(file).isFile())
