/**
 * From a regular expression in Go's syntax (RE2) to one of JavaScript's that finds the same. What Go refuses, such as
 * back-references and look-around, is refused here too; so is the flag U (swapped greediness), which JavaScript lacks.
 *
 * The result has the flag `v`, so that characters are code points, as in Go, and classes can stand inside classes.
 * Every literal is written as `\u{…}`: no table of what has to be escaped where.
 */

/** The expression; `undefined` when it is none. */
export const compileGoRegExp = (source: string): RegExp | undefined => {
  // A flag for the whole needs no modifier, which only newer engines know.
  const whole = /^\(\?([ims]+)\)/.exec(source)
  const flags = flagsAfter({ i: false, m: false, s: false }, whole?.[1] ?? "")
  const body = translate(source.slice(whole?.[0].length ?? 0), flags)
  if (body === undefined) return undefined
  try {
    return new RegExp(body, flags.i ? "vi" : "v")
  } catch {
    return undefined
  }
}

interface Flags {
  readonly i: boolean
  readonly m: boolean
  readonly s: boolean
}

/** What is open: a group, or the whole. `modifiers` were opened in it by flags like `(?i)`, which have no end. */
interface Frame {
  flags: Flags
  modifiers: string
}

const escape = String.raw`\\(?<escape>x\{[0-9a-fA-F]+\}|x[0-9a-fA-F]{2}|0[0-7]{0,2}|[1-7][0-7]{1,2}|` +
  String.raw`[pP]\{\^?\w+\}|[pP][A-Z]|[^])`

// Each alternative is one kind of token, and the last takes any character that stands for itself.
const token = new RegExp(
  [
    String.raw`\\Q(?<quoted>.*?)(?:\\E|$)`,
    escape,
    String.raw`\[(?<class>(?:\^?\]|(?!\^?\]))(?:\[:\^?\w+:\]|\\[^]|(?!\[:\^?\w+:\])[^\]\\])*)\]`,
    String.raw`\((?:\?P?<(?<name>\w+)>|\?(?<flags>[ims]*(?:-[ims]+)?)(?<scope>[:\)])|(?<plain>(?!\?)))`,
    String.raw`(?<repeat>[*+?]\??|\{\d+(?:,\d*)?\}\??)`,
    String.raw`(?<special>[\)\|\^$.])`,
    String.raw`(?<broken>[\(\[\\])`,
    String.raw`(?<literal>[^])`
  ].join("|"),
  "gsu"
)

const translate = (source: string, flags: Flags): string | undefined => {
  const frames: [Frame, ...Array<Frame>] = [{ flags, modifiers: "" }]
  let out = ""
  for (const { groups = {} } of source.matchAll(token)) {
    const frame = frames.at(-1) ?? frames[0]
    const piece = groups["scope"] === ")"
      ? changeFlags(frame, groups["flags"] ?? "")
      : groups["special"] === ")"
      ? (frames.length > 1 ? closing(frames.pop()) : undefined)
      : groups["special"] === "|"
      ? closeModifiers(frame) + "|" + frame.modifiers
      : pieceOf(groups, frame.flags)
    if (piece === undefined) return undefined
    if (opensGroup(groups)) frames.push({ flags: flagsAfter(frame.flags, groups["flags"] ?? ""), modifiers: "" })
    out += piece
  }
  return frames.length > 1 ? undefined : out + closeModifiers(frames[0])
}

type Groups = Record<string, string | undefined>

const opensGroup = (groups: Groups): boolean =>
  groups["name"] !== undefined || groups["plain"] !== undefined || groups["scope"] === ":"

const pieceOf = (groups: Groups, flags: Flags): string | undefined => {
  const { class: inside, escape, literal: char, name, quoted, repeat, scope, special } = groups
  if (quoted !== undefined) return Array.from(quoted, literal).join("")
  if (escape !== undefined) return anchors[escape] ?? classOf(escape) ?? literalOfEscape(escape)
  if (inside !== undefined) return translateClass(inside)
  if (name !== undefined) return `(?<${name}>`
  if (scope !== undefined) return modifier(groups["flags"] ?? "")
  if (repeat !== undefined) return repeatsMax(repeat) > 1000 ? undefined : repeat
  if (special !== undefined) return assertions(flags)[special]
  if (char !== undefined) return literal(char)
  return groups["plain"] === undefined ? undefined : "("
}

const repeatsMax = (repeat: string): number => Math.max(...(repeat.match(/\d+/g) ?? []).map(Number))

const literal = (char: string): string => `\\u{${(char.codePointAt(0) ?? 0).toString(16)}}`

// JavaScript's own ^, $ and . stop at more line ends than "\n".
const assertions = (flags: Flags): Record<string, string> => ({
  "^": flags.m ? "(?<![^\\n])" : "(?<![^])",
  "$": flags.m ? "(?![^\\n])" : "(?![^])",
  ".": flags.s ? "[^]" : "[^\\n]"
})

const anchors: Record<string, string | undefined> = { A: "(?<![^])", z: "(?![^])", b: "\\b", B: "\\B" }

// ============================================================ flags

const flagsAfter = (flags: Flags, change: string): Flags => {
  const [on = "", off = ""] = change.split("-")
  const after = (flag: keyof Flags) => !off.includes(flag) && (on.includes(flag) || flags[flag])
  return { i: after("i"), m: after("m"), s: after("s") }
}

/** Of the flags only `i` is left to JavaScript: the others are translated away. */
const modifier = (change: string): string => {
  const [on = "", off = ""] = change.split("-")
  return off.includes("i") ? "(?-i:" : on.includes("i") ? "(?i:" : "(?:"
}

const changeFlags = (frame: Frame, change: string): string => {
  frame.flags = flagsAfter(frame.flags, change)
  frame.modifiers += modifier(change)
  return modifier(change)
}

const closeModifiers = (frame: Frame): string => ")".repeat(frame.modifiers.split("(").length - 1)

const closing = (frame: Frame | undefined): string => frame === undefined ? ")" : `${closeModifiers(frame)})`

// ============================================================ classes and escapes

const perl: Record<string, string | undefined> = {
  d: "\\d",
  D: "\\D",
  w: "\\w",
  W: "\\W",
  s: "[\\t\\n\\f\\r\\u{20}]",
  S: "[^\\t\\n\\f\\r\\u{20}]"
}

const posix: Record<string, string | undefined> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  ascii: "\\u{0}-\\u{7f}",
  blank: "\\t\\u{20}",
  cntrl: "\\u{0}-\\u{1f}\\u{7f}",
  digit: "0-9",
  graph: "\\u{21}-\\u{7e}",
  lower: "a-z",
  print: "\\u{20}-\\u{7e}",
  punct: "\\u{21}-\\u{2f}\\u{3a}-\\u{40}\\u{5b}-\\u{60}\\u{7b}-\\u{7e}",
  space: "\\t-\\r\\u{20}",
  upper: "A-Z",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f"
}

const classOf = (escape: string): string | undefined => {
  const property = /^([pP])\{?(\^?)(\w+)\}?$/.exec(escape)
  if (property === null || escape.length === 1) return perl[escape]
  const [, letter, negation, name = ""] = property
  const negated = (letter === "P") !== (negation === "^")
  if (name === "Any") return negated ? "[]" : "[^]"
  return `\\${negated ? "P" : "p"}{${/^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`}}`
}

const control: Record<string, string | undefined> = { a: "\x07", f: "\f", n: "\n", r: "\r", t: "\t", v: "\v" }

const literalOfEscape = (escape: string): string | undefined => {
  if (control[escape] !== undefined) return literal(control[escape])
  // One digit from 1 to 7 alone would be a back-reference.
  if (/^(?:0|[1-7][0-7])/.test(escape)) return codePoint(escape, 8)
  if (escape.length > 1 && escape.startsWith("x")) return codePoint(escape.replace(/[x{}]/g, ""), 16)
  // Only punctuation stands for itself: letters and digits are kept for what is yet to be invented.
  return /^\w/.test(escape) || (escape.codePointAt(0) ?? 0) > 0x7f ? undefined : literal(escape)
}

const codePoint = (digits: string, base: number): string | undefined => {
  const value = Number.parseInt(digits, base)
  return value > 0x10ffff ? undefined : literal(String.fromCodePoint(value))
}

const member = new RegExp(
  [
    String.raw`\[:(?<not>\^?)(?<posix>\w+):\]`,
    escape,
    String.raw`(?<range>-(?=[^]))`,
    String.raw`(?<literal>[^])`
  ].join("|"),
  "gsu"
)

const translateClass = (inside: string): string | undefined => {
  const negated = inside.startsWith("^")
  let out = ""
  // A "-" is one of a range only right behind the range's start.
  let mayRange = false
  for (const { groups = {} } of inside.slice(negated ? 1 : 0).matchAll(member)) {
    const isRange: boolean = groups["range"] !== undefined && mayRange
    const piece: string | undefined = isRange ? "-" : memberOf(groups)
    if (piece === undefined) return undefined
    mayRange = !isRange && piece.startsWith("\\u") && !out.endsWith("-")
    out += piece
  }
  return `[${negated ? "^" : ""}${out}]`
}

const memberOf = (groups: Groups): string | undefined => {
  if (groups["escape"] !== undefined) return classOf(groups["escape"]) ?? literalOfEscape(groups["escape"])
  if (groups["posix"] === undefined) return literal(groups["literal"] ?? "-")
  const set = posix[groups["posix"]]
  return set && `[${groups["not"]}${set}]`
}
