/** Overlays that are the kernel's: they copy what is changed when it is changed, so that it is in the upper layer at once. */
import { Effect } from "effect"
import { expectEqual, failureOf, type Suite } from "../Suite.ts"
import { expectNothingMounted, makeLayer, makeTarget, mountedOn, type Needs, overlay, statement } from "./bench.ts"

export const copyUpCases: Suite<Needs> = [
  statement("what is written to an overlay is in its upper layer at once", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(overlay(upper, [lower]), target)
      yield* place.files.writeFileString(`${target}/file`, "new")
      yield* expectEqual("the upper's", yield* place.store.readFile(`${upper}/file`), "new")
      yield* expectEqual("the lower's", yield* place.store.readFile(`${lower}/file`), "lower")
    })),
  statement("an overlay is told as one", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
      yield* place.mounter.mount(overlay(upper, [lower]), first)
      yield* place.mounter.mount(overlay(undefined, [lower, upper]), second)
      const told = [...yield* mountedOn(place, first), ...yield* mountedOn(place, second)]
      yield* expectEqual("what is mounted", told, [
        { target: first, type: "overlay", writable: true },
        { target: second, type: "overlay", writable: false }
      ])
    })),
  statement(
    "directories that cannot be together in one overlay are refused as by the kernel",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const target = yield* makeTarget(place)
        const work = upper.replace(/fs$/, "work")
        const refusals = [
          [[`workdir=${upper}`, `upperdir=${upper}`, `lowerdir=${lower}`], "EINVAL"],
          [[`upperdir=${upper}`, `lowerdir=${lower}`], "EINVAL"],
          [[`workdir=${work}`, `upperdir=${upper}`, `lowerdir=${upper}`], "ELOOP"],
          [[`lowerdir=${lower}:${lower}`], "ELOOP"]
        ] as const
        for (const [options, code] of refusals) {
          const mounts = [{ type: "overlay", source: "overlay", options }] as const
          const error = yield* failureOf(options.join(), place.mounter.mount(mounts, target))
          yield* expectEqual(`the errno of ${options.join()}`, error._tag === "MountFailed" && error.code, code)
        }
        yield* expectNothingMounted(place)
      })
  )
]
