/** What a store makes of a disk that lost power, where it once made too little: each a named case of the exploration. */
import { assert, describe, it } from "@effect/vitest"
import { IdSource } from "@snapshotter/core/IdSource"
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make } from "@snapshotter/core/Snapshotter"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect } from "effect"
import { quiet } from "./machine.ts"

const key = Key.make
const name = Name.make

const open = (volume: MemoryVolume.MemoryVolume, durability: "full" | "process") =>
  Effect.provideContext(
    make({ root: "/tmp/store", durability }),
    Context.empty().pipe(
      Context.add(StoreFileSystem, MemoryStoreFileSystem.make(volume)),
      Context.add(Mounter, MemoryMounter.make(volume)),
      Context.add(IdSource, MemoryIdSource.make(volume))
    )
  )

/** Takes the only mark of a child away, as a power loss does that keeps everything else. */
const loseMark = (volume: MemoryVolume.MemoryVolume) =>
  Effect.gen(function*() {
    const fs = MemoryStoreFileSystem.make(volume)
    const committed = "/tmp/store/committed"
    for (const id of yield* fs.readDirectory(committed)) {
      for (const child of yield* fs.readDirectory(`${committed}/${id}/children`)) {
        assert.isTrue(yield* fs.removeFile(`${committed}/${id}/children/${child}`))
      }
    }
  })

describe("made at process, come through without the parent's mark", () => {
  /** A base at `full`, a fork of it at `process`, which its parent does not know after a power loss. */
  const unknownFork = (isCommitted: boolean) =>
    Effect.gen(function*() {
      const volume = MemoryVolume.make()
      const full = yield* open(volume, "full")
      yield* full.prepare(key("making"))
      yield* full.commit(name("base"), key("making"))
      const process = yield* open(volume, "process")
      yield* process.prepare(key("fork"), { parent: name("base") })
      if (isCommitted) yield* process.commit(name("middle"), key("fork"))
      yield* loseMark(volume)
      return yield* open(volume, "full")
    })

  const baseStays = (store: Effect.Success<ReturnType<typeof open>>) =>
    Effect.gen(function*() {
      assert.deepStrictEqual(yield* store.check, [])
      assert.strictEqual((yield* Effect.flip(store.remove(name("base"))))._tag, "HasChildren")
    })

  it.effect("a commit of it at full is known to the parent, which can then not be removed", () =>
    Effect.scoped(quiet(Effect.gen(function*() {
      const store = yield* unknownFork(false)
      yield* store.commit(name("kept"), key("fork"))
      yield* baseStays(store)
    }))))

  it.effect("so is an update of it at full", () =>
    Effect.scoped(quiet(Effect.gen(function*() {
      const store = yield* unknownFork(false)
      yield* store.update(key("fork"), { patch: { label: "value" } })
      yield* baseStays(store)
    }))))

  it.effect("so is the layer that something at full stands on", () =>
    Effect.scoped(quiet(Effect.gen(function*() {
      const store = yield* unknownFork(true)
      yield* store.prepare(key("above"), { parent: name("middle") })
      yield* baseStays(store)
    }))))
})

describe("a committed snapshot that came through without the place for its children's marks", () => {
  const children = Effect.fnUntraced(function*(volume: MemoryVolume.MemoryVolume) {
    const committed = "/tmp/store/committed"
    const ids = yield* MemoryStoreFileSystem.make(volume).readDirectory(committed)
    return ids.map((id) => `${committed}/${id}/children`)
  })

  /** A layer that was made so, and then lost it; and somebody who has the store open at each durability. */
  const without = (durability: "full" | "process", fork?: string) =>
    Effect.gen(function*() {
      const volume = MemoryVolume.make()
      const maker = yield* open(volume, durability)
      yield* maker.prepare(key("making"))
      yield* maker.commit(name("layer"), key("making"))
      if (fork !== undefined) yield* maker.prepare(key(fork), { parent: name("layer") })
      const fs = MemoryStoreFileSystem.make(volume)
      for (const path of yield* children(volume)) yield* fs.removeTree(path)
      return { full: yield* open(volume, "full"), process: yield* open(volume, "process") }
    })

  for (const durability of ["full", "process"] as const) {
    it.effect(`is built upon at ${durability}, where it was made at process`, () =>
      Effect.scoped(quiet(Effect.gen(function*() {
        const store = (yield* without("process"))[durability]
        yield* store.prepare(key("fork"), { parent: name("layer") })
        yield* store.view(key("view"), { parent: name("layer") })
        assert.deepStrictEqual(yield* store.check, [])
        assert.strictEqual((yield* Effect.flip(store.remove(name("layer"))))._tag, "HasChildren")
      }))))

    it.effect(`knows the fork again that is committed at ${durability}`, () =>
      Effect.scoped(quiet(Effect.gen(function*() {
        const store = (yield* without("process", "fork"))[durability]
        yield* store.commit(name("above"), key("fork"))
        assert.deepStrictEqual(yield* store.check, [])
        assert.strictEqual((yield* Effect.flip(store.remove(name("layer"))))._tag, "HasChildren")
      }))))
  }

  it.effect("is damaged where it was made at full, and nobody is put under suspicion", () =>
    Effect.scoped(quiet(Effect.gen(function*() {
      const { full } = yield* without("full", "fork")
      yield* full.prepare(key("other"))
      assert.strictEqual((yield* Effect.flip(full.prepare(key("fork 2"), { parent: name("layer") })))._tag, "Damaged")
      assert.strictEqual((yield* Effect.flip(full.commit(name("above"), key("fork"))))._tag, "Damaged")
      yield* full.commit(name("beside"), key("other"))
    }))))
})

it.effect("a layer that was made at process and has lost its link is found by its name again, once something at full stands on it", () =>
  Effect.scoped(quiet(Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const process = yield* open(volume, "process")
    yield* process.prepare(key("making"))
    yield* process.commit(name("layer"), key("making"))
    yield* process.prepare(key("fork"), { parent: name("layer") })
    const fs = MemoryStoreFileSystem.make(volume)
    for (const hash of yield* fs.readDirectory("/tmp/store/index")) {
      const link = `/tmp/store/index/${hash}`
      if ((yield* fs.readLink(link))?.startsWith("../committed/") === true) yield* fs.removeFile(link)
    }
    const full = yield* open(volume, "full")
    assert.strictEqual((yield* Effect.flip(full.stat(name("layer"))))._tag, "SnapshotNotFound")
    yield* full.commit(name("above"), key("fork"))
    assert.strictEqual((yield* full.stat(name("layer"))).kind, "committed")
    assert.deepStrictEqual(yield* full.check, [])
  }))))

describe("a store that was made at process and came up with a torn version file", () => {
  const record = JSON.stringify({ version: 1, overlayXattrs: "trusted", durable: false })
  const notOurs = { _tag: "NotAStore", reason: "its version file is not one of a store" } as const
  const torn: Readonly<Record<string, string>> = {
    "nothing": "",
    "zeros": "\0".repeat(record.length),
    "its first half": record.slice(0, record.length / 2),
    "its first half and zeros": record.slice(0, record.length / 2).padEnd(record.length, "\0")
  }
  for (const [what, text] of Object.entries(torn)) {
    const tear = (volume: MemoryVolume.MemoryVolume) =>
      Effect.gen(function*() {
        const fs = MemoryStoreFileSystem.make(volume)
        assert.strictEqual(yield* fs.readFile("/tmp/store/version"), record)
        yield* fs.removeFile("/tmp/store/version")
        yield* fs.writeFile("/tmp/store/version", text, 0o600)
      })

    it.effect(`${what}: it is made anew where nothing is in it`, () =>
      Effect.scoped(quiet(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        yield* Effect.scoped(open(volume, "process"))
        yield* tear(volume)
        const store = yield* open(volume, "full")
        yield* store.prepare(key("a"))
        assert.deepStrictEqual(yield* store.check, [])
      }))))

    it.effect(`${what}: where something is, it is no store, and nothing of it is touched`, () =>
      Effect.scoped(quiet(Effect.gen(function*() {
        const volume = MemoryVolume.make()
        yield* Effect.scoped(Effect.flatMap(open(volume, "process"), (store) => store.prepare(key("a"))))
        yield* tear(volume)
        assert.deepInclude(yield* Effect.flip(open(volume, "full")), notOurs)
        assert.strictEqual(yield* MemoryStoreFileSystem.make(volume).readFile("/tmp/store/version"), text)
      }))))
  }

  it.effect("where one of a store's directories is missing, it is somebody else's file", () =>
    Effect.scoped(quiet(Effect.gen(function*() {
      const directories = ["index", "active", "view", "committed", "staging", "trash"]
      for (const missing of directories) {
        const volume = MemoryVolume.make()
        const fs = MemoryStoreFileSystem.make(volume)
        yield* fs.makeDirectory("/tmp/store", 0o700)
        for (const one of directories.filter((one) => one !== missing)) {
          yield* fs.makeDirectory(`/tmp/store/${one}`, 0o700)
        }
        yield* fs.writeFile("/tmp/store/version", "", 0o600)
        const before = yield* volume.render
        assert.deepInclude(yield* Effect.flip(open(volume, "full")), notOurs, missing)
        assert.strictEqual(yield* volume.render, before)
      }
    }))))
})
