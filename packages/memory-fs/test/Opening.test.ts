/** Opening a store where the machine, or another process, does something out of the way; and what is judged before that. */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { make, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem, type SyncTarget } from "@snapshotter/core/StoreFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, Stream } from "effect"
// Internal, so not among core's exports.
import { rootBytesMax } from "../../core/src/internal/layout.ts"
import { processOn, quiet } from "./machine.ts"

type Changes = (fs: StoreFileSystem) => Partial<StoreFileSystem>

/** A machine of its own for each case; some of what its file system does may be another thing. */
const machine = (changes: Changes = () => ({})) => {
  const volume = MemoryVolume.make()
  const healthy = processOn(volume, "healthy")
  const fs = Context.get(healthy, StoreFileSystem)
  const odd = Context.add(healthy, StoreFileSystem, { ...fs, ...changes(fs) })
  const openOn = (process: typeof healthy) => (options: Partial<SnapshotterOptions> = {}) =>
    quiet(Effect.provide(make({ root: "/place/store", ...options }), process))
  return { volume, fs, open: openOn(odd), openHealthy: openOn(healthy) }
}

const failing = (operation: string, code: string) => (path: string) =>
  Effect.fail(new FileSystemError({ operation, path, code }))

/** All that a failure says, with its tag. */
const refusal = <A, E extends { readonly _tag: string; readonly message: string }, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.map(Effect.flip(effect), ({ _tag, message }) => `${_tag}: ${message}`)

const notAStore = (root: string, reason: string) =>
  `NotAStore: ${
    JSON.stringify(root)
  } is not a store: ${reason}; give an empty directory, or one that does not exist yet`

const unsuitable = (root: string, reason: string, remedy: string) =>
  `UnsuitableRoot: no store can be at ${JSON.stringify(root)}: ${reason}; ${remedy}`

const otherFileSystem = "put the store on ext4, xfs, btrfs or tmpfs"

// ============================================================ the path of the root

describe("a root", () => {
  it.live("is an absolute path of text without NUL", () =>
    Effect.gen(function*() {
      const { open } = machine()
      for (const root of ["relative", "", "/a\0b", "/\ud800", undefined as unknown as string]) {
        const reason = "it is not an absolute path without NUL and lone surrogates"
        assert.strictEqual(yield* refusal(open({ root })), unsuitable(String(root), reason, "give one"))
      }
    }))

  it.live("has no byte more than what leaves room for the longest path in a store, symlinks followed", () =>
    Effect.gen(function*() {
      const { fs, open } = machine()
      const remedy =
        `give a path of at most ${rootBytesMax} bytes, each name in it of at most 255, or reach it by a bind mount`
      // Each name counts with its slash.
      const rootOf = (bytes: number) =>
        `/${"d".repeat(99)}`.repeat(Math.floor(bytes / 100)) + `/${"e".repeat(bytes % 100 - 1)}`
      const [longest, tooLong] = [rootOf(rootBytesMax), rootOf(rootBytesMax + 1)]
      const store = yield* open({ root: longest })
      yield* store.prepare(Key.make("k"))
      yield* store.remove(Key.make("k"))
      const refused = { _tag: "UnsuitableRoot", remedy } as const
      const reason = `its path has ${rootBytesMax + 1} bytes (ENAMETOOLONG)`
      assert.deepInclude(yield* Effect.flip(open({ root: tooLong })), { ...refused, root: tooLong, reason })
      assert.isUndefined(yield* fs.lstat(tooLong))
      yield* fs.makeDirectory(tooLong, 0o700)
      yield* fs.symlink(tooLong, "/short")
      assert.deepInclude(yield* Effect.flip(open({ root: "/short" })), { ...refused, root: tooLong, reason })
      const root = `/${"n".repeat(256)}`
      assert.deepInclude(yield* Effect.flip(open({ root })), {
        ...refused,
        root,
        reason: "a name in its path is too long (ENAMETOOLONG)"
      })
    }))

  it.live("leads through directories to a directory", () =>
    Effect.gen(function*() {
      const { fs, open } = machine()
      yield* fs.writeFile("/file", "", 0o600)
      yield* fs.symlink("nowhere/at all", "/dangling")
      yield* fs.symlink("loop", "/loop")
      const leadsNowhere = "a part of its path is a symlink that leads nowhere, or nothing can be made there"
      const roots = {
        "/file": "it is not a directory",
        "/file/store": "a part of its path is not a directory",
        "/dangling/store": leadsNowhere,
        "/dangling": leadsNowhere,
        "/loop": "its path leads through a loop of symlinks",
        "/loop/store": "its path leads through a loop of symlinks"
      }
      for (const [root, reason] of Object.entries(roots)) {
        assert.strictEqual(yield* refusal(open({ root })), notAStore(root, reason))
      }
    }))

  it.live("has a path that is text", () =>
    Effect.gen(function*() {
      const { open } = machine(() => ({ realPath: failing("realPath", "EILSEQ") }))
      assert.strictEqual(
        yield* refusal(open()),
        unsuitable("/place/store", "its path holds bytes that are not UTF-8", "rename it")
      )
    }))

  it.live("that is gone when it is looked at is none; any other failure is the machine's", () =>
    Effect.gen(function*() {
      const gone = machine((fs) => ({ realPath: (path) => Effect.tap(fs.realPath(path), fs.removeTree(path)) }))
      assert.strictEqual(yield* refusal(gone.open()), notAStore("/place/store", "it is not a directory"))
      const { fs, open } = machine((fs) => ({
        lstat: (path) => path.endsWith("/index") ? Effect.succeed(undefined) : fs.lstat(path)
      }))
      for (const path of ["/place", "/place/store", "/place/store/index"]) yield* fs.makeDirectory(path, 0o700)
      assert.strictEqual(yield* refusal(open()), notAStore("/place/store", "it holds \"index\" and no version file"))
      for (const operation of ["realPath", "lstat"] as const) {
        const { open } = machine(() => ({ [operation]: failing(operation, "EIO") }))
        assert.strictEqual(
          (yield* refusal(open())).replace(/"\/[^"]*"/, "PATH"),
          `StoreFailure: cannot open: ${operation} PATH failed with EIO`
        )
      }
    }))

  it.live("is made with those above it, which others may be making too", () =>
    Effect.gen(function*() {
      const made: Array<string> = []
      const { fs, open } = machine((fs) => ({
        makeDirectory: (path, mode) =>
          Effect.suspend(() => {
            made.push(`${path} ${mode.toString(8)}`)
            // Somebody else is quicker.
            return path === "/a"
              ? Effect.andThen(fs.makeDirectory(path, 0o700), fs.makeDirectory(path, mode))
              : fs.makeDirectory(path, mode)
          })
      }))
      yield* open({ root: "/a//b/store/" })
      assert.deepStrictEqual(made.slice(0, 3), ["/a 755", "/a/b 755", "/a//b/store/ 700"])
      assert.strictEqual((yield* fs.lstat("/a"))?.mode, 0o700)
      const { open: onFull } = machine(() => ({ makeDirectory: failing("makeDirectory", "ENOSPC") }))
      assert.strictEqual(
        yield* refusal(onFull()),
        "StoreFailure: cannot open: makeDirectory \"/place\" failed with ENOSPC; make room, then try again"
      )
    }))

  it.live("is looked at before any directory is made that is there", () =>
    Effect.gen(function*() {
      const made: Array<string> = []
      const { fs, open } = machine((fs) => ({
        makeDirectory: (path, mode) =>
          Effect.suspend(() => {
            made.push(path)
            return fs.makeDirectory(path, mode)
          })
      }))
      yield* fs.makeDirectory("/place", 0o755)
      yield* open()
      yield* open()
      assert.deepStrictEqual(made, [
        "/place/store",
        ...["index", "active", "view", "committed", "staging", "trash"].map((name) => `/place/store/${name}`)
      ])
    }))
})

// ============================================================ what the root holds

describe("a directory becomes a store", () => {
  it.live("only if it holds nothing but what an interrupted making leaves", () =>
    Effect.gen(function*() {
      const root = "/place/store"
      const { fs, open } = machine()
      yield* fs.makeDirectory("/place", 0o755)
      const inside = {
        "a foreign name": ["foreign/"],
        "a file in place of ours": ["index"],
        "something in ours": ["active/", "active/x/"],
        "something in staging that we put elsewhere": ["index/", "index/version"],
        "something else in staging": ["staging/", "staging/else"]
      }
      for (const [what, paths] of Object.entries(inside)) {
        yield* fs.makeDirectory(root, 0o700)
        for (const path of paths) {
          yield* path.endsWith("/")
            ? fs.makeDirectory(`${root}/${path.slice(0, -1)}`, 0o700)
            : fs.writeFile(`${root}/${path}`, "", 0o600)
        }
        const [name = ""] = paths[0]?.split("/") ?? []
        assert.strictEqual(yield* refusal(open()), notAStore(root, `it holds "${name}" and no version file`), what)
        assert.strictEqual((yield* fs.readDirectory(root)).length, 1)
        yield* fs.removeTree(root)
      }
      yield* fs.makeDirectory(root, 0o700)
      for (const name of ["staging", "index", "trash"]) yield* fs.makeDirectory(`${root}/${name}`, 0o700)
      for (const name of ["version", "try", "tried"]) yield* fs.writeFile(`${root}/staging/${name}`, "", 0o600)
      yield* open()
      assert.deepStrictEqual(yield* fs.readDirectory(`${root}/staging`), [])
    }))

  it.live("unless a version file is there by then, which another process has made", () =>
    Effect.gen(function*() {
      let looks = 0
      const { open, openHealthy, fs } = machine((fs) => ({
        readFile: (path) => path.endsWith("/version") && looks++ === 0 ? Effect.succeed(undefined) : fs.readFile(path)
      }))
      const theirs = yield* openHealthy()
      yield* theirs.prepare(Key.make("theirs"))
      const store = yield* open()
      assert.strictEqual((yield* store.stat(Key.make("theirs"))).kind, "active")
      assert.isDefined(yield* fs.readFile("/place/store/version"))
    }))

  it.live("with whose attributes it agrees, or else is refused", () =>
    Effect.gen(function*() {
      for (const [theirs, expected] of [["trusted", "opened"], ["user", "XattrsMismatch"]] as const) {
        const process = machine()
        // They make it between our look and our lock.
        const { open } = (() => {
          const healthy = processOn(process.volume, "ours")
          const fs = Context.get(healthy, StoreFileSystem)
          let locked = false
          const odd: StoreFileSystem = {
            ...fs,
            tryLock: (path) =>
              Effect.suspend(() => {
                if (locked) return fs.tryLock(path)
                locked = true
                return Effect.andThen(
                  Effect.orDie(Effect.scoped(process.openHealthy({ overlayXattrs: theirs }))),
                  fs.tryLock(path)
                )
              })
          }
          return {
            open: () =>
              quiet(Effect.provide(make({ root: "/place/store" }), Context.add(healthy, StoreFileSystem, odd)))
          }
        })()
        const outcome = yield* Effect.match(open(), {
          onSuccess: () => "opened",
          onFailure: ({ _tag, message }) => {
            assert.include(
              message,
              "keeps overlay's marks in user.* attributes, and it was to be opened with trusted.*"
            )
            return _tag
          }
        })
        assert.strictEqual(outcome, expected)
      }
    }))

  it.live("and if that fails, what was made for it goes, and nothing else", () =>
    Effect.gen(function*() {
      const { fs, open } = machine(() => ({ moveNoReplace: failing("moveNoReplace", "EIO") }))
      yield* Effect.flatMap(fs.makeDirectory("/place", 0o755), () => fs.makeDirectory("/place/store", 0o700))
      yield* fs.makeDirectory("/place/store/index", 0o700)
      assert.include(yield* refusal(open()), "moveNoReplace")
      assert.deepStrictEqual(yield* fs.readDirectory("/place/store"), ["index"])
    }))

  it.live("on a file system that can do what every operation needs", () =>
    Effect.gen(function*() {
      for (const operation of ["symlink", "moveNoReplace"] as const) {
        for (const code of ["EPERM", "EOPNOTSUPP", "ENOTSUP", "ENOSYS", "EINVAL", "ENOTTY"]) {
          const { open } = machine(() => ({
            [operation]: failing(operation, code),
            fileSystemType: () => Effect.succeed("vfat")
          }))
          const reason = `its file system (vfat) refuses ${operation} (${code})`
          assert.strictEqual(yield* refusal(open()), unsuitable("/place/store", reason, otherFileSystem))
        }
        const { open } = machine(() => ({
          [operation]: failing(operation, "EPERM"),
          fileSystemType: failing("statfs", "EIO")
        }))
        assert.include(yield* refusal(open()), `its file system (unknown) refuses ${operation} (EPERM)`)
      }
      const { open } = machine(() => ({ symlink: failing("symlink", "ENOSPC") }))
      assert.include(yield* refusal(open()), "StoreFailure: cannot open: symlink")
    }))

  it.live("and waits for the disk at full alone: for all of it before its version file is in place, and for that after", () =>
    Effect.gen(function*() {
      for (const durability of ["full", "process"] as const) {
        const log: Array<string> = []
        const { fs, open } = machine((fs) => ({
          sync: (targets: ReadonlyArray<SyncTarget>) =>
            Effect.suspend(() => {
              log.push(targets.map(({ kind, path }) => `${kind} ${path}`).join(", "))
              return fs.sync(targets)
            }),
          moveNoReplace: (from, to) =>
            Effect.suspend(() => {
              log.push(`${from} → ${to}`)
              return fs.moveNoReplace(from, to)
            })
        }))
        yield* fs.makeDirectory("/above", 0o755)
        yield* open({ root: "/above//place/store/", durability })
        const staging = "/above/place/store/staging"
        const moves = [`${staging}/try → ${staging}/tried`, `${staging}/version → /above/place/store/version`]
        assert.deepStrictEqual(
          log,
          durability === "process" ? moves : [
            moves[0],
            "tree /above/place/store, directory /above/place, directory /above, directory /",
            moves[1],
            `directory /above/place/store, directory ${staging}`
          ]
        )
      }
    }))
})

// ============================================================ a store that is there

describe("a store", () => {
  it.live("is not made again", () =>
    Effect.gen(function*() {
      const moves: Array<string> = []
      const { open } = machine((fs) => ({
        moveNoReplace: (from, to) => {
          moves.push(from)
          return fs.moveNoReplace(from, to)
        }
      }))
      yield* open()
      moves.length = 0
      yield* open()
      assert.deepStrictEqual(moves, [])
    }))

  it.live("that was made at process is on disk, with those above it, when it was opened at full", () =>
    Effect.gen(function*() {
      const log: Array<string> = []
      const { open, openHealthy } = machine((fs) => ({
        sync: (targets: ReadonlyArray<SyncTarget>) =>
          Effect.suspend(() => {
            log.push(targets.map(({ kind, path }) => `${kind} ${path}`).join(", "))
            return fs.sync(targets)
          }),
        exchange: (one, other) =>
          Effect.suspend(() => {
            log.push(`${one} ⇄ ${other}`)
            return fs.exchange(one, other)
          })
      }))
      yield* openHealthy({ durability: "process" })
      yield* open()
      const root = "/place/store"
      const places = ["index", "active", "view", "committed", "staging", "trash"].map((name) => `${root}/${name}`)
      const directories = [...places, root, "/place", "/"].map((path) => `directory ${path}`)
      assert.deepStrictEqual(log, [
        [`file ${root}/staging/version`, ...directories].join(", "),
        `${root}/staging/version ⇄ ${root}/version`,
        `directory ${root}, directory ${root}/staging`
      ])
      log.length = 0
      yield* open()
      assert.deepStrictEqual(log, [])
    }))

  it.live("where nothing is to be swept is opened also while somebody holds its lock; who cannot look says so", () =>
    Effect.gen(function*() {
      const { fs, open } = machine()
      yield* open()
      assert.isDefined(yield* fs.tryLock("/place/store"))
      yield* open({ lockTimeout: 0 })
      yield* fs.makeDirectory("/place/store/trash/left", 0o700)
      assert.strictEqual((yield* Effect.flip(open({ lockTimeout: 0 })))._tag, "LockTimeout")
      const blind = machine(() => ({ readDirectory: failing("readDirectory", "EIO") }))
      yield* blind.openHealthy()
      assert.include(yield* refusal(blind.open()), "StoreFailure: cannot open: readDirectory")
    }))

  it.live("that was made at process is promised at full if its new record is in place, whatever the exchange says", () =>
    Effect.gen(function*() {
      for (const happens of [true, false]) {
        const { fs, open, openHealthy } = machine((fs) => ({
          exchange: (one, other) =>
            Effect.andThen(happens ? fs.exchange(one, other) : Effect.void, failing("exchange", "EIO")(one))
        }))
        yield* openHealthy({ durability: "process" })
        const outcome = yield* Effect.match(open(), { onSuccess: () => "opened", onFailure: ({ message }) => message })
        assert.strictEqual(
          outcome,
          happens ? "opened" : "cannot open: exchange \"/place/store/staging/version\" failed with EIO"
        )
        assert.include(yield* fs.readFile("/place/store/version"), `"durable":${happens}`)
        assert.deepStrictEqual(yield* fs.readDirectory("/place/store/staging"), [])
      }
    }))

  it.live("whose version file cannot be read is none; where the machine fails, that is said", () =>
    Effect.gen(function*() {
      for (
        const [code, expected] of [
          ["EISDIR", notAStore("/place/store", "its version file cannot be read (EISDIR)")],
          ["EILSEQ", notAStore("/place/store", "its version file cannot be read (EILSEQ)")],
          ["EIO", "StoreFailure: cannot open: readFile \"/place/store/version\" failed with EIO"]
        ] as const
      ) {
        const { open } = machine((fs) => ({
          readFile: (path) => path.endsWith("/version") ? failing("readFile", code)(path) : fs.readFile(path)
        }))
        assert.strictEqual(yield* refusal(open()), expected)
      }
    }))

  it.live("is for its owner alone, and is made so", () =>
    Effect.gen(function*() {
      const { fs, open } = machine()
      yield* open()
      for (const mode of [0o755, 0o1700, 0o600]) {
        yield* fs.setMode("/place/store", mode)
        yield* open()
        assert.strictEqual((yield* fs.lstat("/place/store"))?.mode, 0o700)
      }
      const foreign = machine(() => ({ setMode: failing("setMode", "EPERM") }))
      yield* foreign.openHealthy()
      yield* foreign.fs.setMode("/place/store", 0o755)
      assert.include(yield* refusal(foreign.open()), "failed with EPERM; check who owns the store")
    }))

  it.live("on a read-only file system is opened as it is, with what a crash left, and cannot be made there", () =>
    Effect.gen(function*() {
      const readOnly: Changes = () => {
        const refuse = (operation: string) => failing(operation, "EROFS")
        return {
          setMode: refuse("setMode"),
          makeDirectory: refuse("makeDirectory"),
          writeFile: refuse("writeFile"),
          symlink: refuse("symlink"),
          moveNoReplace: refuse("moveNoReplace"),
          removeFile: refuse("removeFile"),
          removeTree: refuse("removeTree"),
          overlayXattrs: refuse("overlayXattrs")
        }
      }
      for (
        const [overlayXattrs, durability] of [["trusted", "full"], ["user", "full"], ["user", "process"]] as const
      ) {
        const { fs, open, openHealthy } = machine(readOnly)
        const theirs = yield* openHealthy({ overlayXattrs, durability })
        yield* theirs.prepare(Key.make("k"))
        yield* fs.makeDirectory("/place/store/staging/left2222222ab", 0o700)
        yield* fs.setMode("/place/store", 0o755)
        const store = yield* open()
        assert.strictEqual((yield* store.stat(Key.make("k"))).kind, "active")
        assert.strictEqual((yield* Effect.flip(store.prepare(Key.make("l"))))._tag, "ReadOnlyStore")
      }
      const { fs, open } = machine(readOnly)
      yield* fs.makeDirectory("/place", 0o755)
      yield* fs.makeDirectory("/place/store", 0o700)
      assert.strictEqual(
        yield* refusal(open()),
        "ReadOnlyStore: cannot open: the file system of \"/place/store\" is read-only; remount it writable"
      )
    }))

  it.live("needs a file system with extended attributes", () =>
    Effect.gen(function*() {
      const reason = (type: string) => `its file system (${type}) keeps no extended attributes, which overlay needs`
      const { open } = machine(() => ({
        overlayXattrs: () => Effect.succeed(undefined),
        fileSystemType: () => Effect.succeed("nfs")
      }))
      assert.strictEqual(yield* refusal(open()), unsuitable("/place/store", reason("nfs"), otherFileSystem))
      const { open: unknown } = machine(() => ({
        overlayXattrs: () => Effect.succeed(undefined),
        fileSystemType: failing("statfs", "EIO")
      }))
      assert.strictEqual(yield* refusal(unknown()), unsuitable("/place/store", reason("unknown"), otherFileSystem))
      const { open: broken, openHealthy } = machine(() => ({ overlayXattrs: failing("overlayXattrs", "EIO") }))
      assert.include(yield* refusal(broken()), "StoreFailure: cannot open: overlayXattrs")
      yield* openHealthy()
      assert.include(yield* refusal(broken()), "StoreFailure: cannot open: overlayXattrs")
    }))

  it.live("keeps overlay's marks where it was made to, for ever", () =>
    Effect.gen(function*() {
      /** What is recorded, allowed on the machine and asked for, and what comes of it. */
      const cases = [
        [undefined, "trusted", undefined, "trusted"],
        [undefined, "trusted", "user", "user"],
        [undefined, "trusted", "trusted", "trusted"],
        [undefined, "user", undefined, "user"],
        ["trusted", "trusted", undefined, "trusted"],
        ["trusted", "trusted", "trusted", "trusted"],
        ["trusted", "user", undefined, "XattrsMismatch trusted user"],
        ["trusted", "trusted", "user", "XattrsMismatch trusted user"],
        ["user", "trusted", undefined, "user"],
        ["user", "trusted", "user", "user"],
        ["user", "user", undefined, "user"],
        ["user", "trusted", "trusted", "XattrsMismatch user trusted"]
      ] as const
      for (const [recorded, available, asked, expected] of cases) {
        const { fs, open, openHealthy } = machine(() => ({ overlayXattrs: () => Effect.succeed(available) }))
        if (recorded !== undefined) yield* openHealthy({ overlayXattrs: recorded })
        const outcome = yield* Effect.matchEffect(open({ overlayXattrs: asked }), {
          onFailure: (failure) =>
            Effect.succeed(
              failure._tag === "XattrsMismatch"
                ? `${failure._tag} ${failure.recorded} ${failure.available}`
                : failure.message
            ),
          onSuccess: () =>
            Effect.map(fs.readFile("/place/store/version"), (text) =>
              String(Object(JSON.parse(text ?? "")).overlayXattrs))
        })
        assert.strictEqual(outcome, expected, JSON.stringify([recorded, available, asked]))
      }
    }))
})

// ============================================================ the configuration

describe("an option that cannot be is refused, before anything is touched", () => {
  const bad: ReadonlyArray<readonly [object, string]> = [
    ...[-1, Number.NaN, "soon"].map((lockTimeout) =>
      [{ lockTimeout }, "it is not a duration of zero or more, such as \"30 seconds\""] as const
    ),
    ...[0, -1, 1.5, 501, "5", Number.NaN].map((layersMax) =>
      [{ layersMax }, "it is not a whole number from 1 to 500, the most that the kernel takes"] as const
    ),
    ...["index=off", {}, 5].map((mountOptions) =>
      [{ mountOptions }, "it is not a list of options, such as [\"index=off\"]"] as const
    ),
    [{ durability: "half" }, "it is neither full nor process"],
    [{ whileMounted: "" }, "it is neither refuse nor allow"],
    [{ overlayXattrs: "security" }, "it is neither trusted nor user"]
  ]
  for (const [options, reason] of bad) {
    it.live(`${JSON.stringify(options)}: ${reason}`, () =>
      Effect.gen(function*() {
        const { fs, open } = machine()
        const [[option, value] = ["", undefined]] = Object.entries(options)
        assert.deepInclude(yield* Effect.flip(open(options)), { _tag: "InvalidOption", option, value, reason })
        assert.isUndefined(yield* fs.lstat("/place"))
      }))
  }

  const saysItself = "the snapshot says this itself; leave it out"
  const mountOptions: ReadonlyArray<readonly [unknown, string | undefined]> = [
    [5, "it is not a text"],
    ["", "it is empty or contains NUL; leave it out"],
    ["a\0", "it is empty or contains NUL; leave it out"],
    ["a,b", "it holds a comma outside of quotes; give each option by itself"],
    ["\"a,b", "it holds a comma outside of quotes; give each option by itself"],
    ["context=\"a,b\",c", "it holds a comma outside of quotes; give each option by itself"],
    ["lowerdir=/a", saysItself],
    ["upperdir=/a", saysItself],
    ["workdir=/a", saysItself],
    ["lowerdir+=/a", saysItself],
    ["datadir+=/a", saysItself],
    [
      "redirect_dir=on",
      "a moved directory would be an empty one with a mark in its layer, which other mounts of the layer do not follow; leave it out"
    ],
    [
      "redirect_dir=follow",
      "a moved directory would be an empty one with a mark in its layer, which other mounts of the layer do not follow; leave it out"
    ],
    ["metacopy=on", "a layer would hold files without their contents; leave it out"],
    ["userxattr", "overlayXattrs: \"user\" sets it, and the store records that; use this instead"],
    ["redirect_dir=off", undefined],
    ["redirect_dir", undefined],
    ["metacopy=off", undefined],
    ["index=off", undefined],
    ["context=\"system_u:object_r:a_t:s0:c1,c2\"", undefined],
    ["a=lowerdir=/b", undefined]
  ]
  for (const [option, reason] of mountOptions) {
    it.live(`the mount option ${JSON.stringify(option)}: ${reason ?? "it can be"}`, () =>
      Effect.gen(function*() {
        const { open } = machine()
        const outcome = yield* Effect.match(open({ mountOptions: ["volatile", option as string] }), {
          onSuccess: () => undefined,
          onFailure: (failure) => failure._tag === "InvalidOption" ? { ...failure } : failure.message
        })
        if (reason === undefined) assert.isUndefined(outcome)
        else assert.deepInclude(outcome, { option: "mountOptions", value: option, reason })
      }))
  }

  it.live("what is left out is full, refuse and no further mount options", () =>
    Effect.gen(function*() {
      const { fs, open, volume } = machine()
      const [key, base] = [Key.make("k"), Name.make("base")]
      const store = yield* open()
      assert.include(yield* fs.readFile("/place/store/version"), "\"durable\":true")
      yield* store.prepare(key)
      yield* store.commit(base, key)
      const mounts = yield* store.prepare(key, { parent: base })
      assert.deepStrictEqual(mounts.map(({ options }) => options.map((option) => option.replace(/=.*/, ""))), [
        ["workdir", "upperdir", "lowerdir"]
      ])
      yield* fs.makeDirectory("/mnt", 0o755)
      yield* MemoryMounter.make(volume).mount(mounts, "/mnt")
      assert.strictEqual((yield* Effect.flip(store.commit(Name.make("mounted"), key)))._tag, "Busy")
    }))

  it.live("layersMax layers are the most that a snapshot stands on", () =>
    Effect.gen(function*() {
      const key = Key.make("k")
      const [one, two, three] = [Name.make("one"), Name.make("two"), Name.make("three")]
      const store = yield* machine().open({ layersMax: 2 })
      yield* store.prepare(key)
      yield* store.commit(one, key)
      for (const [name, parent] of [[two, one], [three, two]] as const) {
        yield* store.prepare(key, { parent })
        yield* store.commit(name, key)
      }
      const refused = yield* Effect.flip(store.prepare(key, { parent: three }))
      assert.deepInclude({ ...refused }, { _tag: "TooManyLayers", parent: three, depth: 3, limit: 2 })
    }))

  it.live("what is no list of filters is refused as such", () =>
    Effect.gen(function*() {
      const store = yield* machine().open()
      for (const filters of ["active", { 0: "active" }, [1]] as ReadonlyArray<unknown>) {
        const refused = yield* Effect.flip(Stream.runDrain(store.walk({ filters: filters as ReadonlyArray<string> })))
        assert.deepInclude({ ...refused }, {
          _tag: "InvalidFilter",
          filter: String(filters),
          position: 0,
          expected: "a list of filters"
        })
      }
    }))

  it.live("what is within bounds is taken", () =>
    Effect.gen(function*() {
      for (
        const options of [{ layersMax: 1 }, { layersMax: 500 }, { lockTimeout: 0 }, {
          lockTimeout: "1 minute" as const
        }]
      ) {
        yield* machine().open(options)
      }
    }))
})
