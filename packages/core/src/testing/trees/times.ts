/** Times as they are set, to the nanosecond, before and after 1970. */
import { Effect } from "effect"
import type { Links, TimesToSet, TreeFileSystem } from "../../TreeFileSystem.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { contentsOf, expectCode, makeOneOfEach, type Needs, opened, put, statement, takenNames } from "./bench.ts"

const second = 1_000_000_000n

/** What every file system can keep: seconds of 32 bits. */
const moments: ReadonlyArray<bigint> = [
  0n,
  1n,
  999_999_999n,
  second,
  1_234_567_890_123_456_789n,
  -1n,
  -999_999_999n,
  -second,
  -second - 1n,
  -(second * 3n) / 2n,
  -123_456_789_987_654_321n,
  -(2n ** 31n) * second,
  (2n ** 31n - 1n) * second + 999_999_999n
]

const timesOf = (tree: TreeFileSystem, path: string) =>
  Effect.map(tree.lstat(path), ({ atimeNanoseconds, mtimeNanoseconds }) => [atimeNanoseconds, mtimeNanoseconds])

const set = (tree: TreeFileSystem, path: string, atimeNanoseconds: bigint, mtimeNanoseconds: bigint, links?: Links) =>
  tree.setTimes(path, { atimeNanoseconds, mtimeNanoseconds }, links)

export const timeCases: Suite<Needs> = [
  statement(
    "times are kept to the nanosecond, before 1970 too, of a file, a directory and a symlink",
    (tree, at) =>
      Effect.gen(function*() {
        yield* put(tree, at("file"))
        yield* tree.makeDirectory(at("directory"), 0o755)
        yield* tree.symlink("file", at("link"))
        for (const name of ["file", "directory", "link"]) {
          for (const [i, moment] of moments.entries()) {
            const other = moments[(i + 5) % moments.length] ?? 0n
            yield* set(tree, at(name), moment, other)
            yield* expectEqual(`the times of the ${name}`, yield* timesOf(tree, at(name)), [moment, other])
          }
        }
      })
  ),
  statement("everything has times to set, a symlink its own", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      for (const [i, name] of takenNames.entries()) yield* set(tree, at(name), BigInt(i), BigInt(i) + 100n)
      for (const [i, name] of takenNames.entries()) {
        yield* expectEqual(`the times of ${name}`, yield* timesOf(tree, at(name)), [BigInt(i), BigInt(i) + 100n])
      }
    })),
  statement("a time that is not given stays", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      yield* set(tree, at("file"), 1n, 2n)
      yield* tree.setTimes(at("file"), { atimeNanoseconds: -3n })
      yield* expectEqual("of access alone", yield* timesOf(tree, at("file")), [-3n, 2n])
      yield* tree.setTimes(at("file"), { mtimeNanoseconds: 4n })
      yield* expectEqual("of modification alone", yield* timesOf(tree, at("file")), [-3n, 4n])
    })),
  statement("with neither time nothing is changed, nor even looked at", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      const before = yield* tree.lstat(at("file"))
      yield* Effect.sleep("20 millis")
      yield* tree.setTimes(at("file"), {})
      yield* tree.setTimes(at("file"), {}, "follow")
      yield* expectEqual("the file", yield* tree.lstat(at("file")), before)
      yield* tree.setTimes(at("missing"), {})
    })),
  statement("setTimes follows a symlink where that is said", (tree, at) =>
    Effect.gen(function*() {
      yield* makeOneOfEach(tree, at)
      yield* set(tree, at("toFile"), 1n, 2n)
      yield* set(tree, at("toFile"), 3n, 4n, "follow")
      yield* expectEqual("of the file", yield* timesOf(tree, at("file")), [3n, 4n])
      yield* expectEqual("of the symlink", (yield* tree.lstat(at("toFile"))).mtimeNanoseconds, 2n)
      yield* expectCode("a dangling one", set(tree, at("dangling"), 1n, 2n, "follow"), "ENOENT")
    })),
  statement("a time of more than 64 bits of seconds is EINVAL", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"))
      const before = yield* tree.lstat(at("file"))
      const far: ReadonlyArray<TimesToSet> = [
        { atimeNanoseconds: 2n ** 63n * second },
        { mtimeNanoseconds: -(2n ** 63n) * second - 1n }
      ]
      for (const times of far) yield* expectCode("setTimes", tree.setTimes(at("file"), times), "EINVAL")
      yield* expectEqual("the file", yield* tree.lstat(at("file")), before)
    })),
  statement("what is made has the time of its making, everywhere the same", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("reference"))
      yield* Effect.sleep("20 millis")
      yield* tree.makeDirectory(at("directory"), 0o755)
      yield* opened(tree, at("file"), { create: 0o644, write: true })
      yield* tree.makeNode(at("fifo"), { type: "fifo", mode: 0o644 })
      yield* tree.symlink("file", at("link"))
      const { mtimeNanoseconds } = yield* tree.lstat(at("reference"))
      for (const name of ["directory", "file", "fifo", "link"]) {
        const entry = yield* tree.lstat(at(name))
        const { atimeNanoseconds, btimeNanoseconds = entry.mtimeNanoseconds } = entry
        yield* expectThat(`${name} is later`, entry.mtimeNanoseconds > mtimeNanoseconds)
        yield* expectThat("within a minute", entry.mtimeNanoseconds < mtimeNanoseconds + 60n * second)
        yield* expectThat("it was read then", atimeNanoseconds > mtimeNanoseconds)
        yield* expectThat("it was changed then", entry.ctimeNanoseconds >= entry.mtimeNanoseconds)
        yield* expectThat("it was born then", btimeNanoseconds > mtimeNanoseconds)
      }
    })),
  statement("when something was made never changes, where it is told", (tree, at) =>
    Effect.gen(function*() {
      yield* put(tree, at("file"), "text")
      const { btimeNanoseconds } = yield* tree.lstat(at("file"))
      yield* Effect.sleep("20 millis")
      yield* put(tree, at("file"), "TEXT")
      yield* contentsOf(tree, at("file"))
      yield* set(tree, at("file"), 1n, 2n)
      yield* tree.setMode(at("file"), 0o600)
      yield* tree.rename(at("file"), at("moved"))
      yield* expectEqual("when", (yield* tree.lstat(at("moved"))).btimeNanoseconds, btimeNanoseconds)
    }))
]
