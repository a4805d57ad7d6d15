/**
 * What a directory holds, name by name, so that two can be compared: type, mode, owner, modification time, size, link
 * target and contents. Names are bytes, kept here one to a character, so that those which are not UTF-8 count too.
 */
import { Effect, Schema } from "effect"
import { createHash } from "node:crypto"
import * as fs from "node:fs"
import { setImmediate } from "node:timers/promises"

export interface Entry {
  readonly name: string
  readonly type: "file" | "directory" | "link" | "other"
  readonly bytes: number
  /** All that counts, as one text. */
  readonly compared: string
}

export interface Inventory {
  /** By name, relative to the directory, which itself is `""`. */
  readonly names: ReadonlyMap<string, Entry>
  readonly files: number
  readonly directories: number
  readonly links: number
  /** Of all files together. */
  readonly bytes: number
}

export class Unreadable extends Schema.TaggedError<Unreadable>()("Unreadable", { cause: Schema.Defect() }) {
  override get message() {
    return `cannot read all of the directory: ${this.cause instanceof Error ? this.cause.message : String(this.cause)}`
  }
}

export interface Taking {
  /** Whether owners count. Without them, neither do the mode bits that mean an owner's rights. */
  readonly owners: boolean
  /** Told of each name as it comes. */
  readonly onName?: () => void
}

/** Reads a whole directory. Interruptible, and never long on the thread. */
export const take = (directory: string, { onName, owners }: Taking): Effect.Effect<Inventory, Unreadable> =>
  Effect.tryPromise({
    try: async (signal) => {
      const names = new Map<string, Entry>()
      const count = { file: 0, directory: 0, link: 0, other: 0, bytes: 0 }
      for await (const entry of walk({ directory, owners, signal }, "")) {
        count[entry.type]++
        count.bytes += entry.bytes
        names.set(entry.name, entry)
        onName?.()
      }
      return { names, files: count.file, directories: count.directory - 1, links: count.link, bytes: count.bytes }
    },
    catch: (cause) => new Unreadable({ cause })
  })

/** The names that are not the same in both, sorted. */
export const differences = (one: Inventory, other: Inventory): ReadonlyArray<string> =>
  [...new Set([...one.names.keys(), ...other.names.keys()])]
    .filter((name) => one.names.get(name)?.compared !== other.names.get(name)?.compared)
    .toSorted()

/** One digest of everything that is compared. */
export const digest = ({ names }: Inventory): string => {
  const hash = createHash("sha256")
  for (const name of [...names.keys()].toSorted()) hash.update(`${name}\0${names.get(name)?.compared}\0`, "latin1")
  return hash.digest("hex")
}

/** How a name is shown. */
export const shown = (name: string): string => Buffer.from(name, "latin1").toString()

/** The path of a name, for `node:fs`. */
export const pathOf = (directory: string, name: string): Buffer =>
  Buffer.concat([Buffer.from(name === "" ? directory : `${directory}/`), Buffer.from(name, "latin1")])

// ============================================================ reading

interface Walk {
  readonly directory: string
  readonly owners: boolean
  readonly signal: AbortSignal
}

async function* walk(within: Walk, name: string): AsyncGenerator<Entry> {
  await breathe(within.signal)
  const path = pathOf(within.directory, name)
  const stat = fs.lstatSync(path, { bigint: true })
  const owned = within.owners ? `${stat.mode} ${stat.uid}:${stat.gid}` : `${stat.mode & ~0o6000n}`
  if (stat.isDirectory()) {
    // Its time changes with what is in it, which is compared anyway.
    yield { name, type: "directory", bytes: 0, compared: `directory ${owned}` }
    for (const inside of fs.readdirSync(path, "latin1").toSorted()) {
      yield* walk(within, name === "" ? inside : `${name}/${inside}`)
    }
  } else if (stat.isSymbolicLink()) {
    yield { name, type: "link", bytes: 0, compared: `link ${owned} ${fs.readlinkSync(path, "latin1")}` }
  } else if (stat.isFile()) {
    const compared = `file ${owned} ${stat.mtimeNs} ${stat.size} ${await contents(path, within.signal)}`
    yield { name, type: "file", bytes: Number(stat.size), compared }
  } else {
    yield { name, type: "other", bytes: 0, compared: `other ${owned} ${stat.rdev}` }
  }
}

const buffer = Buffer.allocUnsafe(1 << 20)

const contents = async (path: Buffer, signal: AbortSignal): Promise<string> => {
  const hash = createHash("sha256")
  const file = fs.openSync(path, "r")
  try {
    for (let read = fs.readSync(file, buffer); read > 0; read = fs.readSync(file, buffer)) {
      hash.update(buffer.subarray(0, read))
      await breathe(signal)
    }
  } finally {
    fs.closeSync(file)
  }
  return hash.digest("base64")
}

let breathed = 0

/** Lets others have the thread, at most every 10 ms. */
const breathe = async (signal: AbortSignal): Promise<void> => {
  if (performance.now() - breathed < 10) return
  await setImmediate()
  signal.throwIfAborted()
  breathed = performance.now()
}
