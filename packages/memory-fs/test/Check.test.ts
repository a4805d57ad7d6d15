/** What `check` says of a store, word for word: each thing that can be wrong, where, with whom, and which promise it breaks. */
import { assert, describe, it } from "@effect/vitest"
import { Key, Name, SnapshotId } from "@snapshotter/core/Snapshot"
import { make, type Snapshotter } from "@snapshotter/core/Snapshotter"
import { FileSystemError, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Context, Effect, type Scope } from "effect"
// Internal, so not among core's exports.
import {
  type Layout,
  layoutOf,
  linkText,
  parentLinkText,
  parseLink,
  type SnapshotPaths
} from "../../core/src/internal/layout.ts"
import { sha256Hex } from "../../core/src/internal/sha256.ts"
import { processOn } from "./machine.ts"

interface Place extends SnapshotPaths {
  readonly id: SnapshotId
  readonly link: string
}

interface Scene {
  readonly fs: StoreFileSystem
  readonly layout: Layout
  readonly store: Snapshotter
  /** The same store, by who sees something else of it. */
  readonly seen: (sees: Partial<StoreFileSystem>) => Effect.Effect<Snapshotter, unknown, Scope.Scope>
  readonly base: Place
  readonly child: Place
  readonly fork: Place
  readonly look: Place
}

/** `base`, `child` on it, an active `fork` and a view `look` of `child`. */
const scene = Effect.gen(function*() {
  const process = processOn(MemoryVolume.make(), "process")
  const fs = Context.get(process, StoreFileSystem)
  const store = yield* Effect.provide(make({ root: "/store" }), process)
  const layout = layoutOf("/store")
  yield* store.prepare(Key.make("base's"))
  yield* store.commit(Name.make("base"), Key.make("base's"))
  yield* store.prepare(Key.make("child's"), { parent: Name.make("base") })
  yield* store.commit(Name.make("child"), Key.make("child's"))
  yield* store.prepare(Key.make("fork"), { parent: Name.make("child") })
  yield* store.view(Key.make("look"), { parent: Name.make("child") })
  yield* store.cleanup
  const placeOf = Effect.fnUntraced(function*(name: string) {
    const link = layout.link(sha256Hex(name))
    const target = parseLink((yield* fs.readLink(link)) ?? "") ?? assert.fail(`the index has no ${name}`)
    return { ...layout.snapshot(target.kind, target.id), id: target.id, link }
  })
  const scene: Scene = {
    fs,
    layout,
    store,
    seen: (sees) => Effect.provide(make({ root: "/store" }), Context.add(process, StoreFileSystem, { ...fs, ...sees })),
    base: yield* placeOf("base"),
    child: yield* placeOf("child"),
    fork: yield* placeOf("fork"),
    look: yield* placeOf("look")
  }
  return scene
})

/** A violation, in one line. */
type Line = string

const lines = (store: Snapshotter) =>
  Effect.map(
    store.check,
    (violations): ReadonlyArray<Line> =>
      violations.map(({ message, path, promise, severity, snapshot }) =>
        `${promise} ${severity} ${path} (${snapshot}) ${message}`
      ).toSorted()
  )

interface Wrong {
  readonly what: string
  /** Does it, and tells what check has to say then. */
  readonly do: (scene: Scene) => Effect.Effect<ReadonlyArray<Line>, FileSystemError, Scope.Scope>
}

const orphan = SnapshotId.make("orphan2222222")

const nameless =
  "has no link in the index and no metadata that can be read, so nobody knows its name any more; once it has been looked into, it can be deleted by hand"

const replaced = (fs: StoreFileSystem, path: string, text: string) =>
  Effect.andThen(fs.removeFile(path), fs.writeFile(path, text, 0o600))

const wrongs: ReadonlyArray<Wrong> = [
  { what: "nothing", do: () => Effect.succeed([]) },
  {
    what: "something that is no snapshot's directory",
    do: ({ fs }) =>
      Effect.as(fs.makeDirectory("/store/active/lost+found", 0o700), [
        "P6 damage /store/active/lost+found (undefined) is not a snapshot's directory"
      ])
  },
  {
    what: "an id in two places",
    do: ({ fork, fs, layout }) =>
      Effect.gen(function*() {
        const twin = layout.snapshot("view", fork.id)
        yield* fs.makeDirectory(twin.directory, 0o700)
        yield* fs.makeDirectory(twin.layer, 0o700)
        return [
          `P1 damage ${twin.directory} (undefined) has an id that is used twice`,
          `P1 damage ${twin.directory} (undefined) ${nameless}`,
          `P3 reclaimable ${fork.link} (undefined) leads nowhere`,
          `P6 damage ${twin.key} (undefined) is missing`
        ]
      })
  },
  {
    what: "metadata that is missing",
    do: ({ base, fs }) => Effect.as(fs.removeFile(base.name), [`P6 damage ${base.name} (undefined) is missing`])
  },
  {
    what: "metadata that cannot be read",
    do: ({ base, fs }) =>
      Effect.gen(function*() {
        yield* fs.removeFile(base.name)
        yield* fs.makeDirectory(base.name, 0o700)
        return [`P6 damage ${base.name} (undefined) cannot be read (EISDIR)`]
      })
  },
  {
    what: "metadata that is none",
    do: ({ base, fs }) => Effect.as(replaced(fs, base.name, ""), [`P6 damage ${base.name} (undefined) is empty`])
  },
  {
    what: "a snapshot without a link whose metadata is torn, which relink cannot put back",
    do: ({ base, fs, store }) =>
      Effect.gen(function*() {
        yield* replaced(fs, base.name, "{\"na")
        yield* fs.removeFile(base.link)
        assert.deepStrictEqual(yield* Effect.orDie(store.relink), [])
        return [
          `P1 damage ${base.directory} (undefined) ${nameless}`,
          `P6 damage ${base.name} (undefined) is not the JSON that this library writes`
        ]
      })
  },
  {
    what: "a layer that is missing, and a scratch directory that is a file",
    do: ({ base, fork, fs }) =>
      Effect.gen(function*() {
        yield* fs.removeTree(base.layer)
        yield* fs.removeTree(fork.work)
        yield* fs.writeFile(fork.work, "", 0o600)
        return [
          `P2 damage ${base.layer} (base) is missing, or no directory`,
          `P2 damage ${fork.work} (fork) is missing, or no directory`
        ]
      })
  },
  {
    what: "layers of which nothing says what they are called",
    do: ({ child, fork, fs }) =>
      Effect.gen(function*() {
        for (const { layer, metadata } of [child, fork]) {
          yield* fs.removeTree(layer)
          for (const kind of ["active", "committed"] as const) yield* fs.removeFile(metadata(kind))
        }
        return [
          `P2 damage ${child.layer} (undefined) is missing, or no directory`,
          `P2 damage ${fork.layer} (undefined) is missing, or no directory`,
          `P6 damage ${child.name} (undefined) is missing`,
          `P6 damage ${fork.key} (undefined) is missing`
        ]
      })
  },
  {
    what: "contents that may be lost, also where nothing says whose",
    do: ({ child, fork, fs }) =>
      Effect.gen(function*() {
        yield* fs.writeFile(fork.suspect, "EIO", 0o600)
        yield* fs.writeFile(child.suspect, "ENOSPC", 0o600)
        yield* fs.removeFile(child.name)
        const message = (code: string) =>
          `a sync failed (${code}) while its contents may have been on their way to disk`
        return [
          `P4 suspect ${child.layer} (undefined) ${message("ENOSPC")}`,
          `P4 suspect ${fork.layer} (fork) ${message("EIO")}`,
          `P6 damage ${child.name} (undefined) is missing`
        ]
      })
  },
  {
    what: "things in the index that are no links of ours",
    do: ({ fs, layout }) =>
      Effect.gen(function*() {
        const [file, link] = [layout.link("file"), layout.link("link")]
        yield* fs.writeFile(file, "", 0o600)
        yield* fs.symlink("../trash/orphan2222222", link)
        return [file, link].map((path) => `P6 damage ${path} (undefined) is not a link to a snapshot`)
      })
  },
  {
    what: "a link to nothing, one to a wrong kind, and one under a wrong name",
    do: ({ base, fork, fs, layout }) =>
      Effect.gen(function*() {
        const [dead, wrong, other] = [layout.link("dead"), layout.link("wrong"), layout.link("other")]
        yield* fs.symlink(linkText({ kind: "view", id: orphan }), dead)
        yield* fs.symlink(linkText({ kind: "view", id: fork.id }), wrong)
        yield* fs.symlink(linkText({ kind: "committed", id: base.id }), other)
        return [
          `P3 reclaimable ${dead} (undefined) leads nowhere`,
          `P3 reclaimable ${wrong} (undefined) leads nowhere`,
          `P3 reclaimable ${other} (base) leads to a snapshot that is called otherwise`
        ]
      })
  },
  {
    what: "snapshots without links",
    do: ({ base, fork, fs }) =>
      Effect.gen(function*() {
        for (const { link } of [base, fork]) yield* fs.removeFile(link)
        yield* fs.removeFile(fork.key)
        return [
          `P1 damage ${base.directory} (base) has no link in the index; relink puts it back`,
          `P1 damage ${fork.directory} (undefined) ${nameless}`,
          `P6 damage ${fork.key} (undefined) is missing`
        ]
      })
  },
  {
    what: "two that bear one name",
    do: ({ fs, look }) =>
      Effect.gen(function*() {
        const text = (yield* fs.readFile(look.key)) ?? ""
        yield* replaced(fs, look.key, text.replace("\"look\"", "\"fork\""))
        return [
          `P1 damage ${look.directory} (fork) bears a name that another one bears too`,
          `P3 reclaimable ${look.link} (fork) leads to a snapshot that is called otherwise`
        ]
      })
  },
  {
    what: "a parent's link that is missing, is no link, leads elsewhere, or to no parent at all",
    do: ({ base, child, fork, fs, look }) =>
      Effect.gen(function*() {
        yield* fs.removeFile(child.parent)
        yield* replaced(fs, fork.parent, "")
        yield* fs.removeFile(look.parent)
        yield* fs.symlink(parentLinkText(base.id), look.parent)
        yield* fs.symlink("../../active/orphan2222222", base.parent)
        const message = "does not lead to the parent that the metadata names"
        const names = { base, child, fork, look }
        return [
          ...Object.entries(names).map(([name, { parent }]) => `P1 damage ${parent} (${name}) ${message}`),
          `P1 damage ${base.child(look.id)} (look) is missing: the parent does not know its child`
        ]
      })
  },
  {
    what: "a parent that is not there, also of one that nothing says the name of",
    do: ({ base, child, fork, fs, look }) =>
      Effect.gen(function*() {
        yield* fs.removeTree(child.directory)
        yield* fs.removeFile(base.child(child.id))
        yield* fs.removeFile(look.key)
        return [
          `P1 damage ${fork.parent} (fork) leads to a parent that is not there`,
          `P1 damage ${look.parent} (undefined) leads to a parent that is not there`,
          `P3 reclaimable ${child.link} (undefined) leads nowhere`,
          `P6 damage ${look.key} (undefined) is missing`
        ]
      })
  },
  {
    what: "a parent that does not know its child",
    do: ({ child, fork, fs, look }) =>
      Effect.gen(function*() {
        for (const { id } of [fork, look]) yield* fs.removeFile(child.child(id))
        yield* fs.removeFile(look.key)
        const message = "is missing: the parent does not know its child"
        return [
          `P1 damage ${child.child(fork.id)} (fork) ${message}`,
          `P1 damage ${child.child(look.id)} (undefined) ${message}`,
          `P6 damage ${look.key} (undefined) is missing`
        ]
      })
  },
  {
    what: "a parent link that cannot be read, of what has no parent",
    do: ({ base, fs }) =>
      Effect.as(fs.makeDirectory(base.parent, 0o700), [
        `P1 damage ${base.parent} (base) does not lead to the parent that the metadata names`
      ])
  },
  {
    what: "things in the index that are no links, under names that could be borne",
    do: ({ fs, layout }) =>
      Effect.gen(function*() {
        const [file, directory] = [layout.link(sha256Hex("file")), layout.link(sha256Hex("directory"))]
        yield* fs.writeFile(file, "", 0o600)
        yield* fs.makeDirectory(directory, 0o700)
        return [
          `P6 damage ${file} (undefined) is not a link to a snapshot; relink puts it right`,
          `P6 damage ${directory} (undefined) is not a link to a snapshot; it is a directory: move it elsewhere`
        ]
      })
  },
  {
    what: "a list of children that cannot be read, of one that nothing says the name of",
    do: ({ base, child, fs }) =>
      Effect.gen(function*() {
        yield* fs.removeFile(base.name)
        yield* fs.removeTree(base.children)
        yield* fs.writeFile(base.children, "", 0o600)
        return [
          `P1 damage ${base.child(child.id)} (child) is missing: the parent does not know its child`,
          `P6 damage ${base.children} (undefined) cannot be read (ENOTDIR)`,
          `P6 damage ${base.name} (undefined) is missing`
        ]
      })
  },
  {
    what: "ancestors in a circle",
    do: ({ base, child, fs }) =>
      Effect.gen(function*() {
        yield* fs.symlink(parentLinkText(child.id), base.parent)
        yield* fs.writeFile(child.child(base.id), "", 0o600)
        return [
          `P1 damage ${base.parent} (base) does not lead to the parent that the metadata names`,
          `P1 damage ${base.directory} (undefined) is its own ancestor`,
          `P1 damage ${child.directory} (undefined) is its own ancestor`
        ]
      })
  },
  {
    what: "what was begun, and what was to go",
    do: ({ fs }) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory("/store/staging/begun22222222", 0o700)
        yield* fs.makeDirectory("/store/trash/anything", 0o700)
        return [
          "P3 reclaimable /store/staging/begun22222222 (undefined) was begun and never came to be",
          "P3 reclaimable /store/trash/anything (undefined) is on its way out"
        ]
      })
  },
  {
    what: "files and marks that are left over",
    do: ({ base, child, fork, fs, look }) =>
      Effect.gen(function*() {
        const left = { base: [base.next, base.work], fork: [fork.next, fork.name], look: [look.next] }
        for (const path of Object.values(left).flat()) yield* fs.writeFile(path, "", 0o600)
        yield* fs.writeFile(child.child(orphan), "", 0o600)
        return [
          ...Object.entries(left).flatMap(([name, paths]) =>
            paths.map((path) => `P3 reclaimable ${path} (${name}) is left over`)
          ),
          `P3 reclaimable ${child.child(orphan)} (child) marks a child that is not there`
        ]
      })
  },
  {
    what: "the same where nothing says whose it is",
    do: ({ child, fs }) =>
      Effect.gen(function*() {
        yield* fs.removeFile(child.name)
        yield* fs.writeFile(child.next, "", 0o600)
        yield* fs.writeFile(child.child(orphan), "", 0o600)
        return [
          `P3 reclaimable ${child.next} (undefined) is left over`,
          `P3 reclaimable ${child.child(orphan)} (undefined) marks a child that is not there`,
          `P6 damage ${child.name} (undefined) is missing`
        ]
      })
  },
  {
    what: "lists of children that are none",
    do: ({ base, child, fork, fs, look }) =>
      Effect.gen(function*() {
        for (const { children } of [base, child]) {
          yield* fs.removeTree(children)
          yield* fs.writeFile(children, "", 0o600)
        }
        const unknown = "is missing: the parent does not know its child"
        return [
          `P6 damage ${base.children} (base) cannot be read (ENOTDIR)`,
          `P6 damage ${child.children} (child) cannot be read (ENOTDIR)`,
          `P1 damage ${base.child(child.id)} (child) ${unknown}`,
          `P1 damage ${child.child(fork.id)} (fork) ${unknown}`,
          `P1 damage ${child.child(look.id)} (look) ${unknown}`
        ]
      })
  }
]

describe("check says of", () => {
  for (const wrong of wrongs) {
    it.live(wrong.what, () =>
      Effect.scoped(Effect.gen(function*() {
        const made = yield* scene
        assert.deepStrictEqual(yield* lines(made.store), [])
        const expected = yield* wrong.do(made)
        const found = yield* lines(made.store)
        assert.deepStrictEqual(found, expected.toSorted())
      })))
  }

  it.live("layers and notes that may not be read", () =>
    Effect.scoped(Effect.gen(function*() {
      const { base, child, fork, fs, seen } = yield* scene
      yield* fs.removeFile(child.name)
      const refused = (operation: string, path: string) =>
        Effect.fail(new FileSystemError({ operation, path, code: "EACCES" }))
      const store = yield* seen({
        lstat: (path) => [base.layer, child.layer].includes(path) ? refused("lstat", path) : fs.lstat(path),
        readFile: (path) => path === fork.suspect ? refused("readFile", path) : fs.readFile(path)
      })
      assert.deepStrictEqual(yield* lines(store), [
        `P2 damage ${base.layer} (base) cannot be read (EACCES)`,
        `P2 damage ${child.layer} (undefined) cannot be read (EACCES)`,
        `P4 suspect ${fork.layer} (fork) a sync failed (its note cannot be read: EACCES) ` +
        "while its contents may have been on their way to disk",
        `P6 damage ${child.name} (undefined) is missing`
      ])
    })))
})
