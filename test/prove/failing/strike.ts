/** One case: an operation, struck at one call; what must come of it; and what is told of it. */
import { Key } from "@snapshotter/core/Snapshot"
import type * as Faults from "@snapshotter/memory-fs/Faults"
import { Effect, Exit, Scope } from "effect"
import { type Answer, answerOf, describeAnswer, sameValue } from "./answer.ts"
import { act, type Bench, changes, type Leash, namer, type Retried } from "./Bench.ts"
import { describeSetting, type Setting } from "./forest.ts"
import { forkKey, type Hands, isPartOf } from "./operations.ts"
import { rawText } from "./picture.ts"
import { settle, type Settled } from "./settle.ts"
import type { Site } from "./Site.ts"
import { codes, describeStrike, type Strike } from "./strikes.ts"

/** What came of one case. */
export interface Case {
  readonly operation: string
  readonly setting: Setting
  readonly strike: Strike
  /** The number of the call, or of the step. */
  readonly n: number
  readonly answer: string
  readonly happened: boolean
  /** Paths that no snapshot owns, beyond those that were there before. */
  readonly left: ReadonlyArray<string>
  readonly keyLeft: boolean
  /** What is held although the process has ended, which is right where it has died. */
  readonly held: ReadonlyArray<string>
  /** Whether notes of a failed sync are new. */
  readonly suspect: boolean
  readonly waited: boolean
  readonly problems: ReadonlyArray<string>
}

/** Strikes once. `undefined` where the operation made no such call any more. */
export const strikeOnce = (
  bench: Bench,
  strike: Strike,
  faults: Faults.Faults,
  n: number,
  leash: Leash
): Effect.Effect<Case | undefined> =>
  Effect.scoped(Effect.gen(function*() {
    const { ground, operation, setting } = bench
    const site = yield* ground.copy(faults)
    const heldBefore = site.held()
    const process = yield* Scope.make()
    const { exit, hands, waited } = yield* Scope.provide(act(site, operation, setting, faults, leash), process)
    yield* strike.afterwards
    yield* quiet(site.held)
    const heldAfter = site.held()
    if (faults.injected() === 0) {
      yield* Scope.close(process, Exit.void)
      return undefined
    }
    const picture = site.picture()
    const key = rawText(picture)
    const name = namer(site, ground, picture)
    const answer = answerOf(exit, faults.isDead(), name)
    const first = yield* settledAs(bench, site, key)
    const again = faults.isDead()
      ? undefined
      : yield* retriedAs(bench, site, faults, hands, first, retryKey(strike, n, answer, key))
    yield* Effect.exit(Scope.close(process, Exit.void))
    yield* site.kill("struck")
    const held = surplus(site.held(), heldBefore)
    const seen: Seen = {
      n,
      answer,
      first,
      again,
      locksHeld: faults.isDead() ? [] : heldAfter.filter((line) => line.startsWith("lock")),
      heldInTheEnd: faults.isDead() ? [] : held,
      struck: () => struckIn(faults),
      workedIn: faults.trace().some(({ call: { operation }, fate }) => operation === "mount" && fate === "pass")
    }
    const problems = problemsIn(bench, strike, seen)
    return {
      operation: operation.name,
      setting,
      strike,
      n,
      answer: describeAnswer(answer),
      happened: hasHappened(bench, first),
      left: leftIn(bench, first),
      keyLeft: first.keyLeft,
      held,
      suspect: first.suspect && !bench.before.suspect,
      waited,
      problems: problems.map((problem) =>
        `${problem}: ${operation.name} ${describeSetting(setting)}, where ${strike.steps ? "step" : "call"} ${n} ${
          describeStrike(strike)
        }, answered ${JSON.stringify(answer)}\n${name(faults.render())}`
      )
    }
  }))

/** Whoever has done an operation may hold the lock for a moment longer than whom it was done for. */
const quiet = (held: () => ReadonlyArray<string>, turns = 200): Effect.Effect<void> =>
  turns === 0 || !held().some((line) => line.startsWith("lock"))
    ? Effect.void
    : Effect.andThen(Effect.yieldNow, Effect.suspend(() => quiet(held, turns - 1)))

/** What later processes make of this store; the same store is looked at once. */
export const settledAs = (bench: Bench, site: Site, key: string): Effect.Effect<Settled> =>
  Effect.suspend(() => {
    const known = bench.settled.get(key)
    if (known !== undefined) return Effect.succeed(known)
    return Effect.tap(settle(site, bench.setting.made), (settled) => Effect.sync(() => bench.settled.set(key, settled)))
  })

/** One errno is as good as another where both came to the same. */
const retryKey = ({ kind }: Strike, n: number, answer: Answer, key: string): string =>
  `${kind}\n${n}\n${JSON.stringify(answer).replaceAll(anyCode, "")}\n${key.replaceAll(anyCode, "")}`

const anyCode = new RegExp(codes.join("|"), "g")

const retriedAs = (
  bench: Bench,
  site: Site,
  faults: Faults.Faults,
  hands: Hands,
  first: Settled,
  key: string
): Effect.Effect<Retried> =>
  Effect.gen(function*() {
    const known = bench.retried.get(key)
    if (known !== undefined) return known
    const answer = yield* retry(bench, site, faults, hands, first)
    const retried = { answer, second: yield* settledAs(bench, site, rawText(site.picture())) }
    bench.retried.set(key, retried)
    return retried
  })

/** The same once more, by the same process, which meets nothing any more. */
const retry = (bench: Bench, site: Site, faults: Faults.Faults, hands: Hands, first: Settled) =>
  faults.spare(Effect.gen(function*() {
    if (first.keyLeft) yield* Effect.exit(hands.store.remove(Key.make(forkKey)))
    return answerOf(yield* Effect.exit(bench.operation.run(hands)), false, namer(site, bench.ground))
  }))

/** Lines that are there more often than before. */
const surplus = (now: ReadonlyArray<string>, before: ReadonlyArray<string>): ReadonlyArray<string> => {
  const rest = [...before]
  return now.filter((line) => {
    const at = rest.indexOf(line)
    if (at >= 0) rest.splice(at, 1)
    return at < 0
  })
}

// ============================================================ what must be

/** What was seen of one case. */
export interface Seen {
  readonly n: number
  readonly answer: Answer
  readonly first: Settled
  readonly again: Retried | undefined
  readonly locksHeld: ReadonlyArray<string>
  readonly heldInTheEnd: ReadonlyArray<string>
  /** What did not pass, a line for each. */
  readonly struck: () => ReadonlyArray<string>
  /** Whether a fork has been mounted before. */
  readonly workedIn: boolean
}

const struckIn = (faults: Faults.Faults): ReadonlyArray<string> =>
  faults.render().split("\n").filter((line) => line.includes(" → "))

const hasHappened = (bench: Bench, { exists, state }: Settled): boolean =>
  bench.operation.ground === "none" ? exists : changes(bench) && state === bench.after.state

/** P3 and P7, case by case: everything about it that must not be. */
export const problemsIn = (bench: Bench, strike: Strike, seen: Seen): ReadonlyArray<string> => [
  ...stateProblems(bench, seen),
  ...answerProblems(bench, strike, seen),
  ...commitPointProblems(bench, strike, seen),
  ...leftoverProblems(bench, strike, seen),
  ...retryProblems(bench, seen),
  ...seen.locksHeld.map((line) => `held after it has ended: ${line}`),
  ...heldProblems(strike, seen),
  ...forkProblems(bench, strike, seen)
]

const stateProblems = (bench: Bench, { again, first }: Seen): ReadonlyArray<string> => [
  ...first.problems,
  ...(again?.second.problems ?? []).map((problem) => `after a retry: ${problem}`),
  ...(first.state === bench.before.state || first.state === bench.after.state
    ? []
    : ["neither the state before nor the one after"])
]

/** What is held must have been struck itself on its way out. */
const heldProblems = ({ kind }: Strike, { heldInTheEnd, struck }: Seen): ReadonlyArray<string> =>
  heldInTheEnd
    .filter((line) =>
      !(line === "temporary directory" &&
        (kind.endsWith("from then on") || struck().some((line) => line.includes("/snapshotter-"))))
    )
    .map((line) => `held after its process has ended: ${line}`)

/** A fork stays under its key only where it could not be committed, or not be removed. */
const forkProblems = (
  { operation }: Bench,
  { kind }: Strike,
  { answer, first, workedIn }: Seen
): ReadonlyArray<string> => {
  if (!operation.forks || !first.keyLeft || answer.kind === "died" || kind.endsWith("from then on")) return []
  if (kind.startsWith("is interrupted")) return ["interrupted, it left its key"]
  return workedIn ? [] : ["it left its key"]
}

const answerProblems = (bench: Bench, { code }: Strike, { answer, first }: Seen): ReadonlyArray<string> => {
  const { operation, usual } = bench
  const happened = hasHappened(bench, first)
  const expects = changes(bench) && !operation.gradual
  switch (answer.kind) {
    case "died":
    case "interrupted":
      return []
    case "defect":
      return ["it ended with a defect"]
    case "success":
      if (usual.kind !== "success") return ["it succeeded, and was to be refused"]
      return [
        ...(expects && !happened ? ["it succeeded, and has not happened"] : []),
        ...(sameValue(answer.value, usual.value) || operation.allows(answer.value, usual.value, code)
          ? []
          : [`its answer is wrong: not ${JSON.stringify(usual.value)}`])
      ]
    case "failure": {
      if (usual.kind === "failure" && usual.tag === answer.tag) return []
      const problems: Array<string> = []
      if (!operation.failures.includes(answer.tag)) problems.push(`it cannot fail with ${answer.tag}`)
      if (answer.tag === "Damaged" && code !== "EACCES") problems.push("nothing is damaged")
      if (saysHappened(bench, answer) && expects && !happened) problems.push("it says that it has happened")
      if (answer.tag !== "NotDurable" && expects && happened) problems.push("it was refused, and has happened")
      return problems
    }
  }
}

/** A fork's may be about what it was made by, which is taken back. */
const saysHappened = ({ operation }: Bench, answer: Answer): boolean =>
  answer.kind === "failure" && answer.tag === "NotDurable" &&
  !(operation.forks && !answer.message.startsWith("commit"))

/** Before the commit point nothing has happened, after it everything has. */
const commitPointProblems = (
  bench: Bench,
  { kind, steps }: Strike,
  { answer, first, n }: Seen
): ReadonlyArray<string> => {
  const { commitsAt } = bench
  if (commitsAt === undefined || steps) return []
  const happened = hasHappened(bench, first)
  const mustHave = kind === "dies after" ? n >= commitsAt : n > commitsAt
  const decided = ["fails once", "fails halfway", "dies before", "dies halfway", "dies after"].includes(kind)
  const mustNot = kind === "dies after" ? n < commitsAt : kind.startsWith("dies") && n <= commitsAt
  return [
    ...(mustHave && !happened && (decided || kind === "is interrupted")
      ? ["it was rolled back after its commit point"]
      : []),
    ...(mustNot && happened ? ["it has happened before its commit point"] : []),
    ...(saysHappened(bench, answer) && decided && n <= commitsAt
      ? ["it says that it has happened, before its commit point"]
      : [])
  ]
}

/** What has not happened leaves nothing behind, where what takes it back does not fail as well. */
const leftoverProblems = (bench: Bench, { kind }: Strike, { answer, first }: Seen): ReadonlyArray<string> => {
  const takenBack = ["fails once", "fails halfway", "is interrupted", "is interrupted after"].includes(kind)
  if (!takenBack || bench.operation.gradual || answer.kind === "success" || hasHappened(bench, first)) return []
  return leftIn(bench, first).map((path) => `left behind: ${path}`)
}

/** Of a store in the making the root itself may stay: nobody can tell who made an empty directory. */
const leftIn = ({ before }: Bench, { left }: Settled): ReadonlyArray<string> =>
  left.filter((path) => path !== "." && !before.left.includes(path))

const retryProblems = (bench: Bench, { again: retried, first, struck }: Seen): ReadonlyArray<string> => {
  if (retried === undefined) return []
  const { answer: again, second } = retried
  const expected = hasHappened(bench, first) ? bench.usualAgain : bench.usual
  const suspect = again.kind === "failure" && again.tag === "ContentsSuspect" &&
    struck().some((line) => /^(\d+|  step \d+) sync /.test(line) && !line.includes("halfway"))
  if (suspect) return []
  const same = describeAnswer(again) === describeAnswer(expected) &&
    (again.kind !== "success" || expected.kind !== "success" || sameValue(again.value, expected.value) ||
      (bench.operation.gradual && isPartOf(again.value, expected.value)))
  return [
    ...(same ? [] : [`once more it answered ${JSON.stringify(again)} instead of ${JSON.stringify(expected)}`]),
    ...(second.state === bench.after.state ? [] : ["done once more, it is not what it should be"])
  ]
}
