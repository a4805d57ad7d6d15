/**
 * Two machines that answer the same calls: the real file system, and a volume in memory. An answer is a value, or the
 * errno's name.
 */
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import type { MemoryVolume } from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Exit, type FileSystem, Option, Scope } from "effect"
import * as Fs from "node:fs"
import * as Linux from "../../packages/memory-fs/src/internal/linux.ts"
import { attempt } from "../../packages/memory-fs/src/internal/platform.ts"
import { errnoName } from "../../packages/node-fs/src/internal/errno.ts"
import { AT_FDCWD, RENAME_NOREPLACE, syscalls } from "../../packages/node-fs/src/internal/syscalls.ts"
import type { Call, Slot } from "./call.ts"

/** What `lstat` tells, of all that can be the same on two machines. */
export interface Status {
  readonly mode: number
  readonly uid: number
  readonly gid: number
  readonly nlink: number
  readonly rdev: number
  readonly ino: bigint
  readonly dev: bigint
  readonly size: number
  readonly mtimeMilliseconds: number
}

export interface Machine {
  /** Performs a call on the tree at `root`; paths are below it. Throws what the machine throws, or answers later. */
  readonly perform: (root: string, call: Call) => unknown
  readonly lstat: (path: string) => Status
  readonly readdir: (path: string) => ReadonlyArray<string>
  readonly read: (path: string) => string
  readonly readlink: (path: string) => string
  readonly utimes: (path: string, seconds: number) => void
  readonly closeAll: () => void
}

export type Answer = { readonly answered: unknown } | { readonly failed: string }

export const answerOf = async (machine: Machine, root: string, call: Call): Promise<Answer> => {
  try {
    return { answered: await machine.perform(root, call) }
  } catch (error) {
    return { failed: codeOf(error) }
  }
}

const codeOf = (error: unknown): string => {
  const of = (value: unknown, key: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  const code = of(error, "code") ?? of(of(of(error, "reason"), "cause"), "code")
  if (typeof code !== "string") throw error
  return code
}

/** What is asked of an entry; its inode's number and times are compared where trees are. */
const asked = ({ gid, mode, nlink, rdev, size, uid }: Status) => ({
  mode,
  uid,
  gid,
  nlink,
  rdev,
  size: (mode & 0o170000) === 0o040000 ? 0 : size
})

const notOpen = () => Object.assign(new Error("no file is open there"), { code: "not open" })

// ============================================================ the real one

export const realMachine = (): Machine => {
  const open = new Map<Slot, number>()
  const opened = (slot: Slot): number => {
    const fd = open.get(slot)
    if (fd === undefined) throw notOpen()
    return fd
  }
  const close = (slot: Slot) => {
    const fd = open.get(slot)
    open.delete(slot)
    if (fd !== undefined) Fs.closeSync(fd)
  }
  const perform = (root: string, call: Call): unknown => {
    const at = (path: string) => `${root}/${path}`
    switch (call._tag) {
      case "write":
        return Fs.writeFileSync(at(call.path), call.text)
      case "append":
        return Fs.writeFileSync(at(call.path), call.text, { flag: "a" })
      case "overwrite":
        return Fs.writeFileSync(at(call.path), call.text, { flag: "r+" })
      case "create":
        return Fs.writeFileSync(at(call.path), call.text, { flag: "wx", mode: 0o600 })
      case "truncate":
        return Fs.truncateSync(at(call.path), call.length)
      case "mkdir":
        return Fs.mkdirSync(at(call.path))
      case "rmdir":
        return Fs.rmdirSync(at(call.path))
      case "unlink":
        return Fs.unlinkSync(at(call.path))
      case "remove":
        // As Effect's `FileSystem` does; the synchronous one answers otherwise.
        return Fs.promises.rm(at(call.path), { recursive: true })
      case "rename":
        return Fs.renameSync(at(call.path), at(call.to))
      case "renameNoReplace": {
        const result = syscalls().renameat2(AT_FDCWD, at(call.path), AT_FDCWD, at(call.to), RENAME_NOREPLACE)
        if (result < 0) throw Object.assign(new Error("renameat2"), { code: errnoName(-result) })
        return undefined
      }
      case "link":
        return Fs.linkSync(at(call.path), at(call.to))
      case "copyFile":
        return Fs.copyFileSync(at(call.path), at(call.to))
      case "symlink":
        return Fs.symlinkSync(call.target, at(call.path))
      case "chmod":
        return Fs.chmodSync(at(call.path), call.mode)
      case "chown":
        return Fs.chownSync(at(call.path), call.uid, call.gid)
      case "utimes":
        return Fs.utimesSync(at(call.path), call.seconds, call.seconds)
      case "readdir":
        return Fs.readdirSync(at(call.path)).sort()
      case "read":
        return Fs.readFileSync(at(call.path), "utf8")
      case "readlink":
        return Fs.readlinkSync(at(call.path))
      case "realpath":
        return Fs.realpathSync.native(at(call.path))
      case "stat":
        return asked(statusOf(Fs.statSync(at(call.path), { bigint: true })))
      case "writable":
        return Fs.accessSync(at(call.path), Fs.constants.W_OK)
      case "open": {
        const fd = Fs.openSync(at(call.path), call.flag)
        close(call.slot)
        open.set(call.slot, fd)
        return undefined
      }
      case "readOpen": {
        const into = Buffer.alloc(64)
        return into.toString("utf8", 0, Fs.readSync(opened(call.slot), into, 0, into.length, 0))
      }
      case "statOpen":
        return asked(statusOf(Fs.fstatSync(opened(call.slot), { bigint: true })))
      case "writeOpen":
        return Fs.writeSync(opened(call.slot), call.text)
      case "close":
        return close(call.slot)
    }
  }
  return {
    perform,
    lstat: (path) => statusOf(Fs.lstatSync(path, { bigint: true })),
    readdir: (path) => Fs.readdirSync(path).sort(),
    read: (path) => Fs.readFileSync(path, "utf8"),
    readlink: (path) => Fs.readlinkSync(path),
    utimes: (path, seconds) => Fs.utimesSync(path, seconds, seconds),
    closeAll: () => {
      for (const slot of open.keys()) close(slot)
    }
  }
}

const statusOf = (stats: Fs.BigIntStats): Status => ({
  mode: Number(stats.mode),
  uid: Number(stats.uid),
  gid: Number(stats.gid),
  nlink: Number(stats.nlink),
  rdev: Number(stats.rdev),
  ino: stats.ino,
  dev: stats.dev,
  size: Number(stats.size),
  mtimeMilliseconds: Number(stats.mtimeMs)
})

// ============================================================ the one in memory

export const memoryMachine = (volume: MemoryVolume): Machine => {
  const fs = MemoryFileSystem.make(volume, { umask: process.umask() })
  const open = new Map<Slot, { readonly file: FileSystem.File; readonly scope: Scope.Closeable }>()
  const run = <A, E>(effect: Effect.Effect<A, E>): A => {
    const exit = Effect.runSync(Effect.result(effect))
    if (exit._tag === "Failure") throw exit.failure
    return exit.success
  }
  /** A system call that Effect's `FileSystem` does not have. */
  const call = (path: string, act: () => void) => run(attempt("call", [path], act))
  const opened = (slot: Slot): FileSystem.File => {
    const file = open.get(slot)?.file
    if (file === undefined) throw notOpen()
    return file
  }
  const close = (slot: Slot) => {
    const one = open.get(slot)
    open.delete(slot)
    if (one !== undefined) run(Scope.close(one.scope, Exit.void))
  }
  const perform = (root: string, one: Call): unknown => {
    const at = (path: string) => `${root}/${path}`
    switch (one._tag) {
      case "write":
        return run(fs.writeFileString(at(one.path), one.text))
      case "append":
        return run(fs.writeFileString(at(one.path), one.text, { flag: "a" }))
      case "overwrite":
        return run(fs.writeFileString(at(one.path), one.text, { flag: "r+" }))
      case "create":
        return run(fs.writeFileString(at(one.path), one.text, { flag: "wx", mode: 0o600 }))
      case "truncate":
        return run(fs.truncate(at(one.path), one.length))
      case "mkdir":
        return run(fs.makeDirectory(at(one.path)))
      case "rmdir":
        return call(at(one.path), () => Linux.removeDirectory(volume, at(one.path)))
      case "unlink":
        return call(at(one.path), () => Linux.unlink(volume, at(one.path)))
      case "remove":
        return run(fs.remove(at(one.path), { recursive: true }))
      case "rename":
        return run(fs.rename(at(one.path), at(one.to)))
      case "renameNoReplace":
        return call(at(one.path), () => Linux.rename(volume, at(one.path), at(one.to), false))
      case "link":
        return run(fs.link(at(one.path), at(one.to)))
      case "copyFile":
        return run(fs.copyFile(at(one.path), at(one.to)))
      case "symlink":
        return run(fs.symlink(one.target, at(one.path)))
      case "chmod":
        return run(fs.chmod(at(one.path), one.mode))
      case "chown":
        return run(fs.chown(at(one.path), one.uid, one.gid))
      case "utimes":
        return run(fs.utimes(at(one.path), one.seconds, one.seconds))
      case "readdir":
        return run(fs.readDirectory(at(one.path))).toSorted()
      case "read":
        return run(fs.readFileString(at(one.path)))
      case "readlink":
        return run(fs.readLink(at(one.path)))
      case "realpath":
        return run(fs.realPath(at(one.path)))
      case "stat":
        return asked(statusOfInfo(run(fs.stat(at(one.path)))))
      case "writable":
        return run(fs.access(at(one.path), { writable: true }))
      case "open": {
        const scope = Scope.makeUnsafe()
        const file = run(Scope.provide(fs.open(at(one.path), { flag: one.flag }), scope))
        close(one.slot)
        open.set(one.slot, { file, scope })
        return undefined
      }
      case "readOpen": {
        const into = new Uint8Array(64)
        const bytes = run(opened(one.slot).read(into, { position: 0n }))
        return Buffer.from(into).toString("utf8", 0, bytes)
      }
      case "statOpen":
        return asked(statusOfInfo(run(opened(one.slot).stat)))
      case "writeOpen":
        return run(opened(one.slot).write(Buffer.from(one.text)))
      case "close":
        return close(one.slot)
    }
  }
  return {
    perform,
    lstat: (path) => statusOfInfo(run(fs.lstat(path))),
    readdir: (path) => run(fs.readDirectory(path)).toSorted(),
    read: (path) => run(fs.readFileString(path)),
    readlink: (path) => run(fs.readLink(path)),
    utimes: (path, seconds) => run(fs.utimes(path, seconds, seconds)),
    closeAll: () => {
      for (const slot of open.keys()) close(slot)
    }
  }
}

const statusOfInfo = (info: FileSystem.File.Info): Status => ({
  mode: info.mode,
  uid: Option.getOrThrow(info.uid),
  gid: Option.getOrThrow(info.gid),
  nlink: Number(Option.getOrThrow(info.nlink)),
  rdev: Number(Option.getOrThrow(info.rdev)),
  ino: Option.getOrThrow(info.ino),
  dev: BigInt(info.dev),
  size: Number(info.size),
  mtimeMilliseconds: Option.getOrThrow(info.mtime).getTime()
})
