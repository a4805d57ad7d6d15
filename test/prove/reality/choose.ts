/** Operations that a seed decides, each of which can be done to the tree as it is by then. */
import type { Random } from "../../random.ts"
import { find, type History, type Known, pathsOf } from "./history.ts"
import type { Operation } from "./operation.ts"

const names = ["a", "b", "c", "d"] as const
const modes = [0o700, 0o755, 0o711, 0o640, 0o600] as const
/** Of one block, of some, of a part of one, and so short that btrfs keeps them beside their names. */
const lengthsOnDisks = [1, 100, 3_000, 4_096, 5_000, 12_300, 70_000]
const depthMax = 3
const targetBytesMax = 900

/** How often each is wanted; what cannot be done right now is drawn again. */
const weights: ReadonlyArray<readonly [Operation["do"], number]> = [
  ["mkdir", 6],
  ["create", 8],
  ["write", 3],
  ["truncate", 1],
  ["rename", 9],
  ["exchange", 3],
  ["link", 2],
  ["symlink", 3],
  ["whiteout", 1],
  ["unlink", 3],
  ["rmdir", 1],
  ["chmod", 2],
  ["setxattr", 2],
  ["fsync file", 3],
  ["fsync directory", 4],
  ["syncfs", 1]
]

const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

/** `lengths` are those of what is written. */
export const choose = (
  random: Random,
  history: History,
  lengths: ReadonlyArray<number> = lengthsOnDisks
): Operation => {
  while (true) {
    const operation = chosen(random, history, lengths, some(random))
    if (operation !== undefined) return operation
  }
}

const some = (random: Random): Operation["do"] => {
  let left = random.below(total)
  return weights.find(([, weight]) => (left -= weight) < 0)?.[0] ?? "mkdir"
}

const chosen = (
  random: Random,
  history: History,
  lengths: ReadonlyArray<number>,
  what: Operation["do"]
): Operation | undefined => {
  const someText = () => letter(random).repeat(random.pick(lengths) ?? 1)
  const all = pathsOf(history)
  const pick = (fits: (known: Known) => boolean) => random.pick(all.filter(([, known]) => fits(known)))?.[0]
  const directory = pick(isDirectory) ?? ""
  const file = pick(({ made }) => made.type === "file")
  const path = below(directory, random.pick(names) ?? "a")
  const isFree = find(history, path) === undefined && path.split("/").length <= depthMax
  const mode = random.pick(modes) ?? 0o700
  switch (what) {
    case "mkdir":
      return isFree ? { do: what, path, mode } : undefined
    case "create":
      return isFree ? { do: what, path, mode, text: someText() } : undefined
    case "symlink":
      return isFree ? { do: what, path, target: letter(random).repeat(1 + random.below(targetBytesMax)) } : undefined
    case "whiteout":
      return isFree ? { do: what, path } : undefined
    case "write":
      return file === undefined
        ? undefined
        : { do: what, path: file, offset: someOffset(random, textAt(all, file)), text: someText() }
    case "truncate": {
      const { length } = textAt(all, file)
      return file === undefined || length === 0 ? undefined : { do: what, path: file, length: random.below(length) }
    }
    case "rename":
      return renaming(random, history, path)
    case "exchange":
      return exchanging(random, all)
    case "link":
      return file === undefined || !isFree ? undefined : { do: what, from: file, to: path }
    case "unlink": {
      const gone = pick((known) => !isDirectory(known))
      return gone === undefined ? undefined : { do: what, path: gone }
    }
    case "rmdir": {
      const gone = pick((known) => isDirectory(known) && known.entries.size === 0)
      return gone === undefined || gone === "" ? undefined : { do: what, path: gone }
    }
    case "chmod":
      return { do: what, path: file !== undefined && random.chance(0.5) ? file : directory, mode }
    case "setxattr": {
      const name = `user.${random.pick(names) ?? "a"}`
      return {
        do: what,
        path: file !== undefined && random.chance(0.5) ? file : directory,
        name,
        value: letter(random)
      }
    }
    case "fsync file":
      return file === undefined ? undefined : { do: what, path: file }
    case "fsync directory":
      return { do: what, path: directory }
    case "syncfs":
      return { do: what }
  }
}

/** Anything to where nothing is, or over what a rename replaces. */
const renaming = (random: Random, history: History, to: string): Operation | undefined => {
  const [from, moved] = random.pick(pathsOf(history)) ?? ["", undefined]
  if (from === "" || moved === undefined || to === from || `${to}/`.startsWith(`${from}/`)) return undefined
  const there = find(history, to)
  const replaced = there === undefined ? undefined : history.nodes[there]
  if (`${from}/`.startsWith(`${to}/`) || replaced === moved) return undefined
  if (replaced !== undefined && isDirectory(replaced) !== isDirectory(moved)) return undefined
  if (replaced !== undefined && replaced.entries.size > 0) return undefined
  return { do: "rename", from, to }
}

/** Two that are not in one another. */
const exchanging = (random: Random, all: ReadonlyArray<readonly [string, Known]>): Operation | undefined => {
  const [from, to] = [random.pick(all)?.[0] ?? "", random.pick(all)?.[0] ?? ""]
  const isApart = !`${from}/`.startsWith(`${to}/`) && !`${to}/`.startsWith(`${from}/`)
  return from !== "" && to !== "" && isApart ? { do: "exchange", from, to } : undefined
}

const isDirectory = ({ made }: Known): boolean => made.type === "directory"

const textAt = (all: ReadonlyArray<readonly [string, Known]>, file: string | undefined): string =>
  all.find(([path]) => path === file)?.[1].versions.at(-1) ?? ""

/** At the end, or over what is there. */
const someOffset = (random: Random, { length }: { readonly length: number }): number =>
  random.chance(0.5) ? length : random.below(length + 1)

const letter = (random: Random): string => String.fromCharCode("a".charCodeAt(0) + random.below(26))

const below = (directory: string, name: string): string => directory === "" ? name : `${directory}/${name}`
