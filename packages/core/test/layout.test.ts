import { assert, describe, it } from "@effect/vitest"
import { SnapshotId } from "@snapshotter/core/Snapshot"
import * as fc from "fast-check"
// Internal, so not among the package's exports.
import {
  directories,
  idsAmong,
  isHash,
  kinds,
  layoutOf,
  linkText,
  parentLinkText,
  parseLink,
  parseParentLink,
  rootBytesMax
} from "../src/internal/layout.ts"

const id = fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), minLength: 13, maxLength: 13 })
  .map((id) => SnapshotId.make(id))

/** Texts that are almost links. */
const almost = fc.array(
  fc.oneof(fc.constantFrom("..", ".", "", "committed", "active", "view", "trash", "Active"), id),
  { maxLength: 5 }
).map((parts) => parts.join("/"))

describe("links", () => {
  it("say where a snapshot is, in one way alone", () => {
    fc.assert(fc.property(fc.constantFrom(...kinds), id, (kind, id) => {
      assert.deepStrictEqual(parseLink(linkText({ kind, id })), { kind, id })
      assert.strictEqual(linkText({ kind, id }), `../${kind}/${id}`)
    }))
    fc.assert(
      fc.property(almost, (text) => {
        const target = parseLink(text)
        if (target !== undefined) assert.strictEqual(linkText(target), text)
      }),
      { numRuns: 2_000 }
    )
    for (
      const text of [
        "x/active/abcdefghijklm",
        "../trash/abcdefghijklm",
        "../active/abcdefghijklm/",
        "../active/abcdefghijklm/x"
      ]
    ) {
      assert.isUndefined(parseLink(text))
    }
  })

  it("of a parent too", () => {
    fc.assert(fc.property(id, (id) => {
      assert.strictEqual(parseParentLink(parentLinkText(id)), id)
      assert.strictEqual(parentLinkText(id), `../../committed/${id}`)
      for (const other of [`../committed/${id}`, `../../comitted/${id}`, id, `x${parentLinkText(id)}`]) {
        assert.isUndefined(parseParentLink(other))
      }
      assert.isUndefined(parseParentLink(`../../../active/${id}`))
    }))
  })

  it("of the index are called by a hash, as it is written, and by nothing else", () => {
    const hash = "0123456789abcdef".repeat(4)
    assert.isTrue(isHash(hash))
    for (
      const other of ["", hash.slice(1), `${hash}0`, `0${hash}`, hash.toUpperCase(), `g${hash.slice(1)}`, `${hash}.tmp`]
    ) {
      assert.isFalse(isHash(other), other)
    }
  })

  it("name ids, and other names in a directory are not ours", () => {
    fc.assert(fc.property(fc.array(fc.oneof(id, fc.string())), (names) => {
      for (const name of idsAmong(names)) assert.match(name, /^[a-z2-7]{13}$/)
      assert.strictEqual(idsAmong(names).length, names.filter((name) => /^[a-z2-7]{13}$/.test(name)).length)
    }))
  })
})

describe("paths", () => {
  it("are those that the head of the module draws", () => {
    const { index, link, nextVersion, place, snapshot, trashedChildren, trashedWork, version } = layoutOf("/r")
    const { child, metadata, ...inside } = snapshot("committed", SnapshotId.make("abcdefghijklm"))
    const at = "/r/committed/abcdefghijklm"
    assert.deepStrictEqual(inside, {
      directory: at,
      layer: `${at}/fs`,
      work: `${at}/work`,
      parent: `${at}/parent`,
      key: `${at}/key.json`,
      name: `${at}/name.json`,
      next: `${at}/next.json`,
      children: `${at}/children`,
      suspect: `${at}/suspect`
    })
    assert.strictEqual(child(SnapshotId.make("nopqrstuvwxyz")), `${at}/children/nopqrstuvwxyz`)
    assert.deepStrictEqual(kinds.map(metadata), [inside.key, inside.key, inside.name])
    assert.deepStrictEqual([version, index, link("0f"), place("staging")], [
      "/r/version",
      "/r/index",
      "/r/index/0f",
      "/r/staging"
    ])
    assert.strictEqual(nextVersion, "/r/staging/version")
    assert.strictEqual(trashedWork(SnapshotId.make("abcdefghijklm")), "/r/trash/abcdefghijklm-work")
    assert.strictEqual(trashedChildren(SnapshotId.make("abcdefghijklm")), "/r/trash/abcdefghijklm-children")
    assert.deepStrictEqual([...directories], ["index", "active", "view", "committed", "staging", "trash"])
  })

  it("have at most 4,095 bytes, below the longest root", () => {
    const id = SnapshotId.make("abcdefghijklm")
    const root = `/${"r".repeat(rootBytesMax - 1)}`
    const { link, snapshot, trashedChildren, trashedWork } = layoutOf(root)
    const all = [
      link("0".repeat(64)),
      trashedWork(id),
      trashedChildren(id),
      ...directories.flatMap((place) => {
        if (place === "index") return []
        const { child, metadata, ...inside } = snapshot(place, id)
        return [child(id), ...kinds.map(metadata), ...Object.values(inside)]
      })
    ]
    assert.strictEqual(Math.max(...all.map((path) => path.length)), 4_095)
  })
})
