/** Files with holes: longer than what was written to them, for backends that keep no byte of a hole. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { bytes, type Needs, statement, text } from "./bench.ts"

const opening = { create: 0o644, read: true, write: true }

export const holeCases: Suite<Needs> = [
  statement("a file may be longer than 4 GiB, and holds bytes beyond", (tree, at) =>
    Effect.gen(function*() {
      const far = 5_000_000_000
      const file = yield* tree.open(at("file"), opening)
      yield* file.truncate(far)
      yield* file.write(bytes("x"), far + 1)
      yield* expectEqual("the size", (yield* tree.lstat(at("file"))).size, far + 2)
      const into = new Uint8Array(10)
      yield* expectEqual("how much is there", yield* file.read(into, far - 1), 3)
      yield* expectEqual("what is there", text(into.subarray(0, 3)), "\0\0x")
      yield* file.truncate(1)
      yield* expectEqual("the size", (yield* file.stat).size, 1)
    })),
  statement("a hole takes no blocks", (tree, at) =>
    Effect.gen(function*() {
      const file = yield* tree.open(at("file"), opening)
      yield* file.write(bytes("x"), 100_000_000)
      yield* file.sync
      yield* expectThat("it takes less than 1 MiB", (yield* file.stat).blocks < 2_048)
    }))
]
