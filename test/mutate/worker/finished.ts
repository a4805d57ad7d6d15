/** One test, to its end; also where that never comes. */
import type { Test } from "./vitest.ts"

/** Fails as the test does, or if there is nothing left that it could be waiting for. */
export const finished = async (test: Test): Promise<void> => {
  const finalizers: Array<() => unknown> = []
  const { promise, stop } = idleness()
  const body = async () => {
    await test.run({ signal: new AbortController().signal, onTestFinished: (finalizer) => finalizers.push(finalizer) })
    for (const finalizer of finalizers) await finalizer()
  }
  try {
    await Promise.race([body(), promise])
  } finally {
    stop()
  }
}

const lookEveryMillis = 50

/** What keeps this process alive whatever it does: what it hears and says its driver by. */
const constant = new Set(["PipeWrap", "PipeConnectWrap", "PipeServerWrap", "ProcessWrap"])

/**
 * Rejects when twice in a row nothing is found that could ever call this process back. A test that has not ended by then
 * never will, and no clock is needed to know it.
 */
const idleness = () => {
  const { promise, reject } = Promise.withResolvers<never>()
  let idle = 0
  const look = () => {
    const waits = process.getActiveResourcesInfo().some((one) => !constant.has(one))
    idle = waits ? 0 : idle + 1
    if (idle === 2) reject(new Error("it waits, and there is nothing that could come"))
  }
  const timer = setInterval(look, lookEveryMillis).unref()
  return { promise, stop: () => clearInterval(timer) }
}
