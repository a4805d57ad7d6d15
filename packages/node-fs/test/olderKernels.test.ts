import { assert, describe, it } from "@effect/vitest"
import type { Mounts } from "@snapshotter/core/Mount"
import { Effect } from "effect"
import * as fs from "node:fs"
// Internal, so not among the package's exports.
import { EINVAL, ENOSYS, EPERM } from "../src/internal/errno.ts"
import { attachMount, planOf, type Way } from "../src/internal/mounting.ts"
import { MountTable } from "../src/internal/mountTable.ts"
import { Refused } from "../src/internal/refusal.ts"
import { type Syscalls, syscalls } from "../src/internal/syscalls.ts"
import { end } from "../src/internal/unmounting.ts"
import { usesAmong } from "../src/internal/uses.ts"
import { makeLayer, makeTarget, readOnly, writable } from "./layers.ts"
import { freshDirectory, isRoot, openMounts } from "./place.ts"

const test = (name: string, body: (directory: string) => void) =>
  it.live.skipIf(!isRoot)(name, () => Effect.map(freshDirectory, body))

/** The system calls as a kernel has them that refuses some. */
const refusing = (refused: Partial<Record<keyof Syscalls, number>>): Syscalls => {
  const calls = Object.entries(refused).map(([name, errno]) => [name, () => -errno])
  return { ...syscalls(), ...Object.fromEntries(calls) }
}

/** Before 6.13: directories by descriptor alone are refused. */
const withoutDescriptors: Syscalls = {
  ...syscalls(),
  fsconfig: (fd, command, key, value, aux) =>
    command === 5 ? -EINVAL : syscalls().fsconfig(fd, command, key, value, aux)
}

/** Before 6.8: no unique mount ids. */
const withoutUniqueIds: Syscalls = {
  ...syscalls(),
  statx: (directory, path, flags, mask, into) => syscalls().statx(directory, path, flags, mask & ~0x4000, into)
}

/** Mounts, looks, unmounts; nothing is left. */
const mounted = (
  sys: Syscalls,
  mounts: Mounts,
  target: string,
  look: (table: MountTable) => void,
  way: Way = "auto"
) => {
  const table = new MountTable()
  const [mount] = mounts
  assert.isDefined(mount)
  if (mount === undefined) return
  const attached = attachMount(sys, planOf(mount, fs.realpathSync.native), target, way, () => table.read(sys))
  look(table)
  assert.strictEqual(end(sys, attached, () => table.read(sys)), "unmounted")
  assert.strictEqual(end(sys, attached, () => table.read(sys)), "unmounted already")
  assert.deepStrictEqual(openMounts(target), [])
  table.close()
}

describe("older kernels", () => {
  for (const [errno, what] of [[ENOSYS, "missing"], [EPERM, "forbidden"]] as const) {
    test(`F104: mount(2) is used where the new calls are ${what}`, (directory) => {
      const sys = refusing({ fsopen: errno, openTree: errno })
      const [lower, upper, target] = [makeLayer(directory, 1), makeLayer(directory, 2), makeTarget(directory)]
      for (const mounts of [writable(upper, [lower]), writable(upper, []), readOnly([lower])]) {
        mounted(sys, mounts, target, () => assert.include(["file1", "file2"], fs.readdirSync(target)[0]))
      }
    })
  }

  test("F104: any other refusal is an answer, and asked for alone the new calls are not replaced", (directory) => {
    const [lower, upper, target] = [makeLayer(directory, 1), makeLayer(directory, 2), makeTarget(directory)]
    const attempts = [[EINVAL, "auto"], [ENOSYS, "fsopen"]] as const
    for (const [errno, way] of attempts) {
      const sys = refusing({ fsopen: errno, openTree: errno })
      for (const mounts of [writable(upper, [lower]), readOnly([lower])]) {
        assert.throws(() => mounted(sys, mounts, target, () => {}, way), Refused)
      }
    }
    assert.deepStrictEqual(openMounts(target), [])
  })

  for (const name of ["plain", "back\\slash", "com,ma:colon", "r".repeat(250)]) {
    test(`without descriptors layers below ${JSON.stringify(name.slice(0, 20))} are text, and found`, (directory) => {
      const root = `${directory}/${name}`
      fs.mkdirSync(root)
      const [lower, upper, target] = [makeLayer(root, 1), makeLayer(root, 2), makeTarget(directory)]
      mounted(withoutDescriptors, writable(upper, [lower]), target, (table) => {
        assert.deepStrictEqual(fs.readdirSync(target).sort(), ["file1", "file2"])
        const usesOf = (layer: string) => usesAmong(syscalls(), table.read(syscalls()), layer).map(({ use }) => use)
        assert.deepStrictEqual(usesOf(lower), [{ target, as: "lower", writable: false }])
        assert.deepStrictEqual(usesOf(upper), [{ target, as: "upper", writable: true }])
      })
    })
  }

  test("a mount is told from others where ids are used again", (directory) => {
    const [lower, upper, target] = [makeLayer(directory, 1), makeLayer(directory, 2), makeTarget(directory)]
    mounted(withoutUniqueIds, writable(upper, [lower]), target, () => {})
    mounted(withoutUniqueIds, readOnly([lower]), target, () => {})
  })
})
