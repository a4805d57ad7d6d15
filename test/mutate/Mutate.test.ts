/** Tests of the tests of the tests: that `npm run mutate` tells mutants that a test notices from those that none does. */
import * as path from "node:path"
import { assert, describe, it } from "vitest"
import { workspace } from "./copy.ts"
import { guardSteps } from "./effectStatements.ts"
import { instrument } from "./instrument.ts"
import type { Judged } from "./Mutant.ts"
import { run } from "./run.ts"
import { compare, parseSurvivors, readSurvivors } from "./survivors.ts"

const judge = async (
  file: string,
  testFile: string,
  isJudged: (name: string) => boolean
): Promise<ReadonlyArray<Judged>> =>
  run({
    isMutated: (one) => one === file,
    isJudged: ({ name }) => isJudged(name),
    testFiles: [path.join(workspace, testFile)],
    processes: 2,
    progress: () => {}
  })

describe("of the mutants of a file", () => {
  it("those that a test notices are killed, those that none does survive, and the list says which", async () => {
    const killed = [
      "internal/sha256.ts › sha256Hex › StringLiteral › \"\" → \"Stryker was here!\"",
      // Read when the module is loaded: it needs a process of its own.
      "internal/sha256.ts › hexOfByte › StringLiteral › \"0\" → \"\""
    ]
    const listed = [...readSurvivors()].filter(([name]) => name.startsWith("internal/sha256.ts ")).map(([name]) => name)
    assert.isNotEmpty(listed)
    const judged = await judge(
      "internal/sha256.ts",
      "packages/core/test/sha256.test.ts",
      (name) => killed.includes(name) || name === listed[0]
    )
    const fates = Object.fromEntries(judged.map(({ fate, mutant }) => [mutant.name, fate._tag]))
    assert.deepStrictEqual(fates, {
      ...Object.fromEntries(killed.map((name) => [name, "Killed"])),
      [listed[0] ?? ""]: "Survived"
    })
    assert.deepStrictEqual(compare(readSurvivors(), judged, () => false), { unlisted: [], detected: [], gone: [] })
    const other = compare(new Map([[killed[0] ?? "", "why"], ["gone", "why"]]), judged, () => true)
    assert.deepStrictEqual(
      [other.unlisted.map(({ name }) => name), other.detected.map(({ name }) => name), other.gone],
      [[listed[0]], [killed[0]], ["gone"]]
    )
  })

  it("what is made once is noticed by a test that looks at it and comes by nothing else of the file", async () => {
    const made = "Snapshot.ts › Usage › ObjectLiteral › { bytes: Schema.Number, inodes: Schema.Number } → {}"
    const judged = await judge("Snapshot.ts", "packages/core/test/schemas.test.ts", (name) => name === made)
    assert.deepStrictEqual(judged.map(({ fate }) => fate._tag), ["Killed"])
  })
})

describe("a mutant", () => {
  const source = `
export const act = Effect.fnUntraced(function*(store: Store) {
  const found =
    yield* look(store)
  yield* sync(store)
  // Why.
  yield* release(
    store
  )
  if (found) yield* sync(store)
  return yield* done(found)
})
`

  it("is known again when lines around it have changed", async () => {
    const before = await instrument(new Map([["a.ts", source]]))
    const after = await instrument(new Map([["a.ts", `// A line more.\n${source}\nexport const more = "text"\n`]]))
    const ids = new Set(after.mutants.map(({ id }) => id))
    assert.isNotEmpty(before.mutants)
    for (const { id, name } of before.mutants) assert.isTrue(ids.has(id), name)
    assert.strictEqual(new Set(before.mutants.map(({ name }) => name)).size, before.mutants.length)
  })

  it("may be a step of an Effect that is left out, and only a step that is a statement of its own", async () => {
    const { mutants } = await instrument(new Map([["a.ts", source]]))
    const steps = mutants.filter(({ name }) => name.includes("StepLeftOut")).map(({ line, name }) => [line, name])
    assert.deepStrictEqual(steps, [
      [5, "a.ts › act › StepLeftOut › yield* sync(store)"],
      [7, "a.ts › act › StepLeftOut › yield* release("]
    ])
    assert.notInclude(mutants.map(({ name }) => name).join(), "globalThis")
    assert.strictEqual(guardSteps(source).match(/globalThis/g)?.length, 2)
  })
})

describe("the list", () => {
  const block = (...names: ReadonlyArray<string>) => ["```mutants", ...names, "```"].join("\n")

  it("has a reason above each of its blocks", () => {
    const text = `# Title\n\nWords.\n\nOne reason,\nin two lines.\n\n${block("a", "b")}\n\nAnother.\n\n${block("c")}\n`
    const reason = "One reason,\nin two lines."
    assert.deepStrictEqual([...parseSurvivors(text)], [["a", reason], ["b", reason], ["c", "Another."]])
    for (
      const bad of [block("a"), `# Title\n\n${block("a")}`, `${text}\n${block("d")}`, `Why.\n\n${block("a", "a")}`]
    ) {
      assert.throws(() => parseSurvivors(bad), /no reason|listed twice/)
    }
  })
})
