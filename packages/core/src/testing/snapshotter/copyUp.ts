/**
 * What programs see of it that overlays copy what is changed when it is changed, and nothing beforehand: what a backend
 * that shows a chain in another way need not do.
 */
import { Effect } from "effect"
import { discarded } from "../../Fork.ts"
import { Snapshotter } from "../../Snapshotter.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import { key, mountedOn, name, type Needs, statement } from "./bench.ts"
import { base, built, files, shown } from "./overlay.ts"

export const copyUpCases: Suite<Needs> = [
  statement("renaming a directory of a lower layer is EXDEV", (bench) =>
    Effect.gen(function*() {
      yield* base(bench)
      const attempt = discarded({ key: key("a"), parent: name("base") }, (directory) =>
        files((fs) =>
          failureOf("renaming a lower directory", fs.rename(`${directory}/d`, `${directory}/e`))
        ))
      const error = yield* Effect.provideService(attempt, Snapshotter, bench.store)
      yield* expectThat(`it is EXDEV: ${String(error.reason.cause)}`, String(error.reason.cause).includes("EXDEV"))
    })),
  statement(
    "a file of a lower layer is changed under the one name by which it was written, its others stay",
    (bench) =>
      Effect.gen(function*() {
        yield* base(bench)
        yield* built(bench, "A", "base", (directory) => files((fs) => fs.writeFileString(`${directory}/file`, "of A")))
        const texts = (yield* shown(bench, "A")).filter(({ path }) => ["/file", "/hard link"].includes(path))
        yield* expectEqual("both", texts.map(({ text }) => text), ["of A", "of the base"])
      })
  ),
  statement("usage counts what was written to a fork while it is mounted", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      yield* base(bench)
      const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("base") }), "work")
      yield* bench.files.remove(`${target}/file`)
      yield* bench.files.writeFileString(`${target}/new`, "text")
      yield* expectEqual("inodes then", (yield* store.usage(key("a"))).inodes, 3)
      yield* mounter.unmount(target)
    }))
]
