/** Bind mounts: what they show, how long they last, and how they fail. */
import { Effect } from "effect"
import type { Mounts } from "../../Mount.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import {
  bind,
  expectNothingMounted,
  expectRefusedWrite,
  expectUses,
  inScope,
  makeLayer,
  makeTarget,
  mountedOn,
  type Needs,
  oddNames,
  statement,
  withOddRoot
} from "./bench.ts"

export const bindingCases: Suite<Needs> = [
  statement("a bind mount shows its source", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
    })),
  statement("what is written through a writable bind mount lands in its source", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.files.writeFileString(`${target}/file`, "new")
      yield* place.files.makeDirectory(`${target}/directory`)
      yield* expectEqual("the text", yield* place.store.readFile(`${layer}/file`), "new")
      yield* expectEqual("the directory", (yield* place.store.lstat(`${layer}/directory`))?.type, "directory")
    })),
  statement("a read-only bind mount shows its source and refuses every change", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, false), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
      yield* expectRefusedWrite(place, `${target}/file`)
      yield* expectRefusedWrite(place, `${target}/new`)
      yield* failureOf("removing", place.files.remove(`${target}/file`))
      yield* failureOf("making a directory", place.files.makeDirectory(`${target}/new`))
      yield* failureOf("moving", place.files.rename(`${target}/file`, `${target}/moved`))
      yield* failureOf("changing the mode", place.files.chmod(`${target}/file`, 0o600))
      yield* expectEqual("the names", yield* place.store.readDirectory(layer), ["file"])
      yield* expectEqual("the text", yield* place.store.readFile(`${layer}/file`), "text")
    })),
  statement(
    "a read-only mount keeps a tree that is to be removed: EROFS, and all is there",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* place.store.makeDirectory(`${layer}/directory`, 0o755)
        yield* place.store.writeFile(`${layer}/directory/inner`, "", 0o644)
        yield* place.mounter.mount(bind(layer, false), target)
        for (const name of ["directory", "file"]) {
          const error = yield* failureOf("removing", place.store.removeTree(`${target}/${name}`))
          yield* expectEqual(`the errno for a ${name}`, error.code, "EROFS")
        }
        yield* expectEqual("what was in it", yield* place.store.readDirectory(`${layer}/directory`), ["inner"])
      })
  ),
  statement("rw and ro contradict each other", (place) =>
    Effect.gen(function*() {
      const source = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      const both: Mounts = [{ type: "bind", source, options: ["rw", "ro", "rbind"] }]
      const error = yield* failureOf("mounting", inScope(place.mounter.mount(both, target)))
      yield* expectEqual("the failure", error._tag === "MountFailed" ? error.code : error._tag, "EINVAL")
      yield* expectNothingMounted(place)
    })),
  statement("a mount ends with its scope, and what it covered is there again", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.store.writeFile(`${target}/covered`, "covered", 0o644)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(bind(layer, true), target)
        yield* expectEqual("the names", yield* place.files.readDirectory(target), ["file"])
      }))
      yield* expectEqual("the names", yield* place.files.readDirectory(target), ["covered"])
      yield* expectNothingMounted(place)
    })),
  statement("a mount ends when what uses it fails", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      const use = Effect.andThen(place.mounter.mount(bind(layer, true), target), Effect.fail("no"))
      yield* expectEqual("the failure", yield* failureOf("the use", inScope(use)), "no")
      yield* expectNothingMounted(place)
    })),
  statement(
    "what is mounted is told by its exact target, and whether it can be written",
    (place) =>
      Effect.gen(function*() {
        const writable = yield* makeLayer(place, 0, "a")
        const readOnly = yield* makeLayer(place, 1, "b")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* place.mounter.mount(bind(writable, true), first)
        yield* place.mounter.mount(bind(readOnly, false), second)
        yield* expectEqual("the first", (yield* mountedOn(place, first)).map((mount) => mount.writable), [true])
        yield* expectEqual("the second", (yield* mountedOn(place, second)).map((mount) => mount.writable), [false])
        const targets = (yield* place.mounter.mounted).map(({ target }) => target)
        yield* expectThat("the older one comes first", targets.indexOf(first) < targets.indexOf(second))
      })
  ),
  statement(
    "any characters may be in the paths of a bind mount, and come back exactly",
    (place) =>
      Effect.forEach(oddNames, (name) =>
        inScope(Effect.gen(function*() {
          const odd = yield* withOddRoot(place, name)
          const layer = yield* makeLayer(odd, 0, name)
          const target = yield* makeTarget(odd, `${name.slice(0, 100)}!`)
          yield* odd.mounter.mount(bind(layer, true), target)
          yield* expectEqual("the text", yield* odd.files.readFileString(`${target}/file`), name)
          yield* expectEqual("the mounts", (yield* mountedOn(odd, target)).length, 1)
          yield* expectUses(odd, layer, [{ target, as: "bind", writable: true }])
          yield* odd.mounter.unmount(target)
          yield* expectNothingMounted(odd)
        })), { discard: true })
  ),
  statement(
    "mounting on what is missing is MountFailed with ENOENT, and on a file with ENOTDIR",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        yield* place.store.writeFile(place.at("plain"), "", 0o644)
        const missing = yield* failureOf(
          "mounting",
          inScope(place.mounter.mount(bind(layer, true), place.at("missing")))
        )
        const plain = yield* failureOf("mounting", inScope(place.mounter.mount(bind(layer, true), place.at("plain"))))
        for (const [error, code] of [[missing, "ENOENT"], [plain, "ENOTDIR"]] as const) {
          yield* expectEqual("the failure", error._tag, "MountFailed")
          yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, code)
        }
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "mounting a source that is missing is MountFailed with ENOENT, and leaves nothing mounted",
    (place) =>
      Effect.gen(function*() {
        const target = yield* makeTarget(place)
        const error = yield* failureOf(
          "mounting",
          inScope(place.mounter.mount(bind(place.at("missing"), false), target))
        )
        yield* expectEqual("the failure", error._tag, "MountFailed")
        yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "ENOENT")
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "of several mounts on one target the last is seen, and all end with the scope",
    (place) =>
      Effect.gen(function*() {
        const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount([...bind(a, true), ...bind(b, true)], target)
          yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "b")
          yield* expectEqual("how many", (yield* mountedOn(place, target)).length, 2)
        }))
        yield* expectNothingMounted(place)
      })
  ),
  statement("where one of several mounts fails, none stays", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "a")
      const target = yield* makeTarget(place)
      const mounts = [...bind(layer, true), ...bind(place.at("missing"), true)]
      yield* failureOf("mounting", place.mounter.mount(mounts, target))
      yield* expectNothingMounted(place)
    })),
  statement(
    "where a later one of several mounts is refused when the first is made, none stays",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "a")
        const target = yield* makeTarget(place)
        const error = yield* failureOf(
          "mounting",
          place.mounter.mount([...bind(layer, true), ...bind(layer, true)], target)
        )
        yield* expectEqual("the failure", error._tag, "AlreadyMounted")
        yield* expectNothingMounted(place)
      })
  ),
  statement("no mounts at all are MountFailed", (place) =>
    Effect.gen(function*() {
      const target = yield* makeTarget(place)
      const error = yield* failureOf("mounting", place.mounter.mount([], target))
      yield* expectEqual("the failure", error._tag, "MountFailed")
    })),
  statement(
    "a target that is reached through a symlink is told by where it really is",
    (place) =>
      Effect.gen(function*() {
        const target = yield* makeTarget(place)
        yield* place.store.symlink("target", place.at("link"))
        yield* place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), true), place.at("link"))
        yield* expectEqual("how many are there", (yield* mountedOn(place, target)).length, 1)
        yield* place.mounter.unmount(place.at("link"))
        yield* expectNothingMounted(place)
      })
  ),
  statement("rbind brings along what is mounted in its source, bind leaves it", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(`${layer}/inner`, 0o755)
      yield* place.mounter.mount(bind(yield* makeLayer(place, 1, "inner"), true), `${layer}/inner`)
      const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
      yield* place.mounter.mount([{ type: "bind", source: layer, options: ["ro", "rbind"] }], first)
      yield* place.mounter.mount([{ type: "bind", source: layer, options: ["ro", "bind"] }], second)
      yield* expectEqual("with rbind", yield* place.files.readDirectory(`${first}/inner`), ["file"])
      yield* expectEqual("with bind", yield* place.files.readDirectory(`${second}/inner`), [])
      yield* expectRefusedWrite(place, `${first}/inner/file`)
    })),
  statement(
    "a writable mount of what is mounted read-only refuses writes all the same",
    (place) =>
      Effect.gen(function*() {
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* place.mounter.mount(bind(yield* makeLayer(place, 0, "text"), false), first)
        yield* place.mounter.mount(bind(first, true), second)
        yield* expectRefusedWrite(place, `${second}/file`)
        yield* expectEqual("what it is told as", (yield* mountedOn(place, second)).map(({ writable }) => writable), [
          false
        ])
      })
  )
]
