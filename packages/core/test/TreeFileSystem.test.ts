import { assert, describe, it } from "@effect/vitest"
import { below, bytesOf, deviceNumber, formatOf, textOf } from "@snapshotter/core/TreeFileSystem"
import * as fc from "fast-check"

const name = fc.string({ unit: fc.constantFrom("a", "é", ".", "😀", " "), minLength: 1 })
const bytes = fc.uint8Array({ min: 1, max: 255, minLength: 1, maxLength: 20 }).map((bytes) =>
  bytes.map((byte) => byte === 0x2f ? 0x30 : byte)
)

describe("a path", () => {
  it("of a name in a directory has one slash between them, as text and as bytes alike", () => {
    fc.assert(fc.property(name, name, (directory, name) => {
      for (const above of [`/${directory}`, `/${directory}/`]) {
        assert.strictEqual(below(above, name), `/${directory}/${name}`)
        for (
          const path of [below(bytesOf(above), name), below(above, bytesOf(name)), below(bytesOf(above), bytesOf(name))]
        ) {
          assert.deepStrictEqual(path, bytesOf(`/${directory}/${name}`))
        }
      }
      assert.strictEqual(below("/", name), `/${name}`)
      assert.deepStrictEqual(below(bytesOf("/"), bytesOf(name)), bytesOf(`/${name}`))
    }))
  })

  it("keeps bytes that are no text", () => {
    fc.assert(fc.property(bytes, bytes, (directory, name) => {
      const path = below(directory, name)
      assert.deepStrictEqual(path, Uint8Array.from([...directory, 0x2f, ...name]))
    }))
  })

  it("is shown with U+FFFD for what is no UTF-8, and else as it is, a byte order mark too", () => {
    assert.strictEqual(textOf(Uint8Array.of(0x2f, 0xff, 0x61)), "/\ufffda")
    fc.assert(fc.property(name, (text) => {
      assert.strictEqual(textOf(bytesOf(`\ufeff${text}`)), `\ufeff${text}`)
      assert.strictEqual(textOf(text), text)
    }))
  })
})

it("the number of a device has its two numbers apart, as libc packs them", () => {
  assert.strictEqual(deviceNumber(0, 0), 0n)
  assert.strictEqual(deviceNumber(1, 3), 0x103n)
  assert.strictEqual(deviceNumber(0xfff, 0xfffff), 0xffff_ffffn)
  assert.strictEqual(deviceNumber(0xabcde, 0x12345678), 0x000ab123_456cde78n)
})

it("what a file is stands in the format bits of its mode, and nowhere else", () => {
  const formats = Object.values(formatOf)
  assert.strictEqual(new Set(formats).size, formats.length)
  for (const format of formats) assert.strictEqual(format & ~0o170000, 0)
})
