/**
 * A case of the differential between the overlays in memory and the kernel's: one program of about forty calls on both,
 * and the comparison of all that is seen and left behind. How fast one is decides how many can be tried.
 */
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, Logger } from "effect"
import * as fc from "fast-check"
import { type Program, program } from "../../../test/overlay/call.ts"
import { compare, emptyCounts } from "../../../test/overlay/compare.ts"
import { timed } from "../alternate.ts"
import type { Effort } from "../Effort.ts"
import { atMost, median, type Row } from "../Row.ts"

const calls = 40
/** So far from that a program may be. */
const tolerance = 3
/** The same programs every time. */
const seed = 1

export const measureDifferential = (effort: Effort): Effect.Effect<Array<Row>> =>
  Effect.provide(measured(effort), [NodeSnapshotter.layerMachine, Logger.layer([])])

const measured = (effort: Effort) =>
  Effect.gen(function*() {
    const times: Array<number> = []
    const programs = fc.sample(program, { numRuns: 3_000, seed }).filter(isOfThatLength).slice(0, effort.rounds * 10)
    for (const one of programs.slice(0, 5)) yield* compare(one, emptyCounts())
    for (const one of programs) times.push((yield* timed(compare(one, emptyCounts()))) / 1_000)
    const row: Row = {
      section: "memory-fs",
      operation: "a differential case",
      at: `about ${calls} calls`,
      unit: "ms",
      value: median(times),
      samples: times.length
    }
    return [atMost(row, 20)]
  })

const isOfThatLength = ({ layers, readOnly }: Program): boolean =>
  Math.abs([...layers, readOnly].flat().length - calls) <= tolerance
