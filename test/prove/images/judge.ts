/**
 * A machine has come up with a copy of a disk: is it one that was promised (P1 to P4)?
 *
 * Verified: the store opens; each snapshot that was promised to be there is, as it was acknowledged or as an operation in
 * flight would have left it, and shows byte for byte, through a real mount, what it showed; `check` finds no damage but of
 * what was made at `process`; nothing is there that nobody made; the operation in flight can be tried again; once what is
 * damaged is removed, `cleanup` leaves nothing; recovering again changes nothing, also where the first recovery was itself
 * cut off by a power loss. On ext4 without a journal, a name that was taken away may come up as somebody else's file or directory:
 * `check` says so, and after `relink` a name of the index is free; a directory is left for whoever it belongs to.
 *
 * Not verified: what snapshots hold that were made at `process`, or that somebody was writing into.
 */
import { mountsOf } from "@snapshotter/core/Mount"
import { called, type Info, Key } from "@snapshotter/core/Snapshot"
import type { Snapshotter, Violation } from "@snapshotter/core/Snapshotter"
import type { Unremoved } from "@snapshotter/core/StoreFileSystem"
import { Effect, Exit, Option, Predicate, type Scope, Stream } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import type { Random } from "../../random.ts"
import { comeUp, copyDisk, type Disk, disturb, type Format, someDisturbance } from "../disk.ts"
import {
  type Act,
  allowed,
  isWhole,
  type Life,
  mayBeAbsent,
  mayBeDamaged,
  type Picture,
  type Position,
  type State
} from "./ledger.ts"
import { differences, pictureOf, storeDigest } from "./picture.ts"
import { type Opened, openStore } from "./store.ts"
import { type Copied, perform, rootOn } from "./work.ts"

export interface Judged {
  /** Equal for stores that look the same. */
  readonly digest: string
  /** How many snapshots were promised and found, and how many trees were compared. */
  readonly found: number
  readonly compared: number
  /** How many were damaged, all of them made at `process`, and how many of those could not be removed. */
  readonly damaged: number
  readonly stuck: number
  /** How many links that were taken away came up as something else. */
  readonly strays: number
  /** The same disk, copied while this one was recovered. */
  readonly again: Copied | undefined
}

/** What is wrong with a disk. */
export class Wrong extends Error {
  override readonly name = "Wrong"
}

const must = (holds: boolean, what: () => string): void => {
  if (!holds) throw new Wrong(what())
}

export interface Judging {
  readonly format: Format
  readonly copied: Copied
  /** Where it is mounted, and its snapshots. */
  readonly place: string
  readonly random: Random
}

/** How likely a recovery is copied, and how likely that is at each of its calls. */
const recoveriesCopied = 0.4
const callsCopied = 0.25

export const judge = ({ copied, format, place, random }: Judging): Effect.Effect<Judged, unknown> =>
  Effect.scoped(Effect.gen(function*() {
    const disk = yield* comeUp(format, copied.image, path.join(place, "found"))
    const digest = storeDigest(rootOn(disk))
    const recovery = new Recovery(disk, copied, place, random, !copied.ofRecovery && random.chance(recoveriesCopied))
    const first = yield* Effect.scoped(recovery.run)
    yield* Effect.scoped(recovery.secondTime)
    return { digest, ...first, again: recovery.again }
  }))

class Recovery {
  again: Copied | undefined
  private readonly disk: Disk
  private readonly copied: Copied
  private readonly place: string
  private readonly random: Random
  /** Whether it is copied at one of the next calls. */
  private copying: boolean
  private settled: ReadonlyArray<Info> = []
  private left: ReadonlyArray<Violation> = []
  /** What came up in the place of files that were taken away. */
  private readonly directories = new Set<string>()

  constructor(disk: Disk, copied: Copied, place: string, random: Random, copying: boolean) {
    this.disk = disk
    this.copied = copied
    this.place = place
    this.random = random
    this.copying = copying
  }

  private get state(): State {
    return this.copied.state
  }

  private get open(): Effect.Effect<Opened, unknown, Scope.Scope> {
    return openStore({
      root: rootOn(this.disk),
      durability: "full",
      random: this.random,
      onId: () => {},
      onCall: ({ operation }) => {
        if (this.copying && this.random.chance(callsCopied)) this.copy(operation)
      }
    })
  }

  private copy(operation: string): void {
    this.copying = false
    if (this.random.chance(0.5)) disturb(this.disk, someDisturbance(this.random, this.disk, []))
    const image = `${this.copied.image} again`
    copyDisk(this.disk, image)
    const moment = `${this.copied.moment}\ncame up, recovered, and lost power again before ${operation}`
    this.again = { image, ofRecovery: true, moment, state: this.state }
  }

  readonly run: Effect.Effect<Omit<Judged, "digest" | "again">, unknown, Scope.Scope> = Effect.gen(
    { self: this },
    function*() {
      const opened = yield* this.open
      const { store } = opened
      const cleansFirst = this.random.chance(0.5) || this.copying
      if (cleansFirst) yield* this.cleanup(store)
      // From now on more is done than recovering.
      this.copying = false
      const damage = (yield* store.check).filter(({ severity }) => severity !== "reclaimable")
      const infos = yield* infosIn(store)
      const strays = damage.filter((one) => this.isStray(one, infos))
      for (const { path } of strays) if (fs.lstatSync(path).isDirectory()) this.directories.add(path)
      const lives = this.livesOf(damage.filter((one) => !strays.includes(one)))
      const found = this.look(infos, lives)
      const compared = yield* this.compare(opened, found)
      yield* this.retry(store, found, lives.size + strays.length > 0)
      if (lives.size + strays.length > 0) yield* this.repair(store, lives)
      if (!cleansFirst) yield* this.cleanup(store)
      this.left = yield* store.check
      const stuck = this.livesOf(this.left.filter((one) => !this.directories.has(one.path)))
      yield* this.cleanup(store)
      this.settled = yield* infosIn(store)
      return {
        found: found.size,
        compared,
        damaged: lives.size,
        stuck: stuck.size,
        strays: strays.length + this.directories.size
      }
    }
  )

  /** Whoever opens the store again finds it as it was left, with nothing to do. */
  readonly secondTime: Effect.Effect<void, unknown, Scope.Scope> = Effect.gen({ self: this }, function*() {
    const { store } = yield* this.open
    const { removed } = yield* store.cleanup
    must(removed.length === 0, () => `a second cleanup removed ${removed.join(", ")}`)
    const infos = yield* infosIn(store)
    must(
      text(infos) === text(this.settled),
      () => `a second time the store shows ${text(infos)}, not ${text(this.settled)}`
    )
    const left = yield* store.check
    must(text(left) === text(this.left), () => `a second time check finds ${text(left)}, not ${text(this.left)}`)
  })

  private cleanup(store: Snapshotter): Effect.Effect<void, unknown> {
    return Effect.map(store.cleanup, ({ unremoved }) => {
      // Where a file was taken away somebody's directory has come up, which nobody may remove.
      const isDirectory = ({ code }: Unremoved) => this.isUnordered && code === "EISDIR"
      must(unremoved.every(isDirectory), () => `cleanup left ${text(unremoved)}`)
      for (const { path } of unremoved) this.directories.add(path)
    })
  }

  // ============================================================ damage

  /** Where names, and what they lead to, reach the disk in any order. */
  private get isUnordered(): boolean {
    return this.disk.format.name === "ext4 without a journal"
  }

  /** A link that was taken away, under a name that nobody bears. */
  private isStray({ path: at }: Violation, infos: ReadonlyArray<Info>): boolean {
    const isLinkOf = ({ name }: { readonly name: string }) => linkOf(rootOn(this.disk), name) === at
    return this.isUnordered && !infos.some(isLinkOf) && this.state.lives.some((life) => life.positions.some(isLinkOf))
  }

  /** Whose damage it is: only what was made at `process` may have any. */
  private livesOf(damage: ReadonlyArray<Violation>): Set<Life> {
    const lives = new Set<Life>()
    for (const one of damage) {
      const life = this.suspects(one).find(mayBeDamaged)
      if (life === undefined) throw new Wrong(`${one.severity}: ${one.path} ${one.message}`)
      lives.add(life)
    }
    return lives
  }

  /** Of two that bear one name, where that can be, it may be either; and a link may be one's name or another's. */
  private suspects({ path: at }: Violation): ReadonlyArray<Life> {
    const id = at.match(/[a-z2-7]{13}/g)?.at(-1)
    const all = bearersIn(rootOn(this.disk))
    const name = all.find((one) => one.id === id)?.name
    const isLinkOf = ({ name }: { readonly name: unknown }) => linkOf(rootOn(this.disk), String(name)) === at
    const others = all.filter((one) => isLinkOf(one) || (name !== undefined && one.name === name))
    const ids = [id, ...this.isUnordered ? others.map((one) => one.id) : []]
    return this.state.lives.filter((life) =>
      ids.includes(life.id) || (this.isUnordered && life.positions.some(isLinkOf))
    )
  }

  /** As its owner would: the index is repaired, what is damaged goes, children first, and then what stood in its way. */
  private repair(store: Snapshotter, lives: ReadonlySet<Life>): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      yield* store.relink
      const names = [...lives].reverse().flatMap((life) => life.positions.map(({ name }) => name))
      for (const name of new Set(names)) {
        const isSound = Option.isSome(yield* Effect.option(store.stat(called(name))))
        if (!isSound) yield* Effect.ignore(store.remove(called(name)))
      }
      yield* store.relink
      yield* this.cleanup(store)
    })
  }

  // ============================================================ what is there

  /** Each snapshot that is there, and the position in which it is. */
  private look(infos: ReadonlyArray<Info>, damaged: Set<Life>): ReadonlyMap<Life, Position> {
    const found = new Map<Life, Position>()
    for (const { id, ...bearer } of bearersIn(rootOn(this.disk))) {
      const info = infos.find((info) => isToldOf(bearer, info))
      if (info === undefined) continue
      const life = this.state.lives.find((life) => life.id === id)
      if (life === undefined) throw new Wrong(`${text(info)} is there, and nobody has made it`)
      const position = allowed(life).find((one) => isAt(life, one, info))
      if (position !== undefined) found.set(life, position)
      // It comes up with what another one had, which is gone.
      else if (this.isUnordered && mayBeDamaged(life)) damaged.add(life)
      else throw new Wrong(`there is ${text(info)}, which can only be ${text(allowed(life))}`)
    }
    for (const info of infos) {
      must(bearersIn(rootOn(this.disk)).some((one) => isToldOf(one, info)), () => `${text(info)} is nowhere`)
    }
    for (const life of this.state.lives) {
      if (found.has(life) || mayBeAbsent(life)) continue
      must(damaged.has(life), () => `${text(allowed(life))} was promised and is not there`)
    }
    return found
  }

  /** Compares what the found ones show, through real mounts, where that is promised. */
  private compare({ mounter, store }: Opened, found: ReadonlyMap<Life, Position>): Effect.Effect<number, unknown> {
    return Effect.gen({ self: this }, function*() {
      let compared = 0
      const target = path.join(this.place, "look")
      fs.mkdirSync(target, { recursive: true })
      for (const [life, position] of found) {
        const { kind, name, shows } = position
        if (!isWhole(life, position)) continue
        const mounts = kind === "committed"
          ? mountsOf({ writable: false, layer: "", work: "", parents: layersOf(rootOn(this.disk), name) }, [])
          : yield* store.mounts(Key.make(name))
        const seen: Picture = yield* Effect.scoped(Effect.map(mounter.mount(mounts, target), () => pictureOf(target)))
        if (shows === undefined) continue
        compared++
        must(text(seen) === text(shows), () => `${name} does not show what it showed:\n${differences(seen, shows)}`)
      }
      return compared
    })
  }

  // ============================================================ trying again

  /** The operation in flight, by whoever does not know that the power was lost. */
  private retry(
    store: Snapshotter,
    found: ReadonlyMap<Life, Position>,
    isDamaged: boolean
  ): Effect.Effect<void, unknown> {
    return Effect.gen({ self: this }, function*() {
      const act = this.state.inFlight
      if (act === undefined || act.op === "reopen") return
      const exit = yield* Effect.exit(perform(store, act))
      const answer = Exit.isSuccess(exit) ? "done" : tagOf(exit)
      const expected = answerTo(
        act,
        [...found].map(([life, { kind, name }]) => ({ kind, name, parent: parentOf(life, found) }))
      )
      // What is damaged is in no walk, and there all the same: it is said to be, it is somebody's child, and it can be removed.
      const aboutDamage =
        ["Damaged", "HasChildren", "KeyTaken", "NameTaken", "ParentNotFound", "SnapshotNotFound"].includes(answer) ||
        (act.op === "remove" && answer === "done")
      const isHurt = isDamaged && aboutDamage
      must(answer === expected || isHurt, () => `tried again, ${text(act)} answers ${answer}, not ${expected}`)
    })
  }
}

interface Present {
  readonly kind: string
  readonly name: string
  readonly parent: string | undefined
}

const parentOf = ({ parent }: Life, found: ReadonlyMap<Life, Position>): string | undefined =>
  parent === undefined ? undefined : found.get(parent)?.name ?? "somebody who is damaged"

/** What an operation answers where these are there. */
const answerTo = (act: Act, present: ReadonlyArray<Present>): string => {
  const known = new Map(present.map((one) => [one.name, one]))
  switch (act.op) {
    case "prepare":
    case "view": {
      const parent = act.parent === undefined ? undefined : known.get(act.parent)
      if (act.parent !== undefined && parent === undefined) return "ParentNotFound"
      if (parent !== undefined && parent.kind !== "committed") return "ParentNotCommitted"
      return known.has(act.key) ? "KeyTaken" : "done"
    }
    case "commit": {
      const active = known.get(act.key)
      if (active === undefined) return "SnapshotNotFound"
      if (active.kind !== "active") return "NotActive"
      return known.has(act.name) ? "NameTaken" : "done"
    }
    case "remove":
      if (!known.has(act.name)) return "SnapshotNotFound"
      return present.some(({ parent }) => parent === act.name) ? "HasChildren" : "done"
    case "update":
      return known.has(act.name) ? "done" : "SnapshotNotFound"
    case "cleanup":
    case "reopen":
      return "done"
  }
}

const tagOf = (exit: Exit.Failure<unknown, unknown>): string => {
  const error = Option.getOrUndefined(Exit.findErrorOption(exit))
  return Predicate.hasProperty(error, "_tag") ? String(error._tag) : String(exit.cause)
}

// ============================================================ reading

const infosIn = (store: Snapshotter) =>
  Effect.map(
    Stream.runCollect(store.walk()),
    (infos) => [...infos].sort((one, other) => one.name < other.name ? -1 : 1)
  )

const isAt = ({ parent }: Life, { info, kind, labels, name }: Position, found: Info): boolean => {
  if (kind !== found.kind || name !== found.name || text(sorted(labels)) !== text(sorted(found.labels))) return false
  if ((parent === undefined) !== (found.parent === undefined)) return false
  return info === undefined || (info.createdAt === found.createdAt && info.updatedAt === found.updatedAt)
}

const sorted = (labels: Info["labels"]) => Object.entries(labels).sort(([one], [other]) => one < other ? -1 : 1)

const linkOf = (root: string, name: string): string =>
  path.join(root, "index", createHash("sha256").update(name).digest("hex"))

/** What a snapshot's directory says of it. */
interface Bearer {
  readonly kind: Info["kind"]
  readonly id: string
  readonly name: unknown
  readonly createdAt: unknown
  readonly updatedAt: unknown
}

const isToldOf = ({ createdAt, kind, name, updatedAt }: Omit<Bearer, "id">, info: Info): boolean =>
  kind === info.kind && name === info.name && createdAt === `${info.createdAt}` && updatedAt === `${info.updatedAt}`

const bearersIn = (root: string): ReadonlyArray<Bearer> =>
  (["active", "view", "committed"] as const).flatMap((kind) =>
    fs.readdirSync(path.join(root, kind)).map((id) => {
      const file = path.join(root, kind, id, kind === "committed" ? "name.json" : "key.json")
      return { ...metadataIn(file), kind, id }
    })
  )

const metadataIn = (file: string): Pick<Bearer, "name" | "createdAt" | "updatedAt"> => {
  const nothing = { name: undefined, createdAt: undefined, updatedAt: undefined }
  try {
    const { createdAt, name, updatedAt } = JSON.parse(fs.readFileSync(file, "utf8"))
    return { name, createdAt, updatedAt }
  } catch {
    return nothing
  }
}

/** The layers of a committed snapshot, nearest first, by the links alone. */
const layersOf = (root: string, name: string): ReadonlyArray<string> => {
  const layers: Array<string> = []
  for (let at: string | undefined = fs.realpathSync(linkOf(root, name)); at !== undefined;) {
    layers.push(path.join(at, "fs"))
    const parent = path.join(at, "parent")
    at = fs.lstatSync(parent, { throwIfNoEntry: false }) === undefined ? undefined : fs.realpathSync(parent)
  }
  return layers
}

const text = (value: unknown): string =>
  JSON.stringify(
    value,
    (key, item: unknown) => key === "shows" ? undefined : typeof item === "bigint" ? `${item}` : item
  )
