/**
 * Whether a history could have happened one operation after another: each at some moment between its call and its answer,
 * with the answers that the model gives. A search after Wing and Gong, for short histories.
 */
import { type Command, render, type Response } from "@snapshotter/core/testing/Command"
import { empty, type Model, step } from "@snapshotter/core/testing/Model"
import { canonical, sameResponse } from "@snapshotter/core/testing/World"

/** One operation, with the moments of its call and of its answer on one clock that ticks with each of them. */
export interface Operation {
  readonly command: Command
  readonly response: Response
  readonly called: number
  readonly answered: number
}

/** Why it could not, in words; `undefined` when it could. */
export const anomaly = (history: ReadonlyArray<Operation>): string | undefined => {
  const failed = new Set<string>()

  const search = (done: ReadonlySet<Operation>, model: Model): boolean => {
    if (done.size === history.length) return true
    const state = `${history.map((one) => done.has(one) ? 1 : 0).join("")} ${canonical([...model.snapshots])}`
    if (failed.has(state)) return false
    const left = history.filter((one) => !done.has(one))
    const firstAnswer = Math.min(...left.map(({ answered }) => answered))
    for (const one of left) {
      // What was called after another was answered comes after it.
      if (one.called > firstAnswer) continue
      const { model: next, response } = step(model, one.command)
      if (sameResponse(one.response, response) && search(new Set([...done, one]), next)) return true
    }
    failed.add(state)
    return false
  }

  return search(new Set(), empty()) ? undefined : history.map(renderOperation).join("\n")
}

const renderOperation = ({ answered, called, command, response }: Operation): string =>
  `${called}–${answered}: ${render(command)} → ${canonical(response)}`
