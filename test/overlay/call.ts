/** Calls on a tree as data, and the random ones: few names, so that they meet. */
import * as fc from "fast-check"

/** Which of the files that are open; each is opened and closed as its turn comes. */
export type Slot = 0 | 1

export type Call =
  | { readonly _tag: "write" | "append" | "overwrite" | "create"; readonly path: string; readonly text: string }
  | { readonly _tag: "truncate"; readonly path: string; readonly length: number }
  | { readonly _tag: "mkdir" | "rmdir" | "unlink" | "remove"; readonly path: string }
  | { readonly _tag: "rename" | "renameNoReplace" | "link" | "copyFile"; readonly path: string; readonly to: string }
  | { readonly _tag: "symlink"; readonly path: string; readonly target: string }
  | { readonly _tag: "chmod"; readonly path: string; readonly mode: number }
  | { readonly _tag: "chown"; readonly path: string; readonly uid: number; readonly gid: number }
  | { readonly _tag: "utimes"; readonly path: string; readonly seconds: number }
  | { readonly _tag: "readdir" | "read" | "readlink" | "stat" | "realpath" | "writable"; readonly path: string }
  | { readonly _tag: "open"; readonly path: string; readonly slot: Slot; readonly flag: "r" | "r+" | "a+" }
  | { readonly _tag: "readOpen" | "statOpen" | "close"; readonly slot: Slot }
  | { readonly _tag: "writeOpen"; readonly slot: Slot; readonly text: string }

/** A deletion mark made by hand in a layer that is not mounted; `foreign` is the other namespace's, so plain data. */
export interface Mark {
  readonly kind: "whiteout" | "opaque" | "foreign" | "not quite opaque"
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

const name = fc.constantFrom("a", "b", "c")

const plainPath = fc.oneof(
  { weight: 5, arbitrary: name },
  { weight: 7, arbitrary: fc.tuple(name, name).map((names) => names.join("/")) },
  { weight: 2, arbitrary: fc.tuple(name, name, name).map((names) => names.join("/")) }
)

/**
 * What a path is to lead to, chosen when the call's turn comes: a directory, a file, a file with several names, a symlink,
 * what a whiteout hides, what is open, or nothing yet. `?file 2` is the third file.
 */
export type Kind = "directory" | "file" | "linked" | "symlink" | "gone" | "open" | "new"

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
const target = fc.oneof(plainPath, plainPath.map((path) => `../${path}`), fc.constantFrom("nowhere", "."))
const mode = fc.constantFrom(0o755, 0o700, 0o644, 0o2775, 0o4755, 0o1777, 0)
const id = fc.constantFrom(0, 1000)
const seconds = fc.constantFrom(1_000_000_000, 1_111_111_111)

const tagged = <Tag extends Call["_tag"], Rest>(tags: ReadonlyArray<Tag>, rest: fc.Arbitrary<Rest>) =>
  fc.tuple(fc.constantFrom(...tags), rest).map(([_tag, fields]) => ({ _tag, ...fields }))

const existing = mostly("file", "directory", "linked", "symlink")
const vacant = mostly("new", "gone", "file", "directory")

const call: fc.Arbitrary<Call> = fc.oneof(
  {
    weight: 8,
    arbitrary: tagged(["write", "append", "overwrite"], fc.record({ path: mostly("file", "linked", "open"), text }))
  },
  { weight: 5, arbitrary: tagged(["write", "create"], fc.record({ path: mostly("new", "gone"), text })) },
  {
    weight: 2,
    arbitrary: tagged(["truncate"], fc.record({ path: mostly("file", "linked"), length: fc.constantFrom(0, 2, 9) }))
  },
  { weight: 7, arbitrary: tagged(["mkdir"], fc.record({ path: mostly("new", "gone") })) },
  { weight: 6, arbitrary: tagged(["rmdir"], fc.record({ path: mostly("directory") })) },
  { weight: 7, arbitrary: tagged(["unlink"], fc.record({ path: mostly("file", "linked", "symlink", "open") })) },
  { weight: 3, arbitrary: tagged(["remove"], fc.record({ path: fc.oneof(plainPath, some("directory")) })) },
  { weight: 7, arbitrary: tagged(["rename"], fc.record({ path: existing, to: vacant })) },
  {
    weight: 5,
    arbitrary: tagged(["rename"], fc.record({ path: some("directory"), to: some("new", "gone", "directory") }))
  },
  { weight: 2, arbitrary: tagged(["renameNoReplace"], fc.record({ path: existing, to: vacant })) },
  {
    weight: 5,
    arbitrary: tagged(["link"], fc.record({ path: mostly("file", "linked", "symlink"), to: mostly("new", "gone") }))
  },
  { weight: 1, arbitrary: tagged(["copyFile"], fc.record({ path: existing, to: vacant })) },
  { weight: 3, arbitrary: tagged(["symlink"], fc.record({ path: mostly("new", "gone"), target })) },
  { weight: 3, arbitrary: tagged(["chmod"], fc.record({ path: existing, mode })) },
  { weight: 2, arbitrary: tagged(["chown"], fc.record({ path: existing, uid: id, gid: id })) },
  { weight: 2, arbitrary: tagged(["utimes"], fc.record({ path: existing, seconds })) },
  {
    weight: 5,
    arbitrary: tagged(["readdir", "read", "readlink", "stat", "realpath", "writable"], fc.record({ path: existing }))
  },
  {
    weight: 7,
    arbitrary: tagged(
      ["open"],
      fc.record({
        path: mostly("file", "linked"),
        slot,
        flag: fc.constantFrom<"r" | "r+" | "a+">("r", "r", "r+", "a+")
      })
    )
  },
  { weight: 9, arbitrary: tagged(["readOpen", "readOpen", "statOpen"], fc.record({ slot })) },
  { weight: 2, arbitrary: tagged(["writeOpen"], fc.record({ slot, text })) },
  { weight: 3, arbitrary: tagged(["append"], fc.record({ path: some("open"), text })) },
  { weight: 3, arbitrary: tagged(["unlink"], fc.record({ path: some("open") })) },
  { weight: 1, arbitrary: tagged(["close"], fc.record({ slot })) }
)

/** Something of everything, in the lowest layer. */
const furniture: ReadonlyArray<Call> = [
  { _tag: "mkdir", path: "a" },
  { _tag: "mkdir", path: "a/b" },
  { _tag: "mkdir", path: "b" },
  { _tag: "write", path: "a/a", text: "text" },
  { _tag: "write", path: "c", text: "longer text" },
  { _tag: "link", path: "c", to: "b/c" },
  { _tag: "symlink", path: "a/c", target: "../c" },
  { _tag: "write", path: "b/a", text: "x" }
]

const beginning = fc.constantFrom<ReadonlyArray<Call>>(furniture, furniture, furniture.slice(0, 4), [])

/** One to four layers, the last of them longest: that is where what others left is changed. */
const mark: fc.Arbitrary<Mark> = fc.record({
  kind: fc.constantFrom<Mark["kind"]>("whiteout", "opaque", "foreign", "not quite opaque"),
  path: plainPath
})

export const program: fc.Arbitrary<Program> = fc.record({
  userxattr: fc.constantFrom(false, false, true),
  marks: fc.oneof(
    { weight: 1, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(fc.array(mark, { maxLength: 3 }), { maxLength: 3, size: "max" }) }
  ),
  layers: fc.tuple(
    beginning,
    fc.array(call, { maxLength: 15, size: "max" }),
    fc.array(fc.array(call, { minLength: 3, maxLength: 20, size: "max" }), { maxLength: 2, size: "max" }),
    fc.array(call, { minLength: 5, maxLength: 40, size: "max" })
  ).map(([beginning, first, between, last]) => [[...beginning, ...first], ...between, last]),
  readOnly: fc.array(call, { maxLength: 15, size: "max" })
})

export const render = ({ _tag, ...fields }: Call): string =>
  `${_tag} ${Object.values(fields).map((value) => JSON.stringify(value)).join(" ")}`
