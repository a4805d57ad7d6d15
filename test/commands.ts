/**
 * The model, the commands and the world of `@snapshotter/core/testing`, bound to fast-check: random programs, shrunk when
 * one of them finds the model and a backend at odds, counted by what they did.
 */
import type { Command, Response } from "@snapshotter/core/testing/Command"
import { files, identifiers, labelOf, paths, render, slots } from "@snapshotter/core/testing/Command"
import { applies, empty, type Model, step } from "@snapshotter/core/testing/Model"
import { canonical, sameResponse, type World } from "@snapshotter/core/testing/World"
import { Effect } from "effect"
import * as fc from "fast-check"

/** What a run of the property needs from a backend. */
export interface Setting {
  /** For messages and for the replay: the test file. */
  readonly file: string
  readonly overlay: boolean
  readonly runs: number
  readonly commandsMax: number
  /** Runs one program in a world of its own, all of which is gone afterwards. */
  readonly inWorld: (program: (world: World) => Effect.Effect<void>) => Promise<void>
}

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
  write: ["success", "EROFS"],
  delete: ["success"]
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
          const state = { model: empty(setting.overlay) }
          for (const command of beginning) await new Run(command, new Map()).run(state, world)
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
  command: Command

  constructor(template: Command, counts: Map<string, number>) {
    this.template = template
    this.command = template
    this.counts = counts
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
    await Effect.runPromise(world.agrees(state.model))
  }

  toString() {
    return render(this.command)
  }
}

type Program = fc.AsyncCommand<{ model: Model }, World>

/** What a store may hold at first: nothing, or a chain as long as it may be. */
const beginnings: ReadonlyArray<ReadonlyArray<Command>> = [
  [],
  [
    { _tag: "prepare", key: "a" },
    { _tag: "commit", name: "b", key: "a" },
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "commit", name: "d", key: "c" },
    { _tag: "prepare", key: "e", parent: "d" },
    { _tag: "commit", name: "f", key: "e" }
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
  Object.values(template).every((value) => {
    if (typeof value !== "string" || !value.startsWith("?")) return true
    const [who = "", at = "0"] = value.slice(1).split(" ")
    return Number(at) % 4 === 3 || candidatesFor(model, who as Somebody).length > 0
  })

/** The same command about names, and about places where there is something to be done. */
const resolve = (model: Model, template: Command): Command =>
  Object.fromEntries(
    Object.entries(template).map(([field, value]) => {
      if (typeof value === "string" && value.startsWith("?")) return [field, nameOf(model, value)]
      return field === "slot" ? [field, slotOf(model, template, Number(value))] : [field, value]
    })
  ) as Command

/** To mount, one that is free; else one where something is mounted. */
const slotOf = (model: Model, template: Command, at: number): number => {
  const candidates = slots.filter((one) => model.mounts.has(one) === (template._tag !== "mount"))
  return candidates[at % candidates.length] ?? at
}

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
const slot = fc.constantFrom(...slots)

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
const writing = fc.record({ slot, path: fc.constantFrom(...files), text: fc.constantFrom("", "x", "yy") })
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
  ...times(3, tagged("view", creation)),
  tagged("remove", subject),
  tagged("remove", fc.record({ name: who("anybody", "anybody", "mounted", "nobody") })),
  ...times(2, tagged("unmount", fc.record({ slot }))),
  ...times(2, tagged("delete", fc.record({ slot, path: fc.constantFrom(...paths) }))),
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
      const share = (seen.get(`${operation}: ${outcome}`) ?? 0) / Math.max(sum, 1)
      if (share < 0.01) missed.push(`${operation}: ${outcome} (${(share * 100).toFixed(2)} %)`)
    }
    const shares = all.sort(([, one], [, other]) => other - one).map(([name, count]) =>
      `${name.slice(operation.length + 2)} ${((count / sum) * 100).toFixed(1)} %`
    )
    lines.push(`  ${operation.padEnd(9)}${String(sum).padStart(7)}   ${shares.join(", ")}`)
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
