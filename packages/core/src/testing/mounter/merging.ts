/** Overlays: what they show of their layers, where writes go, and what is refused. */
import { Effect } from "effect"
import type { OverlayMount } from "../../Mount.ts"
import { layersMaxOfKernel } from "../../Snapshot.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import {
  expectNothingMounted,
  expectRefusedWrite,
  expectUses,
  inScope,
  makeLayer,
  makeLayers,
  makeTarget,
  mountedOn,
  type Needs,
  oddNames,
  overlay,
  statement,
  withOddRoot
} from "./bench.ts"

/** An overlay of read-only layers, though there is but one. */
const overlayOfOne = (lower: string, options: ReadonlyArray<string>): ReadonlyArray<OverlayMount> => {
  const [mount] = overlay(undefined, [lower, lower], options)
  return mount?.type === "overlay"
    ? [{
      ...mount,
      options: mount.options.map((option) => option.startsWith("lowerdir=") ? `lowerdir=${lower}` : option)
    }]
    : []
}

export const mergingCases: Suite<Needs> = [
  statement(
    "an overlay shows its layers, the nearest parent over the others, the upper over all",
    (place) =>
      Effect.gen(function*() {
        const [base, middle, upper] = [
          yield* makeLayer(place, 0, "base"),
          yield* makeLayer(place, 1, "middle"),
          yield* makeLayer(place, 2, "upper", "own")
        ]
        yield* place.store.writeFile(`${base}/basic`, "base", 0o644)
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(overlay(upper, [middle, base]), target)
        yield* expectEqual("the names", (yield* place.files.readDirectory(target)).sort(), ["basic", "file", "own"])
        yield* expectEqual("the file", yield* place.files.readFileString(`${target}/file`), "middle")
        yield* expectEqual("the base's", yield* place.files.readFileString(`${target}/basic`), "base")
      })
  ),
  statement("what is written to an overlay lands in its upper layer alone", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(overlay(upper, [lower]), target)
        yield* place.files.writeFileString(`${target}/file`, "new")
        yield* place.files.writeFileString(`${target}/another`, "another")
      }))
      yield* expectEqual("the lower's", yield* place.store.readFile(`${lower}/file`), "lower")
      yield* expectEqual("the upper's", yield* place.store.readFile(`${upper}/file`), "new")
      yield* expectEqual("the new one", yield* place.store.readFile(`${upper}/another`), "another")
    })),
  statement("what is removed in an overlay stays removed when it is mounted again", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(overlay(upper, [lower]), target)
        yield* place.files.remove(`${target}/file`)
      }))
      yield* place.mounter.mount(overlay(upper, [lower]), target)
      yield* expectEqual("the names", yield* place.files.readDirectory(target), ["own"])
      yield* expectEqual("the lower's", yield* place.store.readFile(`${lower}/file`), "lower")
    })),
  statement("an overlay without an upper layer refuses every change", (place) =>
    Effect.gen(function*() {
      const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(overlay(undefined, [a, b]), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "a")
      yield* expectRefusedWrite(place, `${target}/file`)
      yield* failureOf("removing", place.files.remove(`${target}/file`))
      yield* expectEqual("what is mounted", (yield* mountedOn(place, target)).map(({ writable }) => writable), [false])
    })),
  statement("overlays end with their scope", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(overlay(upper, [lower]), target)
        yield* expectEqual("what is mounted", (yield* mountedOn(place, target)).map(({ writable }) => writable), [true])
      }))
      yield* expectNothingMounted(place)
      yield* expectEqual("the names", yield* place.files.readDirectory(target), [])
    })),
  statement(
    "any characters may be in the paths of an overlay, and come back exactly",
    (place) =>
      Effect.forEach(oddNames, (name) =>
        inScope(Effect.gen(function*() {
          const odd = yield* withOddRoot(place, name)
          const lowers = [yield* makeLayer(odd, 0, name), yield* makeLayer(odd, 1, "further", "further")]
          const upper = yield* makeLayer(odd, 2, "", "own")
          const target = yield* makeTarget(odd, `${name.slice(0, 100)}!`)
          yield* odd.mounter.mount(overlay(upper, lowers), target)
          yield* expectEqual("the text", yield* odd.files.readFileString(`${target}/file`), name)
          yield* odd.files.writeFileString(`${target}/written`, name)
          yield* expectUses(odd, upper, [{ target, as: "upper", writable: true }])
          for (const lower of lowers) yield* expectUses(odd, lower, [{ target, as: "lower", writable: false }])
          yield* odd.mounter.unmount(target)
          yield* expectEqual("the upper's", yield* odd.store.readFile(`${upper}/written`), name)
          yield* expectNothingMounted(odd)
        })), { discard: true })
  ),
  statement(
    "a lower layer that is missing is MountFailed with ENOENT, and leaves nothing mounted",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const target = yield* makeTarget(place)
        const missing = place.at(`${place.idOf(9)}/fs`)
        const error = yield* failureOf("mounting", place.mounter.mount(overlay(upper, [missing, lower]), target))
        yield* expectEqual("the failure", error._tag, "MountFailed")
        yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "ENOENT")
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    `${layersMaxOfKernel} lower layers are all mounted, or refused as too long for this way (E2BIG)`,
    (place) =>
      Effect.gen(function*() {
        const lowers = yield* makeLayers(place, layersMaxOfKernel)
        const upper = yield* makeLayer(place, layersMaxOfKernel, "", "own")
        const target = yield* makeTarget(place)
        const outcome = yield* Effect.match(place.mounter.mount(overlay(upper, lowers), target), {
          onFailure: (error) => error._tag === "MountFailed" ? error.code : error._tag,
          onSuccess: () => "mounted"
        })
        const names = (yield* place.files.readDirectory(target)).length
        yield* expectThat(`${outcome} is one of the two`, outcome === "mounted" || outcome === "E2BIG")
        yield* expectEqual("how many names", names, outcome === "mounted" ? layersMaxOfKernel + 1 : 0)
      })
  ),
  statement(
    `more than ${layersMaxOfKernel} lower layers are MountFailed that names number and limit`,
    (place) =>
      Effect.gen(function*() {
        const lowers = yield* makeLayers(place, layersMaxOfKernel + 1)
        const target = yield* makeTarget(place)
        const error = yield* failureOf("mounting", place.mounter.mount(overlay(undefined, lowers), target))
        const reason = error._tag === "MountFailed" ? error.reason : error._tag
        yield* expectThat(`${reason} names the limit`, reason.includes(`${layersMaxOfKernel}`))
        yield* expectThat(`${reason} names the number`, reason.includes(`${layersMaxOfKernel + 1}`))
        yield* expectNothingMounted(place)
      })
  ),
  statement("options that would change what a layer holds are MountFailed", (place) =>
    Effect.gen(function*() {
      const lower = yield* makeLayer(place, 0, "lower")
      const target = yield* makeTarget(place)
      for (const option of ["redirect_dir=on", "redirect_dir=follow", "metacopy=on", "index=on", "nfs_export=on"]) {
        const error = yield* failureOf(option, place.mounter.mount(overlayOfOne(lower, [option]), target))
        yield* expectThat("it names the option", error._tag === "MountFailed" && error.reason.includes(option))
      }
      yield* expectNothingMounted(place)
    }))
]
