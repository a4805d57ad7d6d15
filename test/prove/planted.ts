/**
 * Tests of the tests, a part of the campaign: every defect of `../planted/defects.ts` planted, each in a copy of the packages,
 * and caught by a test that is there.
 */
import type { Defect } from "../planted/defect.ts"
import { defects } from "../planted/defects.ts"
import { catchOf } from "../planted/plant.ts"
import type { Orders, Outcome, Part, Violation } from "./Part.ts"

/** Each is a process of its own, which loads and runs tests. */
const workers = 2

const run = async (orders: Orders): Promise<Outcome> => {
  const queue = orders.replay === undefined ? from(orders.seed) : [defectCalled(orders.replay)]
  const all = queue.length
  const violations: Array<Violation> = []
  const notes: Array<string> = []
  let planted = 0
  const work = async () => {
    while (performance.now() < orders.until && !orders.signal.aborted) {
      const defect = queue.shift()
      if (defect === undefined) return
      const { note, what } = await outcomeOf(defect, orders)
      if (orders.signal.aborted) return
      planted++
      if (note === undefined) violations.push({ what, replay: defect.name })
      else notes.push(note)
    }
  }
  await Promise.all(Array.from({ length: workers }, work))
  return { counts: { planted, caught: notes.length }, violations, notes, complete: planted === all }
}

/** All of them, beginning anywhere: where the time is short, it is other ones each time. */
const from = (seed: number): Array<Defect> => {
  const first = seed % defects.length
  return [...defects.slice(first), ...defects.slice(0, first)]
}

const defectCalled = (name: string): Defect => {
  const found = defects.find((one) => one.name === name)
  if (found === undefined) throw new Error(`no defect is called ${JSON.stringify(name)}`)
  return found
}

/** By which test it was caught, or what is wrong with its not being caught. */
const outcomeOf = async (
  defect: Defect,
  { progress, signal }: Orders
): Promise<{ readonly note: string; readonly what?: never } | { readonly note?: never; readonly what: string }> => {
  try {
    const how = await catchOf(defect, signal)
    if (how === undefined) return { what: `no test of ${defect.tests.file} noticed that ${defect.name}` }
    const note = `${defect.name}: caught by ${how.test}, ${how.after}`
    progress(note)
    return { note }
  } catch (cause) {
    return { what: `that ${defect.name} could not be tried: ${cause instanceof Error ? cause.message : String(cause)}` }
  }
}

export const planted: Part = {
  name: "planted",
  title: "defects of every kind, planted in a copy, each caught by a test that is there",
  floors: { planted: 25, caught: 25 },
  run
}
