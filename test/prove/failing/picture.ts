/** All that lies in a store, as values that can be compared: raw, or with what may differ left out. */
import { sha256Hex } from "../../../packages/core/src/internal/sha256.ts"

/** What lies at one path. */
export interface Lying {
  readonly type: string
  readonly mode: number
  readonly owner: string
  /** A file's text, a symlink's target, a device's number. */
  readonly content: string
  readonly xattrs: string
}

/** By the path below the root; the root itself is `.`. Empty where there is none. */
export type Picture = ReadonlyMap<string, Lying>

const idPattern = /(?<![a-z2-7])[a-z2-7]{13}(?![a-z2-7])/g

/** Text that is equal for equal pictures. */
export const rawText = (picture: Picture): string =>
  [...picture].map(([path, { content, mode, owner, type, xattrs }]) =>
    `${path}\0${type}\0${mode}\0${owner}\0${content}\0${xattrs}`
  ).sort().join("\n")

/**
 * The same text for stores that hold the same snapshots: ids are what the snapshots are called, times are left out, and so is
 * what only says how durable something is.
 */
export const canonicalText = (picture: Picture): string => {
  const names = namesById(picture)
  const named = (text: string) => text.replace(idPattern, (id) => names.get(id) ?? id)
  return [...picture].filter(([path]) => !path.endsWith("/suspect")).map(([path, lying]) => {
    const content = path.endsWith(".json") ? lastingIn(lying.content) : lying.content
    return `${named(path)} ${lying.type} ${lying.mode.toString(8)} ${lying.owner} ${
      JSON.stringify(named(content))
    } ${lying.xattrs}`
  }).sort().join("\n")
}

/** What snapshots are called, by their ids, and what they were called last if they are on their way out. */
export const namesById = (picture: Picture): ReadonlyMap<string, string> => {
  const names = new Map<string, string>()
  for (const [path, { content }] of picture) {
    const snapshot = describedBy(path)
    if (snapshot !== undefined) names.set(snapshot.id, `<${nameIn(content)}>`)
  }
  return names
}

/** The snapshot whose metadata lies at this path: where there are two such files, the one that counts. */
export const describedBy = (path: string): { readonly kind: string; readonly id: string } | undefined => {
  const [, kind, id, file] = /^(active|view|committed)\/([a-z2-7]{13})\/(key|name)\.json$/.exec(path) ?? []
  if (kind === undefined || id === undefined) return undefined
  return (file === "name") === (kind === "committed") ? { kind, id } : undefined
}

/** What links of the index are called whose names are known, by their hashes. */
export const namesByHash = (names: Iterable<string>): ReadonlyMap<string, string> =>
  new Map([...names].map((name) => [sha256Hex(name), `<${name}>`]))

/** Text with ids and hashes replaced by what they stand for; an id that nobody bears is `<id>`. */
export const readable = (text: string, ids: ReadonlyMap<string, string>, hashes: ReadonlyMap<string, string>): string =>
  text.replace(/(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])/g, (hash) => hashes.get(hash) ?? "<link>")
    .replace(idPattern, (id) => ids.get(id) ?? "<id>")

const nameIn = (text: string): string => {
  const { name } = parsed(text)
  return typeof name === "string" ? name : "?"
}

/** Metadata without its times. */
const lastingIn = (text: string): string => {
  const { createdAt: _, durable: __, updatedAt: ___, ...lasting } = parsed(text)
  return JSON.stringify(lasting)
}

/** A half-written file is what it is. */
const parsed = (text: string): Readonly<Record<string, unknown>> => {
  try {
    return JSON.parse(text)
  } catch {
    return { text }
  }
}
