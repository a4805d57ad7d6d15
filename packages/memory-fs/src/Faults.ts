/**
 * Faults at the ports: any `StoreFileSystem` and any `Mounter`, wrapped so that chosen calls fail, hang, or are the last
 * ones of their process; and faults of a simulated disk, at each inner step of what a call asks of it.
 *
 * A call is a value, and an injector a pure function from calls to what becomes of them. What is wrapped by one `Faults`
 * is one simulated process: its calls are numbered together, and when it dies, all of it dies.
 *
 * {@link everyCall} is the loop that goes through all of them: it lets the first call of a program meet a fate, then the
 * second, until a run meets none. {@link everyStep} does the same with the steps of the disk, a program's own writes among
 * them.
 *
 * ```ts
 * import { Fork, Snapshot } from "@snapshotter/core"
 * import { Faults, MemorySnapshotter } from "@snapshotter/memory-fs"
 * import { Effect, FileSystem } from "effect"
 *
 * const [key, name] = [Snapshot.Key.make("work"), Snapshot.Name.make("done")]
 *
 * // A program of yours, all or nothing: whatever fails, its fork is gone or committed.
 * const program = Fork.committed({ key }, name, (directory) =>
 *   FileSystem.FileSystem.use((fs) => fs.writeFileString(`${directory}/a`, "1")))
 *
 * const cases = Faults.everyStep((n) => Faults.atStep(n, { fail: "ENOSPC" }), (faults) =>
 *   Effect.exit(program).pipe(
 *     Effect.provide(MemorySnapshotter.layerWith({ faults }), { local: true })
 *   ))
 *
 * Effect.runPromise(cases).then(console.log)
 * ```
 *
 * On real ports calls can be made to fail or hang. A process that is real does not die of this: what it holds, it holds.
 *
 * Two things are no calls of their own, because they cannot fail: the release of a lock, and the unmounting at the end of
 * a mount's scope. In a dead process they do not happen, and die.
 */
import { Mounter, MountFailed } from "@snapshotter/core/Mounter"
import { FileSystemError, type HeldLock, StoreFileSystem } from "@snapshotter/core/StoreFileSystem"
import { Effect, Layer, Schema, Scope } from "effect"
import type { DiskStep } from "./MemoryVolume.ts"

/** One call of a port. */
export interface Call {
  /** Counted from 1. */
  readonly index: number
  readonly port: "StoreFileSystem" | "Mounter" | "other"
  /** A method of the port; of another one, what {@link Faults.call} was told. */
  readonly operation: string
  /** The paths that the call was given, in its order. */
  readonly paths: ReadonlyArray<string>
}

/** One step of a simulated disk: a name, attributes or contents that are to change, or a wait for all of it. */
export interface Step extends DiskStep {
  /** Counted from 1, whatever call it is part of. */
  readonly index: number
}

/**
 * What becomes of a call:
 *
 * - `pass`: it is performed.
 * - `{ fail: code }`: it is not performed, and fails with this errno.
 * - `{ failHalfway: code }`: as much of it is performed as a call may leave behind that is not one step, then it fails.
 * - `dieBefore`, `dieHalfway`, `dieAfter`: the process dies before, in the middle of, or after performing it.
 * - `hang`: it never ends. It can be interrupted.
 * - `{ before: effect }`: something else happens first, then it is performed; `{ after: effect }`: it is performed, and
 *   something else happens before whoever called is answered. What the effect ends with counts for nothing.
 *
 * Halfway, `writeFile` has written half of its text, `removeTree` has removed half of the names in the directory,
 * `copyDirectoryAttributes` has set the mode, and `sync` has not begun (its operation is `openForSync` then); of any other
 * call nothing has happened.
 */
export type Fate =
  | "pass"
  | "hang"
  | "dieBefore"
  | "dieHalfway"
  | "dieAfter"
  | { readonly fail: string }
  | { readonly failHalfway: string }
  | { readonly before: Effect.Effect<unknown, unknown> }
  | { readonly after: Effect.Effect<unknown, unknown> }

/** Decides what becomes of each call, when it is made. Asked once for each, in their order, as long as the process lives. */
export type Injector = (call: Call) => Fate

/** What becomes of a step: it is done; it is not, and the call fails with this errno; the process dies before it. */
export type StepFate = "pass" | "dieBefore" | { readonly fail: string }

/** The same of each step of the disk. */
export type StepInjector = (step: Step) => StepFate

/** The defect with which every call of a dead process ends. */
export class ProcessDied extends Error {
  override readonly name = "ProcessDied"
  /** The call, or the step of one, at which it died. */
  readonly call: Call | Step
  constructor(call: Call | Step, fate: string) {
    super(`the process died: ${fate} at ${renderCall(call)}`)
    this.call = call
  }
}

/** The calls that can be left half done: the others happen wholly or not at all. */
export const canBeHalfDone = ({ operation, port }: Call): boolean =>
  port === "StoreFileSystem" && halfDone.has(operation)

const halfDone: ReadonlySet<string> = new Set<keyof StoreFileSystem>([
  "writeFile",
  "removeTree",
  "copyDirectoryAttributes",
  "sync"
])

// ============================================================ injectors

/** Every call passes. */
export const noFaults: Injector = () => "pass"

/** The n-th call, counted from 1, meets this fate. */
export const at = (n: number, fate: Fate): Injector => ({ index }) => index === n ? fate : "pass"

/** The n-th call and all after it. */
export const from = (n: number, fate: Fate): Injector => ({ index }) => index >= n ? fate : "pass"

/** The n-th step of the disk, counted from 1, meets this fate. */
export const atStep = (n: number, fate: StepFate): StepInjector => ({ index }) => index === n ? fate : "pass"

/** The n-th step and all after it. */
export const fromStep = (n: number, fate: StepFate): StepInjector => ({ index }) => index >= n ? fate : "pass"

/** Only calls that `concerns` names are given to the injector. */
export const when = (concerns: (call: Call) => boolean, injector: Injector): Injector => (call) =>
  concerns(call) ? injector(call) : "pass"

/** The first injector that does not let the call pass decides. */
export const firstOf = (...injectors: ReadonlyArray<Injector>): Injector => (call) => {
  for (const injector of injectors) {
    const fate = injector(call)
    if (fate !== "pass") return fate
  }
  return "pass"
}

// ============================================================ the simulated process

/** A call that was made, and what became of it. */
export interface TracedCall {
  readonly call: Call
  /** `dead` where the process had died before. */
  readonly fate: Fate | "dead"
}

export interface Faults {
  /** The port as this process has it: each of its calls meets what the injector says, and none is made once it is dead. */
  readonly storeFileSystem: (inner: StoreFileSystem) => StoreFileSystem
  /** The same; what the dead process had mounted stays mounted. */
  readonly mounter: (inner: Mounter) => Mounter
  /** A call of some other port: `fail` makes the failure that it would answer with this errno. */
  readonly call: <A, E, R>(
    operation: string,
    paths: ReadonlyArray<string>,
    perform: Effect.Effect<A, E, R>,
    fail: (code: string) => E
  ) => Effect.Effect<A, E, R>
  /** For `MemoryVolume.make({ onStep })`: then the steps of that disk are numbered too. */
  readonly onStep: (step: DiskStep) => string | undefined
  /** While it runs, no call and no step of this process is numbered or meets anything: for setting up, and for judging. */
  readonly spare: <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>
  /** How many calls were made before the process died, the one at which it died included. */
  readonly calls: () => number
  /** The same of steps. */
  readonly steps: () => number
  /** How many calls and steps did not simply pass. A fault test that injected nothing has tested nothing. */
  readonly injected: () => number
  readonly isDead: () => boolean
  /** Every call so far, those of the dead process too. */
  readonly trace: () => ReadonlyArray<TracedCall>
  /** The trace as text, a line for each call, and for each step that did not pass. */
  readonly render: () => string
}

/** A new simulated process, alive, with no calls yet. */
export const make = (injector: Injector = noFaults, stepInjector: StepInjector = () => "pass"): Faults => {
  const trace: Array<TracedCall> = []
  const lines: Array<() => string> = []
  let calls = 0
  let steps = 0
  let injected = 0
  let spared = 0
  let death: ProcessDied | undefined

  const note = (traced: TracedCall) => {
    trace.push(traced)
    lines.push(() => renderTraced(traced))
  }

  const die = (call: Call, fate: string) =>
    Effect.suspend(() => {
      death = new ProcessDied(call, fate)
      return Effect.die(death)
    })

  const unlessDead = <A, E, R>(effect: Effect.Effect<A, E, R>): Effect.Effect<A, E, R> =>
    Effect.suspend(() => death === undefined ? effect : Effect.die(death))

  const meet: Meet = (port, operation, paths, call) =>
    Effect.suspend(() => {
      if (death !== undefined) {
        note({ call: { index: calls + 1, port, operation, paths }, fate: "dead" })
        return Effect.die(death)
      }
      if (spared > 0) return call.perform
      const made: Call = { index: ++calls, port, operation, paths }
      const fate = injector(made)
      note({ call: made, fate })
      if (fate === "pass") return call.perform
      injected++
      if (fate === "hang") return Effect.never
      if (fate === "dieBefore") return die(made, "before")
      // A call that fails by itself has ended as well, so the process dies after it all the same.
      if (fate === "dieAfter") return Effect.andThen(Effect.exit(call.perform), die(made, "after"))
      const halfway = Effect.exit(call.halfway ?? Effect.void)
      if (fate === "dieHalfway") return Effect.andThen(halfway, die(made, "halfway"))
      if ("fail" in fate) return call.fail(fate.fail)
      if ("failHalfway" in fate) {
        return Effect.andThen(halfway, (call.failHalfway ?? call.fail)(fate.failHalfway))
      }
      return "before" in fate
        ? Effect.andThen(Effect.exit(fate.before), call.perform)
        : Effect.flatMap(Effect.exit(call.perform), (exit) => Effect.andThen(Effect.exit(fate.after), exit))
    })

  const onStep = (diskStep: DiskStep): string | undefined => {
    if (death !== undefined) throw death
    if (spared > 0) return undefined
    const step: Step = { ...diskStep, index: ++steps }
    const fate = stepInjector(step)
    if (fate === "pass") return undefined
    injected++
    lines.push(() => `  ${renderCall(step)} → ${typeof fate === "string" ? fate : fate.fail}`)
    if (fate !== "dieBefore") return fate.fail
    death = new ProcessDied(step, "before")
    throw death
  }

  return {
    storeFileSystem: (inner) => faultyStoreFileSystem(inner, meet, unlessDead),
    mounter: (inner) => faultyMounter(inner, meet, unlessDead),
    call: (operation, paths, perform, fail) =>
      meet("other", operation, paths, { perform, fail: (code) => Effect.fail(fail(code)) }),
    onStep,
    spare: (effect) =>
      Effect.acquireUseRelease(
        Effect.sync(() => void spared++),
        () => effect,
        () => Effect.sync(() => void spared--)
      ),
    calls: () => calls,
    steps: () => steps,
    injected: () => injected,
    isDead: () => death !== undefined,
    trace: () => trace,
    render: () => lines.map((line) => line()).join("\n")
  }
}

// ============================================================ all of them, one after another

/** In none of its runs did the program make a call, or a step, that met anything: nothing was tested. */
export class NothingInjected extends Schema.TaggedError<NothingInjected>()("NothingInjected", {
  runs: Schema.Number,
  /** What was gone through: by `everyCall` the calls, by `everyStep` the steps. */
  of: Schema.Literals(["calls", "steps"])
}) {
  override get message() {
    return `${this.runs} ${this.runs === 1 ? "run" : "runs"} of the program met no fault: ${remedies[this.of]}`
  }
}

const remedies = {
  calls:
    "everyCall sees the calls of a store's ports that these faults wrap and do not spare; a program that only uses " +
    "Effect's FileSystem is reached by everyStep, with MemoryFileSystem.make(MemoryVolume.make({ onStep: faults.onStep }))",
  steps:
    "everyStep sees what changes a volume that is made with MemoryVolume.make({ onStep: faults.onStep }), or waits for " +
    "its disk, and is not spared; reading is no step, and fails by Faults.call"
}

/**
 * Runs a program again and again: its first call meets a fate, then its second, and so on, until a run makes fewer calls.
 * Returns how many runs met one.
 *
 * The program is given the process whose ports it is to use, and the number of the call. It makes a machine of its own, does
 * what is tested, and judges what came of it; what is none of that runs in {@link Faults.spare}. A failure of it ends the
 * loop: {@link Faults.render} tells the story.
 *
 * Each run has to end. A call that meets `hang` does not, so with that fate the program has to interrupt what it tests. One that
 * tries again until it succeeds does not either, where all calls from the n-th on fail.
 */
export const everyCall = <E, R>(
  injectorAt: (n: number) => Injector,
  program: (faults: Faults, n: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<number, E | NothingInjected, R> => sweep("calls", (n) => make(injectorAt(n)), program)

/**
 * The same with the steps of the disk, which the program's volume tells by {@link Faults.onStep}: what changes it, or waits for
 * it, whichever port that came through. Reading is no step: what reads fails by {@link Faults.call}.
 */
export const everyStep = <E, R>(
  injectorAt: (n: number) => StepInjector,
  program: (faults: Faults, n: number) => Effect.Effect<unknown, E, R>
): Effect.Effect<number, E | NothingInjected, R> => sweep("steps", (n) => make(noFaults, injectorAt(n)), program)

const sweep = <E, R>(
  of: NothingInjected["of"],
  makeAt: (n: number) => Faults,
  program: (faults: Faults, n: number) => Effect.Effect<unknown, E, R>
) =>
  Effect.gen(function*() {
    let cases = 0
    for (let n = 1;; n++) {
      const faults = makeAt(n)
      yield* program(faults, n)
      if (faults.injected() > 0) cases++
      if (faults[of]() >= n) continue
      return cases > 0 ? cases : yield* new NothingInjected({ runs: n, of })
    }
  })

// ============================================================ as layers

/** The ports of a backend, whichever it is, with what happens to their calls. */
export const layer = (
  faults: Faults
): Layer.Layer<StoreFileSystem | Mounter, never, StoreFileSystem | Mounter> =>
  Layer.merge(
    Layer.effect(StoreFileSystem, Effect.map(StoreFileSystem, faults.storeFileSystem)),
    Layer.effect(Mounter, Effect.map(Mounter, faults.mounter))
  )

type Meet = <A, E, R>(
  port: Call["port"],
  operation: Call["operation"],
  paths: ReadonlyArray<string>,
  call: {
    readonly perform: Effect.Effect<A, E, R>
    readonly halfway?: Effect.Effect<unknown, unknown>
    readonly fail: (code: string) => Effect.Effect<never, E>
    /** Where it says otherwise how it failed. */
    readonly failHalfway?: (code: string) => Effect.Effect<never, E>
  }
) => Effect.Effect<A, E, R>

type UnlessDead = <A, E, R>(effect: Effect.Effect<A, E, R>) => Effect.Effect<A, E, R>

// ============================================================ StoreFileSystem

const faultyStoreFileSystem = (inner: StoreFileSystem, meet: Meet, unlessDead: UnlessDead): StoreFileSystem => {
  const call = <A>(
    operation: keyof StoreFileSystem,
    paths: ReadonlyArray<string>,
    perform: Effect.Effect<A, FileSystemError>,
    halfway: Effect.Effect<unknown, unknown> = Effect.void
  ) =>
    meet("StoreFileSystem", operation, paths, {
      perform,
      halfway,
      fail: (code) => Effect.fail(new FileSystemError({ operation, path: paths[0] ?? "", code })),
      failHalfway: (code) =>
        Effect.fail(
          new FileSystemError({
            operation: operation === "sync" ? "openForSync" : operation,
            path: paths[0] ?? "",
            code
          })
        )
    })
  const whileAlive = (lock: HeldLock | undefined): HeldLock | undefined =>
    lock === undefined ? undefined : { release: unlessDead(lock.release) }
  return {
    realPath: (path) => call("realPath", [path], inner.realPath(path)),
    lstat: (path) => call("lstat", [path], inner.lstat(path)),
    readDirectory: (path) => call("readDirectory", [path], inner.readDirectory(path)),
    readFile: (path) => call("readFile", [path], inner.readFile(path)),
    readLink: (path) => call("readLink", [path], inner.readLink(path)),
    makeDirectory: (path, mode) => call("makeDirectory", [path], inner.makeDirectory(path, mode)),
    writeFile: (path, text, mode) =>
      call("writeFile", [path], inner.writeFile(path, text, mode), inner.writeFile(path, halfOf(text), mode)),
    symlink: (target, path) => call("symlink", [path], inner.symlink(target, path)),
    setMode: (path, mode) => call("setMode", [path], inner.setMode(path, mode)),
    exchange: (one, other) => call("exchange", [one, other], inner.exchange(one, other)),
    moveNoReplace: (from, to) => call("moveNoReplace", [from, to], inner.moveNoReplace(from, to)),
    removeFile: (path) => call("removeFile", [path], inner.removeFile(path)),
    removeTree: (path) => call("removeTree", [path], inner.removeTree(path), removeHalf(inner, path)),
    copyDirectoryAttributes: (from, to) =>
      call(
        "copyDirectoryAttributes",
        [from, to],
        inner.copyDirectoryAttributes(from, to),
        copyMode(inner, from, to)
      ),
    usage: (path) => call("usage", [path], inner.usage(path)),
    sync: (targets) => call("sync", targets.map(({ path }) => path), inner.sync(targets)),
    tryLock: (directory) => call("tryLock", [directory], Effect.map(inner.tryLock(directory), whileAlive)),
    overlayXattrs: (directory) => call("overlayXattrs", [directory], inner.overlayXattrs(directory)),
    fileSystemType: (path) => call("fileSystemType", [path], inner.fileSystemType(path)),
    syncFailures: inner.syncFailures
  }
}

const halfOf = (text: string): string => text.slice(0, Math.floor(text.length / 2))

const removeHalf = (inner: StoreFileSystem, path: string) =>
  Effect.flatMap(
    inner.readDirectory(path),
    (names) =>
      Effect.forEach(names.slice(0, Math.ceil(names.length / 2)), (name) => inner.removeTree(`${path}/${name}`))
  )

const copyMode = (inner: StoreFileSystem, from: string, to: string) =>
  Effect.flatMap(inner.lstat(from), (entry) => entry === undefined ? Effect.void : inner.setMode(to, entry.mode))

// ============================================================ Mounter

const faultyMounter = (inner: Mounter, meet: Meet, unlessDead: UnlessDead): Mounter => {
  const call = <A, E, R>(
    operation: keyof Mounter,
    kernelOperation: MountFailed["operation"],
    paths: ReadonlyArray<string>,
    perform: Effect.Effect<A, E | MountFailed, R>
  ) =>
    meet<A, E | MountFailed, R>("Mounter", operation, paths, {
      perform,
      fail: (code) =>
        Effect.fail(
          new MountFailed({ operation: kernelOperation, target: paths[0] ?? "", code, reason: "a fault was injected" })
        )
    })
  return {
    mount: (mounts, target) =>
      call(
        "mount",
        "mount",
        [target],
        Effect.gen(function*() {
          const outer = yield* Effect.scope
          const own = yield* Scope.make()
          yield* Scope.addFinalizerExit(outer, (exit) => unlessDead(Scope.close(own, exit)))
          yield* Scope.provide(inner.mount(mounts, target), own)
        })
      ),
    unmount: (target) => call("unmount", "unmount", [target], inner.unmount(target)),
    mounted: call("mounted", "read mounts", [], inner.mounted),
    uses: (layer) => call("uses", "read mounts", [layer], inner.uses(layer))
  }
}

// ============================================================ as text

const renderCall = (made: Call | Step): string => {
  if ("text" in made) return `step ${made.index} ${made.text}`
  return `${made.index} ${made.operation} ${made.paths.map((path) => JSON.stringify(path)).join(" ")}`.trimEnd()
}

const renderTraced = ({ call, fate }: TracedCall): string =>
  fate === "pass" ? renderCall(call) : `${renderCall(call)} → ${renderFate(fate)}`

const renderFate = (fate: Fate | "dead"): string => {
  if (typeof fate === "string") return fate
  if ("fail" in fate) return fate.fail
  if ("failHalfway" in fate) return `halfway ${fate.failHalfway}`
  return "before" in fate ? "after something else" : "before something else"
}
