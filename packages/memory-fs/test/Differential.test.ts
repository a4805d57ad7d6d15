/** Random calls, made to a volume and to a directory of the real file system: answers and errnos must be the same. */
import { assert } from "@effect/vitest"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryStoreFileSystem from "@snapshotter/memory-fs/MemoryStoreFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect } from "effect"
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
  readonly volume: MemoryVolume.MemoryVolume
  readonly fs: ReturnType<typeof MemoryFileSystem.make>
  readonly store: ReturnType<typeof MemoryStoreFileSystem.make>
}

const umask = process.umask()

const machine = (): Machine => {
  const volume = MemoryVolume.make()
  return { volume, fs: MemoryFileSystem.make(volume, { umask }), store: MemoryStoreFileSystem.make(volume) }
}

const typeOf = (stats: Fs.Stats) => stats.isFile() ? "file" : stats.isDirectory() ? "directory" : "symlink"

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
    ({ store }: Machine, a: string, b: string) => store.replaceFile(a, b),
    (a: string, b: string) => Fs.renameSync(a, b)
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
  realPath: [
    ({ store }: Machine, a: string) => store.realPath(a),
    (a: string) => Fs.realpathSync.native(a)
  ],
  readDirectory: [
    ({ store }: Machine, a: string) => Effect.map(store.readDirectory(a), (names) => [...names].sort()),
    (a: string) => Fs.readdirSync(a).sort()
  ]
} as const

const twoPaths: ReadonlyArray<string> = ["link", "rename"]

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

const namesInVolume = ({ fs }: Pick<Machine, "fs">, path: string): Effect.Effect<Array<string>, unknown> =>
  Effect.gen(function*() {
    const names: Array<string> = []
    for (const { name, type } of [...yield* fs.readDirectoryEntries(path)].sort((a, b) => a.name < b.name ? -1 : 1)) {
      names.push(`${path}/${name}`)
      if (type === "Directory") names.push(...yield* namesInVolume({ fs }, `${path}/${name}`))
    }
    return names
  })

/** Deep enough that a handful of `..` stays inside what the test owns. */
const depth = "/1/2/3/4/5/6/7/8"

const compare = async (calls: ReadonlyArray<Call>) => {
  const top = Fs.realpathSync(Fs.mkdtempSync(`${Os.tmpdir()}/memory-fs-`))
  try {
    const root = top + depth
    const memory = machine()
    Fs.mkdirSync(root, { recursive: true })
    await Effect.runPromise(memory.fs.makeDirectory(root, { recursive: true }))
    for (const [i, { a, b, operation }] of calls.entries()) {
      const [simulated, real] = operations[operation]
      const first = `${root}/${a}`
      const second = twoPaths.includes(operation) ? `${root}/${b}` : b.replace(/^\//, `${root}/`)
      const expected = await answerOf(() => real(first, second))
      const actual = await answerOf(() => Effect.runPromise<Answer, unknown>(simulated(memory, first, second)))
      const tree = () => Effect.runSync(memory.volume.render)
      assert.deepStrictEqual(actual, expected, `call ${i}, ${operation} ${first} ${second}\n${tree()}`)
    }
    assert.deepStrictEqual(await Effect.runPromise(namesInVolume(memory, top)), namesOnDisk(top))
  } finally {
    Fs.rmSync(top, { recursive: true })
  }
}

// ============================================================ what calls there are

/** Few names, so that calls meet. */
const name = fc.constantFrom("a", "b", "c")
const step = fc.oneof({ weight: 8, arbitrary: name }, { weight: 1, arbitrary: fc.constantFrom(".", "..") })
const path = fc.tuple(name, fc.array(step, { maxLength: 2 }), fc.constantFrom("", "", "", "/")).map(
  ([first, rest, end]) => [first, ...rest].join("/") + end
)
/** Node removes what is below a directory all at once, which only without `..` has one outcome. */
const plain = fc.array(name, { minLength: 1, maxLength: 3 }).map((names) => names.join("/"))
const target = fc.oneof(path, path.map((to) => `/${to}`), path.map((to) => `../${to}`), fc.constantFrom(".", "", "/"))
const operation = fc.constantFrom(...Object.keys(operations) as Array<keyof typeof operations>)
const call: fc.Arbitrary<Call> = operation.chain((operation) =>
  fc.record({
    operation: fc.constant(operation),
    a: operation === "removeRecursively" ? plain : path,
    b: twoPaths.includes(operation) ? path : target
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

it("random calls answer on a volume what they answer on Linux", async () => {
  const numRuns = Number(process.env["MEMORY_FS_RUNS"] ?? 300)
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...beginnings),
      fc.array(call, { minLength: 5, maxLength: 25 }),
      (first, rest) => compare([...first, ...rest])
    ),
    { numRuns }
  )
}, 60_000)
