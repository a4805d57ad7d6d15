/**
 * Programs on which memory-fs and the kernel once differed, as short as they shrank: each is a statement about overlays that
 * holds on both since.
 */
import type { Call, Mark, Program } from "./call.ts"

export interface Counterexample {
  readonly name: string
  readonly program: Program
}

/** Layers from the lowest up, then what is tried where nothing can be written. */
const over = (
  layers: ReadonlyArray<ReadonlyArray<Call>>,
  { marks = [], readOnly = [], userxattr = false }: Partial<Program> = {}
): Program => ({ userxattr, marks, layers, readOnly })

const device = { type: "characterDevice", rdev: 0x1_2c07n } as const
const write = (path: string, text = "text"): Call => ({ _tag: "write", path, text })
const mkdir = (path: string): Call => ({ _tag: "mkdir", path, mode: 0o755 })
const rename = (path: string, to: string): Call => ({ _tag: "rename", path, to, renaming: "replace" })
const exchange = (path: string, to: string): Call => ({ _tag: "rename", path, to, renaming: "exchange" })
const byHand = (kind: Mark["kind"], path: string): Mark => ({ kind, path })

export const counterexamples: ReadonlyArray<Counterexample> = [
  {
    name: "a device can be written where nothing else can: what is written does not reach the file system",
    program: over([[{ _tag: "mknod", path: "a", ...device }]], { readOnly: [{ _tag: "writable", path: "a" }] })
  },
  {
    name: "a device that is copied up stays the same device, and is no whiteout",
    program: over([[{ _tag: "mknod", path: "a", ...device }], [rename("a", "b")], []], {
      readOnly: [{ _tag: "lstat", path: "b" }]
    })
  },
  {
    name: "an attribute that the upper layer refuses has copied its file up all the same",
    program: over([[write("a")], [{ _tag: "setxattr", path: "a", name: "user.", value: "" }]])
  },
  {
    name: "an attribute that is there already is refused after the copy-up, one that is not is not removed before it",
    program: over([
      [write("a"), write("b"), { _tag: "setxattr", path: "a", name: "user.a", value: "x" }],
      [
        { _tag: "setxattr", path: "a", name: "user.a", value: "y", only: "create" },
        { _tag: "removexattr", path: "b", name: "user.a" }
      ]
    ])
  },
  {
    name: "a FIFO has no offset to read at, nor one to write at, whatever it is open for",
    program: over([[{ _tag: "mknod", path: "a", type: "fifo", rdev: 0n }], [
      { _tag: "read", path: "a" },
      { _tag: "open", path: "a", slot: 0, flag: "r" },
      { _tag: "writeOpen", slot: 0, text: "" }
    ]])
  },
  {
    name: "an attribute of the overlay's own is kept under a longer name, layer upon layer",
    program: over([
      [mkdir("a"), write("a/a")],
      [{ _tag: "setxattr", path: "a", name: "trusted.overlay.opaque", value: "y" }],
      [
        { _tag: "getxattr", path: "a", name: "trusted.overlay.opaque" },
        { _tag: "setxattr", path: "a", name: "trusted.overlay.overlay.opaque", value: "y" },
        { _tag: "listxattr", path: "a" }
      ]
    ], { readOnly: [{ _tag: "readdir", path: "a" }] })
  },
  {
    name: "a rename of one name of a lower file over another makes two files of them",
    program: over([[write("a"), { _tag: "link", path: "a", to: "b" }], [rename("a", "b"), write("b", "x")]])
  },
  {
    name: "a directory that changes places with another comes closed into a merged one",
    program: over([
      [mkdir("a"), mkdir("a/a"), write("a/a/a")],
      [{ _tag: "remove", path: "a/a" }, write("a/a"), mkdir("b"), exchange("b", "a/a")]
    ])
  },
  {
    name: "lower directories do not change places",
    program: over([[mkdir("a"), write("b")], [exchange("a", "b"), exchange("b", "a")]])
  },
  {
    name: "whiteouts made by hand are listed in a directory of one layer, and cannot be looked up",
    program: over([[mkdir("a")], []], {
      marks: [[byHand("whiteout", "a/a")]],
      readOnly: [{ _tag: "readdir", path: "a" }, { _tag: "lstat", path: "a/a" }]
    })
  },
  {
    name: "a deletion mark of the other namespace is data, and is copied up",
    program: over([[mkdir("a"), write("a/a")], [write("a/b")], [{ _tag: "chmod", path: "a", mode: 0o700 }]], {
      marks: [[], [byHand("foreign", "a")]],
      readOnly: [{ _tag: "readdir", path: "a" }, { _tag: "listxattr", path: "a" }]
    })
  },
  {
    name: "a file that is open shows its copy from the copy-up on",
    program: over([
      [write("a")],
      [{ _tag: "open", path: "a", slot: 0, flag: "r" }, { _tag: "append", path: "a", text: "x" }, {
        _tag: "readOpen",
        slot: 0
      }]
    ])
  },
  {
    name: "a whiteout that a rename leaves in a setgid directory has its group, one that a removal leaves has not",
    program: over([
      [write("a"), write("b")],
      [
        { _tag: "chown", path: ".", gid: 1000 },
        { _tag: "chmod", path: ".", mode: 0o2755 },
        rename("a", "c"),
        { _tag: "unlink", path: "b" }
      ]
    ])
  },
  {
    name: "a name that is no UTF-8 is removed, covered, and made again",
    program: over([[write("ÿ"), mkdir("a"), write("a/ÿ")], [{ _tag: "unlink", path: "ÿ" }, rename("a/ÿ", "ÿ")]])
  }
]
