/** Calls on a tree as data, and the random ones: few names, so that they meet. */
import type { NodeType, Renaming } from "@snapshotter/core/TreeFileSystem"
import * as fc from "fast-check"

/** Which of the files that are open; each is opened and closed as its turn comes. */
export type Slot = 0 | 1

/** Paths are below the root, and one character is one byte: `ÿ` is 0xff, which is no UTF-8. */
export type Call =
  | { readonly _tag: "write" | "append" | "overwrite" | "create"; readonly path: string; readonly text: string }
  | { readonly _tag: "truncate"; readonly path: string; readonly length: number }
  | { readonly _tag: "mkdir"; readonly path: string; readonly mode: number }
  | { readonly _tag: "rmdir" | "unlink" | "remove"; readonly path: string }
  | { readonly _tag: "rename"; readonly path: string; readonly to: string; readonly renaming: Renaming }
  | { readonly _tag: "link" | "copyFile"; readonly path: string; readonly to: string }
  | { readonly _tag: "symlink"; readonly path: string; readonly target: string }
  | { readonly _tag: "mknod"; readonly path: string; readonly type: NodeType; readonly rdev: bigint }
  | { readonly _tag: "chmod"; readonly path: string; readonly mode: number }
  | { readonly _tag: "chown"; readonly path: string; readonly uid?: number; readonly gid?: number }
  | { readonly _tag: "utimes"; readonly path: string; readonly atime?: bigint; readonly mtime?: bigint }
  | {
    readonly _tag: "setxattr"
    readonly path: string
    readonly name: string
    readonly value: string
    readonly only?: "create" | "replace"
  }
  | { readonly _tag: "getxattr" | "removexattr"; readonly path: string; readonly name: string }
  | {
    readonly _tag: "listxattr" | "readdir" | "read" | "readlink" | "stat" | "lstat" | "realpath" | "writable"
    readonly path: string
  }
  | { readonly _tag: "open"; readonly path: string; readonly slot: Slot; readonly flag: "r" | "r+" | "a+" | "r,trunc" }
  | { readonly _tag: "readOpen" | "statOpen" | "close"; readonly slot: Slot }
  | { readonly _tag: "writeOpen"; readonly slot: Slot; readonly text: string }
  | { readonly _tag: "truncateOpen"; readonly slot: Slot; readonly length: number }

/** A mark made by hand in a layer that is not mounted; `foreign` is the other namespace's, so plain data. */
export interface Mark {
  readonly kind: "whiteout" | "opaque" | "foreign" | "not quite opaque" | "escaped"
  readonly path: string
}

/** What is done in each layer, from the lowest to the one on top; then, where nothing can be written. */
export interface Program {
  readonly userxattr: boolean
  /** For each layer, what is put into it once it is made. */
  readonly marks: ReadonlyArray<ReadonlyArray<Mark>>
  readonly layers: ReadonlyArray<ReadonlyArray<Call>>
  readonly readOnly: ReadonlyArray<Call>
}

/** The names that there are; the last one is no UTF-8. */
export const names = ["a", "b", "c", "ÿ"] as const

const name = fc.constantFrom("a", "a", "a", "b", "b", "b", "c", "c", "c", "ÿ")

const plainPath = fc.oneof(
  { weight: 5, arbitrary: name },
  { weight: 7, arbitrary: fc.tuple(name, name).map((parts) => parts.join("/")) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((parts) => parts.join("/")) }
)

/**
 * What a path is to lead to, chosen when the call's turn comes. `?file 2` is the third file; as a name, `?xattr 2` is the third
 * of the extended attributes that are seen there.
 */
export type Kind =
  | "root"
  | "directory"
  | "file"
  /** A file with several names. */
  | "linked"
  | "symlink"
  | "special"
  /** What has extended attributes. */
  | "attributed"
  /** What a whiteout hides. */
  | "gone"
  | "open"
  /** Nothing yet. */
  | "new"

const some = (...kinds: ReadonlyArray<Kind>): fc.Arbitrary<string> =>
  fc.tuple(fc.constantFrom(...kinds), fc.nat(11)).map(([kind, at]) => `?${kind} ${at}`)

/** Of such a kind two times in three. */
const mostly = (...kinds: ReadonlyArray<Kind>): fc.Arbitrary<string> =>
  fc.oneof({ weight: 2, arbitrary: some(...kinds) }, { weight: 1, arbitrary: anyPath })

/** Now and then with detours: never out of the tree. */
const anyPath = fc.oneof(
  { weight: 20, arbitrary: plainPath },
  { weight: 1, arbitrary: fc.tuple(name, plainPath).map(([first, rest]) => `${first}/../${rest}`) },
  { weight: 1, arbitrary: plainPath.map((path) => `${path}/`) },
  { weight: 1, arbitrary: fc.constant(".") }
)

const text = fc.constantFrom("", "x", "text", "longer text")
const slot = fc.constantFrom<Slot>(0, 1)
const target = fc.oneof(plainPath, plainPath.map((path) => `../${path}`), fc.constantFrom("nowhere", ".", ""))
const mode = fc.constantFrom(0o755, 0o700, 0o644, 0o2775, 0o4755, 0o2755, 0o1777, 0)
const id = fc.constantFrom(0, 1000)
const length = fc.constantFrom(0, 2, 9)

/** Before 2020, so that they count exactly; before 1970 too, and to the nanosecond. */
const time = fc.constantFrom(1_000_000_000_000_000_000n, 1_111_111_111_123_456_789n, -1n, 0n)

/** All namespaces, what is special to overlays in both of theirs, and names that are none. */
const xattr = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom("user.a", "user.b", "trusted.a", "security.a") },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      "trusted.overlay.opaque",
      "user.overlay.opaque",
      "trusted.overlay.a",
      "user.overlay.a",
      "trusted.overlay.overlay.a",
      "user.overlay.overlay.opaque"
    )
  },
  {
    weight: 2,
    arbitrary: fc.constantFrom(
      "user.",
      "trusted.overlay.",
      "user.overlay.",
      "a",
      "system.a",
      "",
      `user.${"x".repeat(251)}`
    )
  }
)
const xattrValue = fc.constantFrom("", "y", "value", "ÿ\0")

const tagged = <Tag extends Call["_tag"], Rest>(tags: ReadonlyArray<Tag>, rest: fc.Arbitrary<Rest>) =>
  fc.tuple(fc.constantFrom(...tags), rest).map(([_tag, fields]) => ({ _tag, ...fields }))

const existing = mostly("file", "directory", "linked", "symlink", "special", "root")
const vacant = mostly("new", "gone", "file", "directory")
const free = mostly("new", "gone")

/** Devices that no driver has, and overlay's deletion mark. */
const node = fc.constantFrom<{ readonly type: NodeType; readonly rdev: bigint }>(
  { type: "file", rdev: 0n },
  { type: "fifo", rdev: 0n },
  { type: "socket", rdev: 0n },
  { type: "characterDevice", rdev: 0n },
  { type: "characterDevice", rdev: 0x1_2c07n },
  { type: "blockDevice", rdev: 0x1_2c07n }
)

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 8,
    arbitrary: tagged(["write", "append", "overwrite"], fc.record({ path: mostly("file", "linked", "open"), text }))
  },
  { weight: 5, arbitrary: tagged(["write", "create"], fc.record({ path: free, text })) },
  { weight: 2, arbitrary: tagged(["truncate"], fc.record({ path: mostly("file", "linked"), length })) },
  { weight: 7, arbitrary: tagged(["mkdir"], fc.record({ path: free, mode })) },
  { weight: 6, arbitrary: tagged(["rmdir"], fc.record({ path: mostly("directory") })) },
  {
    weight: 7,
    arbitrary: tagged(["unlink"], fc.record({ path: mostly("file", "linked", "symlink", "special", "open") }))
  },
  { weight: 3, arbitrary: tagged(["remove"], fc.record({ path: fc.oneof(plainPath, some("directory")) })) },
  {
    weight: 7,
    arbitrary: tagged(["rename"], fc.record({ path: existing, to: vacant, renaming: fc.constant<Renaming>("replace") }))
  },
  {
    weight: 5,
    arbitrary: tagged(
      ["rename"],
      fc.record({
        path: some("directory"),
        to: some("new", "gone", "directory"),
        renaming: fc.constant<Renaming>("replace")
      })
    )
  },
  {
    weight: 6,
    arbitrary: tagged(
      ["rename"],
      fc.record({
        path: existing,
        to: mostly("file", "directory", "linked", "symlink", "special"),
        renaming: fc.constant<Renaming>("exchange")
      })
    )
  },
  {
    weight: 3,
    arbitrary: tagged(
      ["rename"],
      fc.record({
        path: existing,
        to: vacant,
        renaming: fc.constantFrom<Renaming>("noReplace", "noReplace", "noReplace", "whiteout")
      })
    )
  },
  {
    weight: 5,
    arbitrary: tagged(["link"], fc.record({ path: mostly("file", "linked", "symlink", "special"), to: free }))
  },
  { weight: 1, arbitrary: tagged(["copyFile"], fc.record({ path: existing, to: vacant })) },
  { weight: 3, arbitrary: tagged(["symlink"], fc.record({ path: free, target })) },
  { weight: 4, arbitrary: fc.tuple(free, node).map(([path, made]) => ({ _tag: "mknod", path, ...made }) as const) },
  { weight: 4, arbitrary: tagged(["chmod"], fc.record({ path: existing, mode })) },
  {
    weight: 3,
    arbitrary: tagged(["chown"], fc.record({ path: existing, uid: id, gid: id }, { requiredKeys: ["path"] }))
  },
  {
    weight: 3,
    arbitrary: tagged(["utimes"], fc.record({ path: existing, atime: time, mtime: time }, { requiredKeys: ["path"] }))
  },
  {
    weight: 8,
    arbitrary: tagged(
      ["setxattr"],
      fc.record({
        path: mostly("file", "directory", "linked", "symlink", "special", "root"),
        name: xattr,
        value: xattrValue,
        only: fc.constantFrom<"create" | "replace">("create", "replace")
      }, { requiredKeys: ["path", "name", "value"] })
    )
  },
  {
    weight: 5,
    arbitrary: tagged(
      ["getxattr", "removexattr"],
      fc.record({ path: some("attributed"), name: fc.nat(3).map((at) => `?xattr ${at}`) })
    )
  },
  { weight: 2, arbitrary: tagged(["getxattr", "removexattr"], fc.record({ path: existing, name: xattr })) },
  { weight: 3, arbitrary: tagged(["listxattr"], fc.record({ path: some("attributed") })) },
  {
    weight: 6,
    arbitrary: tagged(
      ["listxattr", "readdir", "read", "readlink", "stat", "lstat", "realpath", "writable"],
      fc.record({ path: existing })
    )
  },
  {
    weight: 7,
    arbitrary: tagged(
      ["open"],
      fc.record({
        path: mostly("file", "linked"),
        slot,
        flag: fc.constantFrom<"r" | "r+" | "a+" | "r,trunc">("r", "r", "r", "r+", "a+", "r,trunc")
      })
    )
  },
  { weight: 9, arbitrary: tagged(["readOpen", "readOpen", "statOpen"], fc.record({ slot })) },
  { weight: 2, arbitrary: tagged(["writeOpen"], fc.record({ slot, text })) },
  { weight: 1, arbitrary: tagged(["truncateOpen"], fc.record({ slot, length })) },
  { weight: 3, arbitrary: tagged(["append"], fc.record({ path: some("open"), text })) },
  { weight: 3, arbitrary: tagged(["unlink"], fc.record({ path: some("open") })) },
  { weight: 1, arbitrary: tagged(["close"], fc.record({ slot })) }
)

/** Something of everything, in the lowest layer. */
const furniture: ReadonlyArray<Call> = [
  { _tag: "mkdir", path: "a", mode: 0o755 },
  { _tag: "mkdir", path: "a/b", mode: 0o755 },
  { _tag: "mkdir", path: "b", mode: 0o755 },
  { _tag: "write", path: "a/a", text: "text" },
  { _tag: "write", path: "c", text: "longer text" },
  { _tag: "link", path: "c", to: "b/c" },
  { _tag: "symlink", path: "a/c", target: "../c" },
  { _tag: "write", path: "b/a", text: "x" },
  { _tag: "setxattr", path: "a", name: "user.a", value: "value" },
  { _tag: "setxattr", path: "a/a", name: "trusted.a", value: "y" },
  { _tag: "mknod", path: "b/b", type: "characterDevice", rdev: 0x1_2c07n },
  { _tag: "write", path: "ÿ", text: "x" }
]

const beginning = fc.constantFrom<ReadonlyArray<Call>>(furniture, furniture, furniture.slice(0, 4), [])

const mark: fc.Arbitrary<Mark> = fc.record({
  kind: fc.constantFrom<Mark["kind"]>("whiteout", "opaque", "foreign", "not quite opaque", "escaped"),
  path: plainPath
})

/** One to four layers below the last, which is the longest: that is where what others left is changed. */
export const program: fc.Arbitrary<Program> = fc.record({
  userxattr: fc.constantFrom(false, false, true),
  marks: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    {
      weight: 1,
      arbitrary: fc.array(fc.array(mark, { maxLength: 4, size: "max" }), { minLength: 1, maxLength: 3, size: "max" })
    }
  ),
  layers: fc.tuple(
    beginning,
    fc.array(call, { maxLength: 15, size: "max" }),
    fc.array(fc.array(call, { minLength: 3, maxLength: 15, size: "max" }), { maxLength: 3, size: "max" }),
    fc.array(call, { minLength: 5, maxLength: 40, size: "max" })
  ).map(([beginning, first, between, last]) => [[...beginning, ...first], ...between, last]),
  readOnly: fc.array(call, { maxLength: 15, size: "max" })
})

export const render = ({ _tag, ...fields }: Call): string =>
  `${_tag} ${
    Object.entries(fields).map(([field, value]) =>
      `${["path", "to"].includes(field) ? "" : `${field}=`}${
        typeof value === "bigint" ? `${value}n` : JSON.stringify(value)
      }`
    ).join(" ")
  }`
