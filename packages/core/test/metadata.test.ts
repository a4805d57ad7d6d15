import { assert, describe, it } from "@effect/vitest"
import { SnapshotId } from "@snapshotter/core/Snapshot"
import { Result } from "effect"
import * as fc from "fast-check"
// Internal, so not among the package's exports.
import {
  decodeStoreRecord,
  encodeMetadata,
  encodeStoreRecord,
  formatVersion,
  isTornRecord,
  type Metadata,
  readMetadata
} from "../src/internal/metadata.ts"

/** Any text that has bytes. */
const text = fc.string({ unit: "binary", maxLength: 30 })

const labels = fc.array(fc.tuple(fc.oneof(fc.constantFrom("__proto__", "constructor", "a"), text), text), {
  maxLength: 5
})
  // `fromEntries` defines properties, so `__proto__` is one.
  .map((entries): Record<string, string> => Object.fromEntries(entries))

const id = fc.string({ unit: fc.constantFrom(..."abcdefghijklmnopqrstuvwxyz234567"), minLength: 13, maxLength: 13 })
  .map((id) => SnapshotId.make(id))

const time = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n })

const metadata: fc.Arbitrary<Metadata> = fc.record({
  version: fc.constant(formatVersion),
  name: text,
  labels,
  createdAt: time,
  updatedAt: time,
  durable: fc.boolean()
}).chain((common) => fc.oneof(fc.constant(common), id.map((parent) => ({ ...common, parent }))))

const problem = (text: string): string =>
  Result.match(readMetadata(text), { onFailure: (reason) => reason, onSuccess: () => "none" })

describe("metadata", () => {
  it("comes back from its text as it was: any name, any labels, times to the nanosecond", () => {
    fc.assert(
      fc.property(metadata, (metadata) => {
        const read = Result.getOrThrow(readMetadata(encodeMetadata(metadata)))
        assert.deepStrictEqual({ ...read, labels: Object.entries(read.labels) }, {
          ...metadata,
          labels: Object.entries(metadata.labels)
        })
        assert.strictEqual(Object.getPrototypeOf({ ...read.labels }), Object.prototype)
      }),
      { numRuns: 500 }
    )
  })

  it("does not read what was cut off, whatever it was", () => {
    fc.assert(fc.property(metadata, fc.nat(), (metadata, at) => {
      const whole = encodeMetadata(metadata)
      assert.notStrictEqual(problem(whole.slice(0, at % whole.length)), "none")
    }))
  })

  it("does not read any other text, and never throws", () => {
    fc.assert(fc.property(fc.oneof(text, fc.json()), (other) => assert.notStrictEqual(problem(other), "none")))
  })

  it("does not read what has one field of another kind, or lacks one", () => {
    const wrong: Readonly<Record<string, ReadonlyArray<unknown>>> = {
      version: [0, "1", null],
      name: [5, null, ["a"]],
      parent: ["", "abcdefghijklm1", "ABCDEFGHIJKLM", null, 5],
      labels: [[], null, "a", { a: 1 }, { a: "1", b: null }],
      createdAt: [1, "", "1.5", "x1", "1x", "--1", null],
      updatedAt: [1, "", "1.5", "x1", "1x", "--1", null],
      durable: ["true", 1, null]
    }
    fc.assert(fc.property(metadata, (metadata) => {
      const whole: Readonly<Record<string, unknown>> = JSON.parse(encodeMetadata(metadata))
      for (const [field, values] of Object.entries(wrong)) {
        const without = Object.fromEntries(Object.entries(whole).filter(([name]) => name !== field))
        if (field !== "parent") assert.notStrictEqual(problem(JSON.stringify(without)), "none", field)
        for (const value of values) {
          const text = JSON.stringify({ ...whole, [field]: value })
          assert.notStrictEqual(problem(text), "none", `${field}: ${JSON.stringify(value)}`)
        }
      }
    }))
  })

  it("says what is wrong with a text", () => {
    assert.include(problem(""), "empty")
    assert.include(problem("\0".repeat(4096)), "NUL")
    for (const text of ["\0x", "x\0", "null", "5"]) assert.include(problem(text), "not the JSON")
    assert.include(problem("{\"version\":1"), "not the JSON")
    assert.include(problem("[]"), "not the JSON")
    assert.include(problem("{\"version\":1,\"name\":5}"), "wrong shape")
    assert.include(problem("{\"version\":999,\"name\":\"a\"}"), "999")
  })

  it("refuses newer versions, also where all else would do", () => {
    fc.assert(fc.property(metadata, fc.integer({ min: 2, max: 2 ** 31 }), (metadata, version) => {
      const newer = encodeMetadata(metadata).replace("\"version\":1", `"version":${version}`)
      assert.include(problem(newer), `format version ${version}`)
    }))
  })
})

describe("a store's record", () => {
  it("comes back from its text as it was", () => {
    for (const overlayXattrs of ["trusted", "user"] as const) {
      for (const durable of [true, false]) {
        const record = { version: formatVersion, overlayXattrs, durable } as const
        assert.deepStrictEqual(Result.getOrThrow(decodeStoreRecord(encodeStoreRecord(record))), record)
      }
    }
  })

  it("is that of a store of which nothing is promised, if it does not say", () => {
    assert.isFalse(Result.getOrThrow(decodeStoreRecord("{\"version\":1,\"overlayXattrs\":\"user\"}")).durable)
  })

  it("is torn where it is empty, cut, or zeros from somewhere on, and where it is nothing else", () => {
    for (const overlayXattrs of ["trusted", "user"] as const) {
      const text = encodeStoreRecord({ version: formatVersion, overlayXattrs, durable: false })
      for (const torn of ["", "\0".repeat(9), text.slice(0, 20), `${text.slice(0, 20)}\0\0`, text.slice(0, -1)]) {
        assert.isTrue(isTornRecord(torn), JSON.stringify(torn))
      }
      const zerosInside = `${text.slice(0, 5)}\0\0${text.slice(5, 20)}`
      // One that was waited for is on the disk as a whole.
      const promised = encodeStoreRecord({ version: formatVersion, overlayXattrs, durable: true }).slice(0, -1)
      for (const other of ["1.2.3\n", "{\"version\":2", " ", `${text}\n`, zerosInside, promised]) {
        assert.isFalse(isTornRecord(other), JSON.stringify(other))
      }
    }
  })

  it("is read only as this version wrote it", () => {
    for (
      const other of [
        "",
        "{}",
        "1",
        "{\"version\":2,\"overlayXattrs\":\"user\"}",
        "{\"version\":1,\"overlayXattrs\":\"x\"}"
      ]
    ) {
      assert.isTrue(Result.isFailure(decodeStoreRecord(other)), other)
    }
  })
})
