/** The port's calls that are many system calls: removing, measuring and syncing a tree, each refused one call after another. */
import type { SyncTarget } from "@snapshotter/core/StoreFileSystem"
import { Effect, type Scope } from "effect"
import * as assert from "node:assert/strict"
import * as fs from "node:fs"
import * as path from "node:path"
import { freshDirectoryIn } from "../place.ts"
import { countCalls, type Refusal } from "../syscalls/strace.ts"
import type { Subject, Traced } from "./process.ts"
import type { Order } from "./program.ts"
import { describeRefusal, type Errnos, refuseEach } from "./refusals.ts"

/** So large that it is unlinked in another thread. */
const largeBytes = 2 * 2 ** 20

const plant = (tree: string, outside: string): void => {
  fs.mkdirSync(path.join(tree, "d", "deep"), { recursive: true })
  fs.mkdirSync(path.join(tree, "empty"))
  fs.writeFileSync(path.join(tree, "file"), "text")
  fs.writeFileSync(path.join(tree, "large"), Buffer.alloc(largeBytes, 1))
  fs.writeFileSync(path.join(tree, "d", "one name"), "x")
  fs.linkSync(path.join(tree, "d", "one name"), path.join(tree, "d", "deep", "another"))
  fs.symlinkSync(outside, path.join(tree, "d", "deep", "link"))
}

interface Place {
  readonly tree: string
  readonly outside: string
}

const placeIn = (parent: string): Effect.Effect<Place, never, Scope.Scope> =>
  Effect.map(freshDirectoryIn(parent), (directory) => {
    const [tree, outside] = [path.join(directory, "tree"), path.join(directory, "outside")]
    fs.mkdirSync(outside)
    fs.writeFileSync(path.join(outside, "kept"), "kept")
    plant(tree, outside)
    return { tree, outside }
  })

/** One such call, and what must be so when one of its system calls was refused. */
interface TreeCall {
  readonly name: string
  readonly order: (place: Place) => Order
  readonly judge: (subject: Subject, place: Place, traced: Traced, refusal: Refusal) => Promise<void>
}

const isAnswer = ({ answer }: Traced, refusal: Refusal): void => {
  if ("defect" in answer) assert.fail(answer.defect)
  if ("failure" in answer) {
    assert.equal(answer.failure._tag, "FileSystemError")
    assert.equal(answer.failure["code"], refusal.code)
  }
}

const removal: TreeCall = {
  name: "removeTree",
  order: ({ tree }) => ({ do: "removeTree", path: tree }),
  judge: async (subject, { outside, tree }, { answer }) => {
    const left = "value" in answer ? answer.value as ReadonlyArray<{ readonly path: string }> : undefined
    if (left?.length === 0) assert.equal(fs.existsSync(tree), false, "it says that all is gone")
    // What is told to be left is there, and no more than that and the directories above it.
    for (const one of left ?? []) assert.ok(fs.existsSync(one.path), `${one.path} is told to be left`)
    if (left !== undefined && left.length > 0) {
      const there = fs.readdirSync(tree, { recursive: true, encoding: "utf8" }).map((name) => path.join(tree, name))
      const strays = there.filter((one) =>
        !left.some(({ path }) => `${path}/`.startsWith(`${one}/`) || one.startsWith(`${path}/`))
      )
      assert.deepEqual(strays, [], "left without being told")
    }
    assert.deepEqual(await subject.ask({ do: "removeTree", path: tree }), { value: [] })
    assert.equal(fs.existsSync(tree), false, "the second time")
    assert.deepEqual(fs.readdirSync(outside), ["kept"])
  }
}

const measuring: TreeCall = {
  name: "usage",
  order: ({ tree }) => ({ do: "usage", path: tree }),
  judge: async (subject, { tree }, { answer }) => {
    const right = await subject.ask({ do: "usage", path: tree })
    if ("value" in answer) assert.deepEqual(answer, right, "another number than without the failure")
  }
}

const syncing = (name: string, targets: (place: Place) => ReadonlyArray<SyncTarget>): TreeCall => ({
  name,
  order: (place) => ({ do: "sync", targets: targets(place) }),
  judge: async (subject, place, { answer }, { call }) => {
    assert.ok("failure" in answer, "it succeeded, though it could not do all")
    const begun = call === "fsync" || call === "syncfs"
    assert.equal(answer.failure["operation"], begun ? "sync" : "openForSync")
    assert.deepEqual(await subject.ask({ do: "sync", targets: targets(place) }), { value: null })
  }
})

const calls: ReadonlyArray<TreeCall> = [
  removal,
  measuring,
  syncing("sync of a tree", ({ tree }) => [{ kind: "tree", path: tree }]),
  syncing("sync of several", ({ outside, tree }) => [
    { kind: "directory", path: tree },
    { kind: "file", path: `${tree}/file` },
    { kind: "directory", path: outside }
  ]),
  syncing("sync of a directory", ({ tree }) => [{ kind: "directory", path: tree }]),
  syncing("sync of a file", ({ tree }) => [{ kind: "file", path: `${tree}/file` }])
]

/** Refuses every system call of each of them; says how many there were, by call, and what must not be. */
export const strikeTrees = async (
  subject: Subject,
  parent: string,
  errnos: Errnos,
  isOver: () => boolean = () => false
): Promise<{ readonly met: ReadonlyMap<string, number>; readonly wrongs: ReadonlyArray<string> }> => {
  const met = new Map<string, number>()
  const wrongs: Array<string> = []
  const at = <A>(use: (place: Place) => Promise<A>): Promise<A> =>
    Effect.runPromise(Effect.scoped(Effect.flatMap(placeIn(parent), (place) => Effect.promise(() => use(place)))))
  for (const call of calls) {
    // A descriptor of the file system is opened once.
    const counts = await at(async (place) => {
      await subject.ask({ do: "sync", targets: [{ kind: "tree", path: place.tree }] })
      const all = countCalls((await subject.askTraced(call.order(place), undefined)).trace)
      // Nothing of what is in files is read or written: that is the orders and the answers.
      return new Map([...all].filter(([name]) => name !== "read" && name !== "write"))
    })
    const strike = (refusal: Refusal) =>
      at(async (place) => {
        if (isOver()) return false
        const before = await subject.openFiles()
        const traced = await subject.askTraced(call.order(place), refusal)
        if (!traced.injected) return false
        try {
          isAnswer(traced, refusal)
          assert.ok(await subject.openFiles(before) <= before, "files stay open")
          await call.judge(subject, place, traced, refusal)
        } catch (cause) {
          const why = cause instanceof Error ? cause.message : String(cause)
          wrongs.push(
            `${call.name}, where ${describeRefusal(refusal)}: ${why}; it answered ${JSON.stringify(traced.answer)}`
          )
        }
        return true
      })
    met.set(call.name, await refuseEach(counts, errnos, strike))
  }
  return { met, wrongs }
}
