/** The reduced form of the campaign's part `reality`, and what its judgement of a tree is worth: it can say no. */
import { Effect } from "effect"
import { assert, describe, it } from "vitest"
import { isRoot } from "../../packages/node-fs/test/place.ts"
import { judgement } from "../Judgement.ts"
import { compare } from "./reality.ts"
import { agreementOf } from "./reality/agreement.ts"
import { departuresOf, explain, isInOneOrder } from "./reality/allowed.ts"
import { fateOf } from "./reality/contents.ts"
import type { Found } from "./reality/found.ts"
import { historyOf } from "./reality/history.ts"
import type { Operation } from "./reality/operation.ts"

const runs = judgement("reality", isRoot ? undefined : "mounting needs root")

const mode = 0o755

let identities = 0n

const bare = { xattrs: new Map(), text: "", target: "", entries: new Map() }

const directory = (entries: Record<string, Found> = {}): Found => ({
  ...bare,
  type: "directory",
  mode,
  identity: ++identities,
  entries: new Map(Object.entries(entries))
})

const file = (text: string): Found => ({ ...bare, type: "file", mode, identity: ++identities, text })

const mkdir = (path: string): Operation => ({ do: "mkdir", path, mode })
const create = (path: string, text = ""): Operation => ({ do: "create", path, mode, text })
const rename = (from: string, to: string): Operation => ({ do: "rename", from, to })
const fsync = (path: string): Operation => ({ do: "fsync directory", path })
const syncfs: Operation = { do: "syncfs" }

const isAllowed = (operations: ReadonlyArray<Operation>, tree: Found) =>
  explain(historyOf(operations), tree) !== undefined

describe("which trees are allowed", () => {
  it("a directory shows a beginning of what was done in it, and nothing else", () => {
    const made = [mkdir("a"), mkdir("b")]
    assert.isTrue(isAllowed(made, directory()))
    assert.isTrue(isAllowed(made, directory({ a: directory() })))
    assert.isTrue(isAllowed(made, directory({ a: directory(), b: directory() })))
    assert.isFalse(isAllowed(made, directory({ b: directory() })))
    assert.isFalse(isAllowed(made, directory({ c: directory() })))
  })

  it("what was synced is there, and what it leads to need not be", () => {
    const synced = [mkdir("a"), mkdir("a/b"), fsync("")]
    assert.isTrue(isAllowed(synced, directory({ a: directory() })))
    assert.isFalse(isAllowed(synced, directory()))
    assert.isFalse(isAllowed([...synced, syncfs], directory({ a: directory() })))
  })

  it("directories need not be in order with each other", () => {
    const operations = [mkdir("a"), mkdir("b"), syncfs, mkdir("a/x"), mkdir("b/x")]
    const tree = directory({ a: directory(), b: directory({ x: directory() }) })
    assert.isTrue(isAllowed(operations, tree))
    assert.isFalse(isInOneOrder(historyOf(operations), tree))
  })

  it("a rename is in both directories or in neither; syncing one of them is syncing what came before in the other", () => {
    const moved = [mkdir("a"), mkdir("b"), mkdir("a/x"), syncfs, mkdir("b/y"), rename("a/x", "b/x")]
    const [before, after] = [directory({ x: directory() }), directory({ y: directory(), x: directory() })]
    assert.isTrue(isAllowed(moved, directory({ a: before, b: directory({ y: directory() }) })))
    assert.isTrue(isAllowed(moved, directory({ a: directory(), b: after })))
    assert.isFalse(isAllowed(moved, directory({ a: before, b: after })))
    assert.isFalse(isAllowed(moved, directory({ a: directory(), b: directory({ y: directory() }) })))
    assert.isFalse(isAllowed([...moved, fsync("a")], directory({ a: before, b: directory() })))
  })

  it("two names of a file are two names of a file", () => {
    const linked: ReadonlyArray<Operation> = [create("a", "x"), { do: "link", from: "a", to: "b" }, syncfs]
    const one = file("x")
    assert.isTrue(isAllowed(linked, directory({ a: one, b: one })))
    assert.isFalse(isAllowed(linked, directory({ a: file("x"), b: file("x") })))
  })

  it("contents: kept, lost, cut, zeroed; a mix is what no model has, and the rest is nobody's", () => {
    const fates = { "aabb": "kept", "aa": "lost", "aab": "cut", "aa\0\0": "zeroed" }
    for (const [found, fate] of Object.entries(fates)) assert.strictEqual(fateOf(["aa", "aabb"], found), fate)
    for (const found of ["a", "abbb", "aabbb", "\0abb"]) {
      assert.notInclude(["kept", "lost", "cut", "zeroed"], fateOf(["aa", "aabb"], found))
    }
    assert.strictEqual(fateOf(["aa", "bb", "cc"], "bb"), "mixed")
    assert.strictEqual(fateOf(["aa", "bb", "cc"], "bc"), "mixed")
    assert.isUndefined(fateOf(["aa", "bb"], "ax"))
  })
})

describe("what real disks do beside it is told by name", () => {
  const told = (operations: ReadonlyArray<Operation>, tree: Found) => departuresOf(historyOf(operations), tree)

  it("names that overtake each other, as where a log holds what was synced alone (btrfs)", () => {
    const operations: ReadonlyArray<Operation> = [mkdir("a"), create("b"), { do: "fsync file", path: "b" }]
    assert.deepStrictEqual(told(operations, directory({ b: file("") })), ["names"])
  })

  it("a rename that is in one of its directories, or in both (btrfs, ext4 without a journal)", () => {
    const operations = [mkdir("a"), mkdir("a/x"), syncfs, rename("a/x", "x")]
    assert.deepStrictEqual(told(operations, directory({ a: directory() })), ["renames"])
    assert.deepStrictEqual(told(operations, directory({ a: directory({ x: directory() }), x: directory() })), [
      "renames"
    ])
  })

  it("contents that were written meanwhile (all of them)", () => {
    const again: Operation = { do: "write", path: "f", offset: 0, text: "b" }
    assert.deepStrictEqual(told([create("f", "a"), fsync(""), again], directory({ f: file("a") })), ["contents"])
  })

  it("a synced name that is not there, one that leads to nothing, or to something else (ext4 without a journal)", () => {
    assert.deepStrictEqual(told([mkdir("a"), fsync("")], directory()), ["fsync"])
    const replaced = [create("a"), create("b"), syncfs, rename("b", "a")]
    assert.deepStrictEqual(told(replaced, directory({ b: file("") })), ["nodes"])
    const removed: ReadonlyArray<Operation> = [create("a"), syncfs, { do: "unlink", path: "a" }]
    assert.deepStrictEqual(told(removed, directory({ a: directory() })), ["inodes"])
  })

  it("and what was on the disk throughout is never explained away", () => {
    assert.isUndefined(told([mkdir("a"), syncfs], directory()))
    assert.isUndefined(told([create("a", "x"), syncfs], directory({ a: file("y") })))
  })
})

const seed = 5_000

describe("the simulated disk", () => {
  it("gives exactly the states that the reference allows", async () => {
    let [states, crossed] = [0, 0]
    for (let at = seed; at < seed + 12; at++) {
      const agreement = await Effect.runPromise(agreementOf(at))
      assert.deepStrictEqual(agreement.disagreements, [])
      states += agreement.states
      crossed += agreement.crossed
    }
    assert.isAbove(states, 1_500)
    assert.isAbove(crossed, 400)
  })
})

describe.runIf(runs)("real disks", () => {
  it("come up with states that the model allows, or depart from them as is known", async () => {
    const { signal } = new AbortController()
    const { counts, violations } = await compare({ seed, until: Infinity, progress: () => {}, signal }, 8)
    assert.deepStrictEqual(violations, [])
    assert.isAtLeast(counts["copies"] ?? 0, 48)
    process.stdout.write(`reality: ${JSON.stringify(counts)}\n`)
  })
})
