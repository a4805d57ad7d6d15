/** Operations of a store on real mounts, in a process at one of whose system calls something fails: judged as by the loop. */
import { Cause, Effect, Exit, type Scope } from "effect"
import { type Answer, answerOf, describeAnswer } from "../../../../test/prove/failing/answer.ts"
import { type Bench, benchOf, type Grounds, namer } from "../../../../test/prove/failing/Bench.ts"
import { describeSetting, type Setting } from "../../../../test/prove/failing/forest.ts"
import { nodeIn } from "../../../../test/prove/failing/nodeSite.ts"
import { type Operation } from "../../../../test/prove/failing/operations.ts"
import { rawText } from "../../../../test/prove/failing/picture.ts"
import { type Site, storeIn } from "../../../../test/prove/failing/Site.ts"
import { problemsIn, type Seen, settledAs } from "../../../../test/prove/failing/strike.ts"
import type { Code, Strike } from "../../../../test/prove/failing/strikes.ts"
import { countCalls, type Refusal } from "../syscalls/strace.ts"
import type { Subject } from "./process.ts"
import type { Answer as Told, Order } from "./program.ts"
import { describeRefusal, type Errnos, refuseEach } from "./refusals.ts"

export interface Struck {
  /** How many system calls were refused. */
  readonly met: number
  readonly wrongs: ReadonlyArray<string>
}

/** Refuses every system call of an operation that works in no fork: what a fork does beside that is mounting. */
export const strikeStore = (
  subject: Subject,
  parent: string,
  operation: Operation,
  setting: Setting,
  errnos: Errnos,
  isOver: () => boolean = () => false
): Effect.Effect<Struck> =>
  Effect.scoped(Effect.gen(function*() {
    const grounds: Grounds = new Map()
    const bench = yield* benchOf(nodeIn(parent), operation, setting, grounds)
    const wrongs: Array<string> = []
    const at = <A>(use: (site: Site) => Effect.Effect<A, never, Scope.Scope>): Promise<A> =>
      Effect.runPromise(Effect.scoped(Effect.flatMap(bench.ground.copy(), use)))
    const counts = yield* Effect.promise(() => at((site) => Effect.promise(() => countsOf(subject, bench, site))))
    const strike = async (refusal: Refusal): Promise<boolean> => {
      if (isOver()) return false
      const problems = await at((site) => strikeOnce(subject, bench, site, refusal))
      wrongs.push(...problems ?? [])
      return problems !== undefined
    }
    const met = yield* Effect.promise(() => refuseEach(counts, errnos, strike))
    return { met, wrongs }
  }))

const ordersFor = ({ operation, setting }: Bench, site: Site) => {
  const options = { root: storeIn(site), durability: setting.opened }
  const perform: Order = { do: "perform", operation: operation.name, options, target: `${site.directory}/target-0` }
  return { open: operation.opens ? undefined : { do: "open", options } as const, perform }
}

const countsOf = async (subject: Subject, bench: Bench, site: Site) => {
  const { open, perform } = ordersFor(bench, site)
  if (open !== undefined) await subject.ask(open)
  const { trace } = await subject.askTraced(perform, undefined)
  await subject.ask({ do: "close" })
  return countCalls(trace)
}

/** What must not be; `undefined` where no call was refused any more. */
const strikeOnce = (
  subject: Subject,
  bench: Bench,
  site: Site,
  refusal: Refusal
): Effect.Effect<ReadonlyArray<string> | undefined> =>
  Effect.gen(function*() {
    const { open, perform } = ordersFor(bench, site)
    const ask = (order: Order) => Effect.promise(() => subject.ask(order))
    if (open !== undefined) yield* ask(open)
    const before = yield* Effect.promise(() => subject.openFiles())
    const { answer: told, injected, trace } = yield* Effect.promise(() => subject.askTraced(perform, refusal))
    const after = yield* Effect.promise(() => subject.openFiles(before))
    const picture = site.picture()
    const answer = understood(told, namer(site, bench.ground, picture))
    const first = yield* settledAs(bench, site, rawText(picture))
    const again = understood(yield* ask(perform), namer(site, bench.ground))
    const second = yield* settledAs(bench, site, rawText(site.picture()))
    yield* ask({ do: "close" })
    if (!injected) return undefined
    const { call, nth } = refusal
    const seen: Seen = {
      n: nth,
      answer,
      first,
      again: { answer: again, second },
      locksHeld: [],
      heldInTheEnd: site.held(),
      // As the loop tells a failing sync from another call.
      struck: () => [`  step ${nth} ${call === "syncfs" || call === "fsync" ? "sync" : call} → ${refusal.code}`],
      workedIn: false
    }
    const problems = [...problemsIn(bench, asStrike(refusal), seen), ...opened(before, after)]
    return problems.map((problem) =>
      `${problem}: ${bench.operation.name} ${describeSetting(bench.setting)}, where ${describeRefusal(refusal)}: ${
        describeAnswer(answer)
      } ${JSON.stringify(answer)}\n${trace.split("\n").find((line) => line.includes("INJECTED")) ?? ""}`
    )
  })

/** The loop's name for it. */
const asStrike = ({ code }: Refusal): Strike => ({
  kind: "its disk fails once",
  code: code as Code,
  steps: true,
  calls: () => () => "pass",
  disk: () => () => "pass",
  afterwards: Effect.void
})

const opened = (before: number, after: number): ReadonlyArray<string> =>
  after <= before ? [] : [`${after - before} more files are open than before`]

const understood = (told: Told, name: (text: string) => string): Answer => {
  if ("value" in told) return answerOf(Exit.succeed(told.value), false, name)
  return answerOf(
    "failure" in told ? Exit.fail(told.failure) : Exit.failCause(Cause.die(new Error(told.defect))),
    false,
    name
  )
}
