/** The tasks as real commands, which need directories that are really mounted. */
import { Effect, Layer } from "effect"
import { ChildProcessSpawner } from "effect/process"
import { run, type Running } from "./command.ts"
import type { Source } from "./source.ts"
import { type Task, Tasks } from "./tasks.ts"

export const layer = Layer.effect(
  Tasks,
  Effect.gen(function*() {
    const spawner = yield* ChildProcessSpawner.ChildProcessSpawner
    const runs: Run = (name, args, running) =>
      Effect.provideService(run(name, args, running), ChildProcessSpawner.ChildProcessSpawner, spawner)
    const record = (yield* Effect.isSuccess(runs("git", ["--version"]))) ? commit : archive
    return {
      copy: (source, onNames) => copy(runs, source, onNames),
      edit: ({ edited, removed }) => ({
        title: [`sed -i on ${edited.length} files`, "a new one", ...(removed === "" ? [] : ["rm -r"])].join(", "),
        perform: (cwd) => runs("sh", ["-ec", editScript, "sh", ...edited], { cwd, env: { REMOVED: removed } })
      }),
      record: ({ recorded }) => record(runs, recorded),
      wreck: { title: "rm -rf *", perform: (cwd) => runs("sh", ["-c", "rm -rf -- * .[!.]*"], { cwd }) },
      build: {
        title: "mkdir built, cp no-such-file built",
        perform: (cwd) => runs("sh", ["-c", "mkdir built && cp no-such-file built/"], { cwd })
      },
      write: { title: "touch new", perform: (cwd) => runs("touch", ["new"], { cwd }) }
    }
  })
)

type Run = (name: string, args: ReadonlyArray<string>, running?: Running) => ReturnType<Task["perform"]>

const copy = (runs: Run, { directory, owners }: Source, onNames: (count: number) => void): Task => ({
  title: "cp -a --reflink=auto",
  perform: (into) => {
    const options = ["-a", "-v", "--reflink=auto", ...(owners ? [] : ["--no-preserve=ownership"])]
    const onOutput = (text: string) => onNames(text.split("\n").length - 1)
    return runs("cp", [...options, "--", `${directory}/.`, into], { onOutput })
  }
})

const editScript = `[ $# = 0 ] || sed -i "1i edited in a fork" "$@"
  echo "what was done and why" > EDITED.md
  [ -z "$REMOVED" ] || rm -r "$REMOVED"`

const commit = (runs: Run, files: ReadonlyArray<string>): Task => ({
  title: `git init, add and commit of ${files.length} files`,
  perform: (cwd) => {
    // A directory of its own, so that a repository that is in the tree, or that the tree belongs to, stays out of this.
    const env = { GIT_DIR: ".recorded", GIT_WORK_TREE: ".", GIT_INDEX_FILE: undefined, GIT_CONFIG_GLOBAL: "/dev/null" }
    return Effect.map(
      runs("sh", ["-c", commitScript, "sh", ...files], { cwd, env }),
      (head) => `commit ${head.slice(0, 10)}`
    )
  }
})

const commitScript = `git init -q && git add -f -- "$@" &&
  git -c user.name=fork -c user.email=fork@localhost commit -q --allow-empty -m "all of it" && git rev-parse HEAD`

/** Where there is no git. */
const archive = (runs: Run, files: ReadonlyArray<string>): Task => ({
  title: `tar -czf of ${files.length} files`,
  perform: (cwd) => Effect.as(runs("tar", ["-czf", "recorded.tar.gz", "--", ...files], { cwd }), "archived")
})
