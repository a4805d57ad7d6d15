/**
 * What `pnpm bench` runs: every operation beside the bare system calls of the same step, measured in turns, and the
 * targets of both. Needs root, since it mounts.
 */
import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Console, Data, Effect, Option, Result } from "effect"
import { Command, Flag } from "effect/cli"
import * as fs from "node:fs"
import { describeDisk, type Disk, diskNames, makeDisk } from "./disks.ts"
import { quick, thorough } from "./Effort.ts"
import { describeMachine, machineText } from "./machine.ts"
import { writeMarkdown } from "./report/markdown.ts"
import { textTable, verdict } from "./report/text.ts"
import type { Row } from "./Row.ts"
import { scratch } from "./scratch.ts"
import { piecesOf, sectionNames } from "./sections/all.ts"
import { measureOperations } from "./sections/operations.ts"

const durabilities = ["full", "process"] as const

const list = (name: string, described: string) => Flag.String(name).pipe(Flag.withDescription(described), Flag.optional)

const command = Command.make(
  "pnpm bench",
  {
    quick: Flag.Boolean("quick").pipe(
      Flag.withDescription("less of everything, within two minutes"),
      Flag.withDefault(false)
    ),
    seconds: Flag.Int("seconds").pipe(
      Flag.withDescription("begin nothing more after so many; 100 with --quick, else no limit"),
      Flag.optional
    ),
    json: Flag.String("json").pipe(
      Flag.withDescription("write all rows to this file as JSON; - prints them, and no table"),
      Flag.optional
    ),
    markdown: Flag.String("markdown").pipe(
      Flag.withDescription("bring the tables in this document up to date: docs/PERFORMANCE.md"),
      Flag.optional
    ),
    section: list("section", `only these, with commas between: ${sectionNames.join(", ")}`),
    disk: list("disk", `only these, with commas between: ${diskNames.join(", ")}`),
    durability: Flag.Literals("durability", durabilities).pipe(Flag.withDescription("only this"), Flag.optional)
  },
  Effect.fn(function*({ disk, durability, json, markdown, quick: isQuick, seconds, section }) {
    // Whatever is said or logged, by programs of the tests too, must not come between.
    if (Option.contains(json, "-")) console.log = console.error
    const say = Console.log
    if (process.getuid?.() !== 0) return yield* new Refusal({ message: "the bench mounts, and has to be run as root" })
    const wantedDisks = yield* chosen(disk, diskNames)
    const wantedSections = yield* chosen(section, sectionNames)
    const directory = yield* scratch
    const disks: Array<Disk> = []
    for (const name of wantedDisks) {
      const made = yield* makeDisk(name, directory)
      if (Result.isSuccess(made)) disks.push(made.success)
      else yield* say(`left out, ${made.failure}`)
    }
    const machine = yield* describeMachine(disks.map(describeDisk))
    yield* say(machineText(machine))
    const effort = isQuick ? quick : thorough
    const pieces = piecesOf(
      disks,
      effort,
      (section) => wantedSections.includes(section),
      (one) => Option.isNone(durability) || durability.value === one
    )
    const rows: Array<Row> = []
    const [first] = disks
    // Not counted: else what is measured first would be measured uncompiled.
    if (first !== undefined) yield* measureOperations(first, "process", { ...quick, samples: 150 })
    const begun = performance.now()
    const secondsMax = Option.getOrElse(seconds, () => effort.secondsMax)
    for (const { called, measure } of pieces) {
      const started = performance.now()
      if (started - begun > secondsMax * 1_000) {
        yield* say(`left out for want of time: ${called}`)
        continue
      }
      rows.push(...yield* measure)
      yield* say(`measured ${called} in ${((performance.now() - started) / 1_000).toFixed(1)} s`)
    }
    yield* say(`\n${textTable(rows)}\n\n${verdict(rows)}`)
    const result = JSON.stringify({ machine, rows }, undefined, 2)
    if (Option.contains(json, "-")) process.stdout.write(`${result}\n`)
    else if (Option.isSome(json)) fs.writeFileSync(json.value, `${result}\n`)
    if (Option.isSome(markdown)) writeMarkdown(markdown.value, machine, rows)
  }, Effect.scoped)
)

/** What the one who called it can put right. */
class Refusal extends Data.TaggedError("Refusal")<{ readonly message: string }> {}

/** Which of these were asked for, or all. */
const chosen = <A extends string>(asked: Option.Option<string>, all: ReadonlyArray<A>) =>
  Effect.gen(function*() {
    if (Option.isNone(asked)) return all
    const names = asked.value.split(",")
    const unknown = names.find((name) => !all.some((one) => one === name))
    if (unknown !== undefined) {
      return yield* new Refusal({ message: `there is no ${unknown}; there are ${all.join(", ")}` })
    }
    return all.filter((one) => names.includes(one))
  })

Command.runWith(command, { version: "1" })(process.argv.slice(2)).pipe(
  Effect.catchTag(
    "Refusal",
    ({ message }) => Effect.andThen(Console.error(message), Effect.sync(() => void (process.exitCode = 2)))
  ),
  Effect.provide(NodeServices.layer),
  NodeRuntime.runMain
)
