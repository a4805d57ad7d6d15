/** What kind of place it is: `overlayXattrs` and `fileSystemType`. */
import { Effect } from "effect"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { expectCode, modeOf, type Needs, statement } from "./bench.ts"

export const probingCases: Suite<Needs> = [
  statement("overlayXattrs answers, and leaves nothing behind", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.makeDirectory(at("d"), 0o750)
      const kind = yield* fs.overlayXattrs(at("d"))
      yield* expectThat("it is one of three answers", kind === undefined || kind === "trusted" || kind === "user")
      yield* expectEqual("the answer when asked again", yield* fs.overlayXattrs(at("d")), kind)
      yield* expectEqual("the names", yield* fs.readDirectory(at("d")), [])
      yield* expectEqual("the mode", yield* modeOf(fs, at("d")), 0o750)
    })),
  statement("fileSystemType is the same for a directory and what is in it", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      const type = yield* fs.fileSystemType(at())
      yield* expectThat("it says something", type !== "")
      yield* expectEqual("the file's", yield* fs.fileSystemType(at("file")), type)
    })),
  statement("overlayXattrs and fileSystemType are ENOENT where nothing is", (fs, at) =>
    Effect.gen(function*() {
      yield* expectCode("overlayXattrs", fs.overlayXattrs(at("missing")), "ENOENT")
      yield* expectCode("fileSystemType", fs.fileSystemType(at("missing")), "ENOENT")
    }))
]
