/**
 * Random calls to the ports of both backends, and to Effect's `FileSystem` as it is derived from them: answers and errnos must
 * be those of Node's own functions on the real file system.
 */
import { assert } from "@effect/vitest"
import * as EffectFileSystem from "@snapshotter/core/EffectFileSystem"
import { StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemorySnapshotter from "@snapshotter/memory-fs/MemorySnapshotter"
import * as NodeSnapshotter from "@snapshotter/node-fs/NodeSnapshotter"
import { Effect, type FileSystem, type Layer, Option, Stream } from "effect"
import * as fc from "fast-check"
import * as Fs from "node:fs"
import * as Os from "node:os"
import { it } from "vitest"

type Answer = unknown

/** One call, as data. `a` and `b` are paths below the root, or texts. */
interface Call {
  readonly operation: keyof typeof operations
  readonly a: string
  readonly b: string
}

interface Machine {
  readonly name: string
  readonly fs: FileSystem.FileSystem
  readonly store: StoreFileSystem
  /** Where it works; nobody else does. */
  readonly top: string
}

type Ports = StoreFileSystem | TreeFileSystem

const machineOn = (name: string, top: string, backend: Layer.Layer<Ports>): Effect.Effect<Machine> =>
  Effect.provide(
    Effect.gen(function*() {
      const fs = EffectFileSystem.make(yield* TreeFileSystem, { umask: process.umask() })
      return { name, fs, store: yield* StoreFileSystem, top }
    }),
    backend,
    { local: true }
  )

const typesOfEntries: Readonly<Record<string, string>> = {
  File: "file",
  Directory: "directory",
  SymbolicLink: "symlink"
}

const typeOf = (stats: Fs.Stats | Fs.Dirent) => stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "symlink"

const realEntry = (stats: Fs.Stats) => ({
  type: typeOf(stats),
  mode: stats.mode & 0o7777,
  nlink: stats.nlink,
  size: stats.isDirectory() ? 0 : stats.size
})

const absent = <A>(act: () => A): A | undefined => {
  try {
    return act()
  } catch (error) {
    if (["ENOENT", "ENOTDIR"].includes(codeOf(error))) return undefined
    throw error
  }
}

/** Both sides of each operation; on failure the errno counts. */
const operations = {
  makeDirectory: [
    ({ store }: Machine, a: string) => store.makeDirectory(a, 0o755),
    (a: string) => {
      Fs.mkdirSync(a)
      Fs.chmodSync(a, 0o755)
    }
  ],
  makeDirectories: [
    ({ fs }: Machine, a: string) => fs.makeDirectory(a, { recursive: true }),
    (a: string) => void Fs.mkdirSync(a, { recursive: true })
  ],
  writeNew: [
    ({ store }: Machine, a: string, b: string) => store.writeFile(a, b, 0o644),
    (a: string, b: string) => {
      Fs.writeFileSync(a, b, { flag: "wx" })
      Fs.chmodSync(a, 0o644)
    }
  ],
  write: [
    ({ fs }: Machine, a: string, b: string) => fs.writeFileString(a, b),
    (a: string, b: string) => Fs.writeFileSync(a, b)
  ],
  append: [
    ({ fs }: Machine, a: string, b: string) => fs.writeFileString(a, b, { flag: "a" }),
    (a: string, b: string) => Fs.writeFileSync(a, b, { flag: "a" })
  ],
  overwrite: [
    ({ fs }: Machine, a: string, b: string) => fs.writeFileString(a, b, { flag: "r+" }),
    (a: string, b: string) => Fs.writeFileSync(a, b, { flag: "r+" })
  ],
  truncate: [
    ({ fs }: Machine, a: string, b: string) => fs.truncate(a, b.length),
    (a: string, b: string) => Fs.truncateSync(a, b.length)
  ],
  readFile: [
    ({ store }: Machine, a: string) => store.readFile(a),
    (a: string) => absent(() => Fs.readFileSync(a, "utf8"))
  ],
  readFileStrictly: [
    ({ fs }: Machine, a: string) => fs.readFileString(a),
    (a: string) => Fs.readFileSync(a, "utf8")
  ],
  symlink: [
    ({ store }: Machine, a: string, b: string) => store.symlink(b, a),
    (a: string, b: string) => Fs.symlinkSync(b, a)
  ],
  readLink: [
    ({ fs }: Machine, a: string) => fs.readLink(a),
    (a: string) => Fs.readlinkSync(a)
  ],
  link: [
    ({ fs }: Machine, a: string, b: string) => fs.link(a, b),
    (a: string, b: string) => Fs.linkSync(a, b)
  ],
  rename: [
    ({ fs }: Machine, a: string, b: string) => fs.rename(a, b),
    (a: string, b: string) => Fs.renameSync(a, b)
  ],
  copyFile: [
    ({ fs }: Machine, a: string, b: string) => fs.copyFile(a, b),
    (a: string, b: string) => Fs.copyFileSync(a, b)
  ],
  copy: [
    ({ fs }: Machine, a: string, b: string) => fs.copy(a, b),
    (a: string, b: string) => Fs.promises.cp(a, b, { recursive: true, force: false })
  ],
  copyOver: [
    ({ fs }: Machine, a: string, b: string) => fs.copy(a, b, { overwrite: true, preserveTimestamps: true }),
    (a: string, b: string) => Fs.promises.cp(a, b, { recursive: true, force: true, preserveTimestamps: true })
  ],
  unlink: [
    ({ store }: Machine, a: string) => Effect.asVoid(store.removeFile(a)),
    (a: string) => void absent(() => Fs.unlinkSync(a))
  ],
  remove: [
    ({ fs }: Machine, a: string) => fs.remove(a),
    (a: string) => Fs.promises.rm(a)
  ],
  removeRecursively: [
    ({ fs }: Machine, a: string) => fs.remove(a, { recursive: true }),
    (a: string) => Fs.promises.rm(a, { recursive: true })
  ],
  chmod: [
    ({ fs }: Machine, a: string, b: string) => fs.chmod(a, b.length % 2 === 0 ? 0o755 : 0o700),
    (a: string, b: string) => Fs.chmodSync(a, b.length % 2 === 0 ? 0o755 : 0o700)
  ],
  lstat: [
    ({ store }: Machine, a: string) =>
      Effect.map(store.lstat(a), (entry) =>
        entry && {
          type: entry.type,
          mode: entry.mode,
          nlink: entry.nlink,
          size: entry.type === "directory" ? 0 : entry.size
        }),
    (a: string) => absent(() => realEntry(Fs.lstatSync(a)))
  ],
  stat: [
    ({ fs }: Machine, a: string) => Effect.map(fs.stat(a), (info) => info.mode & 0o7777),
    (a: string) => Fs.statSync(a).mode & 0o7777
  ],
  access: [
    ({ fs }: Machine, a: string) => fs.access(a, { readable: true, writable: true }),
    (a: string) => Fs.accessSync(a, Fs.constants.R_OK | Fs.constants.W_OK)
  ],
  exists: [
    ({ fs }: Machine, a: string) => fs.exists(a).pipe(Effect.orElseSucceed(() => false)),
    (a: string) => Fs.existsSync(a)
  ],
  utimes: [
    ({ fs }: Machine, a: string, b: string) =>
      Effect.andThen(fs.utimes(a, b.length - 2, new Date(b.length)), Effect.map(fs.stat(a), ({ mtime }) => mtime)).pipe(
        Effect.map(Option.map((time) => time.getTime())),
        Effect.map(Option.getOrUndefined)
      ),
    (a: string, b: string) => {
      Fs.utimesSync(a, b.length - 2, new Date(b.length))
      return Fs.statSync(a).mtime.getTime()
    }
  ],
  stream: [
    ({ fs }: Machine, a: string) =>
      fs.stream(a, { offset: 1, bytesToRead: 2, chunkSize: 1 }).pipe(Stream.decodeText(), Stream.mkString),
    (a: string) => Fs.readFileSync(a, "utf8").slice(1, 3)
  ],
  realPath: [
    ({ store }: Machine, a: string) => store.realPath(a),
    (a: string) => Fs.realpathSync.native(a)
  ],
  readDirectory: [
    ({ store }: Machine, a: string) => Effect.map(store.readDirectory(a), (names) => [...names].sort()),
    (a: string) => Fs.readdirSync(a).sort()
  ],
  readDirectoryEntries: [
    ({ fs }: Machine, a: string) =>
      Effect.map(
        fs.readDirectoryEntries(a),
        (entries) => entries.map(({ name, type }) => `${name} ${typesOfEntries[type]}`).sort()
      ),
    (a: string) => Fs.readdirSync(a, { withFileTypes: true }).map((entry) => `${entry.name} ${typeOf(entry)}`).sort()
  ]
} as const

const twoPaths: ReadonlyArray<string> = ["link", "rename", "copyFile", "copy", "copyOver"]

// ============================================================ running both

const codeOf = (error: unknown): string => {
  const of = (value: unknown, key: string): unknown =>
    typeof value === "object" && value !== null ? Reflect.get(value, key) : undefined
  const code = of(error, "code") ?? of(of(of(error, "reason"), "cause"), "code")
  if (typeof code !== "string") throw error
  return code
}

const answerOf = async (act: () => Answer): Promise<Answer> => {
  try {
    return { answered: await act() }
  } catch (error) {
    return { failed: codeOf(error) }
  }
}

/** Every path below, no symlink followed. */
const namesOnDisk = (path: string): Array<string> =>
  Fs.readdirSync(path, { withFileTypes: true }).sort((a, b) => a.name < b.name ? -1 : 1).flatMap((entry) => {
    const below = `${path}/${entry.name}`
    return entry.isDirectory() ? [below, ...namesOnDisk(below)] : [below]
  })

const namesIn = (fs: FileSystem.FileSystem, path: string): Effect.Effect<Array<string>, unknown> =>
  Effect.gen(function*() {
    const names: Array<string> = []
    for (const { name, type } of [...yield* fs.readDirectoryEntries(path)].sort((a, b) => a.name < b.name ? -1 : 1)) {
      names.push(`${path}/${name}`)
      if (type === "Directory") names.push(...yield* namesIn(fs, `${path}/${name}`))
    }
    return names
  })

/** Deep enough that a handful of `..` stays inside what the test owns. */
const depth = "/1/2/3/4/5/6/7/8"

const freshTop = (name: string) => Fs.realpathSync(Fs.mkdtempSync(`${Os.tmpdir()}/snapshotter-${name}-`))

const compare = async (calls: ReadonlyArray<Call>) => {
  const [top, nodeTop] = [freshTop("reference"), freshTop("node-fs")]
  try {
    Fs.mkdirSync(top + depth, { recursive: true })
    const machines = await Effect.runPromise(Effect.all([
      machineOn("memory-fs", "/top", MemorySnapshotter.layerMachine),
      machineOn("node-fs", nodeTop, NodeSnapshotter.layerMachine)
    ]))
    for (const one of machines) await Effect.runPromise(one.fs.makeDirectory(one.top + depth, { recursive: true }))
    for (const [i, call] of calls.entries()) {
      const [simulated, real] = operations[call.operation]
      if (copying.includes(call.operation) && wouldNotEnd(...pathsOf(call, top))) continue
      const told = (answer: Answer) => copying.includes(call.operation) ? codeless(answer) : answer
      const expected = told(withoutTop(top, await answerOf(() => real(...pathsOf(call, top)))))
      for (const one of machines) {
        const answer = await answerOf(() =>
          Effect.runPromise<Answer, unknown>(simulated(one, ...pathsOf(call, one.top)))
        )
        assert.deepStrictEqual(
          told(withoutTop(one.top, answer)),
          expected,
          `call ${i} on ${one.name}: ${JSON.stringify(call)}`
        )
      }
    }
    for (const one of machines) {
      const names = await Effect.runPromise(namesIn(one.fs, one.top))
      assert.deepStrictEqual(withoutTop(one.top, names), withoutTop(top, namesOnDisk(top)), one.name)
    }
  } finally {
    for (const directory of [top, nodeTop]) Fs.rmSync(directory, { recursive: true })
  }
}

/** Node's `cp` looks at source and target at once, so which of two failures it tells is a matter of luck. */
const codeless = (answer: Answer): Answer => Object.keys(answer as object)

/** Node's `cp` copies a directory into itself, deeper and deeper, where a symlink leads into it; ours refuses. */
const wouldNotEnd = (from: string, to: string): boolean => {
  let above = to
  do above = above.slice(0, above.lastIndexOf("/"))
  while (!Fs.existsSync(above))
  return Fs.existsSync(from) && `${Fs.realpathSync(above)}/`.startsWith(`${Fs.realpathSync(from)}/`)
}

/** `b` is a path, a symlink's target, which stays in what the test owns, or a text. */
const pathsOf = ({ a, b, operation }: Call, top: string): [string, string] => {
  const root = top + depth
  const second = twoPaths.includes(operation)
    ? `${root}/${b}`
    : operation === "symlink"
    ? b.replace(/^\//, `${root}/`)
    : b
  return [`${root}/${a}`, second]
}

/** Answers that name a place, wherever that is. */
const withoutTop = (top: string, answer: Answer): Answer =>
  JSON.parse(JSON.stringify(answer ?? null).replaceAll(top, "TOP"))

// ============================================================ what calls there are

/** Few names, so that calls meet. */
const name = fc.constantFrom("a", "b", "c")
const step = fc.oneof({ weight: 8, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom(".", "..") })
const path = fc.tuple(name, fc.array(step, { maxLength: 2 }), fc.constantFrom("", "", "", "/")).map(
  ([first, rest, end]) => [first, ...rest].join("/") + end
)
/** Node removes and copies trees with paths that it makes by text, which only without `..` has one outcome. */
const plain = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"))
const target = fc.oneof(path, path.map((to) => `/${to}`), path.map((to) => `../${to}`), fc.constantFrom(".", "", "/"))
const copying: ReadonlyArray<string> = ["copy", "copyOver"]
const ofTrees: ReadonlyArray<string> = ["removeRecursively", ...copying]
const operation = fc.constantFrom(...Object.keys(operations) as Array<keyof typeof operations>)
const call: fc.Arbitrary<Call> = operation.chain((operation) =>
  fc.record({
    operation: fc.constant(operation),
    a: ofTrees.includes(operation) ? plain : path,
    b: ofTrees.includes(operation) ? plain : twoPaths.includes(operation) ? path : target
  })
)
/** Makes of everything something, so that little is missing. */
const beginnings: ReadonlyArray<ReadonlyArray<Call>> = [
  [],
  [
    { operation: "makeDirectory", a: "a", b: "" },
    { operation: "makeDirectory", a: "b", b: "" },
    { operation: "write", a: "a/b", b: "text" },
    { operation: "symlink", a: "c", b: "a" }
  ],
  [
    { operation: "makeDirectories", a: "a/b/c", b: "" },
    { operation: "symlink", a: "b", b: "a/b" },
    { operation: "symlink", a: "a/a", b: "c" },
    { operation: "write", a: "c", b: "text" }
  ]
]

it("random calls answer on both backends what they answer on Linux", async () => {
  const numRuns = Number(process.env["SNAPSHOTTER_RUNS"] ?? 250)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...beginnings),
      fc.array(call, { minLength: 5, maxLength: 25 }),
      (first, rest) => compare([...first, ...rest])
    ),
    { numRuns }
  )
})
