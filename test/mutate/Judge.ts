/** Finds out what becomes of a mutant. */
import type { DryRun, Test } from "./dryRun.ts"
import type { Fate, Mutant } from "./Mutant.ts"
import { Worker } from "./Worker.ts"
import type { Setting } from "./worker/messages.ts"

/** What a test may take beside what it took without the mutant. */
const patienceMillis = 10_000
const patienceFactor = 10

const millisMaxOf = ({ millis }: Test): number => patienceMillis + patienceFactor * millis

/** How often a test may pass a mutant: what goes round more often than that goes round for ever. */
const hitsMaxOf = ({ hits }: Test, { number }: Mutant): number => 10_000 + 100 * (hits[number] ?? 0)

/**
 * What the tests that are tried on one mutant may cost together, as the dry run counts it. The dearest ones, which do
 * thousands of cases each, are left out by it where nothing quicker notices a mutant: so the score is the least that is true.
 */
const effortMax = 50_000_000

/** So many that have noticed something are tried before the others. */
const goodMax = 20

/** The first of them that together are within that; one at least. */
const affordable = (tests: ReadonlyArray<Test>): ReadonlyArray<Test> => {
  let effort = 0
  return tests.filter((test, at) => (effort += test.effort) <= effortMax || at === 0)
}

type Outcome = "passed" | "failed" | "ended" | "timed out"

/** Runs one test with a mutant, or with none. Afterwards the process is of use only if the test passed or failed. */
const attempt = async (worker: Worker, test: Test, mutant?: Mutant): Promise<Outcome> => {
  const loaded = await worker.load(test.file)
  if (loaded._tag !== "Loaded") return "ended"
  const order = { file: test.file, test: test.name }
  const switched = mutant === undefined ? order : { ...order, mutant: mutant.number, hitsMax: hitsMaxOf(test, mutant) }
  const ran = await worker.run(switched, millisMaxOf(test))
  if (ran._tag === "Ran") return ran.failure === undefined ? "passed" : "failed"
  return ran._tag === "Ended" ? "ended" : "timed out"
}

/** Judges one mutant after another, in one process as long as that goes well. */
export class Judge {
  private readonly setting: Setting
  private readonly dry: DryRun
  /** By file, the tests that come by any of its mutants, and those that come by none of any: they look at what is made once. */
  private readonly near: ReadonlyMap<string, ReadonlySet<Test>>
  /** By file, the tests that have noticed its mutants, those of late first: the others are noticed by them as well, mostly. */
  private readonly good = new Map<string, ReadonlyArray<Test>>()
  private worker: Worker | undefined

  constructor(setting: Setting, dry: DryRun, mutants: ReadonlyArray<Mutant>) {
    this.setting = setting
    this.dry = dry
    this.near = new Map(
      [...Map.groupBy(mutants, ({ file }) => file)].map(([file, own]) => [
        file,
        new Set(dry.tests.filter(({ effort, hits }) => effort === 0 || own.some(({ number }) => number in hits)))
      ])
    )
  }

  fateOf(mutant: Mutant): Promise<Fate> {
    return mutant.number in this.dry.atLoad ? this.ofStatic(mutant) : this.ofSwitched(mutant)
  }

  end(): void {
    this.worker?.end()
    this.worker = undefined
  }

  /** Which of these tests are tried on it, in their order. */
  private tried({ file }: Mutant, tests: ReadonlyArray<Test>): ReadonlyArray<Test> {
    const chosen = affordable(tests)
    const good = this.good.get(file) ?? []
    return [...good.filter((test) => chosen.includes(test)), ...chosen.filter((test) => !good.includes(test))]
  }

  private detected({ file }: Mutant, outcome: Outcome, test: Test): Fate {
    const others = (this.good.get(file) ?? []).filter((one) => one !== test)
    this.good.set(file, [test, ...others].slice(0, goodMax))
    return { _tag: outcome === "timed out" ? "TimedOut" : "Killed", by: test.name }
  }

  /** What is done once, when a module is loaded, is switched before that, in a process of its own. */
  private async ofStatic(mutant: Mutant): Promise<Fate> {
    const tests = this.tried(mutant, [...this.near.get(mutant.file) ?? []])
    if (tests.length === 0) return { _tag: "Uncovered" }
    const worker = new Worker({ ...this.setting, mutant: mutant.number })
    try {
      for (const test of tests) {
        const outcome = await attempt(worker, test, mutant)
        if (outcome !== "passed") return this.detected(mutant, outcome, test)
      }
      return { _tag: "Survived", tests: tests.length }
    } finally {
      worker.end()
    }
  }

  private async ofSwitched(mutant: Mutant): Promise<Fate> {
    const tests = this.tried(mutant, this.dry.tests.filter(({ hits }) => mutant.number in hits))
    if (tests.length === 0) return { _tag: "Uncovered" }
    for (const test of tests) {
      const outcome = await this.trySwitched(mutant, test)
      if (outcome !== "passed") return this.detected(mutant, outcome, test)
    }
    return { _tag: "Survived", tests: tests.length }
  }

  /**
   * A failure counts if the test then passes without the mutant, in the same process. If it does not, something that an
   * earlier mutant left behind is what it fails of, and it is tried again in a new one.
   */
  private async trySwitched(mutant: Mutant, test: Test): Promise<Outcome> {
    for (let tries = 1; tries <= 3; tries++) {
      const worker = this.worker ??= new Worker(this.setting)
      const outcome = await attempt(worker, test, mutant)
      if (outcome === "passed") return outcome
      const isClean = outcome === "failed" && await attempt(worker, test) === "passed"
      if (!isClean) this.end()
      if (isClean || outcome !== "failed") return outcome
    }
    throw new Error(`${JSON.stringify(test.name)} fails without mutants too`)
  }
}
