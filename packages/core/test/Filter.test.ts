import { assert, describe, it } from "@effect/vitest"
import * as Filter from "@snapshotter/core/Filter"
import { type Info, Key, Name } from "@snapshotter/core/Snapshot"
import { Result } from "effect"
import * as fc from "fast-check"

const times = { createdAt: 0n, updatedAt: 0n }

const infos = {
  base: { kind: "committed", name: Name.make("base"), readonly: true, labels: {}, ...times },
  fork: {
    kind: "active",
    name: Key.make("fork/1"),
    parent: Name.make("base"),
    readonly: false,
    labels: { a: "1", "a.b": "2", "k8s.io/app": "web, \"main\"", empty: "" },
    ...times
  },
  look: {
    kind: "view",
    name: Key.make("look é"),
    parent: Name.make("base"),
    readonly: true,
    labels: { a: "3" },
    ...times
  }
} satisfies Record<string, Info>

/** The names of those three that the filters select. */
const selected = (...texts: ReadonlyArray<string>): Array<string> => {
  const filters = Result.getOrThrow(Filter.parseAll(texts))
  return Object.entries(infos).flatMap(([which, info]) => Filter.matchesAny(filters, info) ? [which] : [])
}

const failure = (text: string): Filter.Unparsable => {
  const parsed = Filter.parse(text)
  if (Result.isSuccess(parsed)) return assert.fail(`${JSON.stringify(text)} parsed`)
  return parsed.failure
}

const all = ["base", "fork", "look"]

describe("fields", () => {
  it("no filters, or the empty one, select all", () => {
    assert.deepStrictEqual(selected(), all)
    assert.deepStrictEqual(selected(""), all)
    assert.deepStrictEqual(selected("kind==view", ""), all)
  })
  it("kind is active, view or committed, in lower case", () => {
    assert.deepStrictEqual(selected("kind==active"), ["fork"])
    assert.deepStrictEqual(selected("kind==view"), ["look"])
    assert.deepStrictEqual(selected("kind==committed"), ["base"])
    assert.deepStrictEqual(selected("kind==Committed"), [])
  })
  it("name, parent and kind are always present, the parent even when there is none", () => {
    for (const field of ["name", "parent", "kind"]) assert.deepStrictEqual(selected(field), all)
    assert.deepStrictEqual(selected("parent==\"\""), ["base"])
    assert.deepStrictEqual(selected("parent==base"), ["fork", "look"])
  })
  it("a label is present if it is set, an unknown field never", () => {
    assert.deepStrictEqual(selected("labels.a"), ["fork", "look"])
    assert.deepStrictEqual(selected("labels.empty"), ["fork"])
    assert.deepStrictEqual(selected("labels"), [])
    assert.deepStrictEqual(selected("nosuch"), [])
    assert.deepStrictEqual(selected("nosuch==x"), [])
  })
  it("a label's key is quoted, or its parts are joined by dots", () => {
    assert.deepStrictEqual(selected("labels.a.b==2"), ["fork"])
    assert.deepStrictEqual(selected("labels.\"a.b\"==2"), ["fork"])
    assert.deepStrictEqual(selected("labels.\"k8s.io/app\"==\"web, \\\"main\\\"\""), ["fork"])
    assert.deepStrictEqual(selected("labels.k8s.\"io/app\""), ["fork"])
  })
  it("what every object inherits is no label, and a label called __proto__ is one", () => {
    assert.deepStrictEqual(selected("labels.__proto__"), [])
    assert.deepStrictEqual(selected("labels.constructor"), [])
    const labels = JSON.parse("{\"__proto__\":\"x\"}")
    const filter = Result.getOrThrow(Filter.parse("labels.__proto__==x"))
    assert.isTrue(Filter.matches(filter, { ...infos.base, labels }))
  })
})

describe("operators", () => {
  it("several filters are OR, a comma inside one is AND", () => {
    assert.deepStrictEqual(selected("kind==active", "kind==view"), ["fork", "look"])
    assert.deepStrictEqual(selected("parent==base,labels.a==3"), ["look"])
    assert.deepStrictEqual(selected("parent==base,labels.a==2"), [])
  })
  it("!= also holds for an absent field", () => {
    assert.deepStrictEqual(selected("labels.a!=1"), ["base", "look"])
    assert.deepStrictEqual(selected("nosuch!=x"), all)
    assert.deepStrictEqual(selected("nosuch!=\"\""), all)
  })
  it("~= finds a regular expression anywhere, and sees an absent field as empty", () => {
    assert.deepStrictEqual(selected("name~=o"), ["fork", "look"])
    assert.deepStrictEqual(selected("name~=^fo"), ["fork"])
    assert.deepStrictEqual(selected("labels.a~=^$"), ["base"])
  })
  it("a bad regular expression parses and selects nothing", () => {
    assert.deepStrictEqual(selected("name~=["), [])
    assert.deepStrictEqual(selected("name~=\"(\""), [])
  })
  it("an expression can also stand between slashes or bars, and only there", () => {
    assert.deepStrictEqual(selected("name~=/^(fork|base)/"), ["base", "fork"])
    assert.deepStrictEqual(selected("name~=|k/\\\\d|"), ["fork"])
    assert.deepStrictEqual(selected("name~=/k\\/1/"), ["fork"])
    assert.strictEqual(failure("name==/x/").position, 6)
    assert.strictEqual(failure("name!=|x|").position, 6)
    assert.strictEqual(failure("labels./x/").position, 7)
  })
})

describe("form", () => {
  it("blanks around tokens are skipped", () => {
    assert.deepStrictEqual(selected(" kind == active "), ["fork"])
    assert.deepStrictEqual(selected("\tlabels . a\n!= 1 , kind == view"), ["look"])
  })
  it("a bare value goes up to a comma or a blank, whatever else is in it", () => {
    assert.deepStrictEqual(selected("name==fork/1,kind==active"), ["fork"])
    assert.deepStrictEqual(selected("labels.a!=a=b\"c|d.e"), all)
    assert.strictEqual(failure("name==look é").position, 11)
  })
  it("a quoted value has Go's escapes", () => {
    for (
      const text of [
        "look é",
        "look\\x20\\u00e9",
        "\\154ook \\xc3\\xa9",
        "look \\U000000e9",
        "\\x6c\\x6F\\x6fk\\u0020é"
      ]
    ) {
      assert.deepStrictEqual(selected(`name=="${text}"`), ["look"], text)
    }
    const values: Record<string, string> = { "\\a\\b\\f\\n\\r\\t\\v\\\\\\\"": "\x07\b\f\n\r\t\v\\\"", "\\000": "\0" }
    for (const [text, value] of Object.entries(values)) {
      assert.deepStrictEqual(
        Filter.parse(`name=="${text}"`),
        Result.succeed([{ operator: "==", path: ["name"], value }])
      )
    }
  })
  it("bytes that are no UTF-8 equal no name, not even one with the replacement character", () => {
    const filter = Result.getOrThrow(Filter.parse("name==\"\\xff\""))
    assert.isFalse(Filter.matches(filter, { ...infos.base, name: Name.make("\ufffd") }))
  })
  it("what is no filter is refused, with the place and what could stand there", () => {
    const places: Record<string, number> = {
      " ": 1,
      ",": 0,
      "name,": 5,
      "name=c1": 4,
      "name===c1": 4,
      "name==": 6,
      "name==,kind": 6,
      "name==.a": 6,
      "name==c1,": 9,
      "name==c1 c2": 9,
      "name c1": 5,
      "labels.": 7,
      ".name": 0,
      "name==\"open": 11,
      "name==\"a\nb\"": 8,
      "name==\"\\q\"": 7,
      "name==\"\\'\"": 7,
      "name==\"\\x4\"": 7,
      "name==\"\\400\"": 7,
      "name==\"\\U00110000\"": 7,
      "name~=/\\d/": 7,
      "name==\"\ud800\"": 7,
      "näme": 1,
      "name==a\0": 7
    }
    for (const [text, position] of Object.entries(places)) {
      const { expected, ...rest } = failure(text)
      assert.deepStrictEqual(rest, { filter: text, position })
      assert.isAbove(expected.length, 0)
    }
    assert.include(failure("name c1").expected, "\"==\"")
    assert.notInclude(failure("name==c1 c2").expected, "\"==\"")
  })
  it("of several, the first that is no filter is named", () => {
    assert.deepInclude(Result.getOrThrow(Result.flip(Filter.parseAll(["name", "x=", "y="]))), {
      filter: "x=",
      position: 1
    })
  })
})

// ============================================================ render, then parse

const blank = fc.constantFrom("", "", " ", "\t ")
const text = fc.string({
  unit: fc.constantFrom("a", "B", "7", "_", "-", ".", ",", "\"", "/", "|", "\\", "\n", " ", "=", "é", "😀", "\0")
})

const goEscape = (char: string): string =>
  char === "\"" || char === "\\"
    ? `\\${char}`
    : char < " "
    ? `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`
    : char

const quoted = (value: string): string => `"${Array.from(value, goEscape).join("")}"`

/** A value and one of the ways to write it. */
const written = (value: string, bare: RegExp): fc.Arbitrary<readonly [string, string]> =>
  fc.boolean().map((quotes) => [value, quotes || !bare.test(value) ? quoted(value) : value])

const part = text.chain((value) => written(value, /^[\w-]+$/))
const value = text.chain((value) => written(value, /^[\wé😀\\-][^,\s\0]*$/u))

const selector = fc.tuple(
  fc.array(part, { minLength: 1, maxLength: 3 }),
  fc.constantFrom("present" as const, "==" as const, "!=" as const, "~=" as const),
  value,
  fc.array(blank, { minLength: 4, maxLength: 4 })
).map(([parts, operator, [value, rendered], [before, around, behind, after]]) => {
  const path = parts.map(([part]) => part)
  const written = parts.map(([, part]) => part).join(`${around}.${behind}`)
  return operator === "present"
    ? { selector: { operator, path }, text: `${before}${written}${after}` }
    : {
      selector: { operator, path, value },
      text: `${before}${written}${around}${operator}${behind}${rendered}${after}`
    }
})

it("whatever can be written as a filter is read as it was meant", () => {
  fc.assert(fc.property(fc.array(selector, { minLength: 1, maxLength: 4 }), (selectors) => {
    const parsed = Result.getOrThrow(Filter.parse(selectors.map(({ text }) => text).join(",")))
    const plain = parsed.map((selector) =>
      selector.operator === "~="
        ? { operator: selector.operator, path: selector.path, value: selector.value }
        : selector
    )
    assert.deepStrictEqual(plain as ReadonlyArray<unknown>, selectors.map(({ selector }) => selector))
  }))
})

it("no text makes the parser throw", () => {
  const fragment = fc.constantFrom(..."name|.==~=!=,\"/|\\[](){}?*^$-: x1é\0\ud800".split(/(?:)/), "labels.")
  fc.assert(
    fc.property(fc.array(fragment, { maxLength: 30 }), (fragments) => {
      const parsed = Filter.parse(fragments.join(""))
      if (Result.isSuccess(parsed)) Filter.matches(parsed.success, infos.fork)
    }),
    { numRuns: 1000 }
  )
})
