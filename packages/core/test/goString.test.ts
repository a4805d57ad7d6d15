import { assert, describe, it } from "@effect/vitest"
// Internal, so not among the package's exports.
import { readGoString } from "../src/internal/goString.ts"

const read = (text: string) => readGoString(text, 0, "\"")
const valueOf = (text: string): unknown => Reflect.get(read(`${text}"`), "value")

describe("a quoted string in Go's syntax", () => {
  it("ends at its quote, and is told with where it ended", () => {
    assert.deepStrictEqual(read("ab\"cd"), { value: "ab", position: 3 })
    assert.deepStrictEqual(readGoString("x/a\\/b/y", 2, "/"), { value: "a/b", position: 7 })
  })

  it("has escapes, up to the last byte and the last character that there is", () => {
    const values = {
      "\\377\\xff": "\udcff\udcff",
      "\\U0010ffff\\u0041\\x41\\101": "\u{10ffff}AAA",
      "\\udfff\\ud800": "\ufffd\ufffd",
      "\\ue000\\ud7ff": "\ue000\ud7ff",
      "\ue000\ud7ff": "\ue000\ud7ff"
    }
    for (const [text, value] of Object.entries(values)) assert.strictEqual(valueOf(text), value, text)
  })

  it("has for each byte that is no UTF-8 a lone surrogate, and then for all bytes above ASCII", () => {
    assert.strictEqual(valueOf("a\\x7f\\x80"), "a\x7f\udc80")
    assert.strictEqual(valueOf("é\\xff"), "\udcc3\udca9\udcff")
    assert.strictEqual(valueOf("\\xef\\xbb\\xbfa"), "\ufeffa")
  })

  it("says where it goes wrong, and what could stand there", () => {
    const closing = "a closing \""
    const escapes = "one of Go's escapes, as \\\\, \\n, \\t, \\x41 or \\u00e9,"
    const bad: Readonly<Record<string, readonly [position: number, expected: string]>> = {
      "ab": [2, closing],
      "a\nb\"": [1, closing],
      "a\0b\"": [1, closing],
      "a\ud800b\"": [1, closing],
      "a\udfffb\"": [1, closing],
      "a\\": [1, escapes],
      "a\\q\"": [1, escapes],
      "a\\400\"": [1, escapes],
      "a\\U00110000\"": [1, escapes]
    }
    for (const [text, [position, expected]] of Object.entries(bad)) {
      assert.deepStrictEqual(read(text), { position, expected }, JSON.stringify(text))
    }
  })
})
