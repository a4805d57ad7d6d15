/** What is done to a tree, as data: plain file operations and waits for the disk. Paths are relative to the tree's root. */

export type Operation =
  | { readonly do: "mkdir"; readonly path: string; readonly mode: number }
  | { readonly do: "create"; readonly path: string; readonly mode: number; readonly text: string }
  | { readonly do: "write"; readonly path: string; readonly offset: number; readonly text: string }
  | { readonly do: "truncate"; readonly path: string; readonly length: number }
  | { readonly do: "rename" | "exchange"; readonly from: string; readonly to: string }
  | { readonly do: "link"; readonly from: string; readonly to: string }
  | { readonly do: "symlink"; readonly target: string; readonly path: string }
  | { readonly do: "whiteout"; readonly path: string }
  | { readonly do: "unlink"; readonly path: string }
  | { readonly do: "rmdir"; readonly path: string }
  | { readonly do: "chmod"; readonly path: string; readonly mode: number }
  | { readonly do: "setxattr"; readonly path: string; readonly name: string; readonly value: string }
  /** `fsync` of a file: its contents and attributes. */
  | { readonly do: "fsync file"; readonly path: string }
  /** `fsync` of a directory: its entries and attributes. */
  | { readonly do: "fsync directory"; readonly path: string }
  /** All that was done so far is on disk. */
  | { readonly do: "syncfs" }

export const describe = (operation: Operation): string => {
  switch (operation.do) {
    case "create":
      return `create ${operation.path} with ${shown(operation.text)}`
    case "write":
      return `write ${shown(operation.text)} to ${operation.path} at ${operation.offset}`
    case "rename":
    case "exchange":
    case "link":
      return `${operation.do} ${operation.from} → ${operation.to}`
    case "symlink":
      return `symlink ${operation.path} → ${shown(operation.target)}`
    case "truncate":
      return `truncate ${operation.path} to ${operation.length}`
    case "mkdir":
    case "chmod":
      return `${operation.do} ${shownPath(operation.path)} ${operation.mode.toString(8)}`
    case "setxattr":
      return `setxattr ${shownPath(operation.path)} ${operation.name}=${operation.value}`
    case "syncfs":
      return "syncfs"
    case "whiteout":
    case "unlink":
    case "rmdir":
    case "fsync file":
    case "fsync directory":
      return `${operation.do} ${shownPath(operation.path)}`
  }
}

const shownPath = (path: string): string => path === "" ? "the root" : path

/** A text by its runs of one letter: `3 × a, 4096 × b`. */
export const shown = (text: string): string => {
  const runs = text.match(/(.)\1*/gs) ?? []
  if (runs.length === 0) return "nothing"
  const some = runs.slice(0, runsShown).map((run) => `${run.length} × ${run.startsWith("\0") ? "NUL" : run[0]}`)
  return [...some, ...runs.length > runsShown ? ["…"] : []].join(", ")
}

const runsShown = 6
