/** Which of the files that a directory happens to hold are worked on. */
import { type Entry, type Inventory, shown } from "./inventory.ts"

/** Paths that begin with `./`, so that no command takes one for an option. */
export interface Choice {
  readonly edited: ReadonlyArray<string>
  readonly recorded: ReadonlyArray<string>
  /** Empty where no directory is of a fitting size. */
  readonly removed: string
}

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
