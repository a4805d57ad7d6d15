/** The simulated disk: which states a machine can come up with, and which it cannot. */
import { assert, describe, it } from "@effect/vitest"
import type { StoreFileSystem, SyncTarget } from "@snapshotter/core/StoreFileSystem"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import * as PowerLoss from "@snapshotter/memory-fs/PowerLoss"
import { Effect, Exit } from "effect"

/** A disk with nothing unsynced on it, and ways to use it. */
const machine = (options: MemoryVolume.Options = {}) => {
  const volume = MemoryVolume.make({ losesPower: true, ...options })
  const store: StoreFileSystem = MemoryStoreFileSystem.make(volume)
  const sync = (...targets: ReadonlyArray<SyncTarget>) => store.sync(targets)
  return { volume, files: MemoryFileSystem.make(volume), store, trees: MemoryTreeFileSystem.make(volume), sync }
}

/** What is in `/tmp` of a volume: each path with its type and what it holds, in order. */
const listing = (volume: MemoryVolume.MemoryVolume) =>
  Effect.gen(function*() {
    const files = MemoryFileSystem.make(volume)
    const lines: Array<string> = []
    for (const path of (yield* files.readDirectory("/tmp", { recursive: true })).sort()) {
      const { type } = yield* files.lstat(`/tmp/${path}`)
      if (type === "Directory") lines.push(`${path}/`)
      else if (type === "SymbolicLink") lines.push(`${path} → ${yield* files.readLink(`/tmp/${path}`)}`)
      else lines.push(`${path}=${(yield* files.readFileString(`/tmp/${path}`)).replaceAll("\0", "0")}`)
    }
    return lines.join(" ")
  })

/** Every state, as text, in alphabetical order. */
const found = (volume: MemoryVolume.MemoryVolume, options?: PowerLoss.Options) =>
  Effect.map(
    Effect.forEach([...PowerLoss.states(volume, options)], (state) => listing(state.boot())),
    (all) => all.sort()
  )

const countUpTo = (most: number, items: Iterable<unknown>): number => {
  let count = 0
  for (const _ of items) if (++count === most) break
  return count
}

describe("what was synced is there, what was not may be", () => {
  it.effect("a new disk comes up as it is", () =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* found(machine().volume), [""])
    }))

  it.effect("a file that was written: absent, or with all, none, half or zeros of its contents", () =>
    Effect.gen(function*() {
      const { files, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      assert.deepStrictEqual(yield* found(volume), ["", "f=", "f=0000", "f=ab", "f=abcd"])
    }))

  it.effect("the file is synced, its name is not: whole or absent", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "file", path: "/tmp/f" })
      assert.deepStrictEqual(yield* found(volume), ["", "f=abcd"])
    }))

  it.effect("its name is synced, the file is not: there, with whatever", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "directory", path: "/tmp" })
      assert.deepStrictEqual(yield* found(volume), ["f=", "f=0000", "f=ab", "f=abcd"])
    }))

  it.effect("both are synced: whole", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "file", path: "/tmp/f" }, { kind: "directory", path: "/tmp" })
      assert.deepStrictEqual(yield* found(volume), ["f=abcd"])
    }))

  it.effect("what was on the disk and was only added to is never lost", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "ab")
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.writeFileString("/tmp/f", "cd", { flag: "a" })
      assert.deepStrictEqual(yield* found(volume), ["f=ab", "f=ab00", "f=abc", "f=abcd"])
    }))

  it.effect("fsync through an open file counts", () =>
    Effect.gen(function*() {
      const { files, volume } = machine()
      yield* Effect.scoped(Effect.gen(function*() {
        const file = yield* files.open("/tmp/f", { flag: "w" })
        yield* file.writeAll(Buffer.from("abcd"))
        yield* file.sync
      }))
      assert.deepStrictEqual(yield* found(volume), ["", "f=abcd"])
    }))
})

describe("in each directory a prefix of what was done there", () => {
  it.effect("one directory: its changes in their order", () =>
    Effect.gen(function*() {
      const { files, volume } = machine()
      for (const name of ["a", "b", "c"]) yield* files.makeDirectory(`/tmp/${name}`)
      assert.deepStrictEqual(yield* found(volume), ["", "a/", "a/ b/", "a/ b/ c/"])
    }))

  it.effect("two directories: any two prefixes", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.makeDirectory("/tmp/a")
      yield* files.makeDirectory("/tmp/b")
      yield* sync({ kind: "tree", path: "/tmp" })
      for (const name of ["a/1", "b/1", "a/2"]) yield* files.makeDirectory(`/tmp/${name}`)
      assert.deepStrictEqual(yield* found(volume), [
        "a/ a/1/ a/2/ b/",
        "a/ a/1/ a/2/ b/ b/1/",
        "a/ a/1/ b/",
        "a/ a/1/ b/ b/1/",
        "a/ b/",
        "a/ b/ b/1/"
      ])
    }))

  it.effect("a rename is in both of its directories, and atomic", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.makeDirectory("/tmp/a/x", { recursive: true })
      yield* files.makeDirectory("/tmp/b")
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.makeDirectory("/tmp/b/before")
      yield* files.rename("/tmp/a/x", "/tmp/b/x")
      yield* files.makeDirectory("/tmp/a/after")
      assert.deepStrictEqual(yield* found(volume), [
        "a/ a/after/ b/ b/before/ b/x/",
        "a/ a/x/ b/",
        "a/ a/x/ b/ b/before/",
        "a/ b/ b/before/ b/x/"
      ])
      // To sync one of them is to sync what came before in the other one, too.
      yield* sync({ kind: "directory", path: "/tmp/a" })
      assert.deepStrictEqual(yield* found(volume), ["a/ a/after/ b/ b/before/ b/x/"])
    }))

  it.effect("what is in a directory is not on the disk with its name, a symlink is", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.makeDirectory("/tmp/d/e", { recursive: true })
      yield* files.symlink("nowhere", "/tmp/l")
      yield* sync({ kind: "directory", path: "/tmp" })
      assert.deepStrictEqual(yield* found(volume), ["d/ d/e/ l → nowhere", "d/ l → nowhere"])
    }))

  it.effect("replacing a file by a rename without syncing it first can lose both", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "old")
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.writeFileString("/tmp/next", "newer")
      yield* files.rename("/tmp/next", "/tmp/f")
      const states = yield* found(volume)
      for (const state of ["f=", "f=newer", "f=old", "f=old next=ne"]) assert.include(states, state)
      assert.notInclude(states, "")
    }))

  it.effect("replacing it as one should loses nothing: old or new", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "old")
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.writeFileString("/tmp/next", "newer")
      yield* sync({ kind: "file", path: "/tmp/next" })
      yield* files.rename("/tmp/next", "/tmp/f")
      assert.deepStrictEqual(yield* found(volume), ["f=newer", "f=old", "f=old next=newer"])
    }))

  it.effect("modes, owners and attributes come one after another", () =>
    Effect.gen(function*() {
      const { sync, trees, volume } = machine()
      yield* trees.makeDirectory("/tmp/d", 0o700)
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* trees.setMode("/tmp/d", 0o711)
      yield* trees.setXattr("/tmp/d", "user.a", Buffer.from("b"))
      const seen = yield* Effect.forEach([...PowerLoss.states(volume)], (state) =>
        Effect.gen(function*() {
          const found = MemoryTreeFileSystem.make(state.boot())
          const names = yield* found.listXattrs("/tmp/d")
          return `${((yield* found.lstat("/tmp/d")).mode & 0o777).toString(8)} ${names.join()}`
        }))
      assert.deepStrictEqual(seen.sort(), ["700 ", "711 ", "711 user.a"])
    }))

  it.effect("two names of one file are still two names of one file", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "x")
      yield* files.link("/tmp/f", "/tmp/g")
      yield* sync({ kind: "tree", path: "/tmp" })
      const [state] = [...PowerLoss.states(volume)]
      const trees = MemoryTreeFileSystem.make(state?.boot() ?? volume)
      const [one, other] = [yield* trees.lstat("/tmp/f"), yield* trees.lstat("/tmp/g")]
      assert.deepStrictEqual([one.nlink, one.ino], [2, other.ino])
    }))
})

describe("overlays", () => {
  it.effect("a deletion, a copy and a rename are one step each: the upper layer never shows half of one", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      for (const name of ["lower", "upper", "work", "merged"]) yield* files.makeDirectory(`/tmp/${name}`)
      yield* files.writeFileString("/tmp/lower/f", "f")
      yield* files.writeFileString("/tmp/lower/g", "g")
      const mounts = [{
        type: "overlay",
        source: "overlay",
        options: ["workdir=/tmp/work", "upperdir=/tmp/upper", "lowerdir=/tmp/lower"]
      }] as const
      const states: Array<PowerLoss.State> = []
      yield* Effect.scoped(Effect.gen(function*() {
        yield* MemoryMounter.make(volume).mount(mounts, "/tmp/merged")
        yield* sync({ kind: "tree", path: "/tmp" })
        yield* files.remove("/tmp/merged/f")
        yield* files.rename("/tmp/merged/g", "/tmp/merged/f")
        states.push(...PowerLoss.states(volume))
      }))
      const merged = yield* Effect.forEach(states, (state) =>
        Effect.scoped(Effect.gen(function*() {
          const booted = state.boot()
          yield* MemoryMounter.make(booted).mount(mounts, "/tmp/merged")
          const files = MemoryFileSystem.make(booted)
          const names = (yield* files.readDirectory("/tmp/merged")).sort()
          const contents = yield* Effect.forEach(names, (name) => files.readFileString(`/tmp/merged/${name}`))
          return names.map((name, at) => `${name}=${contents[at]?.replaceAll("\0", "0")}`).join(" ")
        })))
      // The copy's contents are as unsynced as any: the model is stricter here than the kernel, which syncs them.
      assert.deepStrictEqual([...new Set(merged)].sort(), ["f=", "f=0", "f=f g=g", "f=g", "g=", "g=0", "g=g"])
    }))
})

describe("how many, and which", () => {
  it.effect("beyond the limit, samples that a seed repeats, with everything and nothing among them", () =>
    Effect.gen(function*() {
      const { files, volume } = machine()
      for (let at = 0; at < 20; at++) yield* files.writeFileString(`/tmp/${String(at).padStart(2, "0")}`, "abcd")
      const some = yield* found(volume, { seed: 1, samples: 30 })
      assert.deepStrictEqual(yield* found(volume, { seed: 1, samples: 30 }), some)
      assert.notDeepEqual(yield* found(volume, { seed: 2, samples: 30 }), some)
      assert.isBelow(some.length, 31)
      assert.include(some, "")
      assert.include(some, yield* listing(volume))
    }))

  it.effect("what loses nothing is first and what loses all is second, however few are asked for", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "directory", path: "/tmp" })
      yield* files.writeFileString("/tmp/g", "efgh")
      for (const samples of [0, 1, 2]) {
        const given = [...PowerLoss.states(volume, { completeUpTo: 0, samples })]
        assert.deepStrictEqual(yield* Effect.forEach(given, (state) => listing(state.boot())), ["f=abcd g=efgh", "f="])
        assert.deepStrictEqual(given.map(({ isWhole }) => isWhole), [true, false])
      }
      const complete = yield* Effect.forEach([...PowerLoss.states(volume)], (state) => listing(state.boot()))
      assert.deepStrictEqual(complete.slice(0, 2), ["f=abcd g=efgh", "f="])
      assert.strictEqual(complete.length, 4 + 4 * 4)
    }))

  it.effect("sixteen changes are enumerated, and the contents of a file count as two: never more than 2¹⁶ states", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      for (let at = 0; at < 17; at++) yield* files.makeDirectory(`/tmp/${at}`)
      yield* sync({ kind: "tree", path: "/tmp" })
      // In places of their own, so that any of them may be lost without the others.
      for (let at = 0; at < 8; at++) yield* files.chmod(`/tmp/${at}`, 0o700)
      assert.lengthOf([...PowerLoss.states(volume, { completeUpTo: 8, samples: 0 })], 2 ** 8)
      for (let at = 8; at < 16; at++) yield* files.chmod(`/tmp/${at}`, 0o700)
      assert.isAbove(countUpTo(1_000, PowerLoss.states(volume, { samples: 0 })), 999)
      assert.isTrue(PowerLoss.isComplete(volume))
      yield* files.chmod("/tmp/16", 0o700)
      assert.isFalse(PowerLoss.isComplete(volume))
      assert.lengthOf([...PowerLoss.states(volume, { samples: 0 })], 2)
      yield* sync({ kind: "tree", path: "/tmp" })
      for (let at = 0; at < 3; at++) yield* files.writeFileString(`/tmp/file${at}`, "abcd")
      yield* sync({ kind: "directory", path: "/tmp" })
      assert.lengthOf([...PowerLoss.states(volume, { completeUpTo: 6, samples: 0 })], 4 ** 3)
      assert.lengthOf([...PowerLoss.states(volume, { completeUpTo: 5, samples: 0 })], 2)
      assert.deepStrictEqual([6, 5].map((completeUpTo) => PowerLoss.isComplete(volume, { completeUpTo })), [
        true,
        false
      ])
    }))

  it.effect("the states are those of when they were asked for, whatever is done before they are looked at", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.makeDirectory("/tmp/d")
      yield* files.writeFileString("/tmp/f", "efgh")
      yield* files.writeFileString("/tmp/d/g", "ijkl")
      // Past this package, and synced: nothing has told of it before.
      volume.memfs.writeFileSync("/tmp/h", "mnop")
      yield* sync({ kind: "directory", path: "/tmp" })
      const expected = yield* found(volume)
      const [late, begun] = [PowerLoss.states(volume), PowerLoss.states(volume)]
      const first = begun.next()
      yield* files.writeFileString("/tmp/f", "other")
      yield* files.writeFileString("/tmp/d/g", "other")
      yield* files.makeDirectory("/tmp/d/e")
      yield* files.chmod("/tmp/h", 0o600)
      yield* sync({ kind: "tree", path: "/tmp" })
      yield* files.remove("/tmp/d", { recursive: true })
      for (const given of [[...late], [...first.done === true ? [] : [first.value], ...begun]]) {
        assert.deepStrictEqual((yield* Effect.forEach(given, (state) => listing(state.boot()))).sort(), expected)
        for (const state of given) {
          assert.strictEqual((yield* MemoryTreeFileSystem.make(state.boot()).lstat("/tmp/h")).mode & 0o777, 0o666)
        }
      }
    }))

  it.effect("a file that was removed comes back with the contents that it had", () =>
    Effect.gen(function*() {
      const { files, sync, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      yield* sync({ kind: "directory", path: "/tmp" })
      yield* files.remove("/tmp/f")
      assert.deepStrictEqual(yield* found(volume), ["", "f=", "f=0000", "f=ab", "f=abcd"])
    }))

  it.effect("the old machine runs on, and the new one loses power as well", () =>
    Effect.gen(function*() {
      const { files, volume } = machine()
      yield* files.writeFileString("/tmp/f", "abcd")
      const states = [...PowerLoss.states(volume)]
      yield* files.writeFileString("/tmp/f", "changed")
      assert.deepStrictEqual(PowerLoss.unsynced(volume), ["make /tmp/f", "contents of /tmp/f"])
      const booted = states.find(({ story }) => story === "nothing was lost")?.boot() ?? volume
      assert.strictEqual(yield* listing(booted), "f=abcd")
      yield* MemoryFileSystem.make(booted).remove("/tmp/f")
      assert.deepStrictEqual(yield* found(booted), ["", "f=abcd"])
      assert.strictEqual(yield* listing(volume), "f=changed")
    }))

  it.effect("each inner step is told before it is done, and can be refused", () =>
    Effect.gen(function*() {
      const steps: Array<string> = []
      let refused = "nothing"
      const { store } = machine({
        onStep: ({ kind, text }) => {
          steps.push(kind)
          return text === refused ? "EIO" : undefined
        }
      })
      yield* store.makeDirectory("/tmp/d", 0o700)
      yield* store.writeFile("/tmp/d/f", "x", 0o600)
      yield* store.sync([{ kind: "tree", path: "/tmp/d" }])
      assert.deepStrictEqual(steps, ["names", "attributes", "names", "contents", "sync"])
      refused = "unlink /tmp/d/f"
      assert.strictEqual((yield* Effect.flip(store.removeFile("/tmp/d/f"))).code, "EIO")
      assert.strictEqual(yield* store.readFile("/tmp/d/f"), "x")
    }))

  it.effect("what is thrown at a step ends the call as a defect, and the step is not done", () =>
    Effect.gen(function*() {
      const over = new Error("over")
      const { store } = machine({
        onStep: ({ kind }: MemoryVolume.DiskStep) => {
          if (kind === "contents") throw over
          return undefined
        }
      })
      const exit = yield* Effect.exit(store.writeFile("/tmp/f", "text", 0o600))
      assert.deepStrictEqual(exit, Exit.die(over))
      assert.strictEqual(yield* store.readFile("/tmp/f"), "")
    }))

  it.effect("what is said of a change names its paths as they were before it, and of contents the file", () =>
    Effect.gen(function*() {
      const steps: Array<string> = []
      const { files, sync, volume } = machine({ onStep: ({ text }) => void steps.push(text) })
      yield* files.makeDirectory("/tmp/a/b", { recursive: true })
      for (const name of ["next", "second", "third"]) yield* files.writeFileString(`/tmp/a/b/${name}`, name)
      yield* sync({ kind: "tree", path: "/tmp" })
      steps.length = 0
      yield* files.rename("/tmp/a", "/tmp/c")
      yield* files.rename("/tmp/c/b/next", "/tmp/settings")
      yield* files.rename("/tmp/c/b/second", "/tmp/settings")
      yield* files.remove("/tmp/c/b/third")
      const changes = [
        "rename /tmp/a → /tmp/c",
        "rename /tmp/c/b/next → /tmp/settings",
        "rename /tmp/c/b/second → /tmp/settings",
        "unlink /tmp/c/b/third"
      ]
      assert.deepStrictEqual(PowerLoss.unsynced(volume), changes)
      assert.deepStrictEqual(steps, changes)
      const [, none] = [...PowerLoss.states(volume)].map(({ story }) => story)
      assert.strictEqual(none, ["lost", ...changes].join("\n  "))
      yield* files.writeFileString("/tmp/settings", "new")
      assert.deepStrictEqual(steps.slice(changes.length), ["truncate /tmp/settings", "write to /tmp/settings"])
      assert.deepStrictEqual(PowerLoss.unsynced(volume), [...changes, "contents of /tmp/settings"])
    }))

  it("a volume that was not made for it says so", () => {
    assert.throws(() => PowerLoss.states(MemoryVolume.make()), "losesPower")
    assert.throws(() => PowerLoss.unsynced(MemoryVolume.make()), "losesPower")
    assert.throws(() => PowerLoss.isComplete(MemoryVolume.make()), "losesPower")
  })
})
