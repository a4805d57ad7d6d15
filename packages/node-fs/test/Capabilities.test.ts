import { assert, describe, it } from "@effect/vitest"
import * as Capabilities from "@snapshotter/node-fs/Capabilities"
import { Effect, Schema } from "effect"
import * as fs from "node:fs"
import { freshDirectory, freshDirectoryOfNobody, isRoot } from "./place.ts"
import { asNobody, inUserNamespace, openDescriptors, run } from "./processes.ts"

const decode = (said: unknown): Capabilities.Capabilities =>
  Schema.is(Capabilities.Capabilities)(said) ? said : assert.fail(JSON.stringify(said))

const worksOf = ({ bindMounts, inUseMark, overlay, overlayMounts }: Capabilities.Capabilities) =>
  [overlay, bindMounts, overlayMounts, inUseMark].map(({ works }) => works)

describe("capabilities", () => {
  it.live.skipIf(!isRoot)("root can do everything, and looking leaves nothing behind", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectory
      const before = openDescriptors()
      const found = yield* Capabilities.probe(directory)
      assert.deepStrictEqual(worksOf(found), [true, true, true, true])
      assert.strictEqual(found.overlayXattrs, "trusted")
      assert.isFalse(found.userNamespace)
      assert.deepStrictEqual(fs.readdirSync(directory), [])
      assert.strictEqual(openDescriptors(), before)
      assert.notInclude(fs.readFileSync("/proc/self/mountinfo", "utf8"), directory)
      assert.notInclude(Capabilities.render(found), "what to do")
    }))

  it.live.skipIf(!isRoot)("an ordinary user is told for everything what to do", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      const found = decode(run(asNobody, "probe", { path: directory }))
      assert.deepStrictEqual(worksOf(found), [false, false, false, false])
      assert.strictEqual(found.overlayXattrs, "user")
      for (
        const finding of [found.overlay, found.bindMounts, found.overlayMounts, found.newMountApi, found.inUseMark]
      ) {
        assert.isDefined(finding.remedy)
      }
      assert.include(Capabilities.render(found), "unshare -Urm")
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    }))

  it.live.skipIf(!isRoot)("in a user namespace all works but the kernel's mark", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      const found = decode(run(inUserNamespace, "probe", { path: directory }))
      assert.deepStrictEqual(worksOf(found), [true, true, true, false])
      assert.isTrue(found.userNamespace)
      assert.deepStrictEqual(fs.readdirSync(directory), [])
    }))

  it.live("a directory that is missing is a typed failure", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectory
      const error = yield* Effect.flip(Capabilities.probe(`${directory}/missing`))
      assert.strictEqual(error.code, "ENOENT")
    }))
})
