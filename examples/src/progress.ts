/** Says what is going on wherever that takes longer than a second: on a terminal one line that changes, else new lines. */
import { Effect, Fiber } from "effect"

const tty = process.stderr.isTTY

/** `detail` says how far it is, each time it is asked. */
export const withProgress = <A, E, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  detail: () => string = () => ""
): Effect.Effect<A, E, R> =>
  Effect.gen(function*() {
    const started = performance.now()
    const line = () => `${what}… ${detail()} (${Math.round((performance.now() - started) / 1000)} s)`.replace("  ", " ")
    const ticking = yield* Effect.forkChild(Effect.interruptible(tty ? redrawn(line) : repeated(line)))
    return yield* Effect.ensuring(effect, Effect.andThen(Fiber.interrupt(ticking), clear(started)))
  })

const redrawn = (line: () => string) =>
  Effect.gen(function*() {
    yield* Effect.sleep("1 second")
    while (true) {
      yield* Effect.sync(() => process.stderr.write(`\r\x1b[K${line().slice(0, process.stderr.columns - 1)}`))
      yield* Effect.sleep("100 millis")
    }
  })

/** After 1, 3, 7, 15, … seconds, so that a log does not fill up. */
const repeated = (line: () => string) =>
  Effect.gen(function*() {
    for (let seconds = 1;; seconds *= 2) {
      yield* Effect.sleep(`${seconds} seconds`)
      yield* Effect.sync(() => process.stderr.write(`${line()}\n`))
    }
  })

const clear = (started: number) =>
  Effect.sync(() => {
    if (tty && performance.now() - started > 1_000) process.stderr.write("\r\x1b[K")
  })
