/**
 * P3 and P7, in memory: whichever call of whichever operation fails, is the last one of its process, or is the one at which
 * it is interrupted, the state is the one before the operation or the one after it; what was acknowledged has happened; what
 * was refused has not; nothing is held, and nothing left that cleanup does not reclaim; and doing it again works.
 * `docs/FAILURES.md` tells what came of each.
 */
import { Effect } from "effect"
import { afterAll, assert, describe, it } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { benchOf, type Grounds } from "../../../test/prove/failing/Bench.ts"
import { documented } from "../../../test/prove/failing/document.ts"
import { describeSetting, type Setting, settings } from "../../../test/prove/failing/forest.ts"
import { loop } from "../../../test/prove/failing/loop.ts"
import { memory } from "../../../test/prove/failing/memorySite.ts"
import { type Operation, operations } from "../../../test/prove/failing/operations.ts"
import type { Case } from "../../../test/prove/failing/strike.ts"
import {
  codes,
  deaths,
  diskFailures,
  failures,
  interruptions,
  type Strike
} from "../../../test/prove/failing/strikes.ts"
import { type Struck, tables } from "../../../test/prove/failing/table.ts"

const [full, process] = settings

/** Errnos that take different ways; `npm run prove` strikes with all of them in every setting. */
const some = new Set<string | undefined>([undefined, "ENOSPC", "EROFS"])

const groups: Readonly<Record<string, ReadonlyArray<Strike>>> = {
  "a failure": failures,
  "the end of the process": deaths,
  "an interruption": interruptions,
  "a failing disk": diskFailures
}

const grounds: Grounds = new Map()
const cases: Array<Case> = []
const struck = new Map<Operation, Struck>()

const strikeWith = (operation: Operation, setting: Setting, strikes: ReadonlyArray<Strike>) =>
  Effect.scoped(Effect.gen(function*() {
    const bench = yield* benchOf(memory, operation, setting, grounds)
    const came = (yield* Effect.forEach(strikes, (strike) => loop(bench, strike))).flat()
    cases.push(...came)
    if (setting === full) {
      struck.set(operation, { bench, cases: [...struck.get(operation)?.cases ?? [], ...came] })
    }
    return came
  }))

describe.runIf(judgement("crash-memory"))("whatever becomes of any call", () => {
  afterAll(() => {
    const injected = new Set(cases.map(({ strike }) => strike.code).filter((code) => code !== undefined))
    globalThis.process.stdout.write(
      `failing calls, deaths and interruptions in memory: ${cases.length} cases, ${injected.size} errnos\n`
    )
  })

  for (const setting of [full, process]) {
    for (const operation of operations) {
      for (const [group, strikes] of Object.entries(groups)) {
        const wanted = strikes.filter(({ code }) => setting === full || some.has(code))
        it(`${group} at any call of ${operation.name} ${describeSetting(setting)}`, async () => {
          const came = await Effect.runPromise(strikeWith(operation, setting, wanted))
          assert.deepStrictEqual(came.flatMap(({ problems }) => problems), [], `after ${came.length} cases`)
          // What only reads asks nothing of the disk that could fail on its own.
          if (group !== "a failing disk") assert.isNotEmpty(came)
        })
      }
    }
  }

  it("docs/FAILURES.md says what came of it: npm run failures writes it anew", () => {
    assert.strictEqual(documented(), tables([...struck.values()]))
    assert.deepStrictEqual(
      new Set(cases.filter(({ setting }) => setting === full).flatMap(({ strike }) => strike.code ?? [])),
      new Set(codes)
    )
  })
})
