import { assert, describe, it } from "@effect/vitest"
import { type OverlayMount, overlayOptions } from "@snapshotter/core/Mount"
import * as fc from "fast-check"
// Internal, so not among the package's exports.
import { fsconfigValue, optionString, planOverlay } from "../src/internal/overlayPlan.ts"
import { Refused } from "../src/internal/refusal.ts"
import { readOnly, writable } from "./layers.ts"

const known = new Set(["index", "redirect_dir", "metacopy"])

const overlayOf = (mounts: ReadonlyArray<unknown>): OverlayMount => mounts[0] as OverlayMount

const plan = (options: ReadonlyArray<string>, parameters: ReadonlySet<string> | undefined = known) =>
  planOverlay(overlayOf(writable("/r/a/fs", ["/r/b/fs", "/r/c/fs"], options)), parameters)

const said = (options: ReadonlyArray<string>, parameters?: ReadonlySet<string>) =>
  plan(options, parameters).settings.map(({ name, value }) => value === undefined ? name : `${name}=${value}`)

describe("what an overlay is told", () => {
  it("always says that nothing but the layer itself tells what it holds", () => {
    assert.deepStrictEqual(said([]), ["index=off", "redirect_dir=nofollow", "metacopy=off"])
  })

  it("says so once, after what the caller says, and only what the kernel knows", () => {
    assert.deepStrictEqual(said(["index=off", "userxattr"]), [
      "index=off",
      "userxattr",
      "redirect_dir=nofollow",
      "metacopy=off"
    ])
    assert.deepStrictEqual(said([], new Set(["index"])), ["index=off"])
  })

  for (
    const option of [
      "index=on",
      "redirect_dir=on",
      "redirect_dir=follow",
      "redirect_dir=off",
      "metacopy=on",
      "metacopy",
      "nfs_export=on",
      "verity=on",
      "lowerdir+=/x",
      "datadir+=/x"
    ]
  ) {
    it(`refuses ${option}`, () => {
      assert.throws(() => plan([option]), Refused, option.split("=")[0])
    })
  }

  it("is about the mount where it is not about overlay", () => {
    assert.deepStrictEqual(plan(["nodev", "volatile", "noatime"]).flags, ["nodev", "noatime"])
    assert.deepStrictEqual(planOverlay(overlayOf(readOnly(["/a", "/b"], ["nosuid"])), known).flags, ["nosuid", "ro"])
  })

  it("F32: a context with commas is one option on each way", () => {
    for (const option of ["context=\"a:b:c:s0:c1,c2\"", "context=a:b:c:s0:c1,c2"]) {
      const told = plan([option])
      assert.strictEqual(told.settings[0]?.name, "context")
      assert.strictEqual(told.settings[0] === undefined ? "" : fsconfigValue(told.settings[0]), "a:b:c:s0:c1,c2")
      assert.include(optionString(told), "context=\"a:b:c:s0:c1,c2\",index=off")
    }
  })

  it("is one string for mount(2), in the order in which it was given", () => {
    assert.strictEqual(
      optionString(plan(["userxattr"])),
      "userxattr,index=off,redirect_dir=nofollow,metacopy=off," +
        "workdir=/r/a/work,upperdir=/r/a/fs,lowerdir=/r/b/fs:/r/c/fs"
    )
  })

  it("keeps every path, whatever characters it has", () => {
    const anyPath = fc.string({ unit: fc.constantFrom("a", ":", ",", "\\", " ", "=", "\n"), minLength: 1 }).map((
      name
    ) => `/${name}`)
    fc.assert(fc.property(anyPath, fc.array(anyPath, { minLength: 2, maxLength: 4 }), (root, lowers) => {
      const told = planOverlay(overlayOf(writable(`${root}/fs`, lowers)), known)
      const again = overlayOptions({
        type: "overlay",
        source: "overlay",
        options: optionString(told).split(/(?<!(?<!\\)(?:\\\\)*\\),/)
      })
      assert.deepStrictEqual([again.lower, again.upper, again.work], [told.lower, told.upper, told.work])
    }))
  })
})
