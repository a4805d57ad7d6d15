import { assert, it } from "@effect/vitest"
// Internal, so not among the package's exports.
import { type Question, type Refusal, refusalOf, type State, transitions } from "../src/internal/transition.ts"

const states: ReadonlyArray<State> = ["absent", "active", "view", "committed"]

const isQuestion = (text: string): text is Question => Object.hasOwn(transitions, text)

const questions = Object.keys(transitions).filter(isQuestion)

const answerTo = (question: Question, state: State, name: string): Refusal | undefined =>
  refusalOf(question, state, name)

/** What the table says, as text: the tag of each refusal, or `go`. */
const answers = Object.fromEntries(questions.map((question) => [
  question,
  states.map((state) => answerTo(question, state, "it")?._tag ?? "go").join(" ")
]))

it("answers every question in every state, by one table", () => {
  assert.deepStrictEqual(answers, {
    prepare: "go KeyTaken KeyTaken KeyTaken",
    view: "go KeyTaken KeyTaken KeyTaken",
    mounts: "SnapshotNotFound go go NotMountable",
    commit: "SnapshotNotFound go NotActive NotActive",
    remove: "SnapshotNotFound go go go",
    stat: "SnapshotNotFound go go go",
    update: "SnapshotNotFound go go go",
    usage: "SnapshotNotFound go go go",
    parent: "ParentNotFound ParentNotCommitted ParentNotCommitted go",
    commitAs: "go NameTaken NameTaken NameTaken"
  })
})

it("names, in every refusal, what was asked about and the state that it is in", () => {
  for (const question of questions) {
    for (const state of states) {
      const refusal = answerTo(question, state, "the \"thing\"")
      if (refusal === undefined) continue
      assert.include(refusal.message, JSON.stringify("the \"thing\""))
      if ("kind" in refusal) assert.strictEqual(refusal.kind, state)
    }
  }
})
