/**
 * The model, the commands and the world of `@snapshotter/core/testing`, bound to fast-check: random programs, shrunk when
 * one of them finds the model and a backend at odds, counted by what they did.
 */
import type { Command, Response } from "@snapshotter/core/testing/Command"
import { files, identifiers, labelOf, paths, render, type Slot, slots } from "@snapshotter/core/testing/Command"
import { applies, empty, type Model, type Overlays, step } from "@snapshotter/core/testing/Model"
import type { Node, Tree } from "@snapshotter/core/testing/Tree"
import { canonical, sameResponse, type World } from "@snapshotter/core/testing/World"
import { Effect } from "effect"
import * as fc from "fast-check"

/** What a run of the property needs from a backend. */
export interface Setting {
  /** For messages and for the replay: the test file. */
  readonly file: string
  readonly overlays?: Overlays
  readonly runs: number
  readonly commandsMax: number
  /** Runs one program in a world of its own, all of which is gone afterwards. */
  readonly inWorld: (program: (world: World) => Effect.Effect<void>) => Promise<void>
}

/** What new files and directories in the model have is what is left by this. */
process.umask(0o022)

/** Outcomes that a program of some operation must meet in at least one of a hundred. */
const floors: Readonly<Record<string, ReadonlyArray<string>>> = {
  prepare: [
    "success",
    "KeyTaken",
    "ParentNotFound",
    "ParentNotCommitted",
    "TooManyLayers",
    "InvalidKey",
    "InvalidLabels"
  ],
  view: ["success", "KeyTaken", "ParentNotFound", "ParentNotCommitted", "TooManyLayers", "InvalidKey", "InvalidLabels"],
  mounts: ["success", "SnapshotNotFound", "NotMountable", "InvalidKey"],
  commit: ["success", "SnapshotNotFound", "NotActive", "NameTaken", "Busy", "InvalidKey", "InvalidLabels"],
  remove: ["success", "SnapshotNotFound", "HasChildren", "Busy", "InvalidKey"],
  stat: ["success", "SnapshotNotFound", "InvalidKey"],
  update: ["success", "SnapshotNotFound", "InvalidKey", "InvalidLabels", "ImmutableField"],
  usage: ["success", "SnapshotNotFound", "InvalidKey"],
  walk: ["success", "InvalidFilter"],
  cleanup: ["success"],
  check: ["success"],
  relink: ["success"],
  reopen: ["success"],
  mount: ["success", "SnapshotNotFound", "AlreadyMounted"],
  unmount: ["success"],
  write: ["success", "EROFS", "EISDIR", "ENOTDIR"],
  append: ["success", "EROFS", "EISDIR", "ENOENT"],
  makeDirectory: ["success", "EROFS", "EEXIST", "ENOENT", "ENOTDIR"],
  symlink: ["success", "EROFS", "EEXIST", "ENOENT"],
  link: ["success", "EROFS", "EEXIST", "ENOENT", "EPERM"],
  rename: ["success", "EROFS", "ENOENT", "EXDEV", "EISDIR", "ENOTDIR", "ENOTEMPTY", "EINVAL"],
  chmod: ["success", "EROFS", "ENOENT"],
  delete: ["success", "EROFS"]
}

/** Runs the property and prints what it did. A failure prints the one command that replays it. */
export const proveModel = async (setting: Setting): Promise<void> => {
  const counts = new Map<string, number>()
  const seed = process.env["SNAPSHOTTER_SEED"]
  const path = process.env["SNAPSHOTTER_PATH"]
  const replayPath = process.env["SNAPSHOTTER_REPLAY"]
  const commands = fc.commands(
    commandOf.map((one) => one.map((command) => new Run(command, counts))),
    { maxCommands: setting.commandsMax, size: "max", ...(replayPath === undefined ? {} : { replayPath }) }
  )
  const property = fc.asyncProperty(
    fc.constantFrom(...beginnings),
    commands,
    (beginning, program) =>
      setting.inWorld((world) =>
        Effect.promise(async () => {
          const state = { model: empty(setting.overlays) }
          for (const command of beginning) await new Run(command, new Map(), "answer").run(state, world)
          await fc.asyncModelRun(() => ({ model: state, real: world }), program)
          await Effect.runPromise(world.agreesInDepth(state.model))
        })
      )
  )
  const result = await fc.check(property, {
    numRuns: setting.runs,
    ...(seed === undefined ? {} : { seed: Number(seed) }),
    ...(path === undefined ? {} : { path }),
    endOnFailure: path !== undefined
  })
  if (result.failed) throw new Error(failureText(setting, result))
  if (path === undefined) report(setting, counts, result.numRuns)
}

/** A command as fast-check wants it: whom it is about is chosen when its turn comes, and shown as it was chosen. */
class Run implements fc.AsyncCommand<{ model: Model }, World> {
  readonly template: Command
  readonly counts: Map<string, number>
  readonly compares: "answer" | "everything"
  command: Command

  constructor(template: Command, counts: Map<string, number>, compares: "answer" | "everything" = "everything") {
    this.template = template
    this.command = template
    this.counts = counts
    this.compares = compares
  }

  check({ model }: Readonly<{ model: Model }>) {
    return answerable(model, this.template) && applies(model, resolve(model, this.template))
  }

  async run(state: { model: Model }, world: World) {
    this.command = resolve(state.model, this.template)
    const expected = step(state.model, this.command)
    const actual: Response = await Effect.runPromise(world.run(this.command))
    const label = labelOf(this.command, actual)
    this.counts.set(label, (this.counts.get(label) ?? 0) + 1)
    if (!sameResponse(actual, expected.response)) {
      throw new Error(`${this}: the answer is ${canonical(actual)} instead of ${canonical(expected.response)}`)
    }
    state.model = expected.model
    if (this.compares === "everything") await Effect.runPromise(world.agrees(state.model))
  }

  toString() {
    return render(this.command)
  }
}

type Program = fc.AsyncCommand<{ model: Model }, World>

/** A base with everything that a fork can come upon: files, one of them with two names, directories and a symlink. */
const base: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "a" },
  { _tag: "mount", slot: 0, key: "a" },
  { _tag: "write", slot: 0, path: "f", text: "x" },
  { _tag: "link", slot: 0, from: "f", to: "g" },
  { _tag: "write", slot: 0, path: "d/f", text: "yy" },
  { _tag: "symlink", slot: 0, path: "d/g" },
  { _tag: "write", slot: 0, path: "d/e/f", text: "x" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "b", key: "a" }
]

/** What a store may hold at first: nothing, a chain as long as it may be, or a base with a fork and a view, both mounted. */
const beginnings: ReadonlyArray<ReadonlyArray<Command>> = [
  [],
  [
    ...base,
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "commit", name: "d", key: "c" },
    { _tag: "prepare", key: "e", parent: "d" },
    { _tag: "commit", name: "f", key: "e" }
  ],
  [
    ...base,
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "view", key: "d", parent: "b" },
    { _tag: "mount", slot: 0, key: "c" },
    { _tag: "mount", slot: 1, key: "d" }
  ]
]

// ============================================================ generators

/** Somebody who is, or is not, when the command's turn comes; `at` chooses among several. Else a name, whoever bears it. */
type Somebody = "active" | "view" | "committed" | "deepest" | "mounted" | "anybody" | "nobody"

const bad = fc.constantFrom("", "a\0b", "\ud800")

const who = (...somebodies: ReadonlyArray<Somebody>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 14, arbitrary: fc.tuple(fc.constantFrom(...somebodies), fc.nat(7)).map(([who, at]) => `?${who} ${at}`) },
    { weight: 4, arbitrary: fc.constantFrom(...identifiers) },
    { weight: 2, arbitrary: bad }
  )

/** Whether there is somebody such as it asks for. Where not, one in four goes on about anybody, so that it fails. */
const answerable = (model: Model, template: Command): boolean =>
  Object.entries(template).every(([field, value]) => {
    if (typeof value !== "string" || !value.startsWith("?") || ["path", "from", "to"].includes(field)) return true
    const [who = "", at = "0"] = value.slice(1).split(" ")
    return Number(at) % 4 === 3 || candidatesFor(model, who as Somebody).length > 0
  })

/** The same command about names, places and paths where there is something to be done. */
const resolve = (model: Model, template: Command): Command => {
  const slot = "slot" in template ? slotOf(model, template, template.slot) : undefined
  return Object.fromEntries(
    Object.entries(template).map(([field, value]) => {
      if (field === "slot") return [field, slot]
      if (typeof value !== "string" || !value.startsWith("?")) return [field, value]
      return [field, ["path", "from", "to"].includes(field) ? pathOf(model, slot, value) : nameOf(model, value)]
    })
  ) as Command
}

/** To mount, one that is free; else one where something is mounted, more often one that can be written. */
const slotOf = (model: Model, template: Command, at: number): Slot => {
  const candidates = template._tag === "mount"
    ? slots.filter((slot) => !model.mounts.has(slot))
    : slots.flatMap((slot): ReadonlyArray<Slot> => {
      const writable = model.mounts.get(slot)?.writable
      return writable === undefined ? [] : writable ? [slot, slot, slot] : [slot]
    })
  return candidates[at % candidates.length] ?? 0
}

/** What may be at a path when the command's turn comes: `lower`, a directory of a parent's; `beyond`, below a file. */
type Something = "nothing" | "file" | "link" | "directory" | "full" | "lower" | "beyond"

const pathOf = (model: Model, slot: Slot | undefined, placeholder: string): string => {
  const [something = "", at = "0"] = placeholder.slice(1).split(" ")
  const tree = (slot === undefined ? undefined : model.mounts.get(slot))?.contents ?? new Map()
  const candidates = pathsWith(something as Something, tree)
  return candidates[Number(at) % candidates.length] ?? paths[Number(at) % paths.length] ?? "f"
}

const pathsWith = (something: Something, tree: Tree): ReadonlyArray<string> => {
  const directories = ["", ...pathsOf(tree, ({ type }) => type === "directory").map((path) => `${path}/`)]
  switch (something) {
    case "nothing":
      return paths.filter((path) => !tree.has(path) && directories.includes(path.slice(0, path.lastIndexOf("/") + 1)))
    case "file":
      return pathsOf(tree, ({ type }) => type !== "directory")
    case "link":
      return pathsOf(tree, (node) => pathsOf(tree, (one) => one === node).length > 1)
    case "directory":
      return pathsOf(tree, ({ type }) => type === "directory")
    case "full":
      return pathsOf(tree, ({ type }) => type === "directory").filter((directory) =>
        [...tree.keys()].some((path) => path.startsWith(`${directory}/`))
      )
    case "lower":
      return pathsOf(tree, ({ linksBelow, type }) => type === "directory" && linksBelow !== undefined)
    case "beyond":
      return pathsOf(tree, ({ type }) => type === "file").map((path) => `${path}/f`)
  }
}

const pathsOf = (tree: Tree, isSuch: (node: Node) => boolean): ReadonlyArray<string> =>
  [...tree].filter(([, node]) => isSuch(node)).map(([path]) => path)

const nameOf = (model: Model, placeholder: string): string => {
  const [who = "", at = "0"] = placeholder.slice(1).split(" ")
  const candidates = candidatesFor(model, who as Somebody)
  return candidates[Number(at) % candidates.length] ?? identifiers[Number(at) % identifiers.length] ?? "a"
}

const candidatesFor = (model: Model, who: Somebody): ReadonlyArray<string> => {
  const all = [...model.snapshots.keys()]
  if (who === "nobody") return identifiers.filter((name) => !model.snapshots.has(name))
  if (who === "anybody") return all
  if (who === "mounted") return all.filter((name) => isMounted(model, name))
  const kind = who === "deepest" ? "committed" : who
  const ofKind = all.filter((name) => model.snapshots.get(name)?.kind === kind)
  return who === "deepest"
    ? ofKind.toSorted((one, other) => depth(model, other) - depth(model, one)).slice(0, 1)
    : ofKind
}

/** Its own tree, or as part of another's. */
const isMounted = (model: Model, name: string): boolean =>
  [...model.mounts.values()].some(({ key, shows }) => key === name || shows.includes(name))

const depth = (model: Model, name: string): number => {
  const parent = model.snapshots.get(name)?.parent
  return parent === undefined ? 0 : 1 + depth(model, parent)
}

const label = fc.constantFrom("l", "m", "__proto__")
const value = fc.constantFrom("", "1", "2")
const labels = fc.oneof(
  { weight: 15, arbitrary: fc.constant(undefined) },
  { weight: 5, arbitrary: dictionary(value) },
  { weight: 2, arbitrary: fc.constant({ l: "x".repeat(4_096) }) }
)
const parent = fc.option(who("committed", "committed", "deepest", "deepest", "anybody"), { freq: 3, nil: undefined })
const slot = fc.nat(11) as fc.Arbitrary<Slot>

/** Own properties, `__proto__` too. */
function dictionary<A>(values: fc.Arbitrary<A>): fc.Arbitrary<Readonly<Record<string, A>>> {
  return fc.uniqueArray(fc.tuple(label, values), { selector: ([one]) => one, maxLength: 3 }).map((entries) =>
    Object.fromEntries(entries)
  )
}

const change = fc.oneof(
  { weight: 10, arbitrary: fc.record({ patch: dictionary(fc.option(value)) }) },
  { weight: 5, arbitrary: fc.record({ replace: dictionary(value) }) },
  { weight: 2, arbitrary: fc.constant({ patch: { m: "x".repeat(5_000) } }) },
  { weight: 2, arbitrary: fc.constant(Object.assign({ patch: {} }, { parent: "a" })) }
)

const tagged = <Tag extends Command["_tag"], Rest>(tag: Tag, rest: fc.Arbitrary<Rest>) =>
  rest.map((fields) => ({ _tag: tag, ...fields }))

const withoutUndefined = <A extends object>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  arbitrary.map((fields) => Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== undefined)) as A)

const creation = withoutUndefined(
  fc.record({ key: who("nobody", "nobody", "anybody"), parent, labels })
) as fc.Arbitrary<
  { readonly key: string; readonly parent?: string; readonly labels?: Readonly<Record<string, string>> }
>
const commitment = withoutUndefined(
  fc.record({ name: who("nobody", "nobody", "anybody"), key: who("active", "active", "active", "anybody"), labels })
) as fc.Arbitrary<
  { readonly name: string; readonly key: string; readonly labels?: Readonly<Record<string, string>> }
>
const subject = fc.record({ name: who("anybody", "anybody", "anybody", "nobody") })

/** A path with something there when the command's turn comes, or any. */
const somewhere = (...somethings: ReadonlyArray<Something>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...somethings), fc.nat(7)).map(([what, at]) => `?${what} ${at}`) },
    { weight: 1, arbitrary: fc.constantFrom(...paths) }
  )

const text = fc.constantFrom("", "x", "yy")
const writing = fc.record({
  slot,
  path: fc.oneof(fc.constantFrom(...files), somewhere("link", "file", "directory", "beyond")),
  text
})
const appending = fc.record({ slot, path: somewhere("link", "link", "file", "directory", "nothing"), text })
const making = fc.record({
  slot,
  path: fc.oneof(
    { weight: 9, arbitrary: somewhere("nothing", "nothing", "nothing", "directory", "beyond") },
    { weight: 1, arbitrary: fc.constant("missing/f") }
  )
})
const linking = fc.record({ slot, from: somewhere("file", "file", "link", "directory"), to: somewhere("nothing") })
const renaming = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ slot, from: somewhere("file", "link"), to: somewhere("nothing", "file", "link") })
  },
  { weight: 3, arbitrary: fc.record({ slot, from: somewhere("directory", "lower"), to: somewhere("nothing") }) },
  {
    weight: 4,
    arbitrary: fc.record({ slot, from: somewhere("file", "directory"), to: somewhere("file", "directory", "full") })
  }
)
const modes = fc.record({
  slot,
  path: somewhere("link", "file", "directory"),
  mode: fc.constantFrom(0o600, 0o755, 0o1777)
})
const removing = fc.record({ slot, path: somewhere("link", "file", "directory") })
const mounting = fc.record({ slot, key: who("active", "active", "view") })
const walking = fc.record({
  filters: fc.constantFrom<ReadonlyArray<string>>([], ["kind==active"], ["kind==view", "kind==committed"], ["name="])
})

const times = (count: number, arbitrary: fc.Arbitrary<Command>) => Array.from({ length: count }, () => arbitrary)

/** Each as often as it is listed: what builds a forest and works in it, more often than what looks at it. */
const commandOf: ReadonlyArray<fc.Arbitrary<Command>> = [
  ...times(6, tagged("prepare", creation)),
  ...times(6, tagged("commit", commitment)),
  ...times(6, tagged("mount", mounting)),
  ...times(8, tagged("write", writing)),
  ...times(7, tagged("rename", renaming)),
  ...times(4, tagged("link", linking)),
  ...times(3, tagged("append", appending)),
  ...times(3, tagged("makeDirectory", making)),
  ...times(2, tagged("symlink", making)),
  ...times(2, tagged("chmod", modes)),
  ...times(3, tagged("delete", removing)),
  ...times(3, tagged("view", creation)),
  tagged("remove", subject),
  tagged("remove", fc.record({ name: who("anybody", "anybody", "mounted", "nobody") })),
  ...times(2, tagged("unmount", fc.record({ slot }))),
  tagged("mounts", subject),
  tagged("stat", subject),
  tagged("usage", subject),
  tagged("update", fc.record({ name: who("anybody", "anybody", "nobody"), change })),
  tagged("walk", walking),
  ...(["cleanup", "check", "relink", "reopen"] as const).map((tag) => tagged(tag, fc.record({})))
]

// ============================================================ what is printed

const report = (setting: Setting, counts: ReadonlyMap<string, number>, runs: number): void => {
  const lines: Array<string> = []
  const missed: Array<string> = []
  let total = 0
  for (const [operation, outcomes] of Object.entries(floors)) {
    const all = [...counts].filter(([name]) => name.startsWith(`${operation}: `))
    const sum = all.reduce((so, [, count]) => so + count, 0)
    total += sum
    const seen = new Map(all)
    for (const outcome of outcomes) {
      // What overlays alone refuse.
      if (outcome === "EXDEV" && setting.overlays === "copied") continue
      const share = (seen.get(`${operation}: ${outcome}`) ?? 0) / Math.max(sum, 1)
      if (share < 0.01) missed.push(`${operation}: ${outcome} (${(share * 100).toFixed(2)} %)`)
    }
    const shares = all.sort(([, one], [, other]) => other - one).map(([name, count]) =>
      `${name.slice(operation.length + 2)} ${((count / sum) * 100).toFixed(1)} %`
    )
    lines.push(`  ${operation.padEnd(14)}${String(sum).padStart(7)}   ${shares.join(", ")}`)
  }
  process.stdout.write(`${setting.file}: ${runs} programs, ${total} commands\n${lines.join("\n")}\n`)
  if (missed.length > 0) throw new Error(`these outcomes are below 1 % of their operation: ${missed.join("; ")}`)
}

const failureText = (setting: Setting, result: fc.RunDetails<[ReadonlyArray<Command>, Iterable<Program>]>): string => {
  const [beginning = [], program = ""] = result.counterexample ?? []
  const shown = [...beginning.map(render), String(program)].join(", ")
  const replay = /replayPath="([^"]*)"/.exec(shown)?.[1] ?? ""
  const variables =
    `SNAPSHOTTER_SEED=${result.seed} SNAPSHOTTER_PATH=${result.counterexamplePath} SNAPSHOTTER_REPLAY=${replay}`
  return [
    `after ${result.numRuns} programs and ${result.numShrinks} shrinks: ${shown}`,
    String(result.errorInstance instanceof Error ? result.errorInstance.message : result.errorInstance),
    `replay: ${variables} node_modules/.bin/vitest run ${setting.file}`
  ].join("\n")
}
