/** Effect's `FileSystem` through mounts: where they lead, what they refuse, and which failures that makes. */
import { assert, it } from "@effect/vitest"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, Option, type Scope, Stream } from "effect"
import type { PlatformError } from "effect/PlatformError"

const codeOf = (error: PlatformError): unknown => {
  const { cause } = error.reason
  return typeof cause === "object" && cause !== null ? Reflect.get(cause, "code") : undefined
}

const failure = (effect: Effect.Effect<unknown, PlatformError, Scope.Scope>) =>
  Effect.map(Effect.flip(Effect.scoped(effect)), (error) => `${error.reason._tag} ${codeOf(error)}`)

/** A layer with a file and a symlink, and an empty directory to mount it on. */
const furnished = Effect.gen(function*() {
  const volume = MemoryVolume.make()
  const files = MemoryFileSystem.make(volume)
  const mounter = MemoryMounter.make(volume)
  yield* files.makeDirectory("/layer/sub", { recursive: true })
  yield* files.writeFileString("/layer/file", "text")
  yield* files.symlink("../outside", "/layer/sub/up")
  yield* files.writeFileString("/layer/outside", "in the layer")
  yield* files.makeDirectory("/target/here", { recursive: true })
  yield* files.writeFileString("/target/outside", "beside the mount")
  const bind = (source: string, target: string, writable = true) =>
    mounter.mount([{ type: "bind", source, options: [writable ? "rw" : "ro", "rbind"] }], target)
  return { volume, files, mounter, bind }
})

// === where paths lead

it.effect("a path crosses into a mount at any component, and .. leads out of it again", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    assert.strictEqual(yield* files.readFileString("/target/here/sub/../file"), "text")
    assert.strictEqual(yield* files.readFileString("/target/here/../outside"), "beside the mount")
    assert.strictEqual(yield* files.readFileString("/target/here/sub/../../outside"), "beside the mount")
    assert.strictEqual(yield* files.readFileString("/target/here/sub/up"), "in the layer")
  }))

it.effect("the root of a bind of a subdirectory has the target's parent above it", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer/sub", "/target/here")
    assert.strictEqual(yield* files.readFileString("/target/here/up"), "beside the mount")
    assert.strictEqual(yield* files.realPath("/target/here/up"), "/target/outside")
  }))

it.effect("a symlink leads into a mount, and realPath stays in the mount", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    yield* files.symlink("/target/here/sub", "/shortcut")
    assert.strictEqual(yield* files.realPath("/shortcut/../file"), "/target/here/file")
  }))

it.effect("the mount on top hides the one below it, and both hide the directory", () =>
  Effect.gen(function*() {
    const { bind, files, mounter } = yield* furnished
    yield* files.writeFileString("/target/here/own", "")
    yield* bind("/layer", "/target/here")
    yield* bind("/layer/sub", "/target/here")
    assert.deepStrictEqual(yield* files.readDirectory("/target/here"), ["up"])
    yield* mounter.unmount("/target/here")
    assert.deepStrictEqual((yield* files.readDirectory("/target/here")).sort(), ["file", "outside", "sub"])
    yield* mounter.unmount("/target/here")
    assert.deepStrictEqual(yield* files.readDirectory("/target/here"), ["own"])
  }))

it.effect("a mount is seen only where it is mounted, rbind brings it along, and a mount moves with its parents", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    yield* files.makeDirectory("/copy")
    yield* bind("/target", "/copy", false)
    assert.strictEqual(yield* files.readFileString("/copy/here/file"), "text")
    assert.strictEqual(yield* failure(files.writeFileString("/copy/here/file", "")), "Unknown EROFS")
    yield* files.rename("/target", "/moved")
    assert.strictEqual(yield* files.realPath("/moved/here/sub"), "/moved/here/sub")
    assert.strictEqual(yield* files.readFileString("/moved/here/file"), "text")
  }))

it.effect("a mount goes on showing its source when that is renamed or removed", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    yield* files.rename("/layer", "/committed")
    yield* files.writeFileString("/target/here/new", "new")
    assert.strictEqual(yield* files.readFileString("/committed/new"), "new")
    yield* files.remove("/committed", { recursive: true })
    assert.deepStrictEqual(yield* files.readDirectory("/target/here"), [])
    assert.strictEqual(yield* failure(files.writeFileString("/target/here/x", "")), "NotFound ENOENT")
    assert.strictEqual(yield* failure(files.makeDirectory("/target/here/x/y", { recursive: true })), "NotFound ENOENT")
  }))

// === what mounts refuse

it.effect("a read-only mount refuses every change with EROFS, and every look succeeds", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here", false)
    const at = (name: string) => `/target/here/${name}`
    const bytes = new Uint8Array(1)
    const changes = [
      files.access(at("file"), { writable: true }),
      files.chmod(at("file"), 0o600),
      files.chown(at("file"), 1, 1),
      files.copy("/target/outside", at("new")),
      files.copyFile("/target/outside", at("file")),
      files.link(at("file"), at("new")),
      files.makeDirectory(at("new")),
      files.makeDirectory(at("new/deep"), { recursive: true }),
      files.makeTempDirectory({ directory: at("sub") }),
      files.makeTempFile({ directory: at("sub") }),
      files.open(at("file"), { flag: "r+" }),
      files.open(at("file"), { flag: "a" }),
      files.open(at("new"), { flag: "w" }),
      files.remove(at("file")),
      files.remove(at("sub"), { recursive: true }),
      files.rename(at("file"), at("new")),
      files.symlink("x", at("new")),
      files.truncate(at("file")),
      files.utimes(at("file"), 1, 1),
      files.writeFile(at("file"), bytes),
      files.writeFile(at("new"), bytes, { flag: "wx" })
    ]
    for (const [i, change] of changes.entries()) assert.strictEqual(yield* failure(change), "Unknown EROFS", `${i}`)
    assert.strictEqual(yield* failure(files.makeDirectory(at("sub"))), "AlreadyExists EEXIST")
    yield* files.access(at("file"), { readable: true })
    assert.strictEqual(yield* files.readFileString(at("file")), "text")
    assert.strictEqual((yield* files.stat(at("file"))).type, "File")
    assert.strictEqual(yield* files.readFileString("/layer/file"), "text")
  }))

it.effect("a mount point can be neither removed nor renamed, and what is mounted there stays whole", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    assert.strictEqual(yield* failure(files.remove("/target/here", { recursive: true })), "Busy EBUSY")
    assert.strictEqual(yield* failure(files.rename("/target/here", "/elsewhere")), "Busy EBUSY")
    assert.strictEqual(yield* failure(files.rename("/layer/sub", "/target/here")), "Busy EBUSY")
    assert.strictEqual(yield* failure(files.remove("/target", { recursive: true })), "Busy EBUSY")
    assert.deepStrictEqual((yield* files.readDirectory("/layer")).sort(), ["file", "outside", "sub"])
  }))

it.effect("nothing is renamed or linked from one mount into another, even of the same directory", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer", "/target/here")
    assert.strictEqual(yield* failure(files.rename("/layer/file", "/target/here/moved")), "Unknown EXDEV")
    assert.strictEqual(yield* failure(files.rename("/target/here/file", "/moved")), "Unknown EXDEV")
    assert.strictEqual(yield* failure(files.link("/layer/file", "/target/here/linked")), "Unknown EXDEV")
    yield* files.rename("/target/here/file", "/target/here/moved")
    assert.strictEqual(yield* files.readFileString("/layer/moved"), "text")
  }))

// === failures

it.effect("failures carry the tags of Effect's Node backend, and the errno in their cause", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    yield* files.symlink("loop", "/loop")
    const expected = [
      [files.readFile("/missing"), "NotFound ENOENT"],
      [files.makeDirectory("/layer"), "AlreadyExists EEXIST"],
      [files.readFile("/layer"), "BadResource EISDIR"],
      [files.readDirectory("/layer/file"), "BadResource ENOTDIR"],
      [files.stat("/loop"), "BadResource ELOOP"],
      [files.link("/layer", "/again"), "PermissionDenied EPERM"],
      [files.rename("/target", "/layer"), "Unknown ENOTEMPTY"],
      [files.readLink("/layer"), "Unknown EINVAL"],
      [files.remove("/layer"), "Unknown ERR_FS_EISDIR"],
      [files.readFile("/nul\0"), "BadArgument undefined"],
      [files.truncate("/layer/file", 2 ** 40), "Unknown EFBIG"]
    ] as const
    for (const [effect, text] of expected) assert.strictEqual(yield* failure(effect), text)
  }))

it.effect("watch says that it is not supported", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    const error = yield* Effect.flip(Stream.runDrain(files.watch("/layer")))
    assert.include(error.message, "does not watch")
  }))

// === modes and temporary files

it.effect("new files and directories get the mode without the umask's bits", () =>
  Effect.gen(function*() {
    const volume = MemoryVolume.make()
    const files = MemoryFileSystem.make(volume, { umask: 0o027 })
    yield* files.makeDirectory("/d")
    yield* files.writeFileString("/f", "")
    assert.strictEqual((yield* files.stat("/d")).mode & 0o7777, 0o750)
    assert.strictEqual((yield* files.stat("/f")).mode & 0o7777, 0o640)
  }))

it.effect("temporary files are apart from each other, and go with their scope", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    const paths = yield* Effect.scoped(Effect.gen(function*() {
      const made = [
        yield* files.makeTempFileScoped({ prefix: "p", suffix: ".txt" }),
        yield* files.makeTempFileScoped({ prefix: "p", suffix: ".txt" }),
        yield* files.makeTempDirectoryScoped({ directory: "/layer" })
      ]
      yield* files.writeFileString(`${made[2]}/inner`, "")
      return made
    }))
    assert.strictEqual(new Set(paths).size, 3)
    assert.deepStrictEqual(yield* files.readDirectory("/tmp"), [])
    assert.strictEqual((yield* files.readDirectory("/layer")).length, 3)
  }))

// === open files

it.effect("a file that is open keeps its contents when its name is gone", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    const file = yield* files.open("/layer/file", { flag: "r+" })
    yield* files.remove("/layer/file")
    yield* file.seek(4n, "start")
    yield* file.writeAll(new TextEncoder().encode(" more"))
    yield* file.seek(0n, "start")
    const read = yield* file.readAlloc(100)
    assert.strictEqual(new TextDecoder().decode(Option.getOrThrow(read)), "text more")
    assert.deepStrictEqual((yield* file.stat).nlink, Option.some(0n))
  }))

it.effect("a file's position, its end, and positions of one's own", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    const file = yield* files.open("/layer/new", { flag: "w+" })
    yield* file.writeAll(new TextEncoder().encode("0123456789"))
    const text = (from: Option.Option<Uint8Array>) => Option.map(from, (bytes) => new TextDecoder().decode(bytes))
    assert.deepStrictEqual(text(yield* file.readAlloc(3)), Option.none())
    assert.deepStrictEqual(text(yield* file.readAlloc(3, { position: 2n })), Option.some("234"))
    yield* file.seek(-4n, "current")
    assert.deepStrictEqual(text(yield* file.readAlloc(3)), Option.some("678"))
    yield* file.truncate(5)
    assert.deepStrictEqual(text(yield* file.readAlloc(3)), Option.none())
    yield* file.seek(8n, "start")
    yield* file.write(new TextEncoder().encode("x"))
    assert.strictEqual(yield* files.readFileString("/layer/new"), "01234\0\0\0x")
  }))

it.effect("what is closed cannot be used, and what is open for reading not written", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    const closed = yield* Effect.scoped(files.open("/layer/file"))
    assert.strictEqual(yield* failure(closed.readAlloc(1)), "Unknown EBADF")
    const reading = yield* files.open("/layer/file")
    assert.strictEqual(yield* failure(reading.write(new Uint8Array(1))), "Unknown EBADF")
    assert.strictEqual(yield* failure(reading.truncate(0)), "Unknown EINVAL")
  }))

// === copies and recursive listings

it.effect("copy copies a tree, leaves what is there already unless told, and not into itself", () =>
  Effect.gen(function*() {
    const { files } = yield* furnished
    yield* files.chmod("/layer/file", 0o4755)
    yield* files.utimes("/layer/file", 1, 2)
    yield* files.copy("/layer", "/new/copy", { preserveTimestamps: true })
    assert.deepStrictEqual((yield* files.readDirectory("/new", { recursive: true })).sort(), [
      "copy",
      "copy/file",
      "copy/outside",
      "copy/sub",
      "copy/sub/up"
    ])
    const copied = yield* files.stat("/new/copy/file")
    assert.deepStrictEqual([copied.mode & 0o7777, copied.mtime], [0o4755, Option.some(new Date(2000))])
    yield* files.writeFileString("/layer/file", "changed")
    yield* files.copy("/layer/file", "/new/copy/file")
    assert.strictEqual(yield* files.readFileString("/new/copy/file"), "text")
    yield* files.copy("/layer/file", "/new/copy/file", { overwrite: true })
    assert.strictEqual(yield* files.readFileString("/new/copy/file"), "changed")
    assert.strictEqual(yield* failure(files.copy("/layer", "/layer/sub/copy")), "Unknown ERR_FS_CP_EINVAL")
    yield* files.symlink("/layer/sub", "/shortcut")
    assert.strictEqual(yield* failure(files.copy("/layer", "/shortcut/deeper/copy")), "Unknown ERR_FS_CP_EINVAL")
    assert.strictEqual(yield* failure(files.copy("/layer", "/new/copy/file")), "Unknown ERR_FS_CP_DIR_TO_NON_DIR")
  }))

it.effect("a recursive listing crosses mounts and, as Node's does, goes through symlinks to directories", () =>
  Effect.gen(function*() {
    const { bind, files } = yield* furnished
    yield* bind("/layer/sub", "/target/here")
    yield* files.symlink("here", "/target/link")
    assert.deepStrictEqual((yield* files.readDirectory("/target", { recursive: true })).sort(), [
      "here",
      "here/up",
      "link",
      "link/up",
      "outside"
    ])
  }))
