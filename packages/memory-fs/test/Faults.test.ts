/** The fault injector itself. */
import { assert, it } from "@effect/vitest"
import type { Mounter } from "@snapshotter/core/Mounter"
import type { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
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
    const { faults, fs, mounter } = wrapped(Faults.at(2, { fail: "EIO" }))
    yield* fs.lstat("/tmp")
    const error = yield* Effect.flip(mounter.mounted)
    assert.deepStrictEqual([error._tag, error._tag === "MountFailed" && error.code], ["MountFailed", "EIO"])
    assert.include(faults.render(), "2 mounted → EIO")
  }))

// === failing

it.effect("fail at one: that call is not performed, the others are", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.at(2, { fail: "ENOSPC" }))
    const error = yield* Effect.flip(three(world.fs))
    assert.deepStrictEqual([error.operation, error.path, error.code], ["makeDirectory", "/tmp/2", "ENOSPC"])
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    yield* world.fs.makeDirectory("/tmp/2", 0o755)
    assert.deepStrictEqual([world.faults.calls(), world.faults.injected()], [3, 1])
  }))

it.effect("fail from one on: that call and all after it fail", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.from(2, { fail: "EIO" }))
    for (let i = 0; i < 3; i++) yield* Effect.exit(three(world.fs))
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    assert.strictEqual(world.faults.injected(), world.faults.calls() - 1)
  }))

it.effect("failHalfway: half of a text is written, half of a tree removed", () =>
  Effect.gen(function*() {
    const writing = wrapped(Faults.at(1, { failHalfway: "ENOSPC" }))
    assert.strictEqual((yield* Effect.flip(writing.fs.writeFile("/tmp/f", "12345678", 0o644))).code, "ENOSPC")
    assert.strictEqual(yield* writing.healthy.readFile("/tmp/f"), "1234")
    const removing = wrapped(Faults.at(1, { failHalfway: "EIO" }))
    yield* three(removing.healthy)
    assert.strictEqual((yield* Effect.flip(removing.fs.removeTree("/tmp"))).code, "EIO")
    assert.deepStrictEqual(yield* namesIn(removing), ["3"])
  }))

it.effect("when and firstOf compose: the second rename fails, and the fifth call", () =>
  Effect.gen(function*() {
    const renames = Faults.when(({ operation }) => operation === "moveNoReplace", Faults.from(3, { fail: "EXDEV" }))
    const { faults, fs } = wrapped(Faults.firstOf(renames, Faults.at(5, { fail: "EIO" })))
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
    const world = wrapped(Faults.at(2, "dieBefore"))
    assert.strictEqual(deathOf(yield* Effect.exit(three(world.fs))), 2)
    assert.deepStrictEqual(yield* namesIn(world), ["1"])
    assert.strictEqual(deathOf(yield* Effect.exit(world.fs.lstat("/tmp"))), 2)
    assert.strictEqual(deathOf(yield* Effect.exit(world.mounter.mounted)), 2)
    assert.isTrue(world.faults.isDead())
    assert.deepStrictEqual([world.faults.calls(), world.faults.injected()], [2, 1])
    assert.deepStrictEqual(world.faults.trace().map(({ fate }) => fate), ["pass", "dieBefore", "dead", "dead"])
  }))

it.effect("dieAfter: that call is performed, and nothing more", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.at(2, "dieAfter"))
    assert.strictEqual(deathOf(yield* Effect.exit(three(world.fs))), 2)
    assert.deepStrictEqual(yield* namesIn(world), ["1", "2"])
    assert.isTrue(world.faults.isDead())
  }))

it.effect("dieAfter a call that fails by itself dies all the same", () =>
  Effect.gen(function*() {
    const { fs } = wrapped(Faults.at(1, "dieAfter"))
    assert.strictEqual(deathOf(yield* Effect.exit(fs.readDirectory("/missing"))), 1)
  }))

it.effect("dieHalfway: half of a text is there", () =>
  Effect.gen(function*() {
    const { fs, healthy } = wrapped(Faults.at(1, "dieHalfway"))
    assert.strictEqual(deathOf(yield* Effect.exit(fs.writeFile("/tmp/f", "12345678", 0o644))), 1)
    assert.strictEqual(yield* healthy.readFile("/tmp/f"), "1234")
  }))

it.effect("a dead process cleans nothing up: its finalizers die", () =>
  Effect.gen(function*() {
    const world = wrapped(Faults.at(2, "dieBefore"))
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
    const { faults, fs, healthy } = wrapped(Faults.at(2, "dieBefore"))
    const lock = yield* fs.tryLock("/tmp")
    yield* Effect.exit(fs.lstat("/tmp"))
    if (lock !== undefined) assert.strictEqual(deathOf(yield* Effect.exit(lock.release)), 2)
    assert.isUndefined(yield* healthy.tryLock("/tmp"))
    assert.strictEqual(faults.calls(), 2)
  }))

it.effect("a dead process unmounts nothing when its scopes close; a living one does", () =>
  Effect.gen(function*() {
    for (const injector of [Faults.noFaults, Faults.at(2, "dieBefore")]) {
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
    const world = wrapped(Faults.at(1, "hang"))
    const fiber = yield* Effect.forkChild(three(world.fs), { startImmediately: true })
    yield* Effect.yieldNow
    yield* Fiber.interrupt(fiber)
    assert.deepStrictEqual(yield* namesIn(world), [])
    assert.strictEqual(world.faults.injected(), 1)
  }))

// === something else at the same time

it.effect("before and after: what else happens, happens then, whatever it ends with", () =>
  Effect.gen(function*() {
    const seen: Array<string> = []
    const look = (world: Wrapped) => Effect.map(namesIn(world), (names) => seen.push(names.join()))
    const first: Wrapped = wrapped(({ index }) => index === 1 ? { before: look(first) } : "pass")
    yield* three(first.fs)
    const second: Wrapped = wrapped(({ index }) =>
      index === 3 ? { after: Effect.andThen(look(second), Effect.fail("no matter")) } : "pass"
    )
    yield* three(second.fs)
    assert.deepStrictEqual(seen, ["", "1,2,3"])
    assert.deepStrictEqual([first.faults.injected(), second.faults.injected()], [1, 1])
    assert.include(second.faults.render(), "3 makeDirectory \"/tmp/3\" → before something else")
  }))

it.effect("what is spared is not numbered and meets nothing, but a dead process stays dead", () =>
  Effect.gen(function*() {
    const { faults, fs } = wrapped(Faults.at(2, { fail: "EIO" }))
    yield* faults.spare(three(fs))
    yield* fs.lstat("/tmp")
    assert.deepStrictEqual([faults.calls(), faults.injected()], [1, 0])
    assert.strictEqual((yield* Effect.flip(fs.lstat("/tmp"))).code, "EIO")
    const dying = wrapped(Faults.at(1, "dieBefore"))
    yield* Effect.exit(dying.fs.lstat("/tmp"))
    assert.strictEqual(deathOf(yield* Effect.exit(dying.faults.spare(dying.fs.lstat("/tmp")))), 1)
  }))

it.effect("call: what is no port's can be struck as well", () =>
  Effect.gen(function*() {
    const faults = Faults.make(Faults.at(2, { fail: "ENOSPC" }))
    const mine = faults.call("download", ["/tmp/1"], Effect.succeed("done"), (code) => `no room: ${code}`)
    assert.strictEqual(yield* mine, "done")
    assert.strictEqual(yield* Effect.flip(mine), "no room: ENOSPC")
    assert.strictEqual(faults.render(), "1 download \"/tmp/1\"\n2 download \"/tmp/1\" → ENOSPC")
  }))

it.effect("halfway, sync has not begun, and attributes were copied in part", () =>
  Effect.gen(function*() {
    const syncing = wrapped(Faults.at(1, { failHalfway: "EMFILE" }))
    const failure = yield* Effect.flip(syncing.fs.sync([{ kind: "directory", path: "/tmp" }]))
    assert.deepStrictEqual([failure.operation, failure.code], ["openForSync", "EMFILE"])
    const copying = wrapped(Faults.at(1, { failHalfway: "ENOSPC" }))
    yield* three(copying.healthy)
    yield* copying.healthy.setMode("/tmp/1", 0o1700)
    yield* Effect.flip(copying.fs.copyDirectoryAttributes("/tmp/1", "/tmp/2"))
    assert.strictEqual((yield* copying.healthy.lstat("/tmp/2"))?.mode, 0o1700)
  }))

// === all of them, one after another

it.effect("everyCall strikes one call after another, until a run makes fewer, and says how many there were", () =>
  Effect.gen(function*() {
    const deaths: Array<number | string> = []
    const cases = yield* Faults.everyCall((n) => Faults.at(n, "dieBefore"), (faults) =>
      Effect.gen(function*() {
        const fs = faults.storeFileSystem(MemoryStoreFileSystem.make(MemoryVolume.make()))
        yield* faults.spare(fs.lstat("/tmp"))
        deaths.push(deathOf(yield* Effect.exit(three(fs))))
      }))
    assert.strictEqual(cases, 3)
    assert.deepStrictEqual(deaths, [1, 2, 3, "success"])
  }))

it.effect("everyCall with calls that hang: the program interrupts what it tests", () =>
  Effect.gen(function*() {
    const made: Array<number> = []
    const cases = yield* Faults.everyCall((n) => Faults.at(n, "hang"), (faults) =>
      Effect.gen(function*() {
        const volume = MemoryVolume.make()
        const fiber = yield* Effect.forkChild(three(faults.storeFileSystem(MemoryStoreFileSystem.make(volume))), {
          startImmediately: true
        })
        yield* Effect.yieldNow
        yield* Fiber.interrupt(fiber)
        made.push((yield* MemoryStoreFileSystem.make(volume).readDirectory("/tmp")).length)
      }))
    assert.strictEqual(cases, 3)
    assert.deepStrictEqual(made, [0, 1, 2, 3])
  }))

it.effect("everyCall goes on where one call is not concerned", () =>
  Effect.gen(function*() {
    const cases = yield* Faults.everyCall(
      (n) => Faults.when(({ paths }) => paths.includes("/tmp/3"), Faults.at(n, { fail: "EIO" })),
      (faults) => Effect.exit(three(faults.storeFileSystem(MemoryStoreFileSystem.make(MemoryVolume.make()))))
    )
    assert.strictEqual(cases, 1)
  }))

it.effect("a loop in which nothing was struck fails", () =>
  Effect.gen(function*() {
    const nothing = yield* Effect.flip(Faults.everyCall((n) => Faults.at(n, { fail: "EIO" }), () => Effect.void))
    assert.strictEqual(nothing._tag, "NothingInjected")
    assert.match(nothing.message, /^1 run of the program met no fault: everyCall sees the calls of a store's ports/)
    const spared = yield* Effect.flip(Faults.everyStep((n) => Faults.atStep(n, { fail: "EIO" }), (faults) => {
      const fs = MemoryStoreFileSystem.make(MemoryVolume.make({ onStep: faults.onStep }))
      return faults.spare(Effect.exit(three(fs)))
    }))
    assert.strictEqual(spared._tag, "NothingInjected")
    assert.match(spared.message, /^1 run of the program met no fault: everyStep sees .* reading is no step/)
  }))

it.effect("a program that does not hold ends the loop", () =>
  Effect.gen(function*() {
    const failure = yield* Effect.flip(
      Faults.everyCall((n) => Faults.at(n, { fail: "EIO" }), (faults, n) =>
        Effect.andThen(
          Effect.exit(three(faults.storeFileSystem(MemoryStoreFileSystem.make(MemoryVolume.make())))),
          Effect.suspend(() => n === 2 ? Effect.fail(faults.render()) : Effect.void)
        ))
    )
    assert.strictEqual(failure, "1 makeDirectory \"/tmp/1\"\n2 makeDirectory \"/tmp/2\" → EIO")
  }))

// === the steps of the disk

const onDisk = (faults: Faults.Faults) => {
  const volume = MemoryVolume.make({ onStep: faults.onStep })
  return { fs: MemoryStoreFileSystem.make(volume), files: MemoryFileSystem.make(volume) }
}

it.effect("everyStep fails each step of a call: a file is left empty, a tree half removed", () =>
  Effect.gen(function*() {
    const left: Array<string> = []
    const cases = yield* Faults.everyStep(
      (n) => Faults.atStep(n, { fail: "ENOSPC" }),
      (faults) =>
        Effect.gen(function*() {
          const { fs } = onDisk(faults)
          yield* faults.spare(fs.makeDirectory("/tmp/d", 0o755))
          const exit = yield* Effect.exit(fs.writeFile("/tmp/d/f", "text", 0o644))
          left.push(`${exit._tag} ${yield* faults.spare(fs.readFile("/tmp/d/f"))}`)
        })
    )
    assert.strictEqual(cases, 2)
    assert.deepStrictEqual(left, ["Failure undefined", "Failure ", "Success text"])
  }))

it.effect("a file that cannot be removed is reported, with the directories above it; the rest goes", () =>
  Effect.gen(function*() {
    const faults = Faults.make(Faults.noFaults, ({ text }) => text === "unlink /tmp/2/f" ? { fail: "EIO" } : "pass")
    const { fs } = onDisk(faults)
    yield* three(fs)
    for (const name of ["e", "f", "g"]) yield* fs.writeFile(`/tmp/2/${name}`, "", 0o644)
    assert.deepStrictEqual(yield* fs.removeTree("/tmp/2"), [{ path: "/tmp/2/f", code: "EIO" }])
    assert.deepStrictEqual(yield* fs.readDirectory("/tmp/2"), ["f"])
    assert.include(faults.render(), "unlink /tmp/2/f → EIO")
  }))

it.effect("fail at one step: that one is not done; from one on: nor is any after it", () =>
  Effect.gen(function*() {
    for (
      const [injector, expected] of [
        [Faults.atStep(2, { fail: "EIO" }), ["a", "c"]],
        [Faults.fromStep(2, { fail: "EIO" }), ["a"]]
      ] as const
    ) {
      const faults = Faults.make(Faults.noFaults, injector)
      const { fs } = onDisk(faults)
      for (const name of ["a", "b", "c"]) yield* Effect.exit(fs.symlink("nowhere", `/tmp/${name}`))
      assert.deepStrictEqual(yield* fs.readDirectory("/tmp"), expected)
      assert.strictEqual(faults.injected(), 3 - expected.length)
    }
  }))

it.effect("where nothing can be removed any more, removal fails", () =>
  Effect.gen(function*() {
    const faults = Faults.make(Faults.noFaults, ({ text }) => text === "unlink /tmp/f" ? { fail: "EROFS" } : "pass")
    const { fs } = onDisk(faults)
    yield* fs.writeFile("/tmp/f", "", 0o644)
    assert.strictEqual((yield* Effect.flip(fs.removeTree("/tmp/f"))).code, "EROFS")
  }))

it.effect("a directory that does not get its mode is not left behind", () =>
  Effect.gen(function*() {
    const faults = Faults.make(Faults.noFaults, Faults.atStep(2, { fail: "EIO" }))
    const { fs } = onDisk(faults)
    assert.strictEqual((yield* Effect.flip(fs.makeDirectory("/tmp/d", 0o750))).code, "EIO")
    assert.deepStrictEqual(yield* fs.readDirectory("/tmp"), [])
  }))

it.effect("a process that dies at a step is dead, and what programs write are steps too", () =>
  Effect.gen(function*() {
    const faults = Faults.make(Faults.noFaults, Faults.atStep(2, "dieBefore"))
    const { files, fs } = onDisk(faults)
    assert.strictEqual(deathOf(yield* Effect.exit(files.writeFileString("/tmp/f", "text"))), 2)
    assert.isTrue(faults.isDead())
    assert.strictEqual(deathOf(yield* Effect.exit(fs.makeDirectory("/tmp/d", 0o755))), 2)
  }))
