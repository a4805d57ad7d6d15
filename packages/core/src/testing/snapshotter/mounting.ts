/** What is to be mounted for each kind of snapshot, and what may be done to a snapshot while it is mounted. */
import { Effect } from "effect"
import { type Mounts, overlayOptions } from "../../Mount.ts"
import { expectEqual, expectThat, failureOf, type Suite } from "../Suite.ts"
import { type Bench, chainOf, committed, expectRefusal, expectUnchangedBy, forest, key, mountedOn } from "./bench.ts"
import { name, namesOf, type Needs, statement, usesOf, whereabouts } from "./bench.ts"

/** Special to a shell, to the kernel's option strings, to `/proc/self/mountinfo`, or to JSON. */
const oddRoot = "a root, with: odd\\ \"characters\" 'é' \\040 \t=#\n日本"

const layersOf = (bench: Bench, names: ReadonlyArray<string>) =>
  Effect.forEach(names, (one) => Effect.map(whereabouts(bench, one), ({ layer }) => layer))

const oneOverlay = Effect.fnUntraced(function*(mounts: Mounts) {
  yield* expectEqual("how many mounts", mounts.map(({ source, type }) => [type, source]), [["overlay", "overlay"]])
  const [mount] = mounts
  return mount?.type === "overlay" ? { mount, ...overlayOptions(mount) } : yield* Effect.die("unreachable")
})

// ============================================================ mounts as data

const forms: Suite<Needs> = [
  statement(
    "without parent, an active snapshot is a writable bind of its layer, a view a read-only one",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        const active = yield* store.prepare(key("a"))
        const view = yield* store.view(key("v"))
        const [a, v] = yield* layersOf(bench, ["a", "v"])
        yield* expectEqual("the mounts of a", active, [{ type: "bind", source: a, options: ["rw", "rbind"] }])
        yield* expectEqual("the mounts of v", view, [{ type: "bind", source: v, options: ["ro", "rbind"] }])
      })
  ),
  statement("a view with one parent is a read-only bind of that parent's layer", (bench) =>
    Effect.gen(function*() {
      yield* committed(bench, "base")
      const mounts = yield* bench.store.view(key("v"), { parent: name("base") })
      const [source] = yield* layersOf(bench, ["base"])
      yield* expectEqual("the mounts", mounts, [{ type: "bind", source, options: ["ro", "rbind"] }])
    })),
  statement(
    "everything else is an overlay: extra options, workdir, upperdir, lowerdir, nearest parent first",
    (bench) =>
      Effect.gen(function*() {
        const { store } = bench
        yield* chainOf(bench, "link", 3)
        const lower = yield* layersOf(bench, ["link 3", "link 2", "link 1"])
        const active = yield* oneOverlay(yield* store.prepare(key("a"), { parent: name("link 3") }))
        const { layer, work } = yield* whereabouts(bench, "a")
        yield* expectEqual("what a is made of", [active.lower, active.upper, active.work], [lower, layer, work])
        const order = active.mount.options.map((option) => option.split("=")[0])
        yield* expectEqual("the order", order, ["index", "xino", "workdir", "upperdir", "lowerdir"])
        const view = yield* oneOverlay(yield* store.view(key("v"), { parent: name("link 3") }))
        yield* expectEqual("what v is made of", [view.lower, view.upper, view.work], [lower, undefined, undefined])
        yield* expectEqual("the options of v", view.others, ["index=off", "xino=off"])
        const one = yield* oneOverlay(yield* store.prepare(key("b"), { parent: name("link 1") }))
        yield* expectEqual("what one layer gives", one.lower, lower.slice(2))
      }),
    { mountOptions: ["index=off", "xino=off"] }
  ),
  statement(
    "a store that keeps overlay's marks in user attributes says so in every overlay, also when reopened",
    (bench) =>
      Effect.gen(function*() {
        const root = bench.at("user store")
        const options = { root, overlayXattrs: "user", mountOptions: ["index=off"] } as const
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* bench.open(options)
          yield* committed({ ...bench, store }, "base")
          yield* store.prepare(key("a"), { parent: name("base") })
        }))
        const store = yield* bench.open({ root, mountOptions: ["index=off"] })
        const { others } = yield* oneOverlay(yield* store.mounts(key("a")))
        yield* expectEqual("the options", others, ["index=off", "userxattr"])
      })
  ),
  statement(
    "mounts are the same each time, for another opening, and after the store was closed",
    (bench) =>
      Effect.gen(function*() {
        const { open, store } = bench
        yield* chainOf(bench, "link", 2)
        const made = new Map([
          ["a", yield* store.prepare(key("a"))],
          ["b", yield* store.prepare(key("b"), { parent: name("link 2") })],
          ["v", yield* store.view(key("v"), { parent: name("link 1") })],
          ["w", yield* store.view(key("w"), { parent: name("link 2") })]
        ])
        for (const opened of [store, yield* Effect.scoped(open()), yield* open()]) {
          for (const [which, mounts] of made) {
            yield* expectEqual(`the mounts of ${which}`, yield* opened.mounts(key(which)), mounts)
          }
        }
      })
  ),
  statement(
    "a root may have any characters, and a store moved elsewhere names the new place",
    (bench) =>
      Effect.gen(function*() {
        const { at, files, fs } = bench
        yield* Effect.scoped(Effect.gen(function*() {
          const store = yield* bench.open({ root: at("before") })
          const there = { ...bench, store }
          yield* chainOf(there, "link", 2)
          yield* store.prepare(key("a"), { parent: name("link 2") })
          yield* store.prepare(key("alone"))
        }))
        yield* files.rename(at("before"), at(oddRoot))
        const store = yield* bench.open({ root: at(oddRoot) })
        const { lower, upper, work } = yield* oneOverlay(yield* store.mounts(key("a")))
        for (const path of [...lower, upper, work]) {
          yield* expectThat(`${path} is at the new place`, path?.startsWith(`${at(oddRoot)}/`) === true)
          yield* expectEqual("what is there", (yield* fs.lstat(path ?? ""))?.type, "directory")
        }
        const target = yield* mountedOn(bench, yield* store.mounts(key("alone")), "look")
        yield* files.writeFileString(`${target}/file`, "written at the new place")
        yield* bench.mounter.unmount(target)
        yield* store.commit(name("A"), key("alone"))
        yield* expectEqual("what check finds", yield* store.check, [])
      })
  )
]

// ============================================================ while it is mounted

const whileMounted: Suite<Needs> = [
  statement(
    "a fork without parent shows what is written to it, and its committed form can be looked at but not written",
    (bench) =>
      Effect.gen(function*() {
        const { files, mounter, store } = bench
        const target = yield* mountedOn(bench, yield* store.prepare(key("a")), "work")
        yield* files.makeDirectory(`${target}/directory`)
        yield* files.writeFileString(`${target}/directory/file`, "text")
        yield* mounter.unmount(target)
        yield* store.commit(name("A"), key("a"))
        const look = yield* mountedOn(bench, yield* store.view(key("v"), { parent: name("A") }), "look")
        yield* expectEqual("what it shows", yield* files.readFileString(`${look}/directory/file`), "text")
        for (
          const write of [
            files.writeFileString(`${look}/new`, "text"),
            files.writeFileString(`${look}/directory/file`, "text"),
            files.remove(`${look}/directory/file`),
            files.rename(`${look}/directory`, `${look}/moved`),
            files.chmod(`${look}/directory`, 0o700)
          ]
        ) yield* failureOf("a write", write)
        yield* expectEqual("what it shows still", yield* files.readFileString(`${look}/directory/file`), "text")
      })
  ),
  statement("a view without parent is empty and cannot be written", (bench) =>
    Effect.gen(function*() {
      const { files, store } = bench
      const look = yield* mountedOn(bench, yield* store.view(key("v")), "look")
      yield* expectEqual("what is in it", yield* files.readDirectory(look), [])
      yield* failureOf("a write", files.writeFileString(`${look}/new`, "text"))
      yield* expectEqual("what is in it still", yield* files.readDirectory(look), [])
    })),
  statement(
    "what is mounted writable is not committed: the refusal names where; unmounted, it is",
    (bench) =>
      Effect.gen(function*() {
        const { files, mounter, store } = bench
        const target = yield* mountedOn(bench, yield* store.prepare(key("a")), "work")
        yield* files.writeFileString(`${target}/file`, "text")
        yield* expectUnchangedBy(bench, "commit", store.commit(name("A"), key("a")), {
          tag: "Busy",
          fields: { operation: "commit", snapshot: "a", mountPoints: [target] },
          mentions: ["\"a\"", JSON.stringify(target), "unmount it first"]
        })
        yield* files.writeFileString(`${target}/file`, "written after the refusal")
        yield* mounter.unmount(target)
        yield* store.commit(name("A"), key("a"))
        const { layer } = yield* whereabouts(bench, "A")
        yield* expectEqual("what it holds", yield* files.readFileString(`${layer}/file`), "written after the refusal")
      })
  ),
  statement(
    "where it is allowed, what is mounted is committed, and is left alone until it is unmounted",
    (bench) =>
      Effect.gen(function*() {
        const { fs, mounter, store } = bench
        const target = yield* mountedOn(bench, yield* store.prepare(key("a")), "work")
        yield* store.commit(name("A"), key("a"))
        yield* expectEqual("who uses it", yield* usesOf(bench, "A"), [{ target, as: "bind", writable: true }])
        const { work } = yield* whereabouts(bench, "A")
        const left = yield* store.check
        yield* expectEqual("what is left", left.map(({ path, severity }) => [severity, path]), [["reclaimable", work]])
        yield* store.cleanup
        yield* expectEqual("its scratch directory", (yield* fs.lstat(work))?.type, "directory")
        yield* mounter.unmount(target)
        yield* store.cleanup
        yield* expectEqual("its scratch directory then", yield* fs.lstat(work), undefined)
      }),
    { whileMounted: "allow" }
  ),
  statement("a second writable mount of one snapshot is refused, the first goes on", (bench) =>
    Effect.gen(function*() {
      const { files, mounter, store } = bench
      const mounts = yield* store.prepare(key("a"))
      const target = yield* mountedOn(bench, mounts, "work")
      const { layer } = yield* whereabouts(bench, "a")
      yield* expectRefusal("a second mount", Effect.scoped(mountedOn(bench, mounts, "second")), {
        tag: "AlreadyMounted",
        fields: { layer, target },
        mentions: [JSON.stringify(layer), JSON.stringify(target), "unmount it there first"]
      })
      yield* files.writeFileString(`${target}/file`, "text")
      yield* mounter.unmount(target)
      const again = yield* mountedOn(bench, mounts, "second")
      yield* expectEqual("what is in it", yield* files.readDirectory(again), ["file"])
    })),
  statement("an active snapshot is not removed while it is mounted writable", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      const target = yield* mountedOn(bench, yield* store.prepare(key("a")), "work")
      yield* expectUnchangedBy(bench, "remove", store.remove(key("a")), {
        tag: "Busy",
        fields: { operation: "remove", snapshot: "a", mountPoints: [target] },
        mentions: ["\"a\"", JSON.stringify(target), "unmount it first"]
      })
      yield* mounter.unmount(target)
      yield* store.remove(key("a"))
    })),
  statement(
    "a view is removed although it is mounted; what it shows is not, as long as it is",
    (bench) =>
      Effect.gen(function*() {
        const { files, mounter, store } = bench
        yield* committed(bench, "A", { adds: { file: "text" } })
        const target = yield* mountedOn(bench, yield* store.view(key("v"), { parent: name("A") }), "look")
        yield* store.remove(key("v"))
        yield* expectEqual("what the mount shows", yield* files.readFileString(`${target}/file`), "text")
        yield* expectUnchangedBy(bench, "removing the parent", store.remove(name("A")), {
          tag: "Busy",
          fields: { operation: "remove", snapshot: "A", mountPoints: [target] },
          mentions: ["\"A\"", JSON.stringify(target)]
        })
        yield* mounter.unmount(target)
        yield* store.remove(name("A"))
        yield* expectEqual("the forest", yield* forest(store), [])
      })
  ),
  statement("a mounted view without parent is removed too", (bench) =>
    Effect.gen(function*() {
      const { mounter, store } = bench
      const target = yield* mountedOn(bench, yield* store.view(key("v")), "look")
      yield* store.remove(key("v"))
      yield* expectEqual("the forest", yield* forest(store), [])
      yield* mounter.unmount(target)
    })),
  statement(
    "nothing is removed through a mount point: what is mounted inside survives, and is reported",
    (bench) =>
      Effect.gen(function*() {
        const { at, files, mounter, store } = bench
        yield* files.makeDirectory(at("victim"))
        yield* files.writeFileString(`${at("victim")}/precious`, "text")
        yield* store.prepare(key("a"))
        const { id, layer } = yield* whereabouts(bench, "a")
        yield* files.makeDirectory(`${layer}/deep/er`, { recursive: true })
        yield* files.writeFileString(`${layer}/deep/file`, "text")
        yield* mounter.mount([{ type: "bind", source: at("victim"), options: ["rw", "rbind"] }], `${layer}/deep/er`)
        const inTrash = `${bench.root}/trash/${id}/fs/deep/er`
        const { removed, unremoved } = yield* store.remove(key("a"))
        yield* expectEqual("what is gone", removed, [])
        yield* expectEqual("what stays", unremoved, [{ path: inTrash, code: "EXDEV" }])
        yield* expectEqual("the forest", namesOf(yield* forest(store)), [])
        yield* expectEqual("cleanup leaves it too", (yield* store.cleanup).unremoved, unremoved)
        yield* expectEqual("the victim", yield* files.readFileString(`${at("victim")}/precious`), "text")
        const findings = (yield* store.check).map(({ path, severity }) => [severity, path])
        yield* expectEqual("what check says", findings, [["reclaimable", `${bench.root}/trash/${id}`]])
        yield* mounter.unmount(inTrash)
        yield* expectEqual("cleanup", (yield* store.cleanup).removed, [`${bench.root}/trash/${id}`])
        yield* expectEqual("the victim still", yield* files.readFileString(`${at("victim")}/precious`), "text")
      })
  )
]

export const mountingCases: Suite<Needs> = [...forms, ...whileMounted]
