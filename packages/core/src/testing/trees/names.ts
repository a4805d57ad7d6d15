/** Names and targets are bytes: whatever is written comes back, and is told from everything else. */
import { Effect } from "effect"
import { below, bytesOf } from "../../TreeFileSystem.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { bytes, contentsOf, expectCode, hex, inodeOf, type Needs, put, statement, text } from "./bench.ts"

/** What is no UTF-8, each beside what a careless reader takes it for. */
const oddNames: ReadonlyArray<Uint8Array> = [
  Uint8Array.of(0xff),
  Uint8Array.of(0xfe),
  Uint8Array.of(0xff, 0xff),
  bytes("\ufffd"),
  Uint8Array.of(0x80),
  Uint8Array.of(0xc0, 0xaf), // an overlong slash
  Uint8Array.of(0xc0, 0x80), // an overlong NUL
  Uint8Array.of(0xed, 0xa0, 0x80), // half of a character, as some encode it
  Uint8Array.of(0xf4, 0x90, 0x80, 0x80), // beyond Unicode
  Uint8Array.of(0xe2, 0x82), // cut off
  Uint8Array.of(0xef, 0xbb, 0xbf), // a byte order mark alone
  Uint8Array.of(0xef, 0xbb, 0xbf, 0x61),
  Uint8Array.of(0x61, 0xff, 0x62),
  bytes("ÿ"),
  Uint8Array.of(0xe9), // é in Latin-1
  bytes("é"),
  bytes("e\u0301"),
  bytes("a"),
  bytes("A"),
  bytes(" "),
  bytes("..."),
  bytes("\n"),
  bytes("\\xff"),
  bytes("%FF"),
  bytes("🙂"),
  bytes("日本"),
  Uint8Array.of(0x01),
  Uint8Array.of(0x7f),
  new Uint8Array(255).fill(0xff),
  new Uint8Array(255).fill(0x78)
]

export const nameCases: Suite<Needs> = [
  statement(
    "names of any bytes but NUL and slash come back as they are, each another name",
    (tree, at) =>
      Effect.gen(function*() {
        for (const name of oddNames) yield* put(tree, at(name), hex(name))
        const found = yield* tree.readDirectory(at())
        yield* expectEqual("the names", found.map(hex).sort(), oddNames.map(hex).sort())
        for (const name of found) yield* expectEqual(hex(name), yield* contentsOf(tree, at(name)), hex(name))
        for (const name of oddNames) yield* tree.removeFile(at(name))
        yield* expectEqual("what is left", yield* tree.readDirectory(at()), [])
      })
  ),
  statement("a path is the same as text and as bytes", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("é日🙂"), "x")
      yield* expectEqual("the file", yield* inodeOf(tree, bytesOf(at("é日🙂"))), yield* inodeOf(tree, at("é日🙂")))
      yield* expectEqual("the name", (yield* tree.readDirectory(bytesOf(at()))).map(text), ["é日🙂"])
    })),
  statement(
    "names that are not UTF-8 lead on, by every operation with two paths",
    (tree, at) =>
      Effect.gen(function*() {
        const directory = at(Uint8Array.of(0xff, 0x64))
        const file = below(directory, Uint8Array.of(0x80))
        yield* tree.makeDirectory(directory, 0o755)
        yield* put(tree, file, "x")
        yield* tree.link(file, below(directory, Uint8Array.of(0x81)))
        yield* tree.rename(file, at(Uint8Array.of(0x82)))
        yield* tree.rename(directory, at(Uint8Array.of(0xfe)))
        yield* tree.symlink(Uint8Array.of(0xfe, 0x2f, 0x81), at("link"))
        yield* expectEqual("what is read", yield* contentsOf(tree, at("link")), "x")
        yield* expectEqual("the names", (yield* tree.readDirectory(at())).map(hex).sort(), ["6c 69 6e 6b", "82", "fe"])
      })
  ),
  statement("readLink gives a symlink's target as it was given, whatever it is", (tree, at) =>
    Effect.gen(function*() {
      const targets = [...oddNames, bytes("/"), bytes("a//b/"), bytes("../.."), bytes("x".repeat(1_000))]
      for (const [i, target] of targets.entries()) {
        yield* tree.symlink(target, at(`${i}`))
        yield* expectEqual("the target", hex(yield* tree.readLink(at(`${i}`))), hex(target))
        yield* expectEqual("the size", (yield* tree.lstat(at(`${i}`))).size, target.length)
      }
    })),
  statement(
    "a symlink's target is EINVAL with NUL, ENOENT when empty, ENAMETOOLONG from 4,096 bytes on",
    (tree, at) =>
      Effect.gen(function*() {
        yield* expectCode("with NUL", tree.symlink("a\0b", at("l")), "EINVAL")
        yield* expectCode("with NUL in bytes", tree.symlink(Uint8Array.of(0), at("l")), "EINVAL")
        yield* expectCode("with half a character", tree.symlink("\udfff", at("l")), "EINVAL")
        yield* expectCode("empty", tree.symlink("", at("l")), "ENOENT")
        yield* expectCode("of 4,096 bytes", tree.symlink("x/".repeat(2_048), at("l")), "ENAMETOOLONG")
        yield* expectCode("of 4,098 bytes in 2,049 letters", tree.symlink("é".repeat(2_049), at("l")), "ENAMETOOLONG")
        yield* expectEqual("the names", yield* tree.readDirectory(at()), [])
      })
  ),
  statement("realPath is the path without symlinks, as bytes", (tree, at) =>
    Effect.gen(function*() {
      const odd = below(at("a"), Uint8Array.of(0xff))
      yield* tree.makeDirectory(at("a"), 0o755)
      yield* tree.makeDirectory(odd, 0o755)
      yield* put(tree, below(odd, "file"))
      yield* tree.symlink("a", at("l"))
      yield* tree.symlink(bytesOf(below("../l", Uint8Array.of(0xff))), at("a/m"))
      const expected = hex(bytesOf(below(odd, "file")))
      yield* expectEqual("of itself", hex(yield* tree.realPath(below(odd, "file"))), expected)
      yield* expectEqual("through symlinks", hex(yield* tree.realPath(at("l/m/file"))), expected)
      yield* expectEqual("with dots", text(yield* tree.realPath(at("a/./m/../..//l/"))), at("a"))
      yield* expectEqual("of the root", text(yield* tree.realPath("//")), "/")
    })),
  statement("names of one directory of many are told once each", (tree, at) =>
    Effect.gen(function*() {
      const names = Array.from({ length: 1_500 }, (_, i) => `${i}-${"x".repeat(60)}`)
      for (const name of names) yield* tree.makeNode(at(name), { type: "file", mode: 0o644 })
      const found = (yield* tree.readDirectory(at())).map(text)
      yield* expectEqual("how many", found.length, names.length)
      yield* expectThat("they are the ones that were made", new Set(found).size === new Set([...found, ...names]).size)
    }))
]
