/** How programs of the model begin. */
import type { Command } from "@snapshotter/core/testing/Command"

/** A base with everything that a fork can come upon: files, one of them with two names, directories and a symlink. */
const base: ReadonlyArray<Command> = [
  { _tag: "prepare", key: "a" },
  { _tag: "mount", slot: 0, key: "a" },
  { _tag: "write", slot: 0, path: "f", text: "x" },
  { _tag: "link", slot: 0, from: "f", to: "g" },
  { _tag: "write", slot: 0, path: "d/f", text: "yy" },
  { _tag: "symlink", slot: 0, path: "d/g" },
  { _tag: "write", slot: 0, path: "d/e/f", text: "x" },
  { _tag: "unmount", slot: 0 },
  { _tag: "commit", name: "b", key: "a" }
]

/** What a store may hold at first: nothing, a chain as long as it may be, or a base with a fork and a view, both mounted. */
export const beginnings: ReadonlyArray<ReadonlyArray<Command>> = [
  [],
  [
    ...base,
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "commit", name: "d", key: "c" },
    { _tag: "prepare", key: "e", parent: "d" },
    { _tag: "commit", name: "f", key: "e" }
  ],
  [
    ...base,
    { _tag: "prepare", key: "c", parent: "b" },
    { _tag: "view", key: "d", parent: "b" },
    { _tag: "mount", slot: 0, key: "c" },
    { _tag: "mount", slot: 1, key: "d" }
  ]
]
