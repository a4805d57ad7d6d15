/** The campaign itself: what it makes of its parts, and that what it tells to see something again does so. */
import { execFileSync } from "node:child_process"
import { readFileSync } from "node:fs"
import * as path from "node:path"
import { setTimeout } from "node:timers/promises"
import { assert, describe, it } from "vitest"
import { BadArguments } from "../commandLine.ts"
import { campaign, type CampaignReport, ending } from "./campaign.ts"
import { argumentsIn, commandFor, usage } from "./command.ts"
import type { Part } from "./Part.ts"
import { shares } from "./parts.ts"

const seed = 7

const partOf = (run: Part["run"]): Part => ({ name: "some", title: "some part", floors: { cases: 1 }, run })

const reportOf = (run: Part["run"], signal = new AbortController().signal, say: (line: string) => void = () => {}) =>
  campaign({ shares: [{ part: partOf(run), weight: 1 }], seed, minutes: Infinity, say, signal })

const whatIn = ({ parts }: CampaignReport) => parts.flatMap(({ violations }) => violations)

describe("a campaign", () => {
  it("that is interrupted reports neither the end of a part as a violation nor that too little was done", async () => {
    const stopping = new AbortController()
    const report = await reportOf(async ({ signal }) => {
      stopping.abort()
      await setTimeout(1, undefined, { signal })
      throw new Error("it goes on")
    }, stopping.signal)
    assert.deepInclude(report, { violations: 0, short: 0 })
    assert.isFalse(report.parts[0]?.complete)
  })

  it("that is interrupted tells what a part had found until then", async () => {
    const stopping = new AbortController()
    const report = await reportOf(async () => {
      stopping.abort()
      return { counts: {}, violations: [{ what: "lost", replay: "3" }], complete: false }
    }, stopping.signal)
    assert.deepStrictEqual(whatIn(report), [{ what: "lost", command: commandFor("some", seed, "3") }])
  })

  it("reports a part that cannot be run", async () => {
    const report = await reportOf(() => Promise.reject(new Error("there is no mkfs")))
    assert.deepInclude(report, { violations: 1, short: 1 })
    assert.match(whatIn(report)[0]?.what ?? "", /^some could not be run: Error: there is no mkfs/)
  })

  it("that has done too little does not end as one that has found nothing", async () => {
    const done = (cases: number) => reportOf(async () => ({ counts: { cases }, violations: [], complete: true }))
    assert.strictEqual(ending(await done(0)), "0 violations, but too little was done: give it more --minutes")
    assert.strictEqual(ending(await done(1)), "0 violations")
  })

  it("shows few lines of progress, and all notes", async () => {
    const lines: Array<string> = []
    const run: Part["run"] = async ({ progress }) => {
      for (let at = 0; at < 1_000; at++) progress(`step ${at}`)
      return { counts: { cases: 1 }, violations: [], complete: true, notes: ["one", "two"] }
    }
    await reportOf(run, undefined, (line) => lines.push(line))
    assert.deepStrictEqual(lines.slice(0, -1), ["some: some part", "  one", "  two"])
  })
})

describe("the command line", () => {
  const wrong: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
    [["--only", "nonsense"], /^--only takes faults, full-disk, .* not nonsense$/],
    [["--minutes", "abc"], /^--minutes takes a number above 0, not abc$/],
    [["--minutes", "0"], /^--minutes takes a number above 0, not 0$/],
    [["--minutes", ""], /^--minutes takes a number above 0, not $/],
    [["--seed", "1.5"], /^--seed takes a whole number, not 1.5$/],
    [["--seed", ""], /^--seed takes a whole number, not $/],
    [["--replay", "3"], /^--replay needs --only/],
    [["--replay", "3", "--only", "states,kills"], /^--replay needs --only/],
    [["--nonsense"], /^Unknown option '--nonsense'$/],
    [["--minutes"], /^Option '--minutes <value>' argument missing$/],
    [["nonsense"], /^Unexpected argument 'nonsense'$/]
  ]
  for (const [args, message] of wrong) {
    it(`says in one line what is wrong with ${args.join(" ")}`, () => {
      assert.throws(() => argumentsIn(args), BadArguments, message)
    })
  }

  it("does all of it, by a seed of its own, if nothing is given", () => {
    const { only, seed: drawn, ...others } = argumentsIn([])
    assert.deepStrictEqual(others, { help: false, json: false, minutes: Infinity, replay: undefined })
    assert.deepStrictEqual(only, shares.map(({ part }) => part.name))
    assert.isTrue(Number.isSafeInteger(drawn))
  })

  it("has every part in its help, and so has docs/FAILURES.md", () => {
    const document = readFileSync(path.join(import.meta.dirname, "../../docs/FAILURES.md"), "utf8")
    for (const { part: { name } } of shares) {
      assert.include(usage, `  ${name} `)
      assert.include(document, `| \`${name}\``)
    }
  })
})

describe("the command that shows something again", () => {
  const replays = [
    "open-full",
    "0.12.3",
    "prepare \"new\" {\"parent\":\"child\"} | at full",
    "its parent's $mark `of` it"
  ]
  for (const replay of replays) {
    it(`is understood by a shell and by its own program: ${replay}`, () => {
      const words = commandFor("states", seed, replay).replace("npm run prove -- ", "printf '%s\\0' ")
      const args = execFileSync("sh", ["-c", words], { encoding: "utf8" }).split("\0").slice(0, -1)
      assert.deepInclude(argumentsIn(args), { only: ["states"], seed, replay })
    })
  }
})
