/**
 * What processes that are going to be killed say they are about to do, and have done; and what must be so once they are
 * dead. What was acknowledged has happened; what was only tried has happened or has not, and by what is found it is
 * decided for good.
 */
import type { Info } from "@snapshotter/core/Snapshot"

/** Something done inside a mounted snapshot. */
export type Change =
  | { readonly write: string; readonly token: string; readonly bytes: number }
  | { readonly delete: string }

export type Act =
  | { readonly op: "prepare" | "view"; readonly key: string; readonly parent?: string }
  | {
    readonly op: "commit"
    readonly name: string
    readonly key: string
    readonly parent?: string
    readonly changes: ReadonlyArray<Change>
  }
  | { readonly op: "remove"; readonly name: string }
  | { readonly op: "update"; readonly name: string; readonly label: string; readonly value: number }

/** One line of a process: before it does something, and after. `outcome` is `done` or the tag of the failure. */
export type Line = { readonly tries: Act } | { readonly ack: Act; readonly outcome: string }

/** What a file written with this token holds: no two tokens have the same text, nor parts of it. */
export const textOf = (token: string, bytes: number): string =>
  `${token}\n`.repeat(Math.ceil(bytes / (token.length + 1)))

/** What became of a key or name, which is made once and removed once, if ever. */
interface Fate {
  /** How it came to be, or would have. */
  readonly act: Act
  /** Whether it was made: `undefined` where whoever tried died before an answer. */
  made: boolean | undefined
  /** Whether it is gone again: removed, or, for a key, committed. `undefined` where whoever tried died. */
  ended: boolean | undefined
  /** Who has begun to remove it and has no answer. */
  removing: number
}

interface Label {
  acknowledged: number
  tried: number
}

/** The files of a tree, by path. */
export type Tree = Map<string, string>

export class Journal {
  private readonly fates = new Map<string, Fate>()
  private readonly labels = new Map<string, Label>()
  acknowledged = 0

  /**
   * All that processes have said which are dead by now. Nothing is known of the order between two of them, but that a name
   * was made before anybody removed it.
   */
  hear(lines: ReadonlyArray<Line>): void {
    const makes = ({ op }: Act) => op === "prepare" || op === "view" || op === "commit"
    const acts = lines.map((line) => "ack" in line ? { act: line.ack, outcome: line.outcome } : { act: line.tries })
    for (const { act, outcome } of acts.filter((one) => makes(one.act))) this.making(act, outcome)
    for (const { act, outcome } of acts.filter((one) => !makes(one.act))) this.changing(act, outcome)
    this.acknowledged += lines.filter((line) => "ack" in line).length
  }

  private making(act: Act, outcome: string | undefined): void {
    const done = outcome === undefined ? undefined : outcome === "done"
    if (act.op === "prepare" || act.op === "view") this.fate(act.key, act).made = done
    if (act.op !== "commit") return
    this.fate(act.name, act).made = done
    this.fate(act.key, act).ended = done
  }

  private changing(act: Act, outcome: string | undefined): void {
    if (act.op === "remove") {
      const fate = this.fate(act.name, act)
      fate.removing += outcome === undefined ? 1 : -1
      if (outcome === "done" || outcome === "SnapshotNotFound") fate.ended = true
    }
    if (act.op === "update") {
      const id = `${act.name} ${act.label}`
      const acknowledged = this.labels.get(id)?.acknowledged ?? 0
      this.labels.set(id, { acknowledged: outcome === "done" ? act.value : acknowledged, tried: act.value })
    }
  }

  private fate(name: string, act: Act): Fate {
    const known = this.fates.get(name) ?? { act, made: false, ended: false, removing: 0 }
    this.fates.set(name, known)
    return known
  }

  /** All that is not as it must be, in words. Afterwards what was open is decided, by what was found. */
  settle(infos: ReadonlyArray<Info>): ReadonlyArray<string> {
    const found = new Map(infos.map((info) => [String(info.name), info]))
    const wrong = [...found.keys()].filter((name) => !this.fates.has(name)).map((name) =>
      `${name} is there, made by nobody`
    )
    for (const [name, fate] of this.fates) {
      const info = found.get(name)
      const { act, ended, made, removing } = fate
      if (info === undefined && made === true && ended === false && removing === 0) {
        wrong.push(`${name} was acknowledged and is not there`)
      }
      if (info !== undefined && (made === false || ended === true)) wrong.push(`${name} is gone and is back`)
      if (info !== undefined) wrong.push(...this.misfits(act, info))
      if (act.op === "commit") wrong.push(...this.halves(act, fate, found))
      Object.assign(fate, { made: info !== undefined, ended: info === undefined, removing: 0 })
    }
    return wrong
  }

  /** A commit without answer has happened, then the key is gone; or it has not, then the key is still there. */
  private halves(act: Extract<Act, { readonly op: "commit" }>, fate: Fate, found: ReadonlyMap<string, Info>) {
    if (fate.made !== undefined || fate.ended === true || fate.removing > 0) return []
    const [name, key] = [found.has(act.name), found.has(act.key)]
    return name === key ? [`${act.name} and ${act.key} are ${name ? "both" : "neither of them"} there`] : []
  }

  private misfits(made: Act, info: Info): ReadonlyArray<string> {
    const wrong: Array<string> = []
    const kind = made.op === "prepare" ? "active" : made.op === "view" ? "view" : "committed"
    if (info.kind !== kind) wrong.push(`${info.name} is ${info.kind} and was made by ${made.op}`)
    const parent = "parent" in made ? made.parent : undefined
    if (info.parent !== parent) wrong.push(`${info.name} has the parent ${info.parent} instead of ${parent}`)
    for (const [id, { acknowledged, tried }] of this.labels) {
      const [name, label = ""] = id.split(" ")
      const value = Number(info.labels[label] ?? 0)
      if (name === info.name && (value < acknowledged || value > tried)) {
        wrong.push(`${id} is ${value}; ${acknowledged} was acknowledged and ${tried} tried`)
      }
    }
    return wrong
  }

  /** What a committed snapshot must show. */
  tree(name: string): Tree {
    const made = this.fates.get(name)?.act
    if (made?.op !== "commit") throw new Error(`${name} was never committed`)
    const tree: Tree = made.parent === undefined ? new Map() : this.tree(made.parent)
    for (const change of made.changes) {
      if ("write" in change) tree.set(change.write, textOf(change.token, change.bytes))
      else for (const path of tree.keys()) if (`${path}/`.startsWith(`${change.delete}/`)) tree.delete(path)
    }
    return tree
  }
}
