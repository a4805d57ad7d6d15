/** What is done in the forks: real commands, on what the directory happens to hold. */
import { Effect } from "effect"
import { run } from "./command.ts"
import { type Entry, type Inventory, shown } from "./inventory.ts"

/** Paths that begin with `./`, so that no command takes one for an option. */
export interface Choice {
  readonly edited: ReadonlyArray<string>
  readonly recorded: ReadonlyArray<string>
  /** Empty where no directory is of a fitting size. */
  readonly removed: string
}

/** Edits three files, adds one and removes a directory. */
export const edit = ({ edited, removed }: Choice, cwd: string) => {
  const script = `[ $# = 0 ] || sed -i "1i edited in a fork" "$@"
    echo "what was done and why" > EDITED.md
    [ -z "$REMOVED" ] || rm -r "$REMOVED"`
  return run("sh", ["-ec", script, "sh", ...edited], { cwd, env: { REMOVED: removed } })
}

/** Puts up to 300 files under version control; where there is no git, into an archive. */
export const record = ({ recorded }: Choice, cwd: string) => {
  // A directory of its own, so that a repository that is in the tree, or that the tree belongs to, stays out of this.
  const env = { GIT_DIR: ".recorded", GIT_WORK_TREE: ".", GIT_INDEX_FILE: undefined, GIT_CONFIG_GLOBAL: "/dev/null" }
  const script = `git init -q && git add -f -- "$@" &&
    git -c user.name=fork -c user.email=fork@localhost commit -q --allow-empty -m "all of it" && git rev-parse HEAD`
  return run("git", ["--version"]).pipe(
    Effect.matchEffect({
      onFailure: () =>
        Effect.as(run("tar", ["-czf", "recorded.tar.gz", "--", ...recorded], { cwd }), {
          title: `tar -czf of ${recorded.length} files`,
          said: "archived"
        }),
      onSuccess: () =>
        Effect.map(run("sh", ["-c", script, "sh", ...recorded], { cwd, env }), (head) => ({
          title: `git init, add and commit of ${recorded.length} files`,
          said: `commit ${head.slice(0, 10)}`
        }))
    })
  )
}

/** What nobody wants to happen to the only copy. */
export const wreck = (cwd: string) => run("sh", ["-c", "rm -rf -- * .[!.]*"], { cwd })

/** A step that fails when half of it is done. */
export const build = (cwd: string) => run("sh", ["-c", "mkdir built && cp no-such-file built/"], { cwd })

export const editTitle = ({ edited, removed }: Choice): string =>
  [`sed -i on ${edited.length} files`, "a new one", ...(removed === "" ? [] : ["rm -r"])].join(", ")

export const buildTitle = "mkdir built, cp no-such-file built"

// ============================================================ choosing

export const choose = (input: Inventory): Choice => {
  const entries = [...input.names.values()].filter(({ name }) => isText(name))
  const small = entries.filter(({ bytes, type }) => type === "file" && bytes > 0 && bytes < 65_536)
  const edited = small.filter(({ name }) => /\.(md|json|js|ts|txt)$/.test(name)).slice(0, 3)
  const removed = largest(entries, namesBelow(input), edited)
  return {
    edited: edited.map(pathOf),
    recorded: small.slice(0, 300).map(pathOf),
    removed: removed ? pathOf(removed) : ""
  }
}

const pathOf = ({ name }: Entry): string => `./${shown(name)}`

/** A command's arguments are text, so names that are not are left alone. */
const isText = (name: string): boolean => Buffer.from(shown(name)).toString("latin1") === name

const namesBelow = ({ names }: Inventory): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const name of names.keys()) {
    for (let at = name.lastIndexOf("/"); at > 0; at = name.lastIndexOf("/", at - 1)) {
      const directory = name.slice(0, at)
      counts.set(directory, (counts.get(directory) ?? 0) + 1)
    }
  }
  return counts
}

/** The directory with the most names below it, 200 at most, that holds none of those files. */
const largest = (entries: ReadonlyArray<Entry>, below: ReadonlyMap<string, number>, spared: ReadonlyArray<Entry>) => {
  const size = ({ name }: Entry) => below.get(name) ?? 0
  const fitting = entries.filter((entry) =>
    entry.type === "directory" && entry.name !== "" && size(entry) <= 200 &&
    !spared.some(({ name }) => name.startsWith(`${entry.name}/`))
  )
  return fitting.toSorted((one, other) => size(other) - size(one))[0]
}
