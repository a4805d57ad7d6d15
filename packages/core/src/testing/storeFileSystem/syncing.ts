/** `sync`: what it takes, and what it refuses. That it keeps what it says is not for a case to see. */
import { Effect } from "effect"
import type { SyncTarget } from "../../StoreFileSystem.ts"
import { expectEqual, type Suite } from "../Suite.ts"
import { expectCode, makeBranches, type Needs, statement } from "./bench.ts"

export const syncingCases: Suite<Needs> = [
  statement("sync takes a file, a directory, a tree, several of them, and none", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      const file: SyncTarget = { kind: "file", path: at("tree/d0/f0") }
      const directory: SyncTarget = { kind: "directory", path: at("tree/d0") }
      const tree: SyncTarget = { kind: "tree", path: at("tree") }
      for (const targets of [[], [file], [directory], [tree], [file, directory], [tree, tree, file]]) {
        yield* fs.sync(targets)
      }
      yield* expectEqual("the inodes", (yield* fs.usage(at("tree"))).inodes, 1 + 3 + 9)
    })),
  statement("sync takes 100 callers at once", (fs, at) =>
    Effect.gen(function*() {
      yield* makeBranches(fs, at("tree"), 3)
      yield* Effect.forEach(Array.from({ length: 100 }), (_, i) =>
        fs.sync([i % 2 === 0 ? { kind: "tree", path: at("tree") } : { kind: "directory", path: at("tree") }]), {
        concurrency: "unbounded",
        discard: true
      })
    })),
  statement("sync is ENOENT for a target that is missing, alone or among others", (fs, at) =>
    Effect.gen(function*() {
      const there: SyncTarget = { kind: "directory", path: at() }
      for (const kind of ["file", "directory", "tree"] as const) {
        const missing: SyncTarget = { kind, path: at("missing") }
        yield* expectCode(`a missing ${kind}`, fs.sync([missing]), "ENOENT")
        yield* expectCode(`a missing ${kind} among others`, fs.sync([there, missing]), "ENOENT")
      }
    })),
  statement("sync of a directory that is a file is ENOTDIR", (fs, at) =>
    Effect.gen(function*() {
      yield* fs.writeFile(at("file"), "", 0o644)
      yield* expectCode("directory", fs.sync([{ kind: "directory", path: at("file") }]), "ENOTDIR")
      yield* expectCode("tree", fs.sync([{ kind: "tree", path: at("file") }]), "ENOTDIR")
    }))
]
