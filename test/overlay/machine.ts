/**
 * A machine: the port for trees, and Effect's `FileSystem` beside it for what is made of several calls. The same call is
 * performed in the same way on the real one and on the one in memory; what it answers is a value, or the errno's name.
 */
import type { FileSystemError } from "@snapshotter/core/StoreFileSystem"
import type { Opening, TreeEntry, TreeFile, TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import { Effect, Exit, type FileSystem, Predicate, Scope } from "effect"
import type { PlatformError } from "effect/PlatformError"
import type { Call, Slot } from "./call.ts"

export interface Machine {
  readonly tree: TreeFileSystem
  readonly files: FileSystem.FileSystem
  readonly open: Map<Slot, { readonly file: TreeFile; readonly scope: Scope.Closeable }>
}

export type Answer = { readonly answered: unknown } | { readonly failed: string }

export const machineOf = (tree: TreeFileSystem, files: FileSystem.FileSystem): Machine => ({
  tree,
  files,
  open: new Map()
})

/** One character is one byte. */
export const bytes = (text: string): Uint8Array => Buffer.from(text, "latin1")

const text = (data: Uint8Array): string => Buffer.from(data).toString("latin1")

/** Performs a call on the tree at `root`. */
export const answerOf = (machine: Machine, root: string, call: Call): Effect.Effect<Answer> =>
  Effect.match(perform(machine, (path) => bytes(`${root}/${path}`), call), {
    onSuccess: (answered): Answer => ({ answered }),
    onFailure: (error): Answer => ({ failed: codeOf(error) })
  })

/** The errno's name; Effect's own failures have it in their cause. */
const codeOf = (error: FileSystemError | PlatformError | NotOpen): string => {
  if (error._tag !== "PlatformError") return error.code
  const { cause } = error.reason
  return Predicate.hasProperty(cause, "code") ? String(cause.code) : error.reason._tag
}

interface NotOpen {
  readonly _tag: "NotOpen"
  readonly code: "not open"
}

const openingOf: Readonly<Record<Extract<Call, { readonly _tag: "open" }>["flag"], Opening>> = {
  "r": { read: true },
  "r+": { read: true, write: true },
  "a+": { read: true, append: true },
  "r,trunc": { read: true, truncate: true }
}

const writing: Readonly<Record<"write" | "append" | "overwrite" | "create", Opening>> = {
  write: { write: true, create: 0o644, truncate: true },
  append: { append: true, create: 0o644 },
  overwrite: { write: true },
  create: { write: true, create: 0o4600, exclusive: true }
}

const perform = (
  machine: Machine,
  at: (path: string) => Uint8Array,
  call: Call
): Effect.Effect<unknown, FileSystemError | PlatformError | NotOpen> => {
  const { files, tree } = machine
  const shown = (path: string) => Buffer.from(at(path)).toString()
  switch (call._tag) {
    case "write":
    case "append":
    case "overwrite":
    case "create":
      return Effect.scoped(
        Effect.flatMap(tree.open(at(call.path), writing[call._tag]), (file) => file.write(bytes(call.text), 0))
      )
    case "truncate":
      return tree.truncate(at(call.path), call.length)
    case "mkdir":
      return tree.makeDirectory(at(call.path), call.mode)
    case "rmdir":
      return tree.removeDirectory(at(call.path))
    case "unlink":
      return tree.removeFile(at(call.path))
    case "remove":
      return files.remove(shown(call.path), { recursive: true })
    case "rename":
      return tree.rename(at(call.path), at(call.to), call.renaming)
    case "link":
      return tree.link(at(call.path), at(call.to))
    case "copyFile":
      return files.copyFile(shown(call.path), shown(call.to))
    case "symlink":
      return tree.symlink(bytes(call.target), at(call.path))
    case "mknod":
      return tree.makeNode(at(call.path), { type: call.type, mode: 0o640, rdev: call.rdev })
    case "chmod":
      return tree.setMode(at(call.path), call.mode)
    case "chown":
      return tree.setOwner(at(call.path), call)
    case "utimes":
      return tree.setTimes(at(call.path), {
        ...(call.atime === undefined ? {} : { atimeNanoseconds: call.atime }),
        ...(call.mtime === undefined ? {} : { mtimeNanoseconds: call.mtime })
      })
    case "setxattr":
      return tree.setXattr(
        at(call.path),
        call.name,
        bytes(call.value),
        call.only === undefined ? {} : { only: call.only }
      )
    case "getxattr":
      return Effect.map(tree.getXattr(at(call.path), call.name), text)
    case "removexattr":
      return tree.removeXattr(at(call.path), call.name)
    case "listxattr":
      return Effect.map(tree.listXattrs(at(call.path)), (names) => names.toSorted())
    case "readdir":
      return Effect.map(tree.readDirectory(at(call.path)), (names) => names.map(text).sort())
    case "read":
      return readText(tree, at(call.path))
    case "readlink":
      return Effect.map(tree.readLink(at(call.path)), text)
    case "realpath":
      return Effect.map(tree.realPath(at(call.path)), text)
    case "stat":
      return Effect.map(tree.stat(at(call.path)), asked)
    case "lstat":
      return Effect.map(tree.lstat(at(call.path)), asked)
    case "writable":
      return tree.access(at(call.path), { write: true })
    case "open":
      return Effect.gen(function*() {
        const scope = yield* Scope.make()
        const file = yield* Scope.provide(tree.open(at(call.path), openingOf[call.flag]), scope)
        yield* close(machine, call.slot)
        machine.open.set(call.slot, { file, scope })
      })
    case "readOpen":
      return Effect.flatMap(opened(machine, call.slot), (file) => readFrom(file, 64))
    case "statOpen":
      return Effect.flatMap(opened(machine, call.slot), (file) => Effect.map(file.stat, asked))
    case "writeOpen":
      return Effect.flatMap(opened(machine, call.slot), (file) => file.write(bytes(call.text), 1))
    case "truncateOpen":
      return Effect.flatMap(opened(machine, call.slot), (file) => file.truncate(call.length))
    case "close":
      return close(machine, call.slot)
  }
}

/** What is asked of an entry; numbers of inodes are compared where trees are: docs/OVERLAY.md. */
const asked = ({ gid, mode, mtimeNanoseconds, nlink, rdev, size, type, uid }: TreeEntry) =>
  `${type} ${mode.toString(8)} ${uid}:${gid} nlink ${nlink} rdev ${rdev} ${timeOf(mtimeNanoseconds)} ` +
  `size ${type === "directory" ? "?" : size}`

const start2020 = BigInt(Date.parse("2020-01-01T00:00:00Z")) * 1_000_000n

/** Times before 2020 were set by a call and count exactly, later ones are all "now". */
export const timeOf = (nanoseconds: bigint): string => nanoseconds < start2020 ? String(nanoseconds) : "now"

const bytesMax = 4_096

/** What a file holds; all files here are short. */
export const readText = (tree: TreeFileSystem, path: Uint8Array) =>
  Effect.scoped(Effect.flatMap(tree.open(path, { read: true }), (file) => readFrom(file, bytesMax)))

const readFrom = (file: TreeFile, length: number) => {
  const into = new Uint8Array(length)
  return Effect.map(file.read(into, 0), (read) => text(into.subarray(0, read)))
}

const opened = ({ open }: Machine, slot: Slot): Effect.Effect<TreeFile, NotOpen> => {
  const file = open.get(slot)?.file
  return file === undefined ? Effect.fail({ _tag: "NotOpen", code: "not open" }) : Effect.succeed(file)
}

const close = ({ open }: Machine, slot: Slot): Effect.Effect<void> =>
  Effect.suspend(() => {
    const scope = open.get(slot)?.scope
    open.delete(slot)
    return scope === undefined ? Effect.void : Scope.close(scope, Exit.void)
  })

export const closeAll = (machine: Machine): Effect.Effect<void> =>
  Effect.suspend(() => Effect.forEach([...machine.open.keys()], (slot) => close(machine, slot), { discard: true }))
