/**
 * The world that commands are run in: a store on some backend, closed and opened again at will, and places to mount on.
 * One `run` for every backend; what came of a command is said as the model says it.
 */
import { Effect, Exit, FileSystem, Option, Predicate, Scope, Stream } from "effect"
import type { IdSource } from "../IdSource.ts"
import { sha256Hex } from "../internal/sha256.ts"
import { isWritable, type Mount, type Mounts, overlayOptions } from "../Mount.ts"
import { Mounter } from "../Mounter.ts"
import { type Info, Key, Name } from "../Snapshot.ts"
import { make, type Snapshotter, type SnapshotterOptions, type Violation } from "../Snapshotter.ts"
import type { StoreFileSystem } from "../StoreFileSystem.ts"
import { type Change, type Command, isChange, layersMax, nowhere, type Response, type Slot, slots } from "./Command.ts"
import { anything, infosOf, type Model } from "./Model.ts"
import { Unexpected } from "./Suite.ts"
import * as Tree from "./Tree.ts"

/** What a backend provides. */
export type Backend = StoreFileSystem | Mounter | IdSource | FileSystem.FileSystem

export interface World {
  readonly run: (command: Command) => Effect.Effect<Response>
  /** All that the store holds that it should not, what `cleanup` would reclaim too. */
  readonly violations: Effect.Effect<ReadonlyArray<Violation>>
  /** Dies unless store, mounts and model agree: the forest, every tree that is mounted, and what `check` finds. */
  readonly agrees: (model: Model) => Effect.Effect<Digests>
  /** The same for the tree of every snapshot, mounted for the purpose. */
  readonly agreesInDepth: (model: Model) => Effect.Effect<Digests>
}

/** A digest of each tree that was looked at, by where it is mounted or by its snapshot: what the model knows of it, and more. */
export type Digests = Readonly<Record<string, string>>

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

  const write = Effect.fnUntraced(function*(file: string, text: string) {
    const directory = file.slice(0, file.lastIndexOf("/"))
    // Not recursively: Node then says ENOENT where a file system is read-only.
    if (!(yield* files.exists(directory))) yield* files.makeDirectory(directory)
    yield* files.writeFileString(file, text)
  })

  const change = (command: Change): Effect.Effect<void, unknown> => {
    const at = (path: string) => `${target(command.slot)}/${path}`
    switch (command._tag) {
      case "write":
        return write(at(command.path), command.text)
      case "append":
        return files.writeFileString(at(command.path), command.text, { flag: "a" })
      case "delete":
        return files.remove(at(command.path), { recursive: true, force: true })
      case "makeDirectory":
        return files.makeDirectory(at(command.path))
      case "symlink":
        return files.symlink(nowhere, at(command.path))
      case "chmod":
        return files.chmod(at(command.path), command.mode)
      case "link":
        return files.link(at(command.from), at(command.to))
      case "rename":
        return files.rename(at(command.from), at(command.to))
    }
  }

  const outcomeOf = (command: Command): Effect.Effect<unknown, unknown> => {
    if (isChange(command)) return change(command)
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
    const digests: Record<string, string> = {}
    for (const [slot, { contents, isGone, key }] of model.mounts) {
      if (!isGone) digests[`slot ${slot}`] = yield* digestAt(target(slot), `${key}, mounted in ${slot}`, contents)
    }
    return digests as Digests
  })

  /** Dies unless the tree that is mounted there is this one. */
  const digestAt = Effect.fnUntraced(function*(directory: string, whose: string, expected: Tree.Tree) {
    const seen = yield* Effect.orDie(seenIn(files, directory))
    yield* agree(`the tree of ${whose}`, seen, Tree.seen(expected))
    return sha256Hex(canonical([seen, yield* Effect.orDie(unmodelledIn(files, directory, seen))]))
  })

  const agreesInDepth = Effect.fnUntraced(function*(model: Model) {
    const digests: Record<string, string> = { ...(yield* agrees(model)) }
    for (const [name, { contents, kind, parent }] of model.snapshots) {
      if ([...model.mounts.values()].some((one) => one.key === name && one.writable)) continue
      const isCommitted = kind === "committed"
      const look = Effect.gen(function*() {
        const key = Key.make(isCommitted ? "look" : name)
        // The limit on layers, which is low here, keeps the deepest snapshots from being viewed.
        const store = isCommitted && parent !== undefined ? yield* openWith({}) : snapshotter
        if (isCommitted) yield* store.view(key, { parent: Name.make(name) })
        digests[name] = yield* Effect.scoped(Effect.andThen(
          Effect.flatMap(store.mounts(key), (mounts) => mounter.mount(mounts, target("look"))),
          digestAt(target("look"), name, contents)
        ))
        if (isCommitted) yield* store.remove(key)
      })
      yield* Effect.orDie(Effect.scoped(look))
    }
    return digests as Digests
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

/** What no model says of a tree, and two backends have to agree in: owners, sizes, and the root's own mode. */
const unmodelledIn = (files: FileSystem.FileSystem, directory: string, seen: ReadonlyArray<Tree.Seen>) =>
  Effect.forEach(
    ["", ...seen.map(({ path }) => `/${path}`)],
    (path) =>
      Effect.map(files.lstat(`${directory}${path}`), ({ gid, mode, size, type, uid }) => ({
        mode,
        uid: Option.getOrUndefined(uid),
        gid: Option.getOrUndefined(gid),
        size: type === "Directory" ? undefined : Number(size)
      }))
  )

/** All that is below a directory, as the model says it. */
const seenIn = Effect.fnUntraced(function*(files: FileSystem.FileSystem, directory: string) {
  const firstOf = new Map<bigint, string>()
  const all: Array<Tree.Seen> = []
  for (const path of (yield* files.readDirectory(directory, { recursive: true })).sort()) {
    const { ino, mode, nlink, type } = yield* files.lstat(`${directory}/${path}`)
    if (type === "Directory") {
      all.push({ path, type: "directory", mode: mode & 0o7777 })
      continue
    }
    const inode = Option.getOrThrow(ino)
    const same = firstOf.get(inode) ?? path
    firstOf.set(inode, same)
    const links = Number(Option.getOrThrow(nlink))
    all.push(
      type === "SymbolicLink"
        ? { path, type: "symlink", target: yield* files.readLink(`${directory}/${path}`), links, same }
        : {
          path,
          type: "file",
          text: yield* files.readFileString(`${directory}/${path}`),
          mode: mode & 0o7777,
          links,
          same
        }
    )
  }
  return all
})
