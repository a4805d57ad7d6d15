/** The fault injector itself. */
import { assert, it } from "@effect/vitest"
import type { Mounter } from "@snapshotter/core/Mounter"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Cause, Effect, Exit, Fiber, Scope } from "effect"

interface Wrapped {
  readonly faults: Faults.Faults
  /** Through the faults. */
  readonly fs: StoreFileSystem
  readonly mounter: Mounter
  /** Past them. */
  readonly healthy: StoreFileSystem
  readonly healthyMounter: Mounter
}

const wrapped = (injector?: Faults.Injector): Wrapped => {
  const volume = MemoryVolume.make()
  const faults = Faults.make(injector)
  const healthy = MemoryStoreFileSystem.make(volume)
  const healthyMounter = MemoryMounter.make(volume)
  return {
    faults,
    fs: faults.storeFileSystem(healthy),
    mounter: faults.mounter(healthyMounter),
    healthy,
    healthyMounter
  }
}

const three = (fs: StoreFileSystem) =>
  Effect.gen(function*() {
    yield* fs.makeDirectory("/tmp/1", 0o755)
    yield* fs.makeDirectory("/tmp/2", 0o755)
    yield* fs.makeDirectory("/tmp/3", 0o755)
  })

const namesIn = ({ healthy }: Wrapped) => healthy.readDirectory("/tmp")

/** The call at which the process died, or what else happened. */
const deathOf = <A, E>(exit: Exit.Exit<A, E>): number | string => {
  if (Exit.isSuccess(exit)) return "success"
  const defect = Cause.squash(exit.cause)
  return defect instanceof Faults.ProcessDied ? defect.call.index : "another failure"
}

// === counting

it.effect("without faults every call passes, is counted and traced", () =>
  Effect.gen(function*() {
    const { faults, fs } = wrapped()
    yield* three(fs)
    yield* fs.moveNoReplace("/tmp/1", "/tmp/4")
    assert.deepStrictEqual([faults.calls(), faults.injected()], [4, 0])
    assert.deepStrictEqual(faults.trace().map(({ call }) => call.index), [1, 2, 3, 4])
    assert.strictEqual(faults.render().split("\n")[3], "4 moveNoReplace \"/tmp/1\" \"/tmp/4\"")
  }))

it.effect("a call counts when it runs, not when it is made", () =>
  Effect.gen(function*() {
    const { faults, fs } = wrapped()
    const look = fs.lstat("/tmp")
    assert.strictEqual(faults.calls(), 0)
    yield* look
    yield* look
    assert.strictEqual(faults.calls(), 2)
  }))

it.effect("file system and mounter of one process are numbered together", () =>
  Effect.gen(function*() {
    const { faults, fs, mounter } = wrapped(Faults.failNth(2, "EIO"))
    yield* fs.lstat("/tmp")
    const error = yield* Effect.flip(mounter.mounted)
    assert.deepStrictEqual([error._tag, error._tag === "MountFailed" && error.code], ["MountFailed", "EIO"])
    assert.include(faults.render(), "2 mounted → EIO")
  }))

// === failing

it.effect("failNth: that call is not performed, the others are", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.failNth(2, "ENOSPC"))
    const error = yield* Effect.flip(three(world.fs))
    assert.deepStrictEqual([error.operation, error.path, error.code], ["makeDirectory", "/tmp/2", "ENOSPC"])
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    yield* world.fs.makeDirectory("/tmp/2", 0o755)
    assert.deepStrictEqual([world.faults.calls(), world.faults.injected()], [3, 1])
  }))

it.effect("failFrom: that call and all after it fail", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.failFrom(2, "EIO"))
    for (let i = 0; i < 3; i++) yield* Effect.exit(three(world.fs))
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    assert.strictEqual(world.faults.injected(), world.faults.calls() - 1)
  }))

it.effect("failHalfway: half of a text is written, half of a tree removed", () =>
  Effect.gen(function*() {
    const writing = wrapped(Faults.failHalfway(1, "ENOSPC"))
    assert.strictEqual((yield* Effect.flip(writing.fs.writeFile("/tmp/f", "12345678", 0o644))).code, "ENOSPC")
    assert.strictEqual(yield* writing.healthy.readFile("/tmp/f"), "1234")
    const removing = wrapped(Faults.failHalfway(1, "EIO"))
    yield* three(removing.healthy)
    assert.strictEqual((yield* Effect.flip(removing.fs.removeTree("/tmp"))).code, "EIO")
    assert.deepStrictEqual(yield* namesIn(removing), ["3"])
  }))

it.effect("when and firstOf compose: the second rename fails, and the fifth call", () =>
  Effect.gen(function*() {
    const renames = Faults.when(({ operation }) => operation === "moveNoReplace", Faults.failFrom(3, "EXDEV"))
    const { faults, fs } = wrapped(Faults.firstOf(renames, Faults.failNth(5, "EIO")))
    yield* fs.makeDirectory("/tmp/1", 0o755)
    yield* fs.moveNoReplace("/tmp/1", "/tmp/2")
    yield* fs.lstat("/tmp/2")
    assert.strictEqual((yield* Effect.flip(fs.moveNoReplace("/tmp/2", "/tmp/3"))).code, "EXDEV")
    assert.strictEqual((yield* Effect.flip(fs.lstat("/tmp/2"))).code, "EIO")
    assert.strictEqual(faults.injected(), 2)
  }))

// === dying

it.effect("dieBefore: that call is not performed, and every later one dies too", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.dieBefore(2))
    assert.strictEqual(deathOf(yield* Effect.exit(three(world.fs))), 2)
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    assert.strictEqual(deathOf(yield* Effect.exit(world.fs.lstat("/tmp"))), 2)
    assert.strictEqual(deathOf(yield* Effect.exit(world.mounter.mounted)), 2)
    assert.isTrue(world.faults.isDead())
    assert.deepStrictEqual([world.faults.calls(), world.faults.injected()], [2, 1])
    assert.deepStrictEqual(world.faults.trace().map(({ fate }) => fate), ["pass", "die", "dead", "dead"])
  }))

it.effect("dieAfter: that call is performed, and nothing more", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.dieAfter(2))
    assert.strictEqual(deathOf(yield* Effect.exit(three(world.fs))), 2)
    assert.deepStrictEqual(yield* namesIn(world), ["1", "2"])
    assert.isTrue(world.faults.isDead())
  }))

it.effect("dieAfter a call that fails by itself dies all the same", () =>
  Effect.gen(function*() {
    const { fs } = wrapped(Faults.dieAfter(1))
    assert.strictEqual(deathOf(yield* Effect.exit(fs.readDirectory("/missing"))), 1)
  }))

it.effect("dieHalfway: half of a text is there", () =>
  Effect.gen(function*() {
    const { fs, healthy } = wrapped(Faults.dieHalfway(1))
    assert.strictEqual(deathOf(yield* Effect.exit(fs.writeFile("/tmp/f", "12345678", 0o644))), 1)
    assert.strictEqual(yield* healthy.readFile("/tmp/f"), "1234")
  }))

it.effect("a dead process cleans nothing up: its finalizers die", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.dieBefore(2))
    const program = Effect.acquireUseRelease(
      world.fs.makeDirectory("/tmp/1", 0o755),
      () => world.fs.makeDirectory("/tmp/2", 0o755),
      () => Effect.orDie(world.fs.removeTree("/tmp/1"))
    )
    assert.strictEqual(deathOf(yield* Effect.exit(program)), 2)
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
  }))

it.effect("a dead process releases no lock: its end does", () =>
  Effect.gen(function*() {
    const { faults, fs, healthy } = wrapped(Faults.dieBefore(2))
    const lock = yield* fs.tryLock("/tmp")
    yield* Effect.exit(fs.lstat("/tmp"))
    if (lock !== undefined) assert.strictEqual(deathOf(yield* Effect.exit(lock.release)), 2)
    assert.isUndefined(yield* healthy.tryLock("/tmp"))
    assert.strictEqual(faults.calls(), 2)
  }))

it.effect("a dead process unmounts nothing when its scopes close; a living one does", () =>
  Effect.gen(function*() {
    for (const injector of [Faults.noFaults, Faults.dieBefore(2)]) {
      const { fs, healthy, healthyMounter, mounter } = wrapped(injector)
      yield* healthy.makeDirectory("/tmp/1", 0o755)
      const scope = yield* Scope.make()
      yield* Scope.provide(mounter.mount([{ type: "bind", source: "/tmp/1", options: ["rw"] }], "/tmp"), scope)
      yield* Effect.exit(fs.lstat("/tmp"))
      yield* Effect.exit(Scope.close(scope, Exit.void))
      assert.strictEqual((yield* healthyMounter.mounted).length, injector === Faults.noFaults ? 1 : 2)
    }
  }))

// === hanging

it.effect("a call that hangs can be interrupted, and was not performed", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.hangNth(1))
    const fiber = yield* Effect.forkChild(three(world.fs), { startImmediately: true })
    yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
    assert.deepStrictEqual(yield* namesIn(world), [])
    assert.strictEqual(world.faults.injected(), 1)
  }))

it.effect("the loop over all calls ends with a run that meets no fault", () =>
  Effect.gen(function*() {
    let n = 0
    for (let met = true; met;) {
      const { faults, fs } = wrapped(Faults.dieBefore(++n))
      yield* Effect.exit(three(fs))
      met = faults.injected() > 0
    }
    assert.strictEqual(n, 4)
  }))
