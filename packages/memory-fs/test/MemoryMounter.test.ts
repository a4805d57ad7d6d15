/** What the port's suite cannot reach. */
import { assert, it } from "@effect/vitest"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Exit, Option, Scope } from "effect"

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

// === overlays

const overlay = (...options: ReadonlyArray<string>) => [
  { type: "overlay" as const, source: "overlay" as const, options }
]

const layered = Effect.gen(function*() {
  const machine = yield* furnished
  for (const path of ["/lower/d", "/further", "/upper", "/work"]) {
    yield* machine.files.makeDirectory(path, { recursive: true })
  }
  yield* machine.files.writeFileString("/lower/d/file", "lower")
  return machine
})

const merged = ["workdir=/work", "upperdir=/upper", "lowerdir=/lower:/further"] as const

const refusalOf = (mounts: ReturnType<typeof overlay>) =>
  Effect.gen(function*() {
    const { mounter } = yield* layered
    const error = yield* Effect.flip(mounter.mount(mounts, "/target"))
    assert.strictEqual(error._tag, "MountFailed")
    assert.strictEqual((yield* mounter.mounted).length, 1)
    return error._tag === "MountFailed" ? error.code : ""
  })

it.effect("upper and work that are one, or lie in each other, and layers that overlap are refused as by the kernel", () =>
  Effect.gen(function*() {
    assert.strictEqual(yield* refusalOf(overlay("workdir=/upper", "upperdir=/upper", "lowerdir=/lower")), "EINVAL")
    assert.strictEqual(yield* refusalOf(overlay("workdir=/", "upperdir=/upper", "lowerdir=/lower")), "EINVAL")
    assert.strictEqual(yield* refusalOf(overlay("upperdir=/upper", "lowerdir=/lower")), "EINVAL")
    assert.strictEqual(yield* refusalOf(overlay("lowerdir=/lower:/lower")), "ELOOP")
    assert.strictEqual(yield* refusalOf(overlay("lowerdir=/lower:/lower/d")), "ELOOP")
    assert.strictEqual(yield* refusalOf(overlay("workdir=/work", "upperdir=/upper", "lowerdir=/upper")), "ELOOP")
    assert.strictEqual(yield* refusalOf(overlay("nobody_knows", "lowerdir=/lower:/further")), "EINVAL")
    assert.strictEqual(yield* refusalOf(overlay("lowerdir=/lower/d/file:/further")), "EINVAL")
  }))

it.effect("an overlay cannot be the upper layer of another", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* layered
    yield* mounter.mount(overlay(...merged), "/target")
    for (const name of ["upper", "work"]) yield* files.makeDirectory(`/target/${name}`)
    const nested = overlay("workdir=/target/work", "upperdir=/target/upper", "lowerdir=/a:/other")
    const error = yield* Effect.flip(mounter.mount(nested, "/a/b"))
    assert.strictEqual(error._tag === "MountFailed" && error.code, "EINVAL")
  }))

it.effect("upper and work are under one mount, and that is writable", () =>
  Effect.gen(function*() {
    const { mounter } = yield* layered
    yield* mounter.mount(bind("/upper", "ro"), "/other")
    const readOnly = overlay("workdir=/work", "upperdir=/other", "lowerdir=/lower:/further")
    assert.include((yield* Effect.flip(mounter.mount(readOnly, "/target"))).message, "read-only")
    yield* mounter.unmount("/other")
    yield* mounter.mount(bind("/upper", "rw"), "/other")
    const twoMounts = overlay("workdir=/work", "upperdir=/other", "lowerdir=/lower:/further")
    assert.include((yield* Effect.flip(mounter.mount(twoMounts, "/target"))).message, "/other")
    yield* mounter.unmount("/other")
    yield* mounter.mount(bind("/", "rw"), "/a/b")
    const elsewhere = overlay("workdir=/work", "upperdir=/a/b/upper", "lowerdir=/lower:/further")
    assert.strictEqual((yield* Effect.flip(mounter.mount(elsewhere, "/target")))._tag, "MountFailed")
  }))

it.effect("after a volatile mount the work directory is refused, until the mark is removed", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* layered
    yield* mounter.mount(overlay("volatile", ...merged), "/target")
    yield* mounter.unmount("/target")
    for (const options of [merged, ["volatile", ...merged]]) {
      const error = yield* Effect.flip(mounter.mount(overlay(...options), "/target"))
      assert.include(error.message, "volatile")
    }
    yield* files.remove("/work/work/incompat/volatile", { recursive: true })
    yield* mounter.mount(overlay(...merged), "/target")
  }))

it.effect("a part of an overlay can be bound elsewhere, and counts as use of its layers", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* layered
    yield* mounter.mount(overlay(...merged), "/target")
    yield* mounter.mount(bind("/target/d", "rw"), "/other")
    yield* files.writeFileString("/other/file", "changed")
    assert.strictEqual(yield* files.readFileString("/target/d/file"), "changed")
    assert.strictEqual(yield* files.readFileString("/upper/d/file"), "changed")
    assert.strictEqual(yield* files.readFileString("/lower/d/file"), "lower")
    yield* mounter.unmount("/other")
    assert.deepStrictEqual(yield* mounter.uses("/upper"), [{ target: "/target", as: "upper", writable: true }])
  }))

it.effect("an open file sees what is written after it was copied up, and stays when it is removed", () =>
  Effect.gen(function*() {
    const { files, mounter } = yield* layered
    yield* mounter.mount(overlay(...merged), "/target")
    const file = yield* files.open("/target/d/file")
    yield* files.writeFileString("/target/d/file", "upper")
    assert.strictEqual(Buffer.from(Option.getOrThrow(yield* file.readAlloc(10))).toString(), "upper")
    yield* files.remove("/target/d/file")
    yield* file.seek(0n, "start")
    assert.strictEqual(Buffer.from(Option.getOrThrow(yield* file.readAlloc(10))).toString(), "upper")
    assert.strictEqual((yield* Effect.flip(mounter.unmount("/target")))._tag, "StillInUse")
  }))
