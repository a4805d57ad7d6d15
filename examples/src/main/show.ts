/** Numbers, the forest and mounts as text. */
import type { Mount, Snapshot } from "@snapshotter/core"

export const number = (value: number): string => value.toLocaleString("en-US")

/** `1 file`, `2 files` */
export const count = (value: number, what: string): string => `${number(value)} ${what}${value === 1 ? "" : "s"}`

export const bytes = (value: number): string => {
  if (value < 1_000) return `${value} B`
  if (value < 1_000_000) return `${(value / 1_000).toFixed(1)} kB`
  if (value < 1_000_000_000) return `${(value / 1_000_000).toFixed(1)} MB`
  return `${(value / 1_000_000_000).toFixed(2)} GB`
}

export const duration = (milliseconds: number): string => {
  if (milliseconds < 10) return `${milliseconds.toFixed(2)} ms`
  if (milliseconds < 1_000) return `${milliseconds.toFixed(0)} ms`
  return `${(milliseconds / 1_000).toFixed(2)} s`
}

/** How a time compares with another: `1.3 times` or `1/250` of it. */
export const ratio = (milliseconds: number, whole: number): string => {
  const part = milliseconds / whole
  return part >= 0.1 ? `${part.toFixed(1)} times` : `1/${number(Math.round(1 / part))}`
}

/** The same, with what it is compared with. */
export const ratioOf = (milliseconds: number, whole: number, what: string): string => {
  const compared = ratio(milliseconds, whole)
  return compared.endsWith("times") ? `${compared} ${what}` : `${compared} of ${what}`
}

/** A line of what was done, how long it took, and what else there is to say of it. */
export const step = (what: string, time: string, remark = ""): string =>
  `${what.padEnd(70)}${time.padStart(9)}  ${remark}`.trimEnd()

/** At most so many characters, on one line. */
export const cut = (text: string, charactersMax: number): string => {
  const line = text.replaceAll(/\s+/g, " ")
  return line.length <= charactersMax ? line : `${line.slice(0, charactersMax - 1)}…`
}

export interface Node {
  readonly info: Snapshot.Info
  readonly usage: Snapshot.Usage
}

/** Snapshots as a tree: who was forked from whom, of what kind, and what its own layer holds. */
export const forest = (nodes: ReadonlyArray<Node>): ReadonlyArray<string> => {
  const below = (parent: string | undefined, indent: string): ReadonlyArray<string> => {
    const children = nodes.filter(({ info }) => info.parent === parent)
    return children.flatMap(({ info, usage }, at) => {
      const last = at === children.length - 1
      const [branch, further] = parent === undefined ? ["", ""] : last ? ["└─ ", "   "] : ["├─ ", "│  "]
      const holds = info.kind === "view"
        ? "no layer of its own"
        : `${bytes(usage.bytes).padStart(9)} in ${count(usage.inodes, "inode")}`
      return [
        `  ${(indent + branch + info.name).padEnd(30)} ${info.kind.padEnd(11)}${holds}`,
        ...below(info.name, indent + further)
      ]
    })
  }
  return below(undefined, "")
}

/** Mounts as they are: plain data. */
export const mountLines = (mounts: Mount.Mounts): ReadonlyArray<string> =>
  mounts.flatMap((mount) => [
    `  type ${mount.type}, source ${mount.source}`,
    ...mount.options.map((option) => `    ${option}`)
  ])
