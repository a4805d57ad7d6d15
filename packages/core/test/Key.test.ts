import { assert, describe, it } from "@effect/vitest"
import { idFromBytes, idFromNumber } from "@snapshotter/core/IdSource"
import { identifierBytesMax, identifierProblem, labelBytesMax, labelProblem } from "@snapshotter/core/Snapshot"
import * as fc from "fast-check"

const bytesOf = (text: string): number => Buffer.byteLength(text)

describe("a key or name", () => {
  it("is any text that has bytes, is not empty and has no NUL", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", size: "max", maxLength: 200 }), (text) => {
        const bad = text === "" || text.includes("\0")
        assert.strictEqual(identifierProblem(text) === undefined, !bad)
      }),
      { numRuns: 500 }
    )
  })

  it("is bounded in bytes, not in characters", () => {
    for (const unit of ["a", "é", "€", "🙂"]) {
      const most = Math.floor(identifierBytesMax / bytesOf(unit))
      assert.isUndefined(identifierProblem(unit.repeat(most)))
      assert.include(identifierProblem(unit.repeat(most + 1)), `${bytesOf(unit) * (most + 1)} bytes`)
    }
  })

  it("has no lone surrogates, which have no bytes", () => {
    for (const text of ["\ud800", "a\udfffb", "\udc00\ud800"]) assert.include(identifierProblem(text), "surrogate")
    assert.isUndefined(identifierProblem("\ud83d\ude42"))
    assert.isUndefined(identifierProblem("\ufffd"))
  })

  it("is a text", () => {
    for (const other of [undefined, null, 5, {}, [], Symbol("a"), 5n]) {
      assert.strictEqual(identifierProblem(other), "it is not a string")
    }
  })
})

describe("a label", () => {
  it("has at most so many bytes in key and value together", () => {
    fc.assert(fc.property(
      fc.constantFrom("a", "é", "€", "🙂"),
      fc.integer({ min: labelBytesMax - 8, max: labelBytesMax + 8 }),
      (unit, bytes) => {
        const key = unit.repeat(10)
        const value = "x".repeat(bytes - bytesOf(key))
        assert.strictEqual(labelProblem(key, value) === undefined, bytes <= labelBytesMax)
      }
    ))
  })

  it("has a key, and a text as value", () => {
    assert.include(labelProblem("", "value"), "empty")
    assert.isUndefined(labelProblem("key", ""))
    for (const other of [undefined, null, 5, {}]) assert.include(labelProblem("key", other), "not a string")
    for (const [key, value] of [["\ud800", ""], ["a", "\ud800"]] as const) {
      assert.include(labelProblem(key, value), "surrogate")
    }
  })
})

describe("an id", () => {
  it("is 13 characters, and another one for every number of 65 bits", () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 65n - 1n }), fc.bigInt({ min: 0n, max: 2n ** 65n - 1n }), (a, b) => {
        assert.match(idFromNumber(a), /^[a-z2-7]{13}$/)
        assert.strictEqual(idFromNumber(a) === idFromNumber(b), a === b)
      })
    )
  })

  it("is made of 5 bits of each of 13 bytes, or of the lowest 65 of a number, highest first", () => {
    fc.assert(fc.property(fc.uint8Array({ minLength: 13, maxLength: 13 }), (bytes) => {
      const number = bytes.reduce((so, byte) => (so << 5n) | BigInt(byte & 31), 0n)
      assert.strictEqual(idFromBytes(bytes), idFromNumber(number))
      assert.strictEqual(idFromNumber(number | (1n << 70n)), idFromNumber(number))
    }))
    assert.strictEqual(idFromNumber(33n), "aaaaaaaaaaabb")
    assert.strictEqual(idFromBytes(Uint8Array.from({ length: 13 }, (_, at) => at + 19)), "tuvwxyz234567")
  })

  it("takes 13 bytes, no fewer and no more", () => {
    for (const length of [0, 12, 14]) {
      assert.throws(() => idFromBytes(new Uint8Array(length)), `an id takes 13 bytes, not ${length}`)
    }
  })
})
