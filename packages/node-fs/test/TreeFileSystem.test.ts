import { it } from "@effect/vitest"
import { type Case, type Suite, Workplace } from "@snapshotter/core/testing/Suite"
import {
  type Needs,
  sparseTreeFileSystemSuite,
  superuserTreeFileSystemSuite,
  treeFileSystemSuite
} from "@snapshotter/core/testing/TreeFileSystemSuite"
import * as NodeTreeFileSystem from "@snapshotter/node-fs/NodeTreeFileSystem"
import { Effect, type Scope } from "effect"
import { describe } from "vitest"
import { judgement } from "../../../test/Judgement.ts"
import { asNobody, freshDirectory, freshDirectoryIn, freshDirectoryOfNobody, isRoot } from "./place.ts"

judgement("trees-node", isRoot ? undefined : "devices and owners need root")

type Place = Effect.Effect<string, never, Scope.Scope>
type Run = (test: Case<Needs>["test"]) => Case<Needs>["test"]

/** Binds a suite to fresh places of a kind. */
const bind = (title: string, place: Place, suite: Suite<Needs>, run: Run = (test) => test) =>
  describe.runIf(isRoot)(title, () => {
    for (const { name, test } of suite) {
      it.live(name, () =>
        Effect.flatMap(place, (directory) =>
          Effect.scoped(run(test)).pipe(
            Effect.provideService(Workplace, { directory }),
            Effect.provide(NodeTreeFileSystem.layer)
          )))
    }
  })

const everything = [...treeFileSystemSuite, ...superuserTreeFileSystemSuite, ...sparseTreeFileSystemSuite]

bind("trees where temporary files are", freshDirectory, everything)
bind("trees on tmpfs", freshDirectoryIn("/dev/shm"), everything)
bind("trees of an ordinary user", freshDirectoryOfNobody, treeFileSystemSuite, asNobody)
