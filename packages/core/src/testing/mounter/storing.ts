/** Mount points and the store's port: nothing is removed or counted through one. */
import { Effect } from "effect"
import type { FileSystemError } from "../../StoreFileSystem.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import { bind, inScope, makeLayer, makeTarget, type Needs, statement } from "./bench.ts"

export const storingCases: Suite<Needs> = [
  statement(
    "removeTree leaves a mount point and its parents where they are, and reports it",
    (place) =>
      Effect.gen(function*() {
        const victim = yield* makeLayer(place, 0, "victim")
        for (const name of ["tree", "tree/a", "tree/a/mounted", "tree/b"]) {
          yield* place.store.makeDirectory(place.at(name), 0o755)
        }
        yield* place.store.writeFile(place.at("tree/a/file"), "", 0o644)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(victim, true), place.at("tree/a/mounted"))
          yield* expectEqual("what is left", yield* place.store.removeTree(place.at("tree")), [
            { path: place.at("tree/a/mounted"), code: "EXDEV" }
          ])
          yield* expectEqual("the victim's text", yield* place.store.readFile(`${victim}/file`), "victim")
          yield* expectEqual(
            "the mounted text",
            yield* place.files.readFileString(place.at("tree/a/mounted/file")),
            "victim"
          )
          yield* expectEqual("the names", yield* place.store.readDirectory(place.at("tree")), ["a"])
          yield* expectEqual("the names", yield* place.store.readDirectory(place.at("tree/a")), ["mounted"])
        }))
        yield* expectEqual("what is left", yield* place.store.removeTree(place.at("tree")), [])
        yield* expectEqual("the tree", yield* place.store.lstat(place.at("tree")), undefined)
      })
  ),
  statement("removeTree of a mount point itself leaves it, and reports it", (place) =>
    Effect.gen(function*() {
      const victim = yield* makeLayer(place, 0, "victim")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(victim, true), target)
      yield* expectEqual("what is left", yield* place.store.removeTree(target), [{ path: target, code: "EXDEV" }])
      yield* expectEqual("the victim's text", yield* place.store.readFile(`${victim}/file`), "victim")
    })),
  statement("usage does not count what is mounted in a tree", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(place.at("tree"), 0o755)
      yield* place.store.makeDirectory(place.at("tree/mounted"), 0o755)
      yield* place.store.writeFile(place.at("tree/file"), "", 0o644)
      yield* place.mounter.mount(bind(layer, true), place.at("tree/mounted"))
      yield* expectEqual("the inodes", (yield* place.store.usage(place.at("tree"))).inodes, 2)
    })),
  statement(
    "removeTree empties a directory on which something is mounted elsewhere, leaves it, and reports it",
    (place) =>
      Effect.gen(function*() {
        const { store } = place
        for (const name of ["tree", "tree/a"]) yield* store.makeDirectory(place.at(name), 0o755)
        yield* store.writeFile(place.at("tree/a/covered"), "", 0o644)
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(place.at("tree"), true), target)
        yield* place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), false), `${target}/a`)
        yield* expectEqual("what is left", yield* store.removeTree(place.at("tree")), [
          { path: place.at("tree/a"), code: "EBUSY" }
        ])
        yield* expectEqual("what is in it", yield* store.readDirectory(place.at("tree/a")), [])
      })
  ),
  statement("on a read-only mount every change is EROFS, and a lock can be had", (place) =>
    Effect.gen(function*() {
      const { store } = place
      const at = yield* makeTarget(place)
      yield* place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), false), at)
      const changes = {
        makeDirectory: store.makeDirectory(`${at}/x`, 0o755),
        writeFile: store.writeFile(`${at}/x`, "", 0o644),
        symlink: store.symlink("x", `${at}/x`),
        setMode: store.setMode(at, 0o755),
        exchange: store.exchange(`${at}/file`, `${at}/file`),
        moveNoReplace: store.moveNoReplace(`${at}/file`, `${at}/x`),
        removeFile: store.removeFile(`${at}/file`),
        copyDirectoryAttributes: store.copyDirectoryAttributes(place.at(), at)
      }
      for (const [operation, change] of Object.entries(changes)) {
        const { code } = yield* failureOf(operation, change as Effect.Effect<unknown, FileSystemError>)
        yield* expectEqual(`the errno of ${operation}`, code, "EROFS")
      }
      const lock = yield* store.tryLock(at)
      yield* expectThat("the lock is held", lock !== undefined)
      if (lock !== undefined) yield* lock.release
    }))
]
