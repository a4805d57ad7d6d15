/**
 * containerd's filter language, for `walk`: parsed and matched here, with no effects.
 *
 * ```
 * filter   = selector { "," selector }              every selector must hold; the empty text holds for all
 * selector = path [ ( "==" | "!=" | "~=" ) value ]  without operator: the field is present
 * path     = part { "." part }                      name, parent, kind, labels.KEY
 * part     = letters, digits, "_" and "-", or quoted
 * value    = what is printable up to "," or a blank, or quoted; after "~=" also /quoted/ or |quoted|
 * quoted   = a Go string, escapes included: "a\"b\n\x41\u00e9"
 * ```
 *
 * - `name`, `parent` and `kind` are always present, `parent` as `""` where there is none. `kind` is `active`, `view` or
 *   `committed`. A label is present if it is set. Any other field is one that no snapshot has.
 * - `!=` holds for an absent field too, and `~=` sees it as the empty text.
 * - `~=` takes a regular expression in Go's syntax, found anywhere in the field. A bad one parses, and holds for
 *   nothing. Unlike Go's, an expression can be made to take exponential time: do not take one from strangers.
 * - Inside quotes, also `/…/` and `|…|`, a backslash belongs to the Go string: the expression `\d` is written bare as
 *   `name~=\d`, or quoted as `name~=/\\d/`.
 */
import * as Result from "effect/Result"
import { compileGoRegExp } from "./internal/goRegExp.ts"
import { readGoString } from "./internal/goString.ts"
import type { Info } from "./Snapshot.ts"

/** One condition on one field, given by the parts of its path. */
export type Selector =
  | { readonly operator: "present"; readonly path: Path }
  | { readonly operator: "==" | "!="; readonly path: Path; readonly value: string }
  | {
    readonly operator: "~="
    readonly path: Path
    readonly value: string
    /** `value` compiled; `undefined` when it is no regular expression. */
    readonly expression: RegExp | undefined
  }

/** A field's path: one part at least. */
export type Path = readonly [string, ...ReadonlyArray<string>]

/** Holds when all of its selectors do. */
export type Filter = ReadonlyArray<Selector>

/** Where a text stops being a filter: an index into it, and what could stand there. */
export interface Unparsable {
  readonly filter: string
  readonly position: number
  readonly expected: string
}

/** Parses one filter. */
export const parse = (text: string): Result.Result<Filter, Unparsable> =>
  text === ""
    ? Result.succeed([])
    : Result.gen(function*() {
      const cursor: Cursor = { text, position: 0 }
      const selectors = [yield* readSelector(cursor)]
      while (take(cursor, comma) !== undefined) selectors.push(yield* readSelector(cursor))
      if (cursor.position < text.length) return yield* unparsable(cursor, "\",\" or the end")
      return selectors
    })

/** Parses several, of which {@link matchesAny} asks that one holds; fails with the first that does not parse. */
export const parseAll = (texts: Iterable<string>): Result.Result<ReadonlyArray<Filter>, Unparsable> =>
  Result.all(Array.from(texts, parse))

/** Whether every selector of the filter holds for this snapshot. */
export const matches = (filter: Filter, info: Info): boolean => filter.every((selector) => holds(selector, info))

/** Whether one of the filters holds for this snapshot; with no filters at all, each snapshot is meant. */
export const matchesAny = (filters: ReadonlyArray<Filter>, info: Info): boolean =>
  filters.length === 0 || filters.some((filter) => matches(filter, info))

const holds = (selector: Selector, info: Info): boolean => {
  const value = fieldOf(info, selector.path)
  switch (selector.operator) {
    case "present":
      return value !== undefined
    case "==":
      return value === selector.value
    case "!=":
      return value !== selector.value
    case "~=":
      return selector.expression?.test(value ?? "") ?? false
  }
}

const fieldOf = (info: Info, [field, ...rest]: Path): string | undefined => {
  switch (field) {
    case "name":
      return info.name
    case "parent":
      return info.parent ?? ""
    case "kind":
      return info.kind
    case "labels": {
      const key = rest.join(".")
      // A label may be called __proto__ or constructor: only what was set counts.
      return Object.hasOwn(info.labels, key) ? info.labels[key] : undefined
    }
    default:
      return undefined
  }
}

// ============================================================ the parser

interface Cursor {
  readonly text: string
  position: number
}

const blanks = /\p{White_Space}*/uy
const comma = /,/y
const dot = /\./y
const barePart = /[A-Za-z0-9_-]+/y
const operator = /[=!~]+/y
// What opens another token cannot open a bare value, but may stand inside one.
const bareValue = /(?![.=!~"/|])(?:(?!,)[\p{L}\p{M}\p{N}\p{P}\p{S}])+/uy

const skipBlanks = (cursor: Cursor): void => {
  blanks.lastIndex = cursor.position
  blanks.test(cursor.text)
  cursor.position = blanks.lastIndex
}

/** The next token, if it is of this form; blanks before it are skipped in either case. */
const take = (cursor: Cursor, form: RegExp): string | undefined => {
  skipBlanks(cursor)
  form.lastIndex = cursor.position
  const found = form.exec(cursor.text)?.[0]
  cursor.position += found?.length ?? 0
  return found
}

const unparsable = (cursor: Cursor, expected: string, position = cursor.position): Result.Result<never, Unparsable> =>
  Result.fail({ filter: cursor.text, position, expected })

const readSelector = (cursor: Cursor): Result.Result<Selector, Unparsable> =>
  Result.gen(function*() {
    const path = yield* readPath(cursor)
    const found = take(cursor, operator)
    switch (found) {
      case "==":
      case "!=":
        return { operator: found, path, value: yield* readValue(cursor, /"/y) }
      case "~=": {
        const value = yield* readValue(cursor, /["/|]/y)
        return { operator: found, path, value, expression: compileGoRegExp(value) }
      }
      case undefined: {
        const next = cursor.text[cursor.position]
        if (next === undefined || next === ",") return { operator: "present", path }
      }
    }
    return yield* unparsable(cursor, "\"==\", \"!=\", \"~=\", \",\" or the end", cursor.position - (found?.length ?? 0))
  })

const readPath = (cursor: Cursor): Result.Result<Path, Unparsable> =>
  Result.gen(function*() {
    const path: [string, ...Array<string>] = [yield* readPart(cursor)]
    while (take(cursor, dot) !== undefined) path.push(yield* readPart(cursor))
    return path
  })

const readPart = (cursor: Cursor): Result.Result<string, Unparsable> => {
  const bare = take(cursor, barePart)
  return bare === undefined
    ? readQuoted(cursor, /"/y, "a field (name, parent, kind or labels.KEY, other characters in double quotes)")
    : Result.succeed(bare)
}

const readValue = (cursor: Cursor, quotes: RegExp): Result.Result<string, Unparsable> => {
  const bare = take(cursor, bareValue)
  return bare === undefined
    ? readQuoted(cursor, quotes, "a value (in double quotes unless it starts with a letter, a digit or the like)")
    : Result.succeed(bare)
}

const readQuoted = (cursor: Cursor, quotes: RegExp, expected: string): Result.Result<string, Unparsable> => {
  const quote = take(cursor, quotes)
  if (quote === undefined) return unparsable(cursor, expected)
  const read = readGoString(cursor.text, cursor.position, quote)
  cursor.position = read.position
  return "value" in read ? Result.succeed(read.value) : unparsable(cursor, read.expected)
}
