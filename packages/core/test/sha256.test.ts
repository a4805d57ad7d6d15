import { assert, it } from "@effect/vitest"
import * as fc from "fast-check"
import { createHash } from "node:crypto"
// Internal, so not among the package's exports.
import { sha256Hex } from "../src/internal/sha256.ts"

const reference = (text: string): string => createHash("sha256").update(text, "utf8").digest("hex")

it("is SHA-256 of the text's UTF-8, whatever the text", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", size: "max", maxLength: 500 }), (text) => {
      assert.strictEqual(sha256Hex(text), reference(text))
    }),
    { numRuns: 500 }
  )
})

it("pads right at every length around a block's end, and where the reused buffer ends", () => {
  for (const length of [...Array(200).keys(), ...Array.from({ length: 200 }, (_, i) => 250 + i), 65_536]) {
    for (const unit of ["a", "é", "€"]) {
      assert.strictEqual(sha256Hex(unit.repeat(length)), reference(unit.repeat(length)))
    }
  }
})

it("does not depend on the digest before", () => {
  const twice = ["x".repeat(119), "y", "", "x".repeat(119)].map(sha256Hex)
  assert.strictEqual(twice[0], twice[3])
  assert.strictEqual(twice[2], "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855")
})

it("takes a lone surrogate for U+FFFD, as any encoder does", () => {
  assert.strictEqual(sha256Hex("a\ud800b"), reference("a\ufffdb"))
})
