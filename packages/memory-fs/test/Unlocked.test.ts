/**
 * What operations do without the lock, and what may have changed when they have it: they refuse before they wait for the disk,
 * and see under the lock what has come in between. And what they do where a port cannot tell, or fails.
 */
import { assert, describe, it } from "@effect/vitest"
import { Mounter, MountFailed } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem, type SyncTarget } from "@snapshotter/core/StoreFileSystem"
import * as Faults from "@snapshotter/memory-fs/Faults"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Cause, Context, Deferred, Effect, Exit, Fiber, Scope, Stream } from "effect"
import { hash } from "node:crypto"
import { processOn, quiet } from "./machine.ts"

const [a, b, c] = [Key.make("a"), Key.make("b"), Key.make("c")]
const [base, child, done] = [Name.make("base"), Name.make("child"), Name.make("done")]
const labels = { patch: { l: "1" } }

interface Change {
  readonly fs?: (fs: StoreFileSystem) => Partial<StoreFileSystem>
  readonly mounter?: (mounter: Mounter) => Partial<Mounter>
}

type Opened = Effect.Effect<Snapshotter, unknown, Scope.Scope>

/** A machine with a store, a process whose ports may do something else, and others whose ports are healthy. */
const machine = (change: Change = {}, options: Partial<SnapshotterOptions> = {}) => {
  const volume = MemoryVolume.make()
  const openOn = (process: ReturnType<typeof processOn>, more: Partial<SnapshotterOptions>): Opened =>
    quiet(Effect.provide(make({ root: "/store", ...options, ...more }), process))
  const healthy = processOn(volume, "healthy")
  const fs = Context.get(healthy, StoreFileSystem)
  const mounter = Context.get(healthy, Mounter)
  const ours = processOn(volume, "ours").pipe(
    Context.add(StoreFileSystem, { ...fs, ...change.fs?.(fs) }),
    Context.add(Mounter, { ...mounter, ...change.mounter?.(mounter) })
  )
  return {
    fs,
    mounter,
    volume,
    open: (more: Partial<SnapshotterOptions> = {}) => openOn(ours, more),
    /** What another process does to the store. */
    other: <A, E>(does: (store: Snapshotter) => Effect.Effect<A, E>, more: Partial<SnapshotterOptions> = {}) =>
      Effect.scoped(Effect.flatMap(openOn(healthy, more), does))
  }
}

const committed = (store: Snapshotter, name: Name, parent?: Name) =>
  Effect.andThen(store.prepare(c, parent === undefined ? {} : { parent }), store.commit(name, c))

const namesOf = (store: Snapshotter) =>
  Effect.map(Stream.runCollect(store.walk()), (infos) => infos.map(({ name }): string => name).toSorted())

/** The failure, with its tag and all its fields. */
const refusal = <A, E extends { readonly _tag: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), (failure): Readonly<Record<string, unknown>> => ({ ...failure, _tag: failure._tag }))

/** Syncs that are written down, and what comes of each. */
const syncing = () => {
  const targets: Array<string> = []
  let next: Effect.Effect<void, FileSystemError> | undefined
  const fs = (fs: StoreFileSystem): Partial<StoreFileSystem> => ({
    sync: (wanted: ReadonlyArray<SyncTarget>) =>
      Effect.suspend(() => {
        targets.push(wanted.map(({ kind, path }) => `${kind} ${path.replace(/[a-z2-7]{13}/g, "ID")}`).join(", "))
        const meanwhile = next ?? Effect.void
        next = undefined
        return Effect.andThen(meanwhile, fs.sync(wanted))
      })
  })
  return {
    targets,
    change: { fs } satisfies Change,
    /** What happens before the next sync. */
    before: (act: Effect.Effect<unknown, unknown>) => next = Effect.asVoid(Effect.orDie(act)),
    fails: (operation: "sync" | "openForSync", code: string) =>
      next = Effect.fail(new FileSystemError({ operation, path: "/store", code }))
  }
}

// ============================================================ refused before anything waits for the disk

describe("nothing waits for the disk, and nothing is made suspect, for what is refused", () => {
  const refused: Readonly<
    Record<
      string,
      readonly [tag: string, does: (store: Snapshotter) => Effect.Effect<unknown, { readonly _tag: string }>]
    >
  > = {
    "a commit under a name that is taken": ["NameTaken", (store) => store.commit(base, a)],
    "a commit of what is not there": ["SnapshotNotFound", (store) => store.commit(done, c)],
    "a commit of a name": ["NotActive", (store) => store.commit(done, Key.make("base"))],
    "a commit of what is mounted": ["Busy", (store) => store.commit(done, b)],
    "a commit of what may have lost something": ["ContentsSuspect", (store) => store.commit(done, Key.make("lost"))],
    "a prepare of a key that is taken": ["KeyTaken", (store) => store.prepare(a, { parent: base })],
    "a prepare on what is not there": ["ParentNotFound", (store) => store.prepare(c, { parent: done })],
    "a removal of what has children": ["HasChildren", (store) => store.remove(base)],
    "a removal of what is mounted": ["Busy", (store) => store.remove(b)],
    "an update of what is not there": ["SnapshotNotFound", (store) => store.update(c, labels)]
  }
  for (const [what, [tag, does]] of Object.entries(refused)) {
    it.live(what, () =>
      Effect.scoped(Effect.gen(function*() {
        const { change, targets } = syncing()
        const { fs, mounter, open } = machine(change)
        const store = yield* open()
        yield* committed(store, base)
        yield* store.prepare(Key.make("lost"))
        for (const id of yield* fs.readDirectory("/store/active")) {
          yield* fs.writeFile(`/store/active/${id}/suspect`, "EIO", 0o600)
        }
        yield* store.prepare(a, { parent: base })
        yield* fs.makeDirectory("/mnt", 0o755)
        yield* mounter.mount(yield* store.prepare(b), "/mnt")
        targets.length = 0
        assert.strictEqual((yield* refusal(does(store)))._tag, tag)
        assert.deepStrictEqual(targets, [])
      })))
  }
})

// ============================================================ what comes in between

describe("what another process does while contents are synced without the lock is seen under it", () => {
  const between: Readonly<
    Record<string, readonly [tag: string, theirs: (store: Snapshotter) => Effect.Effect<unknown, unknown>]>
  > = {
    "the name is taken": ["NameTaken", (store) => committed(store, done)],
    "the key is gone": ["SnapshotNotFound", (store) => store.remove(a)],
    "the key is committed": [
      "NotActive",
      (store) => Effect.andThen(store.commit(Name.make("other"), a), store.view(a, { parent: Name.make("other") }))
    ]
  }
  for (const [what, [tag, theirs]] of Object.entries(between)) {
    it.live(`${what}: a commit is refused, and nothing of it is left`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { before, change } = syncing()
        const { open, other } = machine(change)
        const store = yield* open()
        yield* store.prepare(a)
        before(other(theirs))
        assert.strictEqual((yield* refusal(store.commit(done, a)))._tag, tag)
        assert.deepStrictEqual(yield* store.check, [])
      })))
  }

  it.live("it is mounted: a commit is refused", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change } = syncing()
      const { fs, mounter, open } = machine(change)
      const store = yield* open()
      const mounts = yield* store.prepare(a)
      yield* fs.makeDirectory("/mnt", 0o755)
      before(mounter.mount(mounts, "/mnt").pipe(Effect.provideService(Scope.Scope, yield* Effect.scope)))
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "Busy", mountPoints: ["/mnt"] })
    })))

  it.live("a sync of somebody else's fails: a commit is refused, since what is in it is not known", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change } = syncing()
      const { fs, open } = machine(change)
      const store = yield* open()
      yield* store.prepare(a)
      const [id] = yield* fs.readDirectory("/store/active")
      before(fs.writeFile(`/store/active/${id}/suspect`, "EIO", 0o600))
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
    })))
})

describe("what is made at full stands on what is on disk, whoever changes it meanwhile", () => {
  const isDurable = (fs: StoreFileSystem, name: string) =>
    Effect.gen(function*() {
      for (const id of yield* fs.readDirectory("/store/committed")) {
        const metadata: unknown = JSON.parse((yield* fs.readFile(`/store/committed/${id}/name.json`)) ?? "{}")
        if (Reflect.get(Object(metadata), "name") === name) return Reflect.get(Object(metadata), "durable")
      }
      return undefined
    })

  for (
    const [what, does] of Object.entries<(store: Snapshotter) => Effect.Effect<unknown, unknown>>({
      "a prepare": (store) => store.prepare(a, { parent: child }),
      "a view": (store) => store.view(a, { parent: child }),
      "an update": (store) => store.update(child, labels)
    })
  ) {
    it.live(`${what}: a parent that is replaced by another one of its name is made durable too`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { before, change } = syncing()
        const { fs, open, other } = machine(change)
        const store = yield* open()
        const process = { durability: "process" } as const
        yield* other((store) => Effect.andThen(committed(store, base), committed(store, child, base)), process)
        assert.deepStrictEqual([yield* isDurable(fs, "base"), yield* isDurable(fs, "child")], [false, false])
        before(other((store) => Effect.andThen(store.remove(child), committed(store, child, base)), process))
        yield* does(store)
        assert.deepStrictEqual([yield* isDurable(fs, "base"), yield* isDurable(fs, "child")], [true, true])
        assert.deepStrictEqual(yield* store.check, [])
      })))
  }

  /** A machine, and what happens when all is prepared without the lock, right before the lock is ours. */
  const beforeTheLock = () => {
    let next: Effect.Effect<unknown, unknown> = Effect.void
    const made = machine({
      fs: (fs) => ({
        tryLock: (path) =>
          Effect.suspend(() => {
            const meanwhile = path === "/store" ? next : Effect.void
            if (path === "/store") next = Effect.void
            return Effect.andThen(Effect.orDie(meanwhile), fs.tryLock(path))
          })
      })
    })
    return { ...made, beforeLock: (act: typeof next) => next = act }
  }

  it.live("a commit: what the key means by then stands on what is made durable too", () =>
    Effect.scoped(Effect.gen(function*() {
      const { beforeLock, fs, open, other } = beforeTheLock()
      const store = yield* open()
      yield* store.prepare(a)
      beforeLock(other(
        (store) =>
          Effect.all([store.remove(a), committed(store, base), store.prepare(a, { parent: base })], { discard: true }),
        { durability: "process" }
      ))
      yield* store.commit(done, a)
      assert.isTrue(yield* isDurable(fs, "base"))
      assert.deepStrictEqual(yield* store.check, [])
    })))

  for (
    const [what, does] of Object.entries<(store: Snapshotter) => Effect.Effect<unknown, unknown>>({
      "a prepare": (store) => store.prepare(a, { parent: child }),
      "a view": (store) => store.view(a, { parent: child }),
      "an update": (store) => store.update(child, labels)
    })
  ) {
    it.live(`${what}: what the name means by then is made durable too`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { beforeLock, fs, open, other } = beforeTheLock()
        const store = yield* open()
        yield* committed(store, base)
        yield* committed(store, child, base)
        beforeLock(other(
          (store) =>
            Effect.all(
              [store.remove(child), store.remove(base), committed(store, base), committed(store, child, base)],
              {
                discard: true
              }
            ),
          { durability: "process" }
        ))
        yield* does(store)
        assert.deepStrictEqual([yield* isDurable(fs, "base"), yield* isDurable(fs, "child")], [true, true])
        assert.deepStrictEqual(yield* store.check, [])
      })))
  }

  it.live("an update: what the name means by then, and may have lost contents, is not promised", () =>
    Effect.scoped(Effect.gen(function*() {
      const { beforeLock, fs, open, other } = beforeTheLock()
      const store = yield* open()
      yield* committed(store, base)
      beforeLock(Effect.gen(function*() {
        yield* other((store) => Effect.andThen(store.remove(base), committed(store, base)), { durability: "process" })
        yield* fs.writeFile(`${yield* directoryOf(fs, "base")}/suspect`, "EIO", 0o600)
      }))
      assert.deepInclude(yield* refusal(store.update(base, labels)), { _tag: "ContentsSuspect", code: "EIO" })
      assert.isFalse(yield* isDurable(fs, "base"))
    })))

  /** A layer that was made at process, and the one upon it. */
  const layersAtProcess = (other: ReturnType<typeof machine>["other"]) =>
    other((store) => Effect.andThen(committed(store, base), committed(store, child, base)), { durability: "process" })

  const directoryOf = (fs: StoreFileSystem, name: string) =>
    Effect.gen(function*() {
      for (const id of yield* fs.readDirectory("/store/committed")) {
        const text = (yield* fs.readFile(`/store/committed/${id}/name.json`)) ?? ""
        if (text.includes(`"name":"${name}"`)) return `/store/committed/${id}`
      }
      return assert.fail(`no layer is called ${name}`)
    })

  it.live("a layer whose contents are gone meanwhile is not said to be durable", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change } = syncing()
      const { fs, open, other } = machine(change)
      yield* layersAtProcess(other)
      const store = yield* open({ durability: "process" })
      yield* store.prepare(a, { parent: child })
      const full = yield* open()
      const layer = `${yield* directoryOf(fs, "child")}/fs`
      before(fs.removeTree(layer))
      assert.deepInclude(yield* refusal(full.commit(done, a)), { _tag: "Damaged", path: layer })
    })))

  it.live("a layer that was made at process and may have lost contents is not promised", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, open, other } = machine()
      yield* layersAtProcess(other)
      yield* fs.writeFile(`${yield* directoryOf(fs, "base")}/suspect`, "EIO", 0o600)
      const store = yield* open()
      assert.deepInclude(yield* refusal(store.view(a, { parent: child })), { _tag: "ContentsSuspect", code: "EIO" })
      assert.isFalse(yield* isDurable(fs, "base"))
    })))

  const lacking: Readonly<
    Record<
      string,
      readonly [refused: object, does: (fs: StoreFileSystem, path: string) => Effect.Effect<unknown, FileSystemError>]
    >
  > = {
    "has no layer any more": [{ _tag: "Damaged", reason: "is missing" }, (fs, path) => fs.removeTree(`${path}/fs`)],
    "has no scratch directory any more": [{ _tag: "Damaged" }, (fs, path) => fs.removeTree(`${path}/work`)],
    "may have lost contents": [{ _tag: "ContentsSuspect" }, (fs, path) => fs.writeFile(`${path}/suspect`, "EIO", 0o600)]
  }
  for (const [what, [refused, does]] of Object.entries(lacking)) {
    it.live(`a fork that was made at process and ${what} is not promised by an update`, () =>
      Effect.scoped(Effect.gen(function*() {
        const { fs, open, other } = machine()
        yield* other((store) => store.prepare(a), { durability: "process" })
        const store = yield* open()
        for (const id of yield* fs.readDirectory("/store/active")) yield* does(fs, `/store/active/${id}`)
        assert.deepInclude(yield* refusal(store.update(a, labels)), refused)
      })))
  }

  it.live("what cannot be made durable is not built upon", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change, fails } = syncing()
      const { open, other } = machine(change)
      yield* layersAtProcess(other)
      const store = yield* open()
      // After the contents and what goes before the mark comes what is to follow it.
      before(Effect.sync(() => before(Effect.sync(() => fails("sync", "EIO")))))
      const refused = yield* refusal(store.view(a, { parent: child }))
      assert.deepInclude(refused, { _tag: "StoreFailure", operation: "view", call: "sync", code: "EIO" })
    })))

  it.live("a layer whose link leads elsewhere is made durable without it", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, open, other } = machine()
      yield* layersAtProcess(other)
      const link = `/store/index/${hash("sha256", "base")}`
      yield* fs.removeFile(link)
      yield* fs.symlink("elsewhere", link)
      const store = yield* open()
      yield* store.view(a, { parent: child })
      assert.deepStrictEqual([yield* isDurable(fs, "base"), yield* isDurable(fs, "child")], [true, true])
      assert.strictEqual(yield* fs.readLink(link), "elsewhere")
    })))

  it.live("a parent that is removed once its contents are on disk is missed", () =>
    Effect.scoped(Effect.gen(function*() {
      const { beforeLock, open, other } = beforeTheLock()
      yield* layersAtProcess(other)
      const store = yield* open()
      beforeLock(other((store) => Effect.andThen(store.remove(child), store.remove(base))))
      assert.strictEqual((yield* refusal(store.prepare(a, { parent: child })))._tag, "ParentNotFound")
      assert.deepStrictEqual(yield* store.check, [])
    })))

  it.live("a parent that is removed meanwhile is missed", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change } = syncing()
      const { open, other } = machine(change)
      const store = yield* open()
      yield* other((store) => committed(store, base), { durability: "process" })
      before(other((store) => store.remove(base)))
      assert.strictEqual((yield* refusal(store.prepare(a, { parent: base })))._tag, "ParentNotFound")
      assert.deepStrictEqual(yield* store.check, [])
    })))
})

describe("a commit point that is refused has not passed, whatever is at either place:", () => {
  const places: Readonly<
    Record<string, (fs: StoreFileSystem, from: string, to: string) => Effect.Effect<unknown, unknown>>
  > = {
    "something is where it was to go": (fs, _, to) => fs.makeDirectory(to, 0o700),
    "it is no longer where it was": (fs, from) => fs.moveNoReplace(from, "/elsewhere")
  }
  for (const [what, theirs] of Object.entries(places)) {
    it.live(what, () =>
      Effect.scoped(Effect.gen(function*() {
        let met = false
        const { open } = machine({
          fs: (fs) => ({
            moveNoReplace: (from, to) => {
              if (met || !to.startsWith("/store/committed/")) return fs.moveNoReplace(from, to)
              met = true
              return Effect.andThen(Effect.orDie(theirs(fs, from, to)), fs.moveNoReplace(from, to))
            }
          })
        })
        const store = yield* open()
        yield* store.prepare(a)
        assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "StoreFailure", operation: "commit" })
      })))
  }
})

it.live("an update that is said to have failed, and has happened, is a success", () =>
  Effect.scoped(Effect.gen(function*() {
    const { open } = machine({
      fs: (fs) => ({
        exchange: (one, other) =>
          Effect.andThen(
            fs.exchange(one, other),
            other.endsWith("/name.json")
              ? Effect.fail(new FileSystemError({ operation: "exchange", path: other, code: "EIO" }))
              : Effect.void
          )
      })
    })
    const store = yield* open()
    yield* committed(store, base)
    assert.deepInclude((yield* store.update(base, labels)).labels, labels.patch)
    assert.deepInclude((yield* store.stat(base)).labels, labels.patch)
  })))

it.live("who may not be interrupted waits for the lock, and is answered", () =>
  Effect.scoped(Effect.gen(function*() {
    const { fs, open } = machine()
    const store = yield* open()
    // Whoever led the last operation gives the lock back soon.
    yield* Effect.sleep(20)
    const held = yield* fs.tryLock("/store")
    if (held === undefined) return assert.fail("somebody has the lock")
    const fiber = yield* Effect.forkChild(Effect.uninterruptible(store.prepare(a)), { startImmediately: true })
    const interrupted = yield* Effect.forkChild(Fiber.interrupt(fiber), { startImmediately: true })
    yield* held.release
    yield* Fiber.join(interrupted)
    assert.deepInclude(yield* store.stat(a), { kind: "active", name: a })
  })))

it.live("a fork whose commit died with its process can be committed by another one that has the store open", () =>
  Effect.scoped(Effect.gen(function*() {
    const { fs, open } = machine()
    const store = yield* open()
    yield* store.prepare(a)
    for (const id of yield* fs.readDirectory("/store/active")) {
      yield* fs.makeDirectory(`/store/active/${id}/children`, 0o700)
    }
    yield* store.commit(done, a)
    assert.deepStrictEqual(yield* store.check, [])
  })))

// ============================================================ a sync that fails

describe("a sync that fails", () => {
  /** Keys and names of which contents may be lost, as check has it. */
  const suspects = (store: Snapshotter) =>
    Effect.map(
      store.check,
      (violations) =>
        violations.filter(({ severity }) => severity === "suspect").map(({ snapshot }) => snapshot).toSorted()
    )

  it.live("makes all suspect that is not known to be on disk, and all that is active", () =>
    Effect.scoped(Effect.gen(function*() {
      const { change, fails } = syncing()
      const { open, other } = machine(change)
      const store = yield* open()
      yield* committed(store, base)
      yield* other((store) => committed(store, child), { durability: "process" })
      yield* store.prepare(a)
      yield* store.prepare(b, { parent: base })
      yield* store.view(c, { parent: base })
      fails("sync", "EIO")
      yield* Effect.exit(store.commit(done, a))
      assert.deepStrictEqual(yield* suspects(store), ["a", "b", "child"])
      // Nothing at full is built on them; what is on disk serves as before.
      for (const key of [a, b]) {
        assert.deepInclude(yield* refusal(store.commit(done, key)), {
          _tag: "ContentsSuspect",
          snapshot: key,
          code: "EIO"
        })
      }
      const onSuspect = store.prepare(Key.make("d"), { parent: child })
      assert.deepInclude(yield* refusal(onSuspect), { _tag: "ContentsSuspect", snapshot: "child", code: "EIO" })
      yield* store.prepare(Key.make("e"), { parent: base })
      // Another process sees it too, and so does one at process, which promises nothing.
      yield* other((store) => store.prepare(Key.make("f"), { parent: child }), { durability: "process" })
      assert.deepInclude(yield* other((store) => refusal(store.commit(done, b))), { _tag: "ContentsSuspect" })
      yield* other((store) => store.commit(Name.make("unpromised"), b), { durability: "process" })
      // Who is removed is forgotten.
      yield* store.remove(a)
      yield* store.prepare(a)
      yield* store.commit(done, a)
    })))

  it.live("makes everything suspect also where whoever waited for it is interrupted before all is written down", () =>
    Effect.scoped(Effect.gen(function*() {
      const noted = { count: 0, next: Effect.void as Effect.Effect<void> }
      const { change, fails } = syncing()
      const slowly = (fs: StoreFileSystem): Partial<StoreFileSystem> => ({
        ...change.fs(fs),
        writeFile: (path, text, mode) =>
          path.endsWith("/suspect")
            ? Effect.andThen(Effect.suspend(() => (noted.count++, noted.next)), fs.writeFile(path, text, mode))
            : fs.writeFile(path, text, mode)
      })
      const { open } = machine({ fs: slowly })
      const store = yield* open()
      yield* store.prepare(a)
      yield* store.prepare(b)
      const isNoted = yield* Deferred.make<void>()
      noted.next = Effect.andThen(Deferred.succeed(isNoted, undefined), Effect.sleep(5))
      fails("sync", "EIO")
      const fiber = yield* Effect.forkChild(Effect.exit(store.commit(done, a)))
      yield* Deferred.await(isNoted)
      // While it is being written down it is everyone.
      assert.deepInclude(yield* refusal(store.commit(done, b)), { _tag: "ContentsSuspect", code: "EIO" })
      yield* Fiber.interrupt(fiber)
      for (const key of [a, b]) assert.deepInclude(yield* refusal(store.commit(done, key)), { _tag: "ContentsSuspect" })
      assert.strictEqual(noted.count, 2)
    })))

  it.live("makes what is in another store suspect that shares the backend: the kernel tells one alone", () =>
    Effect.scoped(Effect.gen(function*() {
      const { change, fails } = syncing()
      const { open } = machine(change)
      const store = yield* open()
      const other = yield* open({ root: "/other" })
      yield* other.prepare(a)
      yield* store.prepare(a)
      fails("sync", "EIO")
      yield* Effect.exit(store.commit(done, a))
      assert.deepInclude(yield* refusal(other.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
    })))

  it.live("counts for a commit that it has overtaken, after it looked and before it waited itself", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change } = syncing()
      const { fs, open } = machine(change)
      const store = yield* open()
      yield* store.prepare(a)
      // Without the lock first, and then, under it, another store's fails.
      before(Effect.sync(() =>
        before(Effect.suspend(() => {
          const failure = new FileSystemError({ operation: "sync", path: "/other", code: "EIO" })
          return Effect.forEach([...fs.syncFailures.listeners.values()].flatMap((all) => [...all]), (tell) =>
            tell(failure))
        }))
      ))
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
    })))

  it.live("is heard of by a store that was closed when it failed, once it is opened again", () =>
    Effect.gen(function*() {
      const { change, fails } = syncing()
      const { open } = machine(change)
      yield* Effect.scoped(Effect.flatMap(open(), (store) => store.prepare(a)))
      yield* Effect.scoped(Effect.gen(function*() {
        const other = yield* open({ root: "/other" })
        fails("sync", "EIO")
        yield* Effect.exit(other.prepare(a))
      }))
      yield* Effect.scoped(Effect.gen(function*() {
        const store = yield* open()
        assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", code: "EIO" })
        // What is made after it is none of its business, also when it is opened once more.
        yield* store.prepare(b)
      }))
      yield* Effect.scoped(Effect.flatMap(open(), (store) => store.commit(done, b)))
    }))

  it.live("of another store's, between the commit point and the last sync, leaves that unconfirmed", () =>
    Effect.scoped(Effect.gen(function*() {
      let meanwhile: Effect.Effect<unknown, unknown> = Effect.void
      const { change, fails } = syncing()
      const { fs, open } = machine({
        fs: (fs) => ({
          ...change.fs(fs),
          moveNoReplace: (from, to) =>
            Effect.tap(fs.moveNoReplace(from, to), () => {
              const act = to.includes("/store/trash/") ? meanwhile : Effect.void
              return Effect.exit(act)
            })
        })
      })
      const other = yield* open({ root: "/other" })
      const store = yield* open()
      yield* committed(store, base)
      meanwhile = Effect.suspend(() => {
        fails("sync", "EIO")
        return other.prepare(a)
      })
      assert.deepInclude(yield* refusal(store.remove(base)), { _tag: "NotDurable", code: "EIO" })
      // Nothing is destroyed that the disk may have in its place.
      assert.lengthOf(yield* fs.readDirectory("/store/trash"), 1)
    })))

  it.live("of a marked store keeps nobody from opening it, looking at it and checking it", () =>
    Effect.gen(function*() {
      for (
        const [operation, code, refused] of [
          ["sync", "EIO", { _tag: "StoreFailure", code: "EIO" }],
          ["openForSync", "EMFILE", { _tag: "StoreFailure", code: "EMFILE" }],
          // A disk that has failed becomes read-only.
          ["sync", "EROFS", { _tag: "ReadOnlyStore" }]
        ] as const
      ) {
        const refuses = (fs: StoreFileSystem): Partial<StoreFileSystem> => ({
          sync: () => Effect.fail(new FileSystemError({ operation, path: "/store", code })),
          setMode: fs.setMode
        })
        const { fs, open, other } = machine({ fs: refuses })
        yield* other((store) => Effect.andThen(committed(store, base), store.prepare(a)))
        yield* fs.setMode("/store/staging", 0o1700)
        yield* fs.makeDirectory("/store/trash/left", 0o700)
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* open({ durability: "process" })
          assert.deepStrictEqual(yield* namesOf(store), ["a", "base"])
          assert.include((yield* store.check).map(({ path }) => path), "/store/trash/left")
          assert.deepInclude(yield* refusal(store.prepare(b)), refused)
        }))
      }
    }))

  it.live("of what was made at process is not forgotten by an update that would promise it", () =>
    Effect.scoped(Effect.gen(function*() {
      const { change, fails } = syncing()
      const { open, other } = machine(change)
      const store = yield* open()
      yield* other((store) => store.prepare(a), { durability: "process" })
      fails("sync", "EIO")
      yield* Effect.exit(store.prepare(b))
      assert.deepInclude(yield* refusal(store.update(a, labels)), { _tag: "ContentsSuspect", snapshot: "a" })
    })))

  it.live("under the lock fails the commits that wait for it as suspect, at full alone", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change, fails } = syncing()
      const { open, other } = machine(change)
      const store = yield* open()
      yield* store.prepare(a)
      // The first sync is the one without the lock.
      before(Effect.sync(() => fails("sync", "EIO")))
      assert.deepInclude(yield* refusal(store.commit(done, a)), { _tag: "ContentsSuspect", snapshot: "a", code: "EIO" })
      assert.deepStrictEqual(yield* suspects(store), ["a"])
      yield* store.remove(a)
      yield* other((store) => store.prepare(b))
      const relaxed = yield* open({ durability: "process" })
      fails("sync", "EIO")
      assert.deepInclude(yield* refusal(relaxed.commit(done, b)), { _tag: "StoreFailure", code: "EIO" })
    })))

  it.live("before it was begun has lost nothing", () =>
    Effect.scoped(Effect.gen(function*() {
      const { before, change, fails } = syncing()
      const { open } = machine(change)
      const store = yield* open()
      yield* store.prepare(a)
      fails("openForSync", "EMFILE")
      const early = { _tag: "StoreFailure", operation: "commit", call: "openForSync", code: "EMFILE" }
      assert.deepInclude(yield* refusal(store.commit(done, a)), early)
      before(Effect.sync(() => fails("openForSync", "EMFILE")))
      assert.deepInclude(yield* refusal(store.commit(done, a)), early)
      assert.deepStrictEqual(yield* suspects(store), [])
      yield* store.commit(done, a)
      assert.deepStrictEqual(yield* store.check, [])
    })))

  it.live("is remembered where its notes cannot be written, or those concerned not be listed, as long as the store is open", () =>
    Effect.scoped(Effect.gen(function*() {
      for (const how of ["writing", "listing"] as const) {
        const { change, fails } = syncing()
        let broken = false
        const failing = (operation: string, path: string) =>
          Effect.fail(new FileSystemError({ operation, path, code: "EMFILE" }))
        const { open } = machine({
          fs: (fs) => ({
            ...change.fs(fs),
            writeFile: (path, text, mode) =>
              broken && how === "writing" && path.endsWith("/suspect")
                ? failing("writeFile", path)
                : fs.writeFile(path, text, mode),
            readDirectory: (path) =>
              broken && how === "listing" && path.endsWith("/active")
                ? failing("readDirectory", path)
                : fs.readDirectory(path)
          })
        })
        const store = yield* open()
        yield* store.prepare(a)
        yield* store.prepare(b)
        broken = true
        fails("sync", "EIO")
        yield* Effect.exit(store.commit(done, a))
        broken = false
        for (const key of [a, b]) {
          assert.deepInclude(yield* refusal(store.commit(done, key)), { _tag: "ContentsSuspect", code: "EIO" })
        }
        assert.deepStrictEqual(yield* suspects(store), [])
        yield* store.prepare(c)
        const later = yield* Effect.exit(store.commit(done, c))
        // Whom it concerns is known, unless they could not be listed.
        assert.strictEqual(later._tag, how === "writing" ? "Success" : "Failure")
        const again = yield* open()
        yield* again.commit(Name.make("again"), b)
      }
    })))
})

// ============================================================ what is mounted

describe("what is mounted", () => {
  const failing = { fails: false }
  const unknown: Change = {
    mounter: (mounter) => ({
      uses: (layer) =>
        failing.fails
          ? Effect.fail(new MountFailed({ operation: "read mounts", target: layer, code: "EMFILE", reason: "no more" }))
          : mounter.uses(layer)
    })
  }

  it.live("below others, as one of their parents, can be committed, and once it is not removed", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, mounter, open } = machine()
      const store = yield* open()
      const [mount] = yield* store.prepare(a)
      for (const path of ["/lower", "/mnt"]) yield* fs.makeDirectory(path, 0o755)
      const options = [`lowerdir=${mount?.source}:/lower`]
      yield* mounter.mount([{ type: "overlay", source: "overlay", options }], "/mnt")
      yield* store.commit(done, a)
      assert.deepInclude(yield* refusal(store.remove(done)), { _tag: "Busy", mountPoints: ["/mnt"] })
    })))

  it.live("in another mount namespace is in the way too, and nobody can say where", () =>
    Effect.scoped(Effect.gen(function*() {
      const elsewhere = [{ target: undefined, as: "upper", writable: true }] as const
      const { open } = machine({ mounter: () => ({ uses: () => Effect.succeed(elsewhere) }) })
      const store = yield* open()
      yield* store.prepare(a)
      assert.deepInclude(yield* refusal(store.remove(a)), { _tag: "Busy", snapshot: "a", mountPoints: [] })
    })))

  it.live("is not asked of what has no layer, or is a view", () =>
    Effect.scoped(Effect.gen(function*() {
      failing.fails = false
      const { fs, open } = machine(unknown)
      const store = yield* open()
      yield* committed(store, base)
      yield* store.view(b, { parent: base })
      yield* store.prepare(a)
      const [id] = yield* fs.readDirectory("/store/active")
      yield* fs.removeTree(`/store/active/${id}/fs`)
      failing.fails = true
      yield* store.remove(a)
      yield* store.remove(b)
      assert.deepInclude(yield* refusal(store.remove(base)), {
        _tag: "StoreFailure",
        operation: "remove",
        code: "EMFILE",
        call: "read mounts"
      })
      failing.fails = false
    })))

  it.live("where the mounter holds still, is being mounted", () =>
    Effect.scoped(Effect.gen(function*() {
      const { fs, open } = machine()
      const store = yield* open()
      yield* store.prepare(a)
      const [id] = yield* fs.readDirectory("/store/active")
      const lock = yield* fs.tryLock(`/store/active/${id}`)
      const attempts: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        store.commit(done, a),
        store.remove(a)
      ]
      for (const attempt of attempts) {
        assert.deepInclude(yield* refusal(attempt), { _tag: "Busy", snapshot: "a", mountPoints: [] })
      }
      yield* lock?.release ?? Effect.void
      yield* store.commit(done, a)
    })))

  it.live("keeps its scratch directory at a commit that allows it, also where that cannot be told", () =>
    Effect.scoped(Effect.gen(function*() {
      for (const how of ["free", "mounted", "unknown"] as const) {
        failing.fails = false
        const { fs, mounter, open } = machine(unknown, { whileMounted: "allow" })
        const store = yield* open()
        yield* committed(store, base)
        const mounts = yield* store.prepare(a, { parent: base })
        const [id] = yield* fs.readDirectory("/store/active")
        yield* fs.makeDirectory("/mnt", 0o755)
        if (how === "mounted") yield* mounter.mount(mounts, "/mnt")
        failing.fails = how === "unknown"
        yield* store.commit(done, a)
        failing.fails = false
        const work = yield* fs.lstat(`/store/committed/${id}/work`)
        assert.strictEqual(work === undefined, how === "free", how)
      }
    })))
})

// ============================================================ at once

describe("of two that want the same at once exactly one gets it, also where they go through the lock together", () => {
  const pairs: Readonly<Record<string, readonly [tag: string, one: Act, other: Act]>> = {
    "two prepares of a key": ["KeyTaken", (store) => store.prepare(c), (store) => store.prepare(c)],
    "a prepare and a view of a key": [
      "KeyTaken",
      (store) => store.prepare(c),
      (store) => store.view(c, { parent: base })
    ],
    "two commits under a name": ["NameTaken", (store) => store.commit(done, a), (store) => store.commit(done, b)],
    "two commits of a key": [
      "SnapshotNotFound",
      (store) => store.commit(done, a),
      (store) => store.commit(Name.make("other"), a)
    ],
    "a commit under a name and a prepare of it as key": [
      "KeyTaken",
      (store) => store.commit(done, a),
      (store) => store.prepare(Key.make("done"))
    ],
    "two removals": ["SnapshotNotFound", (store) => store.remove(a), (store) => store.remove(a)],
    "a removal of a parent and a fork of it": [
      "ParentNotFound",
      (store) => store.remove(base),
      (store) => store.prepare(c, { parent: base })
    ],
    "a fork of a parent and its removal": [
      "HasChildren",
      (store) => store.prepare(c, { parent: base }),
      (store) => store.remove(base)
    ],
    "a commit of a key and its removal": [
      "SnapshotNotFound",
      (store) => store.commit(done, a),
      (store) => store.remove(a)
    ],
    "a removal of a key and an update of it": [
      "SnapshotNotFound",
      (store) => store.remove(a),
      (store) => store.update(a, labels)
    ]
  }
  type Act = (store: Snapshotter) => Effect.Effect<unknown, { readonly _tag: string }>
  for (const [what, [tag, one, other]] of Object.entries(pairs)) {
    it.live(what, () =>
      Effect.scoped(Effect.gen(function*() {
        const { fs, open } = machine({}, { durability: "process" })
        const store = yield* open()
        yield* committed(store, base)
        yield* store.prepare(a)
        yield* store.prepare(b)
        const before = yield* namesOf(store)
        const lock = yield* lockOf(fs)
        const first = yield* Effect.forkChild(Effect.result(one(store)), { startImmediately: true })
        const second = yield* Effect.forkChild(Effect.result(other(store)), { startImmediately: true })
        yield* lock.release
        const results = [yield* Fiber.join(first), yield* Fiber.join(second)]
        const tags = results.map((result) => result._tag === "Failure" ? result.failure._tag : "success")
        assert.deepStrictEqual(tags, ["success", tag])
        assert.deepStrictEqual(yield* store.check, [])
        assert.notDeepEqual(yield* namesOf(store), before)
      })))
  }

  /** Whoever has it for an operation that has returned gives it back soon. */
  const lockOf = (fs: StoreFileSystem): Effect.Effect<{ readonly release: Effect.Effect<void> }, FileSystemError> =>
    Effect.flatMap(
      fs.tryLock("/store"),
      (lock) =>
        lock === undefined ? Effect.andThen(Effect.sleep(1), Effect.suspend(() => lockOf(fs))) : Effect.succeed(lock)
    )
})

// ============================================================ smaller things

it.live("children that cannot be read are named by their ids", () =>
  Effect.scoped(Effect.gen(function*() {
    const { fs, open } = machine()
    const store = yield* open()
    yield* committed(store, base)
    for (const key of [a, b, c]) yield* store.prepare(key, { parent: base })
    const ids: Array<string> = []
    for (const id of yield* fs.readDirectory("/store/active")) {
      const path = `/store/active/${id}/key.json`
      const text = (yield* fs.readFile(path)) ?? ""
      if (text.includes("\"name\":\"c\"")) continue
      ids.push(id)
      yield* fs.removeFile(path)
      if (text.includes("\"name\":\"b\"")) yield* fs.makeDirectory(path, 0o700)
    }
    const failure = yield* refusal(store.remove(base))
    assert.deepInclude(failure, { _tag: "HasChildren", count: 3 })
    assert.sameMembers([...Array.isArray(failure["children"]) ? failure["children"] : []], ["c", ...ids])
  })))

it.live("a parent without a place for marks has no children, and can be removed", () =>
  Effect.scoped(Effect.gen(function*() {
    const { fs, open } = machine()
    const store = yield* open()
    yield* committed(store, base)
    const [id] = yield* fs.readDirectory("/store/committed")
    yield* fs.removeTree(`/store/committed/${id}/children`)
    yield* store.remove(base)
    assert.deepStrictEqual(yield* store.check, [])
  })))

it.live("a child that cannot be marked is not made, and that is tried once", () =>
  Effect.scoped(Effect.gen(function*() {
    let writes = 0
    const { open } = machine({
      fs: (fs) => ({
        writeFile: (path, text, mode) =>
          !path.includes("/children/") ? fs.writeFile(path, text, mode) : Effect.suspend(() => {
            writes++
            return Effect.fail(new FileSystemError({ operation: "writeFile", path, code: "ENOSPC" }))
          })
      })
    })
    const store = yield* open()
    yield* committed(store, base)
    const forked = store.prepare(a, { parent: base })
    assert.deepInclude(yield* refusal(forked), { _tag: "StoreFailure", operation: "prepare", code: "ENOSPC" })
    assert.strictEqual(writes, 1)
    assert.deepStrictEqual(yield* store.check, [])
  })))

it.live("an operation whose last step the disk refuses leaves nothing behind", () =>
  Effect.scoped(Effect.gen(function*() {
    let refuses = false
    const refusing = (operation: string, path: string, otherwise: Effect.Effect<void, FileSystemError>) =>
      Effect.suspend(() => refuses ? Effect.fail(new FileSystemError({ operation, path, code: "EDQUOT" })) : otherwise)
    const { open } = machine({
      fs: (fs) => ({
        moveNoReplace: (from, to) => refusing("moveNoReplace", from, fs.moveNoReplace(from, to)),
        exchange: (one, two) => refusing("exchange", one, fs.exchange(one, two))
      })
    })
    for (const durability of ["full", "process"] as const) {
      const store = yield* open({ root: `/${durability}`, durability })
      yield* committed(store, base)
      yield* store.prepare(a, { parent: base })
      const attempts: ReadonlyArray<Effect.Effect<unknown, { readonly _tag: string }>> = [
        store.prepare(b, { parent: base }),
        store.view(b, { parent: base }),
        store.commit(done, a),
        store.update(a, labels),
        store.update(base, labels),
        store.remove(a)
      ]
      for (const attempt of attempts) {
        refuses = true
        assert.deepInclude(yield* refusal(attempt), { _tag: "StoreFailure", code: "EDQUOT" })
        refuses = false
        assert.deepStrictEqual(yield* store.check, [])
      }
      assert.deepStrictEqual(yield* namesOf(store), ["a", "base"])
    }
  })))

it.live("what is in the way of a new file goes, once; any other failure is not tried again", () =>
  Effect.scoped(Effect.gen(function*() {
    let writes = 0
    let code = "EIO"
    const { open } = machine({
      fs: (fs) => ({
        writeFile: (path, text, mode) =>
          !path.endsWith("/name.json") ? fs.writeFile(path, text, mode) : Effect.suspend(() => {
            writes++
            return Effect.fail(new FileSystemError({ operation: "writeFile", path, code }))
          })
      })
    })
    const store = yield* open({ durability: "process" })
    yield* store.prepare(a)
    assert.strictEqual((yield* refusal(store.commit(done, a)))._tag, "StoreFailure")
    assert.strictEqual(writes, 1)
    writes = 0
    code = "EEXIST"
    assert.strictEqual((yield* refusal(store.commit(done, a)))._tag, "StoreFailure")
    assert.strictEqual(writes, 2)
  })))

it.live("what comes to its place between a read and a look at it is read again", () =>
  Effect.scoped(Effect.gen(function*() {
    let early = true
    const { open } = machine({
      fs: (fs) => ({
        readFile: (path) => {
          if (!early || !path.endsWith("/name.json")) return fs.readFile(path)
          early = false
          return Effect.undefined
        }
      })
    })
    const store = yield* open()
    yield* committed(store, base)
    early = true
    assert.deepInclude(yield* store.stat(base), { kind: "committed", name: base })
    assert.isFalse(early)
  })))

describe("walk, of what moves on while it is looked at,", () => {
  const moves: Readonly<
    Record<
      string,
      readonly [does: (store: Snapshotter) => Effect.Effect<unknown, unknown>, shown: ReadonlyArray<string>]
    >
  > = {
    "shows where it is by then": [(store) => store.commit(done, a), ["base", "done"]],
    "shows nothing if it is gone": [(store) => store.remove(a), ["base"]]
  }
  for (const [what, [does, shown]] of Object.entries(moves)) {
    it.live(what, () =>
      Effect.scoped(Effect.gen(function*() {
        let meanwhile: Effect.Effect<unknown, unknown> = Effect.void
        const { open, other } = machine({
          fs: (fs) => ({
            readLink: (path) => {
              const first = path.startsWith("/store/active/") ? meanwhile : Effect.void
              if (path.startsWith("/store/active/")) meanwhile = Effect.void
              return Effect.andThen(Effect.orDie(first), fs.readLink(path))
            }
          })
        })
        const store = yield* open()
        yield* committed(store, base)
        yield* store.prepare(a, { parent: base })
        meanwhile = other(does)
        assert.deepStrictEqual(yield* namesOf(store), shown)
      })))
  }
})

it.live("a store that is closed hears of nothing any more", () =>
  Effect.gen(function*() {
    const { fs, open } = machine()
    yield* Effect.scoped(open())
    assert.deepStrictEqual([...fs.syncFailures.listeners.values()].map(({ size }) => size), [0])
  }))

it.live("what only looks says which operation it is, at whichever call the machine fails", () =>
  Effect.scoped(Effect.gen(function*() {
    const operations: Readonly<
      Record<string, (store: Snapshotter) => Effect.Effect<unknown, { readonly _tag: string }>>
    > = {
      mounts: (store) => store.mounts(a),
      stat: (store) => store.stat(a),
      usage: (store) => store.usage(child),
      walk: (store) => Stream.runDrain(store.walk()),
      check: (store) => store.check
    }
    const volume = MemoryVolume.make()
    const opened = (faults?: Faults.Faults): Opened =>
      quiet(Effect.provide(make({ root: "/store" }), processOn(volume, volume.newProcess(), faults)))
    const store = yield* opened()
    yield* committed(store, base)
    yield* committed(store, child, base)
    yield* store.prepare(a, { parent: child })
    for (const [operation, does] of Object.entries(operations)) {
      for (let n = 1, injected = true; injected; n++) {
        const faults = Faults.make(Faults.at(n, { fail: "EIO" }))
        const exit = yield* Effect.scoped(
          Effect.flatMap(faults.spare(opened(faults)), (store) => Effect.exit(does(store)))
        )
        injected = faults.injected() > 0
        // It tells of what it cannot read.
        if (Exit.isSuccess(exit) && (operation === "check" || !injected)) continue
        if (Exit.isSuccess(exit)) return assert.fail(`${operation} does not say that its call ${n} failed`)
        assert.deepInclude(Cause.squash(exit.cause), { _tag: "StoreFailure", operation, code: "EIO" }, `call ${n}`)
      }
    }
  })))

it.live("every operation says which one it is when the machine fails it", () =>
  Effect.scoped(Effect.gen(function*() {
    const operations: Readonly<
      Record<string, (store: Snapshotter) => Effect.Effect<unknown, { readonly _tag: string }>>
    > = {
      prepare: (store) => store.prepare(c),
      view: (store) => store.view(c, { parent: base }),
      commit: (store) => store.commit(done, a),
      remove: (store) => store.remove(a),
      update: (store) => store.update(a, labels),
      mounts: (store) => store.mounts(a),
      stat: (store) => store.stat(a),
      usage: (store) => store.usage(a),
      walk: (store) => Stream.runDrain(store.walk()),
      cleanup: (store) => store.cleanup,
      check: (store) => store.check,
      relink: (store) => store.relink
    }
    let code = ""
    let locksToo = true
    const failing = <A>(operation: string, path: string, otherwise: Effect.Effect<A, FileSystemError>) =>
      Effect.suspend(() => code === "" ? otherwise : Effect.fail(new FileSystemError({ operation, path, code })))
    const { open } = machine({
      fs: (fs) => ({
        tryLock: (path) => locksToo ? failing("tryLock", path, fs.tryLock(path)) : fs.tryLock(path),
        // What is only looked at does not fail because it is read-only.
        readLink: (path) => code === "EROFS" ? fs.readLink(path) : failing("readLink", path, fs.readLink(path)),
        readDirectory: (path) =>
          code === "EROFS" ? fs.readDirectory(path) : failing("readDirectory", path, fs.readDirectory(path))
      })
    })
    const store = yield* open()
    yield* committed(store, base)
    yield* store.prepare(a)
    // Whoever led the last operation gives the lock back soon.
    yield* Effect.sleep(20)
    for (const [operation, does] of Object.entries(operations)) {
      code = "EIO"
      assert.deepInclude(yield* refusal(does(store)), { _tag: "StoreFailure", operation, code })
      // Under the lock too, which some have before they look at anything.
      locksToo = false
      assert.deepInclude(yield* refusal(does(store)), { _tag: "StoreFailure", operation, code })
      locksToo = true
      code = "EROFS"
      // Where nothing is left, cleanup only looks.
      if (["mounts", "stat", "usage", "walk", "cleanup"].includes(operation)) yield* does(store)
      else if (operation === "check") {
        assert.deepInclude(yield* refusal(does(store)), { _tag: "StoreFailure", operation, code, call: "tryLock" })
      } else assert.deepInclude(yield* refusal(does(store)), { _tag: "ReadOnlyStore", operation, path: "/store" })
    }
  })))

describe("an operation that is interrupted while it is being taken back", () => {
  it.live("takes nobody with it", () =>
    Effect.scoped(Effect.gen(function*() {
      const undoing = yield* Deferred.make<void>()
      const goOn = yield* Deferred.make<void>()
      let isRefused = false
      const { open } = machine({
        fs: (fs) => ({
          symlink: (target, path) => {
            const failure = new FileSystemError({ operation: "symlink", path, code: "ENOSPC" })
            return Effect.suspend(() => isRefused ? Effect.fail(failure) : fs.symlink(target, path))
          },
          removeTree: (path) =>
            path.includes("/staging/")
              ? Deferred.succeed(undoing, undefined).pipe(
                Effect.andThen(Deferred.await(goOn)),
                Effect.andThen(fs.removeTree(path))
              )
              : fs.removeTree(path)
        })
      })
      const store = yield* open()
      const turns = Effect.forEach(Array.from({ length: 20 }), () => Effect.yieldNow, { discard: true })
      isRefused = true
      const one = yield* Effect.forkChild(Effect.exit(store.prepare(a)))
      yield* Deferred.await(undoing)
      isRefused = false
      const other = yield* Effect.forkChild(store.prepare(b))
      yield* turns
      const interrupting = yield* Effect.forkChild(Fiber.interrupt(one))
      yield* turns
      yield* Deferred.succeed(goOn, undefined)
      yield* Fiber.join(other)
      yield* Fiber.join(interrupting)
    })))
})
