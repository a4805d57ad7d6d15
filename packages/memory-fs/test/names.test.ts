/** Bytes and the text that stands for them. */
import { assert } from "@effect/vitest"
import * as fc from "fast-check"
import { it } from "vitest"
import { byteLength, bytesOfName, nameOf, shownName } from "../src/internal/names.ts"

/** Much of what makes and breaks UTF-8: continuation bytes, overlong and cut sequences, surrogates, whole characters. */
const bytes = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 4 }),
    fc.constantFrom([0xff], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xed, 0xb2, 0x80], [0xf4, 0x90, 0x80, 0x80], [
      0xe2,
      0x82
    ]),
    fc.string({ unit: "binary", maxLength: 3 }).filter((text) => text.isWellFormed()).map((text) => Buffer.from(text))
  ),
  { maxLength: 6 }
).map((parts) => Buffer.concat(parts.map((part) => Buffer.from(part))))

it("bytes come back as they were, whatever they are, and no two of them have one name", () => {
  fc.assert(
    fc.property(bytes, (one) => {
      const name = nameOf(one)
      assert.deepStrictEqual(bytesOfName(name), one)
      assert.strictEqual(byteLength(name), one.length)
      assert.strictEqual(shownName(name), one.toString())
    }),
    { numRuns: 2_000 }
  )
})

it("text that has bytes stands for them, and is shown as it is", () => {
  fc.assert(fc.property(fc.string({ unit: "binary" }).filter((text) => text.isWellFormed()), (text) => {
    assert.strictEqual(nameOf(Buffer.from(text)), text)
    assert.strictEqual(shownName(text), text)
  }))
})

it("a slash and a dot stay what they are between bytes that are nothing", () => {
  assert.strictEqual(nameOf(Uint8Array.of(0x2f, 0xff, 0x2f, 0x2e, 0xfe)), "/\udcff/.\udcfe")
})
