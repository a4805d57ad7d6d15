import { assert, describe, it } from "@effect/vitest"
import { Mounter } from "@snapshotter/core/Mounter"
import * as NodeMounter from "@snapshotter/node-fs/NodeMounter"
import { Effect, Exit, Fiber, Logger, Scope } from "effect"
import { execFileSync, spawn } from "node:child_process"
import * as fs from "node:fs"
import { makeLayer, makeLayers, makeTarget, readOnly, writable } from "./layers.ts"
import { freshDirectory, freshDirectoryOfNobody, isRoot } from "./place.ts"
import { asIs, asNobody, hold, inMountNamespace, inUserNamespace, openDescriptors, run } from "./processes.ts"

type Body = (mounter: Mounter, directory: string) => Effect.Effect<void, unknown, Mounter | Scope.Scope>

const withMounter = (way: NodeMounter.Options["way"], body: Body) => () =>
  Effect.gen(function*() {
    const directory = yield* freshDirectory
    yield* body(yield* Mounter, directory)
  }).pipe(Effect.provide(NodeMounter.layerWith({ way })))

const test = (name: string, body: Body) => it.live.skipIf(!isRoot)(name, withMounter("auto", body))

/** The same by each way. */
const testEachWay = (name: string, body: (way: "fsopen" | "mount") => Body) => {
  for (const way of ["fsopen", "mount"] as const) {
    it.live.skipIf(!isRoot)(`${name}, by ${way}`, withMounter(way, body(way)))
  }
}

/** Mounts and unmounts; the failure as its code, or its tag where it has none. */
const outcome = <A>(attempt: Effect.Effect<A, { readonly _tag: string }, Scope.Scope>) =>
  Effect.scoped(attempt).pipe(Effect.match({
    onFailure: (error) => "code" in error ? `${error.code}` : error._tag,
    onSuccess: () => "mounted"
  }))

const reasonOf = (attempt: Effect.Effect<void, { readonly _tag: string }, Scope.Scope>) =>
  Effect.map(Effect.flip(Effect.scoped(attempt)), (error) => "reason" in error ? `${error.reason}` : error._tag)

const mountsBelow = (directory: string) =>
  Effect.map(
    Mounter.use((mounter) => mounter.mounted),
    (mounts) => mounts.filter(({ target }) => target.startsWith(`${directory}/`))
  )

/** A root whose path has so many bytes. */
const rootOf = (directory: string, bytes: number): string => {
  let root = directory
  while (bytes - root.length > 201) root += `/${"r".repeat(199)}`
  root += `/${"r".repeat(Math.max(1, bytes - root.length - 1))}`
  fs.mkdirSync(root, { recursive: true })
  return root
}

// ============================================================ long stacks

describe("long stacks", () => {
  for (const bytes of [100, 239, 300, 3_900]) {
    for (const count of [1, 130, 500]) {
      testEachWay(
        `F14: ${count} layers below a root of ${bytes} bytes are all there, or none`,
        (way) => (mounter, directory) =>
          Effect.gen(function*() {
            const root = rootOf(directory, bytes)
            const lowers = makeLayers(root, count)
            const upper = makeLayer(root, 0)
            const target = makeTarget(root)
            const scope = yield* Effect.scope
            const result = yield* Effect.match(Scope.provide(mounter.mount(writable(upper, lowers), target), scope), {
              onFailure: (error) => error,
              onSuccess: () => undefined
            })
            if (result !== undefined) {
              assert.strictEqual(
                `${way} ${result._tag === "MountFailed" && result.code}`,
                "mount E2BIG",
                result.message
              )
              assert.match(result.message, /\d+ bytes .* 4095/)
              assert.deepStrictEqual(fs.readdirSync(target), [])
              return
            }
            assert.strictEqual(fs.readdirSync(target).length, count + 1)
            for (let i = 0; i <= count; i++) assert.strictEqual(fs.readFileSync(`${target}/file${i}`, "utf8"), `${i}`)
            fs.writeFileSync(`${target}/written`, "")
            assert.isTrue(fs.existsSync(`${upper}/written`))
            assert.deepStrictEqual(yield* mounter.uses(upper), [{ target, as: "upper", writable: true }])
          })
      )
    }
  }

  test(
    "F16: 500 lower layers are mounted, 501 are refused with number and limit",
    (mounter, directory) =>
      Effect.gen(function*() {
        const lowers = makeLayers(directory, 501)
        const target = makeTarget(directory)
        for (const count of [499, 500]) {
          assert.strictEqual(yield* outcome(mounter.mount(readOnly(lowers.slice(0, count)), target)), "mounted")
        }
        assert.match(yield* reasonOf(mounter.mount(readOnly(lowers), target)), /501 .*500/)
      })
  )
})

// ============================================================ odd names

const odd = [":", "::", ",", "\\", "\\:", " ", "\"", "'", "\t", "\n", "=", "#", "é", "\\040", "\\134", "日本🙂"]

describe("odd names", () => {
  for (const name of [...odd, odd.join("")]) {
    testEachWay(`F17, F19: a root named ${JSON.stringify(name)}`, () => (mounter, directory) =>
      Effect.gen(function*() {
        const root = `${directory}/${name}`
        fs.mkdirSync(root)
        const [lower, upper] = [makeLayer(root, 1), makeLayer(root, 2)]
        const target = makeTarget(root)
        yield* mounter.mount(writable(upper, [lower]), target)
        assert.strictEqual(fs.readFileSync(`${target}/file1`, "utf8"), "1")
        fs.writeFileSync(`${target}/written`, "")
        assert.deepStrictEqual(fs.readdirSync(upper).sort(), ["file2", "written"])
        const mounted = (yield* mounter.mounted).find((mount) => mount.target === target)
        assert.deepStrictEqual(mounted, { target, type: "overlay", writable: true })
        assert.deepStrictEqual(yield* mounter.uses(lower), [{ target, as: "lower", writable: false }])
        assert.deepStrictEqual(yield* mounter.uses(upper), [{ target, as: "upper", writable: true }])
        yield* mounter.unmount(mounted?.target ?? "")
        assert.deepStrictEqual(fs.readdirSync(target), [])
      }))
  }

  test(
    "a layer is found though it was mounted by the option string that others make",
    (mounter, directory) =>
      Effect.gen(function*() {
        const root = `${directory}/a:b,c\\d`
        fs.mkdirSync(root)
        const [lower, upper] = [makeLayer(root, 1), makeLayer(root, 2)]
        const target = makeTarget(directory)
        const mount = writable(upper, [lower])[0]
        execFileSync("mount", ["-t", "overlay", "overlay", "-o", mount?.options.join(",") ?? "", target])
        assert.deepStrictEqual(yield* mounter.uses(upper), [{ target, as: "upper", writable: true }])
        fs.mkdirSync(`${root}/committed`)
        fs.renameSync(upper.replace(/.fs$/, ""), `${root}/committed/${upper.split("/").at(-2)}`)
        const moved = `${root}/committed/${upper.split("/").slice(-2).join("/")}`
        assert.deepStrictEqual(yield* mounter.uses(moved), [{ target, as: "upper", writable: true }])
      })
  )
})

// ============================================================ ending

/** What is logged while it runs. */
const logged = <A, E, R>(effect: Effect.Effect<A, E, R>) => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
  return Effect.map(Effect.provide(effect, Logger.layer([logger])), () => lines)
}

/** A process that works in a directory and has a file open there, until it is told to end. */
const userOf = (directory: string, file: string) =>
  Effect.acquireRelease(
    Effect.promise(() => {
      const child = spawn("sh", ["-c", "exec 3<\"$0\"; echo; cat >/dev/null", file], {
        cwd: directory,
        stdio: ["pipe", "pipe", "inherit"]
      })
      return new Promise<typeof child>((resolve) => child.stdout.once("data", () => resolve(child)))
    }),
    (child) => endOf(child)
  )

const endOf = (child: ReturnType<typeof spawn>) =>
  Effect.promise(() =>
    new Promise<void>((resolve) => {
      if (child.exitCode !== null) return resolve()
      child.once("exit", () => resolve())
      child.stdin?.end()
    })
  )

describe("ending", () => {
  test(
    "F22: what is still in use is detached with a warning; when its users have ended nothing is left",
    (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const target = makeTarget(directory)
        const scope = yield* Scope.make()
        yield* Scope.provide(mounter.mount(writable(upper, [lower]), target), scope)
        const user = yield* userOf(target, `${target}/file1`)
        assert.strictEqual(yield* outcome(mounter.unmount(target)), "StillInUse")
        const warnings = yield* logged(Scope.close(scope, Exit.void))
        assert.strictEqual(warnings.length, 1)
        assert.include(warnings[0], target)
        assert.deepStrictEqual(fs.readdirSync(target), [])
        assert.strictEqual(yield* outcome(mounter.mount(writable(upper, [lower]), target)), "AlreadyMounted")
        yield* endOf(user)
        assert.strictEqual(yield* outcome(mounter.mount(writable(upper, [lower]), target)), "mounted")
      })
  )

  test(
    "a mount is found and unmounted though the directory that it is in was moved",
    (mounter, directory) =>
      Effect.gen(function*() {
        const layer = makeLayer(directory, 1)
        fs.mkdirSync(`${directory}/a`)
        const target = makeTarget(`${directory}/a`)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* mounter.mount(writable(layer, []), target)
          fs.renameSync(`${directory}/a`, `${directory}/b`)
        }))
        assert.deepStrictEqual(fs.readdirSync(`${directory}/b/target`), [])
      })
  )

  test("what another mounted over it since stays", (mounter, directory) =>
    Effect.gen(function*() {
      const target = makeTarget(directory)
      const warnings = yield* logged(Effect.scoped(Effect.gen(function*() {
        yield* mounter.mount(writable(makeLayer(directory, 1), []), target)
        execFileSync("mount", ["-t", "tmpfs", "none", target])
      })))
      assert.strictEqual(warnings.length, 1)
      const types = (yield* mounter.mounted).filter((mount) => mount.target === target).map(({ type }) => type)
      assert.strictEqual(types.at(-1), "tmpfs")
    }))

  test("no mount is shared, though the place that it is mounted on is", (mounter, directory) =>
    Effect.gen(function*() {
      const shared = makeTarget(directory, "shared")
      execFileSync("mount", ["--bind", shared, shared])
      execFileSync("mount", ["--make-shared", shared])
      const [a, b] = [makeTarget(shared, "a"), makeTarget(shared, "b")]
      yield* mounter.mount(writable(makeLayer(directory, 2), [makeLayer(directory, 1)]), a)
      yield* mounter.mount(writable(makeLayer(directory, 3), []), b)
      const lines = fs.readFileSync("/proc/self/mountinfo", "utf8").split("\n")
      for (const target of [a, b]) {
        const line = lines.find((line) => line.includes(` ${target} `)) ?? ""
        assert.notInclude(line.split(" - ")[0], "shared:")
      }
    }))

  test("descriptors: none is left open, whatever succeeds or fails", (_, directory) =>
    Effect.gen(function*() {
      const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
      const target = makeTarget(directory)
      const before = openDescriptors()
      for (const way of ["auto", "fsopen", "mount"] as const) {
        yield* Effect.provide(
          Mounter.use((mounter) =>
            Effect.gen(function*() {
              for (let i = 0; i < 10; i++) {
                yield* outcome(mounter.mount(writable(upper, [lower]), target))
                yield* outcome(mounter.mount(writable(upper, [lower, "/missing"]), target))
                yield* outcome(mounter.mount(writable(upper, [lower], ["nonsense"]), target))
                yield* outcome(mounter.mount(writable(upper, []), `${target}/missing`))
                yield* outcome(mounter.mount(readOnly([lower]), target))
                yield* mounter.uses(upper)
                yield* mounter.mounted
              }
            })
          ),
          NodeMounter.layerWith({ way })
        )
      }
      assert.strictEqual(openDescriptors(), before)
    }))
})

// ============================================================ binds

describe("read-only binds", () => {
  testEachWay(
    "refuse writes, in what is mounted in the source too, and end with it",
    () => (mounter, directory) =>
      Effect.gen(function*() {
        const layer = makeLayer(directory, 1)
        fs.mkdirSync(`${layer}/inner`)
        execFileSync("mount", ["-t", "tmpfs", "none", `${layer}/inner`])
        fs.writeFileSync(`${layer}/inner/file`, "inner")
        const target = makeTarget(directory)
        yield* Effect.scoped(Effect.gen(function*() {
          yield* mounter.mount(readOnly([layer]), target)
          assert.strictEqual(fs.readFileSync(`${target}/inner/file`, "utf8"), "inner")
          for (const name of ["file1", "inner/file", "new", "inner/new"]) {
            assert.throws(() => fs.writeFileSync(`${target}/${name}`, ""), /EROFS/)
          }
        }))
        assert.strictEqual(fs.readFileSync(`${layer}/inner/file`, "utf8"), "inner")
        assert.deepStrictEqual((yield* mountsBelow(directory)).map((mount) => mount.target), [`${layer}/inner`])
      })
  )

  testEachWay("refuse options that a bind mount does not have", () => (mounter, directory) =>
    Effect.gen(function*() {
      const mounts = [{ type: "bind", source: makeLayer(directory, 1), options: ["rw", "userxattr"] }] as const
      assert.include(yield* reasonOf(mounter.mount(mounts, makeTarget(directory))), "userxattr")
    }))
})

// ============================================================ several processes

describe("what stands in the way of a commit", () => {
  test(
    "F24: an upper layer whose mount has been made read-only, which it need not stay",
    (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const target = makeTarget(directory)
        yield* mounter.mount(writable(upper, [lower]), target)
        execFileSync("mount", ["-o", "remount,bind,ro", target])
        assert.deepStrictEqual(yield* mounter.uses(upper), [{ target, as: "upper", writable: true }])
      })
  )

  test(
    "F24: a fork in which an overlay has its own layers cannot be unmounted before that",
    (mounter, directory) =>
      Effect.gen(function*() {
        const layer = makeLayer(directory, 1)
        const target = makeTarget(directory)
        yield* mounter.mount([{ type: "bind", source: layer, options: ["rw", "rbind"] }], target)
        for (const name of ["lower", "upper", "work", "merged"]) fs.mkdirSync(`${target}/${name}`)
        const inner = `lowerdir=${target}/lower,upperdir=${target}/upper,workdir=${target}/work`
        // Outside of the fork, so that the mount itself does not hold it.
        const merged = makeTarget(directory, "merged")
        execFileSync("mount", ["-t", "overlay", "overlay", "-o", inner, merged])
        assert.strictEqual((yield* Effect.flip(mounter.unmount(target)))._tag, "StillInUse")
        execFileSync("umount", [merged])
        yield* mounter.unmount(target)
      })
  )
})

describe("several processes", () => {
  test(
    "F24: a layer that another mount namespace has mounted is told by the kernel's mark",
    (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const target = makeTarget(directory)
        const holding = yield* hold(inMountNamespace, "mount", { mounts: writable(upper, [lower]), target })
        assert.strictEqual(holding.said, "mounted")
        const moved = `${directory}/moved`
        fs.renameSync(upper.replace(/.fs$/, ""), moved)
        const marked = [{ target: undefined, as: "upper" as const, writable: true }]
        assert.deepStrictEqual(yield* mounter.uses(`${moved}/fs`), marked)
        assert.deepStrictEqual(yield* mounter.uses(lower), [])
        yield* holding.end
        assert.deepStrictEqual(yield* mounter.uses(`${moved}/fs`), [])
      })
  )

  test(
    "F24: a layer whose path is longer than a string may be is told too",
    (mounter, directory) =>
      Effect.gen(function*() {
        const root = rootOf(directory, 600)
        const [lower, upper] = [makeLayer(root, 1), makeLayer(root, 2)]
        const target = makeTarget(directory)
        yield* hold(inMountNamespace, "mount", { mounts: writable(upper, [lower]), target })
        assert.strictEqual((yield* mounter.uses(upper)).length, 1)
      })
  )

  test(
    "F25: a layer that another process has mounted writable is AlreadyMounted",
    (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const [target, second] = [makeTarget(directory), makeTarget(directory, "second")]
        for (const [wrapper, where] of [[asIs, target], [inMountNamespace, undefined]] as const) {
          yield* Effect.scoped(Effect.gen(function*() {
            const holding = yield* hold(wrapper, "mount", { mounts: writable(upper, [lower]), target })
            const error = yield* Effect.flip(mounter.mount(writable(upper, [lower]), second))
            assert.strictEqual(error._tag, "AlreadyMounted")
            assert.strictEqual(error._tag === "AlreadyMounted" ? error.target : "", where)
            yield* holding.end
          }))
          assert.strictEqual(yield* outcome(mounter.mount(writable(upper, [lower]), second)), "mounted")
        }
      })
  )

  test("F25: of several processes that mount one layer at once, one does", (_, directory) =>
    Effect.gen(function*() {
      const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
      const held = yield* Effect.forEach([1, 2, 3, 4], (i) =>
        hold(asIs, "mount", { mounts: writable(upper, [lower]), target: makeTarget(directory, `target${i}`) }), {
        concurrency: "unbounded"
      })
      const said = held.map((holding) =>
        typeof holding.said === "string" ? holding.said : JSON.stringify(holding.said)
      )
      assert.strictEqual(said.filter((word) => word === "mounted").length, 1)
      assert.strictEqual(said.filter((word) => word.includes("AlreadyMounted")).length, 3)
      yield* Effect.forEach(held, (holding) => holding.end, { discard: true })
    }))

  test(
    "who waits for another that mounts the layer can be interrupted",
    (mounter, directory) =>
      Effect.gen(function*() {
        const layer = makeLayer(directory, 1)
        const holding = yield* hold(asIs, "lock", { path: layer.replace(/.fs$/, "") })
        const waiting = yield* Effect.forkChild(
          Effect.scoped(mounter.mount(writable(layer, []), makeTarget(directory)))
        )
        yield* Effect.sleep("20 millis")
        yield* Fiber.interrupt(waiting)
        assert.deepStrictEqual(yield* mountsBelow(directory), [])
        yield* holding.end
      })
  )

  test("what others mount is noticed", (mounter, directory) =>
    Effect.gen(function*() {
      const target = makeTarget(directory)
      assert.deepStrictEqual(yield* mountsBelow(directory), [])
      execFileSync("mount", ["-t", "tmpfs", "none", target])
      assert.deepStrictEqual(yield* mountsBelow(directory), [{ target, type: "tmpfs", writable: true }])
      execFileSync("mount", ["-o", "remount,bind,ro", target])
      assert.deepStrictEqual(yield* mountsBelow(directory), [{ target, type: "tmpfs", writable: false }])
      execFileSync("umount", [target])
      assert.deepStrictEqual(yield* mountsBelow(directory), [])
      yield* mounter.mounted
    }))
})

// ============================================================ why not

describe("refusals", () => {
  testEachWay(
    "F28: a store on an overlay is told what to do, and bind mounts work there",
    () => (mounter, directory) =>
      Effect.gen(function*() {
        const container = makeTarget(directory, "container")
        yield* mounter.mount(writable(makeLayer(directory, 2), [makeLayer(directory, 1)]), container)
        const [lower, upper] = [makeLayer(container, 3), makeLayer(container, 4)]
        const target = makeTarget(container)
        const reason = yield* reasonOf(mounter.mount(writable(upper, [lower]), target))
        assert.include(reason, "overlay cannot be an upper layer; put the store on a volume or tmpfs")
        assert.strictEqual(yield* outcome(mounter.mount(writable(upper, []), target)), "mounted")
      })
  )

  testEachWay(
    "F13: after a volatile mount a second one is told why not, and what to do",
    () => (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const mounts = writable(upper, [lower], ["volatile"])
        const target = makeTarget(directory)
        assert.strictEqual(yield* outcome(mounter.mount(mounts, target)), "mounted")
        assert.match(yield* reasonOf(mounter.mount(mounts, target)), /volatile.*remove/)
      })
  )

  it.live.skipIf(!isRoot)(
    "F30: the kernel's own words are part of the reason",
    withMounter("fsopen", (mounter, directory) =>
      Effect.gen(function*() {
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const target = makeTarget(directory)
        const reason = yield* reasonOf(mounter.mount(writable(upper, [lower], ["no-such-option=1"]), target))
        assert.match(reason, /no-such-option.*: .*[Uu]nknown parameter/)
      }))
  )

  it.live.skipIf(!isRoot)(
    "F104: an ordinary user is told what is missing and what to do",
    () =>
      Effect.gen(function*() {
        const directory = yield* freshDirectoryOfNobody
        const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
        const target = makeTarget(directory)
        execFileSync("chown", ["-R", "65534:65534", directory])
        for (const mounts of [writable(upper, [lower]), writable(upper, []), readOnly([lower])]) {
          const said = run(asNobody, "mount", { mounts, target }) as { error: Record<string, string> }
          assert.strictEqual(said.error["_tag"], "MountUnavailable")
          assert.include(said.error["reason"], "CAP_SYS_ADMIN")
          assert.include(said.error["remedy"], "unshare -Urm")
        }
      })
  )

  it.live.skipIf(!isRoot)("F102: in a user namespace overlays and bind mounts work", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      const [lower, upper] = [makeLayer(directory, 1), makeLayer(directory, 2)]
      const target = makeTarget(directory)
      execFileSync("chown", ["-R", "65534:65534", directory])
      for (const mounts of [writable(upper, [lower], ["userxattr"]), writable(upper, []), readOnly([lower])]) {
        assert.strictEqual(run(inUserNamespace, "mount", { mounts, target }), "unmounted")
      }
    }))

  it.live.skipIf(!isRoot)("in a user namespace every case of the suites holds", () =>
    Effect.gen(function*() {
      const directory = yield* freshDirectoryOfNobody
      const said = run(inUserNamespace, "suites", { path: directory }) as { cases: number; failed: Array<string> }
      assert.deepStrictEqual(said.failed, [])
      assert.isAbove(said.cases, 100)
    }))
})
