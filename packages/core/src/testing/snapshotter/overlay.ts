/** What only overlay mounts can show: chains of layers, what is removed in them, and what happens while they are in use. */
import { Effect, FileSystem, Option } from "effect"
import type { CreateOptions } from "../../Snapshotter.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import {
  type Bench,
  chainOf,
  expectRefusal,
  expectSamePicture,
  expectUnchangedBy,
  forest,
  key,
  mountedOn,
  name,
  namesOf,
  type Needs,
  picture,
  statement,
  usesOf,
  whereabouts
} from "./bench.ts"

type Work<E> = (directory: string) => Effect.Effect<unknown, E, FileSystem.FileSystem>

export const files = <A, E>(use: (fs: FileSystem.FileSystem) => Effect.Effect<A, E>) => FileSystem.FileSystem.use(use)

/** Commits what the work made of a mounted fork. */
export const built = Effect.fnUntraced(
  function*<E>(bench: Bench, as: string, parent: string | undefined, work: Work<E>) {
    const { mounter, store } = bench
    const options: CreateOptions = parent === undefined ? {} : { parent: name(parent) }
    const target = yield* mountedOn(bench, yield* store.prepare(key(`making ${as}`), options), "work")
    yield* work(target)
    yield* mounter.unmount(target)
    return yield* store.commit(name(as), key(`making ${as}`))
  }
)

/** What a snapshot's tree shows: each path with its kind, mode and text. */
export const shown = Effect.fnUntraced(function*({ at, files, fs, mounter, store }: Bench, parent: string) {
  return yield* Effect.scoped(Effect.gen(function*() {
    const mounts = yield* store.view(key("looking"), { parent: name(parent) })
    yield* files.makeDirectory(at("looking"), { recursive: true })
    yield* mounter.mount(mounts, at("looking"))
    const seen = yield* picture(fs, at("looking"))
    yield* mounter.unmount(at("looking"))
    yield* store.remove(key("looking"))
    return seen.map(({ mode, path, text, type }) => ({ path: path.slice(at("looking").length), type, mode, text }))
  }))
})

const pathsOf = (seen: ReadonlyArray<{ readonly path: string }>) => seen.map(({ path }) => path)

/** A base with a directory of files, a file and a symlink. */
export const base = (bench: Bench) =>
  built(bench, "base", undefined, (directory) =>
    files((fs) =>
      Effect.gen(function*() {
        yield* fs.makeDirectory(`${directory}/d/deep`, { recursive: true })
        yield* fs.writeFileString(`${directory}/d/one`, "one")
        yield* fs.writeFileString(`${directory}/d/deep/two`, "two")
        yield* fs.writeFileString(`${directory}/file`, "of the base")
        yield* fs.link(`${directory}/file`, `${directory}/hard link`)
        yield* fs.symlink("d/one", `${directory}/link`)
      })
    ))

const trees: Suite<Needs> = [
  statement(
    "a fork shows its base and what it changed, the base and its other forks show nothing of it",
    (bench) =>
      Effect.gen(function*() {
        yield* base(bench)
        const before = yield* shown(bench, "base")
        yield* built(bench, "left", "base", (directory) =>
          files((fs) =>
            Effect.gen(function*() {
              yield* fs.writeFileString(`${directory}/file`, "of the left")
              yield* fs.remove(`${directory}/d/one`)
              yield* fs.makeDirectory(`${directory}/new`)
            })
          ))
        yield* built(bench, "right", "base", (directory) =>
          files((fs) =>
            fs.writeFileString(`${directory}/d/one`, "of the right")
          ))
        yield* expectEqual("the base", yield* shown(bench, "base"), before)
        const left = yield* shown(bench, "left")
        const right = yield* shown(bench, "right")
        const kept = pathsOf(before).filter((one) =>
          one !== "/d/one"
        )
        yield* expectEqual("paths of the left", pathsOf(left), [...kept, "/new"].sort())
        yield* expectEqual("paths of the right", pathsOf(right), pathsOf(before))
        const textOf = (seen: typeof left, path: string) => seen.find((one) => one.path === path)?.text
        yield* expectEqual("the file on the left", textOf(left, "/file"), "of the left")
        yield* expectEqual("the other file on the right", textOf(right, "/d/one"), "of the right")
        yield* expectEqual("the file on the right", textOf(right, "/file"), "of the base")
      })
  ),
  statement(
    "a directory that was removed and made again, one layer each, shows only what was put in last",
    (bench) =>
      Effect.gen(function*() {
        yield* base(bench)
        yield* built(bench, "removed", "base", (directory) =>
          files((fs) =>
            fs.remove(`${directory}/d`, { recursive: true })
          ))
        yield* built(bench, "again", "removed", (directory) =>
          files((fs) =>
            Effect.andThen(fs.makeDirectory(`${directory}/d`), fs.writeFileString(`${directory}/d/new`, "new"))
          ))
        const paths = pathsOf(yield* shown(bench, "again")).filter((path) =>
          path.startsWith("/d")
        )
        yield* expectEqual("what is shown", paths, ["/d", "/d/new"])
      })
  ),
  statement(
    "what was removed stays removed after an unmount and after the store was opened again",
    (bench) =>
      Effect.gen(function*() {
        const { at, mounter, open, store } = bench
        yield* base(bench)
        const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("base") }), "work")
        yield* bench.files.remove(`${target}/file`)
        yield* bench.files.remove(`${target}/d`, { recursive: true })
        yield* mounter.unmount(target)
        const other = yield* open()
        yield* mountedOn(bench, yield* other.mounts(key("a")), "work")
        yield* expectEqual("what is there", (yield* bench.files.readDirectory(at("work"))).toSorted(), [
          "hard link",
          "link"
        ])
      })
  ),
  statement(
    "a name that is made again as something else is that, over every change of kind",
    (bench) =>
      Effect.gen(function*() {
        const kinds = ["absent", "file", "directory", "symlink"] as const
        const make = (path: string, kind: (typeof kinds)[number], text: string) =>
          files((fs): Effect.Effect<void, unknown> => {
            switch (kind) {
              case "absent":
                return Effect.void
              case "file":
                return fs.writeFileString(path, text)
              case "directory":
                return Effect.andThen(fs.makeDirectory(path), fs.writeFileString(`${path}/${text}`, text))
              case "symlink":
                return fs.symlink(`${text} nowhere`, path)
            }
          })
        const pairs = kinds.flatMap((from) => kinds.map((to) => ({ from, to, path: `${from}-${to}` })))
        yield* built(bench, "old", undefined, (directory) =>
          Effect.forEach(pairs, ({ from, path }) =>
            make(`${directory}/${path}`, from, "old")))
        const change: Work<unknown> = (directory) =>
          Effect.forEach(pairs, ({ path, to }) =>
            Effect.andThen(
              files((fs) =>
                fs.remove(`${directory}/${path}`, { recursive: true, force: true })
              ),
              make(`${directory}/${path}`, to, "new")
            ))
        yield* built(bench, "new", "old", change)
        yield* built(bench, "alone", undefined, change)
        const ofNew = yield* shown(bench, "new")
        const ofAlone = yield* shown(bench, "alone")
        yield* expectSamePicture("what is shown over the old", ofNew, ofAlone)
      })
  ),
  statement("a file of a lower layer can be renamed, and a new directory", (bench) =>
    Effect.gen(function*() {
      yield* base(bench)
      yield* built(bench, "A", "base", (directory) =>
        files((fs) =>
          Effect.gen(function*() {
            yield* fs.makeDirectory(`${directory}/fresh`)
            yield* fs.rename(`${directory}/fresh`, `${directory}/renamed`)
            yield* fs.rename(`${directory}/d/one`, `${directory}/renamed/moved`)
          })
        ))
      const seen = yield* shown(bench, "A")
      yield* expectEqual("what it shows", pathsOf(seen).filter((path) => /fresh|renamed|one/.test(path)), [
        "/renamed",
        "/renamed/moved"
      ])
      yield* expectEqual("its text", seen.find(({ path }) => path === "/renamed/moved")?.text, "one")
    })),
  statement(
    "a new directory that is moved to where one was removed shows its own alone",
    (bench) =>
      Effect.gen(function*() {
        yield* base(bench)
        yield* built(bench, "A", "base", (directory) =>
          files((fs) =>
            Effect.gen(function*() {
              yield* fs.remove(`${directory}/d`, { recursive: true })
              yield* fs.makeDirectory(`${directory}/fresh`)
              yield* fs.writeFileString(`${directory}/fresh/own`, "own")
              yield* fs.rename(`${directory}/fresh`, `${directory}/d`)
            })
          ))
        const seen = yield* shown(bench, "A")
        yield* expectEqual("what it shows", pathsOf(seen).filter((path) => /fresh|^\/d/.test(path)), ["/d", "/d/own"])
      })
  ),
  statement(
    "the root of a fork, of its committed form and of a view of it is the base's: mode, owner and times",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        const attributes = (path: string) =>
          Effect.map(bench.files.stat(path), ({ gid, mode, mtime, uid }) => [
            mode & 0o7777,
            Option.getOrUndefined(uid),
            Option.getOrUndefined(gid),
            Option.getOrUndefined(mtime)?.getTime()
          ])
        const expected = [0o711, 1000, 1001, Date.parse("2001-02-03T04:05:06Z")]
        const target = yield* mountedOn(bench, yield* store.prepare(key("a")), "base")
        yield* bench.files.chown(target, 1000, 1001)
        yield* bench.files.chmod(target, 0o711)
        yield* bench.files.utimes(target, new Date("2001-02-03T04:05:06Z"), new Date("2001-02-03T04:05:06Z"))
        yield* bench.mounter.unmount(target)
        yield* store.commit(name("1"), key("a"))
        for (const n of [1, 2]) {
          const fork = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name(`${n}`) }), `fork ${n}`)
          yield* expectEqual(`the root of fork ${n}`, yield* attributes(fork), expected)
          yield* bench.mounter.unmount(fork)
          yield* store.commit(name(`${n + 1}`), key("a"))
          const look = yield* mountedOn(
            bench,
            yield* store.view(key(`v ${n}`), { parent: name(`${n + 1}`) }),
            `look ${n}`
          )
          yield* expectEqual(`the root of view ${n}`, yield* attributes(look), expected)
        }
      })
  ),
  statement(
    "many forks of one base, mounted and written at once, hold each their own and only that",
    (bench) =>
      Effect.gen(function*() {
        const { mounter, store } = bench
        yield* base(bench)
        const numbers = Array.from({ length: 8 }, (_, n) => n)
        const write = (target: string, n: number) =>
          Effect.forEach(Array.from({ length: 20 }, (_, i) => i), (i) =>
            Effect.andThen(
              bench.files.writeFileString(`${target}/d/common ${i}`, `fork ${n}`),
              bench.files.writeFileString(`${target}/own ${n} ${i}`, `fork ${n}`)
            ))
        yield* Effect.forEach(numbers, (n) =>
          Effect.gen(function*() {
            const target = yield* mountedOn(
              bench,
              yield* store.prepare(key(`a ${n}`), { parent: name("base") }),
              `work ${n}`
            )
            yield* write(target, n)
            yield* mounter.unmount(target)
            yield* store.commit(name(`A ${n}`), key(`a ${n}`))
          }), { concurrency: "unbounded" })
        for (const n of numbers) {
          const own = (yield* shown(bench, `A ${n}`)).filter(({ path }) => /common|own/.test(path))
          yield* expectEqual(`how many files fork ${n} has`, own.length, 40)
          yield* expectThat("all are its own", own.every(({ text }) => text === `fork ${n}`))
        }
      })
  ),
  statement("a chain of 130 layers mounts whole", (bench) =>
    Effect.gen(function*() {
      const { store } = bench
      yield* chainOf(bench, "link", 130)
      for (const n of [1, 65, 130]) {
        const { layer } = yield* whereabouts(bench, `link ${n}`)
        yield* bench.files.writeFileString(`${layer}/file ${n}`, `${n}`)
      }
      const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("link 130") }), "work")
      for (const n of [1, 65, 130]) {
        yield* expectEqual(`file ${n}`, yield* bench.files.readFileString(`${target}/file ${n}`), `${n}`)
      }
    }), { durability: "process" })
]

const inUse: Suite<Needs> = [
  statement(
    "a fork that is mounted is neither committed nor removed, nor mounted a second time",
    (bench) =>
      Effect.gen(function*() {
        const { mounter, store } = bench
        yield* base(bench)
        const mounts = yield* store.prepare(key("a"), { parent: name("base") })
        const target = yield* mountedOn(bench, mounts, "work")
        yield* expectEqual("who uses it", yield* usesOf(bench, "a"), [{ target, as: "upper", writable: true }])
        const busy = (operation: string) =>
          ({ tag: "Busy", fields: { operation, snapshot: "a", mountPoints: [target] }, mentions: [target] }) as const
        yield* expectUnchangedBy(bench, "commit", store.commit(name("A"), key("a")), busy("commit"))
        yield* expectUnchangedBy(bench, "remove", store.remove(key("a")), busy("remove"))
        const { layer } = yield* whereabouts(bench, "a")
        yield* expectRefusal("a second mount", Effect.scoped(mountedOn(bench, mounts, "second")), {
          tag: "AlreadyMounted",
          fields: { layer, target }
        })
        yield* bench.files.writeFileString(`${target}/file`, "written after all that")
        yield* mounter.unmount(target)
        yield* store.commit(name("A"), key("a"))
        const written = (yield* shown(bench, "A")).find(({ path }) => path === "/file")
        yield* expectEqual("what it holds", written?.text, "written after all that")
      })
  ),
  statement(
    "a committed snapshot that is a lower layer of some mount is not removed",
    (bench) =>
      Effect.gen(function*() {
        const { mounter, store } = bench
        yield* chainOf(bench, "link", 2)
        const target = yield* mountedOn(bench, yield* store.view(key("v"), { parent: name("link 2") }), "look")
        yield* store.remove(key("v"))
        yield* expectUnchangedBy(bench, "remove", store.remove(name("link 2")), {
          tag: "Busy",
          fields: { operation: "remove", snapshot: "link 2", mountPoints: [target] },
          mentions: ["\"link 2\"", target]
        })
        yield* mounter.unmount(target)
        yield* store.remove(name("link 2"))
        yield* store.remove(name("link 1"))
        yield* expectEqual("the forest", namesOf(yield* forest(store)), [])
      })
  ),
  statement(
    "where it is allowed, a mounted fork is committed, and its scratch directory waits for the unmount",
    (bench) =>
      Effect.gen(function*() {
        const { fs, mounter, store } = bench
        yield* base(bench)
        const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("base") }), "work")
        yield* bench.files.writeFileString(`${target}/file`, "of the fork")
        yield* store.commit(name("A"), key("a"))
        const { work } = yield* whereabouts(bench, "A")
        yield* store.cleanup
        yield* expectEqual("its scratch directory", (yield* fs.lstat(work))?.type, "directory")
        yield* expectEqual("who uses it, by where it is now", yield* usesOf(bench, "A"), [{
          target,
          as: "upper",
          writable: true
        }])
        yield* mounter.unmount(target)
        yield* store.cleanup
        yield* expectEqual("its scratch directory then", yield* fs.lstat(work), undefined)
      }),
    { whileMounted: "allow" }
  ),
  statement("usage counts a removed name, and nothing of the scratch directory", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      yield* base(bench)
      const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("base") }), "work")
      yield* expectEqual("inodes at first", (yield* store.usage(key("a"))).inodes, 1)
      yield* bench.files.remove(`${target}/file`)
      yield* bench.files.writeFileString(`${target}/new`, "text")
      yield* mounter.unmount(target)
      yield* expectEqual("inodes then", (yield* store.usage(key("a"))).inodes, 3)
    })),
  statement("usage of a fork that is being written and deleted in never fails", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      yield* base(bench)
      const target = yield* mountedOn(bench, yield* store.prepare(key("a"), { parent: name("base") }), "work")
      const churn = Effect.gen(function*() {
        for (let round = 0; round < 30; round++) {
          yield* bench.files.makeDirectory(`${target}/churn/deep`, { recursive: true })
          for (let n = 0; n < 5; n++) yield* bench.files.writeFileString(`${target}/churn/deep/${n}`, "text")
          yield* bench.files.remove(`${target}/churn`, { recursive: true })
        }
      })
      const measure = Effect.replicateEffect(store.usage(key("a")), 30, { discard: true })
      yield* Effect.all([churn, measure, measure], { concurrency: "unbounded" })
      yield* mounter.unmount(target)
    }))
]

export const overlayCases: Suite<Needs> = [...trees, ...inUse]
