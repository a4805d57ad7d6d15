/**
 * What each operation does to the disk, call by call: the table of docs/ARCHITECTURE.md, in full. A call more or less, or in
 * another order, loses something in some crash, or waits for the disk for nothing.
 */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect } from "effect"
// Internal, so not among core's exports.
import { sha256Hex } from "../../core/src/internal/sha256.ts"
import { processOn, quiet } from "./machine.ts"

const names = ["a", "b", "base", "child", "fork", "look", "new", "dead"]

/** Paths below the root, with the name for its hash and a number for each id, in the order in which they came up. */
const plain = () => {
  const numbers = new Map<string, number>()
  const hashes = new Map(names.map((name) => [sha256Hex(name), `<${name}>`]))
  return (text: string): string =>
    text.replaceAll("/place/store/", "").replace(/[0-9a-f]{64}/g, (hash) => hashes.get(hash) ?? hash)
      .replace(/\b[a-z2-7]{13}\b/g, (id) => {
        if (!numbers.has(id)) numbers.set(id, numbers.size + 1)
        return String(numbers.get(id))
      })
}

/** A store whose changing calls are written down, and other processes at the other durability, whose calls are not. */
const recorded = Effect.fnUntraced(function*(durability: "full" | "process") {
  const volume = MemoryVolume.make()
  const quietly = processOn(volume, "quiet")
  const fs = Context.get(quietly, StoreFileSystem)
  const log: Array<string> = []
  const short = plain()
  // Written down when it is done, not when it is asked for.
  const saying = <A, E>(line: string, call: Effect.Effect<A, E>) =>
    Effect.suspend(() => {
      log.push(short(line))
      return call
    })
  const written: StoreFileSystem = {
    ...fs,
    makeDirectory: (path, mode) => saying(`makeDirectory ${path} ${mode.toString(8)}`, fs.makeDirectory(path, mode)),
    writeFile: (path, text, mode) => saying(`writeFile ${path} ${mode.toString(8)}`, fs.writeFile(path, text, mode)),
    symlink: (target, path) => saying(`symlink ${path} = ${target}`, fs.symlink(target, path)),
    setMode: (path, mode) => saying(`setMode ${path} ${mode.toString(8)}`, fs.setMode(path, mode)),
    exchange: (one, other) => saying(`exchange ${one} → ${other}`, fs.exchange(one, other)),
    moveNoReplace: (from, to) => saying(`moveNoReplace ${from} → ${to}`, fs.moveNoReplace(from, to)),
    removeFile: (path) => saying(`removeFile ${path}`, fs.removeFile(path)),
    removeTree: (path) => saying(`removeTree ${path}`, fs.removeTree(path)),
    copyDirectoryAttributes: (from, to) =>
      saying(`copyDirectoryAttributes ${from} → ${to}`, fs.copyDirectoryAttributes(from, to)),
    sync: (targets) => saying(`sync ${targets.map(({ kind, path }) => `${kind} ${path}`).join(", ")}`, fs.sync(targets))
  }
  const process = Context.add(quietly, StoreFileSystem, written)
  const openOn = (on: typeof process, durability: "full" | "process") =>
    quiet(Effect.provide(make({ root: "/place/store", durability }), on))
  const other = (does: (store: Snapshotter) => Effect.Effect<unknown, unknown>) =>
    Effect.scoped(Effect.flatMap(openOn(quietly, durability === "full" ? "process" : "full"), does))
  const during = (act: Effect.Effect<unknown, unknown>) =>
    Effect.gen(function*() {
      log.length = 0
      yield* act
      return [...log]
    })
  yield* other(() => Effect.void)
  const open = () => openOn(process, durability)
  return { fs, during, open, other, store: yield* open() }
})

type Scene = Effect.Success<ReturnType<typeof recorded>>

interface Step {
  readonly what: string
  /** What is done to the store first, by others. */
  readonly before?: (scene: Scene) => Effect.Effect<unknown, unknown>
  readonly does: (scene: Scene) => Effect.Effect<unknown, unknown>
  /** One a line. */
  readonly calls: string
}

const [a, fork, look] = [Key.make("a"), Key.make("fork"), Key.make("look")]
const [base, child, name, b] = [Name.make("base"), Name.make("child"), Name.make("new"), Name.make("b")]
const labels = { patch: { l: "1" } }

// ============================================================ what others do

const begun = ({ fs }: Scene) => fs.makeDirectory("/place/store/staging/begun22222222", 0o700)

const litter = (scene: Scene) =>
  Effect.gen(function*() {
    yield* begun(scene)
    yield* scene.fs.makeDirectory("/place/store/trash/anything", 0o700)
    yield* scene.fs.symlink("../active/orphan2222222", "/place/store/index/0000")
  })

const unlinked = ({ fs }: Scene) =>
  Effect.gen(function*() {
    for (const link of yield* fs.readDirectory("/place/store/index")) yield* fs.removeFile(`/place/store/index/${link}`)
  })

/** Somebody died between his commit point and the wait for the disk. */
const unsynced = ({ fs }: Scene) => fs.setMode("/place/store/staging", 0o1700)

const updatedUnsynced = (scene: Scene) =>
  Effect.gen(function*() {
    yield* unsynced(scene)
    const link = yield* scene.fs.readLink(`/place/store/index/${sha256Hex(a)}`)
    yield* scene.fs.writeFile(`/place/store/index/${link}/next.json`, "{}", 0o600)
  })

const viewed = ({ other }: Scene) => other((store) => store.view(look, { parent: base }))

/** A chain of two, an active snapshot on it, and a view. */
const otherwise = (scene: Scene) =>
  Effect.gen(function*() {
    const { other } = scene
    yield* other((store) => Effect.andThen(store.prepare(a), store.commit(base, a)))
    yield* other((store) => Effect.andThen(store.prepare(a, { parent: base }), store.commit(child, a)))
    yield* other((store) => store.prepare(a, { parent: child }))
    yield* viewed(scene)
  })

const named = ({ other }: Scene) => other((store) => Effect.andThen(store.prepare(a), store.commit(b, a)))

const keyed = ({ other }: Scene) => other((store) => store.prepare(a, { parent: base }))

// ============================================================ what we do

const atFull: ReadonlyArray<Step> = [
  {
    what: "prepare of no parent",
    does: ({ store }) => store.prepare(a),
    calls: `
      makeDirectory staging/1 700
      writeFile staging/1/key.json 600
      makeDirectory staging/1/fs 755
      makeDirectory staging/1/work 711
      symlink index/<a> = ../active/1
      sync tree staging/1, directory index
      setMode staging 1700
      moveNoReplace staging/1 → active/1
      sync directory active, directory staging
      setMode staging 700
    `
  },
  {
    what: "commit of it",
    does: ({ store }) => store.commit(base, a),
    calls: `
      sync tree active/1
      writeFile active/1/name.json 600
      makeDirectory active/1/children 700
      symlink index/<base> = ../committed/1
      sync tree active/1, directory index
      setMode staging 1700
      moveNoReplace active/1 → committed/1
      sync directory committed, directory active
      setMode staging 700
      removeFile index/<a>
      moveNoReplace committed/1/work → trash/1-work
      removeTree trash/1-work
    `
  },
  {
    what: "prepare on a parent",
    does: ({ store }) => store.prepare(a, { parent: base }),
    calls: `
      makeDirectory staging/2 700
      writeFile staging/2/key.json 600
      makeDirectory staging/2/fs 755
      copyDirectoryAttributes committed/1/fs → staging/2/fs
      symlink staging/2/parent = ../../committed/1
      makeDirectory staging/2/work 711
      writeFile committed/1/children/2 600
      symlink index/<a> = ../active/2
      sync tree staging/2, directory index, directory committed/1/children
      setMode staging 1700
      moveNoReplace staging/2 → active/2
      sync directory active, directory staging
      setMode staging 700
    `
  },
  {
    what: "commit of that",
    does: ({ store }) => store.commit(child, a),
    calls: `
      sync tree active/2
      writeFile active/2/name.json 600
      makeDirectory active/2/children 700
      symlink index/<child> = ../committed/2
      sync tree active/2, directory index, directory committed/1/children
      setMode staging 1700
      moveNoReplace active/2 → committed/2
      sync directory committed, directory active
      setMode staging 700
      removeFile index/<a>
      moveNoReplace committed/2/work → trash/2-work
      removeTree trash/2-work
    `
  },
  {
    what: "view of a parent",
    does: ({ store }) => store.view(look, { parent: base }),
    calls: `
      makeDirectory staging/3 700
      writeFile staging/3/key.json 600
      makeDirectory staging/3/fs 755
      copyDirectoryAttributes committed/1/fs → staging/3/fs
      symlink staging/3/parent = ../../committed/1
      writeFile committed/1/children/3 600
      symlink index/<look> = ../view/3
      sync tree staging/3, directory index, directory committed/1/children
      setMode staging 1700
      moveNoReplace staging/3 → view/3
      sync directory view, directory staging
      setMode staging 700
    `
  },
  {
    what: "view of none",
    does: ({ store }) => store.view(fork),
    calls: `
      makeDirectory staging/4 700
      writeFile staging/4/key.json 600
      makeDirectory staging/4/fs 755
      symlink index/<fork> = ../view/4
      sync tree staging/4, directory index
      setMode staging 1700
      moveNoReplace staging/4 → view/4
      sync directory view, directory staging
      setMode staging 700
    `
  },
  {
    what: "update of a key",
    does: ({ store }) => store.update(look, labels),
    calls: `
      writeFile view/3/next.json 600
      sync file view/3/next.json
      setMode staging 1700
      exchange view/3/next.json → view/3/key.json
      sync directory view/3
      setMode staging 700
      removeFile view/3/next.json
    `
  },
  {
    what: "update of a name",
    does: ({ store }) => store.update(base, labels),
    calls: `
      writeFile committed/1/next.json 600
      sync file committed/1/next.json
      setMode staging 1700
      exchange committed/1/next.json → committed/1/name.json
      sync directory committed/1
      setMode staging 700
      removeFile committed/1/next.json
    `
  },
  {
    what: "remove of a key",
    does: ({ store }) => store.remove(look),
    calls: `
      setMode staging 1700
      moveNoReplace view/3 → trash/3
      sync directory trash, directory view
      setMode staging 700
      removeFile index/<look>
      removeFile committed/1/children/3
      removeTree trash/3
    `
  },
  {
    what: "remove of a name",
    does: ({ store }) => store.remove(child),
    calls: `
      setMode staging 1700
      moveNoReplace committed/2 → trash/2
      sync directory trash, directory committed
      setMode staging 700
      removeFile index/<child>
      removeFile committed/1/children/2
      removeTree trash/2
    `
  },
  { what: "cleanup where nothing is left", does: ({ store }) => store.cleanup, calls: "" },
  {
    what: "cleanup",
    does: ({ store }) => store.cleanup,
    before: litter,
    calls: `
      moveNoReplace staging/5 → trash/5
      removeFile index/0000
      removeTree trash/5
      removeTree trash/anything
    `
  },
  {
    what: "relink",
    does: ({ store }) => store.relink,
    before: unlinked,
    calls: `
      setMode staging 1700
      removeFile index/<fork>
      symlink index/<fork> = ../view/4
      removeFile index/<base>
      symlink index/<base> = ../committed/1
      sync tree index
      setMode staging 700
    `
  },
  { what: "relink where no link is lost", does: ({ store }) => store.relink, calls: "" },
  {
    what: "open",
    does: ({ open }) => Effect.scoped(open()),
    before: begun,
    calls: `
      moveNoReplace staging/5 → trash/5
      removeTree trash/5
    `
  },
  {
    what: "looking",
    does: ({ store }) => Effect.all([store.check, store.stat(base), store.usage(base)], { discard: true }),
    calls: ""
  }
]

const atProcess: ReadonlyArray<Step> = [
  {
    what: "prepare of no parent",
    does: ({ store }) => store.prepare(a),
    calls: `
      makeDirectory staging/1 700
      writeFile staging/1/key.json 600
      makeDirectory staging/1/fs 755
      makeDirectory staging/1/work 711
      symlink index/<a> = ../active/1
      moveNoReplace staging/1 → active/1
    `
  },
  {
    what: "commit of it",
    does: ({ store }) => store.commit(base, a),
    calls: `
      writeFile active/1/name.json 600
      makeDirectory active/1/children 700
      symlink index/<base> = ../committed/1
      moveNoReplace active/1 → committed/1
      removeFile index/<a>
      moveNoReplace committed/1/work → trash/1-work
      removeTree trash/1-work
    `
  },
  {
    what: "prepare on a parent",
    does: ({ store }) => store.prepare(a, { parent: base }),
    calls: `
      makeDirectory staging/2 700
      writeFile staging/2/key.json 600
      makeDirectory staging/2/fs 755
      copyDirectoryAttributes committed/1/fs → staging/2/fs
      symlink staging/2/parent = ../../committed/1
      makeDirectory staging/2/work 711
      writeFile committed/1/children/2 600
      symlink index/<a> = ../active/2
      moveNoReplace staging/2 → active/2
    `
  },
  {
    what: "commit of that",
    does: ({ store }) => store.commit(child, a),
    calls: `
      writeFile active/2/name.json 600
      makeDirectory active/2/children 700
      symlink index/<child> = ../committed/2
      moveNoReplace active/2 → committed/2
      removeFile index/<a>
      moveNoReplace committed/2/work → trash/2-work
      removeTree trash/2-work
    `
  },
  {
    what: "view of a parent",
    does: ({ store }) => store.view(look, { parent: base }),
    calls: `
      makeDirectory staging/3 700
      writeFile staging/3/key.json 600
      makeDirectory staging/3/fs 755
      copyDirectoryAttributes committed/1/fs → staging/3/fs
      symlink staging/3/parent = ../../committed/1
      writeFile committed/1/children/3 600
      symlink index/<look> = ../view/3
      moveNoReplace staging/3 → view/3
    `
  },
  {
    what: "view of none",
    does: ({ store }) => store.view(fork),
    calls: `
      makeDirectory staging/4 700
      writeFile staging/4/key.json 600
      makeDirectory staging/4/fs 755
      symlink index/<fork> = ../view/4
      moveNoReplace staging/4 → view/4
    `
  },
  {
    what: "update of a key",
    does: ({ store }) => store.update(look, labels),
    calls: `
      writeFile view/3/next.json 600
      exchange view/3/next.json → view/3/key.json
      removeFile view/3/next.json
    `
  },
  {
    what: "update of a name",
    does: ({ store }) => store.update(base, labels),
    calls: `
      writeFile committed/1/next.json 600
      exchange committed/1/next.json → committed/1/name.json
      removeFile committed/1/next.json
    `
  },
  {
    what: "remove of a key",
    does: ({ store }) => store.remove(look),
    calls: `
      moveNoReplace view/3 → trash/3
      removeFile index/<look>
      removeFile committed/1/children/3
      removeTree trash/3
    `
  },
  {
    what: "remove of a name",
    does: ({ store }) => store.remove(child),
    calls: `
      moveNoReplace committed/2 → trash/2
      removeFile index/<child>
      removeFile committed/1/children/2
      removeTree trash/2
    `
  },
  { what: "cleanup where nothing is left", does: ({ store }) => store.cleanup, calls: "" },
  {
    what: "cleanup",
    does: ({ store }) => store.cleanup,
    before: litter,
    calls: `
      moveNoReplace staging/5 → trash/5
      removeFile index/0000
      removeTree trash/5
      removeTree trash/anything
    `
  },
  {
    what: "relink",
    does: ({ store }) => store.relink,
    before: unlinked,
    calls: `
      removeFile index/<fork>
      symlink index/<fork> = ../view/4
      removeFile index/<base>
      symlink index/<base> = ../committed/1
    `
  },
  { what: "relink where no link is lost", does: ({ store }) => store.relink, calls: "" },
  {
    what: "open",
    does: ({ open }) => Effect.scoped(open()),
    before: begun,
    calls: `
      moveNoReplace staging/5 → trash/5
      removeTree trash/5
    `
  },
  {
    what: "looking",
    does: ({ store }) => Effect.all([store.check, store.stat(base), store.usage(base)], { discard: true }),
    calls: ""
  }
]

const fullAfterProcess: ReadonlyArray<Step> = [
  {
    what: "commit of what was made at the other durability, on what was",
    does: ({ store }) => store.commit(name, a),
    before: otherwise,
    calls: `
      sync tree committed/1, tree committed/2, directory committed
      writeFile committed/2/next.json 600
      sync file committed/2/next.json, directory committed/2, directory index
      setMode staging 1700
      exchange committed/2/next.json → committed/2/name.json
      sync directory committed/2
      setMode staging 700
      removeFile committed/2/next.json
      writeFile committed/1/next.json 600
      sync file committed/1/next.json, directory committed/1, directory index, directory committed/2/children
      setMode staging 1700
      exchange committed/1/next.json → committed/1/name.json
      sync directory committed/1
      setMode staging 700
      removeFile committed/1/next.json
      sync tree active/3
      writeFile active/3/name.json 600
      makeDirectory active/3/children 700
      symlink index/<new> = ../committed/3
      sync tree active/3, directory index, directory committed/1/children
      setMode staging 1700
      moveNoReplace active/3 → committed/3
      sync directory committed, directory active
      setMode staging 700
      removeFile index/<a>
      moveNoReplace committed/3/work → trash/3-work
      removeTree trash/3-work
    `
  },
  {
    what: "prepare on that",
    does: ({ store }) => store.prepare(fork, { parent: child }),
    calls: `
      makeDirectory staging/4 700
      writeFile staging/4/key.json 600
      makeDirectory staging/4/fs 755
      copyDirectoryAttributes committed/1/fs → staging/4/fs
      symlink staging/4/parent = ../../committed/1
      makeDirectory staging/4/work 711
      writeFile committed/1/children/4 600
      symlink index/<fork> = ../active/4
      sync tree staging/4, directory index, directory committed/1/children
      setMode staging 1700
      moveNoReplace staging/4 → active/4
      sync directory active, directory staging
      setMode staging 700
    `
  },
  {
    what: "update of a view that was made at the other one",
    does: ({ store }) => store.update(look, labels),
    calls: `
      writeFile view/5/next.json 600
      sync file view/5/next.json, tree view/5, directory view, directory index, directory committed/2/children
      setMode staging 1700
      exchange view/5/next.json → view/5/key.json
      sync directory view/5
      setMode staging 700
      removeFile view/5/next.json
    `
  },
  {
    what: "remove of that view",
    does: ({ store }) => store.remove(look),
    calls: `
      setMode staging 1700
      moveNoReplace view/5 → trash/5
      sync directory trash, directory view
      setMode staging 700
      removeFile index/<look>
      removeFile committed/2/children/5
      removeTree trash/5
    `
  },
  {
    what: "remove of one that was not updated",
    does: ({ store }) => store.remove(look),
    before: viewed,
    calls: `
      setMode staging 1700
      moveNoReplace view/6 → trash/6
      sync directory trash, directory view
      setMode staging 700
      removeFile index/<look>
      removeFile committed/2/children/6
      removeTree trash/6
    `
  },
  {
    what: "remove of the name",
    does: ({ store }) => store.remove(name),
    calls: `
      setMode staging 1700
      moveNoReplace committed/3 → trash/3
      sync directory trash, directory committed
      setMode staging 700
      removeFile index/<new>
      removeFile committed/1/children/3
      removeTree trash/3
    `
  },
  {
    what: "update of a name that was made at the other one",
    does: ({ store }) => store.update(b, labels),
    before: named,
    calls: `
      sync tree committed/7, directory committed
      writeFile committed/7/next.json 600
      sync file committed/7/next.json, directory committed/7, directory index
      setMode staging 1700
      exchange committed/7/next.json → committed/7/name.json
      sync directory committed/7
      setMode staging 700
      removeFile committed/7/next.json
      writeFile committed/7/next.json 600
      sync file committed/7/next.json
      setMode staging 1700
      exchange committed/7/next.json → committed/7/name.json
      sync directory committed/7
      setMode staging 700
      removeFile committed/7/next.json
    `
  },
  {
    what: "update of a key that was made at the other one",
    does: ({ store }) => store.update(a, labels),
    before: keyed,
    calls: `
      writeFile active/8/next.json 600
      sync file active/8/next.json, tree active/8, directory active, directory index, directory committed/2/children
      setMode staging 1700
      exchange active/8/next.json → active/8/key.json
      sync directory active/8
      setMode staging 700
      removeFile active/8/next.json
    `
  }
]

const processAfterFull: ReadonlyArray<Step> = [
  {
    what: "commit of what was made at the other durability, on what was",
    does: ({ store }) => store.commit(name, a),
    before: otherwise,
    calls: `
      writeFile active/1/name.json 600
      makeDirectory active/1/children 700
      symlink index/<new> = ../committed/1
      sync tree active/1, directory index, directory committed/2/children
      setMode staging 1700
      moveNoReplace active/1 → committed/1
      sync directory committed, directory active
      setMode staging 700
      removeFile index/<a>
      moveNoReplace committed/1/work → trash/1-work
      removeTree trash/1-work
    `
  },
  {
    what: "prepare on that",
    does: ({ store }) => store.prepare(fork, { parent: child }),
    calls: `
      makeDirectory staging/3 700
      writeFile staging/3/key.json 600
      makeDirectory staging/3/fs 755
      copyDirectoryAttributes committed/2/fs → staging/3/fs
      symlink staging/3/parent = ../../committed/2
      makeDirectory staging/3/work 711
      writeFile committed/2/children/3 600
      symlink index/<fork> = ../active/3
      moveNoReplace staging/3 → active/3
    `
  },
  {
    what: "update of a view that was made at the other one",
    does: ({ store }) => store.update(look, labels),
    calls: `
      writeFile view/4/next.json 600
      sync file view/4/next.json
      setMode staging 1700
      exchange view/4/next.json → view/4/key.json
      sync directory view/4
      setMode staging 700
      removeFile view/4/next.json
    `
  },
  {
    what: "remove of that view",
    does: ({ store }) => store.remove(look),
    calls: `
      setMode staging 1700
      moveNoReplace view/4 → trash/4
      sync directory trash, directory view
      setMode staging 700
      removeFile index/<look>
      removeFile committed/5/children/4
      removeTree trash/4
    `
  },
  {
    what: "remove of one that was not updated",
    does: ({ store }) => store.remove(look),
    before: viewed,
    calls: `
      setMode staging 1700
      moveNoReplace view/6 → trash/6
      sync directory trash, directory view
      setMode staging 700
      removeFile index/<look>
      removeFile committed/5/children/6
      removeTree trash/6
    `
  },
  {
    what: "remove of the name",
    does: ({ store }) => store.remove(name),
    calls: `
      moveNoReplace committed/1 → trash/1
      removeFile index/<new>
      removeFile committed/2/children/1
      removeTree trash/1
    `
  },
  {
    what: "update of a name that was made at the other one",
    does: ({ store }) => store.update(b, labels),
    before: named,
    calls: `
      writeFile committed/7/next.json 600
      sync file committed/7/next.json
      setMode staging 1700
      exchange committed/7/next.json → committed/7/name.json
      sync directory committed/7
      setMode staging 700
      removeFile committed/7/next.json
    `
  },
  {
    what: "update of a key that was made at the other one",
    does: ({ store }) => store.update(a, labels),
    before: keyed,
    calls: `
      writeFile active/8/next.json 600
      sync file active/8/next.json
      setMode staging 1700
      exchange active/8/next.json → active/8/key.json
      sync directory active/8
      setMode staging 700
      removeFile active/8/next.json
    `
  },
  // Somebody died before the disk had what he did: whoever comes next waits for it first.
  {
    what: "update of what was updated so, whose old metadata the disk may still have in its place",
    does: ({ store }) => store.update(a, labels),
    before: updatedUnsynced,
    calls: `
      sync tree /place/store
      setMode staging 700
      writeFile active/8/next.json 600
      removeFile active/8/next.json
      writeFile active/8/next.json 600
      sync file active/8/next.json
      setMode staging 1700
      exchange active/8/next.json → active/8/key.json
      sync directory active/8
      setMode staging 700
      removeFile active/8/next.json
    `
  },
  {
    what: "cleanup of that",
    does: ({ store }) => store.cleanup,
    before: updatedUnsynced,
    calls: `
      sync tree /place/store
      setMode staging 700
      removeFile active/8/next.json
    `
  },
  {
    what: "prepare, which destroys nothing",
    does: ({ store }) => store.prepare(Key.make("new")),
    before: unsynced,
    calls: `
      sync tree /place/store
      setMode staging 700
      makeDirectory staging/9 700
      writeFile staging/9/key.json 600
      makeDirectory staging/9/fs 755
      makeDirectory staging/9/work 711
      symlink index/<new> = ../active/9
      moveNoReplace staging/9 → active/9
    `
  }
]

const told = (title: string, durability: "full" | "process", steps: ReadonlyArray<Step>) =>
  it.effect(title, () =>
    Effect.gen(function*() {
      const scene = yield* recorded(durability)
      for (const { before, calls, does, what } of steps) {
        yield* before?.(scene) ?? Effect.void
        const expected = calls.split("\n").map((line) => line.trim()).filter((line) => line !== "")
        assert.strictEqual((yield* scene.during(does(scene))).join("\n"), expected.join("\n"), what)
      }
    }))

describe("the calls of each operation, in their order", () => {
  told("at full", "full", atFull)
  told("at process, where nothing waits for the disk", "process", atProcess)
  told("at full, on what was made at process: that is made durable first", "full", fullAfterProcess)
  told("at process, on what was made at full: what was promised is not destroyed unsynced", "process", processAfterFull)
})
