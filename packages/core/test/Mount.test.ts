import { assert, describe, it } from "@effect/vitest"
import { isWritable, type Mount, mountsOf, overlayOptions, type Tree } from "@snapshotter/core/Mount"
import * as fc from "fast-check"

/** Absolute paths of any characters but NUL, those that option strings treat specially more often than others. */
const path = fc.array(
  fc.string({
    unit: fc.oneof(
      fc.constantFrom("\\", ":", ",", "=", " ", "\n", "\""),
      fc.string({ unit: "binary", minLength: 1, maxLength: 1 })
    ),
    minLength: 1
  })
    .map((name) => name.replaceAll("\0", "0").replaceAll("/", "|")),
  { minLength: 1, maxLength: 4 }
).map((names) => `/${names.join("/")}`)

const tree: fc.Arbitrary<Tree> = fc.record({
  writable: fc.boolean(),
  layer: path,
  work: path,
  parents: fc.array(path, { maxLength: 5 })
})

const extra = fc.subarray(["index=off", "userxattr", "volatile", "context=\"a:c1,c2\"", "xino=off"])

/** What the mounts of a tree are, said once more. */
const isBind = ({ parents, writable }: Tree) => parents.length === 0 || (!writable && parents.length === 1)

const only = (mounts: ReadonlyArray<Mount>): Mount => {
  assert.lengthOf(mounts, 1)
  return mounts[0] ?? assert.fail("there is no mount")
}

describe("mountsOf", () => {
  it("puts paths of any characters into an overlay's options so that overlayOptions takes them out again", () => {
    fc.assert(
      fc.property(tree, extra, (tree, extra) => {
        const mount = only(mountsOf(tree, extra))
        if (mount.type === "bind") return assert.isTrue(isBind(tree))
        assert.isFalse(isBind(tree))
        assert.deepStrictEqual(overlayOptions(mount), {
          lower: tree.parents,
          upper: tree.writable ? tree.layer : undefined,
          work: tree.writable ? tree.work : undefined,
          others: extra
        })
      }),
      { numRuns: 1_000 }
    )
  })

  it("leaves nothing that the kernel would split at but what splits: one option each, colons between lower layers alone", () => {
    fc.assert(fc.property(tree, (tree) => {
      const mount = only(mountsOf(tree, []))
      if (mount.type === "bind") return
      // As the kernel reads an option string: a backslash takes the next character as it is.
      const unescaped = (text: string, separator: string) => {
        let count = 0
        for (let at = 0; at < text.length; at++) {
          if (text[at] === "\\") at++
          else if (text[at] === separator) count++
        }
        return count
      }
      const joined = mount.options.join(",")
      assert.strictEqual(unescaped(joined, ","), mount.options.length - 1)
      const lower = mount.options.find((option) => option.startsWith("lowerdir=")) ?? ""
      assert.strictEqual(unescaped(lower, ":"), tree.parents.length - 1)
    }))
  })

  it("binds the one directory where one is enough, as it is, and says read-only where it must not be written", () => {
    fc.assert(fc.property(tree, extra, (tree, extra) => {
      const mount = only(mountsOf(tree, extra))
      assert.strictEqual(isWritable(mount), tree.writable)
      if (mount.type === "overlay") return
      assert.deepStrictEqual(mount, {
        type: "bind",
        source: tree.parents[0] ?? tree.layer,
        options: [tree.writable ? "rw" : "ro", "rbind"]
      })
    }))
  })

  it("keeps the order: what is configured, workdir, upperdir, lowerdir", () => {
    const mounts = mountsOf({ writable: true, layer: "/u", work: "/w", parents: ["/p1", "/p,2", "/p:3"] }, [
      "index=off"
    ])
    assert.deepStrictEqual(mounts, [{
      type: "overlay",
      source: "overlay",
      options: ["index=off", "workdir=/w", "upperdir=/u", "lowerdir=/p1:/p\\,2:/p\\:3"]
    }])
  })
})

describe("overlayOptions", () => {
  it("finds no directories where there are none, and leaves what only looks like them among the others", () => {
    const overlay = (...options: ReadonlyArray<string>) =>
      overlayOptions({ type: "overlay", source: "overlay", options })
    const none = { lower: [], upper: undefined, work: undefined }
    assert.deepStrictEqual(overlay(), { ...none, others: [] })
    assert.deepStrictEqual(overlay("lowerdir="), { ...none, others: [] })
    const others = ["lowerdir", "x-lowerdir=/a", "context=upperdir=/a", "workdir+=/a"]
    assert.deepStrictEqual(overlay(...others), { ...none, others })
  })
})
