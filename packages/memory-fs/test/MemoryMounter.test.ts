/** What the port's suite cannot reach. */
import { assert, it } from "@effect/vitest"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Exit, Scope } from "effect"

const furnished = Effect.gen(function*() {
  const volume = MemoryVolume.make()
  const files = MemoryFileSystem.make(volume)
  for (const path of ["/a/b", "/target", "/other"]) yield* files.makeDirectory(path, { recursive: true })
  return { volume, files, mounter: MemoryMounter.make(volume) }
})

const bind = (source: string, ...options: ReadonlyArray<string>) => [{ type: "bind" as const, source, options }]

it.effect("the volume itself is mounted, before all others", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    assert.deepStrictEqual(yield* mounter.mounted, [{ target: "/", type: "memfs", writable: true }])
  }))

it.effect("the target's exact path is the one it has now", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* furnished
    yield* files.makeDirectory("/target/deep")
    yield* mounter.mount(bind("/a", "rw"), "/target/deep")
    yield* files.rename("/target", "/new\nname")
    assert.deepStrictEqual((yield* mounter.mounted).map(({ target }) => target), ["/", "/new\nname/deep"])
  }))

it.effect("a mount on which another is mounted is still in use", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    yield* mounter.mount(bind("/a", "rw"), "/target")
    yield* mounter.mount(bind("/other", "rw"), "/target/b")
    assert.strictEqual((yield* Effect.flip(mounter.unmount("/target")))._tag, "StillInUse")
    yield* mounter.unmount("/target/b")
    yield* mounter.unmount("/target")
  }))

it.effect("a scope that ends beneath another mount takes that along, and its own scope then leaves it alone", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    const [lower, upper] = [yield* Scope.make(), yield* Scope.make()]
    yield* Scope.provide(mounter.mount(bind("/a", "rw"), "/target"), lower)
    yield* Scope.provide(mounter.mount(bind("/other", "rw"), "/target/b"), upper)
    yield* Scope.close(lower, Exit.void)
    assert.strictEqual((yield* mounter.mounted).length, 1)
    yield* Scope.close(upper, Exit.void)
    assert.strictEqual((yield* mounter.mounted).length, 1)
  }))

it.effect("bind without rbind leaves submounts behind, and a target may lie below its source", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* furnished
    yield* files.writeFileString("/other/file", "")
    yield* mounter.mount(bind("/other", "rw"), "/a/b")
    yield* mounter.mount(bind("/a", "ro", "bind"), "/target")
    assert.deepStrictEqual(yield* files.readDirectory("/target/b"), [])
    yield* mounter.mount(bind("/", "ro", "rbind"), "/a/b")
    assert.deepStrictEqual(yield* files.readDirectory("/a/b/a/b"), ["file"])
  }))

it.effect("a writable mount of what is mounted read-only is read-only", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    yield* mounter.mount(bind("/a", "ro"), "/target")
    yield* mounter.mount(bind("/target/b", "rw"), "/other")
    assert.deepStrictEqual((yield* mounter.mounted).map(({ writable }) => writable), [true, false, false])
  }))

it.effect("options that contradict, or that nobody knows, are refused by name", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    const contradicting = yield* Effect.flip(mounter.mount(bind("/a", "rw", "ro"), "/target"))
    assert.include(contradicting.message, "contradict")
    const unknown = yield* Effect.flip(mounter.mount(bind("/a", "nodev"), "/target"))
    assert.include(unknown.message, "\"nodev\"")
  }))

it.effect("an overlay is MountUnavailable, which says what to do", () =>
  Effect.gen(function*() {
    const { mounter } = yield* furnished
    const overlay = { type: "overlay" as const, source: "overlay" as const, options: ["lowerdir=/a:/other"] }
    const error = yield* Effect.flip(mounter.mount([overlay], "/target"))
    assert.strictEqual(error._tag, "MountUnavailable")
    assert.include(error.message, "memory-fs mounts binds only")
  }))
