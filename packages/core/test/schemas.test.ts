/** The shapes that are told to others: what is one of them, and what is not. */
import { assert, describe, it } from "@effect/vitest"
import { Mount } from "@snapshotter/core/Mount"
import { MountFailed } from "@snapshotter/core/Mounter"
import { Info, Kind, SnapshotId, Usage } from "@snapshotter/core/Snapshot"
import { Schema } from "effect"

const takes = (schema: Schema.Codec<unknown>, value: unknown): boolean =>
  Schema.decodeUnknownResult(schema)(value)._tag === "Success"

describe("what is known about a snapshot", () => {
  const common = { name: "n", labels: { l: "1" }, createdAt: 1n, updatedAt: 2n }
  const kinds = { active: false, view: true, committed: true }
  // As a program would have it; JSON has no bigint.
  const is = Schema.is(Info)

  it("is one of three shapes, told apart by the kind, which says whether it can be written", () => {
    for (const [kind, readonly] of Object.entries(kinds)) {
      assert.isTrue(is({ ...common, kind, readonly }))
      assert.isTrue(is({ ...common, kind, readonly, parent: "p" }))
      assert.isFalse(is({ ...common, kind, readonly: !readonly }))
      assert.isFalse(is({ ...common, kind: "", readonly }))
    }
    assert.deepStrictEqual(Object.keys(Info.cases), Object.keys(kinds))
  })

  it("has all its fields, each of its type", () => {
    const whole = { ...common, kind: "view", readonly: true }
    for (const field of Object.keys(whole)) {
      assert.isFalse(is({ ...whole, [field]: undefined }), field)
      assert.isFalse(is(Object.fromEntries(Object.entries(whole).filter(([name]) => name !== field))), field)
    }
    for (const wrong of [{ name: 5 }, { parent: 5 }, { labels: { l: 1 } }, { createdAt: 1 }, { updatedAt: "2" }]) {
      assert.isFalse(is({ ...whole, ...wrong }), JSON.stringify(Object.keys(wrong)))
    }
  })

  it("is of one of three kinds", () => {
    for (const kind of ["active", "view", "committed"]) assert.isTrue(takes(Kind, kind))
    for (const other of ["", "Active", "staging", undefined]) assert.isFalse(takes(Kind, other))
  })
})

describe("usage", () => {
  it("is bytes and inodes", () => {
    assert.isTrue(takes(Usage, { bytes: 1, inodes: 2 }))
    for (const other of [{}, { bytes: 1 }, { inodes: 2 }, { bytes: "1", inodes: 2 }]) {
      assert.isFalse(takes(Usage, other))
    }
  })
})

describe("a mounter's refusal", () => {
  it("is of a mount, an unmount or a look at what is mounted, and says which", () => {
    for (const operation of ["mount", "unmount", "read mounts"] as const) {
      const failed = new MountFailed({ operation, target: "/m", code: "EIO", reason: "a reason" })
      assert.strictEqual(failed.message, `cannot ${operation} "/m": a reason (EIO)`)
    }
  })
})

describe("an id", () => {
  it("is 13 characters of lower-case base32 and nothing else", () => {
    const id = "abcxyz2345677"
    assert.isTrue(takes(SnapshotId, id))
    for (
      const other of [`${id}a`, `a${id}`, id.slice(1), id.toUpperCase(), `${id.slice(1)}1`, `${id.slice(1)}\n`, ""]
    ) {
      assert.isFalse(takes(SnapshotId, other), JSON.stringify(other))
    }
  })
})

describe("a mount", () => {
  it("is a bind of any directory, or an overlay, which has no source", () => {
    const options = ["rw"]
    assert.isTrue(takes(Mount, { type: "bind", source: "/a", options }))
    assert.isTrue(takes(Mount, { type: "overlay", source: "overlay", options }))
    assert.isFalse(takes(Mount, { type: "overlay", source: "/a", options }))
    assert.isFalse(takes(Mount, { type: "overlay", source: "", options }))
    assert.isFalse(takes(Mount, { type: "", source: "/a", options }))
    assert.isFalse(takes(Mount, { type: "bind", source: "/a" }))
    assert.deepStrictEqual(Object.keys(Mount.cases), ["bind", "overlay"])
  })
})
