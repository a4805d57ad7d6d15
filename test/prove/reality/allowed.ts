/**
 * Is this tree one that a machine may come up with? By a search, node after node from the root, for how many of the steps
 * of each place are on disk: a prefix of them, at least what was synced there, and a step that is in two places in both or
 * in neither. Pure and slow.
 *
 * A place is what steps cannot overtake each other in. In the model it is a directory with its attributes, or a file's
 * attributes. A {@link Departure} is a way in which a real file system does other than the model; with some of them
 * granted, the search says whether a tree is explained then.
 */
import { type Fate, fateOf, representative } from "./contents.ts"
import type { Found } from "./found.ts"
import { type History, knownOf, type Node, type OnDisk, reachable, root } from "./history.ts"

/** How much of the model each gives up: what has to be explained is explained with as little as possible. */
const costs = {
  /** A file holds contents that it had meanwhile, or a mix of them: more than the last and the synced ones are remembered. */
  contents: 1,
  /** Attributes of a directory, and its names, overtake each other. */
  attributes: 1,
  /** Names in one directory overtake each other. */
  names: 1,
  /** A rename is there in one of its directories and not in the other: what was renamed comes up in both, or in neither. */
  renames: 1,
  /** What `fsync` promised is not there; `syncfs` counts. */
  fsync: 5,
  /** A name is gone, and what it led to, which was made, or has lost its last name, since the last `syncfs`. */
  nodes: 5,
  /** It leads to something else instead: one that was taken away to what came later, a new one to what was there before. */
  inodes: 10
} as const

export type Departure = keyof typeof costs
export const departures = Object.keys(costs) as ReadonlyArray<Departure>

export type Granted = ReadonlySet<Departure>

const nothingGranted: Granted = new Set()

/** How a tree comes about. */
export interface Explanation {
  /** What became of contents that are not as they were written, or were not synced. */
  readonly fates: ReadonlySet<Fate>
  /** The same tree as the simulated disk gives it: files that are cut or have zeros in the one way that it knows. */
  readonly representative: Found
}

/** `undefined` for what nothing explains. */
export const explain = (
  history: History,
  tree: Found,
  granted: Granted = nothingGranted
): Explanation | undefined => {
  const search = new Search(history, granted)
  const bounds = search.settled(search.initial())
  if (bounds === undefined) return undefined
  const nodes = search.solve([{ node: root, found: tree }], { bounds, nodes: new Map(), identities: new Map() })
  if (nodes === undefined) return undefined
  return { fates: fatesOf(search, nodes), representative: represented(search, nodes, tree) }
}

/**
 * Whether a tree is explained by less than the model allows: all names and attributes as they were after some step, as if
 * the whole disk were one place.
 */
export const isInOneOrder = (history: History, tree: Found): boolean =>
  [0, ...history.steps.map((_, at) => at + 1)].some((count) => explain(wholeUntil(history, count), tree) !== undefined)

/** Nothing but the first steps, and all of them for sure. */
const wholeUntil = ({ nodes, steps }: History, count: number): History => ({
  nodes: nodes.map((known) => ({ ...known, synced: { ...known.synced, steps: count } })),
  steps: steps.slice(0, count)
})

/** The fewest departures that explain a tree; `undefined` where not even all of them do. */
export const departuresOf = (history: History, tree: Found): ReadonlyArray<Departure> | undefined =>
  subsets.find((some) => explain(history, tree, new Set(some)) !== undefined)

const subsets: ReadonlyArray<ReadonlyArray<Departure>> = Array.from(
  { length: 2 ** departures.length },
  (_, bits) => departures.filter((_, at) => (bits & (1 << at)) !== 0)
).sort((one, other) => costOf(one) - costOf(other))

function costOf(some: ReadonlyArray<Departure>): number {
  return some.reduce((sum, one) => sum + costs[one], 0)
}

// ============================================================ places

type Place = string

/** How many of a place's steps are on disk: at least, and at most. */
type Bounds = ReadonlyMap<Place, { readonly least: number; readonly most: number }>

interface Effect {
  readonly place: Place
  readonly of: { readonly name: string; readonly node: Node | undefined } | {
    readonly attribute: string
    readonly value: number | string
  }
}

/** One step, as it is under the departures that are granted: its effects are on disk together. */
type Together = ReadonlyArray<Effect>

interface State {
  readonly bounds: Bounds
  /** What was found for each node. */
  readonly nodes: ReadonlyMap<Node, Found>
  /** Which file each is that was found: two names of a file are two names of a file. */
  readonly identities: ReadonlyMap<bigint, Node>
}

interface Pair {
  readonly node: Node
  readonly found: Found
}

class Search {
  readonly history: History
  readonly granted: Granted
  /** Steps of each place, in their order. */
  private readonly steps = new Map<Place, Array<Together>>()
  private readonly leasts = new Map<Place, number>()
  /** Where each step stands in each of its places. */
  private readonly positions = new Map<Together, ReadonlyMap<Place, number>>()
  /** What programs saw at the end. */
  private readonly visible: ReadonlySet<Node>

  constructor(history: History, granted: Granted) {
    this.history = history
    this.granted = granted
    this.visible = reachable(history, root)
    for (const [at, step] of history.steps.entries()) {
      for (const together of this.partsOf(step)) this.enter(together, at)
    }
  }

  private partsOf(step: History["steps"][number]): ReadonlyArray<Together> {
    if (!("names" in step)) {
      return [[{ place: this.attributePlace(step.node, step.attribute), of: step }]]
    }
    const effects = step.names.map((of): Effect => ({ place: this.namePlace(of.directory, of.name), of }))
    return this.granted.has("renames") ? effects.map((effect) => [effect]) : [effects]
  }

  private namePlace(directory: Node, name: string): Place {
    return this.granted.has("names") ? `${directory}/${name}` : `${directory}`
  }

  private attributePlace(node: Node, attribute: string): Place {
    return this.granted.has("attributes") ? `${node}#${attribute}` : `${node}`
  }

  private enter(together: Together, at: number): void {
    const positions = new Map<Place, number>()
    for (const { place } of together) {
      if (positions.has(place)) continue
      const steps = this.steps.get(place) ?? []
      this.steps.set(place, steps)
      steps.push(together)
      positions.set(place, steps.length - 1)
      if (at < this.onDisk(nodeOf(place)).steps) this.leasts.set(place, steps.length)
    }
    this.positions.set(together, positions)
  }

  private onDisk(node: Node): OnDisk {
    const { synced, syncedAll } = knownOf(this.history, node)
    return this.granted.has("fsync") ? syncedAll : synced
  }

  initial(): Bounds {
    return new Map(
      [...this.steps].map(([place, { length }]) => [place, { least: this.leasts.get(place) ?? 0, most: length }])
    )
  }

  /**
   * What follows from bounds for places that share steps; `undefined` where they contradict each other. Where they do not,
   * there is a solution, since all of them at their least are one.
   */
  settled(bounds: Bounds, changed: Iterable<Place> = bounds.keys()): Bounds | undefined {
    const settled = new Map(bounds)
    const agenda = new Set(changed)
    for (const place of agenda) {
      agenda.delete(place)
      const { least, most } = boundsOf(settled, place)
      if (least > most) return undefined
      for (const [at, together] of (this.steps.get(place) ?? []).entries()) {
        if (at >= least && at < most) continue
        for (const [other, position] of this.positions.get(together) ?? []) {
          const before = boundsOf(settled, other)
          const after = at < least
            ? { ...before, least: Math.max(before.least, position + 1) }
            : { ...before, most: Math.min(before.most, position) }
          if (after.least === before.least && after.most === before.most) continue
          settled.set(other, after)
          agenda.add(other)
        }
      }
    }
    return settled
  }

  // ============================================================ the search

  /** Which node is which of what was found, if the pairs can be matched, and all below them. */
  solve(pairs: ReadonlyArray<Pair>, state: State): State["nodes"] | undefined {
    const [pair, ...rest] = pairs
    if (pair === undefined) return state.nodes
    const { found, node } = pair
    const isFile = found.type === "file"
    if (found.entries.size > 0 && found.type !== "directory") return undefined
    const nodeBefore = isFile ? state.identities.get(found.identity) : undefined
    if (nodeBefore !== undefined) {
      const before = state.nodes.get(node)
      return before !== undefined && isSameFile(before, found) ? this.solve(rest, state) : undefined
    }
    if (this.mayBeAnother(node)) return this.solve(rest, state)
    if ((state.nodes.has(node) && !this.granted.has("renames")) || !this.canBe(node, found)) return undefined
    const met = {
      bounds: state.bounds,
      nodes: new Map(state.nodes).set(node, found),
      identities: isFile ? new Map(state.identities).set(found.identity, node) : state.identities
    }
    return this.solvePlaces(this.placesOf(node), pair, rest, met)
  }

  /** What of it does not depend on how many steps are on disk. */
  private canBe(node: Node, found: Found): boolean {
    const { made } = knownOf(this.history, node)
    if (made.type !== found.type) return false
    if (made.type === "symlink") return made.target === found.target
    if (made.type !== "file") return true
    const fate = fateOf(this.versionsOf(node), found.text)
    return fate !== undefined && (fate !== "mixed" || this.granted.has("contents"))
  }

  versionsOf(node: Node): ReadonlyArray<string> {
    return knownOf(this.history, node).versions.slice(this.onDisk(node).version)
  }

  private placesOf(node: Node): ReadonlyArray<Place> {
    return [...this.steps.keys()].filter((place) => nodeOf(place) === node)
  }

  private solvePlaces(
    places: ReadonlyArray<Place>,
    pair: Pair,
    rest: ReadonlyArray<Pair>,
    state: State
  ): State["nodes"] | undefined {
    const [place, ...others] = places
    if (place === undefined) {
      const children = this.childrenOf(pair, state.bounds)
      return children === undefined ? undefined : this.solve([...children, ...rest], state)
    }
    const { least, most } = boundsOf(state.bounds, place)
    for (let count = most; count >= least; count--) {
      const bounds = this.settled(new Map(state.bounds).set(place, { least: count, most: count }), [place])
      if (bounds === undefined || !this.fits(place, count, pair.found)) continue
      const solved = this.solvePlaces(others, pair, rest, { ...state, bounds })
      if (solved !== undefined) return solved
    }
    return undefined
  }

  /** Whether what was found has the names that the place is about. The rest is seen once all places of a node are decided. */
  private fits(place: Place, count: number, { entries }: Found): boolean {
    const names = new Map<string, Node | undefined>()
    for (const effect of this.effectsOn(place)) if ("name" in effect.of) names.set(effect.of.name, undefined)
    for (const effect of this.effectsOn(place, count)) {
      if ("name" in effect.of) names.set(effect.of.name, effect.of.node)
    }
    return [...names].every(([name, node]) => entries.has(name) ? node !== undefined : this.mayBeAbsent(node))
  }

  private mayBeAbsent(node: Node | undefined): boolean {
    return node === undefined || (this.granted.has("nodes") && !this.isThroughout(node))
  }

  private mayBeAnother(node: Node): boolean {
    return this.granted.has("inodes") && !this.isThroughout(node)
  }

  /** Whether it was there at the last `syncfs`, and still is. */
  private isThroughout(node: Node): boolean {
    return knownOf(this.history, node).syncedAll.steps > 0 && this.visible.has(node)
  }

  private effectsOn(place: Place, count?: number): ReadonlyArray<Effect> {
    return (this.steps.get(place) ?? []).slice(0, count).flatMap((together) =>
      together.filter((effect) => effect.place === place)
    )
  }

  /** What has to match below, once all places of a node are decided; `undefined` where it does not match itself. */
  private childrenOf({ found, node }: Pair, bounds: Bounds): ReadonlyArray<Pair> | undefined {
    const entries = new Map<string, Node | undefined>()
    const attributes = new Map<string, number | string>([["mode", knownOf(this.history, node).made.mode]])
    for (const place of this.placesOf(node)) {
      for (const { of } of this.effectsOn(place, boundsOf(bounds, place).least)) {
        if ("name" in of) entries.set(of.name, of.node)
        else attributes.set(of.attribute, of.value)
      }
    }
    if (!isEqual(attributes, attributesOf(found))) return undefined
    const pairs: Array<Pair> = []
    for (const [name, child] of found.entries) {
      const node = entries.get(name)
      if (node === undefined) return undefined
      pairs.push({ node, found: child })
    }
    return pairs
  }
}

const isSameFile = (one: Found, other: Found): boolean =>
  one.identity === other.identity && one.text === other.text && isEqual(attributesOf(one), attributesOf(other))

const nodeOf = (place: Place): Node => Number.parseInt(place, 10)

const boundsOf = (bounds: Bounds, place: Place) => bounds.get(place) ?? { least: 0, most: 0 }

const attributesOf = ({ mode, type, xattrs }: Found): ReadonlyMap<string, number | string> =>
  new Map<string, number | string>([["mode", type === "symlink" ? 0o777 : mode], ...xattrs])

const isEqual = <A>(one: ReadonlyMap<string, A>, other: ReadonlyMap<string, A>): boolean =>
  one.size === other.size && [...one].every(([name, value]) => other.get(name) === value)

// ============================================================ what it says about files

const fatesOf = (search: Search, nodes: ReadonlyMap<Node, Found>): ReadonlySet<Fate> => {
  const fates = new Set<Fate>()
  for (const [node, { text, type }] of nodes) {
    const versions = type === "file" ? search.versionsOf(node) : []
    const fate = versions.length > 1 ? fateOf(versions, text) : undefined
    if (fate !== undefined) fates.add(fate)
  }
  return fates
}

const represented = (search: Search, nodes: ReadonlyMap<Node, Found>, tree: Found): Found => {
  const files = new Map<bigint, Node>()
  for (const [node, { identity, type }] of nodes) if (type === "file") files.set(identity, node)
  const visit = (found: Found): Found => {
    const file = found.type === "file" ? files.get(found.identity) : undefined
    return {
      ...found,
      text: file === undefined ? found.text : representative(search.versionsOf(file), found.text),
      entries: new Map([...found.entries].map(([name, child]) => [name, visit(child)]))
    }
  }
  return visit(tree)
}
