import { assert, it } from "@effect/vitest"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryIdSource from "@snapshotter/memory-fs/MemoryIdSource"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Layer } from "effect"
import { lockedOn } from "./machine.ts"

// === processes and locks

it.effect("what one process wrote, another reads", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    yield* MemoryStoreFileSystem.make(volume).writeFile("/tmp/file", "text", 0o600)
    assert.strictEqual(yield* MemoryStoreFileSystem.make(volume).readFile("/tmp/file"), "text")
  }))

it.effect("a lock excludes other processes, and the process itself", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const [one, other] = [MemoryStoreFileSystem.make(volume), MemoryStoreFileSystem.make(volume)]
    const lock = yield* one.tryLock("/tmp")
    assert.isDefined(lock)
    assert.isUndefined(yield* other.tryLock("/tmp"))
    assert.isUndefined(yield* one.tryLock("/tmp"))
    if (lock !== undefined) yield* lock.release
    assert.isDefined(yield* other.tryLock("/tmp"))
  }))

it.effect("killing a process frees its locks and no others", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const [one, other] = [MemoryStoreFileSystem.make(volume, "one"), MemoryStoreFileSystem.make(volume, "other")]
    yield* one.makeDirectory("/tmp/a", 0o755)
    yield* one.tryLock("/tmp")
    yield* other.tryLock("/tmp/a")
    yield* volume.kill("one")
    assert.isDefined(yield* other.tryLock("/tmp"))
    assert.isUndefined(yield* one.tryLock("/tmp/a"))
  }))

it.effect("a killed process's lock, released late, does not take the next holder's away", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const lock = yield* MemoryStoreFileSystem.make(volume, "dead").tryLock("/tmp")
    yield* volume.kill("dead")
    const living = MemoryStoreFileSystem.make(volume)
    yield* living.tryLock("/tmp")
    if (lock !== undefined) yield* lock.release
    assert.isUndefined(yield* living.tryLock("/tmp"))
  }))

it.effect("the layer is a process, which ends with its scope", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const layer = MemoryStoreFileSystem.layer.pipe(Layer.provide(Layer.succeed(MemoryVolume.MemoryVolume, volume)))
    yield* Effect.provide(StoreFileSystem.use((fs) => fs.tryLock("/tmp")), layer)
    assert.deepStrictEqual(lockedOn(volume), [])
  }))

it("only a volume that this package has made has insides", () => {
  assert.throws(() => MemoryStoreFileSystem.make({ ...MemoryVolume.make() }), "MemoryVolume.make")
})

// === as text

it.effect("a volume renders as a tree, with mounts and locks", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const fs = MemoryStoreFileSystem.make(volume, "writer")
    yield* fs.makeDirectory("/store", 0o700)
    yield* fs.writeFile("/store/version", "1\n", 0o600)
    yield* fs.symlink("../a b", "/store/link")
    yield* fs.tryLock("/store")
    yield* MemoryMounter.make(volume).mount([{ type: "bind", source: "/store", options: ["ro", "rbind"] }], "/tmp")
    assert.strictEqual(
      yield* volume.render,
      [
        "/ 0755",
        "  store/ 0700",
        "    link 0777 → ../a b",
        "    version 0600 \"1\\n\"",
        "  tmp/ 1777",
        "/tmp shows /store, read-only",
        "/store is locked by writer"
      ].join("\n")
    )
  }).pipe(Effect.scoped))

// === ids

const ids = (volume: MemoryVolume.MemoryVolume, count: number) =>
  Effect.forEach(Array.from({ length: count }), () => MemoryIdSource.make(volume).next)

it.effect("ids are the same again for the same seed, and others for another", () =>
  Effect.gen(function*() {
    const first = yield* ids(MemoryVolume.make({ seed: 7 }), 10)
    assert.deepStrictEqual(yield* ids(MemoryVolume.make({ seed: 7 }), 10), first)
    assert.notDeepEqual(yield* ids(MemoryVolume.make({ seed: 8 }), 10), first)
  }))

it.effect("ids never repeat within a volume, whichever source gives them, and begin with every letter", () =>
  Effect.gen(function*() {
    const given = yield* ids(MemoryVolume.make(), 20_000)
    assert.strictEqual(new Set(given).size, given.length)
    assert.strictEqual(new Set(given.map((id) => id[0])).size, 32)
    assert.strictEqual(new Set(given.map((id) => id[12])).size, 32)
  }))
