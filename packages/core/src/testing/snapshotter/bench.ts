/**
 * What every case on a whole snapshotter has before it: an open store in the case's own directory, with the machine that
 * it is on; and what is looked at after every case, whatever it was about.
 */
import { Context, Effect, Equal, FileSystem, Formatter, type Scope, Stream } from "effect"
import type { IdSource } from "../../IdSource.ts"
import { type Layout, layoutOf, parseLink, type SnapshotPaths } from "../../internal/layout.ts"
import { sha256Hex } from "../../internal/sha256.ts"
import { type Mount, type Mounts, overlayOptions } from "../../Mount.ts"
import type { LayerUse } from "../../Mounter.ts"
import { Mounter } from "../../Mounter.ts"
import { type CommittedInfo, type Info, Key, Name } from "../../Snapshot.ts"
import { make, type Snapshotter, type SnapshotterOptions } from "../../Snapshotter.ts"
import type { OpenError } from "../../SnapshotterError.ts"
import { type FileSystemError, type HeldLock, StoreFileSystem } from "../../StoreFileSystem.ts"
import { type Case, expectEqual, expectThat, failureOf, Unexpected, Workplace } from "../Suite.ts"

/** The ports that a snapshotter is made from. */
export type Ports = StoreFileSystem | Mounter | IdSource

/** What a backend provides for each case. */
export type Needs = Ports | FileSystem.FileSystem | Workplace

/** How cases open a store: as core does it on the ports, unless the one who runs them has something wrapped around it. */
export const OpenStore = Context.Reference<
  (options: SnapshotterOptions) => Effect.Effect<Snapshotter, OpenError, Ports | Scope.Scope>
>("@snapshotter/core/testing/OpenStore", { defaultValue: () => make })

export interface Bench {
  /** The case's directory, without symlinks; it holds `store` and what the case makes. */
  readonly at: (name: string) => string
  readonly root: string
  readonly store: Snapshotter
  /** Opens the case's store once more, as another process would, or another store. */
  readonly open: (
    options?: Partial<SnapshotterOptions>
  ) => Effect.Effect<Snapshotter, OpenError, Ports | Scope.Scope>
  readonly fs: StoreFileSystem
  readonly files: FileSystem.FileSystem
  readonly mounter: Mounter
  readonly layout: Layout
}

const makeBench = Effect.fnUntraced(function*(options: Partial<SnapshotterOptions>) {
  const openStore = yield* OpenStore
  const { directory } = yield* Workplace
  const fs = yield* StoreFileSystem
  const real = yield* fs.realPath(directory)
  const root = `${real}/store`
  const open = (more?: Partial<SnapshotterOptions>) => openStore({ root, ...options, ...more })
  const bench: Bench = {
    at: (name) => `${real}/${name}`,
    root,
    store: yield* open(),
    open,
    fs,
    files: yield* FileSystem.FileSystem,
    mounter: yield* Mounter,
    layout: layoutOf(root)
  }
  return bench
})

/**
 * A case. It must leave a store without damage and nothing mounted: that is looked at after each, with what `cleanup` does
 * to a store in which every snapshot is whole, which is nothing.
 */
export const statement = <E>(
  name: string,
  test: (bench: Bench) => Effect.Effect<void, E, Needs | Scope.Scope>,
  options: Partial<SnapshotterOptions> = {}
): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const bench = yield* makeBench(options)
    yield* Effect.scoped(test(bench))
    yield* leavesAllWell(bench)
  })
})

const leavesAllWell = Effect.fnUntraced(function*(bench: Bench) {
  const { store } = bench
  yield* expectEqual("what is still mounted", yield* mountedByCase(bench), [])
  const violations = yield* store.check
  yield* expectEqual("the damage done", violations.filter(({ severity }) => severity === "damage"), [])
  const before = yield* forest(store)
  yield* expectEqual("what cannot be reclaimed", (yield* store.cleanup).unremoved, [])
  yield* expectEqual("what check finds after cleanup", yield* store.check, [])
  yield* expectEqual("what a second cleanup finds", yield* store.cleanup, { removed: [], unremoved: [] })
  yield* expectEqual("the forest after cleanup", yield* forest(store), before)
})

// ============================================================ looking

/**
 * What is mounted in the case's own directory, or on exactly these. Never the whole machine's mounts: others mount and
 * unmount theirs meanwhile.
 */
export const mountedByCase = ({ at, mounter }: Bench, ...elsewhere: ReadonlyArray<string>) =>
  Effect.map(
    mounter.mounted,
    (mounts) => mounts.filter(({ target }) => target.startsWith(at("")) || elsewhere.includes(target))
  )

/** All that `walk` shows, by name. */
export const forest = (store: Snapshotter) =>
  Effect.map(
    Stream.runCollect(store.walk()),
    (infos): ReadonlyArray<Info> => infos.toSorted((a, b) => a.name < b.name ? -1 : a.name > b.name ? 1 : 0)
  )

/** The names alone, as `walk` shows them, in order. */
export const namesOf = (infos: ReadonlyArray<Info>): ReadonlyArray<string> => infos.map(({ name }) => name).toSorted()

/** Where the snapshot lies that the index has under this name. */
export const whereabouts = (
  { fs, layout }: Bench,
  name: string
): Effect.Effect<SnapshotPaths & { readonly id: string; readonly link: string }, FileSystemError> =>
  Effect.flatMap(fs.readLink(layout.link(sha256Hex(name))), (text) => {
    const target = parseLink(text ?? "")
    return target === undefined
      ? Effect.die(new Unexpected(`the index has no ${name}`))
      : Effect.succeed({
        ...layout.snapshot(target.kind, target.id),
        id: target.id,
        link: layout.link(sha256Hex(name))
      })
  })

/** One entry of a directory tree, with all that would show if it was touched. */
export interface Seen {
  readonly path: string
  readonly type: string
  readonly mode: string
  readonly uid: number
  readonly ino: bigint
  readonly nlink: number
  readonly size: number
  readonly text: string
}

/** Everything in a directory, by path. */
export const picture = (fs: StoreFileSystem, directory: string): Effect.Effect<ReadonlyArray<Seen>, FileSystemError> =>
  Effect.gen(function*() {
    const seen: Array<Seen> = []
    const pending = [directory]
    for (let path = pending.pop(); path !== undefined; path = pending.pop()) {
      const entry = yield* fs.lstat(path)
      if (entry === undefined) continue
      const { ino, mode, nlink, type, uid } = entry
      const size = type === "directory" ? 0 : entry.size
      seen.push({ path, type, mode: mode.toString(8), uid, ino, nlink, size, text: yield* inside(fs, path, type) })
      if (type === "directory") { for (const name of yield* fs.readDirectory(path)) pending.push(`${path}/${name}`) }
    }
    return seen.sort((a, b) => a.path < b.path ? -1 : 1)
  })

const inside = (fs: StoreFileSystem, path: string, type: string): Effect.Effect<string> =>
  Effect.orElseSucceed(
    type === "file" ? fs.readFile(path) : type === "symlink" ? fs.readLink(path) : Effect.succeed(""),
    () => "not a text"
  ).pipe(Effect.map(String))

/** Dies unless both are equal, and shows only what differs. */
export const expectSamePicture = <A>(what: string, after: ReadonlyArray<A>, before: ReadonlyArray<A>) => {
  const without = (these: ReadonlyArray<A>, those: ReadonlyArray<A>) =>
    these.filter((one) => !those.some((other) => Equal.equals(one, other)))
  return expectEqual(
    `what is new and what is gone of ${what}`,
    [without(after, before), without(before, after)],
    [[], []]
  )
}

/** Who uses the layer of a snapshot, as the mounter sees it. */
export const usesOf = (bench: Bench, name: string): Effect.Effect<ReadonlyArray<LayerUse>, unknown> =>
  Effect.flatMap(whereabouts(bench, name), ({ layer }) => bench.mounter.uses(layer))

/** Takes the store's lock, as another process would. Whoever has it for an operation that has returned gives it back soon. */
export const otherHoldsLock = ({ fs, root }: Pick<Bench, "fs" | "root">): Effect.Effect<HeldLock, FileSystemError> =>
  Effect.flatMap(fs.tryLock(root), (lock) =>
    lock === undefined
      ? Effect.andThen(Effect.sleep("1 millis"), Effect.suspend(() => otherHoldsLock({ fs, root })))
      : Effect.succeed(lock))

// ============================================================ refusals

/** What every failure of the library has. */
export interface Tagged {
  readonly _tag: string
  readonly message: string
}

/**
 * Dies unless the effect fails with this tag and these fields, in words that name each of the texts. All fields that matter
 * are to be given; the error may have more.
 */
export const expectRefusal = <A, E extends Tagged, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  expected: {
    readonly tag: E["_tag"]
    readonly fields?: Readonly<Record<string, unknown>>
    readonly mentions?: ReadonlyArray<string>
  }
): Effect.Effect<E, never, R> =>
  Effect.tap(failureOf(what, effect), (error) =>
    Effect.gen(function*() {
      yield* expectEqual(`what ${what} fails with (${error.message})`, error._tag, expected.tag)
      const found: Readonly<Record<string, unknown>> = Object.fromEntries(Object.entries(error))
      for (const [field, value] of Object.entries(expected.fields ?? {})) {
        yield* expectEqual(`${field} of the failure of ${what}`, found[field], value)
      }
      for (const text of expected.mentions ?? []) {
        yield* expectThat(`${Formatter.format(text)} is in ${error.message}`, error.message.includes(text))
      }
    }))

/** The same, and nothing in the store has changed by it. */
export const expectUnchangedBy = <A, E extends Tagged, R>(
  { fs, root, store }: Bench,
  what: string,
  effect: Effect.Effect<A, E, R>,
  expected: Parameters<typeof expectRefusal<A, E, R>>[2]
) =>
  Effect.gen(function*() {
    const [forestBefore, pictureBefore] = [yield* forest(store), yield* picture(fs, root)]
    const error = yield* expectRefusal(what, effect, expected)
    yield* expectEqual(`the forest after ${what}`, yield* forest(store), forestBefore)
    yield* expectSamePicture(`the store's directory after ${what}`, yield* picture(fs, root), pictureBefore)
    return error
  })

// ============================================================ making

export const key = (text: string): Key => Key.make(text)
export const name = (text: string): Name => Name.make(text)

/** The directory that a snapshot's writes go to, found as containerd finds it when it unpacks without mounting. */
export const layerOf = (mounts: Mounts): string => {
  const mount: Mount | undefined = mounts[0]
  if (mount === undefined) throw new Unexpected("there are no mounts")
  const layer = mount.type === "bind" ? mount.source : overlayOptions(mount).upper
  if (layer === undefined) throw new Unexpected("this overlay cannot be written")
  return layer
}

/** Commits a snapshot that adds these files to its parent. */
export const committed = Effect.fnUntraced(function*(
  { files, store }: Bench,
  as: string,
  options: { readonly parent?: string; readonly adds?: Readonly<Record<string, string>> } = {}
) {
  const parent = options.parent === undefined ? {} : { parent: name(options.parent) }
  const layer = layerOf(yield* store.prepare(key(`making ${as}`), parent))
  for (const [path, text] of Object.entries(options.adds ?? {})) yield* files.writeFileString(`${layer}/${path}`, text)
  const info: CommittedInfo = yield* store.commit(name(as), key(`making ${as}`))
  return info
})

/** Commits a chain of this many snapshots, `prefix 1` to `prefix N`, each the parent of the next. */
export const chainOf = (bench: Bench, prefix: string, length: number) =>
  Effect.forEach(
    Array.from({ length }, (_, at) => at + 1),
    (at) => committed(bench, `${prefix} ${at}`, at === 1 ? {} : { parent: `${prefix} ${at - 1}` })
  )

/** Mounts on a new directory beside the store, until the scope closes; returns where. */
export const mountedOn = Effect.fnUntraced(function*({ at, files, mounter }: Bench, mounts: Mounts, directory: string) {
  yield* files.makeDirectory(at(directory), { recursive: true })
  yield* mounter.mount(mounts, at(directory))
  return at(directory)
})
