/** Random commands, as templates. */
import { type Command, files, identifiers, paths, type Slot } from "@snapshotter/core/testing/Command"
import * as fc from "fast-check"
import type { Somebody, Something } from "./templates.ts"

const bad = fc.constantFrom("", "a\0b", "\ud800")

const who = (...somebodies: ReadonlyArray<Somebody>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 14, arbitrary: fc.tuple(fc.constantFrom(...somebodies), fc.nat(7)).map(([who, at]) => `?${who} ${at}`) },
    { weight: 4, arbitrary: fc.constantFrom(...identifiers) },
    { weight: 2, arbitrary: bad }
  )

const label = fc.constantFrom("l", "m", "__proto__")
const value = fc.constantFrom("", "1", "2")
const labels = fc.oneof(
  { weight: 15, arbitrary: fc.constant(undefined) },
  { weight: 5, arbitrary: dictionary(value) },
  { weight: 2, arbitrary: fc.constant({ l: "x".repeat(4_096) }) }
)
const parent = fc.option(who("committed", "committed", "deepest", "deepest", "anybody"), { freq: 3, nil: undefined })
/** Which of the places that make sense then. */
const slot = fc.nat(11) as fc.Arbitrary<Slot>

/** Own properties, `__proto__` too. */
function dictionary<A>(values: fc.Arbitrary<A>): fc.Arbitrary<Readonly<Record<string, A>>> {
  return fc.uniqueArray(fc.tuple(label, values), { selector: ([one]) => one, maxLength: 3 }).map((entries) =>
    Object.fromEntries(entries)
  )
}

const change = fc.oneof(
  { weight: 10, arbitrary: fc.record({ patch: dictionary(fc.option(value)) }) },
  { weight: 5, arbitrary: fc.record({ replace: dictionary(value) }) },
  { weight: 2, arbitrary: fc.constant({ patch: { m: "x".repeat(5_000) } }) },
  { weight: 2, arbitrary: fc.constant(Object.assign({ patch: {} }, { parent: "a" })) }
)

const tagged = <Tag extends Command["_tag"], Rest>(tag: Tag, rest: fc.Arbitrary<Rest>) =>
  rest.map((fields) => ({ _tag: tag, ...fields }))

const withoutUndefined = <A extends object>(arbitrary: fc.Arbitrary<A>): fc.Arbitrary<A> =>
  arbitrary.map((fields) => Object.fromEntries(Object.entries(fields).filter(([, one]) => one !== undefined)) as A)

const creation = withoutUndefined(
  fc.record({ key: who("nobody", "nobody", "anybody"), parent, labels })
) as fc.Arbitrary<
  { readonly key: string; readonly parent?: string; readonly labels?: Readonly<Record<string, string>> }
>
const commitment = withoutUndefined(
  fc.record({ name: who("nobody", "nobody", "anybody"), key: who("active", "active", "active", "anybody"), labels })
) as fc.Arbitrary<
  { readonly name: string; readonly key: string; readonly labels?: Readonly<Record<string, string>> }
>
const subject = fc.record({ name: who("anybody", "anybody", "anybody", "nobody") })

/** A path with something there when the command's turn comes, or any. */
const somewhere = (...somethings: ReadonlyArray<Something>): fc.Arbitrary<string> =>
  fc.oneof(
    { weight: 6, arbitrary: fc.tuple(fc.constantFrom(...somethings), fc.nat(7)).map(([what, at]) => `?${what} ${at}`) },
    { weight: 1, arbitrary: fc.constantFrom(...paths) }
  )

const text = fc.constantFrom("", "x", "yy")
const writing = fc.record({
  slot,
  path: fc.oneof(fc.constantFrom(...files), somewhere("link", "file", "directory", "beyond")),
  text
})
const appending = fc.record({ slot, path: somewhere("link", "link", "file", "directory", "nothing"), text })
const making = fc.record({
  slot,
  path: fc.oneof(
    { weight: 9, arbitrary: somewhere("nothing", "nothing", "nothing", "directory", "beyond") },
    { weight: 1, arbitrary: fc.constant("missing/f") }
  )
})
const linking = fc.record({ slot, from: somewhere("file", "file", "link", "directory"), to: somewhere("nothing") })
const renaming = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ slot, from: somewhere("file", "link"), to: somewhere("nothing", "file", "link") })
  },
  { weight: 3, arbitrary: fc.record({ slot, from: somewhere("directory", "lower"), to: somewhere("nothing") }) },
  {
    weight: 4,
    arbitrary: fc.record({ slot, from: somewhere("file", "directory"), to: somewhere("file", "directory", "full") })
  }
)
const modes = fc.record({
  slot,
  path: somewhere("link", "file", "directory"),
  mode: fc.constantFrom(0o600, 0o755, 0o1777)
})
const removing = fc.record({ slot, path: somewhere("link", "file", "directory") })
const mounting = fc.record({ slot, key: who("active", "active", "view") })
const walking = fc.record({
  filters: fc.constantFrom<ReadonlyArray<string>>([], ["kind==active"], ["kind==view", "kind==committed"], ["name="])
})

const times = (count: number, arbitrary: fc.Arbitrary<Command>) => Array.from({ length: count }, () => arbitrary)

/** Each as often as it is listed: what builds a forest and works in it, more often than what looks at it. */
export const commandOf: ReadonlyArray<fc.Arbitrary<Command>> = [
  ...times(6, tagged("prepare", creation)),
  ...times(6, tagged("commit", commitment)),
  ...times(6, tagged("mount", mounting)),
  ...times(8, tagged("write", writing)),
  ...times(7, tagged("rename", renaming)),
  ...times(4, tagged("link", linking)),
  ...times(3, tagged("append", appending)),
  ...times(3, tagged("makeDirectory", making)),
  ...times(2, tagged("symlink", making)),
  ...times(2, tagged("chmod", modes)),
  ...times(3, tagged("delete", removing)),
  ...times(3, tagged("view", creation)),
  tagged("remove", subject),
  tagged("remove", fc.record({ name: who("anybody", "anybody", "mounted", "nobody") })),
  ...times(2, tagged("unmount", fc.record({ slot }))),
  tagged("mounts", subject),
  tagged("stat", subject),
  tagged("usage", subject),
  tagged("update", fc.record({ name: who("anybody", "anybody", "nobody"), change })),
  tagged("walk", walking),
  ...(["cleanup", "check", "relink", "reopen"] as const).map((tag) => tagged(tag, fc.record({})))
]
