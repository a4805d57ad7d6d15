/** What every case on a `Mounter` has at hand: the ports, and layers and targets in the case's own directory. */
import { Effect, FileSystem, Logger, type Scope } from "effect"
import { idFromNumber } from "../../IdSource.ts"
import { type Mounts, mountsOf } from "../../Mount.ts"
import { type LayerUse, Mounter } from "../../Mounter.ts"
import { StoreFileSystem } from "../../StoreFileSystem.ts"
import { type Case, expectEqual, failureOf, Workplace } from "../Suite.ts"

export type Needs = Mounter | StoreFileSystem | Workplace | FileSystem.FileSystem

/** What a case has at hand. `at` leads from names to paths in the workplace. */
export interface Place {
  readonly mounter: Mounter
  readonly store: StoreFileSystem
  readonly files: FileSystem.FileSystem
  readonly at: (name?: string) => string
  /** Ids as a store gives them, the same in no two workplaces; the directory that holds a layer is named by one. */
  readonly idOf: (number: number) => string
}

export const statement = <E>(
  name: string,
  test: (place: Place) => Effect.Effect<void, E, Scope.Scope>
): Case<Needs> => ({
  name,
  test: Effect.gen(function*() {
    const { directory } = yield* Workplace
    const store = yield* StoreFileSystem
    const real = yield* store.realPath(directory)
    const at = (name?: string) => name === undefined ? real : `${real}/${name}`
    const ids = hashOf(real) << 16n
    const idOf = (number: number) => idFromNumber(ids + BigInt(number))
    yield* test({ mounter: yield* Mounter, files: yield* FileSystem.FileSystem, store, at, idOf })
  })
})

/** FNV-1a, of 48 bits. */
const hashOf = (text: string): bigint =>
  [...text].reduce(
    (hash, character) => ((hash ^ BigInt(character.codePointAt(0) ?? 0)) * 0x100000001b3n) & 0xffff_ffff_ffffn,
    0xcbf29ce484222325n
  )

/** Makes a layer as a store has it, with one file of that text, and gives its path. */
export const makeLayer = Effect.fnUntraced(
  function*({ store, at, idOf }: Place, number: number, text: string, name = "file") {
    const holder = at(idOf(number))
    yield* store.makeDirectory(holder, 0o700)
    yield* store.makeDirectory(`${holder}/fs`, 0o755)
    yield* store.makeDirectory(`${holder}/work`, 0o711)
    yield* store.writeFile(`${holder}/fs/${name}`, text, 0o644)
    return `${holder}/fs`
  }
)

export const makeLayers = (place: Place, count: number) =>
  Effect.forEach(Array.from({ length: count }), (_, i) => makeLayer(place, i, `${i}`, `file${i}`))

export const makeTarget = Effect.fnUntraced(function*({ store, at }: Place, name = "target") {
  yield* store.makeDirectory(at(name), 0o755)
  return at(name)
})

export const bind = (source: string, writable: boolean): Mounts => [
  { type: "bind", source, options: [writable ? "rw" : "ro", "rbind"] }
]

export const overlay = (
  writable: string | undefined,
  parents: ReadonlyArray<string>,
  extra: ReadonlyArray<string> = []
) =>
  writable === undefined
    ? mountsOf({ writable: false, layer: "/nowhere", work: "/nowhere", parents }, extra)
    : mountsOf({ writable: true, layer: writable, work: writable.replace(/fs$/, "work"), parents }, extra)

/** What is mounted on exactly these paths. */
export const mountedOn = ({ mounter }: Place, target: string) =>
  Effect.map(mounter.mounted, (mounts) => mounts.filter((mount) => mount.target === target))

export const expectNothingMounted = (place: Place) =>
  Effect.flatMap(
    place.mounter.mounted,
    (mounts) => expectEqual("what is mounted", mounts.filter(({ target }) => target.startsWith(`${place.at()}/`)), [])
  )

export const expectUses = (place: Place, layer: string, expected: ReadonlyArray<LayerUse>) =>
  Effect.flatMap(place.mounter.uses(layer), (uses) => expectEqual("the uses", uses, expected))

export const expectRefusedWrite = ({ files }: Place, path: string) =>
  failureOf("writing", files.writeFileString(path, "new"))

/** What is logged while it runs. */
export const loggedBy = <A, E>(effect: Effect.Effect<A, E>): Effect.Effect<ReadonlyArray<string>, E> => {
  const lines: Array<string> = []
  const logger = Logger.make<unknown, void>(({ message }) => void lines.push(String(message)))
  return Effect.as(Effect.provide(effect, Logger.layer([logger])), lines)
}

/** Runs in a scope of its own, closed before it goes on. */
export const inScope = <A, E>(effect: Effect.Effect<A, E, Scope.Scope>): Effect.Effect<A, E> => Effect.scoped(effect)

/** Each is special to somebody on the way: to the shell, to option strings, to mountinfo. */
export const oddNames = [
  "a:b",
  "a::b",
  "a,b",
  "a\\b",
  "a\\:b",
  "\\040",
  "\\134",
  "a b",
  "a\nb",
  "a\tb",
  "a\"b",
  "a'b",
  "a=b",
  "a#b",
  "é",
  "🙂",
  "upperdir=x,lowerdir=y:z",
  "-",
  "deleted//",
  "x".repeat(200)
].map((name) => name.replaceAll("/", ""))

export const withOddRoot = Effect.fnUntraced(function*(place: Place, name: string) {
  yield* place.store.makeDirectory(place.at(name), 0o755)
  return { ...place, at: (inner?: string) => place.at(inner === undefined ? name : `${name}/${inner}`) }
})
