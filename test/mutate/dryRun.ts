/** Runs each test once without any mutant: it has to pass, and shows how long it takes and which mutants it comes by. */
import { standsOnOthers } from "./tests.ts"
import { Worker } from "./Worker.ts"
import type { Hits, Setting } from "./worker/messages.ts"

export interface Test {
  readonly file: string
  readonly name: string
  readonly millis: number
  readonly hits: Hits
  /** How often it passes any mutant: about what it costs, and the same on every machine. */
  readonly effort: number
}

export interface DryRun {
  /** Those that cost the least first. */
  readonly tests: ReadonlyArray<Test>
  /** What was passed while the files were loaded. */
  readonly atLoad: Hits
}

/** Without mutants everything ends; this keeps a mistake from lasting for ever. */
const millisMax = 600_000

/** `told`: how many tests were run so far. */
export const dryRun = async (
  setting: Setting,
  files: ReadonlyArray<string>,
  told: (tests: number) => void
): Promise<DryRun> => {
  const worker = new Worker(setting)
  try {
    const tests: Array<Test> = []
    let atLoad: Hits = {}
    for (const file of files) {
      const loaded = await worker.load(file)
      if (loaded._tag !== "Loaded") throw new Error(`${file} does not load without mutants: ${JSON.stringify(loaded)}`)
      atLoad = loaded.hits
      for (const name of loaded.tests.filter((test) => !standsOnOthers(test))) {
        tests.push(await runOnce(worker, file, name))
        told(tests.length)
      }
    }
    return { tests: tests.toSorted((one, other) => one.effort - other.effort), atLoad }
  } finally {
    worker.end()
  }
}

const runOnce = async (worker: Worker, file: string, name: string): Promise<Test> => {
  const ran = await worker.run({ file, test: name }, millisMax)
  if (ran._tag !== "Ran" || ran.failure !== undefined) {
    throw new Error(`${file}: ${JSON.stringify(name)} fails without mutants: ${JSON.stringify(ran)}`)
  }
  const effort = Object.values(ran.hits).reduce((so, hits) => so + hits, 0)
  return { file, name, millis: ran.millis, hits: ran.hits, effort }
}
