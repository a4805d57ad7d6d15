/**
 * What every `Mounter` promises, a case for each sentence of its contract. What lies inside a mount is read and written
 * through Effect's `FileSystem`, as users do; everything else through the store's port.
 */
import { Effect, Exit, FileSystem, Scope } from "effect"
import { idFromNumber } from "../IdSource.ts"
import { type Mounts, mountsOf, type OverlayMount } from "../Mount.ts"
import { type LayerUse, Mounter } from "../Mounter.ts"
import { layersMaxOfKernel } from "../Snapshot.ts"
import { StoreFileSystem } from "../StoreFileSystem.ts"
import { type Case, expectEqual, expectThat, failureOf, type Suite, Workplace } from "./Suite.ts"

type Needs = Mounter | StoreFileSystem | Workplace | FileSystem.FileSystem

/** What a case has at hand. `at` leads from names to paths in the workplace. */
interface Place {
  readonly mounter: Mounter
  readonly store: StoreFileSystem
  readonly files: FileSystem.FileSystem
  readonly at: (name?: string) => string
  /** Ids as a store gives them, the same in no two workplaces; the directory that holds a layer is named by one. */
  readonly idOf: (number: number) => string
}

const statement = <E>(name: string, test: (place: Place) => Effect.Effect<void, E, Scope.Scope>): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const { directory } = yield* Workplace
    const store = yield* StoreFileSystem
    const real = yield* store.realPath(directory)
    const at = (name?: string) => name === undefined ? real : `${real}/${name}`
    const ids = hashOf(real) << 16n
    const idOf = (number: number) => idFromNumber(ids + BigInt(number))
    yield* test({ mounter: yield* Mounter, files: yield* FileSystem.FileSystem, store, at, idOf })
  })
})

/** FNV-1a, of 48 bits. */
const hashOf = (text: string): bigint =>
  [...text].reduce(
    (hash, character) => ((hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n) & 0xffff_ffff_ffffn,
    0xcbf29ce484222325n
  )

/** Makes a layer as a store has it, with one file of that text, and gives its path. */
const makeLayer = Effect.fnUntraced(function*({ store, at, idOf }: Place, number: number, text: string, name = "file") {
  const holder = at(idOf(number))
  yield* store.makeDirectory(holder, 0o700)
  yield* store.makeDirectory(`${holder}/fs`, 0o755)
  yield* store.makeDirectory(`${holder}/work`, 0o711)
  yield* store.writeFile(`${holder}/fs/${name}`, text, 0o644)
  return `${holder}/fs`
})

const makeLayers = (place: Place, count: number) =>
  Effect.forEach(Array.from({ length: count }), (_, i) => makeLayer(place, i, `${i}`, `file${i}`))

const makeTarget = Effect.fnUntraced(function*({ store, at }: Place, name = "target") {
  yield* store.makeDirectory(at(name), 0o755)
  return at(name)
})

const bind = (source: string, writable: boolean): Mounts => [
  { type: "bind", source, options: [writable ? "rw" : "ro", "rbind"] }
]

const overlay = (writable: string | undefined, parents: ReadonlyArray<string>, extra: ReadonlyArray<string> = []) =>
  writable === undefined
    ? mountsOf({ writable: false, layer: "/nowhere", work: "/nowhere", parents }, extra)
    : mountsOf({ writable: true, layer: writable, work: writable.replace(/fs$/, "work"), parents }, extra)

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

/** What is mounted on exactly these paths. */
const mountedOn = ({ mounter }: Place, target: string) =>
  Effect.map(mounter.mounted, (mounts) => mounts.filter((mount) => mount.target === target))

const expectNothingMounted = (place: Place) =>
  Effect.flatMap(
    place.mounter.mounted,
    (mounts) => expectEqual("what is mounted", mounts.filter(({ target }) => target.startsWith(`${place.at()}/`)), [])
  )

const expectUses = (place: Place, layer: string, expected: ReadonlyArray<LayerUse>) =>
  Effect.flatMap(place.mounter.uses(layer), (uses) => expectEqual("the uses", uses, expected))

const expectRefusedWrite = ({ files }: Place, path: string) => failureOf("writing", files.writeFileString(path, "new"))

/** Runs in a scope of its own, closed before it goes on. */
const inScope = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> => Effect.scoped(effect)

// === names

/** Each is special to somebody on the way: to the shell, to option strings, to mountinfo. */
const oddNames = [
  "a:b",
  "a::b",
  "a,b",
  "a\\b",
  "a\\:b",
  "\\040",
  "\\134",
  "a b",
  "a\nb",
  "a\tb",
  "a\"b",
  "a'b",
  "a=b",
  "a#b",
  "é",
  "🙂",
  "upperdir=x,lowerdir=y:z",
  "-",
  "deleted//",
  "x".repeat(200)
].map((name) => name.replaceAll("/", ""))

const withOddRoot = Effect.fnUntraced(function*(place: Place, name: string) {
  yield* place.store.makeDirectory(place.at(name), 0o755)
  return { ...place, at: (inner?: string) => place.at(inner === undefined ? name : `${name}/${inner}`) }
})

// ============================================================ bind mounts

const binding: Suite<Needs> = [
  statement("a bind mount shows its source", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
    })),
  statement("what is written through a writable bind mount lands in its source", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.files.writeFileString(`${target}/file`, "new")
      yield* place.files.makeDirectory(`${target}/directory`)
      yield* expectEqual("the text", yield* place.store.readFile(`${layer}/file`), "new")
      yield* expectEqual("the directory", (yield* place.store.lstat(`${layer}/directory`))?.type, "directory")
    })),
  statement("a read-only bind mount shows its source and refuses every change", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, false), target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
      yield* expectRefusedWrite(place, `${target}/file`)
      yield* expectRefusedWrite(place, `${target}/new`)
      yield* failureOf("removing", place.files.remove(`${target}/file`))
      yield* failureOf("making a directory", place.files.makeDirectory(`${target}/new`))
      yield* failureOf("moving", place.files.rename(`${target}/file`, `${target}/moved`))
      yield* failureOf("changing the mode", place.files.chmod(`${target}/file`, 0o600))
      yield* expectEqual("the names", yield* place.store.readDirectory(layer), ["file"])
      yield* expectEqual("the text", yield* place.store.readFile(`${layer}/file`), "text")
    })),
  statement("a mount ends with its scope, and what it covered is there again", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.store.writeFile(`${target}/covered`, "covered", 0o644)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(bind(layer, true), target)
        yield* expectEqual("the names", yield* place.files.readDirectory(target), ["file"])
      }))
      yield* expectEqual("the names", yield* place.files.readDirectory(target), ["covered"])
      yield* expectNothingMounted(place)
    })),
  statement("a mount ends when what uses it fails", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      const use = Effect.andThen(place.mounter.mount(bind(layer, true), target), Effect.fail("no"))
      yield* expectEqual("the failure", yield* failureOf("the use", inScope(use)), "no")
      yield* expectNothingMounted(place)
    })),
  statement(
    "what is mounted is told by its exact target, and whether it can be written",
    (place) =>
      Effect.gen(function*() {
        const writable = yield* makeLayer(place, 0, "a")
        const readOnly = yield* makeLayer(place, 1, "b")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* place.mounter.mount(bind(writable, true), first)
        yield* place.mounter.mount(bind(readOnly, false), second)
        yield* expectEqual("the first", (yield* mountedOn(place, first)).map((mount) => mount.writable), [true])
        yield* expectEqual("the second", (yield* mountedOn(place, second)).map((mount) => mount.writable), [false])
        const targets = (yield* place.mounter.mounted).map(({ target }) => target)
        yield* expectThat("the older one comes first", targets.indexOf(first) < targets.indexOf(second))
      })
  ),
  statement(
    "any characters may be in the paths of a bind mount, and come back exactly",
    (place) =>
      Effect.forEach(oddNames, (name) =>
        inScope(Effect.gen(function*() {
          const odd = yield* withOddRoot(place, name)
          const layer = yield* makeLayer(odd, 0, name)
          const target = yield* makeTarget(odd, `${name.slice(0, 100)}!`)
          yield* odd.mounter.mount(bind(layer, true), target)
          yield* expectEqual("the text", yield* odd.files.readFileString(`${target}/file`), name)
          yield* expectEqual("the mounts", (yield* mountedOn(odd, target)).length, 1)
          yield* expectUses(odd, layer, [{ target, as: "bind", writable: true }])
          yield* odd.mounter.unmount(target)
          yield* expectNothingMounted(odd)
        })), { discard: true })
  ),
  statement(
    "mounting on what is missing is MountFailed with ENOENT, and on a file with ENOTDIR",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        yield* place.store.writeFile(place.at("plain"), "", 0o644)
        const missing = yield* failureOf(
          "mounting",
          inScope(place.mounter.mount(bind(layer, true), place.at("missing")))
        )
        const plain = yield* failureOf("mounting", inScope(place.mounter.mount(bind(layer, true), place.at("plain"))))
        for (const [error, code] of [[missing, "ENOENT"], [plain, "ENOTDIR"]] as const) {
          yield* expectEqual("the failure", error._tag, "MountFailed")
          yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, code)
        }
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "mounting a source that is missing is MountFailed with ENOENT, and leaves nothing mounted",
    (place) =>
      Effect.gen(function*() {
        const target = yield* makeTarget(place)
        const error = yield* failureOf(
          "mounting",
          inScope(place.mounter.mount(bind(place.at("missing"), false), target))
        )
        yield* expectEqual("the failure", error._tag, "MountFailed")
        yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "ENOENT")
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "of several mounts on one target the last is seen, and all end with the scope",
    (place) =>
      Effect.gen(function*() {
        const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount([...bind(a, true), ...bind(b, true)], target)
          yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "b")
          yield* expectEqual("how many", (yield* mountedOn(place, target)).length, 2)
        }))
        yield* expectNothingMounted(place)
      })
  ),
  statement("where one of several mounts fails, none stays", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "a")
      const target = yield* makeTarget(place)
      const mounts = [...bind(layer, true), ...bind(place.at("missing"), true)]
      yield* failureOf("mounting", place.mounter.mount(mounts, target))
      yield* expectNothingMounted(place)
    })),
  statement("no mounts at all are MountFailed", (place) =>
    Effect.gen(function*() {
      const target = yield* makeTarget(place)
      const error = yield* failureOf("mounting", place.mounter.mount([], target))
      yield* expectEqual("the failure", error._tag, "MountFailed")
    }))
]

const unmounting: Suite<Needs> = [
  statement("unmount ends a mount before its scope does", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.mounter.unmount(target)
      yield* expectNothingMounted(place)
      yield* expectEqual("the names", yield* place.files.readDirectory(target), [])
    })),
  statement(
    "what is unmounted already, the scope leaves alone, and what others mounted there since",
    (place) =>
      Effect.gen(function*() {
        const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
        const target = yield* makeTarget(place)
        const first = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(a, true), target), first)
        yield* place.mounter.unmount(target)
        yield* place.mounter.mount(bind(b, true), target)
        yield* Scope.close(first, Exit.void)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "b")
      })
  ),
  statement("unmount ends what was mounted last on the target", (place) =>
    Effect.gen(function*() {
      const [a, b] = [yield* makeLayer(place, 0, "a"), yield* makeLayer(place, 1, "b")]
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(a, true), target)
      yield* place.mounter.mount(bind(b, true), target)
      yield* place.mounter.unmount(target)
      yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "a")
    })),
  statement("unmounting where nothing is mounted is MountFailed with EINVAL", (place) =>
    Effect.gen(function*() {
      const target = yield* makeTarget(place)
      const error = yield* failureOf("unmounting", place.mounter.unmount(target))
      yield* expectEqual("the failure", error._tag, "MountFailed")
      yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "EINVAL")
    })),
  statement("unmounting what is missing is MountFailed with ENOENT", (place) =>
    Effect.gen(function*() {
      const error = yield* failureOf("unmounting", place.mounter.unmount(place.at("missing")))
      yield* expectEqual("the errno", error._tag === "MountFailed" && error.code, "ENOENT")
    })),
  statement(
    "unmounting what has an open file is StillInUse, and works once it is closed",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(layer, true), target)
        yield* inScope(Effect.gen(function*() {
          yield* place.files.open(`${target}/file`)
          const error = yield* failureOf("unmounting", place.mounter.unmount(target))
          yield* expectEqual("the failure", error._tag, "StillInUse")
          yield* expectEqual("the mounts", (yield* mountedOn(place, target)).length, 1)
        }))
        yield* place.mounter.unmount(target)
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "a mount that is in use when its scope closes is detached, and can be mounted again",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          const mounting = yield* Scope.make()
          yield* Scope.provide(place.mounter.mount(bind(layer, true), target), mounting)
          yield* place.files.open(`${target}/file`)
          yield* Scope.close(mounting, Exit.void)
          yield* expectNothingMounted(place)
        }))
        yield* place.mounter.mount(bind(layer, true), target)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "text")
      })
  )
]

const sharing: Suite<Needs> = [
  statement(
    "what may still be written through a bind mount whose scope has closed is told as a use, until that ends",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          const mounting = yield* Scope.make()
          yield* Scope.provide(place.mounter.mount(bind(layer, true), target), mounting)
          yield* place.files.open(`${target}/file`, { flag: "r+" })
          yield* Scope.close(mounting, Exit.void)
          const uses = yield* place.mounter.uses(layer)
          yield* expectEqual("the uses", uses.map(({ as, writable }) => ({ as, writable })), [{
            as: "bind",
            writable: true
          }])
        }))
        yield* expectUses(place, layer, [])
        yield* expectNothingMounted(place)
      })
  ),
  statement(
    "what was mounted on a target before is not unmounted in place of what has ended there",
    (place) =>
      Effect.gen(function*() {
        const [one, other] = [yield* makeLayer(place, 0, "one"), yield* makeLayer(place, 1, "other")]
        const target = yield* makeTarget(place)
        yield* place.mounter.mount(bind(one, false), target)
        const ended = yield* Scope.make()
        yield* Scope.provide(place.mounter.mount(bind(other, false), target), ended)
        yield* place.mounter.unmount(target)
        yield* Scope.close(ended, Exit.void)
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), "one")
      })
  ),
  statement(
    "a second writable mount of one layer is AlreadyMounted, until the first has ended",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(layer, true), first)
          const error = yield* failureOf("mounting", place.mounter.mount(bind(layer, true), second))
          yield* expectEqual("the failure", error._tag, "AlreadyMounted")
          yield* expectEqual("its target", error._tag === "AlreadyMounted" && error.target, first)
          yield* expectEqual("the second target's names", yield* place.files.readDirectory(second), [])
        }))
        yield* place.mounter.mount(bind(layer, true), second)
      })
  ),
  statement("of many who mount one layer writable at once, one does", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const outcomes = yield* Effect.forEach(Array.from({ length: 8 }), (_, i) =>
        Effect.gen(function*() {
          const target = yield* makeTarget(place, `target${i}`)
          return yield* Effect.match(place.mounter.mount(bind(layer, true), target), {
            onFailure: (error) => error._tag as string,
            onSuccess: () => "mounted"
          })
        }), { concurrency: "unbounded" })
      yield* expectEqual("the outcomes", outcomes.sort(), [
        ...Array.from({ length: 7 }, () => "AlreadyMounted"),
        "mounted"
      ])
    })),
  statement("read-only mounts of one layer may be many, beside a writable one", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.mounter.mount(bind(layer, false), yield* makeTarget(place, "first"))
      yield* place.mounter.mount(bind(layer, true), yield* makeTarget(place, "second"))
      yield* place.mounter.mount(bind(layer, false), yield* makeTarget(place, "third"))
      yield* expectRefusedWrite(place, place.at("first/file"))
      yield* place.files.writeFileString(place.at("second/file"), "new")
      yield* expectEqual("the text", yield* place.files.readFileString(place.at("third/file")), "new")
    }))
]

const using: Suite<Needs> = [
  statement("a layer that is mounted nowhere has no uses", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const other = yield* makeLayer(place, 1, "text")
      yield* place.mounter.mount(bind(other, true), yield* makeTarget(place))
      yield* expectUses(place, layer, [])
    })),
  statement(
    "uses tell each bind mount of the layer, where it is and whether it is writable",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(layer, false), first)
          yield* expectUses(place, layer, [{ target: first, as: "bind", writable: false }])
          yield* place.mounter.mount(bind(layer, true), second)
          yield* expectUses(place, layer, [
            { target: first, as: "bind", writable: false },
            { target: second, as: "bind", writable: true }
          ])
        }))
        yield* expectUses(place, layer, [])
      })
  ),
  statement("a bind mount of a directory within the layer is a use of it", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(`${layer}/inner`, 0o755)
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(`${layer}/inner`, true), target)
      yield* expectUses(place, layer, [{ target, as: "bind", writable: true }])
    })),
  statement("uses are told of a layer that has been moved since it was mounted", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      const target = yield* makeTarget(place)
      yield* place.store.makeDirectory(place.at("committed"), 0o755)
      yield* place.mounter.mount(bind(layer, true), target)
      yield* place.store.moveNoReplace(place.at(place.idOf(0)), place.at(`committed/${place.idOf(0)}`))
      yield* expectUses(place, place.at(`committed/${place.idOf(0)}/fs`), [{ target, as: "bind", writable: true }])
    })),
  statement("a layer that is missing has no uses", (place) => expectUses(place, place.at(`${place.idOf(0)}/fs`), [])),
  statement(
    "asking again is no different, and leaves no trace",
    (place) =>
      Effect.gen(function*() {
        const layer = yield* makeLayer(place, 0, "text")
        const before = yield* place.store.lstat(layer)
        for (let i = 0; i < 3; i++) {
          yield* expectEqual("the uses", yield* place.mounter.uses(layer), [])
        }
        yield* expectEqual("the layer", yield* place.store.lstat(layer), before)
        yield* expectEqual("its names", yield* place.store.readDirectory(layer), ["file"])
      })
  )
]

const storing: Suite<Needs> = [
  statement(
    "removeTree leaves a mount point and its parents where they are, and reports it",
    (place) =>
      Effect.gen(function*() {
        const victim = yield* makeLayer(place, 0, "victim")
        for (const name of ["tree", "tree/a", "tree/a/mounted", "tree/b"]) {
          yield* place.store.makeDirectory(place.at(name), 0o755)
        }
        yield* place.store.writeFile(place.at("tree/a/file"), "", 0o644)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(bind(victim, true), place.at("tree/a/mounted"))
          yield* expectEqual("what is left", yield* place.store.removeTree(place.at("tree")), [
            { path: place.at("tree/a/mounted"), code: "EXDEV" }
          ])
          yield* expectEqual("the victim's text", yield* place.store.readFile(`${victim}/file`), "victim")
          yield* expectEqual(
            "the mounted text",
            yield* place.files.readFileString(place.at("tree/a/mounted/file")),
            "victim"
          )
          yield* expectEqual("the names", yield* place.store.readDirectory(place.at("tree")), ["a"])
          yield* expectEqual("the names", yield* place.store.readDirectory(place.at("tree/a")), ["mounted"])
        }))
        yield* expectEqual("what is left", yield* place.store.removeTree(place.at("tree")), [])
        yield* expectEqual("the tree", yield* place.store.lstat(place.at("tree")), undefined)
      })
  ),
  statement("removeTree of a mount point itself leaves it, and reports it", (place) =>
    Effect.gen(function*() {
      const victim = yield* makeLayer(place, 0, "victim")
      const target = yield* makeTarget(place)
      yield* place.mounter.mount(bind(victim, true), target)
      yield* expectEqual("what is left", yield* place.store.removeTree(target), [{ path: target, code: "EXDEV" }])
      yield* expectEqual("the victim's text", yield* place.store.readFile(`${victim}/file`), "victim")
    })),
  statement("usage does not count what is mounted in a tree", (place) =>
    Effect.gen(function*() {
      const layer = yield* makeLayer(place, 0, "text")
      yield* place.store.makeDirectory(place.at("tree"), 0o755)
      yield* place.store.makeDirectory(place.at("tree/mounted"), 0o755)
      yield* place.store.writeFile(place.at("tree/file"), "", 0o644)
      yield* place.mounter.mount(bind(layer, true), place.at("tree/mounted"))
      yield* expectEqual("the inodes", (yield* place.store.usage(place.at("tree"))).inodes, 2)
    }))
]

/** What a `Mounter` promises of bind mounts, and of mounting as such. */
export const bindMounterSuite: Suite<Needs> = [...binding, ...unmounting, ...sharing, ...using, ...storing]

// ============================================================ overlays

const merging: Suite<Needs> = [
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
      const mounts = yield* mountedOn(place, target)
      yield* expectEqual("what is mounted", mounts, [{ target, type: "overlay", writable: false }])
    })),
  statement("overlays end with their scope", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* inScope(Effect.gen(function*() {
        yield* place.mounter.mount(overlay(upper, [lower]), target)
        const mounts = yield* mountedOn(place, target)
        yield* expectEqual("what is mounted", mounts, [{ target, type: "overlay", writable: true }])
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
          yield* expectEqual("the upper's", yield* odd.store.readFile(`${upper}/written`), name)
          yield* expectUses(odd, upper, [{ target, as: "upper", writable: true }])
          for (const lower of lowers) yield* expectUses(odd, lower, [{ target, as: "lower", writable: false }])
          yield* odd.mounter.unmount(target)
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

const overlayUsing: Suite<Needs> = [
  statement(
    "a second writable overlay of one layer is AlreadyMounted, read-only ones are not",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const [first, second] = [yield* makeTarget(place, "first"), yield* makeTarget(place, "second")]
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(overlay(upper, [lower]), first)
          const error = yield* failureOf("mounting", place.mounter.mount(overlay(upper, [lower]), second))
          yield* expectEqual("the failure", error._tag, "AlreadyMounted")
          yield* expectEqual("its target", error._tag === "AlreadyMounted" && error.target, first)
          const bound = yield* failureOf("binding", place.mounter.mount(bind(upper, true), second))
          yield* expectEqual("the failure", bound._tag, "AlreadyMounted")
        }))
        yield* place.mounter.mount(overlay(upper, [lower]), second)
      })
  ),
  statement("one layer may be below many overlays", (place) =>
    Effect.gen(function*() {
      const lower = yield* makeLayer(place, 0, "lower")
      const targets = yield* Effect.forEach([1, 2, 3], (i) =>
        Effect.gen(function*() {
          const upper = yield* makeLayer(place, i, "", "own")
          const target = yield* makeTarget(place, `target${i}`)
          yield* place.mounter.mount(overlay(upper, [lower]), target)
          yield* place.files.writeFileString(`${target}/file`, `${i}`)
          return target
        }))
      for (const [i, target] of targets.entries()) {
        yield* expectEqual("the text", yield* place.files.readFileString(`${target}/file`), `${i + 1}`)
      }
      yield* expectUses(place, lower, targets.map((target) => ({ target, as: "lower", writable: false })))
    })),
  statement("uses tell an overlay's layers though they have been moved since", (place) =>
    Effect.gen(function*() {
      const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
      const target = yield* makeTarget(place)
      yield* place.store.makeDirectory(place.at("committed"), 0o755)
      yield* place.mounter.mount(overlay(upper, [lower]), target)
      for (const id of [place.idOf(0), place.idOf(1)]) {
        yield* place.store.moveNoReplace(place.at(id), place.at(`committed/${id}`))
      }
      yield* expectUses(place, place.at(`committed/${place.idOf(0)}/fs`), [{ target, as: "lower", writable: false }])
      yield* expectUses(place, place.at(`committed/${place.idOf(1)}/fs`), [{ target, as: "upper", writable: true }])
    })),
  statement(
    "an upper layer is told once, and no longer after its end",
    (place) =>
      Effect.gen(function*() {
        const [lower, upper] = [yield* makeLayer(place, 0, "lower"), yield* makeLayer(place, 1, "", "own")]
        const target = yield* makeTarget(place)
        yield* inScope(Effect.gen(function*() {
          yield* place.mounter.mount(overlay(upper, [lower]), target)
          const uses = yield* place.mounter.uses(upper)
          yield* expectEqual("the uses", uses, [{ target, as: "upper", writable: true }])
          yield* expectEqual("the lower's uses", yield* place.mounter.uses(lower), [
            { target, as: "lower", writable: false }
          ])
        }))
        yield* expectEqual("the uses", yield* place.mounter.uses(upper), [])
      })
  )
]

/** What a `Mounter` promises of overlays. */
export const overlayMounterSuite: Suite<Needs> = [...merging, ...overlayUsing]
