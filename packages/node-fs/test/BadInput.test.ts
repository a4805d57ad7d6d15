/** What a machine can be asked that it cannot do: each is a typed failure with a reason and a remedy, and changes nothing. */
import { it } from "@effect/vitest"
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter, type SnapshotterOptions } from "@snapshotter/core/Snapshotter"
import { badInputSuite, OpenStore } from "@snapshotter/core/testing/SnapshotterSuite"
import { expectEqual, expectThat, failureOf } from "@snapshotter/core/testing/Suite"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Context, Effect, Layer, Stream } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { freshDirectory, isRoot, workplace } from "./place.ts"

const open = (options: SnapshotterOptions) =>
  Effect.map(Layer.build(Layer.fresh(NodeSnapshotter.layer(options))), (context) => Context.get(context, Snapshotter))

const openStore = Layer.succeed(OpenStore, open)

const key = (text: string) => Key.make(text)
const name = (text: string) => Name.make(text)

/** A mount that the scope undoes, made by other means than those under test. */
const mounted = (type: string, options: string, target: string) =>
  Effect.acquireRelease(
    Effect.sync(() => {
      fs.mkdirSync(target, { recursive: true })
      execFileSync("mount", ["-t", type, "-o", options, type, target])
    }),
    () => Effect.sync(() => execFileSync("umount", ["-l", target]))
  )

const nobody = 65_534

/** Runs an effect as an ordinary user. The threads of the pool change with the process. */
const asNobody = <A, E, R>(effect: Effect.Effect<A, E, R>) =>
  Effect.acquireUseRelease(
    Effect.sync(() => {
      process.setegid?.(nobody)
      process.seteuid?.(nobody)
    }),
    () => effect,
    () =>
      Effect.sync(() => {
        process.seteuid?.(0)
        process.setegid?.(0)
      })
  )

/** A directory of nobody's own, which nobody can reach. */
const nobodysDirectory = Effect.map(freshDirectory, (directory) => {
  for (
    let above = path.dirname(directory);
    above.startsWith(fs.realpathSync("/tmp")) && above !== "/tmp";
    above = path.dirname(above)
  ) {
    fs.chmodSync(above, fs.statSync(above).mode | 0o111)
  }
  fs.chownSync(directory, nobody, nobody)
  return directory
})

/** All of a tree: names, kinds, modes, owners, times of change and contents. */
const picture = (directory: string): ReadonlyArray<string> =>
  fs.readdirSync(directory, { recursive: true, withFileTypes: true }).map((entry) => {
    const at = path.join(entry.parentPath, entry.name)
    const { ctimeNs, ino, mode, size, uid } = fs.lstatSync(at, { bigint: true })
    const text = entry.isFile() ? fs.readFileSync(at, "latin1") : entry.isSymbolicLink() ? fs.readlinkSync(at) : ""
    return `${at} ${mode} ${uid} ${ino} ${entry.isDirectory() ? "" : `${size} ${ctimeNs}`} ${text}`
  }).sort()

interface Tagged {
  readonly _tag: string
  readonly message: string
}

const expectFailure = <A, E extends Tagged, R>(
  what: string,
  effect: Effect.Effect<A, E, R>,
  tag: E["_tag"],
  ...mentions: ReadonlyArray<string>
) =>
  Effect.tap(failureOf(what, effect), (error) =>
    Effect.gen(function*() {
      yield* expectEqual(`what ${what} fails with (${error.message})`, error._tag, tag)
      for (const text of mentions) yield* expectThat(`${text} is in ${error.message}`, error.message.includes(text))
    }))

const expectUnopened = (
  root: string,
  place: string,
  tag: "NotAStore" | "UnsuitableRoot" | "StoreFailure",
  ...mentions: ReadonlyArray<string>
) =>
  Effect.gen(function*() {
    const before = fs.existsSync(place) ? picture(place) : []
    yield* expectFailure("open", Effect.scoped(open({ root })), tag, ...mentions)
    yield* expectEqual("what is there", fs.existsSync(place) ? picture(place) : [], before)
  })

const forest = (store: Snapshotter) => Stream.runCollect(store.walk())

const missing = isRoot ? undefined : "mounting needs root, or a user namespace"

describe.runIf(judgement("bad-input-node", missing))("bad input", () => {
  for (const { name, test } of badInputSuite) {
    it.live(
      name,
      () => Effect.provide(test, Layer.mergeAll(NodeSnapshotter.layerMachine, Layer.fresh(workplace), openStore))
    )
  }

  describe("roots of a real machine", () => {
    it.live("a FIFO and a device are refused as root", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        execFileSync("mkfifo", [`${directory}/fifo`])
        yield* expectUnopened(`${directory}/fifo`, directory, "NotAStore", "fifo", "not a directory")
        yield* expectUnopened("/dev/null", directory, "NotAStore", "/dev/null", "not a directory")
      }))

    it.live("a root whose path holds bytes that are not UTF-8 is refused, also when reached by a symlink", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        const bytes = Buffer.concat([Buffer.from(`${directory}/`), Buffer.from([0x61, 0xff])])
        fs.mkdirSync(bytes)
        fs.symlinkSync(bytes, Buffer.from(`${directory}/link`))
        yield* expectFailure(
          "open",
          Effect.scoped(open({ root: `${directory}/link` })),
          "UnsuitableRoot",
          "UTF-8",
          "rename"
        )
        yield* expectEqual("what is in it", fs.readdirSync(bytes), [])
      }))

    it.live("file systems that can hold no store are refused by name, with what to use instead", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        yield* expectFailure(
          "in /proc",
          Effect.scoped(open({ root: "/proc/store" })),
          "NotAStore",
          "/proc/store",
          "give an"
        )
        yield* expectFailure("/proc itself", Effect.scoped(open({ root: "/proc/self/fdinfo" })), "NotAStore", "fdinfo")
        yield* expectFailure(
          "in /sys",
          Effect.scoped(open({ root: "/sys/store" })),
          "StoreFailure",
          "/sys/store",
          "EPERM"
        )
        yield* mounted("ramfs", "mode=755", `${directory}/ramfs`)
        yield* expectUnopened(
          `${directory}/ramfs`,
          `${directory}/ramfs`,
          "UnsuitableRoot",
          "ramfs",
          "put the store on ext4"
        )
      }))

    it.live("a store on an overlay holds what is mounted as a bind; an overlay of it is refused with the reason", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        for (const part of ["lower", "upper", "work"]) fs.mkdirSync(`${directory}/${part}`)
        const options = `lowerdir=${directory}/lower,upperdir=${directory}/upper,workdir=${directory}/work`
        yield* mounted("overlay", options, `${directory}/merged`)
        fs.mkdirSync(`${directory}/target`)
        yield* Effect.scoped(Effect.gen(function*() {
          const mounter = yield* Mounter
          const store = yield* open({ root: `${directory}/merged/store` })
          const bind = yield* store.prepare(key("a"))
          yield* Effect.scoped(mounter.mount(bind, `${directory}/target`))
          yield* store.commit(name("A"), key("a"))
          const mounts = yield* store.prepare(key("b"), { parent: name("A") })
          yield* expectFailure(
            "mount",
            Effect.scoped(mounter.mount(mounts, `${directory}/target`)),
            "MountFailed",
            "overlay"
          )
          yield* store.remove(key("b"))
        })).pipe(Effect.provide(NodeSnapshotter.layerMachine))
      }))
  })

  describe("an ordinary user", () => {
    it.live("may not open a store of somebody else's", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        const root = `${directory}/store`
        yield* Effect.scoped(open({ root }))
        const before = picture(directory)
        yield* asNobody(
          expectFailure("open", Effect.scoped(open({ root })), "StoreFailure", "EACCES", "check who owns the store")
        )
        yield* expectEqual("what is there", picture(directory), before)
      }))

    it.live("is not given a store whose deletion marks only root can see, even if it is theirs", () =>
      Effect.gen(function*() {
        const directory = yield* nobodysDirectory
        const root = `${directory}/store`
        yield* Effect.scoped(open({ root }))
        execFileSync("chown", ["-R", `${nobody}:${nobody}`, root])
        const before = picture(directory)
        yield* asNobody(
          expectFailure("open", Effect.scoped(open({ root })), "XattrsMismatch", "trusted", "user", "as root")
        )
        yield* expectEqual("what is there", picture(directory), before)
      }))

    // As root nothing is unreadable: `SnapshotterSuite` has the same for whoever runs it.
    for (const what of ["directory", "metadata"] as const) {
      it.live(`F12: with one of ten whose ${what} they may not read: it opens, the nine are used, the tenth can be removed`, () =>
        Effect.gen(function*() {
          const directory = yield* nobodysDirectory
          const root = `${directory}/store`
          yield* asNobody(
            Effect.scoped(Effect.gen(function*() {
              const all = Array.from({ length: 10 }, (_, at) => name(`layer ${at}`))
              const making = yield* open({ root })
              for (const one of all) yield* Effect.andThen(making.prepare(key("a")), making.commit(one, key("a")))
              const tenth = name("layer 4")
              const link = `${root}/index/${createHash("sha256").update(tenth).digest("hex")}`
              const there = fs.realpathSync(link)
              fs.chmodSync(what === "directory" ? there : `${there}/name.json`, 0o000)
              const store = yield* open({ root })
              for (const one of all.filter((each) => each !== tenth)) {
                yield* store.view(key("v"), { parent: one })
                yield* store.remove(key("v"))
              }
              yield* store.remove(tenth)
              yield* expectEqual("those that are left", (yield* Stream.runCollect(store.walk())).length, 9)
              yield* expectEqual("what check finds", yield* store.check, [])
            }))
          )
        }))
    }

    it.live("has a store of their own, and is told what mounting takes", () =>
      Effect.gen(function*() {
        const directory = yield* nobodysDirectory
        yield* asNobody(
          Effect.scoped(Effect.gen(function*() {
            const mounter = yield* Mounter
            const store = yield* open({ root: `${directory}/store` })
            yield* Effect.sync(() => fs.mkdirSync(`${directory}/target`))
            yield* store.prepare(key("a"))
            yield* store.commit(name("A"), key("a"))
            for (
              const mounts of [yield* store.prepare(key("b"), { parent: name("A") }), yield* store.prepare(key("c"))]
            ) {
              const attempt = Effect.scoped(mounter.mount(mounts, `${directory}/target`))
              yield* expectFailure("mount", attempt, "MountUnavailable", `${directory}/target`, "root", "unshare")
            }
            yield* expectEqual("what check finds", yield* store.check, [])
          })).pipe(Effect.provide(NodeSnapshotter.layerMachine))
        )
      }))
  })

  describe("a file system in the way", () => {
    it.live("that is full fails what needs room, as it was before; with room, all goes on", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        const disk = `${directory}/disk`
        yield* mounted("tmpfs", "size=512k,mode=755", disk)
        const store = yield* open({ root: `${disk}/store` })
        yield* store.prepare(key("a"))
        yield* store.prepare(key("b"))
        yield* store.commit(name("A"), key("a"))
        yield* store.view(key("v"), { parent: name("A") })
        const fill = () => {
          const file = fs.openSync(`${disk}/filler`, "a")
          try {
            for (;;) fs.writeSync(file, Buffer.alloc(4096, 1))
          } catch (error) {
            if (!(error instanceof Error && "code" in error && error.code === "ENOSPC")) throw error
          } finally {
            fs.closeSync(file)
          }
        }
        const [infos, before] = [yield* forest(store), picture(`${disk}/store`)]
        fill()
        const full = ["StoreFailure", "ENOSPC", "make room"] as const
        yield* expectFailure("prepare", store.prepare(key("new")), ...full)
        yield* expectFailure("view", store.view(key("new"), { parent: name("A") }), ...full)
        yield* expectFailure("commit", store.commit(name("B"), key("b")), ...full)
        yield* expectFailure("update", store.update(key("b"), { patch: { a: "1" } }), ...full)
        yield* expectFailure("another store", Effect.scoped(open({ root: `${disk}/other` })), ...full)
        yield* expectEqual("the forest", yield* forest(store), infos)
        yield* expectEqual("the store's directory", picture(`${disk}/store`), before)
        yield* store.remove(key("v"))
        fill()
        yield* store.remove(name("A"))
        fs.unlinkSync(`${disk}/filler`)
        yield* store.commit(name("B"), key("b"))
        yield* store.prepare(key("new"), { parent: name("B") })
        yield* open({ root: `${disk}/other` })
        yield* expectEqual("what check finds", yield* store.check, [])
      }).pipe(Effect.scoped))

    it.live("that is read-only lets a store be read, and says what to do to write", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        const disk = `${directory}/disk`
        const root = `${disk}/store`
        yield* mounted("tmpfs", "size=4m,mode=755", disk)
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* open({ root })
          yield* store.prepare(key("a"))
          yield* store.commit(name("A"), key("a"))
          yield* store.prepare(key("b"), { parent: name("A") })
          yield* store.view(key("v"), { parent: name("A") })
        }))
        const before = picture(disk)
        execFileSync("mount", ["-o", "remount,ro", disk])
        const store = yield* open({ root })
        yield* expectEqual("how many there are", (yield* forest(store)).length, 3)
        yield* store.stat(name("A"))
        yield* store.usage(name("A"))
        yield* store.mounts(key("v"))
        yield* store.mounts(key("b"))
        yield* expectEqual("what check finds", yield* store.check, [])
        const readOnly = ["ReadOnlyStore", "read-only", "remount it writable"] as const
        yield* expectFailure("prepare", store.prepare(key("new")), ...readOnly)
        yield* expectFailure("view", store.view(key("new"), { parent: name("A") }), ...readOnly)
        yield* expectFailure("commit", store.commit(name("B"), key("b")), ...readOnly)
        yield* expectFailure("update", store.update(name("A"), { patch: { a: "1" } }), ...readOnly)
        yield* expectFailure("remove", store.remove(key("v")), ...readOnly)
        yield* expectFailure("a new store", Effect.scoped(open({ root: `${disk}/other` })), ...readOnly)
        yield* store.cleanup
        yield* expectEqual("what is there", picture(disk), before)
      }).pipe(Effect.scoped))

    it.live("keeps an immutable file: the snapshot is removed, what stayed is reported, and goes once it can", () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectory
        const root = `${directory}/store`
        const store = yield* open({ root })
        for (const each of ["a", "b", "c"]) {
          const [mount] = yield* store.prepare(key(each))
          fs.writeFileSync(`${mount?.source}/file`, each)
        }
        const [mount] = yield* store.mounts(key("b"))
        execFileSync("chattr", ["+i", `${mount?.source}/file`])
        const { removed, unremoved } = yield* store.remove(key("b"))
        yield* expectEqual("what is gone", removed, [])
        yield* expectEqual("why it stays", unremoved.map(({ code }) => code), ["EPERM"])
        yield* store.remove(key("a"))
        yield* expectEqual("what is left", (yield* forest(store)).map((info) => info.name), ["c"])
        yield* expectEqual("what cleanup leaves", (yield* store.cleanup).unremoved, unremoved)
        execFileSync("chattr", ["-i", unremoved[0]?.path ?? ""])
        yield* expectEqual("what cleanup leaves then", (yield* store.cleanup).unremoved, [])
        yield* expectEqual("what check finds", yield* store.check, [])
      }).pipe(Effect.scoped))
  })
})
