/** What a snapshot keeps of all that a tree can hold: names that are not UTF-8, nodes of every kind, attributes, times. */
import { Effect } from "effect"
import { below, bytesOf, deviceNumber, textOf, TreeFileSystem, type TreePath } from "../../TreeFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import {
  type Bench,
  key,
  layerOf,
  mountedOn,
  name,
  type Needs as StoreNeeds,
  statement as statementOfStore
} from "./bench.ts"

export type Needs = StoreNeeds | TreeFileSystem

interface Place extends Bench {
  readonly tree: TreeFileSystem
}

const statement = <E>(of: string, test: (place: Place) => ReturnType<Parameters<typeof statementOfStore<E>>[1]>) => ({
  name: of,
  test: Effect.flatMap(TreeFileSystem, (tree) => statementOfStore(of, (bench) => test({ ...bench, tree })).test)
})

const notUtf8 = Uint8Array.of(0x61, 0xff)
const text = (of: string) => new TextEncoder().encode(of)
const times = { atimeNanoseconds: 1_234_567_890n, mtimeNanoseconds: 981_173_106_987_654_321n }

const write = (tree: TreeFileSystem, path: TreePath, bytes: Uint8Array) =>
  Effect.scoped(Effect.flatMap(tree.open(path, { write: true, create: 0o644 }), (file) => file.write(bytes, 0)))

/** Commits what the work made of a mounted fork. */
const built = Effect.fnUntraced(function*<E>(
  place: Place,
  as: string,
  parent: string | undefined,
  work: (directory: string) => Effect.Effect<unknown, E>
) {
  const options = parent === undefined ? {} : { parent: name(parent) }
  const target = yield* mountedOn(place, yield* place.store.prepare(key("making"), options), "work")
  yield* work(target)
  yield* place.mounter.unmount(target)
  yield* place.store.commit(name(as), key("making"))
})

/** A tree with something of every kind, each with times of its own. */
const fill = ({ tree }: Place) =>
  Effect.fnUntraced(function*(directory: string) {
    yield* tree.makeDirectory(below(directory, notUtf8), 0o1711)
    yield* write(tree, below(below(directory, notUtf8), notUtf8), notUtf8)
    yield* write(tree, `${directory}/file`, text("text"))
    yield* tree.setMode(`${directory}/file`, 0o640)
    yield* tree.setXattr(`${directory}/file`, "user.a", notUtf8)
    yield* tree.link(`${directory}/file`, `${directory}/again`)
    yield* tree.symlink(notUtf8, `${directory}/symlink`)
    yield* tree.makeNode(`${directory}/fifo`, { type: "fifo", mode: 0o600 })
    for (const path of [below(directory, notUtf8), `${directory}/file`, `${directory}/symlink`]) {
      yield* tree.setTimes(path, times)
    }
  })

/** All that is in a directory, whatever it is called, with what is kept of it; names as hex. */
const pictureOf = Effect.fnUntraced(function*({ tree }: Place, directory: TreePath) {
  const picture: Array<unknown> = []
  const pending: Array<readonly [string, TreePath]> = [["", directory]]
  for (let one = pending.shift(); one !== undefined; one = pending.shift()) {
    const [path, at] = one
    const { gid, mode, mtimeNanoseconds, nlink, type, uid } = yield* tree.lstat(at)
    const xattrs = yield* tree.listXattrs(at)
    const target = type === "symlink" ? bytesOf(yield* tree.readLink(at)).join() : undefined
    picture.push([path, type, mode, uid, gid, mtimeNanoseconds, type === "directory" ? 0 : nlink, [...xattrs], target])
    if (type !== "directory") continue
    for (const entry of yield* tree.readDirectory(at)) pending.push([`${path}/${entry.join()}`, below(at, entry)])
  }
  return picture.toSorted((one, other) => String(one) < String(other) ? -1 : 1)
})

const shown = Effect.fnUntraced(function*(place: Place, parent: string) {
  const target = yield* mountedOn(place, yield* place.store.view(key("looking"), { parent: name(parent) }), "look")
  const picture = yield* pictureOf(place, target)
  yield* place.mounter.unmount(target)
  yield* place.store.remove(key("looking"))
  return picture
})

export const treeCases: Suite<Needs> = [
  statement(
    "a committed snapshot shows all that was in its tree as it was, and so do forks of it and theirs",
    (place) =>
      Effect.gen(function*() {
        yield* built(place, "base", undefined, fill(place))
        const base = yield* shown(place, "base")
        yield* expectEqual("how many there are", base.length, 7)
        yield* built(place, "fork", "base", () => Effect.void)
        yield* expectEqual("a fork", yield* shown(place, "fork"), base)
        yield* built(place, "its fork", "fork", () => Effect.void)
        yield* expectEqual("a fork of that", yield* shown(place, "its fork"), base)
      })
  ),
  statement("what a fork does not change of a file stays, though it is written", (place) =>
    Effect.gen(function*() {
      const { tree } = place
      yield* built(place, "base", undefined, fill(place))
      yield* built(place, "fork", "base", (directory) => write(tree, `${directory}/file`, text("TEXT")))
      const target = yield* mountedOn(place, yield* place.store.view(key("v"), { parent: name("fork") }), "look")
      const { mode } = yield* tree.lstat(`${target}/file`)
      yield* expectEqual("the mode", mode, 0o640)
      yield* expectEqual("the attribute", [...yield* tree.getXattr(`${target}/file`, "user.a")], [...notUtf8])
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "TEXT")
    })),
  statement("a name that is not UTF-8 is removed in a fork like any other", (place) =>
    Effect.gen(function*() {
      const { tree } = place
      yield* built(place, "base", undefined, fill(place))
      yield* built(place, "fork", "base", (directory) =>
        Effect.andThen(
          tree.removeFile(below(below(directory, notUtf8), notUtf8)),
          tree.removeDirectory(below(directory, notUtf8))
        ))
      const target = yield* mountedOn(place, yield* place.store.view(key("v"), { parent: name("fork") }), "look")
      const names = (yield* tree.readDirectory(target)).map(textOf).sort()
      yield* expectEqual("what is left", names, ["again", "fifo", "file", "symlink"])
    })),
  statement(
    "the root of a fork has its base's times to the nanosecond and its extended attributes",
    (place) =>
      Effect.gen(function*() {
        const { tree } = place
        yield* built(
          place,
          "base",
          undefined,
          (directory) => Effect.andThen(tree.setXattr(directory, "user.a", text("a")), tree.setTimes(directory, times))
        )
        const fork = yield* mountedOn(place, yield* place.store.prepare(key("a"), { parent: name("base") }), "fork")
        yield* expectEqual("the attribute", [...yield* tree.getXattr(fork, "user.a")], [...text("a")])
        yield* expectEqual("the time", (yield* tree.lstat(fork)).mtimeNanoseconds, times.mtimeNanoseconds)
        yield* place.mounter.unmount(fork)
      })
  )
]

/** What only the superuser can make. */
export const superuserCases: Suite<Needs> = [
  statement(
    "deletion marks that were made by hand, as by who unpacks an image, hide what forks of it would show",
    (place) =>
      Effect.gen(function*() {
        const { tree } = place
        yield* built(place, "base", undefined, (directory) =>
          Effect.gen(function*() {
            for (const path of ["hidden", "d", "d/hidden", "kept"]) {
              yield* tree.makeDirectory(`${directory}/${path}`, 0o755)
            }
          }))
        const layer = layerOf(yield* place.store.prepare(key("unpacking"), { parent: name("base") }))
        const mark = { type: "characterDevice", mode: 0o600, rdev: deviceNumber(0, 0) } as const
        yield* tree.makeNode(`${layer}/hidden`, mark)
        yield* tree.makeDirectory(`${layer}/d`, 0o755)
        yield* tree.setXattr(`${layer}/d`, "trusted.overlay.opaque", text("y"))
        yield* place.store.commit(name("unpacked"), key("unpacking"))
        const target = yield* mountedOn(place, yield* place.store.view(key("v"), { parent: name("unpacked") }), "look")
        yield* expectEqual("what is shown", (yield* place.files.readDirectory(target)).toSorted(), ["d", "kept"])
        yield* expectEqual("what is in d", yield* place.files.readDirectory(`${target}/d`), [])
      })
  )
]
