import { layer } from "@effect/vitest"
import { Mounter } from "@snapshotter/core/Mounter"
import { type Case, type Suite, Workplace } from "@snapshotter/core/testing/Suite"
import {
  copyUpTreeFileSystemSuite,
  type MountedNeeds,
  mountedTreeFileSystemSuite,
  sparseTreeFileSystemSuite,
  superuserTreeFileSystemSuite,
  treeFileSystemSuite,
  whiteoutTreeFileSystemSuite
} from "@snapshotter/core/testing/TreeFileSystemSuite"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import * as NodeTreeFileSystem from "@snapshotter/node-fs/NodeTreeFileSystem"
import { Context, Effect, Layer, type Scope } from "effect"
import * as fs from "node:fs"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { tmpfs } from "../../../test/tmpfs.ts"
import { asNobody, freshDirectory, freshDirectoryIn, freshDirectoryOfNobody, isRoot } from "./place.ts"

judgement("trees-node", isRoot ? undefined : "devices, owners and mounts need root")

/** Where the workplaces of a suite are. */
const Place = Context.Service<{ readonly directory: string }>("test/Place")

type Run = (test: Case<MountedNeeds>["test"]) => Case<MountedNeeds>["test"]

/** Binds a suite to a place; a directory in it, of the same owner, is each case's own. */
const bind = (
  title: string,
  place: Effect.Effect<string, unknown, Scope.Scope | Mounter>,
  suite: Suite<MountedNeeds>,
  run: Run = (test) => test
) => {
  const ports = Layer.mergeAll(NodeTreeFileSystem.layer, NodeMounter.layer)
  const placed = Layer.effect(Place, Effect.map(place, (directory) => ({ directory })))
  describe.runIf(isRoot)(title, () => {
    layer(Layer.provideMerge(placed, ports), { excludeTestServices: true })((it) => {
      for (const { name, test } of suite) {
        it.effect(name, () =>
          Place.use(({ directory }) => {
            const own = fs.mkdtempSync(`${directory}/`)
            const { gid, uid } = fs.statSync(directory)
            fs.chownSync(own, uid, gid)
            return Effect.provideService(Effect.scoped(run(test)), Workplace, { directory: own })
          }))
      }
    })
  })
}

/** An overlay over an empty directory. */
const overlay = Effect.gen(function*() {
  const directory = yield* freshDirectory
  const [lower, upper, work, merged] = ["lower", "upper", "work", "merged"].map((name) => `${directory}/${name}`)
  for (const made of [lower, upper, work, merged]) fs.mkdirSync(`${made}`)
  const options = [`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${lower}`]
  yield* (yield* Mounter).mount([{ type: "overlay", source: "overlay", options }], `${merged}`)
  return `${merged}`
})

const everywhere = [...treeFileSystemSuite, ...superuserTreeFileSystemSuite]
const onDisk = [
  ...everywhere,
  ...whiteoutTreeFileSystemSuite,
  ...sparseTreeFileSystemSuite,
  ...copyUpTreeFileSystemSuite,
  ...mountedTreeFileSystemSuite
]

bind("trees where temporary files are", freshDirectory, onDisk)
bind("trees on tmpfs", Effect.suspend(() => freshDirectoryIn(tmpfs())), onDisk)
bind("trees of an ordinary user", freshDirectoryOfNobody, treeFileSystemSuite, asNobody)
bind("trees in an overlay", overlay, everywhere)
