/** Directories that are gone from the tree and still shown by a mount, and what lies above a mount. */
import { Effect, type Scope } from "effect"
import { mountsOf } from "../../Mount.ts"
import { Mounter } from "../../Mounter.ts"
import type { TreeFileSystem } from "../../TreeFileSystem.ts"
import { bind } from "../mounter/bench.ts"
import { type Case, type Suite } from "../Suite.ts"
import { type At, bytes, expectCode, put, statement as treeStatement } from "./bench.ts"
import type { Needs } from "./mounts.ts"

const statement = <E>(
  name: string,
  test: (tree: TreeFileSystem, at: At, mounter: Mounter) => Effect.Effect<void, E, Scope.Scope>
): Case<Needs> => ({
  name,
  test: Effect.flatMap(Mounter, (mounter) => treeStatement(name, (tree, at) => test(tree, at, mounter)).test)
})

const makeAll = (tree: TreeFileSystem, at: At, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (name) => tree.makeDirectory(at(name), 0o755), { discard: true })

/** `upper` over `lower`, on `merged`. */
const mountOverlay = (mounter: Mounter, at: At) =>
  mounter.mount(
    mountsOf({ writable: true, layer: at("upper"), work: at("work"), parents: [at("lower")] }, []),
    at("merged")
  )

export const removedRootCases: Suite<Needs> = [
  statement(
    "nothing is listed, looked up or made in a directory that has been removed: ENOENT",
    (tree, at, mounter) =>
      Effect.gen(function*() {
        for (const writable of [true, false]) {
          yield* makeAll(tree, at, ["shown", `target${writable}`])
          yield* mounter.mount(bind(at("shown"), writable), at(`target${writable}`))
          yield* tree.removeDirectory(at("shown"))
          const inside = at(`target${writable}/x`)
          yield* expectCode("readDirectory", tree.readDirectory(at(`target${writable}`)), "ENOENT")
          yield* expectCode("lstat", tree.lstat(inside), "ENOENT")
          yield* expectCode("deeper", tree.lstat(`${inside}/y`), "ENOENT")
          yield* expectCode("makeDirectory", tree.makeDirectory(inside, 0o755), "ENOENT")
          yield* expectCode("symlink", tree.symlink("x", inside), "ENOENT")
          yield* expectCode("makeNode", tree.makeNode(inside, { type: "fifo", mode: 0o600 }), "ENOENT")
          yield* tree.lstat(at(`target${writable}`))
        }
      })
  ),
  statement(
    "a name that ends in .. lies in the directory it leads out of, also where that is a mount",
    (tree, at, mounter) =>
      Effect.gen(function*() {
        yield* makeAll(tree, at, ["shown", "target"])
        yield* put(tree, at("shown/inside"))
        yield* put(tree, at("outside"))
        yield* mounter.mount(bind(at("shown"), true), at("target"))
        for (
          const [renaming, code] of [["replace", "EBUSY"], ["noReplace", "EEXIST"], ["exchange", "EBUSY"]] as const
        ) {
          yield* expectCode(renaming, tree.rename(at("target/inside"), at("target/.."), renaming), code)
          yield* expectCode(`${renaming} from outside`, tree.rename(at("outside"), at("target/.."), renaming), "EXDEV")
        }
      })
  )
]

/** The same in overlays that are the kernel's, or as it has them. */
export const overlayRootCases: Suite<Needs> = [
  statement(
    "what lower layers have in it does not come back when a directory of an overlay is removed",
    (tree, at, mounter) =>
      Effect.gen(function*() {
        yield* makeAll(tree, at, ["lower", "lower/d", "lower/empty", "upper", "work", "merged", "shown", "shownEmpty"])
        yield* put(tree, at("lower/d/file"), "old")
        yield* mountOverlay(mounter, at)
        yield* mounter.mount(bind(at("merged/d"), true), at("shown"))
        yield* mounter.mount(bind(at("merged/empty"), true), at("shownEmpty"))
        yield* tree.removeFile(at("merged/d/file"))
        yield* tree.removeDirectory(at("merged/d"))
        yield* tree.removeDirectory(at("merged/empty"))
        for (const name of ["shown", "shownEmpty"]) {
          yield* expectCode(`${name}/file`, tree.lstat(at(`${name}/file`)), "ENOENT")
          yield* expectCode("readDirectory", tree.readDirectory(at(name)), "ENOENT")
        }
        yield* expectCode("setMode", tree.setMode(at("shownEmpty"), 0o700), "ENOTDIR")
        yield* expectCode("setXattr", tree.setXattr(at("shownEmpty"), "user.a", bytes("x")), "ENOTDIR")
      })
  ),
  statement(
    "what is mounted on a directory of the upper layer keeps it in its place in the overlay",
    (tree, at, mounter) =>
      Effect.gen(function*() {
        yield* makeAll(tree, at, ["lower", "upper", "upper/point", "upper/free", "work", "merged", "shown"])
        yield* mounter.mount(bind(at("shown"), true), at("upper/point"))
        yield* mountOverlay(mounter, at)
        yield* expectCode("removeDirectory", tree.removeDirectory(at("merged/point")), "EBUSY")
        yield* expectCode("rename", tree.rename(at("merged/point"), at("merged/x")), "EBUSY")
        yield* expectCode("rename to", tree.rename(at("merged/free"), at("merged/point")), "EBUSY")
        yield* expectCode("exchange", tree.rename(at("merged/free"), at("merged/point"), "exchange"), "EBUSY")
      })
  )
]
