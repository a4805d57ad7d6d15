import { assert, it } from "@effect/vitest"
// Internal, so not among the package's exports.
import { compileGoRegExp } from "../src/internal/goRegExp.ts"

const finds = (source: string, text: string): boolean | undefined => compileGoRegExp(source)?.test(text)

/** Expression, what it finds, what it does not. */
const cases: ReadonlyArray<readonly [string, ReadonlyArray<string>, ReadonlyArray<string>]> = [
  ["^a.c$", ["abc", "a\rc", "a\u2028c", "a😀c"], ["a\nc", "abc\n", "xabc"]],
  ["(?s)^a.c$", ["a\nc"], ["ac"]],
  ["(?m)^b$", ["a\nb\nc"], ["a\rb"]],
  ["(?i)straße", ["STRAßE"], ["strase"]],
  ["a(?i)b", ["ab", "aB"], ["AB"]],
  ["^(?:a(?i)b|c)$", ["aB", "C"], ["AB"]],
  ["(?i:a)b", ["Ab"], ["AB"]],
  ["(?i)a(?-i)b", ["Ab"], ["AB"]],
  ["\\Aab\\z", ["ab"], ["ab\n", "xab"]],
  ["(?P<year>\\d{4})-(?<month>\\d\\d)", ["2024-01"], ["x"]],
  ["^[[:alpha:]_][[:^digit:]]$", ["ab", "_-"], ["a1", "1b"]],
  ["^[\\d-z]+$", ["1-z"], ["a"]],
  ["^[]a-c^-]+$", ["]", "b^-"], ["d"]],
  ["^[^]]$", ["a", "\n"], ["]"]],
  ["^\\s$", [" ", "\t"], ["\v", "\u00a0"]],
  ["^[\\S]$", ["\v", "a"], [" "]],
  ["^\\Qa.b*\\E+$", ["a.b*", "a.b**"], ["axb"]],
  ["\\Qa(", ["a("], ["a"]],
  ["^\\x41\\x{1F600}\\101\\07$", ["A😀A\x07"], []],
  ["^\\pL\\p{Greek}\\P{Lu}\\p{^L}$", ["aαb1"], ["aabc"]],
  ["a\\-b\\/c\\\"\\@", ["a-b/c\"@"], []],
  ["a{,2}{", ["a{,2}{"], ["aa"]],
  ["^a{2,3}?$", ["aa", "aaa"], ["a"]],
  ["]}", ["]}"], []],
  ["", ["", "a"], []],
  ["(?im)^b$", ["a\nB"], ["a\rb"]],
  ["(?ims)^a.b$", ["A\nB", "x\na\nb\nx"], []],
  ["(?s-s)^a.b$", [], ["a\nb"]],
  ["(?i-s)^a.b$", ["AxB"], ["A\nB"]],
  ["(?i-i)a", ["a"], ["A"]],
  ["(?ms-m)^b$", [], ["a\nb"]],
  ["^a(?s:.)b.c$", ["a\nbxc"], ["a\nb\nc"]],
  ["^(?m)b$", ["b\na"], ["a\nb"]],
  ["^(a(?i)b)c$", ["aBc"], ["ABc", "aBC"]],
  ["^(?:a(?i)b(?-i)c)d$", ["aBcd"], ["aBCd", "aBcD"]],
  ["^a(?s)(?i)b.$", ["aB\n"], ["AB\n"]],
  ["a(?s)$", ["a"], ["a\n"]],
  ["^\\a\\f\\n\\r\\t\\v$", ["\x07\f\n\r\t\v"], []],
  ["^[\\a\\f\\n\\r\\t\\v]+$", ["\x07\f\n\r\t\v"], ["a", "v"]],
  ["\\bb\\b", ["a b c"], ["abc", "bc"]],
  ["\\Bb\\B", ["abc"], ["b", "ab"]],
  ["^\\x{10FFFF}\\x7f\\177$", ["\u{10ffff}\x7f\x7f"], []],
  ["^\\0\\01\\012$", ["\0\x01\n"], []],
  ["^\\\x7f$", ["\x7f"], []],
  ["^[a\\-z]+$", ["a-z"], ["b"]],
  ["^[a-c-e]+$", ["b-e"], ["d"]],
  ["^[-a]+$", ["-a"], ["b"]],
  ["^[a-]+$", ["-a"], ["b"]],
  ["^[^-a]$", ["b"], ["-", "a"]],
  ["^[\\x41-\\x{43}]+$", ["ABC"], ["D"]],
  ["^[+--]+$", ["+,-"], ["."]],
  ["^[^a]$", ["^", "b"], ["a"]],
  ["^[a^]+$", ["a^"], ["b"]],
  ["^a{1000}$", ["a".repeat(1_000)], ["a".repeat(999)]],
  ["^a{2,}$", ["aa", "aaaa"], ["a"]],
  ["^(?P<one>a)(?<other>b)(c)$", ["abc"], []],
  ["^a$|^b$", ["a", "b"], ["", "ab"]],
  ["^(a.)$", ["ab"], ["a\n"]],
  ["^((a(?s).)b.)$", ["a\nbc"], ["a\nb\n"]],
  ["(?m)a$", ["xa\nb"], ["ab"]],
  ["^\\P{Any}?$", [""], ["a"]],
  ["^\\p{Phags_Pa}$", ["\ua840"], ["a"]]
]

/** What is in each class, of ASCII's characters, said in JavaScript: first those that need no brackets. */
const escapes: Readonly<Record<string, RegExp>> = {
  "\\d": /[0-9]/,
  "\\w": /[0-9A-Za-z_]/,
  "\\s": /[\t\n\f\r ]/,
  "\\pL": /[A-Za-z]/,
  "\\p{Lu}": /[A-Z]/,
  "\\p{Any}": /[^]/,
  "\\p{Latin}": /[A-Za-z]/
}
const named: Readonly<Record<string, RegExp>> = {
  "[:alnum:]": /[0-9A-Za-z]/,
  "[:alpha:]": /[A-Za-z]/,
  "[:ascii:]": /[^]/,
  "[:blank:]": /[\t ]/,
  "[:cntrl:]": /[^ -~]/,
  "[:digit:]": /[0-9]/,
  "[:graph:]": /[!-~]/,
  "[:lower:]": /[a-z]/,
  "[:print:]": /[ -~]/,
  "[:punct:]": /[!-/:-@[-`{-~]/,
  "[:space:]": /[\t\n\v\f\r ]/,
  "[:upper:]": /[A-Z]/,
  "[:word:]": /[0-9A-Za-z_]/,
  "[:xdigit:]": /[0-9A-Fa-f]/
}

const inverse = (member: string): string =>
  member.startsWith("[") ? member.replace("[:", "[:^") : `\\${member.charAt(1).toUpperCase()}${member.slice(2)}`

it("has Go's classes, alone, in brackets and negated", () => {
  const ascii = Array.from({ length: 128 }, (_, code) => String.fromCharCode(code))
  for (const [member, expression] of Object.entries({ ...escapes, ...named })) {
    for (const char of ascii) {
      const isIn = expression.test(char)
      const sources = [`[${member}]`, `[é${member}]`, `[^é${inverse(member)}]`, `[^[:^ascii:]${inverse(member)}]`]
      for (const source of member in escapes ? [member, ...sources] : sources) {
        assert.strictEqual(finds(`^${source}$`, char), isIn, `${source} and ${JSON.stringify(char)}`)
      }
      for (const source of [`[${inverse(member)}]`, `[^${member}]`, `[^é${member}]`]) {
        assert.strictEqual(finds(`^${source}$`, char), !isIn, `${source} and ${JSON.stringify(char)}`)
      }
    }
  }
  for (const source of ["[[:ascii:]]", "\\P{Any}", "\\p{^Any}"]) assert.isFalse(finds(`^${source}$`, "é"), source)
})

it("finds what Go finds", () => {
  for (const [source, found, notFound] of cases) {
    for (const text of found) assert.strictEqual(finds(source, text), true, `${source} in ${JSON.stringify(text)}`)
    for (const text of notFound) assert.strictEqual(finds(source, text), false, `${source} in ${JSON.stringify(text)}`)
  }
})

it("refuses what Go refuses", () => {
  const bad = [
    "[",
    "[]",
    "[^]",
    "[a",
    "[[:alpha:]",
    "[[:nosuch:]]",
    "[b-a]",
    "(",
    ")",
    "(?",
    "(?=a)",
    "(?!a)",
    "(?<=a)",
    "(?z)",
    "a**",
    "a*+",
    "*",
    "+a",
    "a{2}{3}",
    "a{1001}",
    "a{2,1}",
    "\\",
    "\\1",
    "\\y",
    "\\é",
    "\\p{Nosuch}",
    "\\x{110000}",
    "a{2,1001}",
    "\\x",
    "\\x4",
    "\\8",
    "\\_",
    "\\p",
    "\\p{L",
    "\\p{Lx1}",
    "(?i",
    "(?i:a",
    "(?:a))",
    "a(?s))",
    "((a)",
    "[z-a]",
    "[[:^nosuch:]]",
    "[\\1]",
    "(?P<n>a)(?P<n>b)"
  ]
  for (const source of bad) assert.isUndefined(compileGoRegExp(source), source)
})
