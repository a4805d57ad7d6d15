/**
 * Tests of the tests: a defect is planted in a copy of the packages, and one of the tests that are there has to fail. If none
 * does, it is the tests that have a defect.
 */
import { afterAll, assert, describe, it } from "vitest"
import { judgement } from "../Judgement.ts"
import { defects } from "./defects.ts"
import { catchOf } from "./plant.ts"

// Each is a process of its own: as many at a time as vitest.config.ts says. The first of a file waits for that file's tests.
describe.runIf(judgement("planted"))("a planted defect is caught", { concurrent: true, timeout: 600_000 }, () => {
  const caught: Array<string> = []
  afterAll(() => {
    process.stdout.write(`planted defects: ${caught.length} of ${defects.length} caught\n${caught.join("\n")}\n`)
  })
  for (const defect of defects) {
    it(defect.name, async () => {
      const how = await catchOf(defect)
      if (how === undefined) return assert.fail(`no test of ${defect.tests.file} noticed it`)
      caught.push(`  ${defect.name}\n    by ${how.test} (${how.after}): ${how.saw}`)
    })
  }
})
