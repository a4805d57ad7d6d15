/**
 * What a log of operations and syncs says about a tree: what programs see now, every step that was taken to get there, and
 * up to which step each thing is on disk. Pure. Written apart from memory-fs's simulated disk, and in another way, so that
 * each can be held against the other.
 */
import type { Type } from "./found.ts"
import type { Operation } from "./operation.ts"

/** Something that can have a name: the root is 0, what is made first 1, and so on. */
export type Node = number

export const root: Node = 0

/** One step: it is on disk wholly or not at all. */
export type Step =
  /** What names lead to from now on; `undefined`: to nothing. */
  | { readonly names: ReadonlyArray<NameChange> }
  /** Another mode, or the value of an extended attribute. */
  | { readonly node: Node; readonly attribute: string; readonly value: number | string }

export interface NameChange {
  readonly directory: Node
  readonly name: string
  readonly node: Node | undefined
}

export interface Made {
  readonly type: Type
  readonly mode: number
  readonly target: string
}

/** What is on disk for sure, counted: of all steps so far those that concern the node, and of the file's versions. */
export interface OnDisk {
  readonly steps: number
  readonly version: number
}

export interface Known {
  readonly made: Made
  /** All contents that the file has had, one after another; the first is what it was made with. */
  readonly versions: Array<string>
  /** By the last sync of any kind that concerned it. */
  synced: OnDisk
  /** By the last `syncfs` alone. */
  syncedAll: OnDisk
  readonly entries: Map<string, Node>
  mode: number
  readonly xattrs: Map<string, string>
}

export interface History {
  readonly nodes: ReadonlyArray<Known>
  readonly steps: ReadonlyArray<Step>
}

/** The history of a tree that was empty, and on disk, before the first of them. */
export const historyOf = (operations: ReadonlyArray<Operation>): History => {
  const writer = new Writer()
  for (const operation of operations) writer.add(operation)
  return writer
}

const rootMode = 0o755

class Writer implements History {
  readonly nodes: Array<Known> = [known({ type: "directory", mode: rootMode, target: "" })]
  readonly steps: Array<Step> = []

  add(operation: Operation): void {
    switch (operation.do) {
      case "mkdir":
        return this.make(operation.path, { type: "directory", mode: operation.mode, target: "" })
      case "create":
        this.make(operation.path, { type: "file", mode: operation.mode, target: "" })
        return this.rewrite(operation.path, () => operation.text)
      case "symlink":
        return this.make(operation.path, { type: "symlink", mode: 0o777, target: operation.target })
      case "whiteout":
        return this.make(operation.path, { type: "whiteout", mode: 0, target: "" })
      case "write":
        return this.rewrite(operation.path, (text) => overwritten(text, operation.offset, operation.text))
      case "truncate":
        return this.rewrite(operation.path, (text) => resized(text, operation.length))
      case "link":
        return this.change([this.named(operation.to, this.at(operation.from))])
      case "rename":
        return this.rename(operation.from, operation.to)
      case "exchange":
        return this.exchange(operation.from, operation.to)
      case "unlink":
      case "rmdir":
        return this.change([this.named(operation.path, undefined)])
      case "chmod":
        this.nodeAt(operation.path).mode = operation.mode
        return void this.steps.push({ node: this.at(operation.path), attribute: "mode", value: operation.mode })
      case "setxattr": {
        const { name, path, value } = operation
        this.nodeAt(path).xattrs.set(name, value)
        return void this.steps.push({ node: this.at(path), attribute: name, value })
      }
      case "fsync file":
      case "fsync directory":
        return this.sync(this.nodeAt(operation.path))
      case "syncfs":
        for (const node of reachable(this, root)) this.syncAll(knownOf(this, node))
    }
  }

  private make(path: string, made: Made): void {
    this.nodes.push(known(made))
    this.change([this.named(path, this.nodes.length - 1)])
  }

  /** Two names of one file both stay. */
  private rename(from: string, to: string): void {
    const node = this.at(from)
    if (find(this, to) !== node) this.change([this.named(from, undefined), this.named(to, node)])
  }

  private exchange(one: string, other: string): void {
    const [node, another] = [this.at(one), this.at(other)]
    if (node !== another) this.change([this.named(one, another), this.named(other, node)])
  }

  private named(path: string, node: Node | undefined): NameChange {
    const slash = path.lastIndexOf("/")
    return { directory: this.at(path.slice(0, Math.max(slash, 0))), name: path.slice(slash + 1), node }
  }

  private change(names: ReadonlyArray<NameChange>): void {
    for (const { directory, name, node } of names) {
      if (node === undefined) knownOf(this, directory).entries.delete(name)
      else knownOf(this, directory).entries.set(name, node)
    }
    this.steps.push({ names })
  }

  private rewrite(path: string, by: (text: string) => string): void {
    const { versions } = this.nodeAt(path)
    const next = by(versions.at(-1) ?? "")
    if (next !== versions.at(-1)) versions.push(next)
  }

  private sync(node: Known): void {
    node.synced = { steps: this.steps.length, version: node.versions.length - 1 }
  }

  private syncAll(node: Known): void {
    this.sync(node)
    node.syncedAll = node.synced
  }

  private at(path: string): Node {
    const node = find(this, path)
    if (node === undefined) throw new Error(`there is no ${path}`)
    return node
  }

  private nodeAt(path: string): Known {
    return knownOf(this, this.at(path))
  }
}

const known = (made: Made): Known => ({
  made,
  versions: made.type === "file" ? [""] : [],
  synced: { steps: 0, version: 0 },
  syncedAll: { steps: 0, version: 0 },
  entries: new Map(),
  mode: made.mode,
  xattrs: new Map()
})

export const knownOf = ({ nodes }: History, node: Node): Known => {
  const found = nodes[node]
  if (found === undefined) throw new Error(`there is no node ${node}`)
  return found
}

/** What programs see at a path. */
export const find = (history: History, path: string): Node | undefined => {
  let at: Node | undefined = root
  for (const name of path === "" ? [] : path.split("/")) {
    if (at !== undefined) at = knownOf(history, at).entries.get(name)
  }
  return at
}

/** A node and all that programs see below it. */
export const reachable = (history: History, from: Node): ReadonlySet<Node> => {
  const met = new Set([from])
  for (const node of met) for (const child of knownOf(history, node).entries.values()) met.add(child)
  return met
}

/** Everything that programs see, with its path; the root has the empty one. */
export const pathsOf = (history: History): ReadonlyArray<readonly [string, Known]> => {
  const all: Array<readonly [string, Known]> = []
  const visit = (path: string, node: Node) => {
    all.push([path, knownOf(history, node)])
    for (const [name, child] of knownOf(history, node).entries) visit(path === "" ? name : `${path}/${name}`, child)
  }
  visit("", root)
  return all
}

const overwritten = (text: string, offset: number, by: string): string =>
  resized(text, Math.max(text.length, offset + by.length)).slice(0, offset) + by + text.slice(offset + by.length)

const resized = (text: string, length: number): string => text.slice(0, length).padEnd(length, "\0")
