/** One program on both machines: each layer is made through a mount over those before it, then all are seen read-only. */
import { mountsOf } from "@snapshotter/core/Mount"
import { Mounter } from "@snapshotter/core/Mounter"
import { TreeFileSystem } from "@snapshotter/core/TreeFileSystem"
import * as MemoryFileSystem from "@snapshotter/memory-fs/MemoryFileSystem"
import * as MemoryMounter from "@snapshotter/memory-fs/MemoryMounter"
import * as MemoryTreeFileSystem from "@snapshotter/memory-fs/MemoryTreeFileSystem"
import * as MemoryVolume from "@snapshotter/memory-fs/MemoryVolume"
import { Effect, FileSystem } from "effect"
import * as assert from "node:assert/strict"
import * as Fs from "node:fs"
import { insidesOf, type Volume } from "../../packages/memory-fs/src/internal/volume.ts"
import { tmpfs } from "../tmpfs.ts"
import { type Call, type Program, render, type Slot } from "./call.ts"
import { choose, entryAt } from "./choose.ts"
import type { Exempting, Exemption } from "./exemptions.ts"
import { type Label, labelsOf, pictureOf, upperOf } from "./labels.ts"
import { answerOf, closeAll, type Machine, machineOf } from "./machine.ts"
import { makeMark } from "./mark.ts"
import { age, Identities, treeOf } from "./tree.ts"

/** Where a program works; nothing of it is left. */
const workplace = Effect.acquireRelease(
  Effect.sync(() => Fs.realpathSync(Fs.mkdtempSync(`${tmpfs()}/snapshotter-overlay-`))),
  (directory) => Effect.sync(() => Fs.rmSync(directory, { recursive: true }))
)

/** What a run counts. */
export interface Counts {
  readonly labels: Map<Label, number>
  readonly exempted: Map<Exemption, number>
  calls: number
  refused: number
}

export const emptyCounts = (): Counts => ({ labels: new Map(), exempted: new Map(), calls: 0, refused: 0 })

interface Both {
  readonly volume: Volume
  readonly real: Machine
  readonly memory: Machine
  readonly top: string
  readonly counts: Counts
  readonly exempting: Exempting
  /** What has been done, for messages. */
  readonly done: Array<string>
}

/** Dies at the first difference, with all that led to it. */
export const compare = (
  program: Program,
  counts: Counts
): Effect.Effect<void, never, Mounter | TreeFileSystem | FileSystem.FileSystem> =>
  Effect.orDie(Effect.scoped(Effect.gen(function*() {
    const both = yield* machines(program, counts)
    const { memory, real, top } = both
    yield* makeDirectory(both, `${top}/target`)
    for (const [i, calls] of program.layers.entries()) {
      const layer = `${top}/layer${i}`
      for (const directory of [layer, `${top}/work${i}`]) yield* makeDirectory(both, directory)
      if (i === 0) yield* perform(both, layer, calls)
      else yield* Effect.scoped(mounted(both, i, true, calls))
      yield* expectSame(
        both,
        `layer ${i}`,
        ({ tree }) => treeOf(tree, layer, { ...both, identities: new Identities(), inLayer: true })
      )
      for (const mark of program.marks[i] ?? []) {
        const made = yield* expectSame(
          both,
          `${mark.kind} ${mark.path} by hand`,
          ({ tree }) => makeMark(tree, layer, mark, program.userxattr)
        )
        both.done.push(`by hand: ${mark.kind} ${mark.path}`)
        if (made === "made") count(counts, `by hand: ${mark.kind}`)
      }
      for (const { tree } of [real, memory]) yield* age(tree, layer)
    }
    yield* Effect.scoped(mounted(both, program.layers.length, false, program.readOnly))
  })))

const machines = Effect.fnUntraced(function*({ userxattr }: Program, counts: Counts) {
  const top = yield* workplace
  const volume = insidesOf(MemoryVolume.make())
  const both: Both = {
    volume,
    real: machineOf(yield* TreeFileSystem, yield* FileSystem.FileSystem),
    memory: machineOf(
      MemoryTreeFileSystem.make(volume),
      MemoryFileSystem.make(volume, { umask: process.umask() })
    ),
    top,
    counts,
    exempting: { userxattr, used: counts.exempted },
    done: []
  }
  yield* both.memory.files.makeDirectory(top, { recursive: true })
  return both
})

const makeDirectory = ({ memory, real }: Both, path: string) =>
  Effect.forEach([real, memory], ({ tree }) => tree.makeDirectory(path, 0o755), { discard: true })

/** By how many layers lie below. */
const overLayers: ReadonlyArray<Label | undefined> = [
  undefined,
  "over 1 layer",
  "over 2 layers",
  "over 3 layers",
  "over 4 layers"
]

const mounted = Effect.fnUntraced(
  function*(both: Both, upper: number, writable: boolean, calls: ReadonlyArray<Call>) {
    const { exempting, top, volume } = both
    const layers = Array.from({ length: upper }, (_, i) => `${top}/layer${upper - 1 - i}`)
    // A view of one layer is a bind; here it is an overlay of that layer and an empty one.
    const parents = writable || upper > 1 ? layers : [...layers, `${top}/work0`]
    const options = exempting.userxattr ? ["userxattr"] : []
    const mounts = mountsOf({ writable, layer: `${top}/layer${upper}`, work: `${top}/work${upper}`, parents }, options)
    const target = `${top}/target`
    yield* (yield* Mounter).mount(mounts, target)
    yield* MemoryMounter.make(volume).mount(mounts, target)
    both.done.push(writable ? `-- layer ${upper}` : "-- read-only")
    const below = overLayers[upper]
    if (writable && below !== undefined) count(both.counts, below)
    const identities = new Map([both.real, both.memory].map((machine) => [machine, new Identities()]))
    const look = (when: string) =>
      expectSame(
        both,
        `the tree ${when}`,
        (machine) =>
          treeOf(machine.tree, target, {
            exempting,
            identities: identities.get(machine) ?? new Identities(),
            inLayer: false
          })
      )
    yield* look("at first")
    yield* perform(both, target, calls)
    yield* look("in the end")
  }
)

const perform = Effect.fnUntraced(function*(both: Both, root: string, calls: ReadonlyArray<Call>) {
  const { counts, exempting, volume } = both
  const open = new Map<Slot, { readonly path: string; readonly inode: unknown }>()
  const inode = (path: string) => entryAt(volume, `${root}/${path}`)?.getNode()
  let upper = upperOf(volume, root)
  for (const template of calls) {
    const call = choose(volume, root, open, template, exempting)
    const before = pictureOf(volume, root, call, upper)
    both.done.push(render(call))
    const answer = yield* expectSame(both, render(call), (machine) => answerOf(machine, root, call))
    upper = upperOf(volume, root)
    const found = [...labelsOf(before, pictureOf(volume, root, call, upper), call, answer, exempting.userxattr)]
    if (call._tag === "open" && "answered" in answer) open.set(call.slot, { path: call.path, inode: inode(call.path) })
    if (call._tag === "close") open.delete(call.slot)
    const opened = call._tag === "readOpen" ? open.get(call.slot) : undefined
    if (opened !== undefined) {
      const now = inode(opened.path)
      if (now === undefined) found.push("open file unlinked")
      else if (now !== opened.inode) found.push("open file copied up")
    }
    counts.calls++
    if ("failed" in answer) counts.refused++
    for (const label of found) count(counts, label)
  }
}, (performing, both) => Effect.ensuring(performing, Effect.andThen(closeAll(both.real), closeAll(both.memory))))

const count = ({ labels }: Counts, label: Label): void => {
  labels.set(label, (labels.get(label) ?? 0) + 1)
}

/** What the machine in memory answers, once the real one has answered the same. */
const expectSame = <A, E>(
  both: Both,
  what: string,
  ask: (machine: Machine) => Effect.Effect<A, E>
): Effect.Effect<A, E> =>
  Effect.gen(function*() {
    const real = yield* ask(both.real)
    const memory = yield* ask(both.memory)
    assert.deepEqual(memory, real, new Error(describe(both, what, real, memory)))
    return memory
  })

const describe = (both: Both, what: string, real: unknown, memory: unknown): string =>
  [
    `${what} differs`,
    `the kernel:\n${text(real)}`,
    `memory-fs:\n${text(memory)}`,
    `after:\n${both.done.join("\n")}`
  ].join("\n\n")

const text = (value: unknown): string => Array.isArray(value) ? value.join("\n") : JSON.stringify(value)
