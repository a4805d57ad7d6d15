/**
 * `/proc/self/mountinfo`, parsed: bytes in, exact paths out.
 *
 * The kernel separates by spaces, commas and newlines, and writes those inside a value as a backslash and three octal
 * digits. So the bytes are taken apart first, and each piece is decoded once; a file named `\040` stays what it is.
 * What is not UTF-8 shows as U+FFFD in a path, and never changes where it ends. proc_pid_mountinfo(5)
 */

export interface SuperOption {
  readonly name: string
  /** Absent for a flag. */
  readonly value?: string
}

export interface MountInfo {
  readonly id: number
  /** The mount that this one is mounted on. */
  readonly parent: number
  readonly major: number
  readonly minor: number
  /** What of the file system is shown, as a path in it. */
  readonly root: string
  /** Whether what is shown has been removed since. */
  readonly rootRemoved: boolean
  readonly target: string
  /** Of this mount alone: `rw`, `nosuid`, … */
  readonly options: ReadonlyArray<string>
  /** `shared:1`, `master:2`, …; none where it is private. */
  readonly propagation: ReadonlyArray<string>
  readonly type: string
  readonly source: string
  /** Of the file system, whatever mount shows it. */
  readonly superOptions: ReadonlyArray<SuperOption>
}

const space = 0x20
const comma = 0x2c
const backslash = 0x5c
const equals = 0x3d
const quote = 0x22

/** All mounts in the kernel's order. Lines that are none are left out. */
export const parse = (bytes: Buffer): Array<MountInfo> => [...parseLines(bytes, new Map()).values()]

/**
 * The mounts by their lines, in the kernel's order. A line that was there before says the same as before: of many mounts,
 * few change at a time.
 */
export const parseLines = (bytes: Buffer, before: ReadonlyMap<string, MountInfo>): Map<string, MountInfo> => {
  const mounts = new Map<string, MountInfo>()
  // In this encoding a character is a byte.
  for (const line of bytes.toString("latin1").split("\n")) {
    const mount = before.get(line) ?? parseLine(split(Buffer.from(line, "latin1"), space))
    if (mount !== undefined) mounts.set(line, mount)
  }
  return mounts
}

/** Between the options and the dash there may be any number of fields. */
const parseLine = (fields: ReadonlyArray<Buffer>): MountInfo | undefined => {
  const dash = fields.findIndex((field, i) => i >= 6 && field.length === 1 && field[0] === 0x2d)
  const [id, parent, device, root, target, options] = fields
  const [type, source, superOptions] = fields.slice(dash + 1)
  if (
    dash === -1 || id === undefined || parent === undefined || device === undefined || root === undefined ||
    target === undefined || options === undefined || type === undefined
  ) return undefined
  const [major, minor] = device.toString("latin1").split(":").map(Number)
  const shownRoot = decode(root)
  const rootRemoved = shownRoot.endsWith(removedSuffix)
  return {
    id: Number(id.toString("latin1")),
    parent: Number(parent.toString("latin1")),
    major: major ?? 0,
    minor: minor ?? 0,
    root: rootRemoved ? shownRoot.slice(0, -removedSuffix.length) : shownRoot,
    rootRemoved,
    target: decode(target),
    options: split(options, comma).map(decode),
    propagation: fields.slice(6, dash).map(decode),
    type: decode(type),
    source: decode(source ?? Buffer.alloc(0)),
    superOptions: parseSuperOptions(superOptions ?? Buffer.alloc(0))
  }
}

/** No path has two slashes in it, so this is the kernel's mark. */
const removedSuffix = "//deleted"

const split = (bytes: Buffer, separator: number): Array<Buffer> => {
  const parts: Array<Buffer> = []
  for (let start = 0; start <= bytes.length;) {
    const found = bytes.indexOf(separator, start)
    const end = found === -1 ? bytes.length : found
    parts.push(bytes.subarray(start, end))
    start = end + 1
  }
  return parts
}

const parseSuperOptions = (bytes: Buffer): Array<SuperOption> => {
  const options: Array<SuperOption> = []
  for (let start = 0; start < bytes.length;) {
    const end = endOfOption(bytes, start)
    const equalsAt = bytes.subarray(start, end).indexOf(equals)
    if (equalsAt === -1) options.push({ name: decode(bytes.subarray(start, end)) })
    else {
      const name = decode(bytes.subarray(start, start + equalsAt))
      options.push({ name, value: decode(bytes.subarray(start + equalsAt + 1, end)) })
    }
    start = end + 1
  }
  return options
}

/** SELinux's contexts alone are in quotes, with commas as they are. */
const endOfOption = (bytes: Buffer, start: number): number => {
  const equalsAt = bytes.indexOf(equals, start)
  const isQuoted = equalsAt !== -1 && bytes[equalsAt + 1] === quote &&
    /^[a-z]*context$/.test(bytes.toString("latin1", start, equalsAt))
  const closing = isQuoted ? bytes.indexOf(quote, equalsAt + 2) : -1
  const end = bytes.indexOf(comma, closing === -1 ? start : closing)
  return end === -1 ? bytes.length : end
}

/** Each `\ooo` becomes its byte, once; a backslash before anything else stays. */
const decode = (bytes: Buffer): string => {
  if (!bytes.includes(backslash)) return bytes.toString("utf8")
  const decoded = Buffer.alloc(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; length++) {
    const byte = octal(bytes, at)
    decoded[length] = byte ?? bytes[at] ?? 0
    at += byte === undefined ? 1 : 4
  }
  return decoded.toString("utf8", 0, length)
}

const octal = (bytes: Buffer, at: number): number | undefined => {
  if (bytes[at] !== backslash) return undefined
  const digits = bytes.toString("latin1", at + 1, at + 4)
  return /^[0-3][0-7]{2}$/.test(digits) ? Number.parseInt(digits, 8) : undefined
}

// ============================================================ overlay's own options

export interface OverlayLayers {
  /** Nearest first. */
  readonly lower: ReadonlyArray<string>
  /**
   * As shown: where it was given as text, by `mount(2)` or as a string, its backslashes are doubled; see `readings`.
   */
  readonly upper: string | undefined
}

/**
 * The layers of an overlay mount; a stack given in one option is taken apart at the colons that no backslash guards.
 */
export const overlayLayers = (mount: MountInfo): OverlayLayers => {
  const lower: Array<string> = []
  let upper: string | undefined
  for (const { name, value = "" } of mount.superOptions) {
    if (name === "lowerdir+") lower.push(value)
    else if (name === "lowerdir") lower.push(...value.split(unguardedColon).map(unescape))
    else if (name === "upperdir") upper = value
  }
  return { lower, upper }
}

/** A colon after an even number of backslashes. */
const unguardedColon = /(?<!(?<!\\)(?:\\\\)*\\):/

const unescape = (text: string): string => text.replace(/\\([^])/g, "$1")

/** What a shown upper directory may be: the very path, or one with guarded characters. */
export const readings = (path: string): ReadonlyArray<string> => {
  const unescaped = unescape(path)
  return unescaped === path ? [path] : [path, unescaped]
}

/** Whether writes through this mount can succeed. */
export const isWritable = (mount: MountInfo): boolean =>
  !mount.options.includes("ro") && !mount.superOptions.some(({ name }) => name === "ro")
