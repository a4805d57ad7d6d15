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
  ["", ["", "a"], []]
]

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
    "(?P<n>a)(?P<n>b)"
  ]
  for (const source of bad) assert.isUndefined(compileGoRegExp(source), source)
})
