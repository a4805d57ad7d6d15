/** `unmount`, and the end of a mount with its scope. */
import { Effect, Exit, Scope } from "effect"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import {
  bind,
  expectNothingMounted,
  inScope,
  loggedBy,
  makeLayer,
  makeTarget,
  mountedOn,
  type Needs,
  statement
} from "./bench.ts"

export const unmountingCases: Suite<Needs> = [
  statement("unmount ends a mount before its scope does", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.mounter.unmount(target)
      yield* expectNothingMounted(place)
      yield* expectEqual("the names", yield* place.files.readDirectory(target), [])
    })),
  statement(
    "what is unmounted already, the scope leaves alone, and what others mounted there since",
    (place) =>
      Effect.gen(function*() {
        const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
        const target = yield* makeTarget(place)
        const first = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(a, true), target), first)
        yield* place.mounter.unmount(target)
        yield* place.mounter.mount(bind(b, true), target)
        yield* Scope.close(first, Exit.void)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "b")
      })
  ),
  statement("unmount ends what was mounted last on the target", (place) =>
    Effect.gen(function*() {
      const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(a, true), target)
      yield* place.mounter.mount(bind(b, true), target)
      yield* place.mounter.unmount(target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "a")
    })),
  statement(
    "a mount that something else is mounted on stays with it when its scope closes, and that is logged",
    (place) =>
      Effect.gen(function*() {
        const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
        const target = yield* makeTarget(place)
        const first = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(a, true), target), first)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(b, true), target)
          const lines = yield* loggedBy(Scope.close(first, Exit.void))
          yield* expectThat("it is logged", lines.some((line) => line.includes(target)))
          yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "b")
        }))
        yield* place.mounter.unmount(target)
        yield* expectNothingMounted(place)
      })
  ),
  statement("unmount ends what came with a recursive bind, too", (place) =>
    Effect.gen(function*() {
      const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
      yield* place.store.makeDirectory(`${a}/sub`, 0o755)
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(b, false), `${a}/sub`)
      yield* place.mounter.mount(bind(a, false), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/sub/file`), "b")
      yield* place.mounter.unmount(target)
      yield* place.mounter.unmount(`${a}/sub`)
      yield* expectNothingMounted(place)
    })),
  statement(
    "what is mounted is told by where it is now, when a directory above it has been renamed",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        yield* place.store.makeDirectory(place.at("above"), 0o755)
        const target = yield* makeTarget(place, "above/target")
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(layer, true), target)
          yield* place.store.moveNoReplace(place.at("above"), place.at("moved"))
          yield* expectEqual("before", (yield* mountedOn(place, target)).length, 0)
          yield* expectEqual("now", (yield* mountedOn(place, place.at("moved/target"))).length, 1)
        }))
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "a layer that was bound for reading is free once the bind has ended, whoever reads on",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        const mounting = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(layer, true), target), mounting)
        yield* place.files.open(`${target}/file`, { flag: "r" })
        yield* loggedBy(Scope.close(mounting, Exit.void))
        yield* expectEqual("the uses", yield* place.mounter.uses(layer), [])
      })
  ),
  statement("unmounting where nothing is mounted is MountFailed with EINVAL", (place) =>
    Effect.gen(function*() {
      const target = yield* makeTarget(place)
      const error = yield* failureOf("unmounting", place.mounter.unmount(target))
      yield* expectEqual("the failure", error._tag, "MountFailed")
      yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "EINVAL")
    })),
  statement("unmounting what is missing is MountFailed with ENOENT", (place) =>
    Effect.gen(function*() {
      const error = yield* failureOf("unmounting", place.mounter.unmount(place.at("missing")))
      yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "ENOENT")
    })),
  statement(
    "unmounting what has an open file is StillInUse, and works once it is closed",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(layer, true), target)
        yield* inScope(Effect.gen(function*() {
          yield* place.files.open(`${target}/file`)
          const error = yield* failureOf("unmounting", place.mounter.unmount(target))
          yield* expectEqual("the failure", error._tag, "StillInUse")
          yield* expectEqual("the mounts", (yield* mountedOn(place, target)).length, 1)
        }))
        yield* place.mounter.unmount(target)
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "a mount that is in use when its scope closes is detached, and can be mounted again",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          const mounting = yield* Scope.make()
          yield* Scope.provide(place.mounter.mount(bind(layer, true), target), mounting)
          yield* place.files.open(`${target}/file`)
          yield* Scope.close(mounting, Exit.void)
          yield* expectNothingMounted(place)
        }))
        yield* place.mounter.mount(bind(layer, true), target)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
      })
  ),
  statement(
    "a mount that is in use when its scope closes is detached with a warning that names it",
    (place) =>
      Effect.gen(function*() {
        const target = yield* makeTarget(place)
        const mounting = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), true), target), mounting)
        yield* place.files.open(`${target}/file`)
        const lines = yield* loggedBy(Scope.close(mounting, Exit.void))
        yield* expectEqual("how many lines are logged", lines.length, 1)
        yield* expectThat(`${lines[0]} names the target`, lines[0]?.includes(target) === true)
      })
  ),
  statement(
    "a mount on which another is mounted is StillInUse, until that has ended",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        yield* place.store.makeDirectory(`${layer}/inner`, 0o755)
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(layer, true), target)
        yield* place.mounter.mount(bind(yield* makeLayer(place, 1, "text"), true), `${target}/inner`)
        const error = yield* failureOf("unmounting", place.mounter.unmount(target))
        yield* expectEqual("the failure", error._tag, "StillInUse")
        yield* place.mounter.unmount(`${target}/inner`)
        yield* place.mounter.unmount(target)
        yield* expectNothingMounted(place)
      })
  ),
  statement("a scope that closes beneath another mount takes that along", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(`${layer}/inner`, 0o755)
      const target = yield* makeTarget(place)
      const [below, above] = [yield* Scope.make(), yield* Scope.make()]
      yield* Scope.provide(place.mounter.mount(bind(layer, false), target), below)
      const inner = place.mounter.mount(bind(yield* makeLayer(place, 1, "text"), false), `${target}/inner`)
      yield* Scope.provide(inner, above)
      yield* Scope.close(below, Exit.void)
      yield* expectNothingMounted(place)
      yield* Scope.close(above, Exit.void)
    })),
  statement(
    "a mount is told where it is, and ends there, though a directory above it was renamed",
    (place) =>
      Effect.gen(function*() {
        yield* place.store.makeDirectory(place.at("before"), 0o755)
        const target = yield* makeTarget(place, "before/target")
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), true), target)
          yield* place.files.rename(place.at("before"), place.at("after"))
          yield* expectEqual("at the old place", (yield* mountedOn(place, target)).length, 0)
          yield* expectEqual("at the new one", (yield* mountedOn(place, place.at("after/target"))).length, 1)
        }))
        yield* expectNothingMounted(place)
      })
  )
]
