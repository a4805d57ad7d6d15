import { assert, describe, it } from "@effect/vitest"
import * as fc from "fast-check"
// Internal, so not among the package's exports.
import {
  isWritable,
  type MountInfo,
  overlayLayers,
  parse,
  readings,
  type SuperOption
} from "../src/internal/mountinfo.ts"

// ============================================================ as the kernel writes it

/** `seq_path` and `mangle`: these characters as a backslash and three octal digits. */
const escape = (text: string, characters: string): string =>
  [...text].map((character) =>
    characters.includes(character) ? `\\${character.charCodeAt(0).toString(8).padStart(3, "0")}` : character
  ).join("")

const path = (text: string) => escape(text, " \t\n\\")

const superOption = ({ name, value }: SuperOption): string =>
  value === undefined ? name : `${name}=${escape(value, ",= \t\n\\")}`

const render = (mount: MountInfo): string =>
  [
    mount.id,
    mount.parent,
    `${mount.major}:${mount.minor}`,
    path(mount.root) + (mount.rootRemoved ? "//deleted" : ""),
    path(mount.target),
    mount.options.join(","),
    ...mount.propagation,
    "-",
    mount.type,
    escape(mount.source, " \t\n\\#"),
    mount.superOptions.map(superOption).join(",")
  ].join(" ")

const parseText = (text: string) => parse(Buffer.from(text))

// ============================================================ any mounts

const anyText = fc.oneof(
  fc.string({ unit: "binary", minLength: 1 }),
  fc.string({
    unit: fc.constantFrom("\\", "0", "1", "4", "3", " ", ",", ":", "=", "\n", "\t", "#", "\"", "a"),
    minLength: 1
  }),
  fc.constantFrom("\\040", "\\134", "\\054", "\\\\", "a b", "- x", "é")
).map((text) => text.replaceAll("\0", "").replaceAll("/", "") || "x")

const anyPath = fc.array(anyText, { maxLength: 4 }).map((names) => `/${names.join("/")}`)
const anyNumber = fc.nat(1_000_000)

const anySuperOption: fc.Arbitrary<SuperOption> = fc.oneof(
  fc.constantFrom("rw", "ro", "userxattr", "volatile").map((name) => ({ name })),
  fc.record({ name: fc.constantFrom("lowerdir", "lowerdir+", "upperdir", "workdir", "size", "xino"), value: anyPath })
)

const anyMount: fc.Arbitrary<MountInfo> = fc.record({
  id: anyNumber,
  parent: anyNumber,
  major: fc.nat(4_095),
  minor: anyNumber,
  root: anyPath,
  rootRemoved: fc.boolean(),
  target: anyPath,
  options: fc.subarray(["rw", "nosuid", "nodev", "noexec", "relatime"], { minLength: 1 }),
  propagation: fc.subarray(["shared:1", "master:23", "propagate_from:4", "unbindable"]),
  type: fc.constantFrom("ext4", "overlay", "fuse.x", "tmpfs"),
  source: anyText,
  superOptions: fc.array(anySuperOption, { minLength: 1, maxLength: 5 })
})

describe("mountinfo", () => {
  it("comes back exactly, whatever characters it has", () => {
    fc.assert(fc.property(fc.array(anyMount, { maxLength: 5 }), (mounts) => {
      assert.deepStrictEqual(parseText(mounts.map((mount) => `${render(mount)}\n`).join("")), mounts)
    }))
  })

  it("F19: a literal \\040 in a path stays what it is", () => {
    const [mount] = parseText("7 1 8:1 /a\\134040b /mnt/c\\134\\134040\\040d rw - ext4 none rw\n")
    assert.strictEqual(mount?.root, "/a\\040b")
    assert.strictEqual(mount?.target, "/mnt/c\\\\040 d")
  })

  it("is taken apart before it is decoded, so that bytes that are not UTF-8 move no border", () => {
    const line = Buffer.from(
      "7 1 8:1 / /a\xff\\040b/\xc3 rw - ext4 none rw\n8 1 8:1 / /next rw - ext4 none rw",
      "latin1"
    )
    const mounts = parse(line)
    assert.strictEqual(mounts[0]?.target, "/a\uFFFD b/\uFFFD")
    assert.strictEqual(mounts[1]?.target, "/next")
  })

  it("tells what a line that is none would be from nothing", () => {
    assert.deepStrictEqual(parseText(""), [])
    assert.deepStrictEqual(parseText("\n1 2 3\nno mount at all - x y z\n"), [])
  })

  it("F32: keeps a quoted security context with commas together", () => {
    const [mount] = parseText("7 1 0:9 / /t rw - overlay overlay rw,context=\"a:b:s0:c1,c2\",upperdir=/u\n")
    assert.deepStrictEqual(mount?.superOptions, [
      { name: "rw" },
      { name: "context", value: "\"a:b:s0:c1,c2\"" },
      { name: "upperdir", value: "/u" }
    ])
  })
})

describe("an overlay's layers", () => {
  const layersOf = (options: ReadonlyArray<string>) => {
    const [mount] = parseText(`7 1 0:9 / /t rw - overlay overlay ${options.join(",")}\n`)
    return mount === undefined ? undefined : overlayLayers(mount)
  }

  it("are told from one stack, guarded by backslashes", () => {
    const stack = ["/a:b", "/c,d", "/e\\f", "/g h"].map((name) => name.replace(/[\\:,]/g, "\\$&")).join(":")
    const layers = layersOf(["rw", `lowerdir=${escape(stack, ",= \t\n\\")}`, "upperdir=/u"])
    assert.deepStrictEqual(layers, { lower: ["/a:b", "/c,d", "/e\\f", "/g h"], upper: "/u" })
  })

  it("are told one by one, as they are", () => {
    const layers = layersOf(["ro", `lowerdir+=${path("/a:b")}`, `lowerdir+=${path("/c\\:d")}`])
    assert.deepStrictEqual(layers, { lower: ["/a:b", "/c\\:d"], upper: undefined })
  })

  it("an upper that was given as text may be shown with doubled backslashes", () => {
    assert.deepStrictEqual(readings("/a\\\\b"), ["/a\\\\b", "/a\\b"])
    assert.deepStrictEqual(readings("/a b"), ["/a b"])
  })

  it("are writable unless the mount or the file system says otherwise", () => {
    const writable = (line: string) => parseText(line).map(isWritable)
    assert.deepStrictEqual(writable("7 1 0:9 / /t rw - overlay overlay rw\n"), [true])
    assert.deepStrictEqual(writable("7 1 0:9 / /t ro - overlay overlay rw\n"), [false])
    assert.deepStrictEqual(writable("7 1 0:9 / /t rw - overlay overlay ro\n"), [false])
  })
})
