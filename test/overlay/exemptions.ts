/**
 * What the comparison leaves out, each for a reason that a row of the table in docs/OVERLAY.md gives: calls that are not made,
 * things passed over, whose number is printed, and parts of answers that are not looked at. Nothing else is left out; a test
 * holds the rows against the table.
 */

/** By the words that begin its row in the table. */
export const exemptions = {
  "kernel's own xattrs": "`overlay.origin`, `overlay.impure`, `overlay.uuid` in layers",
  "whiteout's links and time": "link count and time of a whiteout",
  "number without user xattrs": "number of what is neither file nor directory, with `userxattr`",
  "rename between such names": "a rename of one name of such a file to another",
  "endless copy": "a copy of a lower file with several names onto itself",
  "same length": "a file truncated to the length that it has",
  "fifo": "a FIFO that is copied, or copied to"
} as const

/** Parts of answers that nobody looks at, by the words that begin their rows. */
export const unlooked = [
  "times",
  "device number",
  "size of a directory, blocks",
  "order of names, in directories and of attributes",
  "inode numbers in single answers"
] as const

export type Exemption = keyof typeof exemptions

/** The conditions of one program, and how often each exemption was made use of. */
export interface Exempting {
  readonly userxattr: boolean
  readonly used: Map<Exemption, number>
}

/** Whether it is left out here; that is counted. */
export const exempts = (exempting: Exempting, exemption: Exemption, xattr?: string): boolean => {
  const holds = exemption === "kernel's own xattrs"
    ? /^(trusted|user)\.overlay\.(origin|impure|uuid)$/.test(xattr ?? "")
    : exemption === "number without user xattrs" || exemption === "rename between such names"
    ? exempting.userxattr
    : true
  if (holds) exempting.used.set(exemption, (exempting.used.get(exemption) ?? 0) + 1)
  return holds
}
