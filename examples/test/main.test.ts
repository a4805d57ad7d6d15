import { assert, describe, it } from "@effect/vitest"
import { Snapshotter } from "@snapshotter/core/Snapshotter"
import { NodeSnapshotter } from "@snapshotter/node-fs"
import { Effect, Stream } from "effect"
import * as fs from "node:fs"
import * as os from "node:os"
import * as path from "node:path"
import { judgement } from "../../test/Judgement.ts"
import {
  canMount,
  complaint,
  inNamespace,
  inside,
  interrupted,
  missing,
  mounting,
  onBoth,
  type Ran,
  run,
  withTree
} from "./running.ts"

judgement("examples", missing)

const assertDone = ({ code, stdout }: Ran): void => {
  assert.strictEqual(code, 0)
  for (
    const line of [
      /^Store in \/\S+/m,
      /^ {2}\S.* of all that, into an empty fork .* m?s$/m,
      /^ {2}commit, .* (?:of|times) the copy$/m,
      /^ {2}edit .* committed$/m,
      /^ {2}record .* stays mounted$/m,
      /^ {2}wreck .* discarded$/m,
      /^ {2}build .* failed, discarded\n {10}\w+ (ended with exit code 1|failed): .*no-such-file/m,
      /^ {2}A EDITED\.md$/m,
      /^ {2}D a\/ \(\d+ names\)$|^ {2}D gone\/ \(2 names\)$/m,
      /^ {2}base +committed .* inodes\n {2}├─ edited +committed .*\n {2}│ {2}└─ review +view/m,
      /^ {2}└─ record +active/m,
      /^ {2}type overlay, source overlay$/m,
      /^ {2}base is the input, after a fork of it was emptied: \d+ names, sha256 [0-9a-f]{12}$/m,
      /^ {2}edited is the base and what its layer changes, nothing else: \d+ names$/m,
      /^ {2}a write into the view of it was refused: .*(Read-only file system|EROFS)$/m,
      /\nAll is unmounted and removed\.\n$/
    ]
  ) assert.match(stdout, line)
}

/** What is the same whoever does it wherever: not times and sizes, the commands or how the mounts are called. */
const found = (stdout: string): ReadonlyArray<string> => {
  const lines = stdout.split("\n")
  const within = (title: string, end: string) =>
    lines.slice(lines.indexOf(title), lines.findIndex((line) => line.startsWith(end)))
  return [
    ...lines.filter((line) => /: \d+ files, \d+ directories, |^ {2}(base|edited) is /.test(line)),
    ...within("What the layer of edited changes:", "The forest"),
    ...within("The forest, and what each layer holds:", "Mounts are data").map((line) => line.slice(0, 44).trimEnd())
  ]
}

/** On 60 lines of 100 columns, but for the paths of the machine. */
const assertFits = (stdout: string): void => {
  const lines = stdout.trimEnd().split("\n")
  assert.isAtMost(lines.length, 60)
  for (const line of lines.filter((line) => !line.includes(os.tmpdir()))) assert.isAtMost([...line].length, 100, line)
}

describe.runIf(canMount)("main.ts on both backends", () => {
  it("does the whole job, shows it on one screen, and finds the same", async () => {
    const ran = await withTree((tree) => onBoth("main.ts", [tree]))
    for (const stdout of Object.values(ran)) {
      assertDone({ code: 0, stdout, stderr: "" })
      assertFits(stdout)
    }
    assert.lengthOf(found(ran.memory), 17)
    assert.deepStrictEqual(found(ran.memory), found(ran.node))
  })

  it("does it with an empty directory", async () => {
    const ran = await withTree((tree) => onBoth("main.ts", [path.join(tree, "empty")]))
    for (const stdout of Object.values(ran)) assert.match(stdout, /: 0 files, 0 directories, 0 links, 0 B$/m)
  })
})

describe.runIf(canMount)("main.ts on real mounts", () => {
  it.runIf(inside)("does it in a user namespace", async () => {
    const ran = await withTree((tree) => run("main.ts", [tree], { within: inNamespace }))
    assertDone(ran)
    assert.match(ran.stderr, /, in a user namespace$/m)
    assert.match(ran.stdout, /^ {4}userxattr$/m)
  })

  it("does it without git", async () => {
    const ran = await withTree((tree) => run("main.ts", [tree], { within: mounting, instead: { git: "exit 127" } }))
    assertDone(ran)
    assert.match(ran.stdout, /^ {2}record +tar -czf/m)
  })

  it("keeps the store that it is asked to keep", async () => {
    const directory = fs.mkdtempSync(path.join(os.tmpdir(), "snapshotter-kept-"))
    const root = path.join(directory, "store")
    const ran = await withTree((tree) => run("main.ts", ["--root", root, tree], { within: mounting }))
    assert.strictEqual(ran.code, 0, ran.stderr)
    const names = await Effect.runPromise(
      Stream.unwrap(Effect.map(Snapshotter, (snapshotter) => snapshotter.walk())).pipe(
        Stream.map(({ name }) => name),
        Stream.runCollect,
        Effect.provide(NodeSnapshotter.layer({ root }))
      )
    )
    assert.deepStrictEqual(names, ["base", "edited"])
    fs.rmSync(directory, { recursive: true })
  })

  it("says how far it is when that takes long", async () => {
    const slow = "sleep 1.3; exec /bin/cp \"$@\""
    const ran = await withTree((tree) => run("main.ts", [tree], { within: mounting, instead: { cp: slow } }))
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.match(ran.stderr, /^making the base… 0 of \d+ names copied \(1 s\)$/m)
  })

  it("says in one line which command failed, and how", async () => {
    const failing = "echo 'cp: the disk is on fire' >&2; exit 9"
    const ran = await withTree((tree) => run("main.ts", [tree], { within: mounting, instead: { cp: failing } }))
    assert.deepStrictEqual([ran.code, complaint(ran)], [1, "cp ended with exit code 9: cp: the disk is on fire\n"])
  })

  it("notices a copy that is not faithful", async () => {
    const careless = "/bin/cp \"$@\" || exit; for into; do :; done; chmod 600 \"$into/a/one.ts\""
    const ran = await withTree((tree) => run("main.ts", [tree], { within: mounting, instead: { cp: careless } }))
    const said = "not as promised: \"a/one.ts\" in base is not as in the input\n"
    assert.deepStrictEqual([ran.code, complaint(ran)], [1, said])
  })

  it("says so when the directory changes meanwhile", async () => {
    const ran = await withTree((tree) => {
      const meddling = `echo more >> "${tree}/a/one.ts"; exec /bin/cp "$@"`
      return run("main.ts", [tree], { within: mounting, instead: { cp: meddling } })
    })
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /^ {2}base is the input, but for 1 that changed there meanwhile, after a fork/m)
  })

  it("leaves nothing when it is interrupted, wherever it is", async () => {
    const moments = [/^Store in/m, /files, .* links/, /The base, made once/, /Four forks of it/]
    const interrupt = (moment: RegExp, signal: "SIGINT" | "SIGTERM") =>
      withTree((tree) => interrupted("main.ts", [tree], moment, signal, 100), 200)
    for (const moment of moments) await Promise.all([interrupt(moment, "SIGINT"), interrupt(moment, "SIGTERM")])
  })
})

describe("main.ts, whatever can be mounted", () => {
  it("is given a part of what is too much for a machine in memory", async () => {
    const ran = await withTree((tree) => run("main.ts", ["--backend", "memory", tree]), 1_000)
    assert.strictEqual(ran.code, 0, ran.stderr)
    assert.match(ran.stdout, /, a part of it: \d+ files,/)
    assert.match(ran.stdout, /^ {2}base is the input, .*: 1,000 names/m)
  })

  it("says in one line what is wrong with an argument", async () => {
    await withTree(async (tree) => {
      const file = path.join(tree, "README.md")
      const cases: ReadonlyArray<readonly [ReadonlyArray<string>, RegExp]> = [
        [[`${tree}/nowhere`], /^\S+\/nowhere does not exist; give a directory$/],
        [[file], /^\S+\/README\.md is not a directory; give one$/],
        [["--root", `${tree}/a`, `${tree}/gone`], /^\S+\/a is not empty; give an empty directory/],
        [["--root", file, `${tree}/gone`], /^\S+\/README\.md is not a directory; give an empty one to --root$/],
        [
          ["--root", `${tree}/no/where`, tree],
          /^\S+\/no does not exist, so no store can be made in it; make it first$/
        ],
        [["--root", `${tree}/store`, tree], /^the store would be inside \S+, and be copied into itself;/],
        [["--root", `${tree}/store`, "--backend", "memory"], /^--root needs real mounts: leave out --backend memory$/]
      ]
      await Promise.all(cases.map(async ([args, message]) => {
        const { code, stderr, stdout } = await run("main.ts", args)
        assert.deepStrictEqual([code, stdout], [1, ""])
        assert.match(stderr.replace(/\n$/, ""), message)
      }))
    })
  })

  it("explains its flags", async () => {
    const { code, stdout } = await run("main.ts", ["--help"])
    assert.strictEqual(code, 0)
    for (const word of ["directory", "--backend", "--root"]) assert.include(stdout, word)
  })
})
