/**
 * What was asked of a store and what it answered: for each snapshot all that it has been, one after another, and from which
 * of that on it was promised to be on disk. Pure. Only what was promised is held against the store: at `process` nothing is,
 * but that what was promised before is not destroyed.
 */
import type { Info, Kind, Labels } from "@snapshotter/core/Snapshot"

export type Durability = "full" | "process"

export type Act =
  & { readonly durability: Durability }
  & (
    | { readonly op: "prepare" | "view"; readonly key: string; readonly parent: string | undefined }
    | { readonly op: "commit"; readonly name: string; readonly key: string; readonly labels: Labels }
    | { readonly op: "update"; readonly name: string; readonly label: string }
    | { readonly op: "remove"; readonly name: string }
    | { readonly op: "cleanup" | "reopen" }
  )

export const describe = (act: Act): string => {
  const { durability, op } = act
  const about = "key" in act ? [act.key] : "name" in act ? [act.name] : []
  const more = op === "commit"
    ? [`as ${act.name}`]
    : "parent" in act && act.parent !== undefined
    ? [`of ${act.parent}`]
    : []
  return [op, ...about, ...more, `at ${durability}`].join(" ")
}

/** All that a tree shows, a line for each entry. */
export type Picture = ReadonlyArray<string>

/** What a snapshot is after an operation. */
export interface Position {
  readonly kind: Kind | "gone"
  readonly name: string
  readonly labels: Labels
  /** As it was told, once it was. */
  readonly info: Info | undefined
  /** Whether an operation that waits for the disk has brought it here. */
  readonly durable: boolean
  /** What it shows; `undefined` where that is not known, or somebody is writing into it. */
  readonly shows: Picture | undefined
  /** Somebody has written into it since, whom nobody has promised anything. */
  readonly isWritten: boolean
}

/** One snapshot, from when it is made until it is gone. */
export interface Life {
  readonly parent: Life | undefined
  /** Its directory's name, once it is drawn. */
  readonly id: string | undefined
  readonly positions: ReadonlyArray<Position>
  /** The last of them that was promised to be on disk; -1: none. */
  readonly settled: number
}

/** What is on disk where the power goes now: of each life one of its {@link allowed} positions. */
export interface State {
  readonly lives: ReadonlyArray<Life>
  readonly inFlight: Act | undefined
}

/** Where a life may be found, the first of them promised unless it was never settled. */
export const allowed = ({ positions, settled }: Life): ReadonlyArray<Position> => positions.slice(Math.max(settled, 0))

export const mayBeAbsent = (life: Life): boolean =>
  life.settled < 0 || allowed(life).some(({ kind }) => kind === "gone")

/** Made at `process`, or brought there where it may be. */
export const mayBeDamaged = (life: Life): boolean => life.settled < 0 || allowed(life).some(({ durable }) => !durable)

/** Whether what it shows in that position has to be there wherever the position is. */
export const isWhole = ({ positions, settled }: Life, position: Position): boolean =>
  !position.isWritten && (position.durable || positions.indexOf(position) <= settled)

// ============================================================ writing it

type Writing<A> = { -readonly [K in keyof A]: A[K] }

interface WrittenLife extends Writing<Omit<Life, "parent" | "positions">> {
  readonly parent: WrittenLife | undefined
  positions: Array<Position>
}

interface InFlight {
  readonly act: Act
  readonly life: WrittenLife | undefined
}

export class Ledger {
  private readonly lives: Array<WrittenLife> = []
  private inFlight: InFlight | undefined

  /** An operation begins; what it would lead to is from now on what may be found. */
  begin(act: Act): void {
    this.inFlight = { act, life: this.lifeOf(act) }
    const { life } = this.inFlight
    if (life !== undefined) life.positions.push(nextOf(act, life))
  }

  /** A new snapshot has got its id. */
  drew(id: string): void {
    if (this.inFlight?.life !== undefined && this.inFlight.life.id === undefined) this.inFlight.life.id = id
  }

  /** It has returned; `info` is what is known of the snapshot by now. */
  acknowledge(info: Info | undefined): void {
    const { act, life } = this.taken()
    if (life === undefined) return
    const last = life.positions.pop()
    if (last !== undefined) life.positions.push({ ...last, info })
    if (act.durability === "full") settle(life, act.op !== "remove")
  }

  /** It has failed, and changed nothing. */
  refuse(): void {
    this.taken().life?.positions.pop()
  }

  private taken(): InFlight {
    const { inFlight } = this
    if (inFlight === undefined) throw new Error("nothing was begun")
    this.inFlight = undefined
    return inFlight
  }

  /** Somebody writes into an active snapshot, or is done with it: what it shows from now on. */
  wrote(key: string, shows: Picture | undefined): void {
    const life = this.living(key)
    const last = life?.positions.pop()
    if (life !== undefined && last !== undefined) life.positions.push({ ...last, shows, isWritten: true })
  }

  /** As it is at this moment. */
  state(): State {
    const copies = new Map<WrittenLife, Life>()
    const copy = (life: WrittenLife): Life => {
      const known = copies.get(life)
      if (known !== undefined) return known
      const made = {
        ...life,
        positions: [...life.positions],
        parent: life.parent === undefined ? undefined : copy(life.parent)
      }
      copies.set(life, made)
      return made
    }
    return { lives: this.lives.map(copy), inFlight: this.inFlight?.act }
  }

  /** The snapshots that there are, each with what it is, and whether it has children. */
  present(): ReadonlyArray<Position & { readonly isParent: boolean }> {
    const living = this.lives.filter((life) => life.positions.at(-1)?.kind !== "gone")
    const parents = new Set(living.map(({ parent }) => parent))
    return living.flatMap((life) => life.positions.slice(-1).map((last) => ({ ...last, isParent: parents.has(life) })))
  }

  private living(name: string): WrittenLife | undefined {
    return this.lives.find((life) => life.positions.at(-1)?.kind !== "gone" && life.positions.at(-1)?.name === name)
  }

  private lifeOf(act: Act): WrittenLife | undefined {
    switch (act.op) {
      case "prepare":
      case "view": {
        const parent = act.parent === undefined ? undefined : this.living(act.parent)
        const life: WrittenLife = { parent, id: undefined, positions: [], settled: -1 }
        this.lives.push(life)
        return life
      }
      case "commit":
        return this.living(act.key)
      case "update":
      case "remove":
        return this.living(act.name)
      case "cleanup":
      case "reopen":
        return undefined
    }
  }
}

const nextOf = (act: Act, { parent, positions }: WrittenLife): Position => {
  const before = positions.at(-1)
  const full = act.durability === "full"
  const same: Position = {
    kind: "gone",
    name: before?.name ?? "",
    labels: before?.labels ?? {},
    info: undefined,
    // What was promised before is not destroyed by what is not.
    durable: full || before?.durable === true,
    shows: before?.shows,
    isWritten: before?.isWritten ?? false
  }
  switch (act.op) {
    case "prepare":
    case "view": {
      const kind = act.op === "view" ? "view" : "active"
      return { ...same, kind, name: act.key, durable: full, shows: parent?.positions.at(-1)?.shows }
    }
    case "commit":
      return { ...same, kind: "committed", name: act.name, labels: act.labels, durable: full, isWritten: false }
    case "update":
      return { ...same, kind: before?.kind ?? "gone", labels: { ...same.labels, [act.label]: act.label } }
    case "remove":
    case "cleanup":
    case "reopen":
      return same
  }
}

/** What an operation at `full` has left is on disk, and what it stands on. */
const settle = (life: WrittenLife, withAncestors: boolean): void => {
  life.settled = life.positions.length - 1
  if (withAncestors && life.parent !== undefined) settle(life.parent, true)
}
