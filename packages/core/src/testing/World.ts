/**
 * The world that commands are run in: a store on some backend, closed and opened again at will, and places to mount on.
 * One `run` for every backend; what came of a command is said as the model says it.
 */
import { Effect, Exit, FileSystem, Predicate, Scope, Stream } from "effect"
import type { IdSource } from "../IdSource.ts"
import { isWritable, type Mount, type Mounts, overlayOptions } from "../Mount.ts"
import { Mounter } from "../Mounter.ts"
import { type Info, Key, Name } from "../Snapshot.ts"
import { make, type Snapshotter, type SnapshotterOptions, type Violation } from "../Snapshotter.ts"
import type { StoreFileSystem } from "../StoreFileSystem.ts"
import { type Command, layersMax, type Response, type Slot, slots } from "./Command.ts"
import { anything, type Contents, infosOf, type Model, type Node } from "./Model.ts"
import { Unexpected } from "./Suite.ts"

/** What a backend provides. */
export type Backend = StoreFileSystem | Mounter | IdSource | FileSystem.FileSystem

export interface World {
  readonly run: (command: Command) => Effect.Effect<Response>
  /** All that the store holds that it should not, what `cleanup` would reclaim too. */
  readonly violations: Effect.Effect<ReadonlyArray<Violation>>
  /** Dies unless store, mounts and model agree: the forest, every tree that is mounted, and what `check` finds. */
  readonly agrees: (model: Model) => Effect.Effect<void>
  /** The same for the tree of every snapshot, mounted for the purpose. */
  readonly agreesInDepth: (model: Model) => Effect.Effect<void>
}

/** A new store below a directory that is there and empty, until the scope closes. */
export const makeWorld = Effect.fnUntraced(function*(directory: string, options: Omit<SnapshotterOptions, "root">) {
  const backend = yield* Effect.context<Backend>()
  const files = yield* FileSystem.FileSystem
  const mounter = yield* Mounter
  const outer = yield* Effect.scope
  const target = (slot: Slot | "look") => `${directory}/target-${slot}`
  for (const slot of [...slots, "look"] as const) {
    yield* Effect.orDie(files.makeDirectory(target(slot), { recursive: true }))
  }

  let session = yield* Scope.fork(outer)
  const openWith = (more: Partial<SnapshotterOptions>) =>
    Effect.suspend(() => make({ ...options, root: `${directory}/store`, ...more })).pipe(
      Effect.provideContext(backend),
      Effect.orDie
    )
  const open = openWith({ layersMax })
  let snapshotter: Snapshotter = yield* Scope.provide(open, session)
  const mounted = new Map<Slot, Scope.Closeable>()

  const reopen = Effect.gen(function*() {
    yield* Scope.close(session, Exit.void)
    session = yield* Scope.fork(outer)
    snapshotter = yield* Scope.provide(open, session)
    return []
  })

  const mount = Effect.fnUntraced(function*(slot: Slot, key: string) {
    const mounts = yield* snapshotter.mounts(Key.make(key))
    const scope = yield* Scope.fork(outer)
    yield* Effect.onError(
      Scope.provide(mounter.mount(mounts, target(slot)), scope),
      () => Scope.close(scope, Exit.void)
    )
    mounted.set(slot, scope)
  })

  const unmount = Effect.fnUntraced(function*(slot: Slot) {
    yield* mounter.unmount(target(slot))
    const scope = mounted.get(slot)
    mounted.delete(slot)
    if (scope !== undefined) yield* Scope.close(scope, Exit.void)
  })

  const write = Effect.fnUntraced(function*(slot: Slot, path: string, text: string) {
    const file = `${target(slot)}/${path}`
    const directory = file.slice(0, file.lastIndexOf("/"))
    // Not recursively: Node then says ENOENT where a file system is read-only.
    if (!(yield* files.exists(directory))) yield* files.makeDirectory(directory)
    yield* files.writeFileString(file, text)
  })

  const outcomeOf = (command: Command): Effect.Effect<unknown, unknown> => {
    switch (command._tag) {
      case "prepare":
      case "view": {
        const parent = command.parent === undefined ? undefined : Name.make(command.parent)
        const options = { parent, labels: command.labels }
        return Effect.map(snapshotter[command._tag](Key.make(command.key), options), shapeOf)
      }
      case "commit":
        return Effect.map(snapshotter.commit(Name.make(command.name), Key.make(command.key), command), plain)
      case "mounts":
        return Effect.map(snapshotter.mounts(Key.make(command.name)), shapeOf)
      case "remove":
        return Effect.asVoid(snapshotter.remove(Key.make(command.name)))
      case "stat":
        return Effect.map(snapshotter.stat(Key.make(command.name)), plain)
      case "usage":
        return Effect.map(snapshotter.usage(Key.make(command.name)), ({ inodes }) => ({ inodes }))
      case "update":
        return Effect.map(snapshotter.update(Key.make(command.name), command.change), plain)
      case "walk":
        return Effect.map(Stream.runCollect(snapshotter.walk(command)), (infos) => infos.map(plain).sort(byName))
      case "cleanup":
        return Effect.map(snapshotter.cleanup, ({ unremoved }) => unremoved)
      case "check":
        return Effect.map(snapshotter.check, (violations) => violations.filter(isDamage))
      case "relink":
        return snapshotter.relink
      case "reopen":
        return reopen
      case "mount":
        return mount(command.slot, command.key)
      case "unmount":
        return unmount(command.slot)
      case "write":
        return write(command.slot, command.path, command.text)
      case "delete":
        return files.remove(`${target(command.slot)}/${command.path}`, { recursive: true, force: true })
    }
  }

  const run = (command: Command): Effect.Effect<Response> =>
    Effect.match(outcomeOf(command), {
      onSuccess: (value): Response => ({ _tag: "Success", value }),
      onFailure: failureResponse
    })

  const agrees = Effect.fnUntraced(function*(model: Model) {
    const infos = yield* Effect.orDie(Stream.runCollect(snapshotter.walk({ onDamaged: "fail" })))
    yield* agree("the forest", infos.map(plain).sort(byName), infosOf(model))
    yield* agree("what check finds", (yield* Effect.orDie(snapshotter.check)).filter(isDamage), [])
    for (const [slot, { contents, isGone, key }] of model.mounts) {
      if (isGone) continue
      yield* agree(`the tree of ${key}, mounted in ${slot}`, yield* treeOf(files, target(slot)), sorted(contents))
    }
  })

  const agreesInDepth = Effect.fnUntraced(function*(model: Model) {
    yield* agrees(model)
    for (const [name, { contents, kind, parent }] of model.snapshots) {
      const mountedNow = [...model.mounts.values()].some((one) => one.key === name && one.writable)
      const chained = parent !== undefined
      if (mountedNow || (!model.overlay && chained)) continue
      const look = Effect.gen(function*() {
        const key = Key.make(kind === "committed" ? "look" : name)
        // The limit on layers, which is low here, keeps the deepest snapshots from being viewed.
        const store = kind === "committed" && chained ? yield* openWith({}) : snapshotter
        if (kind === "committed") yield* store.view(key, { parent: Name.make(name) })
        yield* Effect.scoped(Effect.andThen(
          Effect.flatMap(store.mounts(key), (mounts) => mounter.mount(mounts, target("look"))),
          Effect.flatMap(treeOf(files, target("look")), (tree) => agree(`the tree of ${name}`, tree, sorted(contents)))
        ))
        if (kind === "committed") yield* store.remove(key)
      })
      yield* Effect.orDie(Effect.scoped(look))
    }
  })

  const violations = Effect.orDie(Effect.suspend(() => snapshotter.check))

  return { run, violations, agrees, agreesInDepth } satisfies World as World
})

/** Whether what came of a command is what the model says: values by what is in them, failures by tag and subject. */
export const sameResponse = (actual: Response, expected: Response): boolean =>
  expected._tag === "Success" && expected.value === anything
    ? actual._tag === "Success"
    : canonical(actual) === canonical(expected)

/** Text that is equal for equal values: keys sorted, absent and `undefined` the same. */
export const canonical = (value: unknown): string =>
  JSON.stringify(value, (_, part: unknown) =>
    typeof part === "object" && part !== null && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([one], [other]) => one < other ? -1 : 1))
      : part) ?? "nothing"

const agree = (what: string, actual: unknown, expected: unknown): Effect.Effect<void> =>
  canonical(actual) === canonical(expected)
    ? Effect.void
    : Effect.die(new Unexpected(`${what} is ${canonical(actual)} instead of ${canonical(expected)}`))

const failureResponse = (error: unknown): Response => {
  const fields = error as Readonly<Record<string, unknown>>
  const code = errnoOf(fields)
  if (code !== undefined) return { _tag: "Failure", failure: code, about: undefined }
  const about = fields["key"] ?? fields["snapshot"] ?? fields["parent"] ?? fields["label"] ?? fields["field"] ??
    fields["filter"] ?? fields["value"]
  return { _tag: "Failure", failure: String(fields["_tag"]), about: about === undefined ? undefined : String(about) }
}

/** The errno's name in a failure of Effect's `FileSystem`, which has no tag of its own for most of them. */
const errnoOf = (error: Readonly<Record<string, unknown>>): string | undefined => {
  if (error["_tag"] !== "PlatformError") return undefined
  const reason = error["reason"] as { readonly _tag: string; readonly cause?: unknown }
  const cause = reason.cause
  return Predicate.hasProperty(cause, "code") ? String(cause.code) : reason._tag
}

const plain = ({ kind, labels, name, parent }: Info) => ({ name, kind, parent, labels: { ...labels } })

const byName = (one: { readonly name: string }, other: { readonly name: string }) => one.name < other.name ? -1 : 1

const isDamage = ({ severity }: Violation) => severity === "damage"

/** What mounts look like, without paths. */
const shapeOf = (mounts: Mounts) => mounts.map(shapeOfOne)[0]

const shapeOfOne = (mount: Mount) => ({
  type: mount.type,
  writable: isWritable(mount),
  lowers: mount.type === "overlay" ? overlayOptions(mount).lower.length : 0
})

const sorted = (contents: Contents): ReadonlyArray<readonly [string, Node]> =>
  [...contents].sort(([one], [other]) => one < other ? -1 : 1)

/** All that is below a directory: files with their text, directories. */
const treeOf = Effect.fnUntraced(function*(files: FileSystem.FileSystem, directory: string) {
  const tree = new Map<string, Node>()
  for (const path of yield* Effect.orDie(files.readDirectory(directory, { recursive: true }))) {
    const { type } = yield* Effect.orDie(files.stat(`${directory}/${path}`))
    tree.set(path, type === "Directory" ? "directory" : { file: yield* readText(files, `${directory}/${path}`) })
  }
  return sorted(tree)
})

const readText = (files: FileSystem.FileSystem, path: string) => Effect.orDie(files.readFileString(path))
