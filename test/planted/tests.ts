/** The tests that defects name, by what they try. */
import type { Tests } from "./defect.ts"

const inMemory = (name: string) => (named: string): Tests => ({
  file: `packages/memory-fs/test/${name}.test.ts`,
  named
})

export const model: Tests = { file: "packages/memory-fs/test/Model.test.ts" }
export const suite: Tests = { file: "packages/memory-fs/test/Snapshotter.test.ts" }
export const turns: Tests = { file: "packages/core/test/Turns.test.ts" }
export const crash = inMemory("Crash")
export const concurrency = inMemory("Concurrency")
export const interruption = inMemory("Interruption")
export const suiteOf = inMemory("Snapshotter")
export const meanwhile = inMemory("Meanwhile")
export const conformance = inMemory("Conformance")
export const unlocked = inMemory("Unlocked")
export const unsynced = inMemory("Unsynced")
export const forks = inMemory("Fork")
/** Each call of each operation, in its order. */
export const protocol: Tests = { file: "packages/memory-fs/test/Protocol.test.ts" }
export const failing: Tests = { file: "packages/memory-fs/test/FailingCalls.test.ts" }
export const comingUp: Tests = { file: "packages/memory-fs/test/ComingUp.test.ts" }

/** One operation, crashed at every step in states of a disk that loses power. */
export const powerLoss = (named: string): Tests => ({
  file: "test/prove/exploration/Operations.test.ts",
  named
})

export const mounts: Tests = { file: "packages/core/test/Mount.test.ts" }
