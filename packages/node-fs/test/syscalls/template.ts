/** The stores that operations are killed on: made once at each durability, and copied for each kill. */
import { Mounter } from "@snapshotter/core/Mounter"
import { Key, Name } from "@snapshotter/core/Snapshot"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { Effect, type Scope } from "effect"
import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import * as path from "node:path"
import { openStore } from "../kill/judge.ts"
import { type Durability, type Forest } from "./operations.ts"
import { shownBy } from "./showing.ts"

export interface Template {
  readonly root: string
  readonly forest: Forest
}

const key = Key.make
const name = Name.make

/** Three committed ones in a chain, a fork, a view, and one alone; whiteouts and replaced directories among what they hold. */
export const makeTemplate = (directory: string, built: Durability): Effect.Effect<Template, never, Scope.Scope> =>
  Effect.gen(function*() {
    const root = path.join(directory, "store")
    const target = path.join(directory, "target")
    fs.mkdirSync(target, { recursive: true })
    const forest = yield* Effect.scoped(
      Effect.gen(function*() {
        const store = yield* Snapshotter
        const mounter = yield* Mounter
        const write = (key: Key, work: (at: string) => void) =>
          Effect.scoped(
            Effect.andThen(
              Effect.flatMap(store.mounts(key), (mounts) => mounter.mount(mounts, target)),
              Effect.sync(() => work(target))
            )
          )
        const commit = Effect.fnUntraced(function*(as: string, parent: string | undefined, work: (at: string) => void) {
          yield* store.prepare(key("making"), parent === undefined ? {} : { parent: name(parent) })
          yield* write(key("making"), work)
          yield* store.commit(name(as), key("making"), { labels: { made: as } })
        })
        yield* commit("base", undefined, (at) => {
          fs.mkdirSync(`${at}/d/deep`, { recursive: true })
          fs.writeFileSync(`${at}/gone`, "base")
          fs.writeFileSync(`${at}/d/deep/file`, "base".repeat(30_000), { mode: 0o640 })
          fs.symlinkSync("d/deep/file", `${at}/link`)
        })
        yield* commit("mid", "base", (at) => {
          fs.rmSync(`${at}/gone`)
          fs.rmSync(`${at}/d`, { recursive: true })
          fs.mkdirSync(`${at}/d`)
          fs.writeFileSync(`${at}/d/mid`, "mid")
        })
        yield* commit("leaf", "mid", (at) => fs.writeFileSync(`${at}/d/mid`, "leaf"))
        yield* store.prepare(key("fork"), { parent: name("mid"), labels: { kept: "yes" } })
        yield* write(key("fork"), (at) => {
          fs.rmSync(`${at}/link`)
          fs.mkdirSync(`${at}/new/deep`, { recursive: true })
          fs.writeFileSync(`${at}/new/deep/file`, "fork".repeat(20_000))
        })
        yield* store.prepare(key("alone"))
        yield* write(key("alone"), (at) => fs.writeFileSync(`${at}/file`, "alone"))
        yield* store.view(key("view"), { parent: name("mid") })
        return yield* shownBy(store, mounter, target)
      }).pipe(Effect.provide(yield* openStore(root, built)))
    )
    return { root, forest }
  }).pipe(Effect.orDie)

/** Ids that no store has given out: what a crash left. */
const ids = ["a", "b", "c", "d"].map((letter) => letter.repeat(13))

/** Everything that `open` and `cleanup` may reclaim, one of each: staged, trashed, dead links and marks, what never counted. */
export const litter = (root: string): void => {
  const [staged, trashed, dead, child] = ids
  const [leaf, fork] = [directoryOf(root, "leaf"), directoryOf(root, "fork")]
  execFileSync("cp", ["-a", directoryOf(root, "fork"), `${root}/staging/${staged}`])
  execFileSync("cp", ["-a", leaf, `${root}/trash/${trashed}`])
  fs.symlinkSync(`../active/${dead}`, path.join(root, "index", hashOf("never made")))
  fs.writeFileSync(`${leaf}/children/${child}`, "")
  fs.mkdirSync(`${leaf}/work/work`, { recursive: true })
  for (const file of ["next.json", "name.json"]) fs.writeFileSync(`${fork}/${file}`, "{")
}

const hashOf = (text: string): string => createHash("sha256").update(text).digest("hex")

/** Where the snapshot of that key or name lies. */
const directoryOf = (root: string, name: string): string => fs.realpathSync(path.join(root, "index", hashOf(name)))
