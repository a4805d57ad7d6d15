/** One program on both machines: each layer is made through a mount over those before it, then all are seen read-only. */
import { mountsOf } from "@snapshotter/core/Mount"
import { Mounter } from "@snapshotter/core/Mounter"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect } from "effect"
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { find } from "../../packages/memory-fs/src/internal/lookup.ts"
import { type Call, type Program, render, type Slot } from "./call.ts"
import { choose } from "./choose.ts"
import { type Label, labelsOf, pictureOf } from "./labels.ts"
import { answerOf, type Machine, memoryMachine, realMachine } from "./machine.ts"
import { makeMark } from "./mark.ts"
import { age, Identities, layerTree, memoryXattrs, realXattrs, seenTree } from "./tree.ts"

/** On tmpfs where there is one: it is fast, and never gives an inode number out twice. */
const place = ["/dev/shm", "/tmp"].find((path) => Fs.existsSync(path)) ?? "/tmp"

/** Where a program works; nothing of it is left. */
const workplace = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(`${place}/snapshotter-overlay-`))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
)

/** What a run counts. */
export interface Counts {
  readonly labels: Map<Label, number>
  calls: number
  refused: number
}

export const compare = (program: Program, counts: Counts): Effect.Effect<void, never, Mounter> =>
  Effect.orDie(Effect.scoped(Effect.gen(function*() {
    const top = yield* workplace
    const volume = MemoryVolume.make()
    const both: Both = { volume, real: realMachine(), memory: memoryMachine(volume), top, counts, done: [] }
    const options = program.userxattr ? ["userxattr"] : []
    const makeDirectory = (path: string) =>
      Effect.andThen(
        Effect.sync(() => Fs.mkdirSync(path, { mode: 0o755 })),
        MemoryFileSystem.make(volume, { umask: 0o022 }).makeDirectory(path, { recursive: true, mode: 0o755 })
      )
    yield* MemoryFileSystem.make(volume, { umask: 0o022 }).makeDirectory(top, { recursive: true })
    yield* makeDirectory(`${top}/target`)
    for (const [i, calls] of program.layers.entries()) {
      for (const name of [`layer${i}`, `work${i}`]) yield* makeDirectory(`${top}/${name}`)
      if (i > 0) yield* Effect.scoped(mounted(both, i, true, calls, options))
      else yield* Effect.promise(() => perform(both, `${top}/layer0`, calls))
      if (i > 0) expectSame(both, `layer ${i}`, layerOf(both, i))
      for (const mark of program.marks[i] ?? []) {
        const made = makeMark(volume, `${top}/layer${i}`, mark, program.userxattr)
        if (made) both.done.push(`by hand: ${mark.kind} ${mark.path}`)
        if (made) count(counts, `by hand: ${mark.kind}`)
      }
      age(both.real, `${top}/layer${i}`)
      age(both.memory, `${top}/layer${i}`)
    }
    yield* Effect.scoped(mounted(both, program.layers.length, false, program.readOnly, options))
  })))

interface Both {
  readonly volume: MemoryVolume.MemoryVolume
  readonly real: Machine
  readonly memory: Machine
  readonly top: string
  readonly counts: Counts
  /** What has been done, for messages. */
  readonly done: Array<string>
}

const mounted = Effect.fnUntraced(
  function*(both: Both, upper: number, writable: boolean, calls: ReadonlyArray<Call>, options: ReadonlyArray<string>) {
    const { top, volume } = both
    const layers = Array.from({ length: upper }, (_, i) => `${top}/layer${upper - 1 - i}`)
    // A view of one layer is a bind; here it is an overlay of that layer and an empty one.
    const parents = writable || upper > 1 ? layers : [...layers, `${top}/work0`]
    const mounts = mountsOf({ writable, layer: `${top}/layer${upper}`, work: `${top}/work${upper}`, parents }, options)
    const real = yield* Mounter
    yield* real.mount(mounts, `${top}/target`)
    yield* MemoryMounter.make(volume).mount(mounts, `${top}/target`)
    both.done.push(writable ? `-- layer ${upper}` : "-- read-only")
    const ofReal = new Identities(options.includes("userxattr"))
    const ofMemory = new Identities(options.includes("userxattr"))
    const look = (when: string) => {
      const inReal = seenTree(both.real, `${top}/target`, ofReal)
      const inMemory = seenTree(both.memory, `${top}/target`, ofMemory)
      expectSame(both, `the tree ${when}`, [inReal, inMemory])
    }
    look("at first")
    yield* Effect.promise(() => perform(both, `${top}/target`, calls))
    look("in the end")
    both.real.closeAll()
    both.memory.closeAll()
  }
)

const perform = async (both: Both, root: string, calls: ReadonlyArray<Call>): Promise<void> => {
  const { counts, memory, real, volume } = both
  const open = new Map<Slot, { readonly path: string; readonly inode: unknown }>()
  for (const template of calls) {
    const call = choose(volume, root, [...open.values()].map(({ path }) => path), template)
    const before = pictureOf(volume, root, call)
    const [expected, actual] = [await answerOf(real, root, call), await answerOf(memory, root, call)]
    both.done.push(render(call))
    expectSame(both, render(call), [expected, actual])
    const found = [...labelsOf(before, pictureOf(volume, root, call), call, actual)]
    if (call._tag === "open" && !("failed" in actual)) {
      open.set(call.slot, { path: call.path, inode: realInode(both, root, call.path) })
    }
    if (call._tag === "close") open.delete(call.slot)
    const opened = call._tag === "readOpen" ? open.get(call.slot) : undefined
    if (opened !== undefined) {
      const now = realInode(both, root, opened.path)
      if (now === undefined) found.push("open file unlinked")
      else if (now !== opened.inode) found.push("open file copied up")
    }
    counts.calls++
    if ("failed" in actual) counts.refused++
    for (const label of found) count(counts, label)
  }
  real.closeAll()
  memory.closeAll()
}

const count = ({ labels }: Counts, label: Label): void => {
  labels.set(label, (labels.get(label) ?? 0) + 1)
}

/** In which inode of which layer a file lies. */
const realInode = ({ volume }: Both, root: string, path: string): unknown => {
  try {
    return find(volume, `${root}/${path}`, true).at?.link.getNode()
  } catch {
    return undefined
  }
}

const layerOf = ({ memory, real, top, volume }: Both, number: number) =>
  [
    layerTree(real, `${top}/layer${number}`, realXattrs),
    layerTree(memory, `${top}/layer${number}`, memoryXattrs(volume))
  ] as const

const expectSame = (both: Both, what: string, [real, memory]: readonly [unknown, unknown]): void => {
  assert.deepEqual(memory, real, new Error(describe(both, what, real, memory)))
}

const describe = (both: Both, what: string, real: unknown, memory: unknown): string =>
  [
    `${what} differs`,
    `the kernel:\n${text(real)}`,
    `memory-fs:\n${text(memory)}`,
    `after:\n${both.done.join("\n")}`
  ].join("\n\n")

const text = (value: unknown): string => Array.isArray(value) ? value.join("\n") : JSON.stringify(value)
