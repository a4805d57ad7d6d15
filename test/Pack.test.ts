/**
 * What users get: the packages are packed, installed in an empty project outside the workspace and used there.
 */
import { afterAll, assert, beforeAll, describe, it } from "@effect/vitest"
import { execFile } from "node:child_process"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { promisify } from "node:util"
import { judgement } from "./Judgement.ts"

judgement("pack")

const root = path.dirname(import.meta.dirname)
const packages = fs.readdirSync(path.join(root, "packages"))
const pnpmEntry = process.env["SNAPSHOTTER_PNPM"] ?? path.join(root, ".tools/node_modules/pnpm/bin/pnpm.mjs")

/** Both outputs; a failure's message has them too, since tsc and pnpm complain on stdout. */
const run = async (command: string, args: ReadonlyArray<string>, cwd: string): Promise<string> => {
  const env = { ...process.env, CI: "true", NODE_OPTIONS: "" }
  try {
    const { stderr, stdout } = await promisify(execFile)(command, args, { cwd, env, maxBuffer: 2 ** 26 })
    return stdout + stderr
  } catch (cause) {
    const { stderr, stdout } = cause as { stderr?: string; stdout?: string }
    throw new Error(`${path.basename(command)} ${args.join(" ")} failed in ${cwd}:\n${stdout}${stderr}`, { cause })
  }
}
const pnpm = (args: ReadonlyArray<string>, cwd: string) => run(process.execPath, [pnpmEntry, ...args], cwd)

/**
 * Every version that the workspace's lockfile has, for the project to have the same: those are in pnpm's store, so that
 * nothing needs the network, also when there are newer ones. What is there in several versions is left to choose.
 */
const lockedVersions = (): Record<string, string> => {
  const lockfile = fs.readFileSync(path.join(root, "pnpm-lock.yaml"), "utf8")
  const section = /^packages:\n(.*?)^\S/ms.exec(lockfile)?.[1] ?? ""
  const entries = Array.from(
    section.matchAll(/^ {2}'?(@?[^@'\n]+)@([^'():\n]+)'?:$/gm),
    ([, name = "", version = ""]) => [name, version] as const
  )
  return Object.fromEntries(entries.filter(([name]) => entries.filter(([other]) => other === name).length === 1))
}

interface Installed {
  readonly name: string
  /** Relative to the package, sorted. */
  readonly files: ReadonlyArray<string>
  readonly directory: string
  readonly manifest: {
    readonly version: string
    readonly exports: Record<string, string | null>
    readonly dependencies?: Record<string, string>
    readonly peerDependencies: Record<string, string>
  }
}

let project = ""
let installed: ReadonlyArray<Installed> = []

beforeAll(async () => {
  project = fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-pack-"))
  const tarballs: Record<string, string> = {}
  for (const name of packages) {
    // One after the other: each builds the packages that it depends on.
    await pnpm(["pack", "--pack-destination", path.join(project, "tarballs")], path.join(root, "packages", name))
    const tarball = fs.readdirSync(path.join(project, "tarballs")).find((file) =>
      file.startsWith(`snapshotter-${name}-`)
    )
    tarballs[`@snapshotter/${name}`] = `file:${path.join(project, "tarballs", tarball ?? "")}`
  }
  const dependencies = { ...tarballs, effect: "*", "@effect/platform-node": "*", "@types/node": "*" }
  fs.writeFileSync(path.join(project, "package.json"), JSON.stringify({ private: true, type: "module", dependencies }))
  fs.writeFileSync(
    path.join(project, "pnpm-workspace.yaml"),
    // Nothing of ours, so that the packages have to find each other; koffi comes with its binary.
    JSON.stringify({ overrides: lockedVersions(), allowBuilds: { koffi: false } })
  )
  await pnpm(["install", "--offline"], project).catch(
    // pnpm may have forgotten what the registry said of these versions, though it has their contents.
    () => pnpm(["install", "--prefer-offline"], project)
  )
  installed = packages.map((name) => {
    const directory = fs.realpathSync(path.join(project, "node_modules", "@snapshotter", name))
    const manifest = JSON.parse(fs.readFileSync(path.join(directory, "package.json"), "utf8"))
    const files = fs.readdirSync(directory, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => path.relative(directory, path.join(entry.parentPath, entry.name)))
      .filter((file) => !file.startsWith("node_modules"))
    return { name: `@snapshotter/${name}`, directory, manifest, files: files.toSorted() }
  })
})

afterAll(() => fs.rmSync(project, { recursive: true, force: true }))

/** The modules of a package: what is in `dist`, without extension. */
const modulesOf = ({ files }: Installed): ReadonlyArray<string> =>
  files.flatMap((file) => /^dist\/(.*)\.js$/.exec(file)?.[1] ?? [])

const isInternal = (module: string): boolean => module.startsWith("internal/")

/** What a user may write behind `from`, by the package's own exports. */
const specifiersOf = (pack: Installed): ReadonlyArray<string> =>
  Object.entries(pack.manifest.exports).flatMap(([subpath, target]) => {
    if (target === null) return []
    if (!subpath.includes("*")) return [pack.name + subpath.slice(1)]
    return modulesOf(pack)
      .filter((module) => !isInternal(module) && module !== "index")
      .map((module) => `${pack.name}/${module}`)
  })

describe("each package", () => {
  it("carries its licence, changes and description, and nothing but those, sources and what is built of them", () => {
    for (const { files, name } of installed) {
      for (const file of ["LICENSE", "CHANGELOG.md", "README.md", "package.json"]) assert.include(files, file, name)
      const others = files.filter((file) =>
        !/^(?:LICENSE|CHANGELOG\.md|README\.md|package\.json|src\/.*\.ts|dist\/.*\.(?:js|d\.ts)(?:\.map)?)$/.test(file)
      )
      assert.deepStrictEqual(others, [], name)
      assert.deepStrictEqual(files.filter((file) => /\.test\.|(?:^|\/)test\//.test(file)), [], name)
    }
  })

  it("has types, a source and maps that lead to it for each module", () => {
    for (const pack of installed) {
      const modules = modulesOf(pack)
      const sources = pack.files.flatMap((file) => /^src\/(.*)\.ts$/.exec(file)?.[1] ?? [])
      assert.deepStrictEqual(modules, sources, pack.name)
      for (const module of modules) assert.include(pack.files, `dist/${module}.d.ts`, pack.name)
      for (const map of modules.flatMap((module) => [`dist/${module}.js.map`, `dist/${module}.d.ts.map`])) {
        const { sources } = JSON.parse(fs.readFileSync(path.join(pack.directory, map), "utf8")) as {
          sources: Array<string>
        }
        for (const source of sources) {
          assert.include(pack.files, path.join(path.dirname(map), source), `${pack.name} ${map}`)
        }
      }
    }
  })

  it("asks for effect beside it, and for the others in the version they have", () => {
    const effectRange = /^ {2}effect: (.*)$/m.exec(fs.readFileSync(path.join(root, "pnpm-workspace.yaml"), "utf8"))?.[1]
    for (const { manifest, name } of installed) {
      assert.strictEqual(manifest.peerDependencies["effect"], effectRange, name)
      for (const other of installed) {
        const range = manifest.peerDependencies[other.name]
        if (range !== undefined) assert.strictEqual(range, `^${other.manifest.version}`, name)
      }
    }
  })
})

describe("a project that installed them", () => {
  it("type-checks and loads every public module", async () => {
    const specifiers = installed.flatMap(specifiersOf)
    const program = [
      ...specifiers.map((specifier, i) => `import * as m${i} from ${JSON.stringify(specifier)}`),
      `const modules: Record<string, object> = { ${
        specifiers.map((s, i) => `${JSON.stringify(s)}: m${i}`).join(", ")
      } }`,
      "console.log(JSON.stringify(Object.keys(modules)))"
    ]
    fs.writeFileSync(path.join(project, "program.ts"), program.join("\n"))
    const compilerOptions = {
      target: "ES2024",
      lib: ["ES2024", "ESNext.Disposable", "DOM"],
      module: "nodenext",
      types: ["node"],
      strict: true,
      exactOptionalPropertyTypes: true,
      skipLibCheck: false,
      outDir: "out"
    }
    fs.writeFileSync(path.join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, files: ["program.ts"] }))
    await run(path.join(root, "node_modules/.bin/tsc"), ["-p", "."], project)
    assert.deepStrictEqual(JSON.parse(await run(process.execPath, ["out/program.js"], project)), specifiers)
  })

  it("runs a program of ten lines, forks and all, on both backends", async () => {
    const program = (layer: string) => `
      import { Fork, Snapshot } from "@snapshotter/core"
      import { MemorySnapshotter } from "@snapshotter/memory-fs"
      import { NodeSnapshotter } from "@snapshotter/node-fs"
      import { Effect, FileSystem } from "effect"
      const [base, next] = [Snapshot.Name.make("base"), Snapshot.Name.make("next")]
      const work = Snapshot.Key.make("work")
      const program = Effect.gen(function*() {
        const fs = yield* FileSystem.FileSystem
        yield* Fork.committed({ key: work }, base, (directory) => fs.writeFileString(directory + "/hello", "world"))
        yield* Fork.committed({ key: work, parent: base }, next, (directory) =>
          Effect.andThen(fs.remove(directory + "/hello"), fs.writeFileString(directory + "/bye", "all")))
        const names = (parent: Snapshot.Name) =>
          Fork.viewed({ key: work, parent }, (directory) => fs.readDirectory(directory))
        return [yield* names(base), yield* names(next)]
      })
      console.log(JSON.stringify(await Effect.runPromise(Effect.provide(program, ${layer}))))`
    const store = JSON.stringify(path.join(project, "store"))
    for (const layer of ["MemorySnapshotter.layer", `NodeSnapshotter.layer({ root: ${store} })`]) {
      fs.writeFileSync(path.join(project, "ten.ts"), program(layer))
      assert.deepStrictEqual(JSON.parse(await run(process.execPath, ["ten.ts"], project)), [["hello"], ["bye"]], layer)
    }
  })

  it("cannot import what is internal", async () => {
    const specifiers = installed.flatMap((pack) =>
      modulesOf(pack).filter(isInternal).map((module) => `${pack.name}/${module}`)
    )
    assert.isAbove(specifiers.length, 0)
    const program = `
      const codes = ${JSON.stringify(specifiers)}.map((specifier) =>
        import(specifier).then(() => specifier + " was imported", (cause) => cause.code))
      console.log(JSON.stringify([...new Set(await Promise.all(codes))]))`
    fs.writeFileSync(path.join(project, "internal.js"), program)
    assert.deepStrictEqual(JSON.parse(await run(process.execPath, ["internal.js"], project)), [
      "ERR_PACKAGE_PATH_NOT_EXPORTED"
    ])
  })
})
