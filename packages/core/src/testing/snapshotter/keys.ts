/** Keys and names are texts, looked up by their bytes: whatever they look like, they are no paths and no patterns. */
import { Effect } from "effect"
import { identifierBytesMax } from "../../Snapshot.ts"
import { expectEqual, expectThat, type Suite } from "../Suite.ts"
import { forest, key, name, namesOf, type Needs, statement } from "./bench.ts"

const oddKeys = [
  "a/b",
  "../../etc/passwd",
  ".",
  "..",
  "/",
  "//",
  "a\nb",
  "trailing ",
  " leading",
  "A",
  "a",
  "\u00e9",
  "e\u0301",
  "k8s.io/187/extract-372900651-O5aX sha256:4a9c",
  "🙂",
  "日本",
  "\\",
  "*",
  "-rf",
  "%2e",
  "__proto__",
  "\u0001",
  "\u202e",
  "\ufeffa",
  "null",
  "0",
  "\"quoted\"",
  "x".repeat(5_000),
  "é".repeat(identifierBytesMax / 2),
  "\ufffd"
]

const sorted = (texts: ReadonlyArray<string>): ReadonlyArray<string> => [...texts].sort()

export const keyCases: Suite<Needs> = [
  statement(
    "keys and names are the same if and only if their bytes are, and all come back as they were",
    ({ open, store }) =>
      Effect.gen(function*() {
        for (const odd of oddKeys) {
          const labels = { of: odd.slice(0, 100) }
          yield* store.prepare(key(odd), { labels })
          yield* expectEqual("the key", (yield* store.stat(key(odd))).labels, labels)
        }
        yield* expectEqual("all keys", namesOf(yield* forest(store)), sorted(oddKeys))
        const names = oddKeys.map((odd, n) => n % 2 === 0 ? odd : `${odd.slice(0, 5_000)}!`)
        for (const [n, odd] of oddKeys.entries()) {
          const as = names[n] ?? odd
          if (as === odd) yield* store.update(key(odd), { patch: { unchanged: "yes" } })
          else yield* store.commit(name(as), key(odd))
        }
        const reopened = yield* open()
        yield* expectEqual("all names", namesOf(yield* forest(reopened)), sorted(names))
        for (const as of names) {
          yield* expectEqual("the name", (yield* reopened.stat(name(as))).name, as)
          yield* reopened.remove(name(as))
        }
        yield* expectEqual("the forest", yield* forest(store), [])
      })
  ),
  statement(
    "the longest key that is allowed works as key, as name and as parent",
    ({ store }) =>
      Effect.gen(function*() {
        const [longKey, longName] = ["k".repeat(identifierBytesMax), "n".repeat(identifierBytesMax)]
        yield* store.prepare(key(longKey))
        yield* store.commit(name(longName), key(longKey))
        yield* store.prepare(key(longKey), { parent: name(longName) })
        const { parent } = yield* store.stat(key(longKey))
        yield* expectThat("its parent is the other one", parent === longName)
      })
  )
]
